"""Local instants and days."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar.local import (
    LOCAL,
    day_number,
    day_of_number,
    end_of_day,
    iso,
    local,
    local_day,
    parse_instant,
    read_instant,
    start_of_day,
    utc_micros,
)

instants = st.datetimes(
    min_value=datetime(1980, 1, 1),
    max_value=datetime(2100, 1, 1),
    timezones=st.sampled_from([UTC, LOCAL, timezone(timedelta(hours=-11)), timezone(timedelta(hours=14))]),
)


@given(instants)
def test_the_fixed_offset_agrees_with_the_time_zone_database(instant: datetime) -> None:
    known = instant.astimezone(ZoneInfo("Asia/Ho_Chi_Minh"))
    assert local(instant).replace(tzinfo=None) == known.replace(tzinfo=None)


@given(instants)
def test_one_instant_gives_one_text_whatever_offset_it_came_with(instant: datetime) -> None:
    assert iso(instant) == iso(instant.astimezone(UTC))
    assert parse_instant(iso(instant)) == instant


@given(instants)
def test_reading_gives_the_instant_and_its_own_text(instant: datetime) -> None:
    for text in (iso(instant), instant.isoformat(), instant.isoformat(sep=" ", timespec="microseconds")):
        moment, canonical = read_instant(text)
        assert (moment, canonical) == (instant, iso(instant))


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-10T01:15:00Z",
        "2024-01-10t01:15:00z",
        "2024-01-10 08:15:00+07:00",
        "2024-W02-3T08:15:00+07:00",
        "2024-01-10T081500.0+07:00",
        "2024-01-10T08:15+07:00",
    ],
)
def test_other_ways_of_writing_it_become_the_one_text(text: str) -> None:
    assert read_instant(text)[1] == "2024-01-10T08:15:00+07:00"


@pytest.mark.parametrize("text", ["", "soon", "2024-01-10", "2024-13-01T00:00:00Z", "2024-01-10T08:15:00"])
def test_an_instant_without_a_form_or_an_offset_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="write it as 2024-01-15T08:00:00"):
        parse_instant(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_the_ends_of_time_are_refused_and_do_not_overflow(text: str) -> None:
    with pytest.raises(ValueError, match="outside the years"):
        parse_instant(text)


def test_the_local_day_begins_at_17_hours_utc() -> None:
    before = datetime(2024, 3, 21, 16, 59, 59, 999_999, tzinfo=UTC)
    assert local_day(before) == date(2024, 3, 21)
    assert local_day(before + timedelta(microseconds=1)) == date(2024, 3, 22)


def test_day_numbers_count_from_the_first_of_january_2000() -> None:
    assert day_number(date(2000, 1, 1)) == 0
    assert day_number(date(2024, 3, 22)) == 8847
    assert day_number(date(2089, 9, 17)) == 2**15 - 1


@given(st.dates())
def test_day_numbers_go_both_ways(day: date) -> None:
    assert day_of_number(day_number(day)) == day


@given(st.dates(min_value=date(2, 1, 1), max_value=date(9998, 1, 1)))
def test_a_day_holds_its_first_and_last_instant_and_nothing_beyond(day: date) -> None:
    assert local_day(start_of_day(day)) == local_day(end_of_day(day)) == day
    assert local_day(end_of_day(day) + timedelta(microseconds=1)) == day + timedelta(days=1)
    assert local_day(start_of_day(day) - timedelta(microseconds=1)) == day - timedelta(days=1)


@given(instants)
def test_microseconds_are_exact(instant: datetime) -> None:
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=utc_micros(instant)) == instant
