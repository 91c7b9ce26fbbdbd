"""Who belongs to what: the agencies behind each sum, and those that the report names."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from services.report.documents.figures import Criterion, ModulePoints
from services.report.documents.scoring import Answers
from services.report.documents.snapshot import Agency, NamedList
from services.report.naming import named_on

COMPONENT_GROUPS = ("departments", "vertical", "districts", "communes", "party")
CLASSES = ("party", "departments", "districts", "communes")
"""The report's classes of component portals: the Party bloc with specialised ones, departments and units,
…"""

MOST_ACTIVE = {"party": 2, "departments": 3, "districts": 2}
"""How many portals of each class the report names as the most active."""
MOST_IMPROVED = {"party": 2, "departments": 3, "districts": 2, "communes": 5}
IMPROVED_BY_PERCENT = 33
IMPROVED_AT_LEAST = 10
"""An improved portal has this many items now, and a third more than a year before."""
MOST_UNSCORED = 4
MOST_ASKED = 6
MOST_CHANNELS = 12

Counts = Mapping[str, Mapping[str, int]]


def read_agencies(answers: Answers) -> dict[str, Agency]:
    """The register as the service lists it; a portal that closed before the last day is kept for the past."""
    last = answers.window.last
    found: dict[str, Agency] = {}
    for row in answers.agencies.body["agencies"]:
        modules = tuple(row.get("modules") or ())
        found[row["agency"]] = Agency(
            agency=row["agency"], name=named_on(row, last)["name"], group=row["group"],
            bloc=row.get("bloc") or ("party" if row["group"] == "party" and "content" in modules else "none"),
            parent=row.get("parent"), modules=modules, listed=_listed(row, last),
        )  # fmt: skip
    return found


def _listed(row: Mapping[str, Any], last: date) -> bool:
    opened, closed = row.get("opened"), row.get("closed")
    if opened and date.fromisoformat(opened) > last:
        return False
    return not (closed and date.fromisoformat(closed) < last)


def read_counts(answers: Answers) -> dict[str, dict[str, dict[str, int]]]:
    """Window → agency → indicator → count."""
    return {name: dict(answer.body["agencies"]) for name, answer in answers.counts.items()}


def read_scores(answers: Answers) -> dict[str, dict[str, ModulePoints]]:
    """Agency → module → points with their criteria."""
    found: dict[str, dict[str, ModulePoints]] = {}
    for agency, answer in answers.details.items():
        found[agency] = {name: _module(module) for name, module in answer.body["modules"].items()}
    return found


def _module(body: Mapping[str, Any]) -> ModulePoints:
    criteria = tuple(
        Criterion(id=c["id"], points=c["points"], max=c["max"], bonus=c["bonus"], status=c["status"])
        for c in body.get("criteria", ())
    )
    base = body.get("base_max", sum(c.max for c in criteria if not c.bonus))
    bonus = body.get("bonus_max", sum(c.max for c in criteria if c.bonus))
    return ModulePoints(
        points=body["points"], bonus=body["bonus"], base_max=base, bonus_max=bonus, max=body["max"],
        ruleset=str(body["ruleset"]), criteria=criteria,
        complete=all(c.status != "unknown" for c in criteria),
    )  # fmt: skip


def class_of(agency: Agency) -> str | None:
    """The report's class of a component portal, None for the provincial portal."""
    if agency.bloc == "party" or agency.group == "party":
        return "party"
    if agency.group in ("departments", "vertical"):
        return "departments"
    return agency.group if agency.group in ("districts", "communes") else None


def selections(
    agencies: Mapping[str, Agency],
    counts: Mapping[str, Counts],
    scores: Mapping[str, Mapping[str, ModulePoints]],
) -> dict[str, tuple[str, ...]]:
    """Every selection that a formula names, in the register's order."""

    def chosen(rule: Callable[[Agency], bool]) -> tuple[str, ...]:
        return tuple(slug for slug, agency in agencies.items() if rule(agency))

    def scored(agency: Agency, module: str) -> bool:
        return module in scores.get(agency.agency, {})

    found = {
        "all": chosen(lambda a: True),
        "province": chosen(lambda a: a.group == "province"),
        "communes": chosen(lambda a: a.group == "communes"),
        "scored.content.party": chosen(lambda a: scored(a, "content") and a.bloc == "party"),
        "scored.content.government": chosen(lambda a: scored(a, "content") and a.bloc != "party"),
        "scored.qa": chosen(lambda a: scored(a, "qa")),
        "scored.dossier": chosen(lambda a: scored(a, "dossier")),
    }
    for name in CLASSES:
        found[f"class.{name}"] = chosen(lambda a, name=name: class_of(a) == name)  # type: ignore[misc]
    for group in COMPONENT_GROUPS:
        found[f"open.{group}"] = chosen(lambda a, group=group: a.listed and a.group == group)  # type: ignore[misc]
    found["by_district"] = chosen(lambda a: a.listed and a.group == "communes" and not scored(a, "content"))
    found["not_scored"] = chosen(
        lambda a: (
            a.listed and a.group in COMPONENT_GROUPS and a.group != "communes" and not scored(a, "content")
        )
    )
    found |= _silent(agencies, counts["now"])
    found["qa.without_question"] = _without(found["scored.qa"], counts["now"], "qa.received")
    found["dossier.without_dossier"] = _without(found["scored.dossier"], counts["now"], "dossier.received")
    found["dossier.with_dossier"] = tuple(
        slug for slug in found["scored.dossier"] if slug not in found["dossier.without_dossier"]
    )
    return found


