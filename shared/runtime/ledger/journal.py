"""What every fold does with its facts: put them in order, write down each step, set aside what has no effect.

These run for every fact on the hot path, so they are plain functions over plain dictionaries.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.calendar.local import iso
from shared.runtime.ledger.lifecycle import Fact

Step = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Why:
    """Why a fact had no effect: a stable code for programs, and a plain sentence for people."""

    code: str
    reason: str


BEFORE_OPENING = Why("before_opening", "it happened before the fact that opens the record")
NOT_OPENED = Why("not_opened", "the fact that opens the record has not arrived, or was retracted")


def in_order(facts: Sequence[Fact], rank: Mapping[str, int]) -> Iterable[Fact]:
    """The facts a lifecycle knows, by (time, rank of the type, source, id), each (source, id) once.

    Facts of types without a rank, such as those of the clock, are left out. The order of arrival has no
    say, which is what makes late and repeated facts harmless.
    """
    if len(facts) == 1:
        return facts if facts[0].type in rank else ()
    known = sorted(
        (fact for fact in facts if fact.type in rank),
        key=lambda fact: (fact.time, rank[fact.type], fact.source, fact.id),
    )
    ordered: list[Fact] = []
    last: Fact | None = None
    for fact in known:
        # Two copies of one fact are neighbours here, for they agree in everything that sorts.
        if last is None or fact.id != last.id or fact.source != last.source:
            ordered.append(fact)
        last = fact
    return ordered


def aside(fact: Fact, why: Why) -> Step:
    """An entry of `set_aside`."""
    return {
        "type": fact.type,
        "at": iso(fact.time),
        "source": fact.source,
        "id": fact.id,
        "code": why.code,
        "reason": why.reason,
    }


def unreadable(fact: Fact, error: ValueError) -> Step:
    """An entry of `set_aside` for a fact whose instants cannot be shown on the local clock."""
    return aside(fact, Why("unreadable", str(error)))


def never_opened(set_aside: list[Step]) -> None:
    """Nothing opened the record: what was put down as too early is in truth waiting for its opening."""
    for entry in set_aside:
        if entry["code"] == BEFORE_OPENING.code:
            entry["code"] = NOT_OPENED.code
            entry["reason"] = NOT_OPENED.reason
