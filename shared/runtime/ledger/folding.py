"""What a batch makes of one entity. Pure: rows in, rows out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from shared.contracts.topics import partition_of
from shared.contracts.words import MAX_FACTS_PER_ENTITY, full_type
from shared.runtime import tracing
from shared.runtime.ledger.lifecycle import EntityRef, Fact, Folded, Lifecycle
from shared.runtime.outbox import Record
from shared.runtime.relay import MAX_RECORD_BYTES


class EntityRow(msgspec.Struct, gc=False):
    """One entity as stored. `facts` is a JSON array of its effective facts, `record` the last change."""

    kind: str
    entity: str
    scope: str
    key: str
    agency: str
    version: int
    facts: bytes
    record: bytes
    soon_at: datetime | None = None
    due_at: datetime | None = None
    next_at: datetime | None = None


class Cause(msgspec.Struct, frozen=True, gc=False):
    """A fact that makes a new version. `effective` is None for one that brings nothing into the fold
    itself: a retraction, or a word of the clock."""

    source: str
    id: str
    type: str
    time: datetime
    agency: str
    effective: Fact | None
    trace: str | None = None


class EntityFullError(Exception):
    """The new facts do not fit into the entity."""


class UnfoldableError(Exception):
    """The module's fold failed on these facts: a fault of ours, which must not stop everybody else's."""


class _Stated(msgspec.Struct, gc=False):
    state: msgspec.Raw


class _Record(msgspec.Struct, gc=False):
    data: _Stated


class _Data(msgspec.Struct, gc=False):
    entity: str
    kind: str
    version: int
    agency: str
    state: msgspec.Raw
    causes: list[dict[str, str]]


class _Change(msgspec.Struct, gc=False):
    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str
    data: _Data


_decode_facts = msgspec.json.Decoder(list[Fact]).decode
_decode_record = msgspec.json.Decoder(_Record).decode
_encode = msgspec.json.Encoder().encode


def facts_of(row: EntityRow) -> list[Fact]:
    """The effective facts of a stored entity."""
    return _decode_facts(row.facts)


def state_of(record: bytes) -> bytes:
    """The state inside an emitted change, as JSON."""
    return bytes(_decode_record(record).data.state)


def fold_entity(
    lifecycle: Lifecycle,
    ref: EntityRef,
    row: EntityRow | None,
    causes: Sequence[Cause],
    withdrawn: frozenset[tuple[str, str]],
    now: datetime,
    key: str,
) -> EntityRow | None:
    """The entity after `causes` came in and the facts `withdrawn` were taken out; None when nothing changed.

    Raises EntityFullError or UnfoldableError; then nothing of this entity may be stored.
    """
    facts = facts_of(row) if row is not None else []
    if withdrawn:
        facts = [fact for fact in facts if (fact.source, fact.id) not in withdrawn]
    added = [cause.effective for cause in causes if cause.effective is not None]
    facts.extend(added)
    if added and len(facts) > MAX_FACTS_PER_ENTITY:
        raise EntityFullError(f"an entity has at most {MAX_FACTS_PER_ENTITY} facts")
    try:
        folded = lifecycle.fold(ref, facts, now)
    except Exception as error:
        raise UnfoldableError(f"{type(error).__name__}: {error}") from error
    state = _encode(folded.state)
    # Nobody answers for an entity without effective facts; it stays where it was, so that its readers learn.
    agency = folded.agency or (row.agency if row is not None else causes[0].agency)
    spoken = any(cause.effective is None and cause.source.startswith("/services/") for cause in causes)
    unchanged = row is not None and agency == row.agency and not spoken and state == state_of(row.record)
    if row is not None and unchanged:
        record, version = row.record, row.version
        if not added and not withdrawn:
            return None
    else:
        version = row.version + 1 if row is not None else 1
        record = make_record(lifecycle.module, ref, key, version, agency, state, causes)
    if added and len(record) > MAX_RECORD_BYTES:
        raise EntityFullError("the entity's state would be larger than a record of the bus may be")
    soon_at, due_at = _deadlines(folded)
    return EntityRow(
        ref.kind, ref.entity, ref.scope, key, agency, version, _encode(facts), record,
        soon_at, due_at, _next_word(row, soon_at, due_at, now),
    )  # fmt: skip


def make_record(
    module: str, ref: EntityRef, key: str, version: int, agency: str, state: bytes, causes: Sequence[Cause]
) -> bytes:
    """The change as a structured CloudEvent; its type and time are those of the latest cause."""
    latest = max(causes, key=lambda cause: (cause.time, cause.source, cause.id))
    return _encode(
        _Change(
            "1.0", f"{module}:{key}:{version}", f"/services/{module}", full_type(latest.type),
            f"{ref.kind}/{ref.entity}", latest.time, "application/json",
            _Data(
                ref.entity, ref.kind, version, agency, msgspec.Raw(state),
                [{"source": cause.source, "id": cause.id} for cause in causes],
            ),
        )
    )  # fmt: skip


def records_for(
    module: str, row: EntityRow, previous_agency: str | None, partitions: int, trace: str | None = None
) -> list[Record]:
    """The record for the bus; also on the partition of the agency that had the entity before."""
    headers = CHANGE_HEADERS if trace is None else tracing.with_trace(CHANGE_HEADERS, trace)
    agencies = {row.agency, previous_agency or row.agency}
    places = sorted({partition_of(agency, partitions) for agency in agencies})
    topic = f"{module}.events"
    return [Record(topic, place, row.key.encode(), row.record, headers) for place in places]


CHANGE_HEADERS = _encode({"content-type": "application/cloudevents+json"})


def key_candidates(ref: EntityRef) -> tuple[str, str, str]:
    """Record keys in order of preference: the plain id, then with the scope, then with the kind as well.

    The plain id is free unless another agency, or another kind of this module, took it first.
    """
    scoped = f"{ref.scope}/{ref.entity}"
    return ref.entity, scoped, f"{ref.kind}/{scoped}"


def _deadlines(folded: Folded) -> tuple[datetime | None, datetime | None]:
    soon_at: datetime | None = None
    due_at: datetime | None = None
    for deadline in folded.deadlines:
        if deadline.kind == "due_soon":
            soon_at = deadline.at
            due_at = due_at or deadline.due_at
        else:
            due_at = deadline.due_at
    return soon_at, due_at


def _next_word(
    row: EntityRow | None, soon_at: datetime | None, due_at: datetime | None, now: datetime
) -> datetime | None:
    """When the clock speaks next. A warning makes no sense once the due instant has passed."""
    if due_at is None:
        return None
    if row is not None and (row.soon_at, row.due_at) == (soon_at, due_at):
        return row.next_at
    return soon_at if soon_at is not None and now < due_at else due_at


def emitted(record: bytes) -> dict[str, Any]:
    """An emitted change as JSON values, for the reading interface."""
    change: dict[str, Any] = msgspec.json.decode(record)
    return change
