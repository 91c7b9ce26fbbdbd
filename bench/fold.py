"""(a) Fold: from `dossier.events` to committed scores, with one and with two scoring processes; (e) rebuild.

The changes are what the dossier service emits: two versions of each dossier, a twentieth repeated, a
twentieth out of order. Measured against a bare fold in the same run: aiokafka reads the same records,
msgspec decodes them, and one statement keeps the newest version of each entity and moves two counters, in
batches as large. The service does beyond that: marks with effective days, causes, dirty scores, points,
revisions, the outbox.
"""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import httpx
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.load import FIRST
from bench.stage import Stage, Watched, stage, watch
from shared.contracts.topics import DEFAULT_PARTITIONS, partition_of
from shared.register.register import shipped_register

TOPIC = "dossier.events"
BATCH = 20_000
REBUILD_GIVE_UP_S = 180
FOLDED = f"SELECT sum(next) FROM position WHERE topic = '{TOPIC}'"
ALL_SCORED = "SELECT CASE WHEN EXISTS (SELECT FROM dirty) THEN 0 ELSE 1 END"
UNEQUAL = """
    SELECT count(*) FROM (
        SELECT mark, sum(coalesce(n, 1)) AS s
        FROM contribution, unnest(marks, amounts) AS u (mark, n) GROUP BY 1
    ) AS recounted FULL JOIN (SELECT * FROM tally WHERE n <> 0) AS t USING (mark)
    WHERE coalesce(s, 0) <> coalesce(n, 0)"""
EMPTY = """
    TRUNCATE contribution, tally, dirty, score, score_published, score_change, period_state, noted, outbox,
             position CASCADE"""
BARE_TABLES = """
    DROP TABLE IF EXISTS bare, bare_tally;
    CREATE TABLE bare (key text COLLATE "C" PRIMARY KEY, version bigint, a bigint, b bigint);
    CREATE TABLE bare_tally (mark bigint PRIMARY KEY, n bigint)"""
BARE_FOLD = """
    WITH moved AS (
        INSERT INTO bare AS c SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
        ON CONFLICT (key) DO UPDATE SET version = excluded.version, a = excluded.a, b = excluded.b
        WHERE excluded.version > c.version
        RETURNING old.a AS old_a, old.b AS old_b, new.a AS new_a, new.b AS new_b)
    INSERT INTO bare_tally AS t (mark, n)
    SELECT mark, sum(n) FROM (
        SELECT old_a AS mark, -1 AS n FROM moved UNION ALL SELECT old_b, -1 FROM moved
        UNION ALL SELECT new_a, 1 FROM moved UNION ALL SELECT new_b, 1 FROM moved) AS each
    WHERE mark IS NOT NULL GROUP BY mark HAVING sum(n) <> 0 ORDER BY mark
    ON CONFLICT (mark) DO UPDATE SET n = t.n + excluded.n"""


class _State(msgspec.Struct, gc=False):
    received_at: str
    resolved_at: str | None = None


class _Data(msgspec.Struct, gc=False):
    version: int
    agency: str
    state: _State


class _Event(msgspec.Struct, gc=False):
    data: _Data


def measure(changes: int, port_base: int) -> dict[str, Any]:
    """Fold about `changes` changes, bare, with one process, with two, bare again; then rebuild."""
    with stage(port_base) as on:
        return asyncio.run(_measure(on, changes))


async def _measure(on: Stage, changes: int) -> dict[str, Any]:
    agencies = [slug for slug, row in shipped_register().agencies.items() if "dossier" in row.modules]
    total = await _fill(on.broker.address, changes, agencies)
    bare = [await _bare(on, total)]
    one = await _service(on, total, 1)
    two = await _service(on, total, 2)
    bare.append(await _bare(on, total))
    mean = sum(bare) / len(bare)
    return {
        "changes": total,
        "bare_changes_per_s": [round(rate) for rate in bare],
        "one_process": {**one, "ratio_to_bare": round(one["changes_per_s"] / mean, 3)},
        "two_processes": {**two, "ratio_to_bare": round(two["changes_per_s"] / mean, 3)},
    }


# ---------------------------------------------------------------------------------------- changes


def _change(number: int, version: int, agency: str, received: datetime) -> tuple[str, bytes, bytes]:
    """Agency, key and value of one change, as the dossier service writes it."""
    code = f"000.00.{number % 90:02d}.H38-240115-{number:06d}"
    at, due = received.isoformat(), (received + timedelta(days=30)).isoformat()
    steps = [("dossier.received", at, "received")]
    if version == 2:
        steps.append(("dossier.resolved", (received + timedelta(days=5)).isoformat(), "resolved"))
    source = "/publishers/mot-cua"
    history = [
        {"at": when, "type": what, "source": source, "id": f"{what}-{number}", "agency": agency,
         "status": status, "due_at": due} for what, when, status in steps
    ]  # fmt: skip
    done = history[1]["at"] if version == 2 else None
    state = {
        "status": steps[-1][2], "procedure_code": "1.001234",
        "channel": "online" if number % 10 else "one_stop",
        "received_at": at, "due_at": due, "effective_due_at": due, "resolved_at": done,
        "outcome": done and "approved", "on_time": done and True, "returned_at": None, "withdrawn_at": None,
        "rejected_at": None, "rejection_reason": None, "overdue": False, "pauses": [], "extensions": [],
        "irregular": [], "calendar": "measured", "history": history, "set_aside": [],
    }  # fmt: skip
    event = {
        "specversion": "1.0", "id": f"dossier:{code}:{version}", "source": "/services/dossier",
        "type": f"vn.laocai.{steps[-1][0]}.v1", "subject": f"dossier/{code}", "time": steps[-1][1],
        "datacontenttype": "application/json",
        "data": {"entity": code, "kind": "dossier", "version": version, "agency": agency, "state": state,
                 "causes": [{"source": source, "id": history[-1]["id"]}]},
    }  # fmt: skip
    return agency, code.encode(), json.dumps(event, separators=(",", ":")).encode()


