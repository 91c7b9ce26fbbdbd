"""On the replayed quarter: changes on the right base, and forecasts that come true for everybody."""

from datetime import date

import pytest

from deploy.replay.oracle import Oracle
from services.scoring.comparison import change_of, per_portal, spans_of
from services.scoring.forecast import Outlook, forecast
from services.scoring.forecast_acts import added, read_acts
from services.scoring.indicators import for_rules, span_of
from services.scoring.ruleset import Scored, read_rule_book
from services.scoring.score import score
from shared.calendar.periods import Window
from shared.register import shipped_register
from tests.unit.replay.core import NOW

WINDOW = Window(date(2024, 1, 1), date(2024, 3, 22))
NOW_SPAN, THEN_SPAN = spans_of(span_of(WINDOW), NOW.date())
REGISTER = shipped_register()


@pytest.fixture(scope="module")
def items(oracle: Oracle) -> dict[str, tuple[int, int]]:
    """Items of each agency in the window of the year before, and in this one."""
    spans = (THEN_SPAN.window, NOW_SPAN.window)
    counts = [oracle.count(span.first, span.last, NOW) for span in spans]
    old, new = (
        {one: of[one].get("content.items", 0) if one in of else 0 for one in REGISTER} for of in counts
    )
    return {one: (old[one], new[one]) for one in REGISTER}


def summed(items: dict[str, tuple[int, int]], members: list[str]) -> tuple[int, int]:
    """Both years' items of some agencies."""
    return sum(items[one][0] for one in members), sum(items[one][1] for one in members)


def test_the_party_bloc_fell_by_26_8_percent_not_36_7(items: dict[str, tuple[int, int]]) -> None:
    members = [one.slug for one in REGISTER.agencies.values() if one.bloc == "party"]
    found = change_of(*summed(items, members))
    assert found == {"before": 1352, "after": 989, "change": -363, "percent": -26.8}


def test_the_districts_rose_by_36_7_percent(items: dict[str, tuple[int, int]]) -> None:
    members = [one.slug for one in REGISTER.agencies.values() if one.group == "districts"]
    found = change_of(*summed(items, members))
    assert found == {"before": 1822, "after": 2490, "change": 668, "percent": 36.7}


def test_fourteen_more_communes_make_more_items_and_per_portal_less_of_a_rise(
    items: dict[str, tuple[int, int]],
) -> None:
    communes = [one for one in REGISTER.agencies.values() if one.group == "communes"]
    portals = [sum(one.existed_in(span.window.last, span.window.last) for one in communes)
               for span in (THEN_SPAN, NOW_SPAN)]  # fmt: skip
    assert portals == [109, 123]
    both = summed(items, [one.slug for one in communes])
    whole, each = change_of(*both), per_portal(*both, (109, 123))
    assert each is not None
    assert (whole["change"], whole["percent"]) == (789, 47.3)
    assert (each["before"], each["after"], each["percent"]) == (15.31, 19.98, 30.5)


def test_every_agencys_forecast_comes_true_on_the_replayed_counts(oracle: Oracle) -> None:
    counts, book, acts = oracle.count(WINDOW.first, WINDOW.last, NOW), read_rule_book(), read_acts()
    gained = 0
    for agency in REGISTER.agencies.values():
        scored = Scored(agency.slug, agency.group, agency.bloc, agency.parent, agency.modules)
        rules = book.of(scored, WINDOW)
        if not rules or not agency.existed_in(WINDOW.first, WINDOW.last):
            continue
        names = {name for rule in rules for name in rule.names()}
        seen = for_rules(counts.get(agency.slug, {}), WINDOW, WINDOW.last, names)
        found = forecast(Outlook(scored, rules, seen | {"input.open_weeks": 0}, acts))
        for way in found.ways:
            assert score(scored, rules, added(seen, way.deltas)).points == found.result.points + way.gain
        assert score(scored, rules, added(seen, found.deltas)).points == found.reachable
        gained += found.reachable > found.result.points
    assert gained > 20
