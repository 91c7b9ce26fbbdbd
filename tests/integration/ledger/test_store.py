"""The transaction of a batch, on a real PostgreSQL: order, repeats, crashes and zombies."""

import asyncio
import json
import random
import threading
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.dossier.lifecycle import lifecycle
from shared.runtime.ledger.items import Item
from shared.runtime.ledger.store import Store
from shared.runtime.postgres import BY_INDEX, Pool, open_pool
from tests.integration.ledger.conftest import NOW, OpenPool, event, item, retraction, schema

pytestmark = pytest.mark.anyio
PLACE = TopicPartition("dossier.inbox", 0)

FACTS: list[dict[str, Any]] = [
    event("received", "D1", "a1", "2024-01-10T08:00", due_at="2024-01-20T08:00:00+07:00"),
    event("supplement_requested", "D1", "a2", "2024-01-11T08:00"),
    event("supplemented", "D1", "a3", "2024-01-15T08:00"),
    event("resolved", "D1", "a4", "2024-01-22T08:00"),
    event("resolved", "D1", "a5", "2024-01-19T08:00"),
    retraction("a6", "a5"),
    event("received", "D2", "b1", "2024-01-10T08:00", agency="so-noi-vu"),
    event("returned", "D2", "b2", "2024-01-12T08:00", agency="so-noi-vu"),
    event("resolved", "D2", "b3", "2024-01-11T08:00", agency="so-noi-vu"),
    event("received", "D1", "c1", "2024-01-10T09:00", agency="so-noi-vu"),
    retraction("d1", "b3", agency="so-y-te"),
    event("received", "D3", "e1", "2024-01-10T08:00"),
    retraction("e2", "e1"),
]


async def states(pool: Pool) -> dict[tuple[str, str], Any]:
    """Every entity's state by (entity, agency)."""
    rows = await pool.fetch("SELECT entity, scope, record FROM entity")
    return {
        (row["entity"], row["scope"]): msgspec.json.decode(row["record"])["data"]["state"] for row in rows
    }


async def contents(pool: Pool) -> dict[str, Any]:
    """Everything a batch may touch."""
    tables = ("fact", "entity", "retraction", "outbox", "position", "rejection", "repeat")
    return {
        table: sorted(repr(tuple(row)) for row in await pool.fetch(f"SELECT * FROM {table}"))
        for table in tables
    }


def cut(facts: Sequence[dict[str, Any]], places: Sequence[int]) -> list[list[Item]]:
    """The facts as batches, cut at `places`."""
    edges = sorted({place % (len(facts) + 1) for place in places} | {0, len(facts)})
    return [[item(one) for one in facts[a:b]] for a, b in pairwise(edges)]


async def fill(pool: Pool, batches: Sequence[Sequence[Item]]) -> None:
    store = Store(pool, lifecycle(), 6)
    for batch in batches:
        await store.apply(batch, {}, NOW)


@settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    order=st.permutations(FACTS),
    again=st.lists(st.sampled_from(FACTS), max_size=8),
    places=st.lists(st.integers(0, 30), max_size=5),
)
def test_order_repetition_and_batching_change_nothing(
    ledger_pool: OpenPool,
    order: list[dict[str, Any]],
    again: list[dict[str, Any]],
    places: list[int],
) -> None:
    async def run() -> None:
        async with ledger_pool() as pool:
            await fill(pool, [[item(one)] for one in FACTS])
            expected = await states(pool)
            await pool.execute("TRUNCATE fact, entity, retraction, outbox, rejection, repeat")
            await fill(pool, cut(order + again, places))
            assert await states(pool) == expected

    asyncio.run(run())


@pytest.mark.parametrize("step", range(1, 8))
async def test_a_crash_between_two_steps_changes_nothing(ledger_pool: OpenPool, step: int) -> None:
    class CrashError(Exception):
        pass

    def crash(reached: int) -> None:
        if reached == step:
            raise CrashError

    batch = [item(one) for one in FACTS[3:]] + [item(event("resolved", "D1", "a1", "2024-01-10T08:00"))]
    async with ledger_pool() as pool:
        await fill(pool, [[item(one) for one in FACTS[:3]]])
        before = await contents(pool)
        with pytest.raises(CrashError):
            await Store(pool, lifecycle(), 6, after_step=crash).apply(batch, {PLACE: 9}, NOW)
        assert await contents(pool) == before
        assert all(one.status is None for one in batch)
        await Store(pool, lifecycle(), 6).apply(batch, {PLACE: 9}, NOW)
        crashed = await states(pool)
        assert [one.status for one in batch].count("accepted") == len(FACTS) - 4
    async with ledger_pool() as pool:
        await fill(pool, [[item(one)] for one in FACTS])
        assert await states(pool) == crashed


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 6])
async def test_a_zombie_counts_nothing_twice(postgres_url: str, step: int) -> None:
    """A replica stops in the middle of a batch; another takes the batch over; the first wakes up."""
    async with schema(postgres_url) as name:
        options = {**BY_INDEX, "search_path": name, "idle_in_transaction_session_timeout": "500"}
        stopped, wake = threading.Event(), threading.Event()

        def stop_here(reached: int) -> None:
            if reached == step and not stopped.is_set():
                stopped.set()
                wake.wait(30)

        async def zombie() -> list[Item]:
            batch = [item(one) for one in FACTS]
            async with open_pool(postgres_url, application="zombie", size=2, settings=options) as pool:
                store = Store(pool, lifecycle(), 6, after_step=stop_here)
                try:
                    await store.apply(batch, {}, NOW)
                except Exception:
                    await store.apply(batch, {}, NOW)
            return batch

        task = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(zombie())))
        await asyncio.to_thread(stopped.wait, 30)
        async with open_pool(postgres_url, application="heir", size=2, settings=options) as pool:
            await fill(pool, [[item(one) for one in FACTS]])
            expected = await states(pool), await pool.fetch("SELECT key, version FROM entity ORDER BY key")
            sent = await pool.fetchval("SELECT count(*) FROM outbox WHERE topic = 'dossier.events'")
            wake.set()
            statuses = [one.status for one in await task]
            assert "accepted" not in statuses
            assert (
                await states(pool),
                await pool.fetch("SELECT key, version FROM entity ORDER BY key"),
            ) == expected
            again = await pool.fetchval("SELECT count(*) FROM outbox WHERE topic = 'dossier.events'")
            assert again == sent


