"""What the state of one entity adds to the counts: a list of marks.

Pure. The state comes as the JSON of a change; only the fields that count are read, the rest is skipped. A
state that cannot be read is a value (`fault`), never an exception: it counts nowhere, and the shell tells so.

Articles and questions travel in time: at each step of their history the marks that hold are compared with
those of the step before, and the difference counts from the day of that step on. So a window with a cut-off
sees what was known then. Dossier flows count on the day they happened; what stands open on a day is all that
began until then without all that ended.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from services.scoring import flows
from services.scoring.judgements import Step, is_self_assessment, marks_of
from shared.calendar.local import day_number, local_day, parse_instant
from shared.calendar.periods import MAX_YEAR, parse_period

Mark = tuple[str, str, int, int, int]
"""Agency, flow, cohort day, effective day, amount."""

WrongTitle = Callable[[str, str, date], bool]
"""Whether an answer of this agency, signed with this title, on this day, is at fault."""

_Key = tuple[str, str, int]
StateT = TypeVar("StateT")


class Contribution(NamedTuple):
    """What an entity adds. `fault` says why a malformed state counts nowhere."""

    marks: list[Mark]
    fault: str | None = None


EMPTY: Final = Contribution([])


# ---------------------------------------------------------------------------------------- states


class _State(msgspec.Struct, frozen=True, gc=False):
    status: str


class _ArticleStep(msgspec.Struct, frozen=True, gc=False):
    at: str
    status: str
    kind: str | None = None
    category: str | None = None
    language: str | None = None
    channel: str | None = None
    published_at: str | None = None


class _Article(_State, frozen=True, gc=False):
    history: list[_ArticleStep]


class _Step(msgspec.Struct, frozen=True, gc=False):
    at: str
    type: str
    agency: str
    status: str
    due_at: str | None = None


class _Question(_State, frozen=True, gc=False):
    history: list[_Step]
    received_at: str
    overdue: bool
    answered_at: str | None = None
    answerer_title: str | None = None


class _Dossier(_State, frozen=True, gc=False):
    received_at: str | None
    channel: str | None
    history: msgspec.Raw
    overdue: bool
    effective_due_at: str | None = None
    resolved_at: str | None = None
    on_time: bool | None = None
    withdrawn_at: str | None = None
    rejected_at: str | None = None
    pauses: msgspec.Raw = msgspec.Raw(b"[]")
    extensions: msgspec.Raw = msgspec.Raw(b"[]")


class _Entry(msgspec.Struct, frozen=True, gc=False):
    at: str
    action: str
    decision: str
    service_level: str = "none"


class _Procedure(_State, frozen=True, gc=False):
    entries: list[_Entry]


class _Audience(_State, frozen=True, gc=False):
    channel: str
    date: str
    visits: int | None = None
    reach: int | None = None
    followers: int | None = None


class _Portal(_State, frozen=True, gc=False):
    history: list[_Step]


class _Board(_State, frozen=True, gc=False):
    established_at: str


class _Channel(_State, frozen=True, gc=False):
    opened_at: str


class _Report(_State, frozen=True, gc=False):
    period: str
    received_at: str


class _Judgement(msgspec.Struct, frozen=True, gc=False):
    at: str
    points: str | int | float
    assessed_by: str


class _Assessment(_State, frozen=True, gc=False):
    period: str
    criterion: str
    history: list[_Judgement]


_status = msgspec.json.Decoder(_State)
_steps = msgspec.json.Decoder(list[_Step])


# ---------------------------------------------------------------------------------------- days


_LAST_DAY: Final = day_number(date(MAX_YEAR, 12, 31))


@lru_cache(maxsize=16_384)
def _day_of_date(text: str) -> int:
    number = day_number(date.fromisoformat(text))
    if not 0 <= number <= _LAST_DAY:
        raise ValueError(f"{text} lies outside the days that can be counted")
    return number


def day_of(text: str) -> int:
    """The local day of an instant (or of a bare date) as a number. Raises ValueError."""
    if text.endswith("+07:00") or len(text) == 10:
        return _day_of_date(text[:10])
    return _day_of_date(local_day(parse_instant(text)).isoformat())


# ------------------------------------------------------------------------------------ time travel


class _Timeline:
    """Turns "from this instant on, these marks hold" into marks with effective days."""

    __slots__ = ("_holding", "_marks")

    def __init__(self) -> None:
        self._holding: set[_Key] = set()
        self._marks: dict[tuple[str, str, int, int], int] = {}

    def holds(self, at: str, keys: Iterable[_Key]) -> None:
        """From `at` on exactly `keys` hold. Must be called in the order of time."""
        now = set(keys)
        effective = day_of(at)
        for key in now - self._holding:
            self._add(key, effective, 1)
        for key in self._holding - now:
            self._add(key, effective, -1)
        self._holding = now

    def _add(self, key: _Key, effective: int, amount: int) -> None:
        place = (*key, effective)
        self._marks[place] = self._marks.get(place, 0) + amount

    def marks(self) -> list[Mark]:
        """The marks, without those that cancel out within a day."""
        return [(*place, amount) for place, amount in self._marks.items() if amount]


def _late_from(step: _Step, following: _Step | None, running: str, late_now: bool) -> str | None:
    """From when the entity was past due within one step of its history; None when it was not.

    `running` names the status (or several, joined by |) in which the clock runs. The last step is past due
    only when the domain service said so (`late_now`): no clock is read here.
    """
    if step.due_at is None or step.status not in running.split("|"):
        return None
    start = max(step.at, step.due_at)
    if following is None:
        return start if late_now else None
    return start if start < following.at else None


# --------------------------------------------------------------------------------------- by kind


def _article(agency: str, state: _Article) -> list[Mark]:
    line = _Timeline()
    for step in state.history:
        line.holds(step.at, _article_keys(agency, step))
    return line.marks()


def _article_keys(agency: str, step: _ArticleStep) -> list[_Key]:
    if step.status != "published" or step.published_at is None:
        return []
    cohort = day_of(step.published_at)
    if step.channel in flows.SOCIAL_CHANNELS:
        return [(agency, f"content.social.{step.channel}", cohort)]
    if step.channel != "portal" or step.kind not in _ARTICLE_FLOWS:
        raise ValueError(f"an article cannot be a {step.kind} on {step.channel}")
    found = [(agency, flow, cohort) for flow in _ARTICLE_FLOWS[step.kind]]
    if step.language == "en":
        found.append((agency, "content.english", cohort))
    if step.category:
        found.append((agency, flows.CATEGORY + step.category, cohort))
    return found


_ARTICLE_FLOWS: Mapping[str | None, tuple[str, ...]] = {
    "news": ("content.articles",),
    "dataset": ("content.datasets",),
    "spokesperson": ("content.articles", "content.spokesperson"),
    "press_digest": ("content.articles", "content.press_digest"),
}


def _question(agency: str, state: _Question, wrong_title: WrongTitle) -> list[Mark]:
    line = _Timeline()
    cohort = day_of(state.received_at)
    accepted = False
    for position, step in enumerate(state.history):
        accepted = accepted or step.status == "accepted"
        keys = [(step.agency, flow, cohort) for flow in _question_flows(state, step, accepted, wrong_title)]
        following = state.history[position + 1] if position + 1 < len(state.history) else None
        late_from = _late_from(step, following, "accepted", state.overdue)
        if late_from is None:
            line.holds(step.at, keys)
            continue
        if late_from > step.at:
            line.holds(step.at, keys)
        line.holds(late_from, [*keys, (step.agency, "qa.overdue", cohort)])
    return line.marks()


def _question_flows(state: _Question, step: _Step, accepted: bool, wrong_title: WrongTitle) -> list[str]:
    if step.status == "unopened":
        return []
    if step.status == "deleted":
        return ["qa.received", "qa.deleted"]
    found = ["qa.received"]
    if accepted:
        found.append("qa.accepted")
    if step.status != "answered":
        return found
    found.append("qa.answered")
    on_time = accepted and step.due_at is not None and (state.answered_at or step.at) <= step.due_at
    if accepted and step.due_at is not None:
        found.append("qa.answered_on_time" if on_time else "qa.answered_late")
    answered = local_day(parse_instant(state.answered_at or step.at))
    if state.answerer_title is not None and wrong_title(step.agency, state.answerer_title, answered):
        found.append("qa.wrong_title")
    elif on_time:
        found.append("qa.answered_without_fault")
    return found


_DOSSIER_RUNNING = "received|in_progress"


def _dossier(agency: str, state: _Dossier) -> list[Mark]:
    if state.received_at is None and state.rejected_at is not None:
        day = day_of(state.rejected_at)
        return [(agency, flow, day, day, 1) for flow in ("dossier.refused_unreceived", "dossier.rejected")]
    if state.channel not in ("online", "one_stop"):
        raise ValueError(f"a dossier cannot come in by {state.channel}")
    received = day_of(state.received_at or "")
    marks: list[Mark] = [(agency, f"dossier.received.{state.channel}", received, received, 1)]
    ended, flow = _end_of(state)
    if ended is not None:
        day = day_of(ended)
        marks.append((agency, flow, day, day, 1))
    due = state.effective_due_at
    ever_late = state.overdue or (ended is not None and due is not None and ended > due)
    if ever_late or len(state.pauses) > 2 or len(state.extensions) > 2:  # more than []
        marks += _overdue_stock(agency, _steps.decode(state.history), state.overdue)
    return marks


def _end_of(state: _Dossier) -> tuple[str | None, str]:
    """When the dossier ended and the flow that counts it."""
    if state.resolved_at is not None:
        if state.on_time is None:
            return state.resolved_at, "dossier.resolved.no_due"
        return state.resolved_at, "dossier.resolved.on_time" if state.on_time else "dossier.resolved.late"
    if state.withdrawn_at is not None:
        return state.withdrawn_at, "dossier.withdrawn"
    return state.rejected_at, "dossier.rejected"


def _overdue_stock(agency: str, history: list[_Step], late_now: bool) -> list[Mark]:
    """The days on which the dossier began and ceased to be open and past due."""
    changes: dict[tuple[str, int], int] = {}
    late = False

    def note(flow: str, at: str) -> None:
        place = (flow, day_of(at))
        changes[place] = changes.get(place, 0) + 1

    for position, step in enumerate(history):
        following = history[position + 1] if position + 1 < len(history) else None
        late_from = _late_from(step, following, _DOSSIER_RUNNING, late_now)
        if late and (late_from is None or late_from > step.at):
            note("dossier.overdue.ended", step.at)
            late = False
        if late_from is not None and not late:
            note("dossier.overdue.begun", late_from)
            late = True
    return [(agency, flow, day, day, amount) for (flow, day), amount in changes.items()]


def _procedure(agency: str, state: _Procedure) -> list[Mark]:
    found: dict[tuple[str, int], int] = {}
    for entry in state.entries:
        if entry.action not in ("published", "abolished"):
            raise ValueError(f"a procedure cannot be {entry.action}")
        day = day_of(entry.at)
        counted = [f"procedure.{entry.action}", flows.DECISION + " ".join(entry.decision.split())]
        if entry.service_level in ("full", "partial"):
            counted.append(f"procedure.{entry.action}.online")
        for flow in counted:
            found[flow, day] = found.get((flow, day), 0) + 1
    return [(agency, flow, day, day, amount) for (flow, day), amount in found.items()]


def _audience(agency: str, state: _Audience) -> list[Mark]:
    if state.channel not in flows.CHANNELS:
        raise ValueError(f"there is no channel {state.channel}")
    day = day_of(state.date)
    marks: list[Mark] = []
    if state.visits:
        marks.append((agency, "content.visits", day, day, state.visits))
    if state.reach:
        marks.append((agency, f"content.reach.{state.channel}", day, day, state.reach))
    if state.followers is not None:
        # One more than the followers, so that a known zero is told from nothing known.
        marks.append((agency, flows.FOLLOWERS + state.channel, day, day, state.followers + 1))
    return marks


def _portal(agency: str, state: _Portal) -> list[Mark]:
    found: dict[tuple[str, int], int] = {}
    for step in state.history:
        place = (step.type, day_of(step.at))
        found[place] = found.get(place, 0) + 1
    return [
        (agency, flow, day, day, amount)
        for (flow, day), amount in found.items()
        if flow in ("portal.opened", "portal.closed")
    ]


def _board(agency: str, state: _Board) -> list[Mark]:
    return [_on_day(agency, "content.board.established", state.established_at)]


def _channel(agency: str, state: _Channel) -> list[Mark]:
    return [_on_day(agency, "content.channel.opened", state.opened_at)]


def _on_day(agency: str, flow: str, at: str) -> Mark:
    day = day_of(at)
    return (agency, flow, day, day, 1)


def _report(agency: str, state: _Report) -> list[Mark]:
    period = parse_period(state.period)
    first, received = day_number(period.first), day_of(state.received_at)
    return [(agency, flows.REPORT + period.kind, first, received, 1)]


def _assessment(agency: str, state: _Assessment) -> list[Mark]:
    """The last judgement of somebody else gives the points; what the agency says of itself is kept apart."""
    period = parse_period(state.period)
    name = f"{period.kind}/{state.criterion}"
    first = day_number(period.first)
    own: list[Step] = []
    verified: list[Step] = []
    for step in state.history:
        told = Step(day_of(step.at), int(Decimal(str(step.points)) * 100))
        (own if is_self_assessment(agency, step.assessed_by) else verified).append(told)
    counted = [
        *marks_of(verified, flows.ASSESSED + name, flows.ASSESSED_POINTS + name),
        *marks_of(own, flows.SELF_ASSESSED + name, flows.SELF_ASSESSED_POINTS + name),
    ]
    return [(agency, flow, first, day, amount) for flow, day, amount in counted]


# ------------------------------------------------------------------------------------------ entry


class _Kind(NamedTuple):
    decode: Callable[[bytes], Any]
    marks: Callable[..., list[Mark]]


def _kind(state: type[StateT], marks: Callable[..., list[Mark]]) -> _Kind:
    return _Kind(msgspec.json.Decoder(state).decode, marks)


_KINDS: Mapping[str, _Kind] = {
    "article": _kind(_Article, _article),
    "question": _kind(_Question, _question),
    "dossier": _kind(_Dossier, _dossier),
    "procedure": _kind(_Procedure, _procedure),
    "audience": _kind(_Audience, _audience),
    "portal": _kind(_Portal, _portal),
    "board": _kind(_Board, _board),
    "channel": _kind(_Channel, _channel),
    "report": _kind(_Report, _report),
    "assessment": _kind(_Assessment, _assessment),
}

_FAULTS = (msgspec.DecodeError, ValueError, ArithmeticError, OverflowError)


def contribution(kind: str, agency: str, state: bytes | msgspec.Raw, wrong_title: WrongTitle) -> Contribution:
    """The marks of an entity of this kind in this state (JSON). A kind that nobody counts adds nothing.

    Never raises: what cannot be read counts nowhere and says why.
    """
    known = _KINDS.get(kind)
    if known is None:
        return EMPTY
    try:
        found = known.decode(state)
    except msgspec.DecodeError as error:
        return _unopened_or_fault(state, error)
    if found.status == "unopened":
        return EMPTY
    try:
        if kind == "question":
            return Contribution(known.marks(agency, found, wrong_title))
        return Contribution(known.marks(agency, found))
    except _FAULTS as error:
        return Contribution([], f"{kind}: {error}")


def _unopened_or_fault(state: bytes | msgspec.Raw, error: msgspec.DecodeError) -> Contribution:
    """An entity whose opening fact has not arrived lacks fields without being at fault."""
    try:
        if _status.decode(state).status == "unopened":
            return EMPTY
    except msgspec.DecodeError:
        pass
    return Contribution([], str(error))
