"""The SQL of a batch, each statement beside the function that runs it.

Locks are taken in one order everywhere (facts by source and id, then entities by entity, kind and scope), so
two writers wait for each other but never in a circle.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.runtime.ledger.decode import Candidate
from shared.runtime.ledger.folding import EntityRow
from shared.runtime.ledger.items import Origin
from shared.runtime.ledger.lifecycle import EntityRef
from shared.runtime.outbox import Record as OutboxRecord
from shared.runtime.positions import Positions
from shared.runtime.postgres import Connection, Record

FactKey = tuple[str, str]
"""(source, id)."""

# Every batch shares this lock; one that holds retractions has it alone. Without it a fact and its retraction
# stored at the same moment would miss each other.
_BEGIN_SHARED = "BEGIN; SELECT pg_advisory_xact_lock_shared(1398030162, hashtext(current_schema()))"
_BEGIN_ALONE = "BEGIN; SELECT pg_advisory_xact_lock(1398030162, hashtext(current_schema()))"


async def begin(connection: Connection, *, alone: bool) -> None:
    """Open the transaction of a batch, in one round trip."""
    await connection.execute(_BEGIN_ALONE if alone else _BEGIN_SHARED)


_KNOWN = """
SELECT f.source, f.id, f.digest, f.topic, f.partition, f."offset"
FROM unnest($1::text[], $2::text[]) AS k (source, id) JOIN fact f USING (source, id)
"""


async def known_facts(connection: Connection, keys: Sequence[FactKey]) -> dict[FactKey, Record]:
    """Digest and place of those of `keys` that the ledger has."""
    rows = await connection.fetch(_KNOWN, [key[0] for key in keys], [key[1] for key in keys])
    return {(row["source"], row["id"]): row for row in rows}


_TARGETS = """
SELECT f.source, f.id, f.type, f.kind, f.entity, f.scope, f.agency
FROM unnest($1::text[], $2::text[]) AS k (source, id) JOIN fact f USING (source, id)
"""


async def targets(connection: Connection, keys: Sequence[FactKey]) -> dict[FactKey, Record]:
    """The facts that retractions name, as far as the ledger has them."""
    rows = await connection.fetch(_TARGETS, [key[0] for key in keys], [key[1] for key in keys])
    return {(row["source"], row["id"]): row for row in rows}


async def add_retractions(connection: Connection, retractions: Iterable[Candidate]) -> None:
    """Note which fact is taken back by which."""
    await connection.executemany(
        """INSERT INTO retraction (target_source, target_id, agency, source, id)
           VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING""",
        [
            (*candidate.retracts, candidate.fact.agency, candidate.fact.source, candidate.fact.id)
            for candidate in retractions
            if candidate.retracts is not None
        ],
    )


_INSERT_FACTS = """
INSERT INTO fact (source, id, type, kind, entity, scope, agency, time, publisher, digest, event,
                  topic, partition, "offset", recorded_at)
SELECT source, id, type, kind, entity, scope, agency, time,
       CASE WHEN source LIKE '/publishers/%' THEN substr(source, 13) END, digest, event,
       $2, partition, place, $3
FROM unnest($1::fact_row[])
ORDER BY source, id
ON CONFLICT (source, id) DO NOTHING
RETURNING source, id, EXISTS (
    SELECT 1 FROM retraction r
    WHERE r.target_source = fact.source AND r.target_id = fact.id AND r.agency = fact.agency) AS retracted
"""


async def insert_facts(
    connection: Connection,
    facts: Sequence[tuple[Candidate, Origin]],
    now: datetime,
) -> dict[FactKey, bool]:
    """Append facts that the ledger does not have; answers which, and whether each is taken back already.

    All facts of a call come from the same topic, or all from none.
    """
    rows = await connection.fetch(
        _INSERT_FACTS, [_fact_row(candidate, origin) for candidate, origin in facts], facts[0][1].topic, now
    )
    return {(row[0], row[1]): row[2] for row in rows}


_NO_ENTITY = EntityRef("", "", "")


def _fact_row(candidate: Candidate, origin: Origin) -> tuple[object, ...]:
    fact, ref = candidate.fact, candidate.ref or _NO_ENTITY
    return (
        fact.source, fact.id, fact.type, ref.kind, ref.entity, ref.scope, fact.agency, fact.time,
        candidate.digest, candidate.event, origin.partition, origin.offset,
    )  # fmt: skip


_LOCK_ENTITIES = """
SELECT e.kind, e.entity, e.scope, e.key, e.agency, e.version, e.facts, e.record,
       e.soon_at, e.due_at, e.next_at