def _changes(changes: int, agencies: list[str]) -> Iterator[tuple[str, bytes, bytes]]:
    rng = random.Random(1)
    waiting: list[tuple[int, str, datetime]] = []
    for number in range(changes // 2):
        dossier = number, rng.choice(agencies), FIRST + timedelta(days=rng.randrange(80))
        late = rng.random() < 0.05
        if not late:
            yield _change(dossier[0], 1, *dossier[1:])
        waiting.append(dossier)
        if len(waiting) > 20_000:
            ended = waiting.pop(rng.randrange(len(waiting)))
            yield _change(ended[0], 2, *ended[1:])
        if late or rng.random() < 0.05:
            yield _change(dossier[0], 1, *dossier[1:])
    for dossier in waiting:
        yield _change(dossier[0], 2, *dossier[1:])


async def _fill(bootstrap: str, changes: int, agencies: list[str]) -> int:
    """Put the changes on the topic, each agency on its partition. How many."""
    total = 0
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", linger_ms=50, max_batch_size=524_288, compression_type="lz4"
    ) as producer:
        last: dict[int, Any] = {}
        for agency, key, value in _changes(changes, agencies):
            partition = partition_of(agency, DEFAULT_PARTITIONS)
            last[partition] = await producer.send(TOPIC, value, key=key, partition=partition)
            total += 1
        await asyncio.gather(*last.values())
    return total


# ------------------------------------------------------------------------------------------- bare


async def _bare(on: Stage, total: int) -> float:
    """Changes a second of the bare fold. The next batch is decoded while the database works."""
    connection = await asyncpg.connect(on.url("scoring"))
    await connection.execute(BARE_TABLES)
    consumer = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=on.broker.address, auto_offset_reset="earliest",
        max_partition_fetch_bytes=1_048_576,
    )  # fmt: skip
    await consumer.start()
    begun = time.monotonic()
    storing: asyncio.Task[Any] | None = None
    seen = 0
    try:
        while seen < total:
            found = await consumer.getmany(timeout_ms=500, max_records=BATCH)
            records = [record for part in found.values() for record in part]
            rows = await _bare_rows(records)
            seen += len(records)
            if storing is not None:
                await storing
            storing = asyncio.create_task(connection.execute(BARE_FOLD, *rows))
        if storing is not None:
            await storing
        return total / (time.monotonic() - begun)
    finally:
        await consumer.stop()
        await connection.close()


async def _bare_rows(records: list[Any]) -> tuple[list[Any], ...]:
    decode = msgspec.json.Decoder(_Event).decode
    newest: dict[str, _Data] = {}
    for number, record in enumerate(records):
        data, key = decode(record.value).data, record.key.decode()
        if key not in newest or newest[key].version < data.version:
            newest[key] = data
        if number % 500 == 0:
            await asyncio.sleep(0)
    keys = sorted(newest)
    chosen = [newest[key] for key in keys]
    marks = [
        [
            None if at is None else hash((data.agency, flow, at[:10])) >> 1
            for data in chosen
            for at in ((data.state.received_at, data.state.resolved_at)[flow],)
        ]
        for flow in (0, 1)
    ]
    return keys, [data.version for data in chosen], *marks


# ---------------------------------------------------------------------------------------- service


async def _service(on: Stage, total: int, processes: int) -> dict[str, Any]:
    connection = await asyncpg.connect(on.url("scoring"))
    try:
        with ExitStack() as stack:
            begun = time.monotonic()
            watched = [stack.enter_context(on.service("scoring", number)) for number in range(processes)]
            progress = await watch(on.url("scoring"), FOLDED, total, watched)
            await watch(on.url("scoring"), ALL_SCORED, 1, watched)
            found = {
                "changes_per_s": round(progress.rate(total)),
                "from_start_to_last_score_s": round(time.monotonic() - begun, 1),
                "scores": await connection.fetchval("SELECT count(*) FROM score"),
                "marks_that_do_not_recount": await connection.fetchval(UNEQUAL),
                "peak_mib": [round(one.look() / 2**20, 1) for one in watched],
            }
            if processes == 1:
                found["rebuild"] = await _rebuild(watched[0], total)
        await connection.execute(EMPTY)
    finally:
        await connection.close()
    return found


async def _rebuild(service: Watched, total: int) -> dict[str, Any]:
    """Drop what is derived, read the topic again, and compare the scores byte for byte."""
    async with httpx.AsyncClient(timeout=60, base_url=service.address) as http:
        question = {"period": "2024-Q1"}
        before = (await http.get("/v1/scores", params=question)).json()["scores"]
        begun = time.monotonic()
        (await http.post("/v1/rebuild")).raise_for_status()
        while time.monotonic() - begun < REBUILD_GIVE_UP_S:
            await asyncio.sleep(0.2)
            service.revive()
            try:
                state = (await http.get("/v1/status")).json()
            except httpx.TransportError:
                continue
            if state.get("ready") and not state.get("pending") and not state.get("rebuilding"):
                break
        else:
            raise RuntimeError(f"not rebuilt after {REBUILD_GIVE_UP_S} s")
        seconds = time.monotonic() - begun
        after = (await http.get("/v1/scores", params=question)).json()["scores"]
    return {
        "seconds": round(seconds, 1),
        "changes_per_s": round(total / seconds),
        "same_scores": json.dumps(before) == json.dumps(after),
    }
