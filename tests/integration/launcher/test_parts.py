"""The parts that tests run on are real: they keep what they are given."""

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic


@pytest.mark.anyio
async def test_postgres_is_version_18_and_utf8(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        assert connection.get_server_version().major == 18
        assert await connection.fetchval("SELECT lower('SỞ Y TẾ')") == "sở y tế"
    finally:
        await connection.close()


@pytest.mark.anyio
async def test_each_test_may_have_a_database_of_its_own(postgres_url: str, empty_postgres_url: str) -> None:
    assert postgres_url != empty_postgres_url


@pytest.mark.anyio
async def test_a_group_reads_what_was_sent_and_goes_on_where_it_committed(kafka_bootstrap: str) -> None:
    topic = "parts.round-trip"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1, topic_configs={"cleanup.policy": "compact"})])
    await admin.close()
    async with AIOKafkaProducer(
        bootstrap_servers=kafka_bootstrap, acks="all", compression_type="lz4"
    ) as producer:
        for number in range(20):
            await producer.send_and_wait(topic, b"%d" % number, key=b"k", partition=number % 2)
    assert await _read(kafka_bootstrap, topic, 20) == set(range(20))
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        await producer.send_and_wait(topic, b"20", key=b"k", partition=0)
    assert await _read(kafka_bootstrap, topic, 1) == {20}


async def _read(bootstrap: str, topic: str, wanted: int) -> set[int]:
    found: set[int] = set()
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id="parts",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    async with consumer:
        while len(found) < wanted:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found |= {int(record.value) for record in records}
        await consumer.commit()
    return found
