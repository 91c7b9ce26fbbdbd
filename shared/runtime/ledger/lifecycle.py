"""The seam between the engine and a module: what a domain service must say about its facts.

The engine reads, verifies and stores facts and drives the clock; a `Lifecycle` is the pure part that
knows what the facts mean. It does no I/O, reads no clock and keeps no state between calls.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from shared.calendar.working import WorkingCalendar

DeadlineKind = Literal["due_soon", "overdue"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact as an agency sent it.

    `time` is aware; `type` is the short name, `dossier.received`. `data` holds JSON values exactly as
    sent (instants are text, absent fields are absent and defaults are not filled in); it has passed its
    contract model, so what is there is well formed.
    """

    source: str
    id: str
    type: str
    time: datetime
    agency: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EntityRef:
    """Names one entity in the ledger.

    `scope` is the agency for every kind but questions (empty there, since a question moves between
    agencies), so that nobody can touch another agency's entity by using its id.
    """

    kind: str
    entity: str
    scope: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant at which the clock itself has something to say about an entity.

    `at` is when to say it; `due_at` is the due instant it is about. Each (entity, kind, due_at) is
    said once.
    """

    kind: DeadlineKind
    at: datetime
    due_at: datetime


def deadlines_of(
    due: datetime, now: datetime, due_soon_working_days: int, calendar: WorkingCalendar
) -> tuple[Deadline, ...]:
    """The deadlines of a clock that runs: the due instant, and while that is ahead the warning before it.

    Once it is overdue, a warning would come too late to be one; 0 days say that none is wanted.
    """
    overdue = Deadline("overdue", due, due)
    if due <= now or not due_soon_working_days:
        return (overdue,)
    return (Deadline("due_soon", calendar.working_days_before(due, due_soon_working_days), due), overdue)


@dataclass(frozen=True, slots=True)
class Folded:
    """What all effective facts of one entity come to.

    `agency` is who answers for it now. `deadlines` are those still ahead, and those passed that still
    hold because the entity is open; an entity with nothing to wait for has none.
    """

    agency: str
    state: dict[str, Any]
    deadlines: tuple[Deadline, ...]


class Lifecycle(Protocol):
    """A module's meaning of its facts. Both methods are pure."""

    @property
    def module(self) -> str:
        """`content`, `qa` or `dossier`."""
        ...

    @property
    def fact_models(self) -> Mapping[str, type[BaseModel]]:
        """Short type name to the contract's model of `data`; a type not listed belongs elsewhere."""
        ...

    def entity_of(self, fact_type: str, data: Mapping[str, Any], fact_id: str) -> EntityRef:
        """The entity a fact is about. `data` has passed its model; `fact.retracted` is never asked for."""
        ...

    def fold(self, ref: EntityRef, facts: Sequence[Fact], now: datetime) -> Folded:
        """The state after `facts`: effective ones only (never a retracted one), in any order.

        Must not depend on the order given. `facts` may be empty (everything was retracted).
        """
        ...
