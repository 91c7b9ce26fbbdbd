"""What becomes of an administrative procedure: published and abolished, each by a decision.

A procedure needs no opening fact: many were published long before this system, so an abolition counts
by itself. Every fact makes an entry; the last one says what holds now.
"""

from collections.abc import Sequence
from typing import Any

from shared.calendar.local import iso, read_instant
from shared.runtime.ledger.journal import Step, in_order, unreadable
from shared.runtime.ledger.lifecycle import EntityRef, Fact, Folded

PROCEDURE_FACTS = {"procedure.published": 0, "procedure.abolished": 1}
"""The facts about procedures, ranked for those of the same instant."""


def fold_procedure(ref: EntityRef, facts: Sequence[Fact]) -> Folded:
    """The state of a procedure; it has no deadlines."""
    status = "unopened"
    entries: list[dict[str, Any]] = []
    history: list[Step] = []
    set_aside: list[Step] = []
    for fact in in_order(facts, PROCEDURE_FACTS):
        data = fact.data
        try:
            _, at = read_instant(data["at"])
        except ValueError as error:
            set_aside.append(unreadable(fact, error))
            continue
        status = fact.type.removeprefix("procedure.")
        entries.append(
            {
                "at": at,
                "action": status,
                "level": data["level"],
                "service_level": data["service_level"],
                "decision": data["decision"],
                "working_days": data.get("working_days"),
            }
        )
        history.append(
            {
                "at": iso(fact.time),
                "type": fact.type,
                "source": fact.source,
                "id": fact.id,
                "agency": ref.scope,
                "status": status,
                "due_at": None,
            }
        )
    state = {"status": status, "entries": entries, "history": history, "set_aside": set_aside}
    return Folded(ref.scope, state, ())
