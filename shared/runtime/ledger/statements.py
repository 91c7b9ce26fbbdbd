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
                  recorded_at, topic, partition, "offset")
SELECT source, id, type, kind, entity, scope, agency, time, publisher, digest, event,
       $15, topic, partition, place
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::timestamptz[], $9::text[], $10::bytea[], $11::bytea[], $12::text[], $13::int[], $14::bigint[])
     AS f (source, id, type, kind, entity, scope, agency, time, publisher, digest, event,
           topic, partition, place)
ORDER BY source, id
ON CONFLICT (source, id) DO NOTHING
RETURNING source, id, EXISTS (
    SELECT 1 FROM retraction r
    WHERE r.target_source = fact.source AND r.target_id = fact.id AND r.agency = fact.agency) AS retracted
"""


async def insert_facts(
    connection: Connection,
    facts: Sequence[tuple[Candidate, str | None, Origin]],
    now: datetime,
) -> dict[FactKey, bool]:
    """Append facts that the ledger does not have; answers which, and whether each is taken back already."""
    candidates = [candidate for candidate, _, _ in facts]
    origins = [origin for _, _, origin in facts]
    refs = [candidate.ref or _NO_ENTITY for candidate in candidates]
    rows = await connection.fetch(
        _INSERT_FACTS,
        [candidate.fact.source for candidate in candidates],
        [candidate.fact.id for candidate in candidates],
        [candidate.fact.type for candidate in candidates],
        [ref.kind for ref in refs],
        [ref.entity for ref in refs],
        [ref.scope for ref in refs],
        [candidate.fact.agency for candidate in candidates],
        [candidate.fact.time for candidate in candidates],
        [publisher for _, publisher, _ in facts],
        [candidate.digest for candidate in candidates],
        [candidate.event for candidate in candidates],
        [origin.topic for origin in origins],
        [origin.partition for origin in origins],
        [origin.offset for origin in origins],
        now,
    )
    return {(row[0], row[1]): row[2] for row in rows}


_NO_ENTITY = EntityRef("", "", "")

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
WITH changed AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                         $7::bytea[], $8::bytea[], $9::timestamptz[], $10::timestamptz[],
                         $11::timestamptz[], $12::bool[])
           AS c (kind, entity, scope, key, agency, version, facts, record, soon_at, due_at, next_at, fresh)),
 added AS (
    INSERT INTO entity (kind, entity, scope, key, agency, version, facts, record,
                        soon_at, due_at, next_at, changed_at)
    SELECT kind, entity, scope, key, agency, version, facts, record, soon_at, due_at, next_at, $13
    FROM changed WHERE fresh ORDER BY entity, kind, scope
    ON CONFLICT DO NOTHING RETURNING 1),
 updated AS (
    UPDATE entity e
    SET agency = c.agency, version = c.version, facts = c.facts, record = c.record,
        soon_at = c.soon_at, due_at = c.due_at, next_at = c.next_at, changed_at = $13
    FROM changed c
    WHERE NOT c.fresh AND e.entity = c.entity AND e.kind = c.kind AND e.scope = c.scope
    RETURNING 1),
 sent AS (
    INSERT INTO outbox (topic, partition, key, value, headers)
    SELECT * FROM unnest($14::text[], $15::int[], $16::bytea[], $17::bytea[], $18::bytea[]) RETURNING 1),
 read AS (
    INSERT INTO position (topic, partition, next, changed_at)
    SELECT topic, partition, next, $13
    FROM unnest($19::text[], $20::int[], $21::bigint[]) AS p (topic, partition, next)
    ORDER BY topic, partition
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
    """Store entities, outbox and positions in one statement.

    False when a fresh entity, or its record key, exists by now: roll back and take the batch again.
    """
    rows = [*fresh, *changed]
    places = sorted(positions.items())
    result = await connection.fetchrow(
        _WRITE,
        [row.kind for row in rows],
        [row.entity for row in rows],
        [row.scope for row in rows],
        [row.key for row in rows],
        [row.agency for row in rows],
        [row.version for row in rows],
        [row.facts for row in rows],
        [row.record for row in rows],
        [row.soon_at for row in rows],
        [row.due_at for row in rows],
        [row.next_at for row in rows],
        [True] * len(fresh) + [False] * len(changed),
        now,
        [record.topic for record in records],
        [record.partition for record in records],
        [record.key for record in records],
        [record.value for record in records],
        [record.headers for record in records],
        [place.topic for place, _ in places],
        [place.partition for place, _ in places],
        [offset for _, offset in places],
    )
    return bool(result["written"] == len(rows))


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
