"""The closed set of formulas that turn counts into points: each a pure, exact function.

A formula works in fractions; `points` rounds once, half up, to two decimals (contract: "rounded once, at the
criterion, half up"). A count that nobody knows gives `unknown`, never zero and never a guess.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal

from services.scoring.expression import Condition, Counts, Expression, plain

Nothing = Literal["full", "zero", "unknown"]
"""What a criterion gives when there is nothing to score: a denominator of 0, or too small a volume."""

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Worked:
    """A formula worked out: its exact result, and the formula with the numbers in it.

    `result` is None when a needed count is unknown; `nothing` tells that there was nothing to score, and then
    the criterion's policy decides instead of `result`.
    """

    result: Fraction | None
    text: str
    numerator: Fraction | None = None
    denominator: Fraction | None = None
    nothing: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """From this value on, so many points."""

    from_: Fraction
    points: Fraction


@dataclass(frozen=True, slots=True)
class CappedRatio:
    """`min(max, max * ratio / target)` with `ratio = of / over`; the form of Decision 766/QĐ-TTg.

    Rises with `of`, falls with `over`. Below `zero_below` (a share of the target) it gives nothing.
    """

    of: Expression
    over: Expression
    target: Fraction
    zero_below: Fraction = Fraction(0)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.of.names, *self.over.names)))

    def work(self, counts: Counts, maximum: Fraction) -> Worked:
        of, over = self.of.value(counts), self.over.value(counts)
        share = f"({self.of.filled(counts)}) / ({self.over.filled(counts)}) / {plain(self.target)}"
        text = f"min({plain(maximum)}, {plain(maximum)} × {share})"
        if of is None or over is None:
            return Worked(None, text, of, over)
        if over <= 0:
            return Worked(None, text, of, over, nothing=True)
        reached = max(Fraction(0), of) / over / self.target
        result = Fraction(0) if reached < self.zero_below else min(maximum, maximum * reached)
        return Worked(result, text, of, over)


@dataclass(frozen=True, slots=True)
class Bands:
    """The points of the last band whose `from` the value (or the ratio `of / over`) reaches; below all: 0."""

    of: Expression
    over: Expression | None
    bands: tuple[Band, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.of.names, *(self.over.names if self.over else ()))))

    def work(self, counts: Counts, maximum: Fraction) -> Worked:
        of = self.of.value(counts)
        over = self.over.value(counts) if self.over else None
        shown = self.of.filled(counts) + (f" / ({self.over.filled(counts)})" if self.over else "")
        steps = "; ".join(f"≥ {plain(band.from_)}: {plain(band.points)}" for band in self.bands)
        text = f"{shown} → {steps}"
        if of is None or (self.over is not None and over is None):
            return Worked(None, text, of, over)
        if self.over is not None and (over is None or over <= 0):
            return Worked(None, text, of, over, nothing=True)
        value = of if over is None else of / over
        result = Fraction(0)
        for band in self.bands:
            if value >= band.from_:
                result = band.points
        return Worked(min(maximum, max(Fraction(0), result)), text, of, over)


@dataclass(frozen=True, slots=True)
class PerItem:
    """`min(max, each * count)`; a negative count gives 0."""

    of: Expression
    each: Fraction

    @property
    def names(self) -> tuple[str, ...]:
        return self.of.names

    def work(self, counts: Counts, maximum: Fraction) -> Worked:
        of = self.of.value(counts)
        text = f"min({plain(maximum)}, {plain(self.each)} × max(0, {self.of.filled(counts)}))"
        if of is None:
            return Worked(None, text)
        return Worked(min(maximum, self.each * max(Fraction(0), of)), text, of)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of a list of indicators that reach `at_least`, as a capped ratio against `target`."""

    listed: tuple[str, ...]
    at_least: int
    target: Fraction

    @property
    def names(self) -> tuple[str, ...]:
        return self.listed

    def work(self, counts: Counts, maximum: Fraction) -> Worked:
        values = [counts.get(name, 0) for name in self.listed]
        if any(value is None for value in values):
            return Worked(None, f"? / {len(self.listed)}")
        covered = sum(1 for value in values if value is not None and value >= self.at_least)
        share = Fraction(covered, len(self.listed)) / self.target
        shown = f"{covered} / {len(self.listed)} / {plain(self.target)}"
        text = f"min({plain(maximum)}, {plain(maximum)} × {shown})"
        return Worked(min(maximum, maximum * share), text, Fraction(covered), Fraction(len(self.listed)))


