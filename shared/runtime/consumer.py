"""Reading the bus: batches that are prepared ahead, applied one at a time, and committed after the database.

FastStream delivers; what it would do with a fault (skip it and commit past it) never gets a chance: nothing
leaves the handler, records are decoded by ours from the raw message, and offsets are committed by number
only after the transaction that stored them.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, KafkaTimeoutError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from prometheus_client import Counter, Gauge, Histogram

from shared.runtime import logs, positions
from shared.runtime.bus_watch import ANSWER_SECONDS, BusWatch
from shared.runtime.clock import Clock, system_clock
from shared.runtime.kafka_security import broker_security
from shared.runtime.life import Beat, Life
from shared.runtime.positions import Positions
from shared.runtime.postgres import Pool, persistently

Prepared = TypeVar("Prepared")

BATCH_TIMEOUT_MS = 10
"""How long a poll waits for records; FastStream also sleeps as long after an empty one."""

_COMMIT_SECONDS = 1.0
_COMMIT_WAIT_SECONDS = 5.0
_REVOKE_SECONDS = 10.0

RECORDS = Counter("bus_records_read", "Records taken from the bus", ["topic"])
BATCHES = Histogram(
    "bus_batch_seconds",
    "Time to store one batch",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 30),
)
LAG = Gauge("bus_lag_records", "Records on the bus that are not stored yet", ["topic"])

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read, and how much of it at once."""

    servers: list[str]
    topics: tuple[str, ...]
    group: str
    client: str
    partitions: int
    max_records: int = 2_000
    max_partition_fetch_bytes: int = 1_048_576
    workers: int = 1
    """Batches that may be stored at the same time. With more than one, `apply` must not depend on order."""

    @property
    def places(self) -> list[TopicPartition]:
        """Every partition of every topic."""
        return [TopicPartition(topic, number) for topic in self.topics for number in range(self.partitions)]


