"""Working days and working time of the agencies.

A `WorkingCalendar` turns every instant into a position on the line of working time: microseconds worked
since a fixed origin. Between two instants lies the difference of their positions; adding working time is
walking along that line. Both are a few table look-ups, so that the fold of a dossier can afford them.

Outside the years the tables hold (`FIRST_YEAR` to `LAST_YEAR`) every weekday counts as worked, so that a
mistyped year gives an odd deadline and never a stopped service.
"""

import hashlib
import json
from bisect import bisect_left
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate

import holidays

from shared.calendar.local import LOCAL, local
from shared.calendar.overrides import (
    HoursOfWork,
    SpecialDay,
    read_hours,
    read_overrides,
)

FIRST_YEAR = 2010
LAST_YEAR = 2050
"""The years for which the holidays are worked out. Years to come are the law's rule, not yet a decree."""

MAX_WORKING_DAYS = 2_000
"""The longest term in working days (some eight years); a longer one is a mistake in the data."""

_LOW = date(2009, 12, 28).toordinal()
"""A Monday: day 0 of the tables."""
_HIGH = date(2051, 1, 2).toordinal()
"""A Monday: the first day after the tables."""
_LAST_ORDINAL = date.max.toordinal() - 1
_MICROSECOND = timedelta(microseconds=1)


class WorkingCalendar:
    """Which days are worked, and which hours of them.

    `version` names the content: the same days and hours always give the same version, and any change of
    either gives another. `special` tells why a day is not what its weekday says.
    """

    def __init__(self, hours: HoursOfWork, special: dict[date, SpecialDay]) -> None:
        self.hours = hours
        self.special = special
        spans = [(_micros(i.opens), _micros(i.closes)) for i in hours.intervals]
        self._spans = tuple(spans)
        self._before = tuple(accumulate((b - a for a, b in spans), initial=0))
        """Work done before each stretch of the day, and after the last one."""
        self._day = self._before[-1]
        worked = bytes(_is_worked(date.fromordinal(o), special) for o in range(_LOW, _HIGH))
        self._worked = worked
        self._count = tuple(accumulate(worked, initial=0))
        """Working days before each day of the table."""
        self._nth = tuple(_LOW + index for index, is_worked in enumerate(worked) if is_worked)
        self.version = _version(hours, worked, special)

    @property
    def working_day(self) -> timedelta:
        """The work of one full day."""
        return timedelta(microseconds=self._day)

    # -------------------------------------------------------------------------------------- days

    def is_working_day(self, day: date) -> bool:
        """Whether the agencies work on that local day."""
        ordinal = day.toordinal()
        if _LOW <= ordinal < _HIGH:
            return bool(self._worked[ordinal - _LOW])
        return day.weekday() < 5

    def working_days_between(self, first: date, last: date) -> int:
        """Working days in `first`..`last`, both included; 0 when `last` lies before `first`."""
        if last < first:
            return 0
        return self._days_before(last.toordinal() + 1) - self._days_before(first.toordinal())

    def add_working_days(self, instant: datetime, n: int) -> datetime:
        """The close of business on the n-th working day after the local day of `instant`.

        The day of the event is not counted, whether it is worked or not. Raises ValueError unless n is
        1 to `MAX_WORKING_DAYS`.

        Background [memory, to be confirmed]: Civil Code 2015, Articles 147 and 148: the day of the event
        is not counted; a term that would end on a weekend or holiday ends at the end of the next working
        day. The Code's last day runs to midnight; ours ends when the office closes, since a deadline is
        kept at the office.
        """
        if not 1 <= n <= MAX_WORKING_DAYS:
            raise ValueError(f"a term must have 1 to {MAX_WORKING_DAYS} working days, not {n}")
        ordinal = local(instant).toordinal()
        return _at(self._nth_day(self._days_before(ordinal + 1) + n - 1), self._spans[-1][1])

    # -------------------------------------------------------------------------------------- time

    def is_working_time(self, instant: datetime) -> bool:
        """Whether the office is open; the instants of opening and closing belong to it."""
        here = local(instant)
        micros = _micros_of(here)
        return self.is_working_day(here.date()) and any(a <= micros <= b for a, b in self._spans)

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from `start` to `end`, exact; zero when `end` is not later."""
        worked = self._position(local(end)) - self._position(local(start))
        return timedelta(microseconds=worked) if worked > 0 else timedelta(0)

    def add_working_time(self, start: datetime, duration: timedelta) -> datetime:
        """The first instant at which `duration` of working time has passed since `start`.

        It never lies outside working time; a duration that ends with the day ends at that day's close,
        not at the next opening. Nothing to add gives `start` itself, wherever it lies. Raises ValueError
        for a negative duration.
        """
        micros = duration // _MICROSECOND
        if micros < 0:
            raise ValueError("working time to add must not be negative; see working_time_before")
        here = local(start)
        return self._instant_at(self._position(here) + micros) if micros else here

    def working_time_before(self, end: datetime, duration: timedelta) -> datetime:
        """The first instant from which only `duration` of working time is left until `end`.

        One working day before Friday 17:00 is Thursday 17:00: the hour of the day stays the same.
        Nothing to take away gives `end` itself. Raises ValueError for a negative duration.
        """
        micros = duration // _MICROSECOND
        if micros < 0:
            raise ValueError("working time to take away must not be negative; see add_working_time")
        here = local(end)
        return self._instant_at(self._position(here) - micros) if micros else here

    def working_days_before(self, end: datetime, n: int) -> datetime:
        """`working_time_before` for n whole working days of work: when only n days are left until `end`."""
        here = local(end)
        return self._instant_at(self._position(here) - n * self._day) if n else here

    def opening_of(self, day: date) -> datetime:
        """When the office opens on a day, were it worked."""
        return _at(day.toordinal(), self._spans[0][0])

    def closing_of(self, day: date) -> datetime:
        """When the office closes on a day, were it worked."""
        return _at(day.toordinal(), self._spans[-1][1])

    # ------------------------------------------------------------------------------------ inside

    def _position(self, here: datetime) -> int:
        """Microseconds worked before a local instant, since the origin of the tables."""
        ordinal = here.toordinal()
        if _LOW <= ordinal < _HIGH:
            index = ordinal - _LOW
            start = self._count[index] * self._day
            if not self._worked[index]:
                return start
        else:
            start = self._days_before(ordinal) * self._day
            if here.weekday() >= 5:
                return start
        micros = _micros_of(here)
        done = 0
        for opens, closes in self._spans:
            if micros <= opens:
                break
            done += (micros if micros < closes else closes) - opens
        return start + done

    def _instant_at(self, position: int) -> datetime:
        """The first instant at that position: at the seam of two days the close of the earlier one."""
        day, micros = divmod(position, self._day)
        if micros == 0:
            day, micros = day - 1, self._day
        stretch = bisect_left(self._before, micros) - 1
        return _at(self._nth_day(day), self._spans[stretch][0] + micros - self._before[stretch])

    def _days_before(self, ordinal: int) -> int:
        """Working days from the origin up to, not including, a day; negative before the origin."""
        if ordinal < _LOW:
            return -_weekdays(ordinal, _LOW)
        if ordinal > _HIGH:
            return self._count[-1] + _weekdays(_HIGH, ordinal)
        return self._count[ordinal - _LOW]

    def _nth_day(self, n: int) -> int:
        """The ordinal of the working day number n, counted from 0 at the origin."""
        if n < 0:
            weeks, rest = divmod(n, 5)
            return _LOW + 7 * weeks + rest
        if n >= len(self._nth):
            weeks, rest = divmod(n - len(self._nth), 5)
            return _HIGH + 7 * weeks + rest
        return self._nth[n]


@lru_cache(maxsize=1)
def vietnam() -> WorkingCalendar:
    """The calendar that ships: the law's holidays, the overrides beside this file, the hours of work.

    Read once per process. Raises DataFileError when a file is wrong.
    """
    return WorkingCalendar(read_hours(), special_days(read_overrides()))


def special_days(overrides: dict[date, SpecialDay]) -> dict[date, SpecialDay]:
    """Every day that is not what its weekday says: the package's holidays, with the overrides on top."""
    names_vi = holidays.country_holidays("VN", years=range(FIRST_YEAR, LAST_YEAR + 1), language="vi")
    names_en = holidays.country_holidays("VN", years=range(FIRST_YEAR, LAST_YEAR + 1), language="en_US")
    law = "Labour Code 2019, Article 112"
    found = {
        day: SpecialDay(day, "off", name, names_en.get(day) or name, None, "source", law)
        for day, name in sorted(names_vi.items())
    }
    for day in sorted(names_vi.weekend_workdays):
        if FIRST_YEAR <= day.year <= LAST_YEAR:
            found[day] = SpecialDay(
                day, "worked", "Ngày làm bù", "Worked in exchange", None, "source", "holiday package"
            )
    return found | overrides


