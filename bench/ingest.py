"""(b) Ingest: how fast one dossier service turns an inbox into a durable ledger.

Measured against the bare libraries doing the same reading and writing: aiokafka reads the same records, each
signature is checked and each event decoded, and asyncpg inserts the rows with the same primary key, 2,000
to a transaction. The service does beyond that: schemas, grants, conflicts, folding, versions, deadlines and
the outbox that it also sends.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from datetime import datetime
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from bench.load import PUBLISHER, dossier_facts, encoded, fill_inbox, open_agencies
from bench.stage import Stage, Watched, stage, watch
from shared.runtime.access import Sealer, add_publisher
from shared.runtime.access.sealing import read_key
from shared.runtime.signature import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

BATCH = 2_000
BARE_TABLE = """
    CREATE TABLE bare (
        source text, id text, type text, entity text, agency text, time timestamptz, event bytea,
        PRIMARY KEY (source, id)
    )"""
BARE_INSERT = """
    INSERT INTO bare SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bytea[]
    ) ON CONFLICT DO NOTHING"""


def measure(dossiers: int, port_base: int) -> dict[str, Any]:
    """Run the measurement with two facts for each of `dossiers`."""
    with stage(port_base) as on:
        return asyncio.run(_measure(on, dossiers))


async def _measure(on: Stage, dossiers: int) -> dict[str, Any]:
    agencies = open_agencies()
    key = await make_publisher(on)
    total = await fill_inbox(on.broker.address, key, dossier_facts(dossiers, agencies))
    bare = await _bare(on, key, total)
    with on.service("dossier") as service:
        progress = await watch(on.url("dossier"), "SELECT sum(next) FROM position", total, [service])
        kafka_rate = progress.rate(total)
        await _drained(service)
        http_rate = await _over_http(service, key, dossiers // 4, agencies)
        peak = service.look()
    return {
        "facts": total,
        "kafka_facts_per_s": round(kafka_rate),
        "bare_facts_per_s": round(bare),
        "kafka_ratio_to_bare": round(kafka_rate / bare, 3),
        "http_facts_per_s": round(http_rate),
        "http_ratio_to_bare": round(http_rate / bare, 3),
        "service_peak_mib": round(peak / 2**20, 1),
    }


async def make_publisher(on: Stage) -> bytes:
    """A publisher for everything; its HMAC key."""
    connection = await asyncpg.connect(on.cluster.url("postgres", on.secrets.admin))
    try:
        sealer = Sealer.from_file(on.secrets.master_key_file)
        return read_key(await add_publisher(connection, sealer, PUBLISHER, ["*"], ["*"]))
    finally:
        await connection.close()


async def _bare(on: Stage, key: bytes, total: int) -> float:
    """Records a second of the bare libraries, from the first batch's end to the last's."""
    connection = await asyncpg.connect(on.url("dossier"))
    await connection.execute(BARE_TABLE)
    consumer = AIOKafkaConsumer(
        "dossier.inbox", bootstrap_servers=on.broker.address, group_id="bare", auto_offset_reset="earliest",
        enable_auto_commit=False, max_partition_fetch_bytes=1_048_576,
    )  # fmt: skip
    await consumer.start()
    done, marks = 0, []
    try:
        while done < total:
            found = await consumer.getmany(timeout_ms=1_000, max_records=BATCH)
            records = [record for part in found.values() for record in part]
            if not records:
                continue
            rows = [_bare_row(record, key) for record in records]
            await connection.execute(BARE_INSERT, *(list(column) for column in zip(*rows, strict=True)))
            await consumer.commit()
            done += len(records)
            marks.append((time.monotonic(), done))
    finally:
        await consumer.stop()
        await connection.execute("DROP TABLE bare")
        await connection.close()
    inner = [mark for mark in marks if mark[1] >= total * 0.1]
    return (inner[-1][1] - inner[0][1]) / (inner[-1][0] - inner[0][0])


def _bare_row(record: "ConsumerRecord[bytes, bytes]", key: bytes) -> tuple[Any, ...]:
    value = record.value or b""
    headers = {name: text.decode() for name, text in record.headers}
    signed = f"{headers[ID_HEADER]}.{headers[TIMESTAMP_HEADER]}.".encode() + value
    digest = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    if not hmac.compare_digest(digest, headers[SIGNATURE_HEADER]):
        raise RuntimeError("a signature of the measurement does not hold")
    event = json.loads(value)
    at = datetime.fromisoformat(event["time"])
    return event["source"], event["id"], event["type"], event["subject"], event["data"]["agency"], at, value


async def _drained(service: Watched) -> None:
    """Wait until the service has passed on all it took in."""
    async with httpx.AsyncClient() as http:
        while (await http.get(f"{service.address}/v1/status")).json()["pending"]:
            service.look()
            await asyncio.sleep(0.1)


async def _over_http(service: Watched, key: bytes, dossiers: int, agencies: list[str]) -> float:
    """Facts a second over HTTP: batches of 500 over four connections."""
    facts = [{**fact, "id": "http-" + fact["id"]} for fact in dossier_facts(dossiers, agencies)]
    for fact in facts:
        fact["data"] = {**fact["data"], "dossier_code": "W" + fact["data"]["dossier_code"]}
        fact["subject"] = "dossier/" + fact["data"]["dossier_code"]
    bodies = [encoded(facts[start : start + 500]) for start in range(0, len(facts), 500)]
    waiting = list(reversed(bodies))

    async def lane(http: httpx.AsyncClient) -> None:
        while waiting:
            body = waiting.pop()
            stamp = int(time.time())
            headers = {
                "content-type": "application/cloudevents-batch+json",
                ID_HEADER: "batch",
                TIMESTAMP_HEADER: str(stamp),
                SIGNATURE_HEADER: sign(key, "batch", stamp, body),
            }
            answer = await http.post(f"{service.address}/v1/events", content=body, headers=headers)
            answer.raise_for_status()
            if any(result["status"] != "accepted" for result in answer.json()["results"]):
                raise RuntimeError(answer.text[:1_000])

    begun = time.monotonic()
    async with httpx.AsyncClient(timeout=60) as http:
        await asyncio.gather(*(lane(http) for _ in range(4)))
    return len(facts) / (time.monotonic() - begun)