@dataclass(frozen=True, slots=True)
class Deduction:
    """`max(floor, max - each * count)`: something is taken off for every occurrence, down to a floor."""

    of: Expression
    each: Fraction
    floor: Fraction

    @property
    def names(self) -> tuple[str, ...]:
        return self.of.names

    def work(self, counts: Counts, maximum: Fraction) -> Worked:
        of = self.of.value(counts)
        taken = f"{plain(self.each)} × max(0, {self.of.filled(counts)})"
        text = f"max({plain(self.floor)}, {plain(maximum)} - {taken})"
        if of is None:
            return Worked(None, text)
        return Worked(max(self.floor, maximum - self.each * max(Fraction(0), of)), text, of)


@dataclass(frozen=True, slots=True)
class Judged:
    """Points a person gave (`assessment.recorded`), in hundredths under `hundredths`; unknown until then."""

    count: str
    hundredths: str

    @property
    def names(self) -> tuple[str, ...]:
        return (self.count, self.hundredths)

    def work(self, counts: Counts, maximum: Fraction) -> Worked:
        if not counts.get(self.count):
            return Worked(None, "?")
        given = Fraction(counts.get(self.hundredths) or 0, 100)
        return Worked(min(maximum, max(Fraction(0), given)), f"min({plain(maximum)}, {plain(given)})", given)


@dataclass(frozen=True, slots=True)
class Constant:
    """The same points for everyone."""

    points: Fraction

    @property
    def names(self) -> tuple[str, ...]:
        return ()

    def work(self, counts: Counts, maximum: Fraction) -> Worked:
        return Worked(min(maximum, self.points), plain(self.points))


Formula = CappedRatio | Bands | PerItem | Coverage | Deduction | Judged | Constant


@dataclass(frozen=True, slots=True)
class Policies:
    """What stands before the formula: reasons to give nothing, or to score nothing at all."""

    nothing: Nothing = "zero"
    zero_when: tuple[Condition, ...] = ()
    volume: Expression | None = None
    at_least: int = 0


CriterionStatus = Literal["scored", "not_applicable", "unknown", "not_eligible"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Points of one criterion with everything that explains them. `points` is None while unknown."""

    points: Decimal | None
    status: CriterionStatus
    worked: Worked
    reason: str


def round_points(value: Fraction) -> Decimal:
    """Half up to two decimals, exact: 2.675 → 2.68. Values are never negative here."""
    cents = (value * 100 + Fraction(1, 2)).__floor__()
    return (Decimal(cents) * CENT).quantize(CENT, ROUND_HALF_UP)


def evaluate(formula: Formula, policies: Policies, maximum: Fraction, counts: Counts) -> Outcome:
    """Points of one criterion: conditions first, then volume, then the formula, rounded once."""
    worked = formula.work(counts, maximum)
    if policies.zero_when and all(condition.holds(counts) for condition in policies.zero_when):
        text = " and ".join(condition.text for condition in policies.zero_when)
        return Outcome(Decimal("0.00"), "scored", worked, f"zero because {text}")
    if policies.volume is not None:
        volume = policies.volume.value(counts)
        if volume is None:
            return Outcome(None, "unknown", worked, "the volume is not known")
        if volume < policies.at_least:
            why = f"volume {plain(volume)} < {policies.at_least}"
            return _nothing(policies.nothing, maximum, worked, why)
    if worked.nothing:
        return _nothing(policies.nothing, maximum, worked, "nothing to score")
    if worked.result is None:
        return Outcome(None, "unknown", worked, "not known yet")
    return Outcome(round_points(worked.result), "scored", worked, "formula")


def _nothing(policy: Nothing, maximum: Fraction, worked: Worked, why: str) -> Outcome:
    if policy == "unknown":
        return Outcome(None, "unknown", worked, why)
    points = maximum if policy == "full" else Fraction(0)
    return Outcome(round_points(points), "not_applicable", worked, f"{why}; policy: {policy}")


def names_of(formula: Formula, policies: Policies) -> tuple[str, ...]:
    """Every count that a criterion looks at."""
    found: list[Sequence[str]] = [formula.names]
    found += [condition.left.names for condition in policies.zero_when]
    if policies.volume is not None:
        found.append(policies.volume.names)
    return tuple(dict.fromkeys(name for names in found for name in names))
