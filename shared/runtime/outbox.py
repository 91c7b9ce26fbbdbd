"""Records on their way to the bus: stored in the transaction that causes them, sent by the relay.

A service's first migration makes the table:

    CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, partition integer NOT NULL,
        key bytea NOT NULL, headers bytea, value bytea
    ) WITH (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 20000,
            autovacuum_vacuum_insert_threshold = -1);

`headers` is a JSON object of text, or null.
"""

from collections.abc import Mapping, Sequence

import msgspec

from shared.runtime.postgres import Connection

CHANNEL = "outbox"
"""NOTIFY channel; the payload is the schema, because channels are shared by a whole database."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record for the bus. `value` None deletes the key of a compacted topic."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: bytes | None = None


def encode_headers(headers: Mapping[str, str]) -> bytes:
    """Headers as the table keeps them."""
    return msgspec.json.encode(dict(headers))


_INSERT = """
WITH added AS (
    INSERT INTO outbox (topic, partition, key, value, headers)
    SELECT * FROM unnest($1::text[], $2::int[], $3::bytea[], $4::bytea[], $5::bytea[])
    RETURNING 1)
SELECT pg_notify('outbox', current_schema()), count(*) FROM added
"""


async def add(connection: Connection, records: Sequence[Record]) -> None:
    """Store `records` in the open transaction; the relay learns of them at its commit.

    Records of one key must be added under a lock that orders them.
    """
    if records:
        await connection.execute(
            _INSERT,
            [record.topic for record in records],
            [record.partition for record in records],
            [record.key for record in records],
            [record.value for record in records],
            [record.headers for record in records],
        )


async def waiting(connection: Connection) -> int:
    """Records that are not on the bus yet."""
    count: int = await connection.fetchval("SELECT count(*) FROM outbox")
    return count
