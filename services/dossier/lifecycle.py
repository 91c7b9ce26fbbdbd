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
from shared.calendar.local import iso, local, parse_instant, read_instant
from shared.calendar.working import WorkingCalendar, vietnam
from shared.contracts.facts import DOSSIER_FACTS
from shared.runtime.ledger.journal import BEFORE_OPENING, Journal, Step, Why, never_opened
from shared.runtime.ledger.lifecycle import Deadline, EntityRef, Fact, Folded, deadlines_of

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
        dossier.read(facts, RANK)
        return dossier.folded(now)


def lifecycle() -> DossierLifecycle:
    """The lifecycle with the calendar and the rules that ship. Raises DataFileError."""
    return DossierLifecycle(vietnam(), read_rules())


class _Dossier(Journal):
    """One dossier while its facts are read in order."""

    __slots__ = (
        "calendar",
        "clock",
        "due_at",
        "ended_at",
        "ended_data",
        "extensions",
        "irregular",
        "opening",
        "original_due_at",
        "received_at",
        "resolved",
        "returned_at",
        "rules",
    )

    def __init__(self, agency: str, calendar: WorkingCalendar, rules: Rules) -> None:
        super().__init__(agency)
        self.calendar = calendar
        self.rules = rules
        self.clock: Clock | None = None
        self.opening: Mapping[str, Any] = {}
        self.received_at: str | None = None
        self.original_due_at: str | None = None
        self.due_at: str | None = None
        self.resolved: datetime | None = None
        self.ended_at: dict[str, str] = {}
        self.ended_data: Mapping[str, Any] = {}
        self.returned_at: str | None = None
        self.extensions: list[Step] = []
        self.irregular: list[Step] = []

    def due_shown(self) -> str | None:
        clock = self.clock
        return None if clock is None or clock.paused else self.due_at

    def effect(self, fact: Fact) -> Why | None:
        """Does what the fact says, or tells why it has no effect."""
        clock = self.clock
        if fact.type == "dossier.received":
            return ALREADY_RECEIVED if clock else _ENDED.get(self.status) or self._receive(fact)
        if clock is None:
            return _ENDED.get(self.status) or self._refuse(fact)
        if fact.type == "dossier.returned":
            return self._return(fact)
        if self.status not in _OPEN:
            return _ENDED[self.status]
        return _EFFECTS[fact.type](self, fact, clock)

    def _receive(self, fact: Fact) -> Why | None:
        received, received_at = read_instant(fact.data["received_at"])
        given = fact.data.get("due_at")
        due, due_at = (None, None) if given is None else read_instant(given)
        self.clock = Clock(self.calendar, self.rules, received, due)
        self.received_at = received_at
        self.original_due_at = self.due_at = due_at
        self.opening = fact.data
        self.status = "received"
        return None

    def _refuse(self, fact: Fact) -> Why | None:
        """Not accepted at the door: the national status 3 may follow 1 (new) without 2 (received)."""
        if fact.type != "dossier.rejected":
            return BEFORE_OPENING
        _, self.ended_at["rejected"] = read_instant(fact.data["rejected_at"])
        self.ended_data = fact.data
        self.status = "rejected"
        return None

    def _return(self, fact: Fact) -> Why | None:
        if self.status == "returned":
            return RETURNED
        if self.status != "resolved":
            return NOT_RESOLVED if self.status in _OPEN else _ENDED[self.status]
        _, self.returned_at = read_instant(fact.data["returned_at"])
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
        self.due_at = _text(clock.due)
        self.status = "in_progress"
        return None

    def extend(self, fact: Fact, clock: Clock) -> Why | None:
        data = fact.data
        at, at_text = read_instant(data["at"])
        new_due, new_due_text = read_instant(data["new_due_at"])
        apology = bool(data["apology"])
        self._flag(fact, clock.extend(at, new_due, apology))
        self.due_at = _text(clock.due)
        self.extensions.append(
            {
                "at": at_text,
                "new_due_at": new_due_text,
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
        at, self.ended_at[status] = read_instant(fact.data[f"{status}_at"])
        if clock.paused:
            clock.go_on(at)
            self.due_at = _text(clock.due)
        if status == "resolved":
            self.resolved = at
        self.ended_data = fact.data
        self.status = status
        return None

    def _flag(self, fact: Fact, rules: list[str]) -> None:
        for rule in rules:
            self.irregular.append({"at": iso(fact.time), "rule": rule, "source": fact.source, "id": fact.id})

    def folded(self, now: datetime) -> Folded:
        """The public state and the deadlines of the clock."""
        clock = self.clock
        if self.status == "unopened":
            never_opened(self.set_aside)
        due, resolved = clock.due if clock else None, self.resolved
        overdue = False
        deadlines: tuple[Deadline, ...] = ()
        if clock is not None and due is not None and not clock.paused and self.status in _OPEN:
            now = local(now)
            overdue = due < now
            deadlines = deadlines_of(due, now, self.rules.due_soon_working_days, self.calendar)
        state = {
            "status": self.status,
            "procedure_code": self.opening.get("procedure_code"),
            "channel": self.opening.get("channel"),
            "received_at": self.received_at,
            "due_at": self.original_due_at,
            "effective_due_at": self.due_at,
            "resolved_at": self.ended_at.get("resolved"),
            "outcome": self.ended_data.get("outcome"),
            "on_time": resolved <= due if resolved is not None and due is not None else None,
            "returned_at": self.returned_at,
            "withdrawn_at": self.ended_at.get("withdrawn"),
            "rejected_at": self.ended_at.get("rejected"),
            "rejection_reason": self.ended_data.get("reason"),
            "overdue": overdue,
            "pauses": [{"from": _text(a), "to": _text(b)} for a, b in clock.pauses] if clock else [],
            "extensions": self.extensions,
            "irregular": self.irregular,
            "calendar": None if due is None else self.calendar.version,
            "history": self.history,
            "set_aside": self.set_aside,
        }
        return Folded(self.agency, state, deadlines)


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
