"""Forecast: do what it says, score again, and have exactly what it promised."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.forecast import Forecast, Outlook, Way, forecast
from services.scoring.forecast_acts import FILE, added, read_acts
from services.scoring.ruleset import RULESETS, RuleSet, Scored, read_rule_set
from services.scoring.score import score, score_criterion
from shared.calendar.datafile import DataFileError

ACTS = read_acts()
AGENCY = Scored("so-y-te", "departments", "government", None, ("content", "qa", "dossier"))
RULES: tuple[RuleSet, ...] = tuple(
    read_rule_set((RULESETS / f"{name}.yaml").read_text(encoding="utf-8"), name)
    for name in ("content-government", "questions", "services")
)
CATEGORIES = ("introduction", "procedures", "statistics", "contacts", "budget-investment")


@st.composite
def counts(draw: st.DrawFn) -> dict[str, int | None]:
    """Counts that one agency can have: questions and dossiers whose numbers fit together."""

    def some(most: int = 12) -> int:
        return draw(st.integers(0, most))

    on_time, late, waiting, overdue, unaccepted, unasked = some(), some(4), some(), some(4), some(4), some(2)
    faultless = draw(st.integers(0, on_time))
    wrong = draw(st.integers(0, on_time + late - faultless))
    dossiers = {"on_time": some(40), "late": some(), "open": some(30), "overdue": some(5)}
    articles, datasets = some(30), some(8)
    weeks = draw(st.integers(1, 14))
    resolved = dossiers["on_time"] + dossiers["late"]
    received = resolved + dossiers["open"]
    found: dict[str, int | None] = {
        "qa.received": on_time + late + waiting + overdue + unaccepted + unasked,
        "qa.eligible": on_time + late + waiting + overdue + unaccepted,
        "qa.accepted": on_time + late + waiting + overdue,
        "qa.answered": on_time + late,
        "qa.answered_on_time": on_time,
        "qa.answered_late": late,
        "qa.answered_without_fault": faultless,
        "qa.wrong_title": wrong,
        "qa.waiting": waiting + overdue + unaccepted,
        "qa.overdue": overdue,
        "dossier.resolved.on_time": dossiers["on_time"],
        "dossier.resolved.late": dossiers["late"],
        "dossier.resolved": resolved,
        "dossier.in_progress": dossiers["open"] + dossiers["overdue"],
        "dossier.overdue": dossiers["overdue"],
        "dossier.received": received,
        "dossier.received.online": draw(st.integers(0, received)),
        "content.articles": articles,
        "content.datasets": datasets,
        "content.items": articles + datasets,
        "content.active_weeks": draw(st.integers(0, min(weeks, articles + datasets))),
        "window.weeks": weeks,
        "window.days": weeks * 7,
        "input.open_weeks": draw(st.integers(0, 1)),
    }
    for name in CATEGORIES:
        found[f"content.category.{name}"] = draw(st.integers(0, articles))
    return found


def of(seen: dict[str, int | None], **more: Any) -> Forecast:
    """The forecast of an agency with these counts."""
    return forecast(Outlook(AGENCY, RULES, seen, ACTS, **more))


@settings(max_examples=60, deadline=None)
@given(counts())
def test_doing_what_a_way_says_and_scoring_again_gives_exactly_what_it_promised(
    seen: dict[str, int | None],
) -> None:
    found = of(seen)
    for way in found.ways:
        after = score(AGENCY, RULES, added(seen, way.deltas))
        assert after.points == found.result.points + way.gain
        assert way.gain > 0
        for step in way.steps:
            partly = score(AGENCY, RULES, added(seen, way.lever.deltas(step.units, seen)))
            assert partly.points == found.result.points + step.gain


@settings(max_examples=40, deadline=None)
@given(counts())
def test_doing_the_whole_plan_gives_exactly_what_is_reachable(seen: dict[str, int | None]) -> None:
    found = of(seen)
    after = score(AGENCY, RULES, added(seen, found.deltas))
    assert after.points == found.reachable
    assert all(way.lever.act.direct for way in found.plan)
    best = max((way.gain for way in found.ways if way.lever.act.direct), default=Decimal(0))
    assert found.reachable >= found.result.points + (best if found.plan else 0)


@settings(max_examples=30, deadline=None)
@given(counts())
def test_no_fewer_units_bring_the_criterion_as_far(seen: dict[str, int | None]) -> None:
    for way in of(seen).ways:
        for units in range(way.units):
            assert points(way, units, seen) < way.after
        reached = way.before
        for step in way.steps[:-1]:
            # Each step is the first number of units that gives more than the step before it.
            assert points(way, step.units, seen) == step.points > reached
            assert points(way, step.units - 1, seen) == reached
            reached = step.points


def points(way: Way, units: int, seen: dict[str, int | None]) -> Decimal:
    """What a criterion gives after so many units of a way."""
    return score_criterion(AGENCY, way.criterion, added(seen, way.lever.deltas(units, seen))).points


@settings(max_examples=40, deadline=None)
@given(counts())
def test_no_act_is_told_more_often_than_it_can_be_done(seen: dict[str, int | None]) -> None:
    found = of(seen)
    after = added(seen, found.deltas)
    stocks = ("qa.waiting", "qa.overdue", "dossier.in_progress", "input.open_weeks")
    assert all((after[name] or 0) >= 0 for name in stocks)
    assert (after["qa.accepted"] or 0) <= (after["qa.eligible"] or 0)
    assert (after["qa.answered"] or 0) <= (after["qa.eligible"] or 0)
    assert (after["content.active_weeks"] or 0) <= (seen["content.active_weeks"] or 0) + (
        seen["input.open_weeks"] or 0
    )


BUSY: dict[str, int | None] = {
    "qa.received": 10, "qa.eligible": 10, "qa.accepted": 10, "qa.answered": 7, "qa.answered_on_time": 7,
    "qa.answered_without_fault": 7, "qa.waiting": 3, "qa.overdue": 1, "window.weeks": 12,
}  # fmt: skip


def test_an_overdue_question_is_answered_for_its_title_not_for_its_time() -> None:
    found = of(BUSY)
    way = next(w for w in found.ways if w.lever.act.id == "answer-overdue")
    assert (way.criterion.id, way.units, way.gain) == ("right-title", 1, Decimal("0.62"))
    on_time = next(w for w in found.ways if w.lever.act.id == "answer-on-time")
    assert on_time.units <= 2


def test_one_acceptance_lifts_an_agency_that_never_accepted() -> None:
    seen: dict[str, int | None] = {"qa.received": 4, "qa.eligible": 4, "qa.waiting": 4, "window.weeks": 12}
    way = next(w for w in of(seen).ways if w.lever.act.id == "accept" and w.criterion.id == "timeliness")
    # One acceptance of four: a quarter of its own five points, and nothing overdue is no fault.
    assert (way.units, way.gain) == (1, Decimal("11.25"))


def test_what_waits_within_its_time_bounds_what_can_be_done_on_time() -> None:
    seen = BUSY | {"dossier.in_progress": 50, "dossier.resolved.on_time": 10, "dossier.resolved.late": 10}
    unbounded, bounded = of(seen), of(seen, known={"dossier": 4, "question": 0})
    assert max(w.units for w in unbounded.ways if w.lever.act.id == "resolve-on-time") > 4
    assert {w.units for w in bounded.ways if w.lever.act.id == "resolve-on-time"} == {4}
    assert not [w for w in bounded.ways if w.lever.act.id == "answer-on-time"]


def test_after_its_end_only_questions_can_still_be_answered() -> None:
    found = of(BUSY, running=False)
    assert {way.lever.act.id for way in found.ways} == {"answer-on-time", "answer-overdue"}
    assert {one.reason for one in found.left} == {"over"}


def test_nobody_can_act_on_what_is_judged_unknown_or_taken_off() -> None:
    text = (RULESETS / "questions.yaml").read_text(encoding="utf-8")
    start = text.index("criteria:")
    rules = f"""{text[:start]}criteria:
  - {{id: leadership, max: 5, provenance: assumed, title: {{vi: a, en: a}}, rule: {{vi: a, en: a}},
     formula: {{kind: judged}}}}
  - {{id: survey, max: 5, provenance: assumed, title: {{vi: a, en: a}}, rule: {{vi: a, en: a}},
     formula: {{kind: per_item, of: input.survey, each: 1}}}}
  - {{id: deleted, max: 5, provenance: assumed, title: {{vi: a, en: a}}, rule: {{vi: a, en: a}},
     formula: {{kind: deduction, of: qa.deleted, each: 1}}}}
  - {{id: titles, max: 3, bonus: true, provenance: assumed, title: {{vi: a, en: a}},
     rule: {{vi: a, en: a}}, formula: {{kind: per_item, of: qa.answered_late, each: 1}}}}
