"""Administrative procedures: the inventory at three levels, and the quarter's decisions."""

from dataclasses import dataclass
from random import Random

from deploy.replay.assumptions import Procedures
from deploy.replay.drafts import Book, apportion
from deploy.replay.figures import Figures
from deploy.replay.spans import QUARTER
from deploy.replay.worktime import at, day, iso

TERMS = (1, 2, 3, 5, 7, 10, 15, 20, 30)
"""Working days that a procedure may take."""


@dataclass(frozen=True, slots=True)
class Procedure:
    code: str
    agency: str
    level: str
    service_level: str
    working_days: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The procedures in force, as dossiers refer to them: per level and agency, by working days."""

    by_owner: dict[str, dict[int, list[str]]]
    by_level: dict[str, dict[int, list[str]]]


def write_procedures(book: Book, owners: list[str], assumed: Procedures, figures: Figures) -> Catalogue:
    """The inventory, so that the parts stand at the end of the quarter, and its decisions.

    Raises ValueError when more would be abolished than the decisions hold.
    """
    chance = Random(book.random.random())
    entries = figures.count("procedures.in_decisions")
    added = entries - assumed.abolished
    if added < 0:
        raise ValueError(f"assumptions.yaml: {assumed.abolished} abolished in {entries} entries")
    in_force = _inventory(owners, assumed, chance)
    new = in_force[-added:]
    old = _abolished(owners, assumed.abolished, chance)
    for index, procedure in enumerate([*in_force[:-added], *old]):
        when = at(day("2021-03-01") + index % 500, 32_400)
        _entry(book, "procedure.published", procedure, when, f"{index % 40 + 1}/QĐ-UBND-2021", "inventory")
    _decisions(book, new, old, figures.count("procedures.decisions"), chance)
    return _catalogue(in_force[:-added])


def _inventory(owners: list[str], assumed: Procedures, chance: Random) -> list[Procedure]:
    levels = ["province"] * assumed.province + ["district"] * assumed.district + ["commune"] * assumed.commune
    services = ["full"] * assumed.full + ["partial"] * assumed.partial
    services += ["none"] * (assumed.total - len(services))
    chance.shuffle(services)
    chance.shuffle(levels)
    return [
        Procedure(
            f"{1 + number % 3}.{number + 1000:06d}",
            owners[number % len(owners)],
            level,
            service,
            TERMS[number // len(owners) % len(TERMS)],
        )
        for number, (level, service) in enumerate(zip(levels, services, strict=True))
    ]


def _abolished(owners: list[str], count: int, chance: Random) -> list[Procedure]:
    return [
        Procedure(
            f"3.{number + 900_000:06d}",
            owners[number % len(owners)],
            "province",
            "none",
            chance.choice(TERMS),
        )
        for number in range(count)
    ]


def _decisions(
    book: Book, new: list[Procedure], old: list[Procedure], decisions: int, chance: Random
) -> None:
    """Each decision concerns one agency, so that decisions add up over the agencies."""
    changes: dict[str, list[tuple[str, Procedure]]] = {}
    for word, procedures in (("procedure.published", new), ("procedure.abolished", old)):
        for procedure in procedures:
            changes.setdefault(procedure.agency, []).append((word, procedure))
    share = apportion(decisions - len(changes), {slug: len(rows) for slug, rows in changes.items()})
    number = 0
    for slug, rows in changes.items():
        mine = share[slug] + 1
        first = number
        number += mine
        for index, (word, procedure) in enumerate(rows):
            decision = first + index % mine
            when = at(QUARTER.first + 3 + decision * 2 % 75, 33_000 + index)
            _entry(book, word, procedure, when, f"{decision + 101}/QĐ-UBND", "decision")


def _entry(book: Book, word: str, procedure: Procedure, when: int, decision: str, step: str) -> None:
    data = {
        "procedure_code": procedure.code,
        "level": procedure.level,
        "service_level": procedure.service_level,
        "decision": decision,
        "at": iso(when),
        "working_days": procedure.working_days,
    }
    step = f"{word.partition('.')[2]}-{step}"
    book.fact(word, when, procedure.agency, procedure.code, data, kind="procedure", step=step)


def _catalogue(procedures: list[Procedure]) -> Catalogue:
    by_owner: dict[str, dict[int, list[str]]] = {}
    by_level: dict[str, dict[int, list[str]]] = {}
    for procedure in procedures:
        if procedure.level == "province":
            by_owner.setdefault(procedure.agency, {}).setdefault(procedure.working_days, []).append(
                procedure.code
            )
        else:
            by_level.setdefault(procedure.level, {}).setdefault(procedure.working_days, []).append(
                procedure.code
            )
    return Catalogue(by_owner, by_level)
