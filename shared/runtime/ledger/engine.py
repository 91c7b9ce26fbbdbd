"""The engine of a domain service, put together from its parts."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.runtime import outbox, tracing
from shared.runtime.access.cache import PublisherCache
from shared.runtime.access.rate import RateLimits
from shared.runtime.access.sealing import Sealer
from shared.runtime.clock import Clock, system_clock
from shared.runtime.consumer import BatchConsumer, Reading
from shared.runtime.failpoints import Failpoints
from shared.runtime.ledger.again import Again
from shared.runtime.ledger.clockwork import Clockwork
from shared.runtime.ledger.decode import Vocabulary
from shared.runtime.ledger.http import Gate, Lane, RequestReader
from shared.runtime.ledger.items import Item
from shared.runtime.ledger.lifecycle import Lifecycle
from shared.runtime.ledger.records import RecordReader
from shared.runtime.ledger.settings import LedgerSettings
from shared.runtime.ledger.settling import Rejections
from shared.runtime.ledger.store import Store
from shared.runtime.life import Life
from shared.runtime.migrate import migrate
from shared.runtime.positions import Positions
from shared.runtime.postgres import BY_INDEX, Pool, open_pool, persistently
from shared.runtime.relay import Relay

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Engine:
    """The running parts of one domain service."""

    settings: LedgerSettings
    clock: Clock
    pool: Pool
    store: Store
    gate: Gate
    requests: RequestReader
    lane: Lane
    consumer: BatchConsumer[list[Item]]
    clockwork: Clockwork
    rejections: Rejections
    again: Again
    relay: Relay

    async def status(self) -> dict[str, Any]:
        """What is taken in and not passed on yet."""
        lag = await self.consumer.lag()
        async with self.pool.acquire() as connection:
            waiting = await outbox.waiting(connection)
        due = await self.clockwork.waiting()
        in_flight = self.lane.in_flight() + self.consumer.in_hand() + self.gate.requests
        again = int(self.again.running())
        return {
            "pending": lag + waiting + due + in_flight + again,
            "inbox": lag,
            "outbox": waiting,
            "clock": due,
            "in_flight": in_flight,
            "relay": self.relay.elected,
        }


@asynccontextmanager
async def open_engine(
    life: Life,
    settings: LedgerSettings,
    lifecycle: Lifecycle,
    register: Collection[str],
    clock: Clock = system_clock,
) -> AsyncIterator[Engine]:
    """Open and start everything; on leaving, drain. `register` holds the agencies that a grant `*` means."""
    module = lifecycle.module
    sealer = Sealer.from_file(settings.master_key_file)
    async with open_pool(
        settings.database_url(),
        application=module,
        size=settings.database_connections,
        settings=BY_INDEX,
    ) as pool:

        async def prepare() -> None:
            async with pool.acquire() as connection:
                await migrate(connection, MIGRATIONS)

        await persistently(prepare)
        cache = PublisherCache(pool, sealer)
        await persistently(cache.refresh)
        engine = _assemble(life, settings, lifecycle, register, clock, pool, cache)
        tracing.spans.start(life, module, settings.traces)
        cache.start(life)
        engine.relay.start()
        engine.lane.start()
        engine.consumer.start()
        engine.clockwork.start()
        try:
            yield engine
        finally:
            await asyncio.sleep(0)
            await engine.consumer.close()
            await life.finish()


def _assemble(
    life: Life,
    settings: LedgerSettings,
    lifecycle: Lifecycle,
    register: Collection[str],
    clock: Clock,
    pool: Pool,
    cache: PublisherCache,
) -> Engine:
    module, partitions = lifecycle.module, settings.partitions
    failpoints = Failpoints(settings.failpoints, module)
    clock = failpoints.clock(clock)
    vocabulary = Vocabulary(lifecycle)
    again = Again(life, pool, module, partitions, lambda: relay.wake())
    relay = Relay(
        life, settings.database_url(), settings.kafka_servers(), module, again.some,
        failpoints.after("relay"),
    )  # fmt: skip
    store = Store(pool, lifecycle, partitions, relay.wake, failpoints.after("ledger"))
    lane = Lane(life, store, clock)
    records = RecordReader(vocabulary, cache, register, clock)

    async def apply(items: list[Item], positions: Positions) -> None:
        await store.apply(items, positions, clock())

    reading = Reading(
        servers=settings.kafka_servers(),
        topics=(f"{module}.inbox",),
        group=f"{module}-service",
        client=module,
        partitions=partitions,
        max_records=settings.batch_records,
        workers=2,
    )
    consumer = BatchConsumer(life, pool, reading, records.read, apply, clock)
    clockwork = Clockwork(
        life, pool, lifecycle, partitions, clock, consumer.lag,
        lambda: max(consumer.last_taken, lane.last_taken, _BORN), relay.wake,
    )  # fmt: skip
    return Engine(
        settings=settings,
        clock=clock,
        pool=pool,
        store=store,
        gate=Gate(),
        requests=RequestReader(
            vocabulary, cache, register, clock, RateLimits(settings.publisher_events_per_second)
        ),
        lane=lane,
        consumer=consumer,
        clockwork=clockwork,
        rejections=Rejections(pool, vocabulary, cache, register, lane.submit, clock),
        again=again,
        relay=relay,
    )


_BORN = time.monotonic()
