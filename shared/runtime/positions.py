"""How far a service has read each partition: written in the transaction that stores what was read.

A service's first migration makes the table:

    CREATE TABLE position (
        topic text NOT NULL, partition integer NOT NULL, next bigint NOT NULL,
        changed_at timestamptz NOT NULL, PRIMARY KEY (topic, partition)
    );
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from aiokafka import TopicPartition

from shared.runtime import logs
from shared.runtime.postgres import Connection

Positions = Mapping[TopicPartition, int]
"""The offset of the next record to read, per partition."""

log = logs.get(__name__)

_WRITE = """
INSERT INTO position (topic, partition, next, changed_at)
SELECT topic, partition, next, $4
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS p (topic, partition, next)
ORDER BY topic, partition
ON CONFLICT (topic, partition) DO UPDATE
SET next = greatest(position.next, excluded.next), changed_at = excluded.changed_at
"""


async def write(connection: Connection, positions: Positions, now: datetime) -> None:
    """Move forward to `positions`, never back: a stale writer cannot undo a newer one's progress."""
    if positions:
        await connection.execute(
            _WRITE,
            [partition.topic for partition in positions],
            [partition.partition for partition in positions],
            list(positions.values()),
            now,
        )


async def read(connection: Connection, topics: Iterable[str]) -> dict[TopicPartition, int]:
    """The stored positions of `topics`."""
    rows = await connection.fetch(
        "SELECT topic, partition, next FROM position WHERE topic = ANY($1)", list(topics)
    )
    return {TopicPartition(row["topic"], row["partition"]): row["next"] for row in rows}


async def put_back(connection: Connection, positions: Positions, now: datetime) -> None:
    """Set positions to a lower offset: the bus was lost and came back shorter, or it is read again."""
    for partition, offset in sorted(positions.items()):
        await connection.execute(
            """UPDATE position SET next = $3, changed_at = $4
               WHERE topic = $1 AND partition = $2 AND next > $3""",
            partition.topic, partition.partition, offset, now,
        )  # fmt: skip


def starting_points(
    assigned: Iterable[TopicPartition],
    stored: Positions,
    committed: Mapping[TopicPartition, int | None],
    beginnings: Positions,
) -> dict[TopicPartition, int]:
    """Where to begin reading: the lower of the database's position and the group's committed offset.

    Each may be ahead of the truth: the database when the bus was lost and made anew, the bus when the
    database was restored from a backup. Reading again is harmless; leaving a gap is not.
    """
    starts = {}
    for partition in assigned:
        known = (stored.get(partition), committed.get(partition))
        beginning = beginnings.get(partition, 0)
        starts[partition] = max(beginning, min(0 if offset is None else offset for offset in known))
    return starts


def lag_of(ends: Positions, stored: Positions) -> tuple[int, dict[TopicPartition, int]]:
    """Records not read yet, and the positions that lie beyond the end of their partition with that end."""
    lag = 0
    beyond = {}
    for partition, end in ends.items():
        position = stored.get(partition, 0)
        if position > end:
            beyond[partition] = end
        else:
            lag += end - position
    return lag, beyond
