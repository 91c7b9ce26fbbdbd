"""Drop what is derived and read it again from the bus: `python -m services.scoring.rebuild`.

Contributions, tally and scores are dropped; numbers behind names, what was published, its changes and the
periods stay. Every scoring process notices, ends, and is started again by its supervisor to read from the
first record. No score leaves before everything that was on the bus at the beginning has been read; then the
scores are worked out once, and whoever's score is the same keeps its revision and as_of.
"""

import asyncio
import json
import sys
from collections.abc import Mapping

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.scoring.fold import TOPICS, place
from services.scoring.settings import ScoringSettings
from shared.runtime import logs
from shared.runtime.kafka_security import client_options
from shared.runtime.postgres import Connection, connect

log = logs.get(__name__)


async def ends_of(servers: list[str], partitions: int) -> dict[str, int]:
    """Where each partition ends now, by `<topic>/<partition>`."""
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, client_id="scoring-rebuild", **client_options())
    await consumer.start()
    try:
        every = [TopicPartition(topic, number) for topic in TOPICS for number in range(partitions)]
        found = await consumer.end_offsets(every)
    finally:
        await consumer.stop()
    return {place(partition): offset for partition, offset in sorted(found.items())}


async def begin(connection: Connection, ends: Mapping[str, int]) -> int:
    """Drop what is derived, in one transaction that waits for batches under way; answers its number."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.rebuild'))")
        await connection.execute("LOCK TABLE turn IN EXCLUSIVE MODE")
        await connection.execute("TRUNCATE contribution, tally, dirty, score")
        await connection.execute("DELETE FROM position")
        epoch: int = await connection.fetchval(
            "UPDATE rebuild SET epoch = epoch + 1, started_at = now(), until = $1 RETURNING epoch",
            msgspec.json.encode(dict(ends)).decode(),
        )
    log.info("rebuild begun", epoch=epoch)
    return epoch


async def main() -> int:
    """Begin a rebuild of the system that the environment names; prints its number as JSON."""
    settings = ScoringSettings()
    logs.configure("scoring", settings.log)
    ends = await ends_of(settings.kafka_servers(), settings.partitions)
    connection = await connect(settings.database_url(), application="scoring rebuild")
    try:
        epoch = await begin(connection, ends)
    finally:
        await connection.close()
    sys.stdout.write(json.dumps({"rebuild": epoch, "records": sum(ends.values())}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
