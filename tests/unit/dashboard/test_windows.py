"""Which days a board shows, and which it is compared with."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.report.settings import read_cut_offs
from services.report.windows import BoardKey, board_key, weeks, window_before
from shared.calendar.periods import Window

LATER = date(2026, 11, 24)


def test_a_whole_period_is_asked_for_by_its_name() -> None:
    assert BoardKey("2024-Q1").query() == {"period": "2024-Q1"}


def test_a_cut_off_is_asked_for_by_its_days() -> None:
    assert board_key("2024-Q1", "2024-03-22").query() == {"from": "2024-01-01", "to": "2024-03-22"}


def test_a_cut_off_on_the_last_day_is_the_whole_period() -> None:
    assert board_key("2024-Q1", "2024-03-31") == BoardKey("2024-Q1")


@pytest.mark.parametrize(("period", "to"), [("2024-Q5", None), ("2024-Q1", "2024-04-01"), ("2024-Q1", "x")])
def test_an_address_that_names_no_board_is_refused(period: str, to: str | None) -> None:
    with pytest.raises(ValueError, match=r"period|cut-off|isoformat"):
        board_key(period, to)


def test_a_past_period_is_compared_with_the_whole_period_a_year_before() -> None:
    assert window_before(BoardKey("2024-Q1"), LATER) == Window(date(2023, 1, 1), date(2023, 3, 31))


def test_a_cut_off_is_compared_with_the_same_cut_off() -> None:
    assert window_before(board_key("2024-Q1", "2024-03-22"), LATER).last == date(2023, 3, 22)


def test_a_running_period_is_compared_up_to_the_same_day() -> None:
    assert window_before(BoardKey("2026-Q4"), LATER) == Window(date(2025, 10, 1), date(2025, 11, 24))


def test_the_29th_of_february_is_compared_with_the_28th() -> None:
    assert window_before(board_key("2024-Q1", "2024-02-29"), LATER).last == date(2023, 2, 28)


@given(st.dates(date(2024, 1, 1), date(2024, 3, 31)))
def test_weeks_cover_every_day_of_the_window_once(last: date) -> None:
    window = Window(date(2024, 1, 1), last)
    steps = weeks(window, LATER)
    assert sum(step.days for step in steps) == window.days
    assert steps[0].first == window.first
    assert steps[-1].last == window.last


def test_weeks_that_lie_ahead_are_left_out() -> None:
    assert len(weeks(Window(date(2026, 10, 1), date(2026, 12, 31)), date(2026, 10, 8))) == 2


def test_cut_offs_are_read_from_the_setting() -> None:
    assert read_cut_offs("2024-Q1=2024-03-22, 2024-Q2=2024-06-20") == {
        "2024-Q1": date(2024, 3, 22),
        "2024-Q2": date(2024, 6, 20),
    }


@pytest.mark.parametrize("text", ["2024-Q1", "2024-Q1=2024-04-22", "2024=2023-12-31", "Q1=2024-03-22"])
def test_a_cut_off_that_cannot_be_is_refused_with_its_name(text: str) -> None:
    with pytest.raises(ValueError, match="BUS_CUT_OFFS"):
        read_cut_offs(text)
