"""Points a second time: the formulas of docs/rule-sets.md over the second count, in one plain pass.

The rule sets are data and read as they are. A count that the second program does not make (a title that was
wrong, a week that has begun) is taken from what the score says it used; all others from the second count.
"""

import re
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.faults.rig import REPOSITORY, in_second_count

RULES = REPOSITORY / "services" / "scoring" / "rulesets"

Counts = dict[str, int]
_TERM = re.compile(r"([+-]?)\s*(?:([\d.]+)\s*\*\s*)?([a-z][\w.-]*|[\d.]+)\s*")
_CONDITION = re.compile(r"\s*(.+?)\s*(<=|>=|<|>|=)\s*([\d.]+)\s*")


@cache
def rule_sets(folder: Path = RULES) -> dict[str, Any]:
    """Every rule set by `id@version`."""
    read = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))]
    return {f"{one['id']}@{one['version']}": one for one in read}


def value(expression: str, counts: Counts) -> Fraction:
    """`content.items - 2 * window.weeks` with numbers; a count that nobody made is zero."""
    total, rest = Fraction(0), str(expression).strip()
    while rest:
        term = _TERM.match(rest)
        if term is None:
            raise ValueError(f"{expression!r} is no expression of a rule set")
        sign, factor, name = term.groups()
        amount = Fraction(name) if name[0].isdigit() else Fraction(counts.get(name, 0))
        total += (-1 if sign == "-" else 1) * Fraction(factor or 1) * amount
        rest = rest[term.end() :]
    return total


def _holds(condition: str, counts: Counts) -> bool:
    found = _CONDITION.fullmatch(condition)
    if found is None:
        raise ValueError(f"{condition!r} is no condition of a rule set")
    left, right = value(found[1], counts), Fraction(found[3])
    return {
        "<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right, "=": left == right,
    }[found[2]]  # fmt: skip


def points(criterion: dict[str, Any], counts: Counts) -> Fraction | None:
    """The points of one criterion, rounded once, half up; None when they cannot be worked out."""
    most = Fraction(str(criterion["max"]))
    nothing = {"full": most, "zero": Fraction(0), "unknown": None}[criterion.get("nothing", "zero")]
    when = criterion.get("zero_when")
    if when and all(_holds(condition, counts) for condition in when):
        return Fraction(0)
    volume = criterion.get("minimum_volume")
    if volume and value(volume["of"], counts) < volume["at_least"]:
        return nothing
    formula = criterion["formula"]
    if "over" in formula and value(formula["over"], counts) <= 0:
        return nothing
    worked = _worked(formula, most, counts)
    return None if worked is None else Fraction((worked * 100 + Fraction(1, 2)).__floor__(), 100)


def _worked(formula: dict[str, Any], most: Fraction, counts: Counts) -> Fraction | None:
    of = max(Fraction(0), value(formula["of"], counts)) if "of" in formula else Fraction(0)
    if formula["kind"] == "capped_ratio":
        reached = of / value(formula["over"], counts) / Fraction(str(formula["target"]))
        return (
            Fraction(0)
            if reached < Fraction(str(formula.get("zero_below", 0)))
            else min(most, most * reached)
        )
    if formula["kind"] == "coverage":
        names = [formula["prefix"] + item for item in formula["items"]]
        covered = sum(counts.get(name, 0) >= formula["at_least"] for name in names)
        return min(most, most * Fraction(covered, len(names)) / Fraction(str(formula["target"])))
    if formula["kind"] == "per_item":
        return min(most, Fraction(str(formula["each"])) * of)
    if formula["kind"] == "bands":
        of = of / value(formula["over"], counts) if "over" in formula else of
        passed = [band["points"] for band in formula["bands"] if of >= Fraction(str(band["from"]))]
        return min(most, Fraction(str(passed[-1]))) if passed else Fraction(0)
    if formula["kind"] == "deduction":
        return max(Fraction(str(formula.get("floor", 0))), most - Fraction(str(formula["each"])) * of)
    return None


def score_faults(score: dict[str, Any], counted: Counts) -> list[str]:
    """Where a score differs from the formulas over the second count, and where its sums do not hold."""
    told = []
    total = Fraction(0)
    for name, module in score["modules"].items():
        criteria = {one["id"]: one for one in rule_sets()[module["ruleset"]]["criteria"]}
        summed = Fraction(0)
        for shown in module["criteria"]:
            summed += Fraction(str(shown["points"] or 0))
            used = {n: v for n, v in shown["indicators"].items() if not in_second_count(n)}
            if any(v is None for v in used.values()):
                continue
            expected = points(criteria[shown["id"]], {**used, **counted})
            if expected is not None and expected != Fraction(str(shown["points"])):
                told.append(f"{name} {shown['id']}: {shown['points']} points instead of {float(expected)}")
        if summed != Fraction(str(module["points"])):
            told.append(f"{name}: {module['points']} points, but its criteria sum up to {float(summed)}")
        total += summed
    if total != Fraction(str(score["total"]["points"])):
        told.append(f"total {score['total']['points']}, but its modules sum up to {float(total)}")
    return told
