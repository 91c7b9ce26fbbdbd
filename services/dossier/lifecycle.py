"""What becomes of a dossier, and of a procedure.

The first fact that ends a dossier (resolved, withdrawn, rejected) stands; only the return of a resolved
one may follow. See decision records 0011 and 0012.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.dossier.clock import Clock
from services.dossier.procedure import PROCEDURE_FACTS, fold_procedure
from services.dossier.rules import Rules, read_rules
from shared.calendar.local import iso, parse_instant
from shared.calendar.working import WorkingCalendar, vietnam
from shared.contracts.facts import DOSSIER_FACTS
from shared.runtime.ledger.journal import (
    BEFORE_OPENING,
    Step,
    Why,
    aside,
    in_order,
    never_opened,
    unreadable,
)
from shared.runtime.ledger.lifecycle import Deadline, EntityRef, Fact, Folded

RANK = {
    "dossier.received": 0,
    "dossier.supplemented": 1,
    "dossier.supplement_requested": 2,
    "dossier.extended": 3,
    "dossier.resolved": 4,
    "dossier.returned": 5,
    "dossier.withdrawn": 6,
    "dossier.rejected": 7,
}
"""Which of two facts of the same instant comes first. A pause ends before another may begin."""

ALREADY_RECEIVED = Why("already_received", "the dossier was received already; the first receipt counts")
ALREADY_PAUSED = Why("already_paused", "the dossier was waiting for the citizen already")
NOT_PAUSED = Why("not_paused", "nothing had been asked of the citizen, so there was nothing to supplement")
NOT_RESOLVED = Why("not_resolved", "the dossier had not been resolved, so there was no result to return")
RETURNED = Why("returned", "the result had been returned already")
RESOLVED = Why("resolved", "the dossier was resolved before; what ends it first stands")
WITHDRAWN = Why("withdrawn", "the dossier was withdrawn before; what ends it first stands")
REJECTED = Why("rejected", "the dossier was rejected before; what ends it first stands")

_ENDED = {"resolved": RESOLVED, "returned": RESOLVED, "withdrawn": WITHDRAWN, "rejected": REJECTED}
_OPEN = frozenset({"received", "paused", "in_progress"})


class DossierLifecycle:
    """The lifecycles of dossiers and procedures, under a calendar and the rules around the clock."""

    module = "dossier"
    fact_models: Mapping[str, type[BaseModel]] = DOSSIER_FACTS

    def __init__(self, calendar: WorkingCalendar, rules: Rules) -> None:
        self._calendar = calendar
        self._rules = rules

    def entity_of(self, fact_type: str, data: Mapping[str, Any], fact_id: str) -> EntityRef:
        """A dossier by its code, a procedure by its own, each within its agency."""
        if fact_type in PROCEDURE_FACTS:
            return EntityRef("procedure", data["procedure_code"], data["agency"])
        return EntityRef("dossier", data["dossier_code"], data["agency"])

    def fold(self, ref: EntityRef, facts: Sequence[Fact], now: datetime) -> Folded:
        """The state of a dossier or procedure. `agency` is the scope: neither ever changes hands."""
        if ref.kind == "procedure":
            return fold_procedure(ref, facts)
        dossier = _Dossier(ref.scope, self._calendar, self._rules)
        for fact in in_order(facts, RANK):
            dossier.take(fact)
        return dossier.folded(now)


def lifecycle() -> DossierLifecycle:
    """The lifecycle with the calendar and the rules that ship. Raises DataFileError."""
    return DossierLifecycle(vietnam(), read_rules())


class _Dossier:
    """One dossier while its facts are read in order."""

    __slots__ = (
        "agency",
        "calendar",
        "clock",
        "ended",
        "ended_data",
        "extensions",
        "history",
        "irregular",
        "opening",
        "original_due",
        "returned",
        "rules",
        "set_aside",
        "status",
    )

    def __init__(self, agency: str, calendar: WorkingCalendar, rules: Rules) -> None:
        self.agency = agency
        self.calendar = calendar
        self.rules = rules
        self.status = "unopened"
        self.clock: Clock | None = None
        self.opening: Mapping[str, Any] = {}
        self.original_due: datetime | None = None
        self.ended: dict[str, datetime] = {}
        self.ended_data: Mapping[str, Any] = {}
        self.returned: datetime | None = None
        self.extensions: list[Step] = []
        self.irregular: list[Step] = []
        self.history: list[Step] = []
        self.set_aside: list[Step] = []

    def take(self, fact: Fact) -> None:
        """Lets one fact have its effect, or sets it aside."""
        try:
            why = self._effect(fact)
        except ValueError as error:
            self.set_aside.append(unreadable(fact, error))
            return
        if why is not None:
            self.set_aside.append(aside(fact, why))
            return
        clock = self.clock
        self.history.append(
            {
                "at": iso(fact.time),
                "type": fact.type,
                "source": fact.source,
                "id": fact.id,
                "agency": self.agency,
                "status": self.status,
                "due_at": None if clock is None or clock.paused else _text(clock.due),
            }
        )

    def _effect(self, fact: Fact) -> Why | None:
        """Does what the fact says, or tells why it has no effect."""
        clock = self.clock
        if fact.type == "dossier.received":
            return ALREADY_RECEIVED if clock else self._receive(fact)
        if clock is None:
            return BEFORE_OPENING
        if fact.type == "dossier.returned":
            return self._return(fact)
        if self.status not in _OPEN:
            return _ENDED[self.status]
        return _EFFECTS[fact.type](self, fact, clock)

    def _receive(self, fact: Fact) -> Why | None:
        received = parse_instant(fact.data["received_at"])
        due = fact.data.get("due_at")
        self.original_due = None if due is None else parse_instant(due)
        self.clock = Clock(self.calendar, self.rules, received, self.original_due)
        self.opening = fact.data
        self.status = "received"
        return None

    def _return(self, fact: Fact) -> Why | None:
        if self.status == "returned":
            return RETURNED
        if self.status != "resolved":
            return NOT_RESOLVED if self.status in _OPEN else _ENDED[self.status]
        self.returned = parse_instant(fact.data["returned_at"])
        self.status = "returned"
        return None

    def pause(self, fact: Fact, clock: Clock) -> Why | None:
        if clock.paused:
            return ALREADY_PAUSED
        self._flag(fact, clock.stop(parse_instant(fact.data["at"])))
        self.status = "paused"
        return None

    def resume(self, fact: Fact, clock: Clock) -> Why | None:
        if not clock.paused:
            return NOT_PAUSED
        clock.go_on(parse_instant(fact.data["at"]))
        self.status = "in_progress"
        return None

    def extend(self, fact: Fact, clock: Clock) -> Why | None:
        data = fact.data
        at, new_due = parse_instant(data["at"]), parse_instant(data["new_due_at"])
        apology = bool(data["apology"])
        self._flag(fact, clock.extend(at, new_due, apology))
        self.extensions.append(
            {
                "at": at.isoformat(),
                "new_due_at": new_due.isoformat(),
                "apology": apology,
                "reason": data.get("reason"),
            }
        )
        return None

    def resolve(self, fact: Fact, clock: Clock) -> Why | None:
        return self._end(fact, clock, "resolved")

    def withdraw(self, fact: Fact, clock: Clock) -> Why | None:
        return self._end(fact, clock, "withdrawn")

    def reject(self, fact: Fact, clock: Clock) -> Why | None:
        return self._end(fact, clock, "rejected")

    def _end(self, fact: Fact, clock: Clock, status: str) -> Why | None:
        at = parse_instant(fact.data[f"{status}_at"])
        if clock.paused:
            clock.go_on(at)
        self.ended[status] = at
        self.ended_data = fact.data
        self.status = status
        return None

    def _flag(self, fact: Fact, rules: list[str]) -> None:
        for rule in rules:
            self.irregular.append({"at": iso(fact.time), "rule": rule, "source": fact.source, "id": fact.id})

    def folded(self, now: datetime) -> Folded:
        """The public state and the deadlines of the clock."""
        clock = self.clock
        if clock is None:
            never_opened(self.set_aside)
        due = clock.due if clock else None
        running = clock is not None and not clock.paused and self.status in _OPEN
        resolved = self.ended.get("resolved")
        state = {
            "status": self.status,
            "procedure_code": self.opening.get("procedure_code"),
            "channel": self.opening.get("channel"),
            "received_at": _text(clock.received) if clock else None,
            "due_at": _text(self.original_due),
            "effective_due_at": _text(due),
            "resolved_at": _text(resolved),
            "outcome": self.ended_data.get("outcome"),
            "on_time": resolved <= due if resolved and due else None,
            "returned_at": _text(self.returned),
            "withdrawn_at": _text(self.ended.get("withdrawn")),
            "rejected_at": _text(self.ended.get("rejected")),
            "rejection_reason": self.ended_data.get("reason"),
            "overdue": due is not None and running and due < now,
            "pauses": [{"from": _text(a), "to": _text(b)} for a, b in clock.pauses] if clock else [],
            "extensions": self.extensions,
            "irregular": self.irregular,
            "calendar": self.calendar.version if due else None,
            "history": self.history,
            "set_aside": self.set_aside,
        }
        deadlines = self._deadlines(due, now) if due is not None and running else ()
        return Folded(self.agency, state, deadlines)

    def _deadlines(self, due: datetime, now: datetime) -> tuple[Deadline, ...]:
        overdue = Deadline("overdue", due, due)
        ahead = self.rules.due_soon_working_days
        if due <= now or not ahead:
            return (overdue,)
        soon = self.calendar.working_time_before(due, ahead * self.calendar.working_day)
        return (Deadline("due_soon", soon, due), overdue)


_EFFECTS: Mapping[str, Callable[[_Dossier, Fact, Clock], Why | None]] = {
    "dossier.supplement_requested": _Dossier.pause,
    "dossier.supplemented": _Dossier.resume,
    "dossier.extended": _Dossier.extend,
    "dossier.resolved": _Dossier.resolve,
    "dossier.withdrawn": _Dossier.withdraw,
    "dossier.rejected": _Dossier.reject,
}


def _text(instant: datetime | None) -> str | None:
    """A local instant as text."""
    return None if instant is None else instant.isoformat()
