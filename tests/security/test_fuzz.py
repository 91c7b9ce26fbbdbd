"""Bytes of strangers, by chance: nothing raises, nothing unsigned passes, all can be told."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.security.fuzzing import EVENT, HONEST, one_input

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def test_the_honest_event_is_none_of_these() -> None:
    one_input(HONEST)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
@example(b"")
@example(b"\x00" * 40)
@example(b"[" * 5_000)
@example(b'{"a":' * 3_000)
@example(b"1" * 5_000)
def test_bytes(data: bytes) -> None:
    one_input(data)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*EVENT, *EVENT["data"], "x"]), VALUES)
def test_events_with_a_field_of_any_value(field: str, value: Any) -> None:
    data = {**EVENT["data"], **({field: value} if field in EVENT["data"] else {})}
    event = {**EVENT, "data": data, **({field: value} if field not in EVENT["data"] else {})}
    one_input(json.dumps(event).encode())


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(HONEST) - 1), st.binary(min_size=1, max_size=8))
def test_the_honest_event_with_some_bytes_changed(place: int, data: bytes) -> None:
    one_input(HONEST[:place] + data + HONEST[place + len(data) :])
