"""What becomes of a dispute: submitted, taken up, upheld or dismissed; or withdrawn; or expired.

    submitted ──► taken_up ──► upheld | dismissed
        └────────────┴──────► upheld | dismissed | withdrawn, or expired when the term runs out

The first fact that ends a dispute stands. The term to decide is counted in working days from the submission;
what is dated after its end has no effect, whenever it arrives.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.content.dispute_terms import Term
from shared.calendar.dated import Dated
from shared.calendar.local import local, parse_instant, read_instant
from shared.calendar.working import WorkingCalendar
from shared.runtime.ledger.journal import BEFORE_OPENING, Journal, Why, never_opened
from shared.runtime.ledger.lifecycle import Deadline, EntityRef, Fact, Folded, deadlines_of

RANK = {
    "dispute.submitted": 0,
    "ruling.opened": 1,
    "ruling.given": 2,
    "dispute.withdrawn": 3,
}
"""Which of two facts of the same instant comes first."""

OPEN = frozenset({"submitted", "taken_up"})
"""While nobody has decided and the term runs."""

ALREADY_SUBMITTED = Why("already_submitted", "the dispute was submitted already; a new one needs a new id")
ALREADY_TAKEN_UP = Why("already_taken_up", "the office had taken the dispute up already")
UPHELD = Why("upheld", "the dispute was upheld before; what ends it first stands")
DISMISSED = Why("dismissed", "the dispute was dismissed before; what ends it first stands")
WITHDRAWN = Why("withdrawn", "the dispute was withdrawn before; what ends it first stands")
EXPIRED = Why("expired", "the term to decide had run out before")
OWN_CASE = Why("own_case", "who sent the dispute cannot rule on it")

_ENDED = {"upheld": UPHELD, "dismissed": DISMISSED, "withdrawn": WITHDRAWN}
_FROM_OPENING = ("about", "period", "module", "criterion", "fact", "claim", "evidence_url")


def fold_dispute(
    ref: EntityRef, facts: Sequence[Fact], now: datetime, calendar: WorkingCalendar, terms: Dated[Term]
) -> Folded:
    """The state of a dispute. `agency` is the scope: a dispute never changes hands."""
    dispute = _Dispute(ref.scope, calendar, terms)
    dispute.read(facts, RANK)
    return dispute.folded(local(now))


class _Dispute(Journal):
    """One dispute while its facts are read in order."""

    def __init__(self, agency: str, calendar: WorkingCalendar, terms: Dated[Term]) -> None:
        super().__init__(agency)
        self.calendar = calendar
        self.terms = terms
        self.opening: Fact | None = None
        self.submitted_at: str | None = None
        self.due: datetime | None = None
        self.ahead = 0
        self.opened: Mapping[str, Any] = {}
        self.given: Mapping[str, Any] = {}
        self.withdrawn: Mapping[str, Any] = {}

    def effect(self, fact: Fact) -> Why | None:
        return self._obstacle(fact) or _EFFECTS[fact.type](self, fact)

    def due_shown(self) -> str | None:
        return _text(self.due)

    def _obstacle(self, fact: Fact) -> Why | None:
        """Why no fact of this kind can have an effect now, if so."""
        opening = self.opening
        if opening is None:
            return None if fact.type == "dispute.submitted" else BEFORE_OPENING
        if fact.type == "dispute.submitted":
            return ALREADY_SUBMITTED
        if fact.type.startswith("ruling.") and fact.source == opening.source:
            return OWN_CASE
        if self.status in _ENDED:
            return _ENDED[self.status]
        at = parse_instant(fact.data[_INSTANT[fact.type]])
        return EXPIRED if self.due is not None and at > self.due else None

    def submit(self, fact: Fact) -> Why | None:
        submitted, text = read_instant(fact.data["submitted_at"])
        term = self.terms.on(submitted.date())
        self.due = self.calendar.add_working_days(submitted, term.decide_working_days)
        self.ahead = term.due_soon_working_days
        self.submitted_at = text
        self.opening = fact
        self.status = "submitted"
        return None

    def open(self, fact: Fact) -> Why | None:
        if self.status == "taken_up":
            return ALREADY_TAKEN_UP
        self.opened = fact.data
        self.status = "taken_up"
        return None

    def give(self, fact: Fact) -> Why | None:
        self.given = fact.data
        self.status = fact.data["ruling"]
        return None

    def withdraw(self, fact: Fact) -> Why | None:
        self.withdrawn = fact.data
        self.status = "withdrawn"
        return None

    def folded(self, now: datetime) -> Folded:
        """The public state and the deadlines of the clock."""
        due, given, withdrawn = self.due, self.given, self.withdrawn
        if self.opening is None:
            never_opened(self.set_aside)
        deadlines: tuple[Deadline, ...] = ()
        status = self.status
        if status in OPEN and due is not None:
            if due <= now:
                status = "expired"
            else:
                deadlines = deadlines_of(due, now, self.ahead, self.calendar)
        data = self.opening.data if self.opening else {}
        state = {
            "status": status,
            **{name: data.get(name) for name in _FROM_OPENING},
            "submitted_at": self.submitted_at,
            "due_at": _text(due),
            "taken_up_at": _shown(self.opened.get("opened_at")),
            "taken_up_by": self.opened.get("officer"),
            "ruled_at": _shown(given.get("given_at")),
            "ruled_by": given.get("officer"),
            "ruling_reason": given.get("reason"),
            "corrections": given.get("corrections") or [],
            "withdrawn_at": _shown(withdrawn.get("withdrawn_at")),
            "withdrawal_reason": withdrawn.get("reason"),
            "calendar": None if due is None else self.calendar.version,
            "history": self.history,
            "set_aside": self.set_aside,
        }
        return Folded(self.agency, state, deadlines)


_EFFECTS: Mapping[str, Callable[[_Dispute, Fact], Why | None]] = {
    "dispute.submitted": _Dispute.submit,
    "ruling.opened": _Dispute.open,
    "ruling.given": _Dispute.give,
    "dispute.withdrawn": _Dispute.withdraw,
}

_INSTANT = {
    "ruling.opened": "opened_at",
    "ruling.given": "given_at",
    "dispute.withdrawn": "withdrawn_at",
}


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _shown(instant: str | None) -> str | None:
    """An instant as sent, on the local clock."""
    return None if instant is None else read_instant(instant)[1]
