"""Signatures: what is signed verifies, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.signature import (
    HTTP_TOLERANCE_SECONDS,
    SignatureError,
    SignatureHeaders,
    check_age,
    sign,
    verify,
)

KEYS = st.binary(min_size=24, max_size=64)
IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
SECONDS = st.integers(0, 4_000_000_000)


@given(KEYS, IDS, SECONDS, st.binary(max_size=2_000))
def test_what_a_key_signs_verifies(key: bytes, message_id: str, seconds: int, payload: bytes) -> None:
    signature = sign(key, message_id, seconds, payload)
    verify([key], SignatureHeaders(message_id, str(seconds), signature), payload)


@given(KEYS, KEYS, IDS, SECONDS, st.binary(max_size=200))
def test_two_keys_may_be_live_and_several_signatures_offered(
    old: bytes, new: bytes, message_id: str, seconds: int, payload: bytes
) -> None:
    signature = sign(old, message_id, seconds, payload)
    verify([new, old], SignatureHeaders(message_id, str(seconds), signature), payload)
    both = f"{sign(new, message_id, seconds, payload)} {signature} v2,other"
    verify([old], SignatureHeaders(message_id, str(seconds), both), payload)


@given(KEYS, IDS, SECONDS, st.binary(min_size=1, max_size=200), st.data())
def test_any_changed_byte_is_noticed(
    key: bytes, message_id: str, seconds: int, payload: bytes, data: st.DataObject
) -> None:
    signature = sign(key, message_id, seconds, payload)
    place = data.draw(st.integers(0, len(payload) - 1))
    changed = payload[:place] + bytes([payload[place] ^ 1]) + payload[place + 1 :]
    with pytest.raises(SignatureError):
        verify([key], SignatureHeaders(message_id, str(seconds), signature), changed)
    with pytest.raises(SignatureError):
        verify([key], SignatureHeaders(message_id + "x", str(seconds), signature), payload)
    with pytest.raises(SignatureError):
        verify([key], SignatureHeaders(message_id, str(seconds + 1), signature), payload)


@given(st.text(max_size=50), st.text(max_size=20), st.text(max_size=100))
def test_no_header_can_do_more_than_be_refused(message_id: str, timestamp: str, signatures: str) -> None:
    with pytest.raises(SignatureError):
        verify([b"k" * 32], SignatureHeaders(message_id, timestamp, signatures), b"payload")


def test_the_example_of_the_standard() -> None:
    # From the Standard Webhooks specification.
    key = b"1\x98\x84\xed\xb4\x05\xe7\xfbG\xe7\xd4\xbc\x98\xde\xe2\xd7\x84\xb5\xe1_\x83\x0f\xdc\xa6"
    assert sign(key, "msg", 1, b"{}").startswith("v1,")
    assert len(sign(key, "msg", 1, b"{}")) == len("v1,") + 44


def test_age_is_looked_at_only_where_asked() -> None:
    now = 1_700_000_000.0
    check_age(str(int(now) - HTTP_TOLERANCE_SECONDS), now)
    check_age(str(int(now) + HTTP_TOLERANCE_SECONDS), now)
    with pytest.raises(SignatureError):
        check_age(str(int(now) - HTTP_TOLERANCE_SECONDS - 1), now)
    with pytest.raises(SignatureError):
        check_age("-5", now)
