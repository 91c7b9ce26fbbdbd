"""The national index beside the province's scores, and districts that score their own communes."""

from collections import Counter
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.app import open_book
from services.scoring.ruleset import PUBLISHED, RULESETS, RuleBook, Scored, read_rule_book, read_rule_set
from services.scoring.score import ranks, score
from shared.calendar.datafile import DataFileError
from shared.calendar.periods import parse_period
from shared.register.register import shipped_register

BOOK = open_book()
Q1 = parse_period("2024-Q1").window
NATIONAL = next(r for r in BOOK.rules.rule_sets if r.family == "national")
BAT_XAT = (RULESETS / "communes-huyen-bat-xat.yaml").read_text(encoding="utf-8")
AGENCY = Scored("so-y-te", "departments", "government", None, ("content", "qa", "dossier"))
COMMUNE = Scored("xa-y-ty-bat-xat", "communes", "none", "huyen-bat-xat", ())
NEIGHBOUR = Scored("xa-ta-phin-sa-pa", "communes", "none", "thi-xa-sa-pa", ())

PARTS = {"1": 18, "2": 20, "3": 22, "4": 22, "5": 18}
"""The decision's parts; 3 is online services (12) and online payment (10)."""


# -------------------------------------------------------------------------------- national index


def test_the_national_index_has_its_hundred_points_in_their_parts() -> None:
    assert [int(NATIONAL.base), int(NATIONAL.bonus)] == [100, 0]
    parts: dict[str, Fraction] = {}
    for criterion in NATIONAL.criteria:
        parts[criterion.id[0]] = parts.get(criterion.id[0], Fraction(0)) + criterion.max
    assert parts == PARTS
    payment = sum(c.max for c in NATIONAL.criteria if c.id[:3] in ("3.5", "3.6"))
    assert payment == 10


def test_every_share_is_a_capped_ratio_with_the_targets_that_are_known() -> None:
    assert {criterion.kind for criterion in NATIONAL.criteria} == {"capped_ratio"}
    targets = {c.id[:3]: c.formula.target for c in NATIONAL.criteria}  # type: ignore[union-attr]
    known = {"3.1": 80, "3.3": 50, "4.2": 80, "4.3": 80, "5.4": 90}
    assert {name: targets[name] * 100 for name in known} == known


def test_what_is_filled_in_says_so() -> None:
    for criterion, row in zip(NATIONAL.criteria, NATIONAL.row.criteria, strict=True):
        assert (criterion.provenance == "assumed") == (row.note is not None), criterion.id
    assert NATIONAL.row.legal_basis[0].vi.startswith("Quyết định số 766/QĐ-TTg")


def test_inputs_that_nobody_provides_stay_unknown_and_the_score_incomplete() -> None:
    counts = dict.fromkeys((n for n in NATIONAL.names() if n.startswith("input.")), None)
    told = {"dossier.received": 100, "dossier.received.online": 60, "dossier.resolved.on_time": 90}
    result = score(AGENCY, [NATIONAL], {**counts, **told, "dossier.resolved": 90})
    by_id = {one.criterion.id: one for one in result.modules["index"].criteria}
    assert not result.complete
    assert by_id["3.3-received-online"].points == 6
    assert by_id["2.1-progress"].points == 20
    unknown = [name for name, one in by_id.items() if one.outcome.status == "unknown"]
    assert len(unknown) == len(by_id) - 2
    assert all(by_id[name].outcome.points is None for name in unknown)
    assert result.points == 26


def test_one_input_more_makes_one_criterion_known() -> None:
    counts = dict.fromkeys((n for n in NATIONAL.names() if n.startswith("input.")), None)
    known = {**counts, "input.dossiers_digitised": 40, "dossier.received": 100}
    result = score(AGENCY, [NATIONAL], known)
    (digitised,) = [c for c in result.modules["index"].criteria if c.criterion.id == "4.2-digitised"]
    assert digitised.points == 2, "40 of 100 against 80 % is half of four points"


@given(st.dictionaries(st.sampled_from(sorted(NATIONAL.names())), st.integers(0, 5_000)))
def test_the_index_stays_within_its_hundred_points_and_adds_up(counts: dict[str, int]) -> None:
    result = score(AGENCY, [NATIONAL], counts)
    assert 0 <= result.points <= 100
    assert result.points == sum(one.points for one in result.modules["index"].criteria)


def test_the_national_index_is_in_no_published_score() -> None:
    assert NATIONAL.family not in PUBLISHED
    for agency in BOOK.agencies.scored_in(Q1).values():
        assert NATIONAL not in BOOK.rules.of(agency, Q1)
    only = BOOK.rules.only("national")
    scored = [a for a in BOOK.agencies.scored_in(Q1).values() if only.of(a, Q1)]
    assert len(scored) == 29, "those who are scored on dossiers"


# --------------------------------------------------------------------------------------- communes