def _without(chosen: Iterable[str], now: Counts, indicator: str) -> tuple[str, ...]:
    return tuple(slug for slug in chosen if not now.get(slug, {}).get(indicator))


def _silent(agencies: Mapping[str, Agency], now: Counts) -> dict[str, tuple[str, ...]]:
    """Portals without an item in the window: communes by their district, and the other ones."""
    listed = [a for a in agencies.values() if a.listed and a.group in COMPONENT_GROUPS]
    silent = set(_without((a.agency for a in listed), now, "content.items"))
    found = {
        "silent.agencies": tuple(a.agency for a in listed if a.group != "communes" and a.agency in silent),
    }
    for district in [a for a in agencies.values() if a.listed and a.group == "districts"]:
        communes = tuple(a.agency for a in listed if a.group == "communes" and a.parent == district.agency)
        found[f"communes.{district.agency}"] = communes
        found[f"silent.{district.agency}"] = tuple(slug for slug in communes if slug in silent)
    return found


def named_lists(
    agencies: Mapping[str, Agency], counts: Mapping[str, Counts], chosen: Mapping[str, tuple[str, ...]]
) -> dict[str, NamedList]:
    """The agencies that the report names, each list with its rule."""
    now, before = counts["now"], counts["before"]
    listed = [a for a in agencies.values() if a.listed and a.group in COMPONENT_GROUPS]
    lists = [
        NamedList(
            id="active", rule=f"most items of each class: {MOST_ACTIVE}", agencies=_active(listed, now)
        ),
        NamedList(
            id="improved",
            agencies=_improved(listed, now, before),
            rule=f"at least {IMPROVED_AT_LEAST} items and {IMPROVED_BY_PERCENT}% more than a year before",
        ),
        NamedList(
            id="unscored_active",
            rule="most items among those that nobody scores",
            agencies=_top(chosen["not_scored"], now, "content.items", MOST_UNSCORED),
        ),
        NamedList(
            id="channels",
            rule="content.channel.opened > 0",
            agencies=_having(agencies, now, "content.channel.opened")[:MOST_CHANNELS],
        ),
        NamedList(
            id="boards",
            rule="content.board.established > 0 since 2020",
            agencies=_having(agencies, counts["boards"], "content.board.established"),
        ),
        NamedList(
            id="reports",
            rule="content.report.received > 0",
            agencies=_having(agencies, now, "content.report.received"),
        ),
        NamedList(
            id="most_asked",
            rule="most questions received",
            agencies=_top(chosen["all"], now, "qa.received", MOST_ASKED),
        ),
    ]
    return {named.id: named for named in lists}


def _having(agencies: Mapping[str, Agency], counts: Counts, indicator: str) -> tuple[str, ...]:
    return tuple(slug for slug in agencies if counts.get(slug, {}).get(indicator))


def _top(chosen: Iterable[str], counts: Counts, indicator: str, most: int) -> tuple[str, ...]:
    """The `most` with the highest counts above zero; equal ones in the register's order."""
    found = [(slug, counts.get(slug, {}).get(indicator, 0)) for slug in chosen]
    found = sorted((row for row in found if row[1] > 0), key=lambda row: -row[1])
    return tuple(slug for slug, _ in found[:most])


def _active(listed: list[Agency], now: Counts) -> tuple[str, ...]:
    found: list[str] = []
    for name, most in MOST_ACTIVE.items():
        members = [a.agency for a in listed if class_of(a) == name]
        found.extend(_top(members, now, "content.items", most))
    return tuple(found)


def _improved(listed: list[Agency], now: Counts, before: Counts) -> tuple[str, ...]:
    """The strongest growth of each class, in the register's order."""
    grown: dict[str, list[tuple[float, str]]] = {name: [] for name in MOST_IMPROVED}
    for agency in listed:
        items = now.get(agency.agency, {}).get("content.items", 0)
        earlier = before.get(agency.agency, {}).get("content.items", 0)
        enough = items >= IMPROVED_AT_LEAST and items * 100 >= earlier * (100 + IMPROVED_BY_PERCENT)
        its_class = class_of(agency)
        if its_class in grown and earlier and enough:
            grown[its_class].append((items / earlier, agency.agency))
    strongest = {
        slug
        for name, most in MOST_IMPROVED.items()
        for _, slug in sorted(grown[name], key=lambda row: (-row[0], row[1]))[:most]
    }
    return tuple(a.agency for a in listed if a.agency in strongest)
