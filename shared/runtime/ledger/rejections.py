"""What was refused: kept with its reason, told on the topic `rejections`, settled by an operator."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.contracts.topics import partition_of
from shared.contracts.words import MAX_EVENT_BYTES, full_type
from shared.runtime.ledger.decode import Refusal
from shared.runtime.ledger.folding import CHANGE_HEADERS
from shared.runtime.ledger.items import Item, encode_headers
from shared.runtime.ledger.personal import known_headers, may_name_an_asker, without_asker
from shared.runtime.outbox import Record
from shared.runtime.postgres import Connection

TOPIC = "rejections"

_INSERT = """
INSERT INTO rejection (mark, reason, detail, errors, source, id, type, publisher, entrance,
                       topic, partition, "offset", payload, headers, first_seen, last_seen)
SELECT r.*, $15, $15
FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::text[], $11::int[], $12::bigint[], $13::bytea[], $14::bytea[])
     AS r (mark, reason, detail, errors, source, id, type, publisher, entrance,
           topic, partition, place, payload, headers)
ORDER BY r.mark
ON CONFLICT (mark) DO UPDATE
SET count = rejection.count + (excluded.entrance = 'http')::int, last_seen = excluded.last_seen
RETURNING new.mark, new.number, old.number IS NULL AS first
"""


def mark_of(item: Item, refusal: Refusal) -> bytes:
    """What makes a rejection the same one: the place of a record on the bus, or the content of a request."""
    origin = item.origin
    place = (
        f"{origin.topic}|{origin.partition}|{origin.offset}|{origin.timestamp}"
        if origin.entrance == "kafka"
        else f"http|{item.publisher}|{refusal.code}"
    )
    return hashlib.blake2b(place.encode() + b"\x00" + item.payload, digest_size=16).digest()


async def keep(
    connection: Connection,
    module: str,
    refused: Sequence[tuple[Item, Refusal]],
    partitions: int,
    now: datetime,
) -> list[Record]:
    """Store rejections in the open transaction; answers the records that tell of the new ones.

    The same record read again, or the same request sent again, finds its row and tells nobody twice.
    """
    if not refused:
        return []
    by_mark = {mark_of(item, refusal): (item, refusal) for item, refusal in refused}
    columns = [_columns(module, mark, item, refusal) for mark, (item, refusal) in by_mark.items()]
    rows = await connection.fetch(_INSERT, *(list(column) for column in zip(*columns, strict=True)), now)
    return [
        message(module, row["number"], *by_mark[row["mark"]], partitions, now) for row in rows if row["first"]
    ]


def _columns(module: str, mark: bytes, item: Item, refusal: Refusal) -> tuple[object, ...]:
    origin = item.origin
    payload, headers = item.payload, item.headers
    if may_name_an_asker(module, refusal.type):
        payload, headers = without_asker(payload), known_headers(headers)
    errors = [{"pointer": place, "detail": detail} for place, detail in refusal.errors]
    return (
        mark, refusal.code, refusal.detail, msgspec.json.encode(errors), refusal.source, refusal.id,
        refusal.type, item.publisher, origin.entrance, origin.topic, origin.partition, origin.offset,
        payload[:MAX_EVENT_BYTES], encode_headers(headers)[:65_536],
    )  # fmt: skip


def message(module: str, number: int, item: Item, refusal: Refusal, partitions: int, now: datetime) -> Record:
    """The record on `rejections`, keyed by publisher; empty key when nobody can be named."""
    origin = item.origin
    publisher = item.publisher or ""
    event = {
        "specversion": "1.0",
        "id": f"{module}:rejection:{number}",
        "source": f"/services/{module}",
        "type": full_type("event.rejected"),
        "subject": f"rejection/{number}",
        "time": now,
        "datacontenttype": "application/json",
        "data": {
            "rejection": number,
            "module": module,
            "publisher": item.publisher,
            "source": refusal.source,
            "id": refusal.id,
            "reason": refusal.code,
            "detail": refusal.detail,
            "errors": [{"pointer": place, "detail": detail} for place, detail in refusal.errors],
            "entrance": origin.entrance,
            "topic": origin.topic,
            "partition": origin.partition,
            "offset": origin.offset,
        },
    }
    place = partition_of(publisher, partitions)
    return Record(TOPIC, place, publisher.encode(), msgspec.json.encode(event), CHANGE_HEADERS)