def test_a_district_scores_its_own_communes_and_nobody_else() -> None:
    scored = {
        name: [r.name for r in BOOK.rules.of(agency, Q1)]
        for name, agency in BOOK.agencies.scored_in(Q1).items()
        if agency.group == "communes" and BOOK.rules.of(agency, Q1)
    }
    register = shipped_register()
    owners = Counter(register.agencies[name].parent for name in scored)
    assert owners == {"huyen-bat-xat": 13, "thi-xa-sa-pa": 16}
    for name, rule_sets in scored.items():
        assert rule_sets == [f"communes-{register.agencies[name].parent}@2024.1"]


def test_whatever_its_file_says_a_district_reaches_no_other_communes() -> None:
    wide = read_rule_set(BAT_XAT.replace("  groups: [communes]\n", "  module: null\n"), "wide")
    assert wide.admits(COMMUNE)
    assert not wide.admits(NEIGHBOUR)
    assert not wide.admits(AGENCY)


def test_a_commune_is_judged_by_its_district_and_incomplete_until_then() -> None:
    rules = read_rule_set(BAT_XAT, "bat-xat")
    counts = {"content.items": 10, "content.active_weeks": 9, "window.weeks": 13}
    waiting = score(COMMUNE, [rules], counts)
    judged = score(
        COMMUNE, [rules], {**counts, "judged.commune-quality": 1, "judged_hundredths.commune-quality": 850}
    )
    assert (waiting.complete, judged.complete) == (False, True)
    assert judged.points - waiting.points == Fraction(17, 2)


def test_communes_are_ranked_among_those_of_their_own_district() -> None:
    def document(name: str, parent: str | None, points: int, group: str = "communes") -> dict[str, object]:
        total = {"points": points, "max": 100}
        return {"agency": name, "group": group, "parent": parent, "total": total, "modules": {}}

    found = ranks([
        document("a", "huyen-bat-xat", 50), document("b", "huyen-bat-xat", 70),
        document("c", "thi-xa-sa-pa", 10),
        document("d", None, 90, "districts"), document("e", None, 95, "districts"),
    ])  # fmt: skip
    assert found == {"b": 1, "a": 2, "c": 1, "e": 1, "d": 2}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("owner: huyen-bat-xat\n", "", "names its district as `owner`"),
        ("family: communes", "family: provincial", "names its district as `owner`"),
        ("owner: huyen-bat-xat", "owner: Bát Xát", "pattern"),
    ],
)
def test_a_district_s_file_names_its_district(old: str, new: str, reason: str) -> None:
    with pytest.raises(DataFileError, match=reason) as refused:
        read_rule_set(BAT_XAT.replace(old, new, 1), "bat-xat.yaml")
    assert all(problem.file == "bat-xat.yaml" for problem in refused.value.problems)


def test_an_owner_without_communes_and_two_rules_for_one_commune_are_refused_with_file_and_line() -> None:
    nobody = read_rule_set(BAT_XAT.replace("owner: huyen-bat-xat", "owner: so-y-te"), "nobody.yaml")
    twice = read_rule_set(BAT_XAT.replace("id: communes-huyen", "id: communes-again-huyen", 1), "twice.yaml")
    with pytest.raises(DataFileError) as refused:
        RuleBook([read_rule_set(BAT_XAT, "one.yaml"), nobody, twice]).check(BOOK.agencies.everyone())
    told = [str(problem) for problem in refused.value.problems]
    assert any(t.startswith("nobody.yaml:6:") and "so-y-te has no communes" in t for t in told)
    assert any(t.startswith("twice.yaml:2") and "would both score" in t for t in told)


# ------------------------------------------------------- another file, other scores, no code


def test_another_file_changes_scores_from_its_date_on_and_no_code(tmp_path: Path) -> None:
    """What an officer does: end the file in force, add the next one. Quarters before keep their points."""
    for file in RULESETS.glob("*.yaml"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    old = (tmp_path / "services.yaml").read_text(encoding="utf-8")
    (tmp_path / "services.yaml").write_text(old.replace("valid_to: null", "valid_to: 2024-03-31"), "utf-8")
    new = old.replace('version: "2024.1"', 'version: "2024.2"').replace("2021-01-01", "2024-04-01")
    (tmp_path / "services-2.yaml").write_text(new.replace('target: "0.90"', 'target: "0.45"'), "utf-8")
    before, after = read_rule_book(), read_rule_book(tmp_path)
    counts = {"dossier.resolved.on_time": 45, "dossier.resolved.late": 55, "dossier.received": 100}
    for period, same in (("2023-Q4", True), ("2024-Q1", True), ("2024-Q2", False), ("2025-Q1", False)):
        window = parse_period(period).window
        points = [score(AGENCY, book.of(AGENCY, window), counts).points for book in (before, after)]
        assert (points[0] == points[1]) == same, period
    assert after.of(AGENCY, parse_period("2024-Q2").window) != after.of(AGENCY, Q1)


def test_the_rules_of_a_window_are_those_of_its_first_day() -> None:
    rules = [
        replace(r, valid_to=date(2024, 2, 15)) if r.id == "questions" else r for r in BOOK.rules.rule_sets
    ]
    assert "qa" in {r.module for r in RuleBook(rules).of(AGENCY, Q1)}
    assert "qa" not in {r.module for r in RuleBook(rules).of(AGENCY, parse_period("2024-Q2").window)}
