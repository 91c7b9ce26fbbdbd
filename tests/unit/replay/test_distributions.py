"""The report's distributions of points come out of the rule sets applied to the generated facts."""

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal

import pytest

from deploy.replay.oracle import Oracle
from services.scoring.indicators import for_rules
from services.scoring.ruleset import RuleBook, Scored, read_rule_book
from services.scoring.score import Result, score
from shared.calendar.periods import Window
from shared.register import shipped_register
from tests.unit.replay.core import NOW

FIRST, LAST = date(2024, 1, 1), date(2024, 3, 22)


@pytest.fixture(scope="module")
def results(oracle: Oracle) -> list[Result]:
    counts = oracle.count(FIRST, LAST, NOW)
    book: RuleBook = read_rule_book()
    window = Window(FIRST, LAST)
    found = []
    for agency in shipped_register().agencies.values():
        if not agency.existed_in(FIRST, LAST):
            continue
        scored = Scored(agency.slug, agency.group, agency.bloc, agency.parent, agency.modules)
        rules = book.of(scored, window)
        names = {name for rule in rules for name in rule.names()}
        found.append(score(scored, rules, for_rules(counts.get(agency.slug, {}), window, NOW.date(), names)))
    return found


def _points(results: list[Result], module: str, bloc: str | None = None) -> list[Decimal]:
    return sorted(
        result.modules[module].points
        for result in results
        if module in result.modules and bloc in (None, result.agency.bloc)
    )


def test_content_of_the_party_bloc(results: list[Result]) -> None:
    points = _points(results, "content", "party")
    assert len(points) == 16
    assert points.count(Decimal(95)) == 5
    assert all(Decimal(83) <= p <= Decimal(94) for p in points[:11])


def test_content_of_the_government_bloc(results: list[Result]) -> None:
    points = _points(results, "content", "government")
    assert len(points) == 36
    assert points.count(Decimal(55)) == 19
    assert all(Decimal(49) <= p <= Decimal(54) for p in points[:17])


def test_questions(results: list[Result], oracle: Oracle) -> None:
    points = Counter(_points(results, "qa"))
    assert sum(points.values()) == 39
    assert points[Decimal(16)] == 1
    assert points[Decimal(15)] == 29
    assert points[Decimal(0)] == 1
    assert sum(n for p, n in points.items() if Decimal(13) <= p <= Decimal(14)) == 8
    counts = defaultdict(Counter, oracle.count(FIRST, LAST, NOW))
    without = [r for r in results if "qa" in r.modules and not counts[r.agency.agency]["qa.received"]]
    assert len(without) == 16
    assert {r.modules["qa"].points for r in without} == {Decimal(15)}


def test_services(results: list[Result]) -> None:
    assert Counter(_points(results, "dossier")) == {Decimal(27): 27, Decimal(25): 2}


def test_every_score_is_complete(results: list[Result]) -> None:
    """But for the communes, whose districts have judged nothing in the replay."""
    assert all(result.complete for result in results if result.agency.parent is None)
