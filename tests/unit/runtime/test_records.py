"""Records of the inbox: structured and binary CloudEvents, and headers that are no text."""

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.ledger.decode import Refusal
from shared.runtime.ledger.items import decode_headers, encode_headers
from shared.runtime.ledger.records import Opened, open_record
from tests.unit.runtime.test_decode import received

SIGNED = [("webhook-id", b"f-1"), ("webhook-timestamp", b"1700000000"), ("webhook-signature", b"v1,x")]


def binary_headers() -> list[tuple[str, bytes | None]]:
    event = received()
    names = ("specversion", "id", "source", "type", "subject", "time")
    return [(f"ce_{name}", event[name].encode()) for name in names] + list(SIGNED)


def test_both_modes_give_the_same_envelope() -> None:
    event = received()
    structured = open_record(json.dumps(event).encode(), SIGNED)
    binary = open_record(json.dumps(event["data"]).encode(), binary_headers())
    assert isinstance(structured, Opened)
    assert isinstance(binary, Opened)
    for name in ("id", "source", "type", "subject", "time"):
        assert getattr(structured.envelope, name) == getattr(binary.envelope, name)
    assert json.loads(bytes(structured.envelope.data)) == json.loads(bytes(binary.envelope.data))


def test_in_binary_mode_the_signed_id_is_the_event_s() -> None:
    headers = [(name, b"other" if name == "webhook-id" else value) for name, value in binary_headers()]
    refusal = open_record(json.dumps(received()["data"]).encode(), headers)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "signature"


def test_a_header_that_is_no_text_costs_only_itself() -> None:
    opened = open_record(json.dumps(received()).encode(), [("x-trace", b"\xff\xfe"), ("x", None), *SIGNED])
    assert isinstance(opened, Opened)


@given(
    st.none() | st.binary(max_size=100),
    st.lists(st.tuples(st.text(max_size=10), st.none() | st.binary(max_size=20)), max_size=5),
)
def test_no_record_raises(value: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
    assert isinstance(open_record(value, headers), Refusal)
    assert decode_headers(encode_headers(headers)) == headers
