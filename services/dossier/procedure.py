"""What becomes of an administrative procedure: published and abolished, each by a decision.

A procedure needs no opening fact: many were published long before this system, so an abolition counts
by itself. Every fact makes an entry; the last one says what holds now.
"""

from collections.abc import Sequence
from typing import Any

from shared.calendar.local import read_instant
from shared.runtime.ledger.journal import Journal, Why
from shared.runtime.ledger.lifecycle import EntityRef, Fact, Folded

PROCEDURE_FACTS = {"procedure.published": 0, "procedure.abolished": 1}
"""The facts about procedures, ranked for those of the same instant."""


def fold_procedure(ref: EntityRef, facts: Sequence[Fact]) -> Folded:
    """The state of a procedure; it has no deadlines."""
    procedure = _Procedure(ref.scope)
    procedure.read(facts, PROCEDURE_FACTS)
    state = {
        "status": procedure.status,
        "entries": procedure.entries,
        "history": procedure.history,
        "set_aside": procedure.set_aside,
    }
    return Folded(ref.scope, state, ())


class _Procedure(Journal):
    """One procedure while its facts are read in order."""

    __slots__ = ("entries",)

    def __init__(self, agency: str) -> None:
        super().__init__(agency)
        self.entries: list[dict[str, Any]] = []

    def effect(self, fact: Fact) -> Why | None:
        data = fact.data
        _, at = read_instant(data["at"])
        self.status = fact.type.removeprefix("procedure.")
        self.entries.append(
            {
                "at": at,
                "action": self.status,
                "level": data["level"],
                "service_level": data["service_level"],
                "decision": data["decision"],
                "working_days": data.get("working_days"),
            }
        )
        return None
