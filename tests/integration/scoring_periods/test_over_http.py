"""Closing, late facts, decisions and verification over HTTP, against a real bus."""

import asyncio
import hashlib
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx

from shared.runtime import audit_trail
from tests.integration.scoring.test_service import get, make_topics, running, send, settled, topic_of, until
from tests.unit.scoring.world import world

PATH = "/v1/periods/2024-Q1"


async def schema(url: str) -> str:
    """The database as the service's role sees it."""
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE SCHEMA IF NOT EXISTS scoring")
    await audit_trail.prepare_schema(connection, [])
    await connection.close()
    return f"{url}?options={quote('-csearch_path=scoring')}"


async def step(client: httpx.AsyncClient, path: str, status: int = 200, **body: Any) -> Any:
    """An officer's step; its answer."""
    answer = await client.post(f"{PATH}/{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def verified(client: httpx.AsyncClient) -> None:
    """The seal holds, also against the record on the topic."""
    found = await step(client, "verify-seal")
    assert found["valid"], [check for check in found["checks"] if not check["holds"]]
    assert "topic" in [check["check"] for check in found["checks"]]


async def work(bootstrap: str, url: str) -> None:
    await make_topics(bootstrap)
    entities = world(12, 80)
    half = len(entities) // 2
    await send(bootstrap, entities[:half])
    async with running(bootstrap, await schema(url)) as client:
        await until(settled, client)
        proposed = await step(client, "close", officer="Lan", reason="hết quý")
        assert proposed["state"] == "closing"
        refused = await step(client, "confirm", 409, officer="Lan")
        assert refused["type"].endswith(":two-officers")
        sealed = await step(client, "close", officer="Minh")
        await until(settled, client)
        text = (await client.get(f"{PATH}/seal/document")).content
        assert hashlib.sha256(text).hexdigest() == sealed["sha256"]
        await verified(client)
        before = await get(client, "/v1/scores", period="2024-Q1")

        await send(bootstrap, entities[half:])
        await until(settled, client)
        assert await get(client, "/v1/scores", period="2024-Q1") == before
        pending = await get(client, f"{PATH}/adjustments", state="pending")
        assert pending["adjustments"]
        await verified(client)

        await step(client, "adjustments/accept", officer="Lan", reason="đúng thật")
        assert (await step(client, "confirm", officer="Minh"))["seal"] == 2
        await until(settled, client)
        await verified(client)
        told = [data for key, data in await topic_of(bootstrap, "periods") if key == "2024-Q1"]
        seals = (await get(client, PATH))["seals"]
        assert told[-1]["sha256"] == seals[-1]["sha256"] != seals[0]["sha256"]
        actions = [row["action"] for row in (await get(client, f"{PATH}/history"))["steps"]]
        assert actions == ["propose-close", "confirm", "propose-acceptance", "confirm"]


def test_a_quarter_is_closed_decided_about_and_verified_over_http(
    kafka_bootstrap: str, empty_postgres_url: str
) -> None:
    asyncio.run(work(kafka_bootstrap, empty_postgres_url))
