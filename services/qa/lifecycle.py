"""What becomes of a question: received, accepted, passed on, answered or deleted.

The clock to answer starts at the first acceptance and runs on when the question is passed to another
agency. The first fact that ends a question (answered or deleted) stands; see decision record 0011.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.qa.terms import Term, read_terms
from shared.calendar.dated import Dated
from shared.calendar.local import local, read_instant
from shared.calendar.working import WorkingCalendar, vietnam
from shared.contracts.facts import QA_FACTS
from shared.runtime.ledger.journal import BEFORE_OPENING, Journal, Why, never_opened
from shared.runtime.ledger.lifecycle import Deadline, EntityRef, Fact, Folded, deadlines_of

RANK = {
    "question.received": 0,
    "question.accepted": 1,
    "question.forwarded": 2,
    "question.answered": 3,
    "question.deleted": 4,
}
"""Which of two facts of the same instant comes first."""

ALREADY_RECEIVED = Why("already_received", "the question was received already; the first receipt counts")
ALREADY_ACCEPTED = Why("already_accepted", "the question was accepted already; the clock runs from then")
ALREADY_THERE = Why("already_there", "the question lies with that agency already")
ANSWERED = Why("answered", "the question was answered before; what ends it first stands")
DELETED = Why("deleted", "the question was deleted before; what ends it first stands")
NOT_HOLDER = Why("not_holder", "the agency never held the question, so it cannot speak about it")

_ENDED = {"answered": ANSWERED, "deleted": DELETED}


class QaLifecycle:
    """The lifecycle of questions, under a calendar and the dated terms for answering."""

    module = "qa"
    fact_models: Mapping[str, type[BaseModel]] = QA_FACTS

    def __init__(self, calendar: WorkingCalendar, terms: Dated[Term]) -> None:
        self._calendar = calendar
        self._terms = terms

    def entity_of(self, fact_type: str, data: Mapping[str, Any], fact_id: str) -> EntityRef:
        """A question has no scope: it keeps its identity when it moves between agencies."""
        return EntityRef("question", data["question_id"], "")

    def fold(self, ref: EntityRef, facts: Sequence[Fact], now: datetime) -> Folded:
        """The state of a question. `agency` is its holder; empty when there is no fact at all."""
        question = _Question(self._calendar, self._terms)
        question.read(facts, RANK)
        return question.folded(now)


def lifecycle() -> QaLifecycle:
    """The lifecycle with the calendar and the terms that ship. Raises DataFileError."""
    return QaLifecycle(vietnam(), read_terms())


class _Question(Journal):
    """One question while its facts are read in order."""

    __slots__ = (
        "accepted_at",
        "ahead",
        "answered",
        "answered_at",
        "calendar",
        "deleted_at",
        "due",
        "due_at",
        "end",
        "holders",
        "opening",
        "received_at",
        "terms",
    )

    def __init__(self, calendar: WorkingCalendar, terms: Dated[Term]) -> None:
        super().__init__("")
        self.calendar = calendar
        self.terms = terms
        self.holders: list[str] = []
        self.opening: Fact | None = None
        self.received_at: str | None = None
        self.accepted_at: str | None = None
        self.due: datetime | None = None
        self.due_at: str | None = None
        self.ahead = 0
        self.answered: datetime | None = None
        self.answered_at: str | None = None
        self.deleted_at: str | None = None
        self.end: Mapping[str, Any] = {}

    def effect(self, fact: Fact) -> Why | None:
        return self._obstacle(fact) or _EFFECTS[fact.type](self, fact)

    def due_shown(self) -> str | None:
        return self.due_at

    def _obstacle(self, fact: Fact) -> Why | None:
        """Why no fact of this kind can have an effect now, if so."""
        opening = self.opening
        if opening is None:
            if not self.agency:
                self.agency = fact.agency
            return None if fact.type == "question.received" else BEFORE_OPENING
        if fact.type == "question.received":
            return ALREADY_RECEIVED
        if fact.agency not in self.holders and fact.source != opening.source:
            return NOT_HOLDER
        return _ENDED.get(self.status)

    def receive(self, fact: Fact) -> Why | None:
        _, self.received_at = read_instant(fact.data["received_at"])
        self.opening = fact
        self.agency = fact.agency
        self.holders.append(fact.agency)
        self.status = "received"
        return None

    def accept(self, fact: Fact) -> Why | None:
        if self.due is not None:
            return ALREADY_ACCEPTED
        accepted, text = read_instant(fact.data["accepted_at"])
        term = self.terms.on(accepted.date())
        self.due = self.calendar.add_working_days(accepted, term.answer_working_days)
        self.due_at = self.due.isoformat()
        self.ahead = term.due_soon_working_days
        self.accepted_at = text
        self.status = "accepted"
        return None

    def forward(self, fact: Fact) -> Why | None:
        to_agency = fact.data["to_agency"]
        if to_agency == self.agency:
            return ALREADY_THERE
        self.agency = to_agency
        self.holders.append(to_agency)
        return None

    def answer(self, fact: Fact) -> Why | None:
        self.answered, self.answered_at = read_instant(fact.data["answered_at"])
        self.end = fact.data
        self.status = "answered"
        return None

    def delete(self, fact: Fact) -> Why | None:
        _, self.deleted_at = read_instant(fact.data["deleted_at"])
        self.end = fact.data
        self.status = "deleted"
        return None

    def folded(self, now: datetime) -> Folded:
        """The public state and the deadlines of the clock."""
        opening, due, answered = self.opening, self.due, self.answered
        if opening is None:
            never_opened(self.set_aside)
        data = opening.data if opening else {}
        overdue = False
        deadlines: tuple[Deadline, ...] = ()
        if due is not None and self.status == "accepted":
            now = local(now)
            overdue = due < now
            deadlines = deadlines_of(due, now, self.ahead, self.calendar)
        state = {
            "status": self.status,
            "received_at": self.received_at,
            "accepted_at": self.accepted_at,
            "answered_at": self.answered_at,
            "answerer_title": self.end.get("answerer_title"),
            "deleted_at": self.deleted_at,
            "deletion_reason": self.end.get("reason"),
            "field": data.get("field"),
            "asker_locality": data.get("asker_locality"),
            "due_at": self.due_at,
            "on_time": answered <= due if answered is not None and due is not None else None,
            "overdue": overdue,
            "calendar": None if due is None else self.calendar.version,
            "history": self.history,
            "set_aside": self.set_aside,
        }
        return Folded(self.agency, state, deadlines)


_EFFECTS: Mapping[str, Callable[[_Question, Fact], Why | None]] = {
    "question.received": _Question.receive,
    "question.accepted": _Question.accept,
    "question.forwarded": _Question.forward,
    "question.answered": _Question.answer,
    "question.deleted": _Question.delete,
}
