"""The opening figures: sums, shares, and changes against the earlier value."""

from typing import Any

from services.report import figures
from services.report.boards import existed
from services.report.windows import BoardKey

NOW = {
    "a": {"content.items": 9_000, "content.articles": 8_000, "content.datasets": 1_000, "qa.received": 60,
          "qa.eligible": 50, "qa.answered": 40, "qa.waiting": 10, "dossier.received.online": 900,
          "dossier.received.one_stop": 100, "dossier.resolved.on_time": 981, "dossier.resolved.late": 19},
    "b": {"content.items": 506, "qa.received": 40},
    "c": {},
    "cong-tinh": {"content.items": 943, "content.visits": 1_880_000},
}  # fmt: skip
BEFORE = {"a": {"content.items": 7_254, "qa.received": 94}, "cong-tinh": {"content.items": 884}}


def headline(before: figures.Indicators | None = BEFORE) -> dict[str, dict[str, Any]]:
    return figures.headline(NOW, before, {"a", "b", "c"}, {"cong-tinh"}, 21)


def test_a_change_is_a_percentage_of_the_earlier_value() -> None:
    assert headline()["items"]["value"] == 9_506
    assert headline()["items"]["change"] == {"delta": 2_252, "percent": 31.0}


def test_the_provincial_portal_is_counted_apart() -> None:
    found = headline()["provincial"]
    assert (found["value"], found["visits"], found["change"]["delta"]) == (943, 1_880_000, 59)


def test_a_portal_that_is_gone_still_counts_in_the_year_before() -> None:
    before = {**BEFORE, "gone": {"content.items": 246}}
    assert headline(before)["items"]["change"] == figures.change(9_506, 7_500)


def test_a_fall_is_measured_on_the_earlier_value_too() -> None:
    assert figures.change(989, 1_352) == {"delta": -363, "percent": -26.8}


def test_without_an_earlier_value_there_is_no_change() -> None:
    assert headline(None)["items"]["change"] is None
    assert headline({"a": {}})["items"]["change"] is None


def test_shares() -> None:
    assert headline()["dossiers"]["online_percent"] == 90.0
    assert headline()["resolved"]["on_time_percent"] == 98.1
    assert figures.percent(1, 0) is None


def test_silent_portals_are_those_without_an_item() -> None:
    found = headline()["portals"]
    assert (found["value"], found["active"], found["inactive"]) == (3, 2, 1)


def test_a_portal_that_was_closed_before_the_window_is_none_of_its_portals() -> None:
    window = BoardKey("2024-Q1").window
    assert existed({"opened": "2012-01-01", "closed": None}, window)
    assert existed({"opened": "2012-01-01", "closed": "2024-01-01"}, window)
    assert not existed({"opened": "2012-01-01", "closed": "2023-12-31"}, window)
    assert not existed({"opened": "2024-04-01", "closed": None}, window)
