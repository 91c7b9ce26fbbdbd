"""The snapshot: every reference figure that recomputes stands in it, once, with its formula and source."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from services.report.documents.exports import read_json, write_json
from services.report.documents.figures import Combination, Percentage, Sum, write
from services.report.documents.scoring import Scoring, ScoringAway, ask, drift, window_of
from services.report.documents.snapshot import Ledger, Snapshot, Unfit, misfits
from tests.unit.report.scoring_answers import Answers, published, serve

# Figures of the reference under another name here. Percentages are rounded as published.
RENAMED = {
    "components.party.delta": "components.party.items.delta",
    "components.departments.delta": "components.departments.items.delta",
    "components.districts.delta": "components.districts.items.delta",
    "components.communes.delta": "components.communes.items.delta",
    "components.items.change": "components.items.change",
    "components.districts.change": "components.districts.items.change",
    "portal.visits.cumulative": "portal.visits.cumulative",
    "qa.score.16": "qa.score.above",
    "qa.score.15": "qa.score.base",
    "qa.score.15.no_question": "qa.score.base.no_question",
    "qa.score.13_14": "qa.score.below",
    "qa.score.0": "qa.score.zero",
    "dossier.score.27": "dossier.score.full",
    "dossier.score.25": "dossier.score.none",
    "inactive.bat-xat": "inactive.huyen-bat-xat",
    "inactive.sa-pa": "inactive.thi-xa-sa-pa",
    "inactive.lao-cai": "inactive.thanh-pho-lao-cai",
    "inactive.si-ma-cai": "inactive.huyen-si-ma-cai",
    "inactive.van-ban": "inactive.huyen-van-ban",
    "inactive.bao-yen": "inactive.huyen-bao-yen",
    "inactive.bac-ha": "inactive.huyen-bac-ha",
    "inactive.muong-khuong": "inactive.huyen-muong-khuong",
    "top.cong-an-tinh": "active.cong-an-tinh",
    "top.ban-tuyen-giao": "active.ban-tuyen-giao-tinh-uy",
    "top.so-tttt": "active.so-thong-tin-va-truyen-thong",
    "top.vqg-hoang-lien": "active.vuon-quoc-gia-hoang-lien",
    "top.tp-lao-cai": "active.thanh-pho-lao-cai",
    "top.tx-sa-pa": "active.thi-xa-sa-pa",
}
# What the published report contradicts itself on, and what follows instead.
CORRECTED = {
    "components.party.change": ("components.party.items.change", "-26.8"),
    "components.departments.change": ("components.departments.items.change", "48.0"),
    "procedures.total": ("procedures.total", "3095"),
    "dossier.in_progress": ("dossier.in_progress", "2445"),
    "dossier.in_progress.share": ("dossier.in_progress.share", "4.7"),
    "system.items.change": ("system.items.change", "28.4"),
}
# Not counted by the scoring service: part of a catalogue that nobody sends as facts.
NOT_HELD = {"procedures.online"}


def _rounded(value: Decimal, like: str) -> Decimal:
    places = len(like.split(".")[1]) if "." in like else 0
    return value.quantize(Decimal(1).scaleb(-places))


def test_holds_every_reference_figure(snapshot: Snapshot) -> None:
    wrong = []
    for figure, value in published().items():
        if figure in NOT_HELD or figure.startswith("scale."):
            continue
        name, expected = CORRECTED.get(figure, (RENAMED.get(figure, figure), value))
        found = snapshot.value(name)
        if found is None or _rounded(found, expected) != Decimal(expected):
            wrong.append((figure, expected, found))
    assert wrong == []


def test_holds_the_scales(snapshot: Snapshot) -> None:
    scales = {"content.party": (90, 5), "content.government": (50, 5), "qa": (15, 3), "dossier": (25, 2)}
    for name, (base, bonus) in scales.items():
        values = [snapshot.value(f"scale.{name}.{end}") for end in ("base", "bonus", "max")]
        assert values == [base, bonus, base + bonus]


def test_every_figure_has_a_formula_and_a_leaf_has_its_address(snapshot: Snapshot) -> None:
    for figure in snapshot.figures.values():
        assert figure.formula_text
        if isinstance(figure.formula, Sum):
            assert all(source.startswith("/v1/indicators?from=") for source in figure.sources)
        elif not isinstance(figure.formula, Combination | Percentage):
            assert figure.sources, figure.id


def test_compares_with_the_same_days_a_year_before(snapshot: Snapshot) -> None:
    before = snapshot.windows["before"]
    assert (before.first, before.last) == (date(2023, 1, 1), date(2023, 3, 22))


def test_a_figure_cannot_be_defined_twice(snapshot: Snapshot) -> None:
    ledger = Ledger(snapshot.data)
    ledger.define("x", "x", "x", Sum(indicators=("qa.received",), over="all"), ["/v1/indicators"])
    with pytest.raises(Unfit, match="defined twice"):
        ledger.define("x", "x", "x", Sum(indicators=("qa.deleted",), over="all"), ["/v1/indicators"])


def test_survives_json_and_keeps_its_hash(snapshot: Snapshot, tmp_path: Path) -> None:
    write_json(snapshot, tmp_path / "s.json")
    again = read_json(tmp_path / "s.json")
    assert list(misfits(again)) == []
    assert again.sha256 == snapshot.sha256


def test_a_changed_value_no_longer_follows(snapshot: Snapshot, tmp_path: Path) -> None:
    data = json.loads(snapshot.model_dump_json(by_alias=True))
    data["figures"]["qa.answered"]["value"] = 70
    changed = Snapshot.model_validate(data)
    assert [m.split(":")[0] for m in misfits(changed)] == ["qa.answered"]


def test_numbers_are_written_the_vietnamese_way() -> None:
    cases = {
        ("9506", "count"): "9.506", ("5", "two"): "05", ("123", "two"): "123", ("31.045", "percent"): "31,0%",
        ("-26.85", "percent"): "26,9%", ("13.50", "points"): "13,5", ("1880000", "million"): "1,88 triệu",
        ("0", "points"): "0", ("1462", "two"): "1.462",
    }  # fmt: skip
    assert {key: write(Decimal(key[0]), key[1]) for key in cases} == cases


def test_the_last_day_must_lie_in_the_period() -> None:
    with pytest.raises(ValueError, match="lies outside of 2024-Q1"):
        window_of("2024-Q1", date(2024, 4, 1))


def test_an_absent_service_is_named() -> None:
    with Scoring("http://127.0.0.1:9") as scoring, pytest.raises(ScoringAway, match="is the scoring service"):
        scoring.get("/v1/agencies")


def test_a_refusal_of_the_service_is_passed_on(scoring_url: str) -> None:
    with Scoring(scoring_url) as scoring, pytest.raises(ScoringAway, match="404: not found"):
        scoring.get("/v1/nothing")


def test_counts_that_moved_against_the_scores_are_noticed() -> None:
    answers = Answers()
    criterion = answers.scores["so-y-te"]["qa"]["criteria"][0]
    criterion["indicators"] = {"qa.received": answers.counts["now"]["so-y-te"]["qa.received"] + 1}
    with serve(answers) as url, Scoring(url) as scoring:
        assert drift(ask(scoring, "2024-Q1", date(2024, 3, 22))) == ["so-y-te"]
