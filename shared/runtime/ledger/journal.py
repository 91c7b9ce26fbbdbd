"""What every fold does with its facts: put them in order, write down each step, set aside what has no effect.

This runs for every fact on the hot path, so it is plain code over plain dictionaries.
"""

from abc import ABC, abstractmethod
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


class Journal(ABC):
    """One entity while its facts are read in order: what had an effect, and what was set aside.

    A lifecycle derives from it and says in `effect` what a fact does, with `status`, and with `agency` where
    the entity can change hands.
    """

    __slots__ = ("agency", "history", "set_aside", "status")

    def __init__(self, agency: str) -> None:
        self.agency = agency
        self.status = "unopened"
        self.history: list[Step] = []
        self.set_aside: list[Step] = []

    def read(self, facts: Sequence[Fact], rank: Mapping[str, int]) -> None:
        """Let every fact that the lifecycle knows have its effect, in order."""
        for fact in in_order(facts, rank):
            self.take(fact)

    def take(self, fact: Fact) -> None:
        """Let one fact have its effect, or set it aside."""
        try:
            why = self.effect(fact)
        except ValueError as error:
            self.set_aside.append(unreadable(fact, error))
            return
        if why is not None:
            self.set_aside.append(aside(fact, why))
            return
        self.history.append(self.step(fact))

    @abstractmethod
    def effect(self, fact: Fact) -> Why | None:
        """Do what the fact says, or tell why it has no effect. Raises ValueError for an instant that cannot
        be shown on the local clock."""

    def step(self, fact: Fact) -> Step:
        """An entry of `history`, as things stand after the fact."""
        return {
            "at": iso(fact.time),
            "type": fact.type,
            "source": fact.source,
            "id": fact.id,
            "agency": self.agency,
            "status": self.status,
            "due_at": self.due_shown(),
        }

    def due_shown(self) -> str | None:
        """The due instant in force, for the history; None while no clock runs."""
        return None


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
