"""The league table and what is drawn from it: pure functions over scores.

A rank is taken within the agency's own group, by the share of the points that the agency could reach:
agencies of one group may be scored on different modules, so bare points would not compare like with like.
Equal shares share a rank, and the next one is skipped (1, 1, 3).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MODULES = ("content", "qa", "dossier")
GROUPS = ("departments", "districts", "party", "vertical", "communes")

Score = Mapping[str, Any]
Agency = Mapping[str, Any]
Row = dict[str, Any]

BANDS = ("full", "high", "good", "fair", "low", "zero")
"""Bands of a share of the base maximum: all of it; from 90%; from 75%; from 50%; above 0; nothing."""


def share(points: float, maximum: float) -> float:
    """Points as a part of the maximum, 0 where nothing can be reached."""
    return points / maximum if maximum else 0.0


def known_max(score: Score) -> float:
    """The maximum without what nobody has judged yet, so that a missing judgement makes no rank low."""
    if "known_max" in score:
        return float(score["known_max"])
    unknown = sum(
        criterion["max"]
        for module in score["modules"].values()
        for criterion in module.get("criteria", ())
        if criterion["status"] == "unknown"
    )
    return float(score["total"]["max"] - unknown)


def rows(agencies: Iterable[Agency], scores: Mapping[str, Score], before: Mapping[str, Score]) -> list[Row]:
    """One row per agency that the province scores, ranked within its group, best first. Whoever has a parent
    is scored by it, under other rules, and stands in its table (`/communes`).

    `before` holds the scores of the same window a year earlier; `delta` is the change in points, None where
    the agency had no score then or could reach another maximum.
    """
    table = [
        _row(agency, scores[agency["agency"]], before.get(agency["agency"]))
        for agency in agencies
        if not agency.get("parent") and agency["agency"] in scores and scores[agency["agency"]]["modules"]
    ]
    table.sort(key=lambda row: (_group_order(row["group"]), -row["share"], row["name"]))
    previous: tuple[str, float] | None = None
    position = rank = 0
    for row in table:
        if previous is None or previous[0] != row["group"]:
            position = 0
        position += 1
        if previous != (row["group"], row["share"]):
            rank = position
        row["rank"] = rank
        previous = (row["group"], row["share"])
    return table


def _group_order(group: str) -> int:
    return GROUPS.index(group) if group in GROUPS else len(GROUPS)


def _row(agency: Agency, score: Score, before: Score | None) -> Row:
    total = score["total"]
    comparable = before is not None and before["total"]["max"] == total["max"]
    row: Row = {
        "agency": agency["agency"],
        "name": agency["name"],
        "name_en": agency.get("name_en") or agency["name"],
        "group": agency["group"],
        "parent": agency.get("parent"),
        "rank": 0,
        "total": total["points"],
        "max": total["max"],
        # Rounded so that equal results stay equal whatever the last bit of a division says.
        "share": round(share(total["points"], known_max(score)), 6),
        "delta": round(total["points"] - before["total"]["points"], 2) if comparable and before else None,
        "complete": score["complete"],
        "revision": score.get("revision", 0),
    }
    for module in MODULES:
        found = score["modules"].get(module)
        row[module] = found["points"] if found else None
        row[f"{module}_max"] = found["max"] if found else None
        row[f"{module}_base"] = _base(found) if found else None
    return row


def _base(module: Score) -> float:
    return float(module.get("base_max", module["max"]))


def band(points: float, base_max: float) -> str:
    """The band of one module's points."""
    part = share(points, base_max)
    if part >= 1:
        return "full"
    for name, limit in (("high", 0.9), ("good", 0.75), ("fair", 0.5)):
        if part >= limit:
            return name
    return "low" if points > 0 else "zero"


def distribution(table: Sequence[Row]) -> dict[str, dict[str, int]]:
    """How many agencies stand in each band, by module."""
    found = {module: dict.fromkeys(BANDS, 0) for module in MODULES}
    for row in table:
        for module in MODULES:
            if row[module] is not None:
                found[module][band(row[module], row[f"{module}_base"])] += 1
    return found


def changed(old: Mapping[str, Row], new: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rows that differ from the old table, and the agencies that are gone from it."""
    names = {row["agency"] for row in new}
    return [row for row in new if old.get(row["agency"]) != row], [name for name in old if name not in names]
