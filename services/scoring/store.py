"""The fold in the database: one statement per batch, fenced by the stored position.

The statement reads and guards in one step: a row is replaced only by a newer version, and what it held before
comes back from the very same step (`RETURNING old`). Reading first and writing after would let a replica that
was paused subtract the same old marks twice.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from aiokafka import TopicPartition

from services.scoring.batch import Batch
from shared.calendar.local import FIRST_DAY, day_number
from shared.calendar.periods import MAX_YEAR, Period, parse_period
from shared.runtime.postgres import Connection

QUARTERS = tuple(
    parse_period(f"{year}-Q{quarter}")
    for year in range(FIRST_DAY.year, MAX_YEAR + 1)
    for quarter in range(1, 5)
)
"""Quarters by number: 2000-Q1 is 0."""

_STARTS = [day_number(quarter.first) for quarter in QUARTERS]

_FENCE = """
INSERT INTO position AS p (topic, partition, next, changed_at)
SELECT topic, partition, next, $4
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS read (topic, partition, next)
ORDER BY topic, partition
ON CONFLICT (topic, partition) DO UPDATE SET next = excluded.next, changed_at = excluded.changed_at
WHERE p.next < excluded.next
RETURNING 1
"""

_FOLD = """
WITH moved AS (
    INSERT INTO contribution AS c (key, version, agency, slot, marks, amounts, others, fault)
    SELECT key, version, agency, slot - 1, ($8::bigint[])[low:high],
           CASE WHEN plain THEN NULL ELSE ($9::bigint[])[low:high] END, others::smallint[], fault
    FROM (SELECT *, coalesce(($4::int[])[slot - 1], 0) + 1 AS low
          FROM unnest($1::text[], $2::bigint[], $3::smallint[], $4::int[], $5::bool[], $6::text[], $7::text[])
               WITH ORDINALITY AS b (key, version, agency, high, plain, others, fault, slot)) AS batch
    ON CONFLICT (key) DO UPDATE
    SET version = excluded.version, agency = excluded.agency, slot = excluded.slot, marks = excluded.marks,
        amounts = excluded.amounts, others = excluded.others, fault = excluded.fault
    WHERE excluded.version > c.version
    RETURNING new.slot, coalesce(old.version, 0) AS was, old.marks AS old_marks, old.amounts AS old_amounts,
              new.marks AS new_marks, new.amounts AS new_amounts),
 plain AS (
    SELECT slot, was, mark, 1::bigint AS n FROM moved, unnest(new_marks) AS mark
    WHERE new_amounts IS NULL AND old_amounts IS NULL AND (old_marks IS NULL OR mark <> ALL (old_marks))
    UNION ALL
    SELECT slot, was, mark, -1 FROM moved, unnest(old_marks) AS mark
    WHERE new_amounts IS NULL AND old_amounts IS NULL AND mark <> ALL (new_marks)),
 weighed AS (
    SELECT slot, was, mark, sum(n)::bigint AS n
    FROM (SELECT slot, was, mark, coalesce(n, 1) AS n
          FROM moved, unnest(new_marks, new_amounts) AS u (mark, n)
          WHERE new_amounts IS NOT NULL OR old_amounts IS NOT NULL
          UNION ALL
          SELECT slot, was, mark, -coalesce(n, 1)
          FROM moved, unnest(old_marks, old_amounts) AS u (mark, n)
          WHERE new_amounts IS NOT NULL OR old_amounts IS NOT NULL) AS both_sides
    GROUP BY slot, was, mark HAVING sum(n) <> 0),
 difference AS MATERIALIZED (SELECT * FROM plain UNION ALL SELECT * FROM weighed),
 counted AS (
    INSERT INTO tally AS t (mark, n)
    SELECT mark, sum(n)::bigint FROM difference GROUP BY mark HAVING sum(n) <> 0 ORDER BY mark
    ON CONFLICT (mark) DO UPDATE SET n = t.n + excluded.n)
INSERT INTO dirty (agency, quarter, onward, causes)
SELECT (mark >> 48)::smallint, (width_bucket((mark >> 15 & 32767)::int, $13::int[]) - 1)::smallint,
       bool_or((mark >> 30 & 262143) = ANY ($14::int[])),
       coalesce(array_agg(cause) FILTER (WHERE cause IS NOT NULL), '{}')
FROM difference LEFT JOIN unnest($10::int[], $11::bigint[], $12::text[]) AS because (slot, version, cause)
     ON because.slot = difference.slot AND because.version > difference.was
GROUP BY 1, 2
"""


async def fence(connection: Connection, following: Mapping[TopicPartition, int], now: datetime) -> bool:
    """Move the positions forward, in the open transaction. False: all of it was stored by somebody else.

    A replica that was stopped in the middle of a batch, and woken after another took its partitions over,
    finds the positions at or beyond its batch and must drop it. Where only some partitions moved on, storing
    the whole batch is harmless: old versions change nothing.
    """
    places = sorted(following.items())
    moved = await connection.fetch(
        _FENCE,
        [partition.topic for partition, _ in places],
        [partition.partition for partition, _ in places],
        [offset for _, offset in places],
        now,
    )
    return bool(moved)


async def fold(connection: Connection, batch: Batch, onward: Sequence[int] = ()) -> None:
    """Store a batch: contributions, tally, and which scores it touches. Repeating it changes nothing.

    `onward` are the flows whose rows later quarters see too. A cause may stand in `dirty` more than once.
    """
    if not batch.keys:
        return
    await connection.execute(
        _FOLD,
        batch.keys,
        batch.versions,
        batch.agencies,
        batch.ends,
        batch.plain,
        batch.others,
        batch.faults,
        batch.marks,
        batch.amounts,
        batch.cause_slots,
        batch.cause_versions,
        batch.causes,
        _STARTS,
        onward,
    )


def quarter_number(period: Period) -> int:
    """The number of a quarter as `dirty` holds it."""
    return (period.first.year - FIRST_DAY.year) * 4 + (period.first.month - 1) // 3