"""
    seen: dict[str, int | None] = {"qa.deleted": 2, "input.survey": None}
    found = forecast(Outlook(AGENCY, (read_rule_set(rules, "draft"),), seen, ACTS))
    assert found.ways == ()
    assert {one.criterion.id: one.reason for one in found.left} == {
        "leadership": "judged", "survey": "unknown", "deleted": "deducted", "titles": "nothing",
    }  # fmt: skip
    assert found.reachable == found.result.points


def test_missing_categories_are_named_one_after_the_other() -> None:
    seen: dict[str, int | None] = {"window.weeks": 12, "input.open_weeks": 1}
    found = of(seen)
    way = next(
        w for w in found.ways if w.lever.act.id == "cover-categories" and w.criterion.id == "categories"
    )
    assert len(way.lever.listed(way.units)) == way.units == 10
    assert way.deltas["content.active_weeks"] == 1
    assert way.deltas["content.category.contacts"] == 1


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("limit: qa.overdue", "limit: qa.overdu", "is not an indicator"),
        ("vi: Tiếp nhận {n} câu hỏi", "vi: Tiếp nhận câu hỏi", "a verb names"),
        ("id: accept\n", "id: answer-overdue\n", "an act stands here twice"),
        ("  over:\n    vi: Kỳ đã hết\n    en: The period is over\n", "", "no words for over"),
    ],
)
def test_a_wrong_act_is_refused_with_file_line_and_reason(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "forecast.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataFileError, match=rf"forecast.yaml:\d+:.*{reason}"):
        read_acts(file)
