"""Working days and working time."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.calendar.local import LOCAL, local, start_of_day
from shared.calendar.overrides import HoursOfWork, Interval, read_hours, read_overrides
from shared.calendar.periods import Window, days
from shared.calendar.working import MAX_WORKING_DAYS, WorkingCalendar, special_days, vietnam

CALENDAR = vietnam()
DAY = timedelta(hours=8)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL)


instants = st.datetimes(min_value=datetime(2008, 1, 1), max_value=datetime(2053, 1, 1)).map(
    lambda naive: naive.replace(tzinfo=LOCAL)
)
known_days = st.dates(min_value=date(2011, 1, 1), max_value=date(2049, 12, 31))
durations = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=60))
some_durations = st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=60))


def hour_by_hour(start: datetime, end: datetime) -> timedelta:
    """Working time the slow way: every day of the span, every stretch of its hours."""
    total = timedelta(0)
    for day in days(Window(start.date(), end.date())):
        if CALENDAR.is_working_day(day):
            for interval in CALENDAR.hours.intervals:
                opens = datetime.combine(day, interval.opens, LOCAL)
                closes = datetime.combine(day, interval.closes, LOCAL)
                total += max(timedelta(0), min(end, closes) - max(start, opens))
    return total


# ------------------------------------------------------------------------------------------- days


def test_the_window_of_the_report_holds_54_working_days() -> None:
    assert CALENDAR.working_days_between(date(2024, 1, 1), date(2024, 3, 22)) == 54


def test_tet_2024_is_8_to_14_february() -> None:
    off = [
        day for day in days(Window(date(2024, 2, 5), date(2024, 2, 16))) if not CALENDAR.is_working_day(day)
    ]
    assert off == [date(2024, 2, n) for n in range(8, 15)]


@pytest.mark.parametrize(
    ("free", "worked"),
    [("2024-04-29", "2024-05-04"), ("2025-05-02", "2025-04-26"), ("2026-01-02", "2026-01-10")],
)
def test_a_swap_frees_a_weekday_for_a_saturday_worked(free: str, worked: str) -> None:
    free_day, worked_day = date.fromisoformat(free), date.fromisoformat(worked)
    assert free_day.weekday() < 5 <= worked_day.weekday()
    assert not CALENDAR.is_working_day(free_day)
    assert CALENDAR.is_working_day(worked_day)


def test_the_year_of_a_swap_loses_no_working_day() -> None:
    swapped = (date(2024, 4, 29), date(2024, 5, 4))
    without = {day: entry for day, entry in CALENDAR.special.items() if day not in swapped}
    calendar = WorkingCalendar(read_hours(), without)
    year = date(2024, 1, 1), date(2024, 12, 31)
    assert calendar.working_days_between(*year) == CALENDAR.working_days_between(*year)


@given(known_days, st.integers(0, 400))
def test_working_days_are_counted_one_by_one(first: date, more: int) -> None:
    last = min(first + timedelta(days=more), date(2050, 12, 31))
    counted = sum(CALENDAR.is_working_day(day) for day in days(Window(first, last)))
    assert CALENDAR.working_days_between(first, last) == counted
    assert CALENDAR.working_days_between(last + timedelta(days=1), first) == 0


@pytest.mark.parametrize(
    ("event", "n", "due"),
    [
        ("2024-01-15T10:00", 5, "2024-01-22T17:00"),
        ("2024-01-19T16:59", 1, "2024-01-22T17:00"),
        ("2024-01-20T09:00", 1, "2024-01-22T17:00"),
        ("2024-02-07T09:00", 1, "2024-02-15T17:00"),
        ("2024-02-10T09:00", 5, "2024-02-21T17:00"),
        ("2024-04-26T09:00", 2, "2024-05-03T17:00"),
        ("2024-05-03T09:00", 1, "2024-05-04T17:00"),
        ("2025-04-25T23:30", 1, "2025-04-26T17:00"),
    ],
)
def test_a_term_in_working_days_ends_at_close_of_business(event: str, n: int, due: str) -> None:
    assert CALENDAR.add_working_days(at(event), n) == at(due)


def test_the_day_of_the_event_is_the_local_one() -> None:
    """17:30 in London on a Sunday is already Monday here, and Monday is not counted."""
    sunday = datetime.fromisoformat("2024-01-14T17:30:00+00:00")
    assert CALENDAR.add_working_days(sunday, 1) == at("2024-01-16T17:00")


@given(instants, st.integers(1, MAX_WORKING_DAYS))
def test_a_term_holds_exactly_its_working_days(event: datetime, n: int) -> None:
    due = CALENDAR.add_working_days(event, n)
    assert CALENDAR.working_days_between(event.date() + timedelta(days=1), due.date()) == n
    assert CALENDAR.is_working_day(due.date())
    assert due == CALENDAR.closing_of(due.date())


@given(instants, instants, st.integers(1, 60))
def test_a_later_event_is_never_due_earlier(one: datetime, other: datetime, n: int) -> None:
    first, second = sorted((one, other))
    assert CALENDAR.add_working_days(first, n) <= CALENDAR.add_working_days(second, n)


@pytest.mark.parametrize("n", [0, -1, MAX_WORKING_DAYS + 1])
def test_a_term_out_of_bounds_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="1 to 2000"):
        CALENDAR.add_working_days(at("2024-01-15T10:00"), n)


# ------------------------------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2024-01-15T08:00", "2024-01-15T17:00", 8),
        ("2024-01-15T07:00", "2024-01-15T18:00", 8),
        ("2024-01-15T11:30", "2024-01-15T13:30", 1),
        ("2024-01-15T12:10", "2024-01-15T12:50", 0),
        ("2024-01-19T16:00", "2024-01-22T09:00", 2),
        ("2024-02-07T16:00", "2024-02-15T09:00", 2),
        ("2024-05-03T16:00", "2024-05-04T09:00", 2),
        ("2024-01-16T09:00", "2024-01-15T09:00", 0),
    ],
)
def test_only_hours_of_work_count(start: str, end: str, hours: int) -> None:
    assert CALENDAR.working_time_between(at(start), at(end)) == timedelta(hours=hours)


@given(known_days.map(start_of_day), st.timedeltas(timedelta(0), timedelta(days=40)), durations)
def test_the_tables_agree_with_counting_hour_by_hour(
    day: datetime, later: timedelta, span: timedelta
) -> None:
    start, end = day + later, day + later + span
    assert CALENDAR.working_time_between(start, end) == hour_by_hour(start, end)


@given(instants, durations)
def test_adding_and_measuring_gives_back(start: datetime, duration: timedelta) -> None:
    end = CALENDAR.add_working_time(start, duration)
    assert end >= start
    assert CALENDAR.working_time_between(start, end) == duration


@given(instants, durations)
def test_taking_away_and_measuring_gives_back(end: datetime, duration: timedelta) -> None:
    start = CALENDAR.working_time_before(end, duration)
    assert start <= end
    assert CALENDAR.working_time_between(start, end) == duration


@given(instants, some_durations)
def test_it_never_lands_outside_working_time(start: datetime, duration: timedelta) -> None:
    for landed in (CALENDAR.add_working_time(start, duration), CALENDAR.working_time_before(start, duration)):
        assert CALENDAR.is_working_time(landed)


@given(instants, some_durations)
def test_it_lands_on_the_first_instant_that_will_do(start: datetime, duration: timedelta) -> None:
    end = CALENDAR.add_working_time(start, duration)
    assert CALENDAR.working_time_between(start, end - timedelta(microseconds=1)) < duration


@given(instants, durations, durations)
def test_adding_twice_is_adding_the_sum(start: datetime, one: timedelta, other: timedelta) -> None:
    twice = CALENDAR.add_working_time(CALENDAR.add_working_time(start, one), other)
    assert twice == CALENDAR.add_working_time(start, one + other)


@given(instants, instants, instants)
def test_measured_time_is_additive(a: datetime, b: datetime, c: datetime) -> None:
    a, b, c = sorted((a, b, c))
    whole = CALENDAR.working_time_between(a, c)
    assert CALENDAR.working_time_between(a, b) + CALENDAR.working_time_between(b, c) == whole


@given(instants, instants, some_durations)
def test_a_later_start_never_ends_earlier(one: datetime, other: datetime, duration: timedelta) -> None:
    first, second = sorted((one, other))
    assert CALENDAR.add_working_time(first, duration) <= CALENDAR.add_working_time(second, duration)


@given(instants, durations, durations)
def test_more_to_add_never_ends_earlier(start: datetime, one: timedelta, other: timedelta) -> None:
    less, more = sorted((one, other))
    assert CALENDAR.add_working_time(start, less) <= CALENDAR.add_working_time(start, more)


@given(instants, st.integers(0, 60))
def test_whole_days_before_agree_with_working_time_before(end: datetime, n: int) -> None:
    assert CALENDAR.working_days_before(end, n) == CALENDAR.working_time_before(end, n * DAY)


@given(instants)
def test_nothing_to_add_moves_nothing(start: datetime) -> None:
    assert CALENDAR.add_working_time(start, timedelta(0)) == start
    assert CALENDAR.working_time_before(start, timedelta(0)) == start


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 29)), durations)
def test_absurd_years_give_an_answer_and_no_fault(naive: datetime, duration: timedelta) -> None:
    start = naive.replace(tzinfo=LOCAL)
    assert CALENDAR.add_working_days(start, 5).tzinfo is LOCAL
    assert CALENDAR.add_working_time(start, duration).tzinfo is LOCAL
    assert CALENDAR.working_time_before(start, duration).tzinfo is LOCAL


@given(st.datetimes(min_value=datetime(1, 2, 1), max_value=datetime(9990, 1, 1)), durations)
def test_beyond_the_tables_every_weekday_is_worked(naive: datetime, duration: timedelta) -> None:
    assume(not 2008 <= naive.year <= 2052)
    start = naive.replace(tzinfo=LOCAL)
    end = CALENDAR.add_working_time(start, duration)
    assert CALENDAR.working_time_between(start, end) == duration
    assert start.weekday() >= 5 or CALENDAR.is_working_day(start.date())


def test_one_working_day_before_friday_evening_is_thursday_evening() -> None:
    friday = at("2024-01-26T17:00")
    assert CALENDAR.working_time_before(friday, CALENDAR.working_day) == at("2024-01-25T17:00")
    assert CALENDAR.working_days_before(at("2024-02-15T10:30"), 1) == at("2024-02-07T10:30")


@pytest.mark.parametrize("method", ["add_working_time", "working_time_before"])
def test_a_negative_duration_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        getattr(CALENDAR, method)(at("2024-01-15T10:00"), timedelta(hours=-1))


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="no offset"):
        CALENDAR.add_working_days(datetime(2024, 1, 15, 10, 0), 1)


# ---------------------------------------------------------------------------------------- version


def test_the_same_days_and_hours_have_the_same_version() -> None:
    again = WorkingCalendar(read_hours(), special_days(read_overrides()))
    assert again.version == CALENDAR.version


def test_another_day_or_hour_is_another_version() -> None:
    special = special_days(read_overrides())
    without_tet = {day: entry for day, entry in special.items() if day != date(2024, 2, 8)}
    longer = HoursOfWork(
        provenance="assumed",
        legal_source="for this test",
        intervals=[Interval.model_validate({"from": "08:00", "to": "17:30"})],
    )
    versions = {
        CALENDAR.version,
        WorkingCalendar(read_hours(), without_tet).version,
        WorkingCalendar(longer, special).version,
    }
    assert len(versions) == 3


def test_an_override_replaces_what_the_package_says(tmp_path: Path) -> None:
    (tmp_path / "2028.yaml").write_text(
        'year: 2028\ndays:\n  - {date: 2028-03-01, kind: "off", name: {vi: a, en: b},'
        " provenance: assumed, legal_source: c}\n",
        encoding="utf-8",
    )
    calendar = WorkingCalendar(read_hours(), special_days(read_overrides(tmp_path)))
    assert CALENDAR.is_working_day(date(2028, 3, 1))
    assert not calendar.is_working_day(date(2028, 3, 1))
    assert local(calendar.add_working_days(at("2028-02-29T10:00"), 1)).date() == date(2028, 3, 2)
