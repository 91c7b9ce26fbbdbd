"""The whole service on a real bus and database: records in, scores out, answers in the contract's shape."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from fastapi import FastAPI

from services.scoring.app import open_book, service
from services.scoring.settings import ScoringSettings
from shared.contracts.scores import Score, ScoreChange
from shared.contracts.topics import MODULES, partition_of
from shared.runtime import audit_trail
from shared.runtime.life import Life
from tests.integration.scoring.rig import PARTITIONS
from tests.unit.scoring.world import AGENCIES, Entity, recount, world

TOPICS = [*(f"{module}.events" for module in MODULES), "scores", "score.changes", "periods", "alerts"]
WINDOW = {"from": "2024-01-01", "to": "2024-03-22"}
Q1 = {"period": "2024-Q1"}
SECONDS = 60


async def make_topics(bootstrap: str) -> None:
    """The topics of scoring, where they are missing."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        there = set(await admin.list_topics())
        await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in TOPICS if name not in there])
    finally:
        await admin.close()


async def send(bootstrap: str, entities: list[Entity]) -> None:
    """Every change of every entity, in order."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for entity in entities:
            for change in entity.changes:
                partition = partition_of(change.agency, PARTITIONS)
                topic = f"{change.module}.events"
                await producer.send_and_wait(topic, change.value, key=change.key, partition=partition)
    finally:
        await producer.stop()


@asynccontextmanager
async def running(bootstrap: str, database: str) -> AsyncIterator[httpx.AsyncClient]:
    """The service in this process, and a client of its HTTP interface."""
    settings = ScoringSettings.model_validate(
        {"kafka": bootstrap, "database": database, "port": 1, "partitions": PARTITIONS}
    )
    life = Life()
    async with service(settings, open_book())(life) as app:
        try:
            async with _client(app) as client:
                yield client
        finally:
            life.stopping.set()
    assert life.exit_code() == 0


def _client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://scoring", timeout=30)


async def until(condition: Callable[[dict[str, Any]], bool], client: httpx.AsyncClient) -> dict[str, Any]:
    """Wait for a status."""
    async with asyncio.timeout(SECONDS):
        while True:
            answer = await client.get("/v1/status")
            status: dict[str, Any] = answer.json()
            if answer.status_code == 200 and condition(status):
                return status
            await asyncio.sleep(0.1)


def settled(status: dict[str, Any]) -> bool:
    """Ready, and nothing under way."""
    return bool(status["ready"]) and status["pending"] == 0


async def get(client: httpx.AsyncClient, path: str, **query: str | int) -> Any:
    """A JSON answer that must be 200."""
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def topic_of(bootstrap: str, name: str) -> list[tuple[str, dict[str, Any]]]:
    """All records of a topic: key and data."""
    consumer = AIOKafkaConsumer(name, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    found = []
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [(record.key.decode(), json.loads(record.value)["data"]) for record in records]
    finally:
        await consumer.stop()
    return found


@pytest.fixture
def database(empty_postgres_url: str) -> str:
    """A database of its own with the schema of scoring."""

    async def prepare() -> None:
        connection = await asyncpg.connect(empty_postgres_url)
        await connection.execute("CREATE SCHEMA scoring")
        await audit_trail.prepare_schema(connection, [])
        await connection.close()

    asyncio.run(prepare())
    return f"{empty_postgres_url}?options={quote('-csearch_path=scoring')}"


def test_from_records_to_scores_and_answers(kafka_bootstrap: str, database: str) -> None:
    async def work() -> None:
        entities = world(77, 150)
        await make_topics(kafka_bootstrap)
        await send(kafka_bootstrap, entities)
        async with running(kafka_bootstrap, database) as client:
            await until(lambda s: settled(s) and s["relay"], client)
            await _check_lists(client)
            await _check_indicators(client, entities)
            await _check_scores(client)
            await _check_problems(client)
            await _check_what_if(client)
            await _check_topics(client, kafka_bootstrap)

    asyncio.run(work())


async def _check_lists(client: httpx.AsyncClient) -> None:
    agencies = (await get(client, "/v1/agencies"))["agencies"]
    one = next(row for row in agencies if row["agency"] == "so-y-te")
    assert one.keys() >= {"agency", "name", "name_en", "group", "parent", "modules", "provenance"}
    assert one["modules"] == ["content", "qa", "dossier"]
    everybody = (await get(client, "/v1/agencies", ended="true"))["agencies"]
    ended = {row["agency"] for row in everybody} - {row["agency"] for row in agencies}
    assert ended == {row["agency"] for row in everybody if row["closed"]} != set()
    assert "2024-Q1" in {row["period"] for row in (await get(client, "/v1/periods"))["periods"]}
    rulesets = {row["name"]: row for row in (await get(client, "/v1/rulesets"))["rulesets"]}
    questions = next(row for name, row in rulesets.items() if name.startswith("questions@"))
    assert questions["scale"] == {"base": 15, "bonus": 3, "provenance": "report"}
    assert questions["criteria"][0]["formula"]["of"] == "qa.accepted"


async def _check_indicators(client: httpx.AsyncClient, entities: list[Entity]) -> None:
    one = await get(client, "/v1/indicators", agency="so-y-te", **WINDOW)
    assert one.keys() == {"agency", "from", "to", "as_of", "indicators"}
    every = await get(client, "/v1/indicators", **WINDOW)
    assert every["agencies"]["so-y-te"] == one["indicators"]
    received = sum(
        n
        for (agency, flow, cohort, _), n in recount(entities).items()
        if (agency, flow) == ("so-y-te", "qa.received") and 8766 <= cohort <= 8847
    )
    assert one["indicators"].get("qa.received", 0) <= received + 1


async def _check_scores(client: httpx.AsyncClient) -> None:
    for query in (Q1, WINDOW, {"period": "2024-H1"}):
        table = await get(client, "/v1/scores", **query)
        assert table.keys() == {"period", "from", "to", "as_of", "scores"}
        assert len(table["scores"]) == 58
        for row in table["scores"]:
            assert row.keys() >= {"agency", "group", "rank", "total", "modules", "complete", "revision"}
            assert row["total"]["points"] == pytest.approx(sum(m["points"] for m in row["modules"].values()))
    assert (await get(client, "/v1/scores", **WINDOW))["period"] == "2024-Q1"
    districts = await get(client, "/v1/scores", group="districts", **Q1)
    assert {row["group"] for row in districts["scores"]} == {"districts"}
    one = await get(client, "/v1/scores/so-y-te", **Q1)
    criterion = one["modules"]["qa"]["criteria"][0]
    assert criterion.keys() == {"id", "points", "max", "bonus", "status", "indicators"}
    assert one["revision"] >= 1
    told = await get(client, "/v1/scores/so-y-te/explanation", **Q1)
    assert told["total"] == one["total"]
    page = await get(client, "/v1/scores/so-y-te/evidence", criterion="acceptance", facts="false", **Q1)
    assert page["module"] == "qa"
    nobody = await get(client, "/v1/scores/chuyen-doi-so", **Q1)
    assert (nobody["modules"], nobody["total"]) == ({}, {"points": 0, "max": 0})


async def _check_problems(client: httpx.AsyncClient) -> None:
    for path, status, words in (
        ("/v1/scores/so-thien-van?period=2024-Q1", 404, "no agency"),
        ("/v1/scores?period=2024-Q7", 400, "not a period"),
        ("/v1/scores?from=2024-01-01", 400, "needs both"),
        ("/v1/scores?from=2024-03-01&to=2024-01-01", 400, "ends on"),
        ("/v1/indicators?agency=so-thien-van&from=2024-01-01&to=2024-03-31", 404, "no agency"),
        ("/v1/scores/so-y-te/evidence?criterion=beauty&period=2024-Q1", 404, "its criteria"),
    ):
        answer = await client.get(path)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert words in answer.json()["detail"]


async def _check_what_if(client: httpx.AsyncClient) -> None:
    rulesets = (await get(client, "/v1/rulesets"))["rulesets"]
    draft = next(row for row in rulesets if row["id"] == "questions")
    same = {key: value for key, value in draft.items() if key != "name"}
    answer = await client.post("/v1/what-if", json={"ruleset": same, **Q1})
    assert answer.status_code == 200, answer.text
    assert answer.json()["changes"] == []
    stricter = json.loads(json.dumps(same).replace('"nothing": "full"', '"nothing": "zero"'))
    changed = (await client.post("/v1/what-if", json={"ruleset": stricter, **Q1})).json()["changes"]
    assert changed
    assert all(
        row["before"]["points"] > row["after"]["points"]
        for row in changed
        if row["agency"] == "thanh-tra-tinh"
    )
    wrong = await client.post("/v1/what-if", json={"ruleset": {**same, "scale": {}}, **Q1})
    assert wrong.status_code == 422
    assert wrong.json()["errors"]


async def _check_topics(client: httpx.AsyncClient, bootstrap: str) -> None:
    newest: dict[str, Any] = {}
    for key, data in await topic_of(bootstrap, "scores"):
        Score.model_validate(data)
        assert key == f"{data['agency']}|{data['period']}"
        if key not in newest or newest[key]["revision"] < data["revision"]:
            newest[key] = data
    table = await get(client, "/v1/scores", **Q1)
    for row in table["scores"]:
        held = newest[f"{row['agency']}|2024-Q1"]
        assert (held["revision"], held["total"]) == (row["revision"], row["total"])
    for _, data in await topic_of(bootstrap, "score.changes"):
        ScoreChange.model_validate(data)
    changes = await get(client, f"/v1/scores/{AGENCIES[0]}/changes", **Q1)
    assert changes["changes"][-1]["after"] == (await get(client, f"/v1/scores/{AGENCIES[0]}", **Q1))["total"]


def test_a_stream_goes_on_where_it_broke(kafka_bootstrap: str, database: str) -> None:
    async def work() -> None:
        await make_topics(kafka_bootstrap)
        await send(kafka_bootstrap, world(78, 40))
        async with running(kafka_bootstrap, database) as client:
            await until(settled, client)
            changes = await get(client, "/v1/scores/so-y-te/changes")
            numbers = [row["number"] for row in changes["changes"]]
            assert len(numbers) >= 1
            first = await _events(client, numbers[-1] - 1, 1)
            assert first[0]["id"] == str(numbers[-1])
            assert json.loads(first[0]["data"])["after"] == changes["changes"][-1]["after"]

    asyncio.run(work())


async def _events(client: httpx.AsyncClient, after: int, most: int) -> list[dict[str, str]]:
    """Events of the stream after a position. The app is called by hand: httpx waits for the body's end."""
    app = client._transport.app  # type: ignore[attr-defined]
    found: list[dict[str, str]] = []
    done = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await done.wait()
        return {"type": "http.disconnect"}

    async def send_back(message: dict[str, Any]) -> None:
        for block in message.get("body", b"").decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if "data" in lines:
                found.append(lines)
        if len(found) >= most:
            done.set()

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/v1/stream", "raw_path": b"/v1/stream", "query_string": b"agency=so-y-te", "root_path": "",
        "headers": [(b"last-event-id", str(after).encode())], "client": ("127.0.0.1", 1), "server": ("x", 80),
    }  # fmt: skip
    async with asyncio.timeout(SECONDS):
        await app(scope, receive, send_back)
    return found
