"""The check on what an API says: met, explained where the report contradicts itself, missed otherwise."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from deploy.replay.assumptions import read_assumptions
from deploy.replay.check import CONTRADICTIONS, Check, check
from deploy.replay.compare import COUNTED, FAMILIES, differences
from deploy.replay.computed import COMPUTE
from deploy.replay.figures import read_figures
from deploy.replay.observed import (
    END_OF_2023,
    QUARTER,
    SINCE_OPENING,
    YEAR_BEFORE,
    Listed,
    Observed,
    read_modules,
)
from deploy.replay.oracle import Oracle
from services.scoring.indicators import for_rules
from services.scoring.ruleset import Scored, read_rule_book
from services.scoring.score import score, summary_document
from shared.calendar.periods import Window
from shared.register import shipped_register
from tests.unit.replay.core import NOW

FIGURES = read_figures()
ASSUMED = read_assumptions()


@pytest.fixture(scope="module")
def seen(oracle: Oracle) -> Observed:
    """What a right API says: the independent count, and the rule sets applied to it."""
    register = shipped_register()
    counts = {days: oracle.count(*days, NOW) for days in (QUARTER, YEAR_BEFORE, END_OF_2023, SINCE_OPENING)}
    agencies = {
        a.slug: Listed(a.slug, a.group, a.parent, tuple(a.modules)) for a in register.agencies.values()
    }
    return Observed(
        agencies,
        counts[QUARTER],
        counts[YEAR_BEFORE],
        counts[END_OF_2023],
        counts[SINCE_OPENING],
        _scores(counts[QUARTER]),
    )


def _scores(counts: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    book, window = read_rule_book(), Window(*QUARTER)
    found = {}
    for agency in shipped_register().agencies.values():
        scored = Scored(agency.slug, agency.group, agency.bloc, agency.parent, agency.modules)
        # As `/v1/scores` tells it: the province's table, without the communes that their districts score.
        ours = agency.existed_in(*QUARTER) and agency.parent is None
        rules = book.of(scored, window) if ours else ()
        if rules:
            names = {name for rule in rules for name in rule.names()}
            of = for_rules(counts.get(agency.slug, {}), window, date(2026, 11, 24), names)
            found[agency.slug] = read_modules(summary_document(score(scored, rules, of))["modules"])
    return found


@pytest.fixture(scope="module")
def found(seen: Observed) -> Check:
    return check(FIGURES, seen, ASSUMED)


def test_every_figure_has_its_computation_and_no_other() -> None:
    assert len(FIGURES) == 104
    assert COMPUTE.keys() == set(FIGURES)


def test_every_contradiction_of_the_report_is_explained_and_nothing_else_but_its_share() -> None:
    marked = {figure.id for figure in FIGURES.values() if figure.recomputes == "NO"}
    assert CONTRADICTIONS.keys() == marked | {"dossier.in_progress.share"}


def test_a_right_api_misses_nothing(found: Check) -> None:
    assert found.missed == []
    assert {row.id for row in found.rows if row.verdict == "explained"} == {
        "components.party.change",
        "components.departments.change",
        "procedures.total",
        "procedures.online",
        "dossier.in_progress",
        "dossier.in_progress.share",
        "system.items.change",
    }


@pytest.mark.parametrize(
    ("figure", "computed"),
    [
        ("components.party.change", -26.8),
        ("components.departments.change", 48),
        ("procedures.total", 3095),
        ("dossier.in_progress", 2445),
        ("dossier.in_progress.share", 4.7),
        ("system.items.change", 28),
        ("boards.established", 17),
        ("qa.answered", 69),
    ],
)
def test_what_follows_instead_of_a_contradiction(found: Check, figure: str, computed: float) -> None:
    row = next(row for row in found.rows if row.id == figure)
    assert row.computed == computed
    assert row.why


def test_a_wrong_count_is_missed_also_where_the_published_one_cannot_be(seen: Observed) -> None:
    quarter = {agency: dict(counts) for agency, counts in seen.quarter.items()}
    quarter["so-y-te"]["dossier.in_progress"] += 1
    quarter["so-y-te"]["dossier.resolved.late"] += 1
    wrong = Observed(
        seen.agencies, quarter, seen.year_before, seen.end_of_2023, seen.since_opening, seen.scores
    )
    missed = {row.id for row in check(FIGURES, wrong, ASSUMED).missed}
    assert missed == {"dossier.in_progress", "dossier.resolved.late"}


def test_the_document_has_what_a_program_reads(found: Check) -> None:
    document = found.document()
    assert sum(document["verdicts"].values()) == 104
    assert document["figures"][0].keys() == {
        "id",
        "section",
        "what",
        "published",
        "computed",
        "unit",
        "recomputes",
        "verdict",
        "why",
    }


def test_differences_take_an_absent_count_as_zero() -> None:
    mine = {"a": {"qa.received": 1}}
    assert differences(mine, {"a": {"qa.received": 1, "qa.deleted": 0}, "b": {}}) == []
    assert [tuple(d) for d in differences(mine, {"b": {"content.category.c": 2}})] == [
        ("a", "qa.received", 1, 0),
        ("b", "content.category.c", 0, 2),
    ]


def test_what_only_a_service_counts_is_no_difference() -> None:
    assert differences({}, {"a": {"window.weeks": 12}}) == []


def test_everything_that_is_counted_is_compared(seen: Observed) -> None:
    names = {name for counts in (seen.quarter, seen.since_opening) for c in counts.values() for name in c}
    assert all(name in COUNTED or name.startswith(FAMILIES) for name in names)
