"""What the domain services refused and kept, held against the messages that were meant to be refused."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from deploy.replay.generate import Message
from deploy.replay.target import ReplayError

MODULES = ("content", "qa", "dossier")
PAGE = 500
MAX_TOLD = 20

Identity = tuple[str, str, str]
"""Module, source and id of a fact."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Rejections by reason; those that nobody expected; bad messages of which no rejection is kept."""

    by_reason: dict[str, int]
    expected: int
    unexpected: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.unexpected and not self.missing

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "by_reason": self.by_reason,
            "expected": self.expected,
            "unexpected": list(self.unexpected[:MAX_TOLD]),
            "missing": list(self.missing[:MAX_TOLD]),
        }


def examine_refused(urls: Mapping[str, str], messages: Iterable[Message]) -> Refused:
    """Compare. Only rejections of the replay's own publishers count. Raises ReplayError."""
    named, nameless = _meant(messages)
    reasons: Counter[str] = Counter()
    kept: Counter[Identity] = Counter()
    broken = 0
    unexpected = []
    for module in MODULES:
        for row in _rejections(urls[module]):
            reasons[row["reason"]] += 1
            if not row["id"]:
                broken += 1
                continue
            identity = (module, row["source"] or "", row["id"])
            kept[identity] += 1
            if identity not in named:
                unexpected.append(f"{module}: {row['source']} {row['id']} ({row['reason']}: {row['detail']})")
    missing = [" ".join(identity) for identity in sorted(named - kept.keys())]
    if broken < nameless:
        missing.append(f"{nameless - broken} messages that are not JSON")
    return Refused(dict(sorted(reasons.items())), len(named) + nameless, tuple(unexpected), tuple(missing))


def _meant(messages: Iterable[Message]) -> tuple[set[Identity], int]:
    """Who must be among the rejections, and how many that name nobody.

    A request over HTTP whose signature fails, or that is no JSON, is answered and not kept.
    """
    named: set[Identity] = set()
    nameless = 0
    for message in messages:
        if message.expect != "rejected" or (message.via == "http" and (message.forged or message.raw)):
            continue
        if message.raw is not None:
            nameless += 1
            continue
        event = msgspec.json.decode(message.event)
        named.add((message.module, event["source"], event["id"]))
    return named, nameless


def _rejections(url: str) -> Iterator[Mapping[str, Any]]:
    after: int | None = 0
    with httpx.Client(base_url=url, timeout=60.0) as client:
        while after is not None:
            try:
                answer = client.get("/v1/rejections", params={"after": after, "limit": PAGE})
            except httpx.TransportError as error:
                raise ReplayError(f"{url} cannot be reached: {error!r}") from error
            if answer.status_code != 200:
                raise ReplayError(f"{answer.url} answers {answer.status_code}: {answer.text[:300]}")
            page = answer.json()
            yield from page["rejections"]
            after = page["next"]
