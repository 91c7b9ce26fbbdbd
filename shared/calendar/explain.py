"""A deadline shown step by step, as data for display: what ran when, what was skipped, what moved it.

The input is the public state of a question, dossier or dispute, so anyone who reads the topics can explain a
deadline; nothing here decides one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime, time, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.calendar.local import end_of_day, local, parse_instant, start_of_day
from shared.calendar.overrides import Provenance, SpecialDay
from shared.calendar.working import WorkingCalendar

MAX_DAYS_SHOWN = 400
"""A deadline further away is shown with its first days, and the number of those left out."""

MoveKind = Literal["start", "pause", "resume", "extension", "forward", "end"]
Conclusion = Literal[
    "no_due", "running", "paused", "overdue_now", "ended_in_time", "ended_late", "ended_undue"
]
DayKind = Literal["worked", "worked_in_exchange", "weekend", "holiday", "day_off_in_exchange"]


@dataclass(frozen=True, slots=True)
class Move:
    """Something that happened to the clock, with the due instant in force afterwards.

    `due_at` is None when there is none or the clock stands. `note` holds what the fact adds: the apology
    and reason of an extension, the agency of a forward, the fact that ended it.
    """

    at: datetime
    kind: MoveKind
    due_at: datetime | None
    note: Mapping[str, Any]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True)


class ExplainedMove(_Shape):
    """A step of the clock."""

    at: datetime
    kind: MoveKind
    due_at: datetime | None
    moved_seconds: int = Field(
        description="Working time by which this step moved the due instant; negative: it came earlier."
    )
    note: dict[str, Any]


class ExplainedDay(_Shape):
    """One local day between the start and the due instant."""

    date: Date
    kind: DayKind
    number: int | None = Field(description="Which working day of the term; the day of the event is 0.")
    counted_seconds: int = Field(description="Working time that ran on this day.")
    paused_seconds: int = Field(description="Working time of this day in which the clock stood.")
    name_vi: str | None
    name_en: str | None
    swapped_with: Date | None
    legal_source: str | None
    provenance: Provenance | None


class ExplainedHours(_Shape):
    """A stretch of the hours of work."""

    opens: time
    closes: time


class DeadlineExplanation(_Shape):
    """Everything needed to follow a deadline with a finger on a wall calendar."""

    start: datetime
    original_due_at: datetime | None
    due_at: datetime | None
    term_seconds: int | None = Field(
        description="Working time from the start to the due instant; negative: it was due before it began."
    )
    ended_at: datetime | None
    conclusion: Conclusion
    late_by_seconds: int = Field(description="Working time past due: until the end, or until now.")
    left_seconds: int = Field(description="Working time left until due; 0 once ended or past.")
    counted_seconds: int
    paused_seconds: int
    hours: list[ExplainedHours]
    hours_provenance: Provenance
    calendar: str = Field(description="Version of the calendar that this explanation used.")
    computed_with: str | None = Field(description="Version that the deadline itself was computed with.")
    moves: list[ExplainedMove]
    days: list[ExplainedDay]
    days_left_out: int


Span = tuple[datetime, datetime]


def explain_deadline(
    calendar: WorkingCalendar, moves: Sequence[Move], now: datetime, computed_with: str | None
) -> DeadlineExplanation | None:
    """The explanation of a clock from what happened to it, in order; None when it never started."""
    if not moves or moves[0].kind != "start":
        return None
    start = moves[0].at
    due = next((move.due_at for move in reversed(moves) if move.due_at), None)
    end = moves[-1].at if moves[-1].kind == "end" else None
    pauses = _pauses(moves, end or now)
    standing = _stands(moves)
    last = max(start, due or end or now, now if standing else start)
    days = [_day(calendar, day, start, last, pauses, n) for n, day in _days(start, last)]
    conclusion = _conclusion(due, end, now, standing)
    late = calendar.working_time_between(due, end or now) if due and not standing else timedelta(0)
    left = calendar.working_time_between(now, due) if due and not end and not standing else timedelta(0)
    return DeadlineExplanation(
        start=start,
        original_due_at=next((move.due_at for move in moves if move.due_at), None),
        due_at=due,
        term_seconds=signed_working_seconds(calendar, start, due) if due else None,
        ended_at=end,
        conclusion=conclusion,
        late_by_seconds=_seconds(late),
        left_seconds=_seconds(left),
        counted_seconds=sum(day.counted_seconds for day in days),
        paused_seconds=sum(day.paused_seconds for day in days),
        hours=[ExplainedHours(opens=i.opens, closes=i.closes) for i in calendar.hours.intervals],
        hours_provenance=calendar.hours.provenance,
        calendar=calendar.version,
        computed_with=computed_with,
        moves=list(_explained(calendar, start, moves)),
        days=days,
        days_left_out=max(0, last.toordinal() - start.toordinal() + 1 - MAX_DAYS_SHOWN),
    )


def explain_question(
    calendar: WorkingCalendar, state: Mapping[str, Any], now: datetime
) -> DeadlineExplanation | None:
    """The deadline of a question from its public state; None while it was never accepted."""
    moves: list[Move] = []
    for step in state["history"]:
        kind = step["type"].removeprefix("question.")
        if kind == "accepted":
            moves.append(Move(_at(state["accepted_at"]), "start", _due(step), {"agency": step["agency"]}))
        elif moves and kind == "forwarded":
            moves.append(Move(_at(step["at"]), "forward", _due(step), {"agency": step["agency"]}))
        elif moves and kind in ("answered", "deleted"):
            moves.append(Move(_at(state[f"{kind}_at"]), "end", _due(step), {"how": kind}))
    return explain_deadline(calendar, moves, local(now), state["calendar"])


def explain_dossier(
    calendar: WorkingCalendar, state: Mapping[str, Any], now: datetime
) -> DeadlineExplanation | None:
    """The deadline of a dossier from its public state; None while it is unopened."""
    extensions = iter(state["extensions"])
    pauses = iter(state["pauses"])
    pause: Mapping[str, Any] = {}
    moves: list[Move] = []
    for step in state["history"]:
        kind = step["type"].removeprefix("dossier.")
        if kind == "received":
            moves.append(Move(_at(state["received_at"]), "start", _due(step), {"channel": state["channel"]}))
        elif kind == "supplement_requested":
            pause = next(pauses)
            moves.append(Move(_at(pause["from"]), "pause", None, {}))
        elif kind == "supplemented":
            moves.append(Move(_at(pause["to"]), "resume", _due(step), {}))
        elif kind == "extended":
            extension = next(extensions)
            moves.append(Move(_at(extension["at"]), "extension", _due(step), dict(extension)))
        elif kind in ("resolved", "withdrawn", "rejected"):
            moves.append(Move(_at(state[f"{kind}_at"]), "end", _due(step), {"how": kind}))
    return explain_deadline(calendar, moves, local(now), state["calendar"])


def explain_dispute(
    calendar: WorkingCalendar, state: Mapping[str, Any], now: datetime
) -> DeadlineExplanation | None:
    """The term to decide a dispute from its public state; None while it was never submitted."""
    moves: list[Move] = []
    for step in state["history"]:
        if step["type"] == "dispute.submitted":
            moves.append(Move(_at(state["submitted_at"]), "start", _due(step), {"about": state["about"]}))
        elif moves and step["type"] == "ruling.given":
            moves.append(Move(_at(state["ruled_at"]), "end", _due(step), {"how": step["status"]}))
        elif moves and step["type"] == "dispute.withdrawn":
            moves.append(Move(_at(state["withdrawn_at"]), "end", _due(step), {"how": "withdrawn"}))
    return explain_deadline(calendar, moves, local(now), state["calendar"])


def _at(text: str) -> datetime:
    return parse_instant(text)


def _due(step: Mapping[str, Any]) -> datetime | None:
    return None if step["due_at"] is None else parse_instant(step["due_at"])


def _stands(moves: Sequence[Move]) -> bool:
    """Whether the clock stands after these moves: its last stop or start was a stop."""
    kinds = [move.kind for move in moves if move.kind in ("pause", "resume", "end")]
    return bool(kinds) and kinds[-1] == "pause"


def _pauses(moves: Sequence[Move], until: datetime) -> list[Span]:
    spans: list[Span] = []
    since: datetime | None = None
    for move in moves:
        if move.kind == "pause":
            since = move.at
        elif move.kind in ("resume", "end") and since is not None:
            spans.append((since, max(since, move.at)))
            since = None
    if since is not None:
        spans.append((since, max(since, until)))
    return spans


def _days(start: datetime, last: datetime) -> Iterator[tuple[int, Date]]:
    first = start.toordinal()
    for n in range(min(last.toordinal() - first + 1, MAX_DAYS_SHOWN)):
        yield n, Date.fromordinal(first + n)


def _day(
    calendar: WorkingCalendar, day: Date, start: datetime, last: datetime, pauses: Sequence[Span], n: int
) -> ExplainedDay:
    special = calendar.special.get(day)
    low, high = max(start, start_of_day(day)), min(last, end_of_day(day))
    # Seconds are cut off the sum since the start, so that the days add up to the whole to the second.
    ran = signed_working_seconds(calendar, start, high) - signed_working_seconds(calendar, start, low)
    stood = sum(
        (calendar.working_time_between(max(low, a), min(high, b)) for a, b in pauses), start=timedelta(0)
    )
    worked = calendar.is_working_day(day)
    number = calendar.working_days_between(start.date(), day) if worked and n else None
    if number is not None and calendar.is_working_day(start.date()):
        number -= 1
    return ExplainedDay(
        date=day,
        kind=_kind(day, special),
        number=0 if n == 0 else number,
        counted_seconds=max(0, ran - _seconds(stood)),
        paused_seconds=min(ran, _seconds(stood)),
        name_vi=special.name_vi if special else None,
        name_en=special.name_en if special else None,
        swapped_with=special.swapped_with if special else None,
        legal_source=special.legal_source if special else None,
        provenance=special.provenance if special else None,
    )


def _kind(day: Date, special: SpecialDay | None) -> DayKind:
    if special is None:
        return "worked" if day.weekday() < 5 else "weekend"
    if special.kind == "worked":
        return "worked_in_exchange"
    return "day_off_in_exchange" if special.swapped_with else "holiday"


def _explained(calendar: WorkingCalendar, start: datetime, moves: Sequence[Move]) -> Iterator[ExplainedMove]:
    before: int | None = None
    for move in moves:
        after = signed_working_seconds(calendar, start, move.due_at) if move.due_at else before
        yield ExplainedMove(
            at=move.at,
            kind=move.kind,
            due_at=move.due_at,
            moved_seconds=after - before if after is not None and before is not None else 0,
            note=dict(move.note),
        )
        before = after


def _conclusion(due: datetime | None, end: datetime | None, now: datetime, standing: bool) -> Conclusion:
    if end is not None:
        if due is None:
            return "ended_undue"
        return "ended_in_time" if end <= due else "ended_late"
    if standing:
        return "paused"
    if due is None:
        return "no_due"
    return "overdue_now" if due < now else "running"


def signed_working_seconds(calendar: WorkingCalendar, start: datetime, end: datetime) -> int:
    """Whole seconds of working time from `start` to `end`; negative when `end` comes first."""
    if end < start:
        return -_seconds(calendar.working_time_between(end, start))
    return _seconds(calendar.working_time_between(start, end))


def _seconds(duration: timedelta) -> int:
    return duration // timedelta(seconds=1)
