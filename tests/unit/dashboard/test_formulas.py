"""Formulas in words: every kind that a rule set may have, in both languages, and every formula that ships."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.report.dashboard.render import words
from services.report.formulas import in_words

RULESETS = Path(__file__).parents[3] / "services" / "scoring" / "rulesets"
SHIPPED = [
    (file.stem, criterion)
    for file in sorted(RULESETS.glob("*.yaml"))
    for criterion in yaml.safe_load(file.read_text(encoding="utf-8"))["criteria"]
]


def told(formula: dict[str, Any], maximum: object = 15, language: str = "vi") -> str | None:
    return in_words(formula, maximum, words(language), language == "vi")


@pytest.mark.parametrize(
    ("formula", "vi", "en"),
    [
        (
            {"kind": "capped_ratio", "of": "content.items", "over": "0.5 * window.weeks", "target": 0.8},
            "15 × “tin, bài, CSDL” ÷ (0,5 × “tuần đã qua”) ÷ 0,8, không quá 15 điểm",
            "15 × “items” ÷ (0.5 × “weeks elapsed”) ÷ 0.8, at most 15 points",
        ),
        (
            {"kind": "per_item", "of": "content.items - 2 * window.weeks", "each": 0.25},
            "0,25 × (“tin, bài, CSDL” − 2 × “tuần đã qua”), từ 0 đến 15 điểm",
            "0.25 × (“items” − 2 × “weeks elapsed”), from 0 to 15 points",
        ),
        (
            {"kind": "bands", "of": "qa.answered", "over": None, "bands": [{"from": 15, "points": 1}]},
            "“đã trả lời”: từ 15: 1 điểm",
            "“answered”: from 15 on: 1 points",
        ),
        (
            {
                "kind": "coverage", "prefix": "content.category.", "items": ["contacts"], "at_least": 1,
                "target": 1,
            },
            "15 × số mục có từ 1 trở lên ÷ 1 mục, không quá 15 điểm: Thông tin liên hệ",
            "15 × items with 1 or more ÷ 1 items, at most 15 points: Contacts",
        ),
        (
            {"kind": "judged"},
            "Người có thẩm quyền chấm, không quá 15 điểm",
            "Given by a person, at most 15 points",
        ),
    ],
)  # fmt: skip
def test_a_formula_is_told_in_words(formula: dict[str, Any], vi: str, en: str) -> None:
    assert told(formula) == vi
    assert told(formula, language="en") == en


def test_a_kind_that_is_not_known_is_left_to_its_data() -> None:
    assert told({"kind": "lottery"}) is None


@pytest.mark.parametrize(
    ("name", "criterion"), SHIPPED, ids=lambda value: value["id"] if isinstance(value, dict) else value
)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_formula_that_ships_is_told(name: str, criterion: dict[str, Any], language: str) -> None:
    sentence = told(criterion["formula"], criterion["max"], language)
    assert sentence
    assert "formula." not in sentence, "a text is missing"
    assert "{" not in sentence
