"""Points still reachable, and the cheapest ways to them. Pure: rule sets, counts and acts in, ways out.

A way is exact: add what it says to the counts, score again, and the total is what it promised. It says what
can be done at the moment of asking, not what a whole period may bring: nothing else is assumed to happen.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from services.scoring.criteria import Coverage, round_points
from services.scoring.forecast_acts import (
    Act,
    Acts,
    Deltas,
    Lever,
    Reason,
    Seen,
    added,
    lever_of,
    summed,
)
from services.scoring.ruleset import Criterion, RuleSet, Scored
from services.scoring.score import ZERO, CriterionResult, Result, score, score_criterion

MAX_STEPS = 12
MAX_PLAN = 20


@dataclass(frozen=True, slots=True)
class Step:
    """The least units that give a criterion so many points, and what the whole score gains by them."""

    units: int
    points: Decimal
    gain: Decimal


@dataclass(frozen=True, slots=True)
class Way:
    """The least units of one act that bring a criterion as far as that act can."""

    lever: Lever
    module: str
    criterion: Criterion
    units: int
    before: Decimal
    after: Decimal
    gain: Decimal
    deltas: Deltas
    steps: tuple[Step, ...]

    @property
    def rate(self) -> Decimal:
        """Points of the whole score per unit."""
        return self.gain / self.units


@dataclass(frozen=True, slots=True)
class Left:
    """A criterion that is not full and that nothing raises, and why."""

    module: str
    criterion: Criterion
    points: Decimal | None
    reason: Reason


@dataclass(frozen=True, slots=True)
class Forecast:
    """What stands now, the ways up (cheapest first), a plan that takes them one after the other, and what is
    left. `reachable` is the total after the whole plan."""

    result: Result
    ways: tuple[Way, ...]
    plan: tuple[Way, ...]
    left: tuple[Left, ...]

    @property
    def reachable(self) -> Decimal:
        """The total once the plan is done."""
        return self.result.points + sum((way.gain for way in self.plan), ZERO)

    @property
    def deltas(self) -> Deltas:
        """What the whole plan adds to the counts."""
        return summed([way.deltas for way in self.plan])


@dataclass(frozen=True)
class Outlook:
    """One agency at one moment. `known` tells by kind how many entities wait within their time, where that
    was counted; `running` is whether the period still runs."""

    agency: Scored
    rule_sets: tuple[RuleSet, ...]
    counts: Seen
    acts: Acts
    running: bool = True
    known: Mapping[str, int] | None = None

    @cached_property
    def result(self) -> Result:
        """The score as it stands."""
        return score(self.agency, self.rule_sets, self.counts)

    @cached_property
    def criteria(self) -> tuple[tuple[str, CriterionResult], ...]:
        """Every criterion that the agency can have points in, with its module."""
        return tuple(
            (name, one)
            for name, module in self.result.modules.items()
            for one in module.criteria
            if one.outcome.status != "not_eligible"
        )

    @cached_property
    def levers(self) -> tuple[Lever, ...]:
        """The acts that can be done at all."""
        found = (self._lever(act) for act in self.acts.acts if self.running or not act.running)
        return tuple(lever for lever in found if lever is not None)

    def _lever(self, act: Act) -> Lever | None:
        if act.module not in self.result.modules:
            return None
        known = self.known.get(act.waits) if self.known is not None and act.waits is not None else None
        return lever_of(act, self.counts, self._wanted, known)

    @cached_property
    def _wanted(self) -> dict[str, int]:
        """The entries of required lists, with how many of each a criterion asks for."""
        return {
            name: one.criterion.formula.at_least
            for _, one in self.criteria
            if isinstance(one.criterion.formula, Coverage)
            for name in one.criterion.formula.listed
        }

    def gain(self, deltas: Mapping[str, int]) -> Decimal:
        """By how much the whole score moves: the criteria that look at what moved are scored again."""
        after = added(self.counts, deltas)
        return sum(
            (
                score_criterion(self.agency, one.criterion, after).points - one.points
                for _, one in self.criteria
                if not deltas.keys().isdisjoint(one.indicators)
            ),
            ZERO,
        )

    def way(self, lever: Lever, module: str, one: CriterionResult) -> Way | None:
        """The way of one act to one criterion; None when it does not raise it, or costs more elsewhere."""
        if one.outcome.status == "unknown" or not self._touches(lever, one):
            return None

        def points(units: int) -> Decimal:
            after = added(self.counts, lever.deltas(units, self.counts))
            return score_criterion(self.agency, one.criterion, after).points

        top = points(lever.limit)
        if top <= one.points:
            return None
        units = least(points, top, 1, lever.limit)
        deltas = lever.deltas(units, self.counts)
        gain = self.gain(deltas)
        if gain <= 0:
            return None
        steps = self._steps(lever, points, one.points, units, top, gain)
        return Way(lever, module, one.criterion, units, one.points, top, gain, deltas, steps)

    def _touches(self, lever: Lever, one: CriterionResult) -> bool:
        moved = {*lever.act.adds, *lever.covered, *(lever.act.once.adds if lever.act.once else ())}
        return not moved.isdisjoint(one.indicators)

    def _steps(
        self, lever: Lever, points: Callable[[int], Decimal], before: Decimal, units: int, top: Decimal,
        gain: Decimal,
    ) -> tuple[Step, ...]:  # fmt: skip
        """Each least number of units that raises the criterion, the first ones and the last."""
        found: list[Step] = []
        reached, done = before, 0
        while len(found) < MAX_STEPS - 1:
            done = least(points, reached + Decimal("0.01"), done + 1, units)
            reached = points(done)
            if done >= units:
                break
            found.append(Step(done, reached, self.gain(lever.deltas(done, self.counts))))
        return (*found, Step(units, top, gain))

    def ways(self, levers: Iterable[Lever] | None = None) -> list[Way]:
        """Every way up, the cheapest first: most points per unit, then most points."""
        found = [
            way
            for lever in (self.levers if levers is None else levers)
            for module, one in self.criteria
            if (way := self.way(lever, module, one)) is not None
        ]
        found.sort(key=lambda way: (-way.rate, -way.gain, way.lever.act.id, way.criterion.id))
        return found

    def after(self, way: Way) -> "Outlook":
        """The same agency once a way is gone."""
        known = dict(self.known) if self.known is not None else None
        if known is not None:
            for kind, units in ((way.lever.act.waits, -way.units), (way.lever.act.opens, way.units)):
                if kind is not None and kind in known:
                    known[kind] += units
        counts = added(self.counts, way.deltas)
        return Outlook(self.agency, self.rule_sets, counts, self.acts, self.running, known)


def least(points: Callable[[int], Decimal], wanted: Decimal, low: int, high: int) -> int:
    """The least units from `low` to `high` that give `wanted` points; `points` must not fall with units."""
    while low < high:
        middle = (low + high) // 2
        if points(middle) >= wanted:
            high = middle
        else:
            low = middle + 1
    return high


def forecast(outlook: Outlook) -> Forecast:
    """The ways up from here, a plan, and why nothing raises the rest."""
    ways = outlook.ways()
    raised = {(way.module, way.criterion.id) for way in ways}
    left = tuple(
        Left(module, one.criterion, one.outcome.points, _reason(outlook, one))
        for module, one in outlook.criteria
        if (module, one.criterion.id) not in raised and not _is_full(one)
    )
    return Forecast(outlook.result, tuple(ways), plan_of(outlook, ways), left)


def plan_of(outlook: Outlook, ways: Sequence[Way]) -> tuple[Way, ...]:
    """The cheapest direct way, then the cheapest from there, until nothing more is gained."""
    plan: list[Way] = []
    while len(plan) < MAX_PLAN:
        direct = [way for way in ways if way.lever.act.direct]
        if not direct:
            break
        plan.append(direct[0])
        outlook = outlook.after(direct[0])
        ways = outlook.ways(lever for lever in outlook.levers if lever.act.direct)
    return tuple(plan)


def _is_full(one: CriterionResult) -> bool:
    return one.outcome.points is not None and one.outcome.points >= round_points(one.criterion.max)


def _reason(outlook: Outlook, one: CriterionResult) -> Reason:
    if one.criterion.kind == "judged":
        return "judged"
    if one.outcome.status == "unknown":
        return "unknown"
    if one.criterion.kind == "deduction":
        return "deducted"
    return "nothing" if outlook.running else "over"
