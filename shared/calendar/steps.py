"""A deadline as a person would add it up: the term, what moved it, what was skipped, and how it stands.

Each step says by how much it moves the due instant; together they give the whole term, to the second. The
words are Vietnamese first, with English beside them. Pure: the present instant is an argument.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date as Date
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.calendar.explain import (
    DeadlineExplanation,
    ExplainedDay,
    ExplainedMove,
    explain_dispute,
    explain_dossier,
    explain_question,
    signed_working_seconds,
)
from shared.calendar.local import local
from shared.calendar.working import WorkingCalendar

StepKind = Literal["term", "skipped", "exchanged", "pause", "extension", "forward", "end", "now"]

Explain = Callable[[WorkingCalendar, Mapping[str, Any], datetime], DeadlineExplanation | None]

EXPLAIN: Mapping[str, Explain] = {
    "question": explain_question,
    "dossier": explain_dossier,
    "dispute": explain_dispute,
}
"""How the deadline of each kind of entity is explained from its public state."""


class DeadlineStep(BaseModel):
    """One line of the account."""

    model_config = ConfigDict(frozen=True)

    kind: StepKind
    at: datetime
    until: datetime | None = Field(default=None, description="Of a pause: when the clock went on.")
    adds_seconds: int = Field(default=0, description="Working time by which it moves the due instant later.")
    total_seconds: int = Field(description="Working time from the start to the due instant after this step.")
    due_at: datetime | None = Field(default=None, description="The due instant after this step.")
    days: list[Date] = Field(default_factory=list, description="The days that the step is about.")
    note: dict[str, Any] = Field(default_factory=dict)
    vi: str
    en: str


def steps_of(calendar: WorkingCalendar, explained: DeadlineExplanation, now: datetime) -> list[DeadlineStep]:
    """The account of an explained deadline; its `adds_seconds` sum to `term_seconds` exactly."""
    writer = _Writer(calendar, explained)
    steps = [writer.term(), *writer.days_off(), *writer.moves()]
    steps.append(writer.standing(local(now)))
    return steps


class _Writer:
    """Writes the steps of one deadline."""

    def __init__(self, calendar: WorkingCalendar, explained: DeadlineExplanation) -> None:
        self._calendar = calendar
        self._it = explained
        self._total = 0
        if explained.original_due_at is not None:
            self._total = signed_working_seconds(calendar, explained.start, explained.original_due_at)

    def _long(self, seconds: int) -> tuple[str, str]:
        """Working time in words: `80 giờ làm việc (10 ngày)`."""
        minutes, day = abs(seconds) // 60, self._calendar.working_day // timedelta(minutes=1)
        hours, rest = divmod(minutes, 60)
        vi = f"{hours} giờ" + (f" {rest} phút" if rest else "") + " làm việc"
        en = f"{hours} h" + (f" {rest} min" if rest else "") + " of working time"
        if minutes and minutes % day == 0:
            n = minutes // day
            vi, en = f"{vi} ({n} ngày)", f"{en} ({n} {'day' if n == 1 else 'days'})"
        return vi, en

    def term(self) -> DeadlineStep:
        """Where the clock starts, and the due instant it was given."""
        it, due = self._it, self._it.original_due_at
        if due is None:
            vi, en = "chưa có hạn", "no due instant"
        else:
            long_vi, long_en = self._long(self._total)
            vi, en = f"thời hạn {long_vi}, đến {_at(due)}", f"a term of {long_en}, until {_at(due)}"
        return DeadlineStep(
            kind="term", at=it.start, adds_seconds=self._total, total_seconds=self._total, due_at=due,
            vi=f"Bắt đầu tính từ {_at(it.start)}: {vi}.", en=f"Starts {_at(it.start)}: {en}.",
        )  # fmt: skip

    def days_off(self) -> Iterator[DeadlineStep]:
        """Days that the clock passes over, and days worked in exchange, as runs of equal days."""
        days = [day for day in self._it.days if day.kind not in ("worked", "weekend")]
        for run in _runs(days):
            first, name_vi, name_en = run[0], run[0].name_vi or "", run[0].name_en or ""
            when = _days(run[0].date, run[-1].date)
            if first.kind == "worked_in_exchange":
                swap = f" {first.swapped_with:%d/%m/%Y}" if first.swapped_with else ""
                vi, en = (
                    f"Tính ngày làm bù {when}{swap and f', thay cho{swap}'}.",
                    (f"Worked in exchange: {when}{swap and f', for{swap}'}."),
                )
            elif first.kind == "day_off_in_exchange":
                swap = f"{first.swapped_with:%d/%m/%Y}" if first.swapped_with else ""
                vi, en = f"Không tính {when}: nghỉ hoán đổi với {swap}.", f"Passed over: {when}, for {swap}."
            else:
                vi, en = f"Không tính {when}: {name_vi}.", f"Passed over: {when}, {name_en}."
            kind: StepKind = "exchanged" if first.kind == "worked_in_exchange" else "skipped"
            yield self._about_days(kind, run, vi, en)
        weekends = [day for day in self._it.days if day.kind == "weekend"]
        if weekends:
            n = len(weekends)
            vi, en = f"Không tính {n} ngày nghỉ cuối tuần.", f"Passed over: {n} weekend days."
            yield self._about_days("skipped", weekends, vi, en)

    def _about_days(self, kind: StepKind, run: Sequence[ExplainedDay], vi: str, en: str) -> DeadlineStep:
        note = {"legal_source": run[0].legal_source} if run[0].legal_source else {}
        return DeadlineStep(
            kind=kind, at=self._it.start, total_seconds=self._total, days=[day.date for day in run],
            note=note, vi=vi, en=en,
        )  # fmt: skip

    def moves(self) -> Iterator[DeadlineStep]:
        """Pauses, extensions, forwards, the end: in the order in which they happened."""
        paused: ExplainedMove | None = None
        for move in self._it.moves[1:]:
            if move.kind == "pause":
                paused = move
                continue
            self._total += move.moved_seconds
            if paused is not None and move.kind in ("resume", "end"):
                yield self._pause(paused, move)
                paused = None
                if move.kind == "end":
                    yield self._ended(move, 0)
            elif move.kind == "extension":
                yield self._extension(move)
            elif move.kind == "forward":
                agency = move.note.get("agency")
                vi, en = (
                    f"Chuyển cho {agency} lúc {_at(move.at)}; đồng hồ chạy tiếp.",
                    (f"Passed to {agency} at {_at(move.at)}; the clock runs on."),
                )
                yield self._moved("forward", move, vi, en)
            else:
                yield self._ended(move, move.moved_seconds)
        if paused is not None:
            vi, en = f"Đang tạm dừng từ {_at(paused.at)}.", f"Stands since {_at(paused.at)}."
            yield self._moved("pause", paused, vi, en)

    def _moved(
        self,
        kind: StepKind,
        move: ExplainedMove,
        vi: str,
        en: str,
        adds: int = 0,
        until: datetime | None = None,
    ) -> DeadlineStep:
        return DeadlineStep(
            kind=kind, at=move.at, until=until, adds_seconds=adds, total_seconds=self._total,
            due_at=move.due_at, note=move.note, vi=vi, en=en,
        )  # fmt: skip

    def _pause(self, began: ExplainedMove, went_on: ExplainedMove) -> DeadlineStep:
        adds, due = went_on.moved_seconds, went_on.due_at
        vi, en = self._by(adds, due)
        stands = began.model_copy(update={"due_at": due})
        return self._moved(
            "pause", stands,
            f"Tạm dừng từ {_at(began.at)} đến {_at(went_on.at)}: {vi}.",
            f"Stands from {_at(began.at)} to {_at(went_on.at)}: {en}.", adds, went_on.at,
        )  # fmt: skip

    def _extension(self, move: ExplainedMove) -> DeadlineStep:
        apology = bool(move.note.get("apology"))
        vi, en = self._by(move.moved_seconds, move.due_at)
        said_vi, said_en = ("có", "with") if apology else ("không có", "without")
        reason = f" ({move.note['reason']})" if move.note.get("reason") else ""
        return self._moved(
            "extension", move,
            f"Gia hạn lúc {_at(move.at)}, {said_vi} thư xin lỗi{reason}: {vi}.",
            f"Extended at {_at(move.at)}, {said_en} an apology{reason}: {en}.", move.moved_seconds,
        )  # fmt: skip

    def _by(self, seconds: int, due: datetime | None) -> tuple[str, str]:
        if due is None:
            return "chưa có hạn", "no due instant"
        if seconds == 0:
            return f"hạn không đổi, {_at(due)}", f"still due {_at(due)}"
        vi, en = self._long(seconds)
        words = ("cộng", "adds") if seconds > 0 else ("trừ", "takes away")
        return f"{words[0]} {vi}, hạn mới {_at(due)}", f"{words[1]} {en}, now due {_at(due)}"

    def _ended(self, move: ExplainedMove, adds: int) -> DeadlineStep:
        """The end: told apart are in time, late, and without a due instant."""
        late_vi, late_en = self._long(self._it.late_by_seconds)
        verdict = {
            "ended_in_time": ("đúng hạn", "in time"),
            "ended_late": (f"trễ hạn {late_vi}", f"late by {late_en}"),
        }.get(self._it.conclusion, ("không có hạn để so", "there was no due instant"))
        return self._moved(
            "end", move,
            f"Kết thúc lúc {_at(move.at)}: {verdict[0]}.", f"Ended {_at(move.at)}: {verdict[1]}.", adds,
        )  # fmt: skip

    def standing(self, now: datetime) -> DeadlineStep:
        """How it stands now. What is over late is `finished late`, never `overdue`."""
        it = self._it
        left, over = self._long(it.left_seconds), self._long(it.late_by_seconds)
        words = {
            "no_due": ("Không có hạn.", "No due instant."),
            "running": (f"Còn {left[0]}.", f"{left[1]} left."),
            "paused": ("Đồng hồ đang dừng.", "The clock stands."),
            "overdue_now": (f"Đang quá hạn {over[0]}.", f"Overdue now by {over[1]}."),
            "ended_in_time": ("Đã xong, đúng hạn.", "Finished in time."),
            "ended_late": (f"Đã xong, trễ hạn {over[0]}.", f"Finished late by {over[1]}."),
            "ended_undue": ("Đã xong, không có hạn.", "Finished; there was no due instant."),
        }
        vi, en = words[it.conclusion]
        return DeadlineStep(
            kind="now", at=now, total_seconds=self._total, due_at=it.due_at,
            note={"conclusion": it.conclusion}, vi=vi, en=en,
        )  # fmt: skip


def _runs(days: Sequence[ExplainedDay]) -> Iterator[list[ExplainedDay]]:
    """Days that follow each other and are off for the same reason."""
    run: list[ExplainedDay] = []
    for before, day in pairwise([None, *days]):
        assert day is not None
        same = before is not None and (before.kind, before.name_vi) == (day.kind, day.name_vi)
        if before is not None and not (same and (day.date - before.date).days == 1 and not day.swapped_with):
            yield run
            run = []
        run.append(day)
    if run:
        yield run


def _at(instant: datetime) -> str:
    return f"{local(instant):%H:%M %d/%m/%Y}"


def _days(first: Date, last: Date) -> str:
    return f"{first:%d/%m/%Y}" if first == last else f"{first:%d/%m}–{last:%d/%m/%Y}"