class BatchConsumer(Generic[Prepared]):
    """Reads `reading.topics` in a consumer group.

    `prepare(records)` decodes; it must turn bad data into values and yield to the loop now and then.
    `apply(prepared, next)` stores one batch and `positions.write(next)` in one transaction. Both must be
    harmless to repeat: passing faults are retried here; any other ends the process.
    """

    def __init__(
        self,
        life: Life,
        pool: Pool,
        reading: Reading,
        prepare: Callable[[Sequence[ConsumerRecord]], Awaitable[Prepared]],
        apply: Callable[[Prepared, Positions], Awaitable[None]],
        clock: Clock = system_clock,
    ) -> None:
        self._life = life
        self._pool = pool
        self._reading = reading
        self._prepare = prepare
        self._apply = apply
        self._clock = clock
        self._queue: asyncio.Queue[tuple[int, Prepared, Positions]] = asyncio.Queue(maxsize=1)
        self._taken = 0
        self._stored: dict[int, Positions] = {}
        self._next_stored = 0
        self._broker = _make_broker(reading)
        self._uncommitted: dict[TopicPartition, int] = {}
        self._committed_at = 0.0
        self._closing = False
        self._failed = False
        self.started = False
        self.last_taken = time.monotonic()
        self._subscriber = self._broker.subscriber(
            *reading.topics,
            group_id=reading.group,
            batch=True,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            batch_timeout_ms=BATCH_TIMEOUT_MS,
            max_records=reading.max_records,
            max_partition_fetch_bytes=reading.max_partition_fetch_bytes,
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_500,
            listener=_Rebalances(self),
            parser=_parse_nothing,
            decoder=_decode_nothing,
            no_reply=True,
        )
        self._subscriber(self._take)
        life.require("consumer", lambda: None if self.started else "has no partitions assigned yet")

    # ---------------------------------------------------------------- reading

    def start(self) -> None:
        """Spawn the loops."""
        self._life.spawn("consumer start", self._start)
        for number in range(self._reading.workers):
            self._life.spawn(f"consumer {number}", self._apply_loop)
        watch = BusWatch(self._life, self._reading.servers, self._reading.places, self._ends)
        self._life.spawn("bus watch", watch.run)

    async def _start(self, beat: Beat) -> None:
        beat.stall_seconds = 300
        await persistently(self._connect)
        self.started = True
        log.info("reading", topics=self._reading.topics, group=self._reading.group)
        beat.stall_seconds = float("inf")
        await self._life.stopping.wait()

    async def _connect(self) -> None:
        try:
            await self._broker.start()
        except KafkaError as error:
            with contextlib.suppress(Exception):
                await self._broker.stop()
            raise ConnectionError(f"Kafka at {self._reading.servers} does not answer: {error}") from error

    async def _take(self, message: KafkaMessage) -> None:
        """The handler: whatever happens, nothing leaves it."""
        if self._closing or self._failed:
            return
        records: Sequence[ConsumerRecord] = message.raw_message
        try:
            prepared = await persistently(partial(self._prepare, records))
        except Exception as error:
            self._failed = True
            self._life.fail(error, "prepare")
            return
        following = {TopicPartition(*place): offset for place, offset in _behind(records).items()}
        # FastStream's message is part of a reference cycle: what it holds would wait for the garbage
        # collector, ten batches deep.
        message.raw_message = ()
        del records
        self.last_taken = time.monotonic()
        number, self._taken = self._taken, self._taken + 1
        await self._queue.put((number, prepared, following))

    async def _apply_loop(self, beat: Beat) -> None:
        while not (self._life.stopping.is_set() and self._queue.empty() and self._closing):
            beat.touch()
            try:
                async with asyncio.timeout(0.25):
                    number, prepared, following = await self._queue.get()
            except TimeoutError:
                await self._commit(force=False)
                continue
            started = time.monotonic()

            async def store(prepared: Prepared = prepared, following: Positions = following) -> None:
                beat.touch()
                await self._apply(prepared, following)

            await persistently(store)
            BATCHES.observe(time.monotonic() - started)
            self.last_taken = time.monotonic()
            self._note_stored(number, following)
            self._queue.task_done()
            await self._commit(force=False)

    def _note_stored(self, number: int, following: Positions) -> None:
        """Batches may be stored out of order; only what has no gap before it may be committed."""
        self._stored[number] = following
        while self._next_stored in self._stored:
            self._uncommitted.update(self._stored.pop(self._next_stored))
            self._next_stored += 1

    async def _commit(self, *, force: bool) -> None:
        """Tell the group how far the database is. Only a courtesy: the database's positions are the truth."""
        due = time.monotonic() - self._committed_at > _COMMIT_SECONDS
        consumer: AIOKafkaConsumer | None = self._subscriber.consumer
        if consumer is None or not self._uncommitted or not (due or force):
            return
        self._committed_at = time.monotonic()
        mine = consumer.assignment()
        offsets = {partition: offset for partition, offset in self._uncommitted.items() if partition in mine}
        self._uncommitted.clear()
        try:
            if offsets:
                # Without a broker it would go on trying, and nothing be stored meanwhile.
                async with asyncio.timeout(_COMMIT_WAIT_SECONDS):
                    await consumer.commit(offsets)
        except (KafkaError, IllegalStateError, TimeoutError) as error:
            log.info("offsets not committed; they will be read again", reason=repr(error))

    async def close(self) -> None:
        """Store what was taken, commit, leave the group."""
        self._closing = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_REVOKE_SECONDS):
                await self._queue.join()
                await self._commit(force=True)
        try:
            async with asyncio.timeout(_REVOKE_SECONDS):
                await self._broker.stop()
        except Exception as error:
            log.warning("leaving the group failed", reason=repr(error))

    # ------------------------------------------------------------- rebalances

    async def revoked(self) -> None:
        """Before partitions go to another replica: let what was taken be stored and committed."""
        try:
            async with asyncio.timeout(_REVOKE_SECONDS):
                await self._queue.join()
                await self._commit(force=True)
        except TimeoutError:
            log.info("partitions left with a batch under way; the next owner reads it again")

    async def assigned(self, assigned: set[TopicPartition]) -> None:
        """Begin each partition where the database and the group agree that nothing is missing."""
        consumer: AIOKafkaConsumer | None = self._subscriber.consumer
        if not assigned or consumer is None:
            return
        async with self._pool.acquire() as connection:
            stored = await positions.read(connection, self._reading.topics)
            committed = {partition: await consumer.committed(partition) for partition in assigned}
            beginnings = await consumer.beginning_offsets(list(assigned))
            starts = positions.starting_points(assigned, stored, committed, beginnings)
            await positions.put_back(connection, starts, self._clock())
        for partition, offset in starts.items():
            consumer.seek(partition, offset)
        behind = {str(tp): stored[tp] - offset for tp, offset in starts.items() if stored.get(tp, 0) > offset}
        log.info("partitions assigned", partitions=sorted(tp.partition for tp in assigned), read_again=behind)

    # -------------------------------------------------------------------- lag

    async def lag(self) -> int:
        """Records of all partitions that are not stored yet, whichever replica owns them.

        Raises KafkaTimeoutError when the bus does not answer.
        """
        if not self.started:
            return 1  # Nobody knows yet; not settled.
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                ends = await self._ends()
        except TimeoutError as error:
            raise KafkaTimeoutError(f"Kafka did not tell its ends within {ANSWER_SECONDS:.0f} s") from error
        async with self._pool.acquire() as connection:
            stored = await positions.read(connection, self._reading.topics)
            lag, beyond = positions.lag_of(ends, stored)
            if beyond:
                log.warning(
                    "the bus is shorter than what was read from it; positions put back to its end",
                    partitions={str(partition): end for partition, end in beyond.items()},
                )
                await positions.put_back(connection, beyond, self._clock())
        for topic in self._reading.topics:
            own = {partition: end for partition, end in ends.items() if partition.topic == topic}
            LAG.labels(topic).set(positions.lag_of(own, stored)[0])
        return lag

    async def _ends(self) -> dict[TopicPartition, int]:
        """The offset behind the last record of each partition, whichever replica owns it."""
        consumer: AIOKafkaConsumer | None = self._subscriber.consumer
        if consumer is None or not self.started:
            return {}
        ends: dict[TopicPartition, int] = await consumer.end_offsets(self._reading.places)
        return ends

    def in_hand(self) -> int:
        """Batches taken and not stored."""
        return self._queue._unfinished_tasks  # type: ignore[attr-defined, no-any-return]


