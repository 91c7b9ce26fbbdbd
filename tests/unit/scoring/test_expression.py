"""Expressions of rule sets: what can be written, what it comes to, and what is refused."""

from fractions import Fraction

import pytest

from services.scoring.expression import parse, parse_condition, plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("qa.answered", 7),
        ("qa.answered - qa.wrong_title", 5),
        ("2 * qa.answered + 1", 15),
        ("0.25 * qa.answered", Fraction(7, 4)),
        ("- qa.wrong_title", -2),
        ("content.category.legal-documents + 3", 3),
        ("12", 12),
    ],
)
def test_expressions_are_exact(text: str, value: int | Fraction) -> None:
    assert parse(text).value({"qa.answered": 7, "qa.wrong_title": 2}) == value


@pytest.mark.parametrize(
    "text", ["", "qa.answered *", "* 2", "qa.answered qa.wrong", "2 *", "qa.answered / 2"]
)
def test_what_is_no_sum_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|empty"):
        parse(text)


def test_an_unknown_count_makes_the_value_unknown() -> None:
    assert parse("qa.answered + input.x").value({"qa.answered": 1, "input.x": None}) is None


def test_numbers_stand_in_for_names() -> None:
    expression = parse("qa.answered - 2 * qa.wrong_title + input.x")
    assert expression.filled({"qa.answered": 69, "qa.wrong_title": 2, "input.x": None}) == "69 - 2 × 2 + ?"
    assert expression.names == ("qa.answered", "qa.wrong_title", "input.x")


@pytest.mark.parametrize(
    ("text", "holds"),
    [("qa.a > 2", True), ("qa.a >= 3", True), ("qa.a = 3", True), ("qa.a < 3", False), ("qa.a <= -1", False)],
)
def test_conditions(text: str, holds: bool) -> None:
    assert parse_condition(text).holds({"qa.a": 3}) is holds


def test_a_condition_on_something_unknown_does_not_hold() -> None:
    assert not parse_condition("input.x >= 0").holds({"input.x": None})


def test_what_is_no_comparison_is_refused() -> None:
    with pytest.raises(ValueError, match="write it as"):
        parse_condition("qa.a is 3")


@pytest.mark.parametrize(
    ("value", "text"), [(Fraction(3), "3"), (Fraction(1, 4), "0.25"), (Fraction(1, 3), "1/3")]
)
def test_fractions_are_shown_as_people_write_them(value: Fraction, text: str) -> None:
    assert plain(value) == text
