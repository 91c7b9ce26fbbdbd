"""Rule sets: those that ship are sound, and a bad file is refused with file, line and reason."""

from datetime import date
from pathlib import Path

import pytest

from services.scoring.app import open_book
from services.scoring.ruleset import RULESETS, RuleBook, Scored, read_rule_book, read_rule_set
from shared.calendar.datafile import DataFileError
from shared.calendar.periods import parse_period

QUESTIONS = (RULESETS / "questions.yaml").read_text(encoding="utf-8")


def test_the_scales_are_those_of_the_report() -> None:
    scales = {
        r.id: (int(r.base), int(r.bonus), str(r.row.scale.provenance)) for r in read_rule_book().rule_sets
    }
    assert scales["content-party"] == (90, 5, "report")
    assert scales["content-government"] == (50, 5, "report")
    assert scales["questions"] == (15, 3, "report")
    assert scales["services"] == (25, 2, "report")


def test_the_shipped_rules_score_as_many_as_the_report_says() -> None:
    book = open_book()
    window = parse_period("2024-Q1").window
    found: dict[str, int] = {}
    for agency in book.agencies.scored_in(window).values():
        for rule_set in book.rules.of(agency, window):
            found[rule_set.id] = found.get(rule_set.id, 0) + 1
    districts = {name for name in found if name.startswith("communes-")}
    assert {name: found[name] for name in found.keys() - districts} == {
        "content-party": 16,
        "content-government": 36,
        "questions": 39,
        "services": 29,
    }


@pytest.mark.parametrize(
    ("old", "new", "line_of", "reason"),
    [
        ("base: 15", "base: 16", "base: 16", "says 16, but the base criteria add up to 15"),
        ("bonus: 3", "bonus: 2", "bonus: 2", "says 2, but the bonus criteria add up to 3"),
        ("id: timeliness", "id: acceptance", "id: acceptance", "acceptance stands here twice"),
        ("of: qa.accepted,", "of: qa.akzepted,", "formula:", "qa.akzepted is not an indicator"),
        ("{from: 30, points: 2}", "{from: 10, points: 2}", "bands:", "the bands must rise"),
        ("nothing: full", "nothing: maybe", "nothing: maybe", "Input should be 'full', 'zero' or 'unknown'"),
        ("kind: bands", "kind: magic", "formula:", "magic"),
        ('target: "1"', "target: 0.9", "formula:", "so that it stays exact"),
        ("valid_to: null", "valid_to: 2020-01-01", "valid_to:", "lies before valid_from"),
        ("max: 5\n", "max: 5\n    colour: red\n", "colour:", "Extra inputs are not permitted"),
        ("max: 5\n", 'max: "5.001"\n', "max:", "points have two decimals at most"),
        ("max: 3\n", "max: 2\n", "id: faultless", "a band gives more than the criterion's max"),
        (
            "    nothing: full",
            "    minimum_volume: {of: qa.eligible, at_least: 0}",
            "at_least: 0",
            "or equal to 1",
        ),
        (
            "    nothing: full",
            "    minimum_volume: {of: qa.all, at_least: 5}",
            "of: qa.all",
            "qa.all is not an",
        ),
        ("  module: qa\n", "  module: qa\n  colours: [red]\n", "colours:", "Extra inputs are not permitted"),
        ("  module: qa\n", "  blocs: [red]\n", "blocs:", "'party', 'government' or 'none'"),
        ("legal_basis:\n", "legal_basis: []\nlegal:\n", "legal_basis:", "at least 1 item"),
        ("provenance: assumed", "provenance: guessed", "provenance:", "'report', 'source' or 'assumed'"),
        (
            'zero_when: ["qa.eligible > 0"',
            'zero_when: ["qa.eligible is 0"',
            "zero_when:",
            "is not a comparison",
        ),
        ("    rule:\n      vi: ", "    rule:\n      fr: ", "rule:", "Field required"),
        ("of: qa.accepted,", "of: qa.accepted *,", "formula:", "expected + or -"),
    ],
)
def test_a_bad_file_names_its_line_and_reason(old: str, new: str, line_of: str, reason: str) -> None:
    text = QUESTIONS.replace(old, new, 1)
    assert text != QUESTIONS
    with pytest.raises(DataFileError) as refused:
        read_rule_set(text, "draft.yaml")
    problem = next(p for p in refused.value.problems if reason in p.reason)
    assert problem.file == "draft.yaml"
    assert line_of in "\n".join(text.splitlines()[problem.line - 1 : problem.line + 6])


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(QUESTIONS, encoding="utf-8")
    with pytest.raises(DataFileError, match=r"questions@.* is used by two files"):
        read_rule_book(tmp_path)


def test_two_rule_sets_for_one_agency_and_module_are_refused() -> None:
    one = read_rule_set(QUESTIONS, "one")
    other = read_rule_set(QUESTIONS.replace("id: questions", "id: questions-new", 1), "other")
    agency = Scored("so-y-te", "departments", "government", None, ("qa",))
    with pytest.raises(DataFileError, match="would both score so-y-te in qa"):
        RuleBook([one, other]).check([agency])


def test_a_new_version_takes_effect_on_its_day() -> None:
    old = read_rule_set(QUESTIONS.replace("valid_to: null", "valid_to: 2024-03-31", 1), "old")
    text = QUESTIONS.replace('version: "2024.1"', 'version: "2024.2"', 1)
    new = read_rule_set(text.replace("valid_from: 2021-01-01", "valid_from: 2024-04-01", 1), "new")
    book = RuleBook([old, new])
    agency = Scored("so-y-te", "departments", "government", None, ("qa",))
    book.check([agency])
    assert [r.version for r in book.of(agency, parse_period("2024-Q1").window)] == ["2024.1"]
    assert [r.version for r in book.of(agency, parse_period("2024-Q2").window)] == ["2024.2"]
    assert book.on(date(2020, 1, 1)) == ()


def test_eligibility_by_attribute() -> None:
    text = QUESTIONS.replace(
        "  module: qa\n", "  module: qa\n  groups: [communes]\n  parents: [huyen-bat-xat]\n"
    )
    rules = read_rule_set(text.replace("  module: qa\n  groups", "  groups", 1), "draft")
    commune = Scored("xa-muong-hum", "communes", "none", "huyen-bat-xat", ())
    assert rules.eligible.admits(commune)
    assert not rules.eligible.admits(Scored("xa-ta-phin", "communes", "none", "thi-xa-sa-pa", ()))
