"""Reading topics from their first record, as any newcomer to the bus does.

The dashboard keeps what it shows in memory. The topics it needs are compacted, so reading them from the
start at every boot is the catch-up of a newcomer and the rebuild at once: there is no position to keep, no
cache to go stale, and replicas do not know of each other.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.runtime import logs
from shared.runtime.kafka_security import client_options

MAX_RECORDS = 2_000
POLL_MS = 100
"""How long one poll waits for records. A record that arrives ends the wait, so this adds no latency."""
PROBE_SECONDS = 3.0
PROBE_TIMEOUT_SECONDS = 4.0
PROBES_MISSED = 3
"""So often the broker may leave a probe unanswered before the connection is made anew."""
RETRY_SECONDS = 2.0
STOP_SECONDS = 10.0

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a topic. `value` is None for the tombstone of a compacted topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int


Apply = Callable[[Sequence[Record]], None]


class Tail:
    """All partitions of `topics`, from the first record on and for ever, handed to `apply` in batches.

    `apply` must not raise: what it cannot read, it notes and passes over. A broker that is away is waited
    for; `reachable` tells readers so in the meantime. While `full()` is true, reading pauses.
    """

    def __init__(
        self, brokers: str, topics: Sequence[str], apply: Apply, full: Callable[[], bool] = lambda: False
    ) -> None:
        self._brokers = brokers
        self._full = full
        self._topics = tuple(topics)
        self._apply = apply
        self._next: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._missed = 0
        self.caught_up = False
        self.reachable = False
        self.records = 0
        self.last_record_at: float | None = None

    @property
    def behind(self) -> int:
        """Records that are on the topics and not yet applied, as of the last probe."""
        return sum(max(0, end - self._next.get(place, 0)) for place, end in self._ends.items())

    async def run(self) -> None:
        """Read until cancelled. A fault of the connection starts it over from where it was."""
        while True:
            try:
                await self._session()
            except (KafkaError, OSError, TimeoutError) as error:
                self.reachable = False
                log.warning("bus away", problem=str(error) or type(error).__name__, retry_s=RETRY_SECONDS)
                await asyncio.sleep(RETRY_SECONDS)

    async def _session(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._brokers,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4_194_304,
            fetch_max_wait_ms=POLL_MS,
            request_timeout_ms=15_000,
            **client_options(),
        )
        self._missed = 0
        await consumer.start()
        try:
            places = await self._places(consumer)
            consumer.assign(places)
            for place in places:
                if place in self._next:
                    consumer.seek(place, self._next[place])
                else:
                    await consumer.seek_to_beginning(place)
            self._ends = await consumer.end_offsets(places)
            self.reachable = True
            await self._read(consumer, places)
        finally:
            async with asyncio.timeout(STOP_SECONDS):
                await consumer.stop()

    async def _places(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        await consumer._client.force_metadata_update()
        places: list[TopicPartition] = []
        for topic in self._topics:
            partitions = consumer.partitions_for_topic(topic)
            if not partitions:
                partitions = await self._wait_for(consumer, topic)
            places.extend(TopicPartition(topic, number) for number in sorted(partitions))
        return places

    async def _wait_for(self, consumer: AIOKafkaConsumer, topic: str) -> set[int]:
        """`deploy.setup` makes the topics; a report service that was started first waits for it."""
        while True:
            await consumer.topics()
            if partitions := consumer.partitions_for_topic(topic):
                return set(partitions)
            log.info("topic missing", topic=topic, retry_s=RETRY_SECONDS)
            await asyncio.sleep(RETRY_SECONDS)

    async def _read(self, consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> None:
        probed = time.monotonic()
        for place in places:
            self._next.setdefault(place, await consumer.position(place))
        while True:
            if self._full():
                await asyncio.sleep(POLL_MS / 1000)
                continue
            batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=MAX_RECORDS)
            for place, records in batches.items():
                self._hand_over(place, records)
                await asyncio.sleep(0)
            if not self.caught_up and self.behind == 0:
                self.caught_up = True
                log.info("bus caught up", records=self.records)
            if time.monotonic() - probed >= PROBE_SECONDS:
                await self._probe(consumer, places)
                probed = time.monotonic()

    def _hand_over(self, place: TopicPartition, records: Sequence[object]) -> None:
        batch = [
            Record(r.topic, r.partition, r.offset, r.key, r.value, r.timestamp)  # type: ignore[attr-defined]
            for r in records
        ]
        self._apply(batch)
        self._next[place] = batch[-1].offset + 1
        self.records += len(batch)
        self.last_record_at = time.time()

    async def _probe(self, consumer: AIOKafkaConsumer, places: list[TopicPartition]) -> None:
        """Ask for the ends: it measures the lag, and finds out that the broker is gone.

        aiokafka itself retries for ever in silence when no broker answers, which officers would see as a
        quiet day. A client may also be stuck while the broker is well (docs/decisions/0102); so a few probes
        without an answer end the session, and the next one begins with a client of its own.
        """
        try:
            self._ends = await asyncio.wait_for(consumer.end_offsets(places), PROBE_TIMEOUT_SECONDS)
        except (KafkaError, OSError, TimeoutError) as error:
            if self.reachable:
                log.warning("bus away", problem=str(error) or type(error).__name__)
            self.reachable = False
            self._missed += 1
            if self._missed >= PROBES_MISSED:
                raise
            return
        self._missed = 0
        # A compacted or expired beginning moves forward; the position follows by itself at the next fetch.
        for place in places:
            self._next[place] = max(self._next.get(place, 0), await consumer.position(place))
        self.reachable = True
