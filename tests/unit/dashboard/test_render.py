"""How numbers, days and what agencies send are written."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from services.report.dashboard import render


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        (14, "14", "14"),
        (13.5, "13,5", "13.5"),
        (13.33, "13,33", "13.33"),
        (1234.5, "1.234,5", "1,234.5"),
        (Decimal("0.005"), "0,01", "0.01"),
        (None, "–", "–"),
    ],
)
def test_points_have_as_many_places_as_they_need(value: float | None, vi: str, en: str) -> None:
    assert render.points(value, "vi") == vi
    assert render.points(value, "en") == en


def test_a_change_has_its_sign_and_a_real_minus() -> None:
    assert [render.signed(value, "vi") for value in (1.5, -0.25, 0, None)] == ["+1,5", "−0,25", "0", "–"]


def test_thousands_are_parted_as_each_language_does() -> None:
    assert render.number(1_688_600, "vi") == "1.688.600"
    assert render.number(1_688_600, "en") == "1,688,600"


def test_days_and_instants_are_local() -> None:
    late = datetime(2024, 3, 22, 17, 30, tzinfo=UTC)
    assert render.day(late) == "23/03/2024"
    assert render.instant(late) == "23/03/2024 00:30"
    assert render.day("2024-03-22") == "22/03/2024"
    assert render.day(date(2024, 3, 22)) == "22/03/2024"
    assert render.day(None) == "–"


@pytest.mark.parametrize(
    ("period", "said"),
    [("2024-Q1", "Quý I năm 2024"), ("2024-H2", "6 tháng cuối năm 2024"), ("2024", "Năm 2024")],
)
def test_periods_are_named_in_words(period: str, said: str) -> None:
    assert render.period_name(period, render.words("vi")) == said


def test_what_others_send_never_becomes_markup() -> None:
    drawn = render.draw("vi", "notice", kind="info", text="<script>alert(1)</script>")
    assert "<script>" not in drawn
    assert "&lt;script&gt;" in drawn


def test_a_field_that_is_left_out_is_a_dash_and_no_fault() -> None:
    drawn = render.draw("vi", "notice", kind="info", text=render.instant(render.given(None)))
    assert "–" in drawn
