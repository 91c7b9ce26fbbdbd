"""What became of each fact behind a number: counted, corrected, superseded, retracted, passed on, late. Pure.

Nothing is rewritten: the fact stays as it was sent, and what took its place stands beside it, with the value
before and the value after of every field that changed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from services.scoring.judgements import is_self_assessment
from shared.calendar.local import parse_instant

Shown = dict[str, Any]

_WHOLE: Final = ("audience.measured", "assessment.recorded", "board.established")
"""Types of which the last word counts whole."""

_NOT_CHANGED: Final = frozenset({"agency", "article_id", "corrected_at", "assessed_at", "at"})


def with_versions(facts: Sequence[Shown], closed_at: datetime | None = None) -> list[Shown]:
    """The facts of one entity in the order they happened, each with what became of it.

    `fate` is `counts`, `corrects`, `superseded`, `retracted`, `retracts`, `reassigns` or `clock`. `changes`
    lists `{field, before, after}` where it took the place of something, `superseded_by` what took its own
    place; `late` tells that it arrived after its period was closed (at `closed_at`).
    """
    ordered = sorted(facts, key=lambda fact: (parse_instant(fact["time"]), _rank(fact["type"])))
    told = [{**fact, "fate": _fate(fact), "changes": [], "superseded_by": None} for fact in ordered]
    for fact in told:
        recorded = parse_instant(fact["recorded_at"])
        fact["late"] = closed_at is not None and fact["fate"] != "clock" and recorded > closed_at
    effective = [fact for fact in told if fact["fate"] == "counts"]
    _last_words(effective)
    _corrections(effective)
    return told


def _rank(type_: str) -> int:
    """At one and the same instant what opens comes before what continues, as the folds have it."""
    return 0 if type_.endswith((".published", ".received")) else 1


def _fate(fact: Mapping[str, Any]) -> str:
    if fact["retracted_by"]:
        return "retracted"
    return "counts" if fact["effective"] else "clock" if fact["entrance"] == "clock" else "retracts"


def _data(fact: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = fact["event"]["data"]
    return found


def _reference(fact: Mapping[str, Any]) -> dict[str, str]:
    return {"source": fact["source"], "id": fact["id"]}


def _last_words(facts: Sequence[Shown]) -> None:
    """The last measurement or judgement counts; an agency's own judgement replaces only its own."""
    standing: dict[tuple[str, bool], Shown] = {}
    for fact in facts:
        if fact["type"] not in _WHOLE:
            continue
        data = _data(fact)
        own = is_self_assessment(fact["agency"], data.get("assessed_by", ""))
        before = standing.get((fact["type"], own))
        if before is not None:
            before["fate"], before["superseded_by"] = "superseded", _reference(fact)
            fact["changes"] = _differences(_data(before), data, data.keys() | _data(before).keys())
        standing[fact["type"], own] = fact


def _corrections(facts: Sequence[Shown]) -> None:
    """Corrections change the fields they name, a forward whose question it is, an extension its due day."""
    now: dict[str, Any] = {}
    for fact in facts:
        data = _data(fact)
        if fact["type"].endswith(".corrected"):
            fact["fate"], fact["changes"] = "corrects", _differences(now, data, data.keys())
        elif fact["type"] == "question.forwarded":
            fact["fate"] = "reassigns"
            fact["changes"] = [{"field": "agency", "before": data["agency"], "after": data["to_agency"]}]
        elif fact["type"] == "dossier.extended":
            fact["fate"] = "corrects"
            fact["changes"] = [{"field": "due_at", "before": now.get("due_at"), "after": data["new_due_at"]}]
        now.update(data)
        if "new_due_at" in data:
            now["due_at"] = data["new_due_at"]


def _differences(before: Mapping[str, Any], after: Mapping[str, Any], names: Any) -> list[dict[str, Any]]:
    return [
        {"field": name, "before": before.get(name), "after": after.get(name)}
        for name in sorted(names)
        if name not in _NOT_CHANGED and before.get(name) != after.get(name)
    ]
