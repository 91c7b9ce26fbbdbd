"""What people judge: self-assessed, computed and verified points, side by side. Pure.

A judgement is a self-assessment when `assessed_by` names the agency itself, by its slug or by its name, or
begins with a word that says so (`tự chấm`, `tự đánh giá`, `self`). Every other judgement is verified:
somebody else answers for it. Points come from the last verified judgement, whatever the agency says about
itself afterwards; a self-assessment stands beside them and moves nothing.
"""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple

from services.scoring import flows

Document = dict[str, Any]

_SELF_WORDS: Final = ("tu-cham", "tu-danh-gia", "self")


@lru_cache(maxsize=10_000)
def is_self_assessment(agency: str, assessed_by: str) -> bool:
    """Whether `assessed_by` is the agency itself: `so-y-te`, `Sở Y tế`, `Sở Y tế (tự chấm)`, `self`."""
    said = _slug(assessed_by)
    rest = said.removeprefix(agency).lstrip("-") if said == agency or said.startswith(f"{agency}-") else said
    return said == agency or any(rest == word or rest.startswith(f"{word}-") for word in _SELF_WORDS)


def _slug(text: str) -> str:
    """A name as slugs are made of it: `Sở Y tế` → `so-y-te`."""
    letters = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    plain = "".join(one for one in letters if not unicodedata.combining(one))
    return "-".join("".join(one if one.isascii() and one.isalnum() else " " for one in plain).split())


class Step(NamedTuple):
    """One judgement: the day it was given, and its points in hundredths."""

    day: int
    hundredths: int


def marks_of(steps: Sequence[Step], counted: str, points: str) -> list[tuple[str, int, int]]:
    """(flow, effective day, amount): one judgement exists from the first day on, and from each step's day on
    its points hold instead of those before. So a window with a cut-off sees the judgement of its time."""
    if not steps:
        return []
    found = {(counted, steps[0].day): 1}
    before = 0
    for step in steps:
        place = (points, step.day)
        found[place] = found.get(place, 0) + step.hundredths - before
        before = step.hundredths
    return [(flow, day, amount) for (flow, day), amount in found.items() if amount]


class Told(NamedTuple):
    """What was said about one criterion; None where nobody said anything."""

    self_assessed: Decimal | None = None
    verified: Decimal | None = None


NOTHING: Final = Told()


def flows_told(names: Iterable[str], kind: str) -> set[str]:
    """The flows among `names` that hold judgements of a period of this kind."""
    return {name for name in names if name.startswith(tuple(f"{flow}{kind}/" for flow in flows.JUDGEMENTS))}


def told_from(counts: Mapping[str, int], kind: str) -> dict[str, Told]:
    """By criterion, from the counts of `flows_told`."""
    verified = _points(counts, flows.JUDGED, flows.JUDGED_HUNDREDTHS)
    own = _points(counts, f"{flows.SELF_ASSESSED}{kind}/", f"{flows.SELF_ASSESSED_POINTS}{kind}/")
    return {name: Told(own.get(name), verified.get(name)) for name in sorted(verified.keys() | own.keys())}


def _points(counts: Mapping[str, int], counted: str, points: str) -> dict[str, Decimal]:
    return {
        name.removeprefix(counted): Decimal(counts.get(points + name.removeprefix(counted), 0)) / 100
        for name, n in counts.items()
        if name.startswith(counted) and n > 0
    }


def beside(criterion: Mapping[str, Any], told: Told) -> Document:
    """The three values of an explained criterion, and which of them its points are."""
    judged = criterion["kind"] == "judged"
    known = criterion["status"] in ("scored", "not_applicable")
    computed = None if judged or not known else criterion["points"]
    return {
        "self_assessed": _number(told.self_assessed),
        "computed": computed,
        "verified": _number(told.verified),
        "counted": ("verified" if judged else "computed") if known else None,
    }


def side_by_side(explained: Document, told: Mapping[str, Told]) -> Document:
    """Every criterion of an explained score with its three values, and what is still missing.

    `missing` are criteria that nobody else has judged: they make the score incomplete. `elsewhere` are
    judgements about criteria that the rule sets of this period do not have: they count nowhere.
    """
    rows = [
        {
            "module": name,
            **{key: one[key] for key in ("id", "title", "max", "kind", "status", "points")},
            **beside(one, told.get(one["id"], NOTHING)),
        }
        for name, module in explained["modules"].items()
        for one in module["criteria"]
    ]
    known = {row["id"] for row in rows}
    return {
        "complete": explained["complete"],
        "criteria": rows,
        "missing": [
            {"module": row["module"], "criterion": row["id"]} for row in rows if row["status"] == "unknown"
        ],
        "elsewhere": [
            {
                "criterion": name,
                "self_assessed": _number(one.self_assessed),
                "verified": _number(one.verified),
            }
            for name, one in told.items()
            if name not in known
        ],
    }


def with_judgements(explained: Document, told: Mapping[str, Told]) -> Document:
    """An explanation whose criteria carry `judgements` where a person judges or has judged."""
    modules = {
        name: {
            **module,
            "criteria": [
                {**one, "judgements": beside(one, told.get(one["id"], NOTHING))}
                if one["kind"] == "judged" or one["id"] in told
                else one
                for one in module["criteria"]
            ],
        }
        for name, module in explained["modules"].items()
    }
    return {**explained, "modules": modules}


def _number(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def history_of(state: Mapping[str, Any], agency: str) -> list[Document]:
    """Every judgement in the order they were given, as the content service keeps them."""
    return [
        {
            "at": step["at"],
            "points": step["points"],
            "assessed_by": step["assessed_by"],
            "self_assessed": is_self_assessment(agency, step["assessed_by"] or ""),
            "source": step["source"],
            "id": step["id"],
        }
        for step in state.get("history", ())
    ]