FROM unnest($1::text[], $2::text[], $3::text[]) AS k (entity, kind, scope)
JOIN entity e USING (entity, kind, scope)
ORDER BY e.entity, e.kind, e.scope
FOR UPDATE OF e
"""


async def lock_entities(connection: Connection, refs: Sequence[EntityRef]) -> dict[EntityRef, EntityRow]:
    """Lock and read those of `refs` that exist, in sorted order."""
    rows = await connection.fetch(
        _LOCK_ENTITIES, [ref.entity for ref in refs], [ref.kind for ref in refs], [ref.scope for ref in refs]
    )
    return {EntityRef(row[0], row[1], row[2]): EntityRow(*row) for row in rows}


async def taken_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Which of `keys` are record keys already."""
    rows = await connection.fetch("SELECT key FROM entity WHERE key = ANY($1)", list(keys))
    return {row["key"] for row in rows}


_WRITE = """
WITH added AS (
    INSERT INTO entity (kind, entity, scope, key, agency, version, facts, record,
                        soon_at, due_at, next_at, changed_at)
    SELECT kind, entity, scope, key, agency, version, facts, record, soon_at, due_at, next_at, $6
    FROM unnest($1::entity_row[]) ORDER BY entity, kind, scope
    ON CONFLICT DO NOTHING RETURNING 1),
 updated AS (
    UPDATE entity e
    SET agency = c.agency, version = c.version, facts = c.facts, record = c.record,
        soon_at = c.soon_at, due_at = c.due_at, next_at = c.next_at, changed_at = $6
    FROM unnest($2::entity_row[]) c
    WHERE e.entity = c.entity AND e.kind = c.kind AND e.scope = c.scope
    RETURNING 1),
 sent AS (
    INSERT INTO outbox (topic, partition, key, value, headers)
    SELECT * FROM unnest($3::outbox_row[]) RETURNING 1),
 read AS (
    INSERT INTO position (topic, partition, next, changed_at)
    SELECT $4, partition, next, $6 FROM unnest($5::int[], $7::bigint[]) AS p (partition, next)
    ORDER BY partition
    ON CONFLICT (topic, partition) DO UPDATE
    SET next = greatest(position.next, excluded.next), changed_at = excluded.changed_at
    RETURNING 1)
SELECT (SELECT count(*) FROM added) + (SELECT count(*) FROM updated) AS written,
       (SELECT count(*) FROM read) AS read,
       CASE WHEN (SELECT count(*) FROM sent) > 0 THEN pg_notify('outbox', current_schema()) END AS told
"""


async def write(
    connection: Connection,
    fresh: Sequence[EntityRow],
    changed: Sequence[EntityRow],
    records: Sequence[OutboxRecord],
    positions: Positions,
    now: datetime,
) -> bool:
    """Store entities, outbox and the positions of one topic in one statement.

    False when a fresh entity, or its record key, exists by now: roll back and take the batch again.
    """
    places = sorted(positions.items())
    result = await connection.fetchrow(
        _WRITE,
        [_entity_row(row) for row in fresh],
        [_entity_row(row) for row in changed],
        [(record.topic, record.partition, record.key, record.value, record.headers) for record in records],
        places[0][0].topic if places else "",
        [place.partition for place, _ in places],
        now,
        [offset for _, offset in places],
    )
    return bool(result["written"] == len(fresh) + len(changed))


def _entity_row(row: EntityRow) -> tuple[object, ...]:
    return (
        row.kind, row.entity, row.scope, row.key, row.agency, row.version, row.facts, row.record,
        row.soon_at, row.due_at, row.next_at,
    )  # fmt: skip


_REPEATS = """
INSERT INTO repeat (source, id, count, last_seen)
SELECT source, id, count, $4 FROM unnest($1::text[], $2::text[], $3::bigint[]) AS r (source, id, count)
ORDER BY source, id
ON CONFLICT (source, id) DO UPDATE SET count = repeat.count + excluded.count, last_seen = excluded.last_seen
"""


async def count_repeats(connection: Connection, counts: dict[FactKey, int], now: datetime) -> None:
    """Add to the number of times that facts were sent again."""
    if counts:
        await connection.execute(
            _REPEATS, [key[0] for key in counts], [key[1] for key in counts], list(counts.values()), now
        )
