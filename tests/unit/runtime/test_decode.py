"""Decoding: the fast way and the contract agree, and nothing that comes in raises."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.content.lifecycle import lifecycle as content
from services.dossier.lifecycle import lifecycle as dossier
from shared.contracts.envelope import Event
from shared.runtime.ledger.decode import (
    MAX_DEPTH,
    Candidate,
    Envelope,
    Refusal,
    Vocabulary,
    open_event,
    too_deep,
)

NOW = datetime(2024, 3, 22, 5, 0, tzinfo=UTC)
DOSSIER = Vocabulary(dossier())
CONTENT = Vocabulary(content())


def received(**changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": "f-1",
        "source": "/publishers/cong",
        "type": "vn.laocai.dossier.received.v1",
        "subject": "dossier/000.00.53.H38-240115-0099",
        "time": "2024-01-15T08:30:00+07:00",
        "data": {
            "dossier_code": "000.00.53.H38-240115-0099",
            "agency": "so-y-te",
            "procedure_code": "1.004379",
            "channel": "online",
            "received_at": "2024-01-15T08:30:00+07:00",
            "due_at": "2024-01-29T08:30:00+07:00",
        },
    }
    data = changes.pop("data", {})
    event.update(changes)
    event["data"] = {**event["data"], **data}
    return {name: value for name, value in event.items() if value is not ...}


def read(event: dict[str, Any], vocabulary: Vocabulary = DOSSIER) -> Candidate | Refusal:
    raw = json.dumps(event).encode()
    envelope = open_event(raw)
    return envelope if isinstance(envelope, Refusal) else vocabulary.read(envelope, raw, NOW)


def reason(event: dict[str, Any], vocabulary: Vocabulary = DOSSIER) -> str:
    content = read(event, vocabulary)
    return content.code if isinstance(content, Refusal) else "accepted"


def test_a_fact_of_the_contract_is_read() -> None:
    candidate = read(received())
    assert isinstance(candidate, Candidate)
    assert candidate.fact.type == "dossier.received"
    assert candidate.ref is not None
    assert (candidate.ref.kind, candidate.ref.scope) == ("dossier", "so-y-te")


@pytest.mark.parametrize(
    ("expected", "changes"),
    [
        ("envelope", {"specversion": "0.3"}),
        ("envelope", {"id": ...}),
        ("envelope", {"id": "a\x00b"}),
        ("envelope", {"time": "2024-01-15T08:30:00"}),
        ("envelope", {"time": 17}),
        ("envelope", {"source": "cong"}),
        ("unknown_type", {"type": "vn.laocai.dossier.overdue.v1"}),
        ("unknown_type", {"type": "vn.laocai.dossier.received.v2"}),
        ("wrong_module", {"type": "vn.laocai.question.received.v1"}),
        ("subject", {"subject": "dossier/another"}),
        ("time", {"time": (NOW + timedelta(days=1, seconds=1)).isoformat()}),
        ("time", {"time": "1999-12-31T08:30:00+07:00"}),
        ("time", {"data": {"received_at": "2034-01-01T00:00:00+07:00"}}),
        ("time", {"data": {"due_at": "2044-01-01T00:00:00+07:00"}}),
        ("schema", {"data": {"channel": "post"}}),
        ("schema", {"data": {"chanel": "online"}}),
        ("schema", {"data": {"agency": "Sở Y tế"}}),
        ("too_deep", {"data": {"x": [[[[[[[[[[[[[1]]]]]]]]]]]]]}}),
        ("too_large", {"data": {"x": "x" * 300_000}}),
    ],
)
def test_each_fault_has_its_reason(expected: str, changes: dict[str, Any]) -> None:
    assert reason(received(**changes)) == expected


def test_a_schema_fault_names_its_fields() -> None:
    refusal = read(received(data={"channel": "post", "agency": None}))
    assert isinstance(refusal, Refusal)
    assert {place for place, _ in refusal.errors} == {"/data/channel", "/data/agency"}


def test_the_same_content_has_the_same_digest_however_it_is_spelt() -> None:
    one = read(received())
    other = read(received(time="2024-01-15T01:30:00Z", datacontenttype="application/json"))
    third = read(received(data={"channel": "one_stop"}))
    assert isinstance(one, Candidate)
    assert isinstance(other, Candidate)
    assert isinstance(third, Candidate)
    assert one.digest == other.digest != third.digest


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("specversion", "id", "source", "type", "subject", "time", "data", "datacontenttype", "traceparent")


@settings(max_examples=400)
@given(st.sampled_from(FIELDS), JSON | st.just(...))
def test_the_fast_way_accepts_exactly_what_the_contract_accepts(field: str, value: Any) -> None:
    event = received()
    if value is ...:
        event.pop(field, None)
    else:
        event[field] = value
    raw = json.dumps(event).encode()
    try:
        Event.model_validate_json(raw)
        accepted = True
    except ValidationError:
        accepted = False
    opened = open_event(raw)
    if accepted and isinstance(opened, Refusal):
        assert opened.code in ("malformed", "too_deep")
    else:
        assert isinstance(opened, Envelope) == accepted


@given(st.binary(max_size=300))
def test_no_bytes_raise(raw: bytes) -> None:
    assert isinstance(open_event(raw), Refusal)


@given(JSON)
def test_no_data_raises(data: Any) -> None:
    event = received()
    event["data"] = {"article_id": "a", "agency": "so-y-te", "removed_at": data, "reason": data}
    event["type"], event["subject"] = "vn.laocai.article.removed.v1", "article/a"
    read(event, CONTENT)


@given(st.integers(0, 30), st.text(alphabet='[]{}"\\', max_size=30))
def test_depth_counts_brackets_but_not_those_in_text(depth: int, text: str) -> None:
    raw = b"[" * depth + json.dumps(text).encode() + b"]" * depth
    assert too_deep(raw) == (depth > MAX_DEPTH)
