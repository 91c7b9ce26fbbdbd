"""A trace that comes with a change goes on to the score, also when another replica works it out."""

import json
from dataclasses import dataclass

import pytest
import structlog

from shared.runtime.tracing import trace_id
from tests.integration.scoring.rig import Bus, Record, rig
from tests.unit.scoring.world import world

pytestmark = pytest.mark.anyio
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@dataclass(frozen=True, slots=True)
class Traced(Record):
    """A record with the header of a trace."""

    headers: tuple[tuple[str, bytes], ...] = (("traceparent", PARENT.encode()), ("x", b"\xff"))


async def test_the_score_carries_the_trace_of_the_fact(empty_postgres_url: str) -> None:
    changes = [change for entity in world(3, 30) for change in entity.changes]
    bus = Bus()
    records = [bus.put(change) for change in changes]
    async with rig(empty_postgres_url) as one, rig(empty_postgres_url) as other:
        with structlog.testing.capture_logs() as told:
            await one.fold([Traced(r.topic, r.partition, r.offset, r.key, r.value) for r in records])
            await other.scorer.run_once()
        async with one.pool.acquire() as connection:
            rows = await connection.fetch(
                "SELECT value, headers FROM outbox WHERE topic = 'score.changes' ORDER BY id"
            )
            sent = await connection.fetchval("SELECT count(*) FROM outbox WHERE topic = 'scores'")
    followed = 0
    for row in rows:
        headers = json.loads(row["headers"])
        causes = json.loads(row["value"])["data"]["causes"]
        by_fact = any(cause["source"].startswith("/publishers/") for cause in causes)
        assert ("traceparent" in headers) == by_fact
        assert headers["content-type"]
        if by_fact:
            followed += 1
            assert trace_id(headers["traceparent"]) == TRACE
    # Communes change too, but only the province's table is on `scores`.
    assert 0 < followed <= len(rows)
    assert 0 < sent < len(rows)
    events = [line["event"] for line in told if line.get("trace_id") == TRACE]
    assert events.count("change counted") == len({line["cause"] for line in told if "cause" in line})
    assert events.count("score changed") == followed


async def test_what_nobody_follows_leaves_no_trace(empty_postgres_url: str) -> None:
    changes = [change for entity in world(3, 10) for change in entity.changes]
    bus = Bus()
    async with rig(empty_postgres_url) as one:
        await one.fold([bus.put(change) for change in changes])
        await one.scorer.run_once()
        assert await one.fetchval("SELECT count(*) FROM trace") == 0
