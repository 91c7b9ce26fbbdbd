"""The facts as they are drafted: one envelope each, with how it travels and what should become of it.

A draft is encoded at once; what stays in memory per fact is its bytes and the few words that sending needs.
"""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

import msgspec

from deploy.replay.worktime import iso

Via = Literal["http", "kafka", "kafka-binary"]
Expect = Literal["accepted", "duplicate", "rejected"]
Phase = Literal["main", "after"]

DOSSIER_SYSTEM = "mot-cua-dien-tu"
"""The publisher that sends dossiers and procedures for every agency."""
QUESTION_DESK = "chuyen-muc-hoi-dap"
"""The publisher that sends the questions of every agency: the question section of the provincial portal."""

LATE_SHARE = 0.05
LATE_LEAST, LATE_MOST = 3_600, 5 * 86_400
"""One fact in twenty is sent hours or days late, so that later ones overtake it."""

_MODULE = {"question": "qa", "dossier": "dossier", "procedure": "dossier"}
_encode = msgspec.json.encode


def module_of(short_type: str) -> str:
    """The module that takes a fact type (not `fact.retracted`, which all three take)."""
    return _MODULE.get(short_type.partition(".")[0], "content")


@dataclass(frozen=True, slots=True)
class Reference:
    """A drafted fact by its identity, for a later retraction, repeat or conflict."""

    publisher: str
    module: str
    id: str
    key: str
    agency: str
    at: int


@dataclass(slots=True)
class Draft:
    """One message to send. `send_at` orders the replay; `body` is the event (or the garbage) itself."""

    send_at: int
    sequence: int
    publisher: str
    module: str
    key: str
    via: Via
    body: bytes
    expect: Expect = "accepted"
    why: str | None = None
    phase: Phase = "main"
    forged: bool = False


@dataclass(slots=True)
class Book:
    """Collects drafts. All chance comes from `random`, so one seed always writes the same book."""

    random: Random
    drafts: list[Draft] = field(default_factory=list)

    def fact(
        self,
        short_type: str,
        at: int,
        agency: str,
        entity: str,
        data: Mapping[str, Any],
        *,
        kind: str | None = None,
        publisher: str | None = None,
        step: str | None = None,
        lag: int | None = None,
    ) -> Reference:
        """Draft a fact that happened at `at`. Its id is `<entity>/<step>`; `lag` is how late it is sent."""
        module = module_of(short_type)
        sender = publisher or sender_of(module, agency)
        word = short_type.partition(".")[2]
        fact_id = f"{entity}/{step or word}"
        subject = f"{kind or short_type.partition('.')[0]}/{entity}"
        body = envelope(fact_id, sender, short_type, subject, at, {"agency": agency, **data})
        self._add(at, sender, module, entity, body, lag)
        return Reference(sender, module, fact_id, entity, agency, at)

    def retract(self, fact: Reference, at: int, reason: str, *, lag: int | None = None) -> Reference:
        """Draft the retraction of a fact, by whoever sent it."""
        fact_id = f"{fact.id}/retracted"
        data = {
            "agency": fact.agency,
            "retracts": {"source": f"/publishers/{fact.publisher}", "id": fact.id},
            "reason": reason,
        }
        body = envelope(fact_id, fact.publisher, "fact.retracted", f"fact/{fact.id}", at, data)
        self._add(at, fact.publisher, fact.module, fact.key, body, lag)
        return Reference(fact.publisher, fact.module, fact_id, fact.key, fact.agency, at)

    def _add(self, at: int, publisher: str, module: str, key: str, body: bytes, lag: int | None) -> None:
        chance = self.random.random
        delay = lag
        if delay is None:
            late = chance() < LATE_SHARE
            delay = int(LATE_LEAST + chance() * LATE_MOST) if late else int(chance() * 120)
        via = via_of(publisher, module, chance())
        self.drafts.append(Draft(at + delay, len(self.drafts), publisher, module, key, via, body))

    def extra(self, draft: Draft) -> None:
        """Add a message made by hand: a repeat, a conflict, or one that must be refused."""
        draft.sequence = len(self.drafts)
        self.drafts.append(draft)

    def in_order(self) -> list[Draft]:
        """All messages in the order of sending; conflicts after everything else."""
        return sorted(self.drafts, key=lambda d: (d.phase == "after", d.send_at, d.sequence))


def envelope(
    fact_id: str, publisher: str, short_type: str, subject: str, at: int, data: Mapping[str, Any]
) -> bytes:
    """A CloudEvent as bytes."""
    return _encode(
        {
            "specversion": "1.0",
            "id": fact_id,
            "source": f"/publishers/{publisher}",
            "type": f"vn.laocai.{short_type}.v1",
            "subject": subject,
            "time": iso(at),
            "datacontenttype": "application/json",
            "data": data,
        }
    )


def sender_of(module: str, agency: str) -> str:
    """Who sends for an agency: its own portal, the question desk or the dossier system."""
    if module == "dossier":
        return DOSSIER_SYSTEM
    return QUESTION_DESK if module == "qa" else agency


def via_of(publisher: str, module: str, chance: float) -> Via:
    """How a message travels: half over HTTP. A portal has one way of its own, the big systems use both."""
    over_http = zlib.crc32(publisher.encode()) % 2 == 0
    if module != "content":
        over_http = chance < 0.5
        chance = chance * 2 % 1
    if over_http:
        return "http"
    return "kafka" if chance < 0.5 else "kafka-binary"


def apportion(total: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers in proportion to the weights that add up to `total` exactly (largest remainders)."""
    whole = sum(weights.values())
    shares = {name: total * weight / whole for name, weight in weights.items()}
    counts = {name: int(share) for name, share in shares.items()}
    missing = total - sum(counts.values())
    by_rest = sorted(shares, key=lambda name: (counts[name] - shares[name], name))
    for name in by_rest[:missing]:
        counts[name] += 1
    return counts


def spread(total: int, days: Iterable[int], weights: Iterable[float], random: Random) -> list[int]:
    """`total` days drawn by weight, in order."""
    return sorted(random.choices(list(days), list(weights), k=total))
