"""Points a second time: the harness's own formulas and those of scoring, written apart, must agree."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scoring.criteria import Judged, evaluate, names_of
from services.scoring.ruleset import RULESETS, read_rule_book
from tests.faults.points import RULES, points, rule_sets, score_faults, value

CRITERIA = [
    (rule_set, criterion)
    for rule_set in read_rule_book(RULESETS).rule_sets
    for criterion in rule_set.criteria
    if not isinstance(criterion.formula, Judged)
]


@given(chosen=st.sampled_from(CRITERIA), data=st.data())
@settings(max_examples=400, deadline=None)
def test_both_programs_give_the_same_points(chosen: tuple, data: st.DataObject) -> None:  # type: ignore[type-arg]
    rule_set, criterion = chosen
    names = names_of(criterion.formula, criterion.policies)
    counts = {name: data.draw(st.sampled_from((0, 0, 1, 2, 7, 13, 40, 100)), name) for name in names}
    raw = next(
        one
        for one in rule_sets()[f"{rule_set.id}@{rule_set.version}"]["criteria"]
        if one["id"] == criterion.id
    )
    said = evaluate(criterion.formula, criterion.policies, Fraction(criterion.max), counts).points
    assert points(raw, counts) == (None if said is None else Fraction(said))


def test_the_rule_sets_are_those_that_ship() -> None:
    assert RULES == RULESETS


def test_expressions_are_read_as_they_are_written() -> None:
    counts = {"content.items": 10, "window.weeks": 4}
    assert value("content.items - 2 * window.weeks", counts) == 2
    assert value("0.5 * window.weeks + content.items", counts) == 12
    with pytest.raises(ValueError, match="no expression"):
        value("content.items / 2", counts)


def test_a_wrong_point_and_a_wrong_sum_are_found() -> None:
    rule_set = rule_sets()["questions@2024.1"]
    criteria = [
        {"id": one["id"], "points": one["max"] if one["id"] != "faultless" else 0, "indicators": {}}
        for one in rule_set["criteria"]
    ]
    module = {"ruleset": "questions@2024.1", "points": 15, "criteria": criteria}
    score = {"modules": {"qa": module}, "total": {"points": 15}}
    assert score_faults(score, {}) == []
    late = {"qa.eligible": 2, "qa.answered": 2, "qa.answered_on_time": 1}
    assert [line.partition(":")[0] for line in score_faults(score, late)] == [
        "qa acceptance",
        "qa timeliness",
    ]
    score["total"] = {"points": 16}
    assert score_faults(score, {}) == ["total 16, but its modules sum up to 15.0"]
