"""The relay: one per service, elected, moves the outbox to the bus in order.

A transaction takes rows out (DELETE … RETURNING), sends them, waits for the broker's acknowledgement and
commits. Whatever interrupts it, the rows stay and are sent again: at least once. The lock, the transaction
and the LISTEN live in one session, so they end together: a relay that was paused wakes up to a dead session.
It may then have sent an older version after a newer one, so it asks for the newest state of those keys once
more: an older version must not stay the last record of a compacted key.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import Counter

from shared.runtime import logs
from shared.runtime.failpoints import AfterStep, nowhere
from shared.runtime.life import Beat, Life
from shared.runtime.postgres import PASSING_FAULTS, Connection, connect, persistently
from shared.runtime.producer import start_producer

SentKey = tuple[str, bytes]
"""Topic and record key."""

SendAgain = Callable[[Sequence[SentKey]], Awaitable[None]]
"""Puts the newest record of each of these keys into the outbox again."""

MAX_ROWS = 3_000
MAX_BYTES = 16 * 1024 * 1024
MAX_RECORD_BYTES = 3 * 1024 * 1024
_BATCH_BYTES = 512 * 1024
_POLL_SECONDS = 1.0
_LOCK_SPACE = 0x5343_4F52 + 1
_GIVE_UP_SECONDS = 120.0
_SEND_SECONDS = 20.0
"""For one batch, and for finding the broker. The transaction would be ended after ten seconds of waiting."""

SENT = Counter("bus_records_sent", "Records that the relay put on the bus", ["topic"])

log = logs.get(__name__)

_TAKE = """
WITH first AS MATERIALIZED (
    SELECT id, octet_length(value) AS size FROM outbox WHERE id > $1 ORDER BY id LIMIT $2),
 chosen AS MATERIALIZED (
    SELECT id FROM (SELECT id, sum(size) OVER (ORDER BY id) - size AS before FROM first) AS running
    WHERE coalesce(before, 0) < $3),
 taken AS (
    DELETE FROM outbox WHERE id IN (SELECT id FROM chosen)
    RETURNING id, topic, partition, key, headers, value)
