"""When a warning of the clock may leave: dated data in `alerts.yaml`. Pure but for reading the file."""

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import Field

from shared.calendar.dated import Dated, DatedEntry, read_dated
from shared.calendar.local import local
from shared.calendar.working import WorkingCalendar
from shared.contracts.alerts import Word

POLICIES = Path(__file__).parent / "alerts.yaml"
_MOMENT = timedelta(microseconds=1)


class Policy(DatedEntry):
    """The policy for warnings that fall due on `valid_from` or later."""

    only_in_working_hours: bool
    words: list[Word] = Field(max_length=2)


def read_policies(path: Path = POLICIES) -> Dated[Policy]:
    """The policies from their file. Raises DataFileError with file, line and reason."""
    return read_dated(path, "policies", Policy)


def leaves_at(calendar: WorkingCalendar, policy: Policy, now: datetime) -> datetime:
    """The first instant, from `now` on, at which a warning may leave."""
    if not policy.only_in_working_hours or calendar.is_working_time(now):
        return now
    return next_opening(calendar, now)


def next_opening(calendar: WorkingCalendar, now: datetime) -> datetime:
    """When the office next opens, for an instant at which it is closed."""
    return calendar.add_working_time(local(now), _MOMENT) - _MOMENT
