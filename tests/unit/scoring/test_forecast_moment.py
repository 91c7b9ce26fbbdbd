"""Which day a forecast stands on."""

from datetime import date

import pytest

from services.scoring.forecast_api import asked_day, due_in_words, moment_of
from services.scoring.indicators import span_of, span_of_period
from shared.calendar.periods import Window, parse_period
from shared.runtime.problem import ProblemError

QUARTER = parse_period("2024-Q1")
WHOLE = span_of_period(QUARTER)
RUNNING, OVER = date(2024, 3, 15), date(2026, 11, 24)


def test_today_in_a_running_period_sees_what_the_published_score_sees() -> None:
    found = moment_of(WHOLE, None, RUNNING)
    assert (found.day, found.running, found.present, found.span) == (RUNNING, True, True, WHOLE)


def test_a_period_that_is_over_is_seen_whole() -> None:
    found = moment_of(WHOLE, None, OVER)
    assert (found.day, found.running, found.present, found.span) == (QUARTER.last, False, True, WHOLE)


def test_an_evening_gone_by_sees_what_was_known_then() -> None:
    found = moment_of(WHOLE, RUNNING, OVER)
    assert (found.day, found.running, found.present) == (RUNNING, True, False)
    assert found.span == span_of(Window(QUARTER.first, RUNNING))
    assert moment_of(span_of(Window(QUARTER.first, RUNNING)), None, OVER) == found


def test_a_cut_off_that_lies_ahead_means_today() -> None:
    ahead = span_of(Window(QUARTER.first, date(2024, 3, 22)))
    assert moment_of(ahead, None, RUNNING) == moment_of(WHOLE, RUNNING, RUNNING)


@pytest.mark.parametrize(
    ("on", "today"),
    [(date(2023, 12, 31), OVER), (date(2024, 3, 16), RUNNING), (None, date(2023, 12, 31))],
)
def test_a_day_outside_or_ahead_is_refused(on: date | None, today: date) -> None:
    with pytest.raises(ProblemError):
        moment_of(WHOLE, on, today)


def test_a_window_of_no_period_is_refused_and_a_day_is_read() -> None:
    with pytest.raises(ProblemError):
        moment_of(span_of(Window(date(2024, 2, 1), date(2024, 3, 1))), None, OVER)
    with pytest.raises(ProblemError):
        asked_day("15/03/2024")
    assert asked_day("2024-03-15") == RUNNING


def test_a_due_instant_is_said_with_its_weekday() -> None:
    assert due_in_words("2024-03-29T10:00:00+00:00", "vi") == "17:00 thứ Sáu 29/03/2024"
    assert due_in_words("2024-03-29T17:00:00+07:00", "en") == "Friday 29/03/2024 17:00"
