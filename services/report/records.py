"""Reading what stands on the topics: only the fields that the dashboard shows, quickly.

Records are CloudEvents in structured JSON; a record of a score topic may also be the bare object. msgspec
skips what is not declared, so a state with a long history costs little.
"""

from datetime import datetime
from typing import Any

import msgspec


class FactName(msgspec.Struct, frozen=True):
    source: str
    id: str


class EntityState(msgspec.Struct, frozen=True):
    """The union of the fields of all kinds that somebody looks at here; absent ones are None."""

    status: str | None = None
    received_at: datetime | None = None
    accepted_at: datetime | None = None
    due_at: datetime | None = None
    effective_due_at: datetime | None = None
    overdue: bool | None = None
    field: str | None = None
    channel: str | None = None
    procedure_code: str | None = None
    period: str | None = None
    url: str | None = None
    calendar: str | None = None
    title: str | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    established_at: datetime | None = None


class EntityChange(msgspec.Struct, frozen=True):
    entity: str
    kind: str
    version: int
    agency: str
    state: EntityState
    causes: list[FactName] = []


class EntityEvent(msgspec.Struct, frozen=True):
    type: str
    data: EntityChange
    time: datetime | None = None


class _Envelope(msgspec.Struct, frozen=True):
    data: msgspec.Raw = msgspec.Raw(b"")
    specversion: str | None = None


_entity_event = msgspec.json.Decoder(EntityEvent)
_envelope = msgspec.json.Decoder(_Envelope)


class Unreadable(ValueError):
    """A record that does not follow the contract. The message says how."""


def entity_event(value: bytes) -> EntityEvent:
    """A record of `content.events`, `qa.events` or `dossier.events`."""
    try:
        return _entity_event.decode(value)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise Unreadable(str(error)) from error


def body(value: bytes) -> dict[str, Any]:
    """The object that a record of any other topic carries, with or without an envelope."""
    try:
        envelope = _envelope.decode(value)
        found = msgspec.json.decode(envelope.data if envelope.specversion and envelope.data else value)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise Unreadable(str(error)) from error
    if not isinstance(found, dict):
        raise Unreadable("the record is not an object")
    return found
