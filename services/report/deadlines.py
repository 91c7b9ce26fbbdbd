"""What is waited for, and how long still: open questions and dossiers against working time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from services.report.view import OpenWork
from shared.calendar.working import vietnam

SOON = timedelta(hours=16)
"""Due within two working days counts as due soon."""

STATES = ("overdue", "due_soon", "waiting", "paused", "no_due")


@dataclass(frozen=True, slots=True)
class Waiting:
    """One open question or dossier as of an instant. `left` is working time, negative when overdue."""

    work: OpenWork
    state: str
    left: timedelta | None

    @property
    def hours(self) -> float | None:
        """Working hours left, None without a running clock."""
        return None if self.left is None else self.left.total_seconds() / 3600


@lru_cache(maxsize=65_536)
def _working_time(start: datetime, end: datetime) -> timedelta:
    return vietnam().working_time_between(start, end)


def judge(work: OpenWork, now: datetime) -> Waiting:
    """The state of one piece of work. A paused clock is never overdue; without a due date nothing is late."""
    if work.status == "paused":
        return Waiting(work, "paused", None)
    if work.due_at is None:
        return Waiting(work, "no_due", None)
    # Whole minutes, so that equal questions are worked out once.
    minute = now.replace(second=0, microsecond=0)
    if work.due_at <= now:
        return Waiting(
            work, "overdue", -_working_time(work.due_at, minute) if work.due_at < minute else timedelta(0)
        )
    left = _working_time(minute, work.due_at)
    return Waiting(work, "due_soon" if left <= SOON else "waiting", left)


def judged(works: Iterable[OpenWork], now: datetime) -> list[Waiting]:
    """All of `works`, the most urgent first."""
    found = [judge(work, now) for work in works]
    found.sort(key=lambda one: (STATES.index(one.state) > 2, one.work.due_at is None, one.work.due_at or now))
    return found


def by_agency(waiting: Iterable[Waiting]) -> dict[str, dict[str, Any]]:
    """Counts by agency: `question.<state>`, `dossier.<state>`, and the next due instant that lies ahead."""
    found: dict[str, dict[str, Any]] = {}
    for one in waiting:
        counts = found.setdefault(
            one.work.agency,
            {f"{kind}.{state}": 0 for kind in ("question", "dossier") for state in STATES} | {"next": None},
        )
        counts[f"{one.work.kind}.{one.state}"] += 1
        ahead = one.state in ("due_soon", "waiting")
        if ahead and (counts["next"] is None or one.work.due_at < counts["next"]):
            counts["next"] = one.work.due_at
    return found
