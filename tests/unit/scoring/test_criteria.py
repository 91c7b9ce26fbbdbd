"""Every formula: exact, within 0 and its maximum, and rising or falling where it should."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.criteria import (
    Band,
    Bands,
    CappedRatio,
    Constant,
    Coverage,
    Deduction,
    Formula,
    Judged,
    PerItem,
    Policies,
    evaluate,
    round_points,
)
from services.scoring.expression import Counts, parse, parse_condition

counts = st.integers(0, 10_000)
maxima = st.integers(1, 10_000).map(lambda cents: Fraction(cents, 100))
positive = st.fractions(Fraction(1, 100), 50, max_denominator=100)

RATIO = CappedRatio(parse("qa.accepted"), parse("qa.eligible"), Fraction(9, 10))


def points(formula: Formula, maximum: Fraction, seen: Counts, policies: Policies | None = None) -> Decimal:
    """The points of a criterion that must be known."""
    outcome = evaluate(formula, policies or Policies(), maximum, seen)
    assert outcome.points is not None
    assert 0 <= outcome.points <= round_points(maximum)
    assert outcome.points == outcome.points.quantize(Decimal("0.01"))
    return outcome.points


@given(maximum=maxima, of=counts, more=counts, over=counts, target=positive)
def test_a_capped_ratio_rises_with_its_numerator(
    maximum: Fraction, of: int, more: int, over: int, target: Fraction
) -> None:
    formula = CappedRatio(parse("qa.accepted"), parse("qa.eligible"), target)
    low = points(formula, maximum, {"qa.accepted": of, "qa.eligible": over})
    high = points(formula, maximum, {"qa.accepted": of + more, "qa.eligible": over})
    assert low <= high


@given(maximum=maxima, of=counts, over=st.integers(1, 10_000), more=counts, target=positive)
def test_a_capped_ratio_falls_with_its_denominator(
    maximum: Fraction, of: int, over: int, more: int, target: Fraction
) -> None:
    formula = CappedRatio(parse("qa.accepted"), parse("qa.eligible"), target)
    low = points(formula, maximum, {"qa.accepted": of, "qa.eligible": over + more})
    assert low <= points(formula, maximum, {"qa.accepted": of, "qa.eligible": over})


@given(maximum=maxima, of=counts, over=st.integers(1, 10_000))
def test_a_capped_ratio_is_the_national_form(maximum: Fraction, of: int, over: int) -> None:
    found = points(RATIO, maximum, {"qa.accepted": of, "qa.eligible": over})
    exact = min(maximum, maximum * Fraction(of, over) / Fraction(9, 10))
    assert abs(Fraction(found) - exact) <= Fraction(1, 200)


def test_below_a_share_of_the_target_a_capped_ratio_gives_nothing() -> None:
    formula = CappedRatio(parse("qa.accepted"), parse("qa.eligible"), Fraction(1), Fraction(8, 10))
    assert points(formula, Fraction(10), {"qa.accepted": 79, "qa.eligible": 100}) == 0
    assert points(formula, Fraction(10), {"qa.accepted": 80, "qa.eligible": 100}) == 8


@given(value=counts, more=counts, steps=st.lists(st.integers(1, 5_000), min_size=1, max_size=6, unique=True))
def test_bands_with_rising_points_rise(value: int, more: int, steps: list[int]) -> None:
    bands = tuple(Band(Fraction(start), Fraction(place)) for place, start in enumerate(sorted(steps), 1))
    formula = Bands(parse("qa.answered"), None, bands)
    low, high = (points(formula, Fraction(6), {"qa.answered": v}) for v in (value, value + more))
    assert low <= high
    assert (low == 0) == (value < min(steps))


@given(maximum=maxima, each=positive, count=counts, more=counts)
def test_points_per_item_rise_up_to_their_cap(
    maximum: Fraction, each: Fraction, count: int, more: int
) -> None:
    formula = PerItem(parse("content.items - 20"), each)
    low, high = (points(formula, maximum, {"content.items": n}) for n in (count, count + more))
    assert low <= high
    assert (count > 20) or low == 0


@given(present=st.sets(st.sampled_from("abcdefgh")), extra=st.sampled_from("abcdefgh"))
def test_coverage_rises_with_every_item(present: set[str], extra: str) -> None:
    formula = Coverage(tuple(f"content.category.{c}" for c in "abcdefgh"), 1, Fraction(1))

    def of(having: set[str]) -> Decimal:
        return points(formula, Fraction(20), {f"content.category.{c}": 1 for c in having})

    assert of(present) <= of(present | {extra})
    assert of(set("abcdefgh")) == 20


@given(maximum=maxima, each=positive, faults=counts, more=counts)
def test_deductions_fall_down_to_their_floor(
    maximum: Fraction, each: Fraction, faults: int, more: int
) -> None:
    formula = Deduction(parse("qa.wrong_title"), each, maximum / 4)
    low, high = (points(formula, maximum, {"qa.wrong_title": n}) for n in (faults + more, faults))
    assert low <= high
    assert low >= round_points(maximum / 4)
    assert points(formula, maximum, {}) == round_points(maximum)


@given(maximum=maxima, hundredths=st.integers(0, 20_000))
def test_a_judgement_is_unknown_until_given_and_capped(maximum: Fraction, hundredths: int) -> None:
    formula = Judged("judged.x", "judged_hundredths.x")
    waiting = evaluate(formula, Policies(), maximum, {})
    assert (waiting.status, waiting.points) == ("unknown", None)
    given_points = points(formula, maximum, {"judged.x": 1, "judged_hundredths.x": hundredths})
    assert given_points == round_points(min(maximum, Fraction(hundredths, 100)))


@given(maximum=maxima)
def test_a_constant_never_passes_the_maximum(maximum: Fraction) -> None:
    assert points(Constant(Fraction(50)), maximum, {}) == round_points(min(maximum, Fraction(50)))


NAMES = ("qa.accepted", "qa.eligible", "input.paid", "content.items", "window.weeks")
sums = st.lists(st.tuples(st.integers(-3, 3), st.sampled_from(NAMES)), min_size=1, max_size=3).map(
    lambda terms: parse(" + ".join(f"{abs(n)} * {name}" for n, name in terms))
)
bands_rising = st.lists(st.integers(0, 100), min_size=1, max_size=4, unique=True).map(
    lambda starts: tuple(Band(Fraction(start), Fraction(place)) for place, start in enumerate(sorted(starts)))
)
formulas: st.SearchStrategy[Formula] = st.one_of(
    st.builds(CappedRatio, sums, sums, positive, st.fractions(0, 1, max_denominator=10)),
    st.builds(Bands, sums, st.none() | sums, bands_rising),
    st.builds(PerItem, sums, positive),
    st.builds(
        Coverage, st.just(NAMES), st.integers(1, 5), st.fractions(Fraction(1, 10), 1, max_denominator=10)
    ),
    st.builds(Deduction, sums, positive, st.just(Fraction(0))),
    st.builds(Judged, st.just("judged.x"), st.just("judged_hundredths.x")),
    st.builds(Constant, st.fractions(0, 20, max_denominator=100)),
)
"""Every formula of the closed set."""
seen_counts = st.dictionaries(
    st.sampled_from([*NAMES, "judged.x", "judged_hundredths.x"]), st.none() | st.integers(0, 500)
)


@given(formula=formulas, maximum=maxima, seen=seen_counts)
def test_whatever_the_counts_every_formula_stays_within_nothing_and_its_maximum(
    formula: Formula, maximum: Fraction, seen: Counts
) -> None:
    outcome = evaluate(formula, Policies(), maximum, seen)
    needed = [seen.get(name, 0) for name in formula.names]
    if outcome.points is None:
        assert outcome.status == "unknown"
        assert None in needed or isinstance(formula, Judged)
    else:
        assert 0 <= outcome.points <= round_points(maximum)
        assert outcome.points == outcome.points.quantize(Decimal("0.01"))
    if None in needed and not isinstance(formula, Judged):
        assert outcome.points is None, "what is unknown is never zero and never a guess"


@given(formula=formulas, maximum=maxima, seen=seen_counts)
def test_the_same_counts_give_the_same_points_and_the_formula_is_told(
    formula: Formula, maximum: Fraction, seen: Counts
) -> None:
    once, twice = (evaluate(formula, Policies(), maximum, dict(seen)) for _ in range(2))
    assert once == twice
    assert once.worked.text


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [("2.675", "2.68"), ("2.665", "2.67"), ("0.005", "0.01"), ("0.0049999", "0.00"), ("13.3333333", "13.33")],
)
def test_points_are_rounded_half_up(exact: str, rounded: str) -> None:
    assert round_points(Fraction(exact)) == Decimal(rounded)


@pytest.mark.parametrize(
    ("policy", "status", "given_points"),
    [
        ("full", "not_applicable", Decimal(5)),
        ("zero", "not_applicable", Decimal(0)),
        ("unknown", "unknown", None),
    ],
)
def test_nothing_to_score_follows_the_policy(policy: str, status: str, given_points: Decimal | None) -> None:
    outcome = evaluate(RATIO, Policies(nothing=policy), Fraction(5), {})  # type: ignore[arg-type]
    assert (outcome.status, outcome.points) == (status, given_points)


def test_a_condition_for_zero_comes_before_the_policy() -> None:
    policies = Policies("full", (parse_condition("qa.eligible > 0"), parse_condition("qa.accepted = 0")))
    outcome = evaluate(RATIO, policies, Fraction(5), {"qa.eligible": 3})
    assert (outcome.status, outcome.points) == ("scored", Decimal(0))
    assert "qa.accepted = 0" in outcome.reason


def test_below_the_minimum_volume_nothing_is_scored() -> None:
    policies = Policies("zero", volume=parse("qa.eligible"), at_least=5)
    few = evaluate(RATIO, policies, Fraction(5), {"qa.eligible": 4, "qa.accepted": 4})
    assert (few.status, few.points) == ("not_applicable", Decimal(0))
    enough = evaluate(RATIO, policies, Fraction(5), {"qa.eligible": 5, "qa.accepted": 5})
    assert (enough.status, enough.points) == ("scored", Decimal(5))


def test_an_unknown_count_is_never_zero() -> None:
    formula = CappedRatio(parse("input.paid_online"), parse("dossier.received"), Fraction(8, 10))
    outcome = evaluate(formula, Policies(), Fraction(10), {"input.paid_online": None, "dossier.received": 10})
    assert (outcome.status, outcome.points) == ("unknown", None)


def test_the_formula_shows_its_numbers() -> None:
    outcome = evaluate(RATIO, Policies(), Fraction(5), {"qa.accepted": 8, "qa.eligible": 10})
    assert outcome.worked.text == "min(5, 5 × (8) / (10) / 0.9)"
    assert (outcome.worked.numerator, outcome.worked.denominator) == (Fraction(8), Fraction(10))
    assert outcome.points == Decimal("4.44")
