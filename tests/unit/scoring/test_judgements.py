"""Judgements by people: somebody else's last word gives the points, whatever the agency says of itself."""

from dataclasses import dataclass
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.contribution import Mark, contribution
from services.scoring.indicators import answer, indicators, probes, span_of, span_of_period
from services.scoring.judgements import Told, flows_told, is_self_assessment, side_by_side, told_from
from services.scoring.ruleset import RULESETS, RuleSet, Scored, read_rule_set
from services.scoring.score import explanation, ranks, score, score_document
from shared.calendar.local import local_day
from shared.calendar.periods import Window, parse_period
from shared.runtime.ledger.lifecycle import Fact
from tests.unit.scoring.world import FIRST, LIFECYCLES, NOW, wrong_title

AGENCY = "so-y-te"
QUARTER = parse_period("2024-Q1")
QA = Scored(AGENCY, "departments", "government", None, ("qa",))
OTHERS = ("Sở Nội vụ", "Hội đồng thẩm định", "Sở Thông tin và Truyền thông")
OWN = ("so-y-te", "Sở Y tế", "SỞ  Y TẾ", "Sở Y tế (tự chấm)", "tự chấm", "self")


@dataclass(frozen=True)
class Said:
    """One judgement: how many days into the quarter, by whom, and how many points."""

    day: int
    by: str
    points: str


def marks(said: list[Said]) -> list[Mark]:
    """What the judgements of one criterion add to the counts."""
    facts = []
    for number, one in enumerate(said):
        at = FIRST + timedelta(days=one.day, minutes=number)
        data = {"agency": AGENCY, "period": "2024-Q1", "criterion": "acceptance", "points": one.points}
        data |= {"assessed_by": one.by, "assessed_at": at.isoformat()}
        facts.append(Fact("/publishers/cong", f"j-{number}", "assessment.recorded", at, AGENCY, data))
    lifecycle = LIFECYCLES["content"]
    ref = lifecycle.entity_of("assessment.recorded", facts[0].data, facts[0].id)
    folded = lifecycle.fold(ref, facts, NOW)
    found = contribution("assessment", AGENCY, msgspec.json.encode(folded.state), wrong_title)
    assert found.fault is None
    return found.marks


def counts(found: list[Mark], last: int | None = None) -> dict[str, int]:
    """The counts of the quarter, or of its first days as they were known then."""
    window = Window(QUARTER.first, local_day(FIRST) + timedelta(days=last)) if last is not None else None
    span = span_of(window) if window else span_of_period(QUARTER)
    rows = [(flow, cohort, effective, n) for _, flow, cohort, effective, n in found]
    wanted = flows_told({row[0] for row in rows}, "quarter")
    return indicators(answer(rows, probes(span, wanted), span.cut))


def told(said: list[Said], last: int | None = None) -> Told:
    """What was said about the criterion, by the counts."""
    return told_from(counts(marks(said), last), "quarter").get("acceptance", Told())


@pytest.mark.parametrize("by", OWN)
def test_an_agency_that_judges_itself_is_known_by_its_name(by: str) -> None:
    assert is_self_assessment(AGENCY, by)


@pytest.mark.parametrize("by", [*OTHERS, "so-y-te-ha-noi", "Sở Y tế Hà Nội", "canbo", "selfless"])
def test_everybody_else_verifies(by: str) -> None:
    assert not is_self_assessment(AGENCY, by)


def test_a_self_assessment_after_a_verified_one_moves_nothing() -> None:
    verified = Said(40, "Sở Nội vụ", "3.5")
    before = counts(marks([verified]))
    after = counts(marks([verified, Said(41, "Sở Y tế", "5")]))
    assert {name: after[name] for name in before} == before
    assert told([verified, Said(41, "Sở Y tế", "5")]).verified == told([verified]).verified


said = st.builds(
    Said, st.integers(0, 80), st.sampled_from(OTHERS + OWN), st.decimals(0, 10, places=2).map(str)
)


@given(st.lists(said, min_size=1, max_size=6), st.integers(0, 80))
def test_the_last_word_of_each_side_stands_also_as_seen_from_an_earlier_day(
    given_: list[Said], day: int
) -> None:
    ordered = sorted(given_, key=lambda one: one.day)
    for last in (None, day):
        seen = [one for one in ordered if last is None or one.day <= last]
        own = [one.points for one in seen if is_self_assessment(AGENCY, one.by)]
        verified = [one.points for one in seen if not is_self_assessment(AGENCY, one.by)]
        found = told(ordered, last)
        for value, points in ((found.self_assessed, own), (found.verified, verified)):
            assert (value is None) == (not points)
            assert value is None or f"{value:.2f}" == f"{float(points[-1]):.2f}"


def judged_rules() -> RuleSet:
    """Questions with a first criterion that a person must judge."""
    text = (RULESETS / "questions.yaml").read_text(encoding="utf-8")
    old = (
        'formula: {kind: capped_ratio, of: qa.accepted, over: qa.eligible, target: "1"}\n    nothing: full\n'
        '    zero_when: ["qa.eligible > 0", "qa.accepted = 0", "qa.answered = 0"]'
    )
    assert old in text
    return read_rule_set(text.replace(old, "formula: {kind: judged}", 1), "draft")


def test_three_values_stand_side_by_side_and_only_the_verified_one_gives_points() -> None:
    found = marks([Said(10, "Sở Y tế", "5"), Said(20, "Hội đồng thẩm định", "4.25"), Said(30, "self", "5")])
    seen = {**counts(found), "qa.eligible": 2, "qa.accepted": 2, "qa.answered": 2, "qa.answered_on_time": 1}
    explained = explanation(score(QA, [judged_rules()], seen))
    page = side_by_side(explained, told_from(seen, "quarter"))
    first, second = page["criteria"][:2]
    assert [first[key] for key in ("self_assessed", "computed", "verified", "counted")] == [
        5,
        None,
        4.25,
        "verified",
    ]
    assert first["points"] == 4.25
    assert [second[key] for key in ("self_assessed", "computed", "verified", "counted")] == [
        None,
        2.5,
        None,
        "computed",
    ]
    assert page["missing"] == []


def test_what_only_the_agency_judged_is_missing_and_makes_the_score_incomplete_never_low() -> None:
    seen = counts(marks([Said(10, "Sở Y tế", "5")]))
    result = score(QA, [judged_rules()], seen)
    page = side_by_side(explanation(result), told_from(seen, "quarter"))
    assert page["missing"] == [{"module": "qa", "criterion": "acceptance"}]
    assert page["criteria"][0]["self_assessed"] == 5
    assert page["criteria"][0]["counted"] is None
    assert not page["complete"]
    # Ten of the thirteen points that are known, as another agency with ten of thirteen has.
    waiting = score_document(result)
    other = {"agency": "so-noi-vu", "group": "departments", "total": {"points": 10, "max": 13}}
    assert ranks([waiting, other]) == {AGENCY: 1, "so-noi-vu": 1}


def test_a_judgement_about_a_criterion_that_no_rule_set_has_is_shown_and_counts_nowhere() -> None:
    page = side_by_side(explanation(score(QA, [judged_rules()], {})), {"leadership": Told(verified=None)})
    assert [row["criterion"] for row in page["elsewhere"]] == ["leadership"]
