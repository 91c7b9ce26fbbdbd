"""The replay of the first quarter of 2024.

    python -m deploy.replay [run|generate|send|check] [--data DIR] [--port-base N] [--json] [--output FILE]

run       generate, send, wait until all has settled, check (the default)
generate  only write the messages to DATA/replay
send      only send them, and wait until all has settled
check     only check a system that has taken them in

The system is the local one in DATA, or the one that the settings BUS_ADMIN_DATABASE, BUS_MASTER_KEY_FILE,
BUS_KAFKA and BUS_<SERVICE>_URL name. Exit code 0 when every figure that can be met is met and the independent
count agrees, 1 otherwise, 2 when something must be put right first.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from deploy.replay import run
from deploy.replay.generate import SEED
from deploy.replay.send import Progress as Tell
from deploy.replay.send import send
from deploy.replay.show import show_outcome, show_sent
from deploy.replay.target import ReplayError, Target, from_data, from_environment

notes = Console(stderr=True, highlight=False)
results = Console(highlight=False, width=None if sys.stdout.isatty() else 150)

STAGES = {
    "generate": "generating the quarter",
    "send": "sending facts",
    "settle": "settling",
    "count": "counting independently",
    "compare": "comparing windows",
}


def main() -> int:
    asked = _arguments().parse_args()
    try:
        with progress() as tell:
            said, holds = _carry_out(asked, tell)
    except ReplayError as error:
        notes.print(f"error: {error}", markup=False)
        return 2
    except KeyboardInterrupt:
        notes.print("Stopped.")
        return 130
    text = json.dumps(said, ensure_ascii=False, indent=2) + "\n"
    if asked.output is not None:
        asked.output.write_text(text, encoding="utf-8")
    if asked.json:
        sys.stdout.write(text)
    return 0 if holds else 1


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.replay",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="?", default="run", choices=("run", "generate", "send", "check"))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("BUS_DATA", ".data")))
    parser.add_argument("--port-base", type=int)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--json", action="store_true", help="print the result as JSON on standard output")
    parser.add_argument("--output", type=Path, help="also write the result as JSON to this file")
    return parser


def _carry_out(asked: argparse.Namespace, tell: Tell) -> tuple[dict[str, Any], bool]:
    """The command; answers its JSON and whether all is well."""
    if asked.command == "generate":
        folder = asked.data / "replay"
        folder.mkdir(parents=True, exist_ok=True)
        path, number = run.generate(folder, asked.seed)
        notes.print(f"{number} messages in {path}")
        return {"file": str(path), "messages": number}, True
    target: Target = from_environment(asked.data) or from_data(asked.data, asked.port_base)
    if asked.command == "send":
        path, number = run.generate(target.folder, asked.seed)
        sent = asyncio.run(send(path, number, target, tell))
        show_sent(notes if asked.json else results, sent)
        return run.sent_document(sent), not sent.answers.surprises
    if asked.command == "check":
        path, _ = run.generate(target.folder, asked.seed)
        outcome = run.examine(target, path, None, tell, asked.seed)
    else:
        outcome = run.replay(target, tell, asked.seed)
    show_outcome(notes if asked.json else results, outcome)
    return outcome.document(), outcome.holds


@contextmanager
def progress() -> Iterator[Tell]:
    """Bars with rate and time left on a terminal, one line per stage elsewhere."""
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=notes,
        disable=not notes.is_terminal,
    )
    tasks: dict[str, Any] = {}

    def tell(stage: str, done: int, total: int) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(STAGES.get(stage, stage), total=total, rate="")
            if not notes.is_terminal:
                notes.print(f"{STAGES.get(stage, stage)} …")
        task = tasks[stage]
        bars.update(task, completed=done, total=total)
        speed = next((t.speed for t in bars.tasks if t.id == task), None)
        bars.update(task, rate=f"{speed:,.0f}/s" if speed else "")

    with bars:
        yield tell


if __name__ == "__main__":
    sys.exit(main())
