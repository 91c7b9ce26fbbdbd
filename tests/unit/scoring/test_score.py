"""Scores: sums that hold, ranks, what moved, and explanations that show their numbers."""

from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.scoring.criteria import evaluate
from services.scoring.ruleset import RULESETS, RuleSet, Scored, read_rule_set
from services.scoring.score import REMEMBERED, explanation, moved, ranks, score, score_document
from shared.contracts.scores import ModuleScore

QA = Scored("so-y-te", "departments", "government", None, ("qa",))


@cache
def questions() -> RuleSet:
    """The shipped rule set for questions."""
    path = RULESETS / "questions.yaml"
    return read_rule_set(path.read_text(encoding="utf-8"), str(path))


def of(**counts: int) -> dict[str, Any]:
    """A score document on questions."""
    named = {f"qa.{name}": n for name, n in counts.items()}
    return score_document(score(QA, [questions()], named))


def test_no_question_gives_fifteen_of_fifteen_as_not_applicable() -> None:
    document = of()
    assert document["total"] == {"points": 15, "max": 18}
    base = [c for c in document["modules"]["qa"]["criteria"] if not c["bonus"]]
    assert [c["status"] for c in base] == ["not_applicable"] * 3


def test_never_accepting_and_never_answering_gives_zero() -> None:
    assert of(received=3, eligible=3)["total"]["points"] == 0


def test_faults_cost_points() -> None:
    full = of(
        received=10, eligible=10, accepted=10, answered=10, answered_on_time=10, answered_without_fault=10
    )
    late = of(received=10, eligible=10, accepted=10, answered=10, answered_on_time=9, answered_late=1)
    titled = of(received=10, eligible=10, accepted=10, answered=10, answered_on_time=10, wrong_title=3)
    assert [d["total"]["points"] for d in (full, late, titled)] == [15, 14.5, 13.5]


counts = st.fixed_dictionaries(
    {
        f"qa.{n}": st.integers(0, 60)
        for n in ("eligible", "accepted", "answered", "answered_on_time", "overdue")
    }
)


@given(seen=counts)
def test_sums_hold_exactly(seen: dict[str, int]) -> None:
    result = score(QA, [questions()], seen)
    document = score_document(result)
    ModuleScore.model_validate(document["modules"]["qa"])
    module = document["modules"]["qa"]
    parts = sum((Decimal(str(c["points"])) for c in module["criteria"]), Decimal(0))
    assert parts == Decimal(str(module["points"])) == Decimal(str(document["total"]["points"]))
    assert 0 <= module["points"] <= module["max"] == 18


@given(several=st.lists(counts, min_size=1, max_size=8))
def test_what_is_remembered_is_what_is_worked_out_anew(several: list[dict[str, int]]) -> None:
    for seen in (*several, *reversed(several)):
        for one in score(QA, [questions()], seen).modules["qa"].criteria:
            criterion = one.criterion
            assert one.outcome == evaluate(criterion.formula, criterion.policies, criterion.max, seen)


def test_a_criterion_remembers_within_bounds() -> None:
    for number in range(2 * REMEMBERED):
        score(QA, [questions()], {"qa.eligible": number, "qa.accepted": number})
    assert all(len(criterion.known) <= REMEMBERED for criterion in questions().criteria)


@given(before=counts, after=counts)
def test_what_moved_adds_up_to_the_change(before: dict[str, int], after: dict[str, int]) -> None:
    old, new = (score_document(score(QA, [questions()], seen)) for seen in (before, after))
    deltas = sum((Decimal(str(move["delta"])) for move in moved(old, new)), Decimal(0))
    assert deltas == Decimal(str(new["total"]["points"])) - Decimal(str(old["total"]["points"]))


def test_a_first_score_moves_every_criterion_that_gives_points() -> None:
    moves = moved(None, of())
    assert {move["criterion"]: move["after"] for move in moves} == {
        "acceptance": 5, "timeliness": 5, "right-title": 5, "faultless": 0,
    }  # fmt: skip


def test_equal_shares_share_a_rank_and_the_next_is_skipped() -> None:
    def row(agency: str, group: str, points: float, most: float) -> dict[str, Any]:
        return {"agency": agency, "group": group, "total": {"points": points, "max": most}}

    found = ranks(
        [row("a", "x", 50, 100), row("b", "x", 27.5, 55), row("c", "x", 40, 100), row("d", "y", 1, 100)]
    )
    assert found == {"a": 1, "b": 1, "c": 3, "d": 1}


def test_an_explanation_shows_the_formula_with_its_numbers() -> None:
    seen = {"qa.eligible": 10, "qa.accepted": 8, "qa.answered": 8, "qa.answered_on_time": 7}
    told = explanation(score(QA, [questions()], seen))
    module = told["modules"]["qa"]
    first = module["criteria"][0]
    assert first["formula"] == "min(5, 5 × (8) / (10) / 1)"
    assert (first["numerator"], first["denominator"], first["exact"], first["points"]) == ("8", "10", "4", 4)
    assert first["rule"]["vi"]
    assert first["provenance"] == "assumed"
    assert module["sum"] == "4.00 + 4.38 + 5.00 + 0.00"
    assert module["points"] == 13.38


def test_something_unknown_makes_a_score_incomplete_never_low() -> None:
    text = (RULESETS / "questions.yaml").read_text(encoding="utf-8")
    judged = text.replace(
        'formula: {kind: capped_ratio, of: qa.accepted, over: qa.eligible, target: "1"}\n    nothing: full\n'
        '    zero_when: ["qa.eligible > 0", "qa.accepted = 0", "qa.answered = 0"]',
        "formula: {kind: judged}",
    )
    assert judged != text
    result = score(QA, [read_rule_set(judged, "draft")], {})
    assert not result.complete
    document = score_document(result)
    assert document["modules"]["qa"]["criteria"][0]["points"] is None
    assert document["total"] == {"points": 10, "max": 18}


def test_a_criterion_for_others_is_not_eligible_and_leaves_the_maximum() -> None:
    text = (RULESETS / "questions.yaml").read_text(encoding="utf-8")
    limited = text.replace(
        "  - id: acceptance\n", "  - id: acceptance\n    eligible: {groups: [districts]}\n", 1
    )
    document = score_document(score(QA, [read_rule_set(limited, "draft")], {}))
    assert document["modules"]["qa"]["criteria"][0]["status"] == "not_eligible"
    assert document["total"] == {"points": 10, "max": 13}
