"""Signals that somebody may be gaming the scores: pure functions over facts, each naming its evidence.

A signal is a question to a person. Nothing here knows points, and nothing that makes points knows this.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from services.scoring.signals_rules import Backdated, Bulk, Paused, Titles
from services.scoring.titles import alike
from shared.calendar.local import local_day, parse_instant
from shared.calendar.periods import Window
from shared.calendar.working import WorkingCalendar

Fact = Mapping[str, Any]
"""A fact as a ledger tells it: as it was sent (`event`), with its ledger position and what became of it."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing to look at: its kind, whose it is, its numbers, and the facts behind it."""

    kind: str
    agency: str
    on: date
    numbers: Mapping[str, int | str]
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it was published on a portal."""

    agency: str
    day: date
    title: str
    fact: Fact


def items_of(facts: Iterable[Fact], window: Window) -> list[Item]:
    """The portal items among the facts `article.published`, by the local day that they say they appeared on.

    What was retracted is left out; of several publications of one article the last one counts.
    """
    newest: dict[tuple[str, str], Item] = {}
    for fact in facts:
        data = fact["event"]["data"]
        if not fact["effective"] or data.get("channel", "portal") != "portal":
            continue
        day = local_day(parse_instant(data["published_at"]))
        if day in window:
            newest[data["agency"], data["article_id"]] = Item(data["agency"], day, data["title"], fact)
    return sorted(newest.values(), key=lambda item: (item.agency, item.day, item.fact["id"]))


def bulk_before_cutoff(items: Iterable[Item], window: Window, rules: Bulk) -> list[Signal]:
    """Agencies with at least `at_least` items, and `share` of all of theirs, in the last days of the window.

    A window no longer than those days has no "just before".
    """
    if window.days <= rules.days:
        return []
    tail = window.last - timedelta(days=rules.days - 1)
    found = []
    for agency, mine in _by_agency(items).items():
        late = [item for item in mine if item.day >= tail]
        if len(late) >= rules.at_least and Fraction(len(late), len(mine)) >= rules.share:
            numbers: dict[str, int | str] = {
                "items": len(late),
                "of": len(mine),
                "days": rules.days,
                "share": _percent(late, mine),
            }
            facts = tuple(item.fact for item in late)
            found.append(Signal("bulk_before_cutoff", agency, tail, numbers, facts))
    return found


def near_identical_titles(items: Iterable[Item], rules: Titles) -> list[Signal]:
    """Groups of one agency's items whose titles are alike and which appeared near each other."""
    found = []
    for agency, mine in _by_agency(items).items():
        for group in alike([item.title for item in mine], rules.similarity):
            for near in _near(
                sorted((mine[place] for place in group), key=lambda i: i.day), rules.within_days
            ):
                if len(near) >= rules.at_least:
                    numbers: dict[str, int | str] = {"items": len(near), "title": near[0].title}
                    facts = tuple(item.fact for item in near)
                    found.append(Signal("near_identical_titles", agency, near[0].day, numbers, facts))
    return found


def _near(items: Sequence[Item], within_days: int) -> Iterable[list[Item]]:
    """Runs of items in the order of time, each run within so many days of its first."""
    run: list[Item] = []
    for item in items:
        if run and (item.day - run[0].day).days > within_days:
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def backdated(groups: Iterable[Mapping[str, Any]], rules: Backdated) -> list[Signal]:
    """Days on which an agency had facts recorded long after they happened.

    `groups` come from the ledgers (`GET /v1/facts/late`); those of one agency and day, of several modules,
    are put together. `share` tells a load of old data (nearly all late) from single facts slipped in.
    """
    together: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for group in groups:
        together.setdefault((group["agency"], group["recorded_on"]), []).append(group)
    found = []
    for (agency, day), parts in together.items():
        late, facts = sum(part["late"] for part in parts), sum(part["facts"] for part in parts)
        if late < rules.at_least:
            continue
        numbers: dict[str, int | str] = {
            "facts": late,
            "of": facts,
            "share": f"{100 * late // facts}%",
            "longest_days": max(part["longest_days"] for part in parts),
        }
        examples = [fact for part in parts for fact in part["examples"]]
        examples.sort(key=lambda fact: (_instant(fact["time"]), fact["source"], fact["id"]))
        found.append(Signal("backdated", agency, date.fromisoformat(day), numbers, tuple(examples)))
    return found


def paused_before_due(
    asked: Iterable[Fact],
    states: Mapping[tuple[str, str], Mapping[str, Any]],
    calendar: WorkingCalendar,
    rules: Paused,
) -> list[Signal]:
    """Agencies that often ask for a supplement when the due instant is near.

    `asked` are facts `dossier.supplement_requested`, `states` their dossiers by (agency, code). A pause
    counts when it had effect: the step of the dossier's history before it tells the due instant in force.
    """
    pauses: dict[str, int] = {}
    short: dict[str, list[Fact]] = {}
    for fact in asked:
        agency = fact["agency"]
        left = _left(fact, states.get((agency, fact["entity"])), calendar)
        if left is None:
            continue
        pauses[agency] = pauses.get(agency, 0) + 1
        if left <= timedelta(hours=rules.working_hours):
            short.setdefault(agency, []).append(fact)
    found = []
    for agency, facts in sorted(short.items()):
        of = pauses[agency]
        if len(facts) >= rules.at_least and Fraction(len(facts), of) >= rules.share:
            numbers: dict[str, int | str] = {
                "pauses": len(facts),
                "of": of,
                "share": f"{100 * len(facts) // of}%",
                "working_hours": rules.working_hours,
            }
            first = min(local_day(_instant(fact["time"])) for fact in facts)
            found.append(Signal("paused_before_due", agency, first, numbers, tuple(facts)))
    return found


def _left(fact: Fact, state: Mapping[str, Any] | None, calendar: WorkingCalendar) -> timedelta | None:
    """The working time left when a pause began; None without effect or due instant, or when too late."""
    history = state["history"] if state else ()
    for place, step in enumerate(history):
        if (step["source"], step["id"]) != (fact["source"], fact["id"]):
            continue
        due = history[place - 1]["due_at"] if place else None
        at = _instant(step["at"])
        if due is None or _instant(due) < at:
            return None
        return calendar.working_time_between(at, _instant(due))
    return None


def _by_agency(items: Iterable[Item]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(item.agency, []).append(item)
    return dict(sorted(found.items()))


def _percent(part: Sequence[Item], whole: Sequence[Item]) -> str:
    return f"{100 * len(part) // len(whole)}%"


def _instant(text: str) -> datetime:
    return parse_instant(text)
