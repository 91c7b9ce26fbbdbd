"""Bytes of strangers, by chance and by coverage: nothing raises, nothing unsigned passes, all can be told."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.security.fuzzing import EVENT, HONEST, one_input

SECONDS = int(os.environ.get("BUS_TEST_FUZZ_SECONDS", "5"))
ROOT = Path(__file__).resolve().parent.parent.parent

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


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed")
def test_by_coverage(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "honest").write_bytes(HONEST)
    command = [
        sys.executable, "-m", "tests.security.by_coverage", f"-max_total_time={SECONDS}", "-max_len=4096",
        f"-artifact_prefix={tmp_path}/", str(corpus),
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS * 6 + 60, check=False
    )
    assert done.returncode == 0, done.stderr[-4_000:]
