"""A fact whose sender follows it, by each of the three ways to say so, up to the record on the bus."""

import json
from collections import deque
from pathlib import Path
from typing import Any

import pytest
import structlog

from shared.runtime import tracing
from shared.runtime.tracing import trace_id
from tests.integration.ledger.conftest import event
from tests.security.entrance import BATCH, Entrance, entrance

pytestmark = pytest.mark.anyio
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
RECEIVED = "2024-01-10T08:00"


async def traces_of(at: Entrance) -> dict[str, str | None]:
    """The trace in the headers of each record that waits for the bus, by key."""
    rows = await at.pool.fetch("SELECT key, headers FROM outbox WHERE topic = 'dossier.events' ORDER BY id")
    found: dict[str, str | None] = {}
    for row in rows:
        traceparent = json.loads(row["headers"]).get("traceparent")
        found[row["key"].decode()] = trace_id(traceparent) if traceparent else None
    return found


async def test_a_trace_goes_with_the_change_it_causes(empty_postgres_url: str, tmp_path: Path) -> None:
    async with entrance(empty_postgres_url, tmp_path) as at:
        key = await at.publisher("cong")
        body = json.dumps([event("received", "BY-REQUEST", "r", RECEIVED)]).encode()
        headers = {"content-type": BATCH, **key.headers(body), "traceparent": PARENT}
        with structlog.testing.capture_logs() as told:
            answer = await at.http.post("/v1/events", content=body, headers=headers)
            assert answer.json()["results"][0]["status"] == "accepted"
            attribute = {**event("received", "BY-ATTRIBUTE", "a", RECEIVED), "traceparent": PARENT}
            await at.post([attribute, event("received", "NONE", "n", RECEIVED)], key)
            value = json.dumps(event("received", "BY-RECORD", "k", RECEIVED)).encode()
            assert await at.take(value, {**key.headers(value), "traceparent": PARENT}) == "accepted"
            broken: dict[str, Any] = {**event("received", "BROKEN", "b", RECEIVED), "traceparent": "nonsense"}
            await at.post([broken], key)
        assert await traces_of(at) == {
            "BY-REQUEST": TRACE, "BY-ATTRIBUTE": TRACE, "BY-RECORD": TRACE, "NONE": None, "BROKEN": None,
        }  # fmt: skip
        lines = [(line["event"], line.get("key")) for line in told if line.get("trace_id") == TRACE]
        assert lines == [
            ("change", "BY-REQUEST"), ("facts", None), ("change", "BY-ATTRIBUTE"), ("change", "BY-RECORD"),
        ]  # fmt: skip


async def test_every_step_is_a_span_that_follows_from_the_one_before(
    empty_postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a collector shows them: no step's parent is missing, from the sender to the record on the bus."""
    monkeypatch.setattr(tracing.spans, "_url", "http://collector.example/v1/traces")
    monkeypatch.setattr(tracing.spans, "_waiting", deque())
    async with entrance(empty_postgres_url, tmp_path) as at:
        key = await at.publisher("cong")
        body = json.dumps([event("received", "D1", "r", RECEIVED)]).encode()
        headers = {"content-type": BATCH, **key.headers(body), "traceparent": PARENT}
        await at.post([event("received", "D0", "q", RECEIVED)], key)
        await at.http.post("/v1/events", content=body, headers=headers)
        (on_the_bus,) = await at.pool.fetch("SELECT headers FROM outbox WHERE key = 'D1'")
    spans = {span.name: span.document() for span in tracing.spans._waiting}
    request, change = spans.pop("POST /v1/events"), spans.pop("change")
    assert not spans
    assert request["parentSpanId"] == PARENT[36:52]
    assert change["parentSpanId"] == request["spanId"]
    assert json.loads(on_the_bus["headers"])["traceparent"][36:52] == change["spanId"]
    assert int(change["startTimeUnixNano"]) <= int(change["endTimeUnixNano"])
