"""How rules change: one officer proposes, another confirms. Pure.

    proposed ──confirm (somebody else)──► in_force
        ├──refuse (somebody else)──► refused
        └──refuse (who proposed)──► withdrawn

The rules in force are what was adopted, in order: a newer rule set takes the place of the older one of the
same id from its first day on. Nothing here reads a clock or a file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from services.scoring.period_life import RefusedError, same_person
from services.scoring.ruleset import RuleBook, RuleSet, Scored

State = Literal["proposed", "in_force", "refused", "withdrawn"]
RELEASE = "release"
"""Who proposes what a new version of the program brings: never a person, so any officer may confirm it."""

MAX_TEXT_CHARACTERS = 200_000


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One change as far as its fate depends on it."""

    number: int
    name: str
    state: State
    proposed_by: str


def in_force(adopted: Iterable[RuleSet]) -> RuleBook:
    """The rules that follow from what was adopted, in that order."""
    kept: list[RuleSet] = []
    every: dict[str, RuleSet] = {}
    for newest in adopted:
        kept = [older for rule_set in kept if (older := _made_way(rule_set, newest)) is not None]
        kept.append(newest)
        every[newest.name] = newest
    rules = RuleBook(kept)
    # A closed quarter is explained by the rules that it was closed with, also when others took their place.
    rules.by_name = every | rules.by_name
    return rules


def _made_way(older: RuleSet, newest: RuleSet) -> RuleSet | None:
    """What is left of a rule set once a newer one of its id begins; None when nothing is."""
    if older.id != newest.id:
        return older
    if older.valid_from >= newest.valid_from:
        return None
    last = newest.valid_from - timedelta(days=1)
    if older.valid_to is not None and older.valid_to <= last:
        return older
    return replace(older, valid_to=last, row=older.row.model_copy(update={"valid_to": last}))


def check_proposal(
    proposed: RuleSet, adopted: Sequence[RuleSet], waiting: Iterable[RuleChange], agencies: Iterable[Scored]
) -> None:
    """Whether a change can be proposed. Raises RefusedError; DataFileError when the rules would collide."""
    if len(proposed.text) > MAX_TEXT_CHARACTERS:
        raise RefusedError("rules", f"A rule set has at most {MAX_TEXT_CHARACTERS} characters.")
    if any(rule_set.text == proposed.text for rule_set in adopted):
        raise RefusedError("rules", f"{proposed.name} is in force already, word for word.")
    if any(rule_set.name == proposed.name for rule_set in adopted):
        raise RefusedError(
            "rules", f"{proposed.name} is in force with another text: give the change a version of its own."
        )
    for change in waiting:
        if change.state == "proposed" and _id_of(change.name) == proposed.id:
            raise RefusedError("rules", f"Change {change.number} of {change.name} waits: decide that first.")
    in_force([*adopted, proposed]).check(agencies)


def confirm(change: RuleChange, officer: str) -> State:
    """A second person agrees."""
    _waits(change)
    if same_person(officer, change.proposed_by):
        raise RefusedError("two-officers", f"{change.proposed_by} proposed it; another officer must confirm.")
    return "in_force"


def refuse(change: RuleChange, officer: str) -> State:
    """Somebody says no; who proposed it takes it back."""
    _waits(change)
    return "withdrawn" if same_person(officer, change.proposed_by) else "refused"


def _waits(change: RuleChange) -> None:
    if change.state != "proposed":
        raise RefusedError("rules", f"Change {change.number} is {change.state} already.")


def _id_of(name: str) -> str:
    return name.partition("@")[0]
