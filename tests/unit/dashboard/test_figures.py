"""The opening figures: sums, shares, and changes against the earlier value."""

from services.report import figures

NOW = {
    "a": {"content.items": 9_000, "content.articles": 8_000, "content.datasets": 1_000, "qa.received": 60,
          "qa.eligible": 50, "qa.answered": 40, "qa.waiting": 10, "dossier.received.online": 900,
          "dossier.received.one_stop": 100, "dossier.resolved.on_time": 981, "dossier.resolved.late": 19},
    "b": {"content.items": 506, "qa.received": 40},
    "c": {},
}  # fmt: skip
BEFORE = {"a": {"content.items": 7_254, "qa.received": 94}}


def test_a_change_is_a_percentage_of_the_earlier_value() -> None:
    found = figures.headline(NOW, BEFORE, 196, 21)
    assert found["items"]["value"] == 9_506
    assert found["items"]["change"] == {"delta": 2_252, "percent": 31.0}


def test_a_fall_is_measured_on_the_earlier_value_too() -> None:
    assert figures.change(989, 1_352) == {"delta": -363, "percent": -26.8}


def test_without_an_earlier_value_there_is_no_change() -> None:
    assert figures.headline(NOW, None, 3, 0)["items"]["change"] is None
    assert figures.headline(NOW, {"a": {}}, 3, 0)["items"]["change"] is None


def test_shares() -> None:
    found = figures.headline(NOW, BEFORE, 3, 0)
    assert found["dossiers"]["online_percent"] == 90.0
    assert found["resolved"]["on_time_percent"] == 98.1
    assert figures.percent(1, 0) is None


def test_silent_portals_are_those_without_an_item() -> None:
    found = figures.headline(NOW, BEFORE, 3, 0)["portals"]
    assert (found["active"], found["inactive"]) == (2, 1)
