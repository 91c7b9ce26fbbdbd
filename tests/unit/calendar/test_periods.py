"""Periods, windows and ISO weeks."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar.periods import (
    MAX_WINDOW_DAYS,
    Window,
    a_year_before,
    cut_off,
    days,
    ends_a_quarter,
    half_of,
    iso_week,
    iso_weeks,
    parse_day,
    parse_period,
    parse_window,
    period_of,
    periods_of,
    periods_overlapping,
    quarter_of,
    week_number,
    window_a_year_before,
)

some_days = st.dates(min_value=date(2001, 1, 1), max_value=date(2085, 12, 31))
names = st.from_regex(r"20[1-7][0-9](-(Q[1-4]|H[12]))?", fullmatch=True)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    first = draw(some_days)
    return Window(first, first + timedelta(days=draw(st.integers(0, 800))))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("2024-Q1", date(2024, 1, 1), date(2024, 3, 31)),
        ("2024-Q4", date(2024, 10, 1), date(2024, 12, 31)),
        ("2024-H1", date(2024, 1, 1), date(2024, 6, 30)),
        ("2024-H2", date(2024, 7, 1), date(2024, 12, 31)),
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
    ],
)
def test_a_period_has_its_first_and_last_day(name: str, first: date, last: date) -> None:
    period = parse_period(name)
    assert (period.first, period.last) == (first, last)
    assert str(period) == name


@pytest.mark.parametrize(
    "text", ["", "2024-Q5", "2024-Q0", "2024-H3", "24-Q1", "2024Q1", "2024-q1", "2024-Q1 "]
)
def test_what_is_not_a_period_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="2024-Q1"):
        parse_period(text)


@pytest.mark.parametrize("text", ["1999-Q1", "2089", "0000"])
def test_a_period_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="between 2000 and 2088"):
        parse_period(text)


@pytest.mark.parametrize("text", ["2024-3-22", "22/03/2024", "20240322", "2024-W12-5", ""])
def test_what_is_not_a_day_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write it as 2024-03-22"):
        parse_day(text)


def test_a_day_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="not a day of the calendar"):
        parse_day("2023-02-29")


@given(some_days)
def test_a_day_lies_in_its_quarter_half_and_year(day: date) -> None:
    assert all(day in period.window for period in periods_of(day))
    assert quarter_of(day).last <= half_of(day).last


@given(names)
def test_a_period_is_found_again_from_its_days(name: str) -> None:
    period = parse_period(name)
    assert period_of(period.window) == period
    assert period in periods_overlapping(period.window)


@given(names)
def test_the_year_before_keeps_the_kind(name: str) -> None:
    period = parse_period(name)
    assert period.year_before.name == f"{int(name[:4]) - 1}{name[4:]}"
    assert period.year_before.kind == period.kind


def test_the_reports_window_compares_with_the_same_days_a_year_before() -> None:
    assert window_a_year_before(parse_window("2024-01-01", "2024-03-22")) == parse_window(
        "2023-01-01", "2023-03-22"
    )


@pytest.mark.parametrize(
    ("window", "before"),
    [
        (("2024-01-01", "2024-02-29"), ("2023-01-01", "2023-02-28")),
        (("2025-02-01", "2025-02-28"), ("2024-02-01", "2024-02-29")),
        (("2024-02-29", "2024-03-10"), ("2023-02-28", "2023-03-10")),
        (("2024-01-01", "2024-12-31"), ("2023-01-01", "2023-12-31")),
    ],
)
def test_a_whole_month_stays_whole_a_year_before(window: tuple[str, str], before: tuple[str, str]) -> None:
    assert window_a_year_before(parse_window(*window)) == parse_window(*before)


@given(some_days)
def test_a_year_before_is_a_year_before(day: date) -> None:
    assert day - a_year_before(day) in (timedelta(days=365), timedelta(days=366))


def test_a_window_has_a_cut_off_unless_it_ends_with_a_quarter() -> None:
    assert cut_off(parse_window("2024-01-01", "2024-03-22")) == date(2024, 3, 22)
    assert cut_off(parse_window("2024-01-01", "2024-03-30")) == date(2024, 3, 30)
    assert cut_off(parse_window("2024-01-01", "2024-03-31")) is None
    assert cut_off(parse_window("2024-02-01", "2024-06-30")) is None


@given(some_days)
def test_four_days_a_year_end_a_quarter(day: date) -> None:
    assert ends_a_quarter(day) == (quarter_of(day) != quarter_of(day + timedelta(days=1)))


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        (date(2024, 3, 2), date(2024, 3, 1), "before it begins"),
        (date(1999, 12, 31), date(2024, 1, 1), "within the years 2000 to 2088"),
        (date(2024, 1, 1), date(2090, 1, 1), "within the years 2000 to 2088"),
        (date(2001, 1, 1), date(2001, 1, 1) + timedelta(days=MAX_WINDOW_DAYS), "at most"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused(first: date, last: date, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Window(first, last)


@given(windows())
def test_weeks_of_a_window_are_the_weeks_of_its_days(window: Window) -> None:
    assert iso_weeks(window) == list(dict.fromkeys(iso_week(day) for day in days(window)))
    assert len(list(days(window))) == window.days


def test_the_first_quarter_of_2024_until_the_report_holds_twelve_weeks() -> None:
    weeks = iso_weeks(parse_window("2024-01-01", "2024-03-22"))
    assert (weeks[0], weeks[-1], len(weeks)) == ((2024, 1), (2024, 12), 12)


@given(some_days, st.integers(0, 20))
def test_the_week_number_is_shared_exactly_within_a_week(day: date, later: int) -> None:
    other = day + timedelta(days=later)
    assert (week_number(day) == week_number(other)) == (iso_week(day) == iso_week(other))


@given(windows())
def test_periods_that_overlap_share_a_day(window: Window) -> None:
    found = periods_overlapping(window)
    assert len({period.name for period in found}) == len(found)
    assert all(period.first <= window.last and window.first <= period.last for period in found)
    for day in (window.first, window.last):
        assert set(periods_of(day)) <= set(found)
