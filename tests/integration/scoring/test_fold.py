"""The fold on a real database: nothing counted twice, nothing lost, whatever the order."""

import asyncio
import random
from collections.abc import Iterator, Sequence

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scoring.fold import RebuildStartedError
from tests.integration.scoring.rig import Bus, Record, Rig, after, rig, run, wipe
from tests.unit.scoring.world import Change, Entity, recount, world

SLOW = settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))


def shuffled(entities: Sequence[Entity], rng: random.Random) -> list[Change]:
    """All changes in any order, some of them twice."""
    changes = [change for entity in entities for change in entity.changes]
    changes += rng.sample(changes, len(changes) // 10)
    rng.shuffle(changes)
    return changes


def batches(records: Sequence[Record], rng: random.Random) -> Iterator[Sequence[Record]]:
    """Cut into batches of any size."""
    start = 0
    while start < len(records):
        size = rng.choice([1, 2, 5, 20, 100])
        yield records[start : start + size]
        start += size


@SLOW
@given(seed=st.integers(0, 10**9))
def test_any_order_repetition_and_batching_gives_the_recount(postgres_url: str, seed: int) -> None:
    async def work() -> None:
        rng = random.Random(seed)
        entities = world(seed, 25)
        async with rig(postgres_url) as one:
            await wipe(one)
            bus = Bus()
            for change in shuffled(entities, rng):
                bus.put(change)
            for batch in batches(bus.records, rng):
                await one.fold(batch)
            assert await one.tally() == recount(entities)
            assert await one.recounted() == recount(entities)

    run(work())


@SLOW
@given(seed=st.integers(0, 10**9), step=st.sampled_from([1, 2, 3, 4]))
def test_a_crash_between_any_two_steps_changes_nothing(postgres_url: str, seed: int, step: int) -> None:
    class CrashError(Exception):
        pass

    async def work() -> None:
        rng = random.Random(seed)
        entities = world(seed, 10)
        crashing = True

        def hook(reached: int) -> None:
            if crashing and reached == step:
                raise CrashError

        async with rig(postgres_url, fold_hook=hook) as one:
            await wipe(one)
            bus = Bus()
            for change in shuffled(entities, rng):
                bus.put(change)
            for batch in batches(bus.records, rng):
                crashing = True
                before = await one.tally(), await one.fetchval("SELECT sum(next) FROM position")
                with pytest.raises(CrashError):
                    await one.fold(batch)
                if step < 4:
                    assert before == (await one.tally(), await one.fetchval("SELECT sum(next) FROM position"))
                crashing = False
                await one.fold(batch)
            assert await one.tally() == recount(entities)

    run(work())


@SLOW
@given(seed=st.integers(0, 10**9))
def test_two_replicas_on_the_same_partitions_count_nothing_twice(postgres_url: str, seed: int) -> None:
    async def work() -> None:
        rng = random.Random(seed)
        entities = world(seed, 25)
        async with rig(postgres_url) as one, rig(postgres_url) as other:
            await wipe(one)
            bus = Bus()
            for change in shuffled(entities, rng):
                bus.put(change)

            async def read(replica: Rig, own: random.Random) -> None:
                for batch in batches(bus.records, own):
                    await replica.fold(batch)
                    await asyncio.sleep(own.random() / 500)

            await asyncio.gather(read(one, random.Random(seed + 1)), read(other, random.Random(seed + 2)))
            assert await one.tally() == recount(entities)

    run(work())


def test_a_replica_that_slept_through_a_takeover_drops_its_batch(postgres_url: str) -> None:
    async def work() -> None:
        entities = world(7, 40)
        bus = Bus()
        for entity in entities:
            for change in entity.changes:
                bus.put(change)
        async with rig(postgres_url) as sleeper, rig(postgres_url) as other:
            await wipe(sleeper)
            half = len(bus.records) // 2
            asleep = await sleeper.folder.prepare(bus.records[:half])
            await other.fold(bus.records)
            done = await other.tally()
            dirty = await other.fetchval("SELECT count(*) FROM dirty")
            await sleeper.folder.apply(asleep, after(bus.records[:half]))
            assert await other.tally() == done == recount(entities)
            assert await other.fetchval("SELECT count(*) FROM dirty") == dirty

    run(work())


def test_an_entity_on_two_partitions_counts_once(postgres_url: str) -> None:
    """A forwarded question goes to the partitions of both agencies."""

    async def work() -> None:
        entities = world(11, 60)
        async with rig(postgres_url) as one:
            await wipe(one)
            bus = Bus()
            for entity in entities:
                for change in entity.changes:
                    bus.put(change)
                    bus.put(change, agency="another-agency")
            await one.fold(bus.records)
            assert await one.tally() == recount(entities)

    run(work())


def test_causes_are_those_of_the_versions_that_were_new(postgres_url: str) -> None:
    async def work() -> None:
        changes = next(e for e in world(5, 200) if e.module == "dossier" and len(e.changes) >= 3).changes
        async with rig(postgres_url) as one:
            await wipe(one)
            bus = Bus()
            records = [bus.put(change) for change in changes]
            await one.fold(records[:1])
            await one.execute("DELETE FROM dirty")
            bus.put(changes[0])
            again = [bus.put(change) for change in changes]
            await one.fold(again)
            found = {cause for (causes,) in await _rows(one, "SELECT causes FROM dirty") for cause in causes}
            assert found <= {cause for change in changes[1:] for cause in change.causes}
            assert changes[0].causes[0] not in found

    run(work())


async def _rows(one: Rig, statement: str) -> list[asyncpg.Record]:
    async with one.pool.acquire() as connection:
        found: list[asyncpg.Record] = await connection.fetch(statement)
    return found


def test_bad_records_are_passed_over(postgres_url: str) -> None:
    async def work() -> None:
        (entity,) = world(3, 1)
        async with rig(postgres_url) as one:
            await wipe(one)
            bus = Bus()
            good = [bus.put(change) for change in entity.changes]
            bad = [
                Record("qa.events", 0, 50 + n, key, value)
                for n, (key, value) in enumerate(
                    [
                        (b"x", b"\xff\xfe"),
                        (b"x", b"[]"),
                        (b"\xff", good[0].value),
                        (b"x", b'{"data":{}}'),
                        (b"", b""),
                    ]
                )
            ]
            await one.fold([*bad, *good])
            assert await one.tally() == recount([entity])

    run(work())


def test_a_batch_of_before_a_rebuild_is_refused(postgres_url: str) -> None:
    async def work() -> None:
        (entity,) = world(3, 1)
        async with rig(postgres_url) as one:
            await wipe(one)
            bus = Bus()
            records = [bus.put(change) for change in entity.changes]
            await one.execute("UPDATE rebuild SET epoch = epoch + 1")
            with pytest.raises(RebuildStartedError):
                await one.fold(records)
            assert await one.tally() == {}

    run(work())
