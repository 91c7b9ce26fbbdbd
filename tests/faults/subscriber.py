"""A subscriber of `scores`, written from docs/CONTRACT.md alone: reads all, keeps the newest."""

import json
from typing import Any

from aiokafka import AIOKafkaConsumer


async def newest_scores(bootstrap: str) -> dict[str, dict[str, Any]]:
    """Per key `agency|period`, the score with the highest revision. An older revision is dropped."""
    held: dict[str, dict[str, Any]] = {}
    # Without a group the consumer takes every partition, from its beginning.
    consumer = AIOKafkaConsumer("scores", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = consumer.assignment()
        ends = await consumer.end_offsets(list(partitions))
        while any([await consumer.position(p) < ends[p] for p in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    score = _score(record.value)
                    key = record.key.decode()
                    if key not in held or score["revision"] >= held[key]["revision"]:
                        held[key] = score
    finally:
        await consumer.stop()
    return held


def _score(value: bytes) -> dict[str, Any]:
    document = json.loads(value)
    score: dict[str, Any] = document.get("data", document)
    return score