def _is_worked(day: date, special: dict[date, SpecialDay]) -> bool:
    entry = special.get(day)
    return day.weekday() < 5 if entry is None else entry.kind == "worked"


def _version(hours: HoursOfWork, worked: bytes, special: dict[date, SpecialDay]) -> str:
    spans = [[str(i.opens), str(i.closes)] for i in hours.intervals]
    content = json.dumps([spans, worked.hex()]).encode()
    decreed = max((day.year for day, entry in special.items() if entry.swapped_with), default=FIRST_YEAR)
    return f"vn-{decreed}-{hashlib.sha256(content).hexdigest()[:10]}"


def _weekdays(low: int, high: int) -> int:
    """Mondays to Fridays in the days low..high-1, where low or high is a Monday."""
    weeks, rest = divmod(high - low, 7)
    if (low - _LOW) % 7 == 0:
        return weeks * 5 + min(rest, 5)
    return weeks * 5 + max(rest - 2, 0)


def _micros(clock: time) -> int:
    return ((clock.hour * 60 + clock.minute) * 60 + clock.second) * 1_000_000 + clock.microsecond


def _micros_of(here: datetime) -> int:
    return ((here.hour * 60 + here.minute) * 60 + here.second) * 1_000_000 + here.microsecond


def _at(ordinal: int, micros: int) -> datetime:
    """The local instant `micros` into a day; beyond the last day that can be shown, on that day."""
    seconds, micros = divmod(micros, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    day = date.fromordinal(max(2, min(ordinal, _LAST_ORDINAL)))
    return datetime(day.year, day.month, day.day, hour, minute, second, micros, tzinfo=LOCAL)
