"""When a warning of the clock may leave: dated data in `alerts.yaml`. Pure but for reading the file."""

from bisect import bisect_right
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.calendar.datafile import DataFileError, read_data_file
from shared.calendar.local import local
from shared.calendar.working import WorkingCalendar
from shared.contracts.alerts import Word

POLICIES = Path(__file__).parent / "alerts.yaml"
_MOMENT = timedelta(microseconds=1)


class Policy(BaseModel):
    """The policy for warnings that fall due on `valid_from` or later."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    valid_from: date
    only_in_working_hours: bool
    words: list[Word] = Field(max_length=2)
    provenance: Literal["report", "source", "memory", "assumed"]
    legal_source: str = Field(min_length=1, max_length=500)


class PolicyFile(BaseModel):
    """The file: its entries in order of `valid_from`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policies: list[Policy] = Field(min_length=1, max_length=100)


class Policies:
    """Finds the policy of a day. Days before the first entry take the first one."""

    def __init__(self, entries: list[Policy]) -> None:
        self._entries = entries
        self._from = [entry.valid_from for entry in entries]

    def on(self, day: date) -> Policy:
        """The policy in force on a local day."""
        return self._entries[max(0, bisect_right(self._from, day) - 1)]


def read_policies(path: Path = POLICIES) -> Policies:
    """The policies from their file. Raises DataFileError with file, line and reason."""
    content, lines = read_data_file(path, PolicyFile)
    entries = content.policies
    problems = [
        lines.problem(("policies", index, "valid_from"), "must be later than the entry before it")
        for index in range(1, len(entries))
        if entries[index].valid_from <= entries[index - 1].valid_from
    ]
    if problems:
        raise DataFileError(problems)
    return Policies(entries)


def leaves_at(calendar: WorkingCalendar, policy: Policy, now: datetime) -> datetime:
    """The first instant, from `now` on, at which a warning may leave."""
    if not policy.only_in_working_hours or calendar.is_working_time(now):
        return now
    return next_opening(calendar, now)


def next_opening(calendar: WorkingCalendar, now: datetime) -> datetime:
    """When the office next opens, for an instant at which it is closed."""
    return calendar.add_working_time(local(now), _MOMENT) - _MOMENT