SELECT * FROM taken ORDER BY id
"""


class Relay:
    """Moves the outbox of one schema. `wake()` after a commit spares the way through NOTIFY."""

    def __init__(
        self,
        life: Life,
        database: str,
        servers: list[str],
        service: str,
        again: SendAgain,
        after_step: AfterStep = nowhere,
    ) -> None:
        self._life = life
        self._database = database
        self._servers = servers
        self._service = service
        self._again = again
        self._after_step = after_step
        self._woken = asyncio.Event()
        self._producer: AIOKafkaProducer | None = None
        self._decode_headers = msgspec.json.Decoder(dict[str, str]).decode
        self._doubtful: list[SentKey] = []
        self._failing_since: float | None = None
        self._last_id = 0
        self._swept_at = 0.0
        self.elected = False

    def wake(self) -> None:
        """There is something in the outbox."""
        self._woken.set()

    def start(self) -> None:
        """Spawn the loop."""
        self._life.spawn("relay", self._loop)

    async def _loop(self, beat: Beat) -> None:
        try:
            while not self._life.stopping.is_set():
                beat.touch()
                try:
                    await self._session(beat)
                except (KafkaError, *PASSING_FAULTS) as error:
                    await self._after_fault(error)
        finally:
            await self._drop_producer()

    async def _after_fault(self, error: Exception) -> None:
        """Wait and go on with a new session, unless this has lasted too long."""
        self.elected = False
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        if now - self._failing_since > _GIVE_UP_SECONDS:
            raise error
        log.warning("relay interrupted; what is in the outbox stays", reason=repr(error))
        await self._drop_producer()
        await asyncio.sleep(0.5)

    # ---------------------------------------------------------------- session

    async def _session(self, beat: Beat) -> None:
        """Hold the lock and send until the process stops or the session ends."""
        connection = await connect(
            self._database,
            application=f"{self._service} relay",
            # A relay that is stopped must lose its lock: it pings well within this time.
            idle_session_timeout="10000",
            idle_in_transaction_session_timeout="10000",
        )
        try:
            schema = await connection.fetchval("SELECT current_schema()")
            await connection.add_listener("outbox", self._listener(schema))
            while not self._life.stopping.is_set():
                beat.touch()
                if await connection.fetchval(
                    "SELECT pg_try_advisory_lock($1, hashtext(current_schema()))", _LOCK_SPACE
                ):
                    await self._elected(connection, beat)
                    return
                await self._pause(_POLL_SECONDS)
        finally:
            self.elected = False
            with contextlib.suppress(Exception):
                await connection.close(timeout=2)

    def _listener(self, schema: str) -> Callable[..., None]:
        def notified(_connection: Any, _pid: int, _channel: str, payload: str) -> None:
            if payload == schema:
                self._woken.set()

        return notified

    async def _elected(self, connection: Connection, beat: Beat) -> None:
        self.elected = True
        log.info("relay elected")
        async with asyncio.timeout(_SEND_SECONDS):
            await self._ensure_producer()
        await self._settle_doubts()
        while not self._life.stopping.is_set():
            await self._empty(connection, beat)
            await self._pause(_POLL_SECONDS)
        await self._empty(connection, beat)

    async def _empty(self, connection: Connection, beat: Beat) -> None:
        """Send until nothing is left.

        What is committed after a batch was taken wakes the relay again, so it need not ask.
        """
        more = True
        while more:
            beat.touch()
            self._woken.clear()
            more = await self._move(connection) or self._woken.is_set()

    async def _pause(self, seconds: float) -> None:
        stopping = asyncio.ensure_future(self._life.stopping.wait())
        woken = asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait({stopping, woken}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            woken.cancel()

    # ---------------------------------------------------------------- sending

    async def _move(self, connection: Connection) -> bool:
        """Send one batch in numbered steps; answers whether it was full, so that more may be left."""
        now = time.monotonic()
        if now - self._swept_at > _POLL_SECONDS:
            # A transaction that began earlier may commit lower numbers later.
            self._last_id, self._swept_at = 0, now
        sent: list[SentKey] = []
        try:
            async with connection.transaction():
                # 1. Take rows out.
                rows = await connection.fetch(_TAKE, self._last_id, MAX_ROWS, MAX_BYTES)
                if not rows:
                    return False
                sent = [(row["topic"], row["key"]) for row in rows]
                self._after_step(1)
                # 2. Send them, and wait for the broker's word on each.
                async with asyncio.timeout(_SEND_SECONDS):
                    await self._send(rows)
                self._after_step(2)
            # 3. Committed: they are out for good.
            self._after_step(3)
        except BaseException:
            self._doubtful.extend(sent)
            raise
        self._last_id = rows[-1]["id"]
        self._failing_since = None
        return len(rows) == MAX_ROWS or sum(len(row["value"] or b"") for row in rows) >= MAX_BYTES

    async def _send(self, rows: Sequence[Any]) -> None:
        producer = await self._ensure_producer()
        batches: dict[tuple[str, int], list[Any]] = {}
        for _, topic, partition, key, headers, value in rows:
            place = batches.setdefault((topic, partition), [])
            pairs = (
                [(name, text.encode()) for name, text in self._decode_headers(headers).items()]
                if headers
                else []
            )
            if not place or place[-1].append(timestamp=None, key=key, value=value, headers=pairs) is None:
                batch = producer.create_batch()
                batch.append(timestamp=None, key=key, value=value, headers=pairs)
                place.append(batch)
        acknowledged = []
        for (topic, partition), place in batches.items():
            for batch in place:
                count = batch.record_count()
                acknowledged.append(await producer.send_batch(batch, topic, partition=partition))
                SENT.labels(topic).inc(count)
        await asyncio.gather(*acknowledged)

    async def _settle_doubts(self) -> None:
        """Ask for the newest state of what an interrupted session may have sent out of turn."""
        while self._doubtful:
            some = list(dict.fromkeys(self._doubtful[:1_000]))
            log.warning("sending the newest state again after an interrupted batch", keys=len(some))
            await persistently(lambda some=some: self._again(some))  # type: ignore[misc]
            del self._doubtful[:1_000]

    # --------------------------------------------------------------- producer

    async def _ensure_producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = await start_producer(
                bootstrap_servers=self._servers,
                client_id=f"{self._service}-relay",
                acks="all",
                compression_type="lz4",
                linger_ms=0,
                max_batch_size=_BATCH_BYTES,
                max_request_size=MAX_RECORD_BYTES + 1024 * 1024,
                request_timeout_ms=8_000,
            )
        return self._producer

    async def _drop_producer(self) -> None:
        """A producer that failed may keep a broken sequence; the next one starts afresh."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(5):
                    await producer.stop()
