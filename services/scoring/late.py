"""What arrives when a period is closed: which part of a new score may be published, and what waits. Pure.

The live count goes on counting. `settle` takes the score as published and the score as the counts would
have it now, and gives what may be published: criteria that may move are new, all others stay, and the sums
are made again. What is held back is an adjustment.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from services.scoring.period_life import Life, may_publish
from services.scoring.score import Document, number

Fate = Literal["pending", "accepted", "refused", "no_effect", "counted"]
"""What became of an arrival. `no_effect`: the score would be the same. `counted`: it reached the published
score, because a reopened scope let it through or the period was opened again."""

ZERO = Decimal(0)


def settle(life: Life, published: Document | None, would: Document, now: datetime) -> Document | None:
    """The score that may be published; None while nothing of it may and nothing was published yet.

    A module under another rule set than the published one moves as a whole or not at all: criteria of two
    rule sets cannot be added up.
    """
    agency = would["agency"]

    def allowed(module: str, criterion: str) -> bool:
        return may_publish(life, agency, module, criterion, now)

    old_modules = published["modules"] if published else {}
    modules: dict[str, Document] = {}
    for name in [*old_modules, *(m for m in would["modules"] if m not in old_modules)]:
        settled = _module(name, old_modules.get(name), would["modules"].get(name), allowed)
        if settled is not None:
            modules[name] = settled
    if published is None and not modules:
        return None
    return assembled(published or would, modules)


def _module(
    name: str, old: Document | None, new: Document | None, allowed: Callable[[str, str], bool]
) -> Document | None:
    criteria = [c["id"] for one in (old, new) if one is not None for c in one["criteria"]]
    open_ones = {criterion for criterion in criteria if allowed(name, criterion)}
    if open_ones == set(criteria):
        return new
    if old is None or new is None or not open_ones or old["ruleset"] != new["ruleset"]:
        return old
    fresh = {c["id"]: c for c in new["criteria"]}
    chosen = [fresh[c["id"]] if c["id"] in open_ones and c["id"] in fresh else c for c in old["criteria"]]
    return summed(old["ruleset"], chosen)


def summed(ruleset: str, criteria: list[Document]) -> Document:
    """A module from its criteria: every sum is made of theirs, exactly."""
    counted = [c for c in criteria if c["status"] != "not_eligible"]
    bonus = _sum(c["points"] for c in counted if c["bonus"])
    base = _sum(c["points"] for c in counted if not c["bonus"])
    base_max = _sum(c["max"] for c in counted if not c["bonus"])
    bonus_max = _sum(c["max"] for c in counted if c["bonus"])
    return {
        "points": number(base + bonus),
        "bonus": number(bonus),
        "max": number(base_max + bonus_max),
        "base_max": number(base_max),
        "bonus_max": number(bonus_max),
        "ruleset": ruleset,
        "criteria": criteria,
    }


def assembled(head: Document, modules: dict[str, Document]) -> Document:
    """A score from its modules, with the agency, period and days of `head`."""
    return {
        "agency": head["agency"],
        "period": head["period"],
        "from": head["from"],
        "to": head["to"],
        "total": {
            "points": number(_sum(module["points"] for module in modules.values())),
            "max": number(_sum(module["max"] for module in modules.values())),
        },
        "modules": modules,
        "complete": all(c["status"] != "unknown" for module in modules.values() for c in module["criteria"]),
    }


def _sum(values: Any) -> Decimal:
    return sum((Decimal(str(value)) for value in values if value is not None), ZERO)


def criteria_of(document: Document | None) -> dict[tuple[str, str], Document]:
    """The criteria of a score by module and id."""
    if document is None:
        return {}
    return {
        (name, criterion["id"]): criterion
        for name, module in document["modules"].items()
        for criterion in module["criteria"]
    }


def fate_of(
    life: Life, before: Document | None, after: Document, settled: Document | None, now: datetime
) -> Fate:
    """What becomes of an arrival that turned the counted score `before` into `after`.

    `settled` is what may be published since. It is counted only when all that it moved was free to move and
    is published.
    """
    old, new, told = criteria_of(before), criteria_of(after), criteria_of(settled)
    touched = {place for place in old.keys() | new.keys() if old.get(place) != new.get(place)}
    if not touched:
        return "no_effect"
    free = all(may_publish(life, after["agency"], *place, now) for place in touched)
    return "counted" if free and all(told.get(p) == new.get(p) for p in touched) else "pending"


def total_delta(before: Document | None, after: Document | None) -> Decimal:
    """By how much a total moves, exactly."""
    old, new = (_sum([one["total"]["points"]] if one else []) for one in (before, after))
    return new - old