async def test_conflicts_duplicates_and_retractions_are_told_apart(ledger_pool: OpenPool) -> None:
    async with ledger_pool() as pool:
        store = Store(pool, lifecycle(), 6)
        first = [item(event("received", "D1", "x", "2024-01-10T08:00"))]
        await store.apply(first, {}, NOW)
        batch = [
            item(event("received", "D1", "x", "2024-01-10T08:00")),
            item(event("received", "D1", "x", "2024-01-11T08:00")),
            item(retraction("r1", "x", agency="so-noi-vu")),
            item(retraction("r2", "x")),
            item(retraction("r3", "r2")),
        ]
        await store.apply(batch, {}, NOW)
        results = [one.result() for one in batch]
        assert [one["status"] for one in results] == [
            "duplicate", "rejected", "rejected", "accepted", "rejected",
        ]  # fmt: skip
        assert results[1]["problem"]["status"] == 409
        late = [item(retraction("r4", "r2"))]
        await store.apply(late, {}, NOW)
        assert late[0].result()["problem"]["type"].endswith("retraction")
        assert (await states(pool))[("D1", "so-y-te")]["status"] == "unopened"
        assert await pool.fetchval("SELECT count(*) FROM rejection") == 4
        again = [item(json.loads(one.payload)) for one in batch]
        await store.apply(again, {}, NOW + timedelta(seconds=1))
        assert await pool.fetchval("SELECT count(*) FROM rejection") == 4
        # Of the four, one came in another request and the three of this batch came twice.
        assert await pool.fetchval("SELECT sum(count) FROM rejection") == 7


async def test_an_entity_takes_only_so_many_facts(ledger_pool: OpenPool) -> None:
    async with ledger_pool() as pool:
        store = Store(pool, lifecycle(), 6)
        many = [
            item(event("returned", "D1", f"m{n}", f"2024-01-{10 + n % 10}T{n % 24:02}:{n % 60:02}"))
            for n in range(1_010)
        ]
        await store.apply(many, {}, NOW)
        statuses = [one.status for one in many]
        assert statuses.count("accepted") <= 1_000
        assert statuses.count("accepted") + statuses.count("rejected") == 1_010
        other = [item(event("received", "D2", "o", "2024-01-10T08:00"))]
        await store.apply(other, {}, NOW)
        assert other[0].status == "accepted"


async def test_an_id_that_two_agencies_use_has_two_entities_and_two_keys(ledger_pool: OpenPool) -> None:
    async with ledger_pool() as pool:
        for agency in ("so-y-te", "so-noi-vu"):
            await fill(pool, [[item(event("received", "D1", agency, "2024-01-10T08:00", agency=agency))]])
        keys = [row["key"] for row in await pool.fetch("SELECT key FROM entity ORDER BY key")]
        assert keys == ["D1", "so-noi-vu/D1"]


async def test_writers_side_by_side_end_with_the_same_states(ledger_pool: OpenPool) -> None:
    async with ledger_pool() as pool:
        await fill(pool, [[item(one)] for one in FACTS])
        expected = await states(pool)
        await pool.execute("TRUNCATE fact, entity, retraction, outbox, rejection, repeat")
        stores = [Store(pool, lifecycle(), 6) for _ in range(4)]
        rounds = random.Random(1)

        async def writer(store: Store) -> None:
            for _ in range(6):
                some = rounds.sample(FACTS, len(FACTS))
                await store.apply([item(one) for one in some], {}, NOW)

        await asyncio.gather(*(writer(store) for store in stores))
        assert await states(pool) == expected
        versions = await pool.fetch(
            "SELECT convert_from(key, 'UTF8') AS key, count(*) AS sent FROM outbox "
            "WHERE topic = 'dossier.events' GROUP BY 1"
        )
        stored = {row["key"]: row["version"] for row in await pool.fetch("SELECT key, version FROM entity")}
        assert {row["key"]: row["sent"] for row in versions} == stored
