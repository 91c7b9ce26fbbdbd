"""The feed: what webhooks deliver, in one order, with positions to replay from.

Records of the topics are appended once each (their place on the topic is the key) together with the place
to read on from, in one transaction. Replicas may all read: a repeat adds nothing.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from services.report.bus import Record
from shared.runtime import logs
from shared.runtime.postgres import Pool, persistently

TOPICS = ("score.changes", "periods", "alerts")
_LOCK_SPACE = 0x5343_4F52 + 80
MAX_QUEUED = 20_000
BATCH = 2_000
SWEEP_SECONDS = 3600.0

log = logs.get(__name__)

_APPEND = """
INSERT INTO feed (topic, partition, record_offset, key, body, at)
SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::text[], $5::text[], $6::timestamptz[])
ON CONFLICT (topic, partition, record_offset) DO NOTHING
"""


class Feed:
    """Takes records from the tail and stores them. `appended` is set when there is something new."""

    def __init__(self, pool: Pool, keep_days: int) -> None:
        self._pool = pool
        self._keep = timedelta(days=keep_days)
        self._waiting: list[Record] = []
        self._next: dict[tuple[str, int], int] = {}
        self._woken = asyncio.Event()
        self.appended = asyncio.Event()

    @property
    def pending(self) -> int:
        """Records that were read and are not yet stored."""
        return len(self._waiting)

    async def open(self) -> None:
        """Learn how far the feed goes, so that a restart does not store everything again."""
        rows = await self._pool.fetch("SELECT topic, partition, next_offset FROM feed_place")
        self._next = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}

    def take(self, batch: Sequence[Record]) -> None:
        """Queue what is new of a batch; called in the order of the topic."""
        fresh = [
            record
            for record in batch
            if record.topic in TOPICS
            and record.value is not None
            and record.offset >= self._next.get((record.topic, record.partition), 0)
        ]
        if fresh:
            self._waiting.extend(fresh)
            self._woken.set()

    @property
    def full(self) -> bool:
        """Whether reading should pause until the database has caught up."""
        return len(self._waiting) >= MAX_QUEUED

    async def run(self) -> None:
        """Store what comes until cancelled."""
        swept = 0.0
        while True:
            try:
                async with asyncio.timeout(1.0):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            while self._waiting:
                await persistently(self.store)
            loop_time = asyncio.get_running_loop().time()
            if loop_time - swept > SWEEP_SECONDS:
                swept = loop_time
                await persistently(self._sweep)

    async def store(self) -> None:
        batch = self._waiting[:BATCH]
        places: dict[tuple[str, int], int] = {}
        for record in batch:
            places[record.topic, record.partition] = record.offset + 1
        async with self._pool.acquire() as connection, connection.transaction():
            # One writer at a time: positions then become visible in their order, and no reader skips one.
            await connection.execute(
                "SELECT pg_advisory_xact_lock($1, hashtext(current_schema()))", _LOCK_SPACE
            )
            await connection.execute(
                _APPEND,
                [r.topic for r in batch], [r.partition for r in batch], [r.offset for r in batch],
                [(r.key or b"").decode(errors="replace") for r in batch],
                [(r.value or b"").decode(errors="replace") for r in batch],
                [datetime.fromtimestamp(r.timestamp_ms / 1000, UTC) for r in batch],
            )  # fmt: skip
            await connection.executemany(
                """INSERT INTO feed_place (topic, partition, next_offset) VALUES ($1, $2, $3)
                   ON CONFLICT (topic, partition) DO UPDATE
                   SET next_offset = greatest(feed_place.next_offset, excluded.next_offset)""",
                [(topic, partition, following) for (topic, partition), following in sorted(places.items())],
            )
        self._next.update(places)
        del self._waiting[: len(batch)]
        self.appended.set()

    async def _sweep(self) -> None:
        """Forget what is older than the setting; the compacted topics still tell a newcomer the state."""
        gone = await self._pool.execute("DELETE FROM feed WHERE at < $1", datetime.now(UTC) - self._keep)
        log.info("feed swept", gone=gone)
