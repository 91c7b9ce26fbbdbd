"""Counts to scores: criteria to modules, modules to a total, ranks, and what moved between two scores.

Everything here is a pure function of (counts, rule sets, who the agency is). Sums are sums of decimals of two
places, so they hold exactly.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from services.scoring.criteria import Outcome, Worked, evaluate, round_points
from services.scoring.expression import Counts, plain
from services.scoring.ruleset import Criterion, RuleSet, Scored

ZERO = Decimal("0.00")
Document = dict[str, Any]
REMEMBERED = 500
"""Outcomes that a criterion remembers: more than there are agencies with counts of their own at a time."""


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """One criterion with its points, its status and the counts it looked at."""

    criterion: Criterion
    outcome: Outcome
    indicators: dict[str, int | None]

    @property
    def points(self) -> Decimal:
        """What it adds to sums: 0 while unknown."""
        return self.outcome.points if self.outcome.points is not None else ZERO


@dataclass(frozen=True, slots=True)
class ModuleResult:
    """One module under its rule set. `points` includes the bonus."""

    rule_set: RuleSet
    criteria: tuple[CriterionResult, ...]
    points: Decimal
    bonus: Decimal
    base_max: Decimal
    bonus_max: Decimal

    @property
    def max(self) -> Decimal:
        """Base and bonus together."""
        return self.base_max + self.bonus_max

    @property
    def complete(self) -> bool:
        """Whether nothing is still unknown."""
        return all(result.outcome.status != "unknown" for result in self.criteria)


@dataclass(frozen=True, slots=True)
class Result:
    """The whole score of one agency in one window, without its window."""

    agency: Scored
    modules: dict[str, ModuleResult]
    points: Decimal
    max: Decimal
    complete: bool


def score(agency: Scored, rule_sets: Sequence[RuleSet], counts: Counts) -> Result:
    """The score under these rule sets, one per module. A module without a rule set is not in it."""
    return _total(agency, {rule_set.module: _module(agency, rule_set, counts) for rule_set in rule_sets})


def _total(agency: Scored, modules: dict[str, ModuleResult]) -> Result:
    return Result(
        agency,
        modules,
        sum((module.points for module in modules.values()), ZERO),
        sum((module.max for module in modules.values()), ZERO),
        all(module.complete for module in modules.values()),
    )


def score_again(agency: Scored, document: Document, rule_sets: Mapping[str, RuleSet]) -> Result | None:
    """The result behind a score document, from the counts that stand in it: what was published, not what the
    counts would give now. None when it cites a rule set that `rule_sets` (by name) does not have.
    """
    modules: dict[str, ModuleResult] = {}
    for name, shown in document["modules"].items():
        rule_set = rule_sets.get(shown["ruleset"])
        if rule_set is None or [c.id for c in rule_set.criteria] != [c["id"] for c in shown["criteria"]]:
            return None
        modules[name] = _summed(
            rule_set,
            tuple(
                score_criterion(agency, criterion, one["indicators"])
                for criterion, one in zip(rule_set.criteria, shown["criteria"], strict=True)
            ),
        )
    return _total(agency, modules)


def _module(agency: Scored, rule_set: RuleSet, counts: Counts) -> ModuleResult:
    results = tuple(score_criterion(agency, criterion, counts) for criterion in rule_set.criteria)
    return _summed(rule_set, results)


def _summed(rule_set: RuleSet, results: tuple[CriterionResult, ...]) -> ModuleResult:
    counted = [result for result in results if result.outcome.status != "not_eligible"]
    bonus = sum((r.points for r in counted if r.criterion.bonus), ZERO)
    base = sum((r.points for r in counted if not r.criterion.bonus), ZERO)
    return ModuleResult(
        rule_set,
        results,
        base + bonus,
        bonus,
        round_points(sum((r.criterion.max for r in counted if not r.criterion.bonus), Fraction(0))),
        round_points(sum((r.criterion.max for r in counted if r.criterion.bonus), Fraction(0))),
    )


def score_criterion(agency: Scored, criterion: Criterion, counts: Counts) -> CriterionResult:
    """One criterion of an agency worked out, whether it is eligible or not."""
    if criterion.eligible is not None and not criterion.eligible.admits(agency):
        outcome = Outcome(ZERO, "not_eligible", Worked(None, ""), "not for this agency")
        return CriterionResult(criterion, outcome, {})
    looked_at = {name: counts.get(name, 0) for name in criterion.names}
    return CriterionResult(criterion, _outcome(criterion, looked_at), looked_at)


def _outcome(criterion: Criterion, looked_at: dict[str, int | None]) -> Outcome:
    """The points for these values, which are all they follow from.

    A fact moves the counts of a few criteria, and its score asks for all of them; so what was worked out is
    remembered, within bounds.
    """
    key = tuple(looked_at.values())
    found = criterion.known.get(key)
    if found is None:
        if len(criterion.known) >= REMEMBERED:
            criterion.known.clear()
        found = evaluate(criterion.formula, criterion.policies, criterion.max, looked_at)
        criterion.known[key] = found
    return found


# ------------------------------------------------------------------------------------- documents


def number(value: Decimal) -> int | float:
    """A decimal of two places as the JSON number that prints the same: 14, 13.5, 13.33."""
    return int(value) if value == value.to_integral_value() else float(value)


def total_document(result: Result) -> Document:
    """`{"points", "max"}`."""
    return {"points": number(result.points), "max": number(result.max)}


def module_summary(module: ModuleResult) -> Document:
    """A module without its criteria."""
    return {
        "points": number(module.points),
        "bonus": number(module.bonus),
        "max": number(module.max),
        "base_max": number(module.base_max),
        "bonus_max": number(module.bonus_max),
        "ruleset": module.rule_set.name,
    }


def criterion_document(result: CriterionResult) -> Document:
    """A criterion as scores show it."""
    points = result.outcome.points
    return {
        "id": result.criterion.id,
        "points": None if points is None else number(points),
        "max": number(round_points(result.criterion.max)),
        "bonus": result.criterion.bonus,
        "status": result.outcome.status,
        "indicators": result.indicators,
    }


def summary_document(result: Result) -> Document:
    """Total and modules without criteria."""
    return {
        "agency": result.agency.agency,
        "group": result.agency.group,
        "parent": result.agency.parent,
        "total": total_document(result),
        "modules": {name: module_summary(module) for name, module in result.modules.items()},
        "complete": result.complete,
    }


def score_document(result: Result) -> Document:
    """Total and modules with their criteria. Who stores it adds period, days, as_of and revision."""
    modules = {
        name: {**module_summary(module), "criteria": [criterion_document(c) for c in module.criteria]}
        for name, module in result.modules.items()
    }
    return {**summary_document(result), "modules": modules}


# ------------------------------------------------------------------------------------------ ranks


def ranks(results: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """The rank of each agency within its group, by points as a share of its known maximum.

    Takes documents with `agency`, `group` and `total`, and with their modules' criteria where some may be
    unknown: what nobody has judged yet leaves the maximum too, so that it makes nobody's rank low. Equal
    shares share a rank, and the next one is skipped (1, 1, 3). Exact, so equal is equal.
    Communes are ranked among those of their own district (`parent`), whose rules they are scored by.
    """
    groups: dict[tuple[str, str | None], list[tuple[Fraction, str]]] = {}
    for document in results:
        total, most = document["total"], Fraction(str(known_max(document)))
        share = Fraction(str(total["points"])) / most if most else Fraction(0)
        groups.setdefault((document["group"], document.get("parent")), []).append((share, document["agency"]))
    found: dict[str, int] = {}
    for members in groups.values():
        members.sort(key=lambda member: (-member[0], member[1]))
        previous: Fraction | None = None
        rank = 0
        for position, (share, agency) in enumerate(members, 1):
            if share != previous:
                rank = position
            found[agency] = rank
            previous = share
    return found


def known_max(document: Mapping[str, Any]) -> int | float:
    """The maximum without the criteria that are still unknown."""
    unknown = sum(
        (
            Decimal(str(criterion["max"]))
            for module in document.get("modules", {}).values()
            for criterion in module.get("criteria", ())
            if criterion["status"] == "unknown"
        ),
        ZERO,
    )
    return number(Decimal(str(document["total"]["max"])) - unknown)


# ---------------------------------------------------------------------------------------- changes


def moved(before: Document | None, after: Document) -> list[Document]:
    """The criteria whose points or status differ between two score documents, with how much they moved."""
    old, new = _criteria(before), _criteria(after)
    moves = []
    for place in sorted(old.keys() | new.keys()):
        was, is_ = old.get(place), new.get(place)
        if was is not None and is_ is not None and _same(was, is_):
            continue
        before_points = was["points"] if was else None
        after_points = is_["points"] if is_ else None
        delta = Decimal(str(after_points or 0)) - Decimal(str(before_points or 0))
        moves.append(
            {
                "module": place[0],
                "criterion": place[1],
                "before": before_points,
                "after": after_points,
                "delta": number(delta),
            }
        )
    return moves


def _same(was: Document, is_: Document) -> bool:
    return bool(was["points"] == is_["points"] and was["status"] == is_["status"])


def _criteria(document: Document | None) -> dict[tuple[str, str], Document]:
    if document is None:
        return {}
    return {
        (name, criterion["id"]): criterion
        for name, module in document["modules"].items()
        for criterion in module["criteria"]
    }


# ------------------------------------------------------------------------------------ explanation


def explanation(result: Result) -> Document:
    """Why each point: rule text, the formula with the numbers in it, numerator, denominator, sums.

    Data, not prose: a page or a document draws it in its own words.
    """
    return {
        "agency": result.agency.agency,
        "group": result.agency.group,
        "total": total_document(result),
        "total_sum": " + ".join(f"{module.points}" for module in result.modules.values()) or "0",
        "modules": {name: _explained(module) for name, module in result.modules.items()},
        "complete": result.complete,
    }


def _explained(module: ModuleResult) -> Document:
    row = module.rule_set.row
    return {
        **module_summary(module),
        "title": row.title.model_dump(),
        "legal_basis": [basis.model_dump() for basis in row.legal_basis],
        "scale_provenance": row.scale.provenance,
        "sum": " + ".join(f"{result.points}" for result in module.criteria),
        "criteria": [_explained_criterion(result) for result in module.criteria],
    }


def _explained_criterion(result: CriterionResult) -> Document:
    criterion, outcome = result.criterion, result.outcome
    worked = outcome.worked
    return {
        **criterion_document(result),
        "title": criterion.title.model_dump(),
        "rule": criterion.rule.model_dump(),
        "provenance": criterion.provenance,
        "kind": criterion.kind,
        "formula": worked.text,
        "numerator": None if worked.numerator is None else plain(worked.numerator),
        "denominator": None if worked.denominator is None else plain(worked.denominator),
        "exact": None if worked.result is None else plain(worked.result),
        "reason": outcome.reason,
    }
