"""A whole engine on a real bus and database: both entrances, the relay, the clock, rejections, keys."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.contracts.facts import FACTS_OF_MODULE
from shared.runtime.access import Sealer, retire_old_keys, revoke_publisher, rotate_publisher
from shared.runtime.access.sealing import read_key
from shared.runtime.ledger import decode
from shared.runtime.ledger.service import make_app
from tests.integration.ledger.conftest import OpenEngine, RenamedLifecycle, Running, event

pytestmark = pytest.mark.anyio
BATCH = "application/cloudevents-batch+json"


def client(running: Running) -> httpx.AsyncClient:
    app = make_app(running.module, lambda: running.engine, running.life)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")


async def post(running: Running, events: list[Any], key: bytes | None = None) -> httpx.Response:
    body = json.dumps(events).encode()
    headers = {"content-type": BATCH, **running.headers("m", body, key)}
    async with client(running) as http:
        return await http.post("/v1/events", content=body, headers=headers)


async def send(running: Running, events: list[dict[str, Any]], **extra: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=running.engine.settings.kafka)
    await producer.start()
    try:
        for one in events:
            value = json.dumps(one).encode()
            headers = [(name, text.encode()) for name, text in running.headers(one["id"], value).items()]
            headers += list(extra.items())
            await producer.send(f"{running.module}.inbox", value, key=one["id"].encode(), headers=headers)
        await producer.flush()
    finally:
        await producer.stop()


async def newest(running: Running, topic: str) -> dict[str, dict[str, Any]]:
    """The last record of each key."""
    consumer = AIOKafkaConsumer(bootstrap_servers=running.engine.settings.kafka)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(3)]
        consumer.assign(places)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(places)
        found: dict[str, dict[str, Any]] = {}
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    found[record.key.decode()] = json.loads(record.value)
        return found
    finally:
        await consumer.stop()


async def test_both_entrances_reach_the_bus(running_engine: OpenEngine) -> None:
    async with running_engine() as running:
        answer = await post(running, [event("received", "D1", "h1", "2024-01-10T08:00"), {"id": "bad"}])
        assert answer.status_code == 200
        assert [one["status"] for one in answer.json()["results"]] == ["accepted", "rejected"]
        await send(running, [event("resolved", "D1", "k1", "2024-01-11T08:00")], trace=b"\xff")
        await running.settled()
        change = (await newest(running, f"{running.module}.events"))["D1"]
        assert change["data"]["version"] == 2
        assert change["data"]["state"]["status"] == "resolved"
        assert change["type"] == "vn.laocai.dossier.resolved.v1"
        async with client(running) as http:
            entity = (await http.get("/v1/entities/dossier/D1")).json()
            facts = (await http.get("/v1/entities/dossier/D1/facts")).json()
        assert entity["state"]["status"] == "resolved"
        assert [fact["entrance"] for fact in facts["facts"]] == ["http", "kafka"]


async def test_whole_requests_are_refused_with_problems(running_engine: OpenEngine) -> None:
    async with running_engine() as running, client(running) as http:
        good = [event("received", "D1", "x", "2024-01-10T08:00")]
        assert (await post(running, good, key=b"k" * 32)).status_code == 401
        assert (await post(running, [])).status_code == 400
        assert (await post(running, good * 1_001)).status_code == 400
        assert (await http.post("/v1/events", content=b"[]")).status_code == 415
        body = b" " * (8 * 1024 * 1024 + 1)
        answer = await http.post("/v1/events", content=body, headers={"content-type": BATCH})
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_key_rotates_and_a_publisher_ends_without_a_restart(running_engine: OpenEngine) -> None:
    async with running_engine() as running:
        sealer = Sealer.from_file(running.engine.settings.master_key_file)
        connection = await asyncpg.connect(running.admin_url)
        try:
            fresh = read_key(await rotate_publisher(connection, sealer, "cong"))
            for number, key in enumerate((fresh, running.key)):
                fact = event("received", f"R{number}", f"r{number}", "2024-01-10T08:00")
                answer = await post(running, [fact], key)
                assert answer.status_code == 200
            await retire_old_keys(connection, "cong")
            await running.engine.requests._cache.refresh()
            late = [event("received", "R9", "r9", "2024-01-10T08:00")]
            assert (await post(running, late)).status_code == 401
            await revoke_publisher(connection, "cong")
            await running.engine.requests._cache.refresh()
            answer = await post(running, late, fresh)
            assert answer.status_code == 401
        finally:
            await connection.close()


async def test_the_clock_speaks_once_and_a_restart_keeps_silent(running_engine: OpenEngine) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=20)).strftime("%Y-%m-%dT08:00")
    due = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    async with running_engine() as running:
        await post(running, [event("received", "C1", "c1", yesterday, due_at=due)])
        await running.settled()
        change = (await newest(running, f"{running.module}.events"))["C1"]
        assert change["type"] == "vn.laocai.dossier.overdue.v1"
        assert change["data"]["state"]["overdue"] is True
        version = change["data"]["version"]
    async with running_engine() as running:
        await running.settled()
        assert await running.engine.clockwork.fire(caught_up=True, idle=True) == 0
        assert (await newest(running, f"{running.module}.events"))["C1"]["data"]["version"] == version
        async with client(running) as http:
            listed = (await http.get("/v1/deadlines?state=overdue")).json()["deadlines"]
        assert [one["entity"] for one in listed] == ["C1"]


async def test_rejections_are_told_listed_and_repaired(running_engine: OpenEngine) -> None:
    async with running_engine() as running, client(running) as http:
        wrong = event("received", "E1", "e1", "2024-01-10T08:00", channel="post")
        await send(running, [wrong])
        await running.settled()
        (listed,) = (await http.get("/v1/rejections?publisher=cong")).json()["rejections"]
        assert listed["reason"] == "schema"
        assert listed["errors"][0]["pointer"] == "/data/channel"
        told = (await newest(running, "rejections"))["cong"]
        assert told["source"] == f"/services/{running.module}"
        number = listed["number"]
        replayed = await http.post(f"/v1/rejections/{number}/replay", json={"by": "an"})
        assert replayed.status_code == 422
        right = event("received", "E1", "e1", "2024-01-10T08:00")
        repaired = await http.post(f"/v1/rejections/{number}/repair", json={"by": "an", "event": right})
        assert repaired.status_code == 200, repaired.text
        assert repaired.json()["state"] == "repaired"
        assert (await http.get("/v1/entities/dossier/E1")).status_code == 200
        assert (await http.post(f"/v1/rejections/{number}/drop", json={"by": "an"})).status_code == 409


async def test_rejections_are_listed_from_either_end_with_how_many_there_are(
    running_engine: OpenEngine,
) -> None:
    async with running_engine() as running, client(running) as http:
        wrong = [event("received", f"E{n}", f"e{n}", "2024-01-10T08:00", channel="post") for n in range(5)]
        for one in wrong:
            await send(running, [one])
        await running.settled()
        for order in ("oldest", "newest"):
            seen: list[int] = []
            after: int | None = 0
            while after is not None:
                page = (await http.get(f"/v1/rejections?order={order}&limit=2&after={after}")).json()
                assert page["total"] == 5
                seen += [row["number"] for row in page["rejections"]]
                after = page["next"]
            assert seen == sorted(seen, reverse=order == "newest")
            assert len(set(seen)) == 5
        assert (await http.get("/v1/rejections?reason=grant")).json()["total"] == 0


async def test_after_a_fix_of_the_contract_everything_of_one_reason_comes_in(
    running_engine: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A contract that did not know a type yet refuses its facts; the next version takes in what was kept."""
    codes = ("F1", "F2", "F3")
    facts = [
        event(kind, code, f"{kind}-{code}", at)
        for code in codes
        for kind, at in (("received", "2024-01-10T08:00"), ("supplement_requested", "2024-01-11T08:00"))
    ]
    with monkeypatch.context() as before:
        known = dict(RenamedLifecycle.fact_models)
        del known["dossier.supplement_requested"]
        before.setattr(RenamedLifecycle, "fact_models", known)
        before.setattr(decode, "FACTS_OF_MODULE", {**FACTS_OF_MODULE, "dossier": known})
        async with running_engine() as running, client(running) as http:
            assert (await post(running, facts[:2])).json()["results"][1]["status"] == "rejected"
            await send(running, facts[2:])
            await running.settled()
            refused = (await http.get("/v1/rejections?reason=unknown_type&state=parked")).json()
            assert refused["total"] == len(codes)
            assert (await http.get("/v1/entities/dossier/F1")).json()["state"]["status"] == "received"
    async with running_engine() as running, client(running) as http:
        for row in refused["rejections"]:
            answer = await http.post(f"/v1/rejections/{row['number']}/replay", json={"by": "an"})
            assert answer.json()["state"] == "replayed", answer.text
        left = await http.get("/v1/rejections?reason=unknown_type&state=parked")
        assert left.json()["total"] == 0
        for code in codes:
            entity = (await http.get(f"/v1/entities/dossier/{code}")).json()
            assert entity["state"]["status"] == "paused"


async def test_everything_can_be_sent_again(running_engine: OpenEngine) -> None:
    async with running_engine() as running, client(running) as http:
        await post(running, [event("received", f"A{n}", f"a{n}", "2024-01-10T08:00") for n in range(20)])
        await running.settled()
        before = await newest(running, f"{running.module}.events")
        assert (await http.post("/v1/emit-again")).json() == {"entities": 20}
        await running.settled()
        assert await newest(running, f"{running.module}.events") == before
