"""A Kafka client that is stuck ends its process; a broker that is away does not."""

import asyncio
import time

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.runtime import bus_watch
from shared.runtime.bus_watch import BusWatch, StuckClientError
from shared.runtime.life import Life
from tests.integration.ledger.conftest import make_topics
from tests.running_parts import free_port

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_watch, "_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(bus_watch, "ANSWER_SECONDS", 2.0)


async def test_a_client_that_waits_for_ever_is_told_from_a_broker_that_is_well(kafka_bootstrap: str) -> None:
    topic = f"watched-{time.time_ns()}"
    await make_topics(kafka_bootstrap, [topic])
    places = [TopicPartition(topic, number) for number in range(3)]
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap)
    await consumer.start()
    life = Life()
    watch = BusWatch(life, [kafka_bootstrap], places, lambda: consumer.end_offsets(places))
    loop = life.spawn("bus watch", watch.run)
    try:
        await asyncio.sleep(2)
        assert not life.stopping.is_set()
        # What uvloop's RuntimeError did to it: the task that keeps its metadata is gone, and nobody says so.
        consumer._client._sync_task.cancel()
        consumer._client.force_metadata_update()
        async with asyncio.timeout(40):
            await life.stopping.wait()
        assert isinstance(loop.exception(), StuckClientError)
        assert life.exit_code() == 1
    finally:
        await consumer.stop()


async def test_a_broker_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_watch, "ANSWER_SECONDS", 0.3)
    asked = 0
    often = asyncio.Event()

    async def silence() -> dict[TopicPartition, int]:
        nonlocal asked
        asked += 1
        if asked > 5:
            often.set()
        await asyncio.sleep(60)
        return {}

    life = Life()
    watch = BusWatch(life, [f"127.0.0.1:{free_port()}"], [TopicPartition("x", 0)], silence)
    loop = life.spawn("bus watch", watch.run)
    async with asyncio.timeout(40):
        await often.wait()
    assert not life.stopping.is_set()
    life.stopping.set()
    await asyncio.wait_for(loop, 10)
    assert life.exit_code() == 0