class _Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, consumer: BatchConsumer[Any]) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        if revoked:
            await self._consumer.revoked()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        try:
            await persistently(lambda: self._consumer.assigned(assigned), seconds=30)
        except Exception as error:
            # Reading from an unknown place could leave a gap.
            self._consumer._life.fail(error, "assignment")


def _behind(records: Sequence[ConsumerRecord]) -> dict[tuple[str, int], int]:
    """The offset behind the last record of each (topic, partition)."""
    following: dict[tuple[str, int], int] = {}
    counts: dict[str, int] = {}
    for record in records:
        topic = record.topic
        following[topic, record.partition] = record.offset + 1
        counts[topic] = counts.get(topic, 0) + 1
    for topic, count in counts.items():
        RECORDS.labels(topic).inc(count)
    return following


def _make_broker(reading: Reading) -> KafkaBroker:
    return KafkaBroker(
        reading.servers,
        client_id=reading.client,
        consumer_only=True,
        allow_auto_create_topics=False,
        graceful_timeout=10.0,
        apply_types=False,
        logger=None,
        security=broker_security(),
    )


async def _parse_nothing(records: Sequence[ConsumerRecord]) -> KafkaMessage:
    """A message without header parsing: a header that is not UTF-8 must not cost the whole batch."""
    first, last = records[0], records[-1]
    return KafkaMessage(
        body=b"",
        headers={},
        batch_headers=[],
        raw_message=records,
        message_id=f"{first.partition}-{first.offset}-{last.offset}",
        consumer=None,  # type: ignore[arg-type]
    )


async def _decode_nothing(message: KafkaMessage) -> KafkaMessage:
    return message
