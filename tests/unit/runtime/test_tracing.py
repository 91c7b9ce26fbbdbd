"""Trace context: what is one is carried on, what is none is ignored, and a collector gets OTLP."""

import json
import re
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime import tracing
from shared.runtime.ledger.folding import CHANGE_HEADERS
from shared.runtime.life import Life
from shared.runtime.tracing import MAX_WAITING, Spans, child, parse, span_id, trace_id, with_trace

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
HEX = "0123456789abcdef"
TRACEPARENTS = st.builds(
    "00-{}-{}-{}".format,
    st.text(HEX, min_size=32, max_size=32).filter(lambda text: int(text, 16) > 0),
    st.text(HEX, min_size=16, max_size=16).filter(lambda text: int(text, 16) > 0),
    st.sampled_from(["00", "01"]),
)


@given(TRACEPARENTS, st.text(max_size=30), st.text(max_size=30))
def test_a_child_is_of_the_same_trace_and_has_a_span_of_its_own(parent: str, one: str, other: str) -> None:
    assert parse(parent) == parent
    step = child(parent, one)
    assert parse(step) == step
    assert trace_id(step) == trace_id(parent)
    assert step.endswith(parent[52:])
    assert (child(parent, other) == step) == (one == other)
    assert span_id(child(step, one)) != span_id(step)


@given(st.text(max_size=60) | st.none() | st.integers() | st.lists(st.text()))
def test_anything_else_is_ignored(text: Any) -> None:
    found = parse(text)
    assert found is None or re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", found)


@pytest.mark.parametrize(
    "text", [f"00-{'0' * 32}-{'1' * 16}-01", f"00-{'1' * 32}-{'0' * 16}-01", PARENT.upper()]
)
def test_what_the_standard_forbids_is_ignored(text: str) -> None:
    assert parse(text) is None


def test_headers_keep_what_they_had() -> None:
    headers = msgspec.json.decode(with_trace(CHANGE_HEADERS, PARENT))
    assert headers == {"content-type": "application/cloudevents+json", "traceparent": PARENT}
    assert msgspec.json.decode(with_trace(None, PARENT)) == {"traceparent": PARENT}


@pytest.mark.anyio
async def test_a_collector_gets_spans_and_a_broken_one_costs_only_them() -> None:
    taken: list[Any] = []

    def collect(request: httpx.Request) -> httpx.Response:
        assert request.url == "http://collector:4318/v1/traces"
        taken.append(json.loads(request.content))
        return httpx.Response(200 if len(taken) == 1 else 503)

    spans, life = Spans(), Life()
    spans.note(PARENT, None, "off", 0, 1)
    spans.start(life, "dossier", "http://collector:4318/")
    step = child(PARENT, "x")
    spans.note(step, PARENT, "POST /v1/events", 1, 2, publisher="cong", accepted=3)
    async with httpx.AsyncClient(transport=httpx.MockTransport(collect)) as client:
        await spans.send(client)
        (resource,) = taken[0]["resourceSpans"]
        (span,) = resource["scopeSpans"][0]["spans"]
        assert (span["traceId"], span["spanId"], span["parentSpanId"]) == (
            trace_id(PARENT), span_id(step), span_id(PARENT),
        )  # fmt: skip
        assert {"key": "accepted", "value": {"stringValue": "3"}} in span["attributes"]
        service = {"key": "service.name", "value": {"stringValue": "scoring-bus.dossier"}}
        assert service in resource["resource"]["attributes"]
        for _ in range(MAX_WAITING + 5):
            spans.note(step, PARENT, "x", 0, 1)
        assert spans.dropped == 5
        await spans.send(client)
        assert spans.dropped == MAX_WAITING + 5
    life.stopping.set()
    await life.finish(5)


def test_spans_are_off_until_somebody_wants_them() -> None:
    assert not tracing.spans.on
