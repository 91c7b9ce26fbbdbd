"""The replay from end to end, as `python -m deploy.replay` and `./run demo` call it."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.replay.assumptions import read_assumptions
from deploy.replay.check import Check, check
from deploy.replay.figures import read_figures
from deploy.replay.generate import SEED, read_file, write_file
from deploy.replay.observed import ScoringClient, observe
from deploy.replay.oracle import gather
from deploy.replay.refused import Refused, examine_refused
from deploy.replay.send import Progress, Sent, send, silent
from deploy.replay.target import ReplayError, Target
from deploy.replay.verify import Verification, verify, windows
from shared.register import shipped_register

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of this shell."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found. `sent` is None when only the check was asked for."""

    check: Check
    verification: Verification
    sent: Sent | None
    refused: Refused

    @property
    def holds(self) -> bool:
        """Whether every figure that can be met is met, the independent count agrees, and only what was
        meant to be refused was."""
        surprises = self.sent.answers.surprises if self.sent else 0
        agrees = not self.verification.found and self.refused.holds
        return not self.check.missed and agrees and not surprises

    def document(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {
            "holds": self.holds,
            **self.check.document(),
            "independent_count": self.verification.document(),
            "refused": self.refused.document(),
            "sent": None if self.sent is None else sent_document(self.sent),
        }


def sent_document(sent: Sent) -> dict[str, Any]:
    """What was sent, as JSON."""
    answers = sent.answers
    return {
        "messages": sent.messages,
        "over_http": sent.over_http,
        "over_kafka": sent.over_kafka,
        "sending_seconds": round(sent.sending_seconds, 2),
        "settling_seconds": round(sent.settling_seconds, 2),
        "requests": answers.requests,
        "requests_sent_again": answers.retries,
        "answers": dict(answers.results),
        "refused": dict(answers.refused),
        "unexpected": answers.surprises,
        "first_unexpected": answers.told,
    }


def generate(folder: Path, seed: int = SEED) -> tuple[Path, int]:
    """The generated file of this seed and version, made when it is missing; and how many messages it has."""
    path = folder / f"facts-{seed}-{version()}.ndjson.gz"
    counted = path.with_suffix(".count")
    if path.exists() and counted.exists():
        return path, int(counted.read_text(encoding="ascii"))
    for old in folder.glob("facts-*"):
        old.unlink()
    try:
        number = write_file(path, seed)
    except (OSError, ValueError) as error:
        raise ReplayError(f"The replay cannot be generated: {error}") from error
    counted.write_text(str(number), encoding="ascii")
    return path, number


def version() -> str:
    """Names everything the generated file follows from: this package and the register."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    register = here.parent.parent / "shared" / "register"
    for folder in (here, register):
        for file in sorted(folder.iterdir()):
            if file.suffix in (".py", ".yaml", ".csv"):
                digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:10]


def replay(target: Target, progress: Progress = silent, seed: int = SEED, now: Clock = utc_now) -> Outcome:
    """Generate, send, wait until settled, check. Raises ReplayError."""
    progress("generate", 0, 1)
    path, number = generate(target.folder, seed)
    progress("generate", 1, 1)
    sent = asyncio.run(send(path, number, target, progress))
    return examine(target, path, sent, progress, seed, now)


def examine(
    target: Target,
    path: Path,
    sent: Sent | None,
    progress: Progress = silent,
    seed: int = SEED,
    now: Clock = utc_now,
) -> Outcome:
    """Check the figures and compare the independent count with a system that has taken in `path`."""
    progress("count", 0, 1)
    oracle = gather(read_file(path), shipped_register())
    progress("count", 1, 1)
    client = ScoringClient(target.urls["scoring"])
    try:
        found = check(read_figures(), observe(client), read_assumptions())
        compared = verify(oracle, client, windows(seed), now, progress)
    finally:
        client.close()
    return Outcome(found, compared, sent, examine_refused(target.urls, read_file(path)))
