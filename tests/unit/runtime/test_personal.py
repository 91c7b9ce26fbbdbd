"""What a refused event about a question leaves behind: nothing that the contract has no place for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.facts import FACTS_OF_MODULE
from shared.runtime.ledger.personal import (
    REMOVED,
    known_headers,
    may_name_an_asker,
    without_asker,
)

ASKER = "Nguyễn Thị Người Hỏi"
QUESTION = {
    "specversion": "1.0", "id": "f-1", "source": "/publishers/cong", "type": "vn.laocai.question.received.v1",
    "subject": "question/q1", "time": "2024-01-15T08:30:00+07:00",
    "data": {
        "question_id": "q1", "agency": "so-y-te", "received_at": "2024-01-15T08:30:00+07:00",
        "field": "đất đai",
    },
}  # fmt: skip
KNOWN_FIELDS = {
    "question_id", "agency", "received_at", "field", "asker_locality", "accepted_at", "to_agency",
    "forwarded_at", "answered_at", "answerer_title", "deleted_at", "reason",
}  # fmt: skip


def test_the_contract_has_no_place_for_an_asker_nor_an_answerer_s_name() -> None:
    fields = {
        name
        for short, model in FACTS_OF_MODULE["qa"].items()
        if short.startswith("question.")
        for name in model.model_fields
    }
    assert fields <= KNOWN_FIELDS, "a new field of questions: may it name a person? Then it must not be."


def test_an_event_of_the_contract_is_kept_byte_for_byte() -> None:
    raw = json.dumps(QUESTION, ensure_ascii=False).encode()
    assert without_asker(raw) is raw


@pytest.mark.parametrize(
    "spoiled",
    [
        {**QUESTION, "data": {**QUESTION["data"], "asker_name": ASKER}},  # type: ignore[dict-item]
        {**QUESTION, "data": {**QUESTION["data"], ASKER: 1}},  # type: ignore[dict-item]
        {**QUESTION, "data": {**QUESTION["data"], "field": {"asker": ASKER}}},  # type: ignore[dict-item]
        {**QUESTION, "data": {**QUESTION["data"], "agency": [ASKER]}},  # type: ignore[dict-item]
        {**QUESTION, "data": ASKER},
        {**QUESTION, "data": [ASKER]},
        {**QUESTION, "asker": {"name": ASKER}},
        [ASKER],
        ASKER,
    ],
)
def test_what_the_contract_does_not_know_loses_its_value(spoiled: Any) -> None:
    kept = without_asker(json.dumps(spoiled, ensure_ascii=False).encode())
    assert ASKER not in json.dumps(json.loads(kept), ensure_ascii=False)
    assert REMOVED in json.loads(kept) or REMOVED in kept.decode()


@given(st.binary(max_size=200))
def test_what_is_not_json_leaves_its_size_and_digest(raw: bytes) -> None:
    kept = without_asker(raw)
    json.loads(kept)
    if kept != raw:
        assert len(raw) < 8 or raw not in kept


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8).map(lambda name: f"x{name}"), JSON, max_size=4))
def test_no_unknown_value_survives(extra: dict[str, Any]) -> None:
    event = {**QUESTION, **extra, "data": {**QUESTION["data"], **extra}}  # type: ignore[dict-item]
    kept = json.loads(without_asker(json.dumps(event).encode()))
    assert all(kept[name] == value for name, value in QUESTION.items() if name != "data")
    unknown = {name for name in extra if name not in ("x",)}
    assert not unknown & kept.keys()
    assert not unknown & kept["data"].keys()


def test_only_events_about_questions_are_pruned_elsewhere() -> None:
    assert may_name_an_asker("qa", None)
    assert may_name_an_asker("dossier", "vn.laocai.question.received.v1")
    assert not may_name_an_asker("dossier", "vn.laocai.dossier.received.v1")


def test_headers_that_no_event_needs_are_not_kept() -> None:
    headers = [("webhook-id", b"x"), ("X-Asker", ASKER.encode()), ("ce_id", b"1"), ("Content-Type", None)]
    assert [name for name, _ in known_headers(headers)] == ["webhook-id", "ce_id", "Content-Type"]
