"""Periods, windows and ISO weeks, all in local days.

A period is a quarter `2024-Q1`, a half `2024-H1` or a year `2024`. A window is any `from`..`to`, both
days included. Everything here is arithmetic on dates; nothing knows what today is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

PeriodKind = Literal["quarter", "half", "year"]

MIN_YEAR = 2000
MAX_YEAR = 2088
"""The years a window may touch: those whose day numbers all fit in 15 bits."""

MAX_WINDOW_DAYS = 366 * 10
"""A window longer than ten years is a mistake, and would make an answer without limit."""

_PERIOD = re.compile(r"(\d{4})(?:-(?:Q([1-4])|H([12])))?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """The local days `first`..`last`, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"the window ends on {self.last} before it begins on {self.first}")
        if self.first.year < MIN_YEAR or self.last.year > MAX_YEAR:
            raise ValueError(f"the window must lie within the years {MIN_YEAR} to {MAX_YEAR}")
        if self.days > MAX_WINDOW_DAYS:
            raise ValueError(f"the window holds {self.days} days; at most {MAX_WINDOW_DAYS} are allowed")

    @property
    def days(self) -> int:
        """How many days it holds."""
        return self.last.toordinal() - self.first.toordinal() + 1

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Period:
    """A named quarter, half or year, with its first and last day."""

    name: str
    kind: PeriodKind
    first: date
    last: date

    @property
    def window(self) -> Window:
        """All days of the period."""
        return Window(self.first, self.last)

    @property
    def year_before(self) -> "Period":
        """The same period a year before: `2024-Q1` → `2023-Q1`."""
        return parse_period(f"{self.first.year - 1:04d}{self.name[4:]}")

    def __str__(self) -> str:
        return self.name


def parse_period(text: str) -> Period:
    """`2024-Q1`, `2024-H1` or `2024`. Raises ValueError that says how to write it."""
    found = _PERIOD.fullmatch(text)
    if found is None:
        raise ValueError(
            f"{text!r} is not a period; write a quarter as 2024-Q1, a half as 2024-H1, a year as 2024"
        )
    year = int(found[1])
    if not MIN_YEAR <= year <= MAX_YEAR:
        raise ValueError(f"{text!r}: the year must lie between {MIN_YEAR} and {MAX_YEAR}")
    if found[2]:
        month = 3 * int(found[2]) - 2
        return Period(text, "quarter", date(year, month, 1), _last_of_month(year, month + 2))
    if found[3]:
        month = 6 * int(found[3]) - 5
        return Period(text, "half", date(year, month, 1), _last_of_month(year, month + 5))
    return Period(text, "year", date(year, 1, 1), date(year, 12, 31))


def parse_day(text: str) -> date:
    """`2024-03-22`. Raises ValueError that says how to write it."""
    if not _DAY.fullmatch(text):
        raise ValueError(f"{text!r} is not a day; write it as 2024-03-22")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a day of the calendar") from None


def parse_window(first: str, last: str) -> Window:
    """A window from two written days, both included."""
    return Window(parse_day(first), parse_day(last))


def quarter_of(day: date) -> Period:
    """The quarter a day lies in."""
    return parse_period(f"{day.year:04d}-Q{(day.month + 2) // 3}")


def half_of(day: date) -> Period:
    """The half year a day lies in."""
    return parse_period(f"{day.year:04d}-H{1 if day.month <= 6 else 2}")


def periods_of(day: date) -> tuple[Period, Period, Period]:
    """The quarter, the half and the year a day lies in."""
    return quarter_of(day), half_of(day), parse_period(f"{day.year:04d}")


def period_of(window: Window) -> Period | None:
    """The period that holds exactly these days, or None when it is some other window."""
    for period in periods_of(window.first):
        if period.first == window.first and period.last == window.last:
            return period
    return None


def periods_overlapping(window: Window) -> list[Period]:
    """Every quarter, half and year that shares a day with the window: quarters first, each in order."""
    found: dict[str, Period] = {}
    for choose in range(3):
        day = window.first
        while day <= window.last:
            period = periods_of(day)[choose]
            found[period.name] = period
            day = period.last + _ONE_DAY
    return list(found.values())


def ends_a_quarter(day: date) -> bool:
    """Whether a day is the last of its quarter: a window that ends there has no cut-off of its own."""
    return day == quarter_of(day).last


def cut_off(window: Window) -> date | None:
    """The cut-off of a window: facts that happened later do not count in it.

    None when the window ends on the last day of a quarter: then whatever is known counts, so that an
    answer in April to a question of March is still seen.
    """
    return None if ends_a_quarter(window.last) else window.last


def a_year_before(day: date) -> date:
    """The same day of the year before; 29 February becomes 28 February."""
    if day.month == 2 and day.day == 29:
        return date(day.year - 1, 2, 28)
    return day.replace(year=day.year - 1)


def window_a_year_before(window: Window) -> Window:
    """The same window a year before, with the same elapsed cut-off.

    2024-01-01..2024-03-22 becomes 2023-01-01..2023-03-22: like is compared with like. A window that
    ends with its month ends with that month a year before too, so a whole February stays whole.
    """
    first = a_year_before(window.first)
    last = a_year_before(window.last)
    if window.last == _last_of_month(window.last.year, window.last.month):
        last = _last_of_month(last.year, last.month)
    return Window(first, last)


def iso_week(day: date) -> tuple[int, int]:
    """The ISO year and week of a day: weeks begin on Monday, and week 1 holds the year's first Thursday."""
    year, week, _ = day.isocalendar()
    return year, week


def iso_weeks(window: Window) -> list[tuple[int, int]]:
    """The ISO weeks that share a day with the window, in order."""
    return [iso_week(monday) for monday in _mondays(window)]


def week_number(day: date) -> int:
    """A running number of ISO weeks: two days have the same one exactly when they share a week."""
    return (day.toordinal() - 1) // 7


def days(window: Window) -> Iterator[date]:
    """Every day of the window, in order."""
    for ordinal in range(window.first.toordinal(), window.last.toordinal() + 1):
        yield date.fromordinal(ordinal)


def _mondays(window: Window) -> Iterator[date]:
    monday = window.first - timedelta(days=window.first.weekday())
    while monday <= window.last:
        yield monday
        monday += timedelta(days=7)


def _last_of_month(year: int, month: int) -> date:
    following = date(year + 1, 1, 1) if month == 12 else date(year, month + 1, 1)
    return following - _ONE_DAY
