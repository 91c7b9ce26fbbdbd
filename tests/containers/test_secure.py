"""The stricter variant: nobody comes to Kafka without a name, and everybody may do only what is theirs."""

import asyncio
import json
import ssl
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from tests.containers.compose import Project, wait_until
from tests.containers.facts import Publisher

pytestmark = [pytest.mark.containers, pytest.mark.anyio]

FILES = ("deploy/compose/secure.yml",)
AGENCY = "so-thong-tin-va-truyen-thong"
QUARTER = f"/v1/indicators?agency={AGENCY}&from=2024-01-01&to=2024-03-22"
PUBLISHER = "cong-tinh"


@dataclass(frozen=True, slots=True)
class Account:
    """What a client outside needs to come in."""

    servers: str
    user: str
    password: str
    authority: str

    def options(self, **changed: Any) -> dict[str, Any]:
        return {
            "bootstrap_servers": self.servers,
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": self.user,
            "sasl_plain_password": self.password,
            "ssl_context": ssl.create_default_context(cadata=self.authority),
            "request_timeout_ms": 10_000,
            **changed,
        }


@pytest.fixture(scope="module")
def account(project: Project) -> Account:
    """A publisher with a user of Kafka."""
    said = project.compose("run", "--rm", "--no-deps", "-T", "kafka-access", "publisher", PUBLISHER)
    made = json.loads(said)
    authority = project.compose("exec", "-T", "content", "cat", "/run/secrets/kafka-ca.pem")
    return Account(f"localhost:{project.port('kafka')}", made["user"], made["password"], authority)


async def refused(options: dict[str, Any]) -> None:
    """A client with these options does not come in."""
    producer = AIOKafkaProducer(**options)
    try:
        with pytest.raises(KafkaError):
            await asyncio.wait_for(producer.start(), 30)
    finally:
        await producer.stop()


async def test_services_work_and_a_publisher_comes_in_by_its_user(project: Project, account: Account) -> None:
    said = project.compose(
        "run", "--rm", "--no-deps", "-T", "tools",
        "publisher", "add", PUBLISHER, "--agencies", AGENCY, "--types", "article.*",
    )  # fmt: skip
    publisher = Publisher(PUBLISHER, json.loads(said)["key"])
    event = publisher.event(
        "article.published",
        {
            "article_id": "bm-1", "agency": AGENCY, "title": "Tin", "url": "https://example.vn/1",
            "kind": "news", "published_at": "2024-02-20T08:00:00+07:00",
        },
    )  # fmt: skip
    async with AIOKafkaProducer(**account.options()) as producer:
        await publisher.produce(producer, "content.inbox", event)
    wait_until(
        lambda: bool(project.get("scoring", QUARTER)["indicators"].get("content.items") == 1),
        "the article went from Kafka through content to scoring",
    )


async def test_nobody_comes_in_without_a_name_or_by_a_wrong_password(account: Account) -> None:
    await refused({"bootstrap_servers": account.servers, "request_timeout_ms": 10_000})
    await refused(account.options(sasl_plain_password="not the password"))
    await refused(account.options(sasl_plain_username="nobody"))


async def test_a_broker_with_another_certificate_is_not_believed(account: Account) -> None:
    await refused(account.options(ssl_context=ssl.create_default_context()))


async def test_a_publisher_writes_to_inboxes_and_to_nothing_else(account: Account) -> None:
    async with AIOKafkaProducer(**account.options()) as producer:
        for topic in ("scores", "content.events", "rejections"):
            with pytest.raises(TopicAuthorizationFailedError):
                await producer.send_and_wait(topic, b"{}", key=b"x")


async def test_a_publisher_reads_nothing(account: Account) -> None:
    consumer = AIOKafkaConsumer(
        "content.inbox", group_id=None, auto_offset_reset="earliest", **account.options()
    )
    with pytest.raises(TopicAuthorizationFailedError):
        async with consumer:
            await asyncio.wait_for(consumer.getone(), 20)


async def test_a_service_writes_only_what_is_its_own(project: Project) -> None:
    attempt = """
import asyncio
from aiokafka.errors import TopicAuthorizationFailedError
from shared.runtime.producer import start_producer
async def main():
    producer = await start_producer(bootstrap_servers="kafka:9092")
    for topic in ("scores", "dossier.events", "qa.events"):
        try:
            await producer.send_and_wait(topic, b"{}", key=b"x")
        except TopicAuthorizationFailedError:
            print("refused", topic)
    await producer.stop()
asyncio.run(main())
"""
    said = project.compose(
        "exec", "-T", "content", "python", "-I", "/app/deploy/docker/start.py", "python", "-c", attempt
    )
    assert said.splitlines()[-3:] == ["refused scores", "refused dossier.events", "refused qa.events"]


async def test_a_publisher_that_is_removed_does_not_come_back(project: Project, account: Account) -> None:
    project.compose("run", "--rm", "--no-deps", "-T", "kafka-access", "remove", PUBLISHER)
    await refused(account.options())
