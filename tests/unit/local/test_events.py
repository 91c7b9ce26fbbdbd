"""Files of facts: what `./run publish` makes of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.events import FactFileError, as_event, read_facts, service_of
from shared.contracts.facts import FACTS_OF_MODULE
from shared.contracts.words import full_type

RECEIVED = {
    "type": "dossier.received",
    "data": {"dossier_code": "D-1", "agency": "so-y-te", "received_at": "2024-02-01T08:00:00+07:00"},
}


def test_a_bare_fact_becomes_a_whole_event() -> None:
    event = as_event(RECEIVED, "cong")
    assert event["specversion"] == "1.0"
    assert event["source"] == "/publishers/cong"
    assert event["type"] == "vn.laocai.dossier.received.v1"
    assert event["subject"] == "dossier/D-1"
    assert event["time"] == "2024-02-01T08:00:00+07:00"
    assert event["data"] is RECEIVED["data"]


def test_the_same_fact_has_the_same_id_whoever_reads_it_and_another_one_another() -> None:
    reordered = {"data": dict(reversed(RECEIVED["data"].items())), "type": "dossier.received"}  # type: ignore[attr-defined]
    assert as_event(RECEIVED, "cong")["id"] == as_event(reordered, "cong")["id"]
    other = {**RECEIVED, "data": {**RECEIVED["data"], "dossier_code": "D-2"}}  # type: ignore[dict-item]
    assert as_event(other, "cong")["id"] != as_event(RECEIVED, "cong")["id"]


def test_what_the_fact_says_itself_stays() -> None:
    told = {**RECEIVED, "id": "7", "time": "2024-02-02T00:00:00Z", "subject": "dossier/other"}
    event = as_event(told, "cong")
    assert (event["id"], event["time"], event["subject"]) == ("7", "2024-02-02T00:00:00Z", "dossier/other")


def test_a_complete_event_is_sent_as_it_stands() -> None:
    event = as_event(RECEIVED, "cong")
    assert as_event(event, "somebody-else") == event


@pytest.mark.parametrize(
    "text",
    [json.dumps([RECEIVED, RECEIVED]), f"{json.dumps(RECEIVED)}\n\n{json.dumps(RECEIVED)}\n"],
    ids=["array", "lines"],
)
def test_arrays_and_lines_read_the_same(text: str) -> None:
    assert read_facts(text) == [RECEIVED, RECEIVED]


def test_one_object_is_a_file_of_one() -> None:
    assert read_facts(json.dumps(RECEIVED, indent=2)) == [RECEIVED]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1}\n{"a":', "line 2 is not JSON"),
        ('{"a": 1}\n[1]', "line 2 is not a JSON object"),
        ("[1]", "entry 1 is not a JSON object"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(FactFileError, match=told):
        read_facts(text)


def test_every_type_of_the_contract_has_its_service() -> None:
    for module, facts in FACTS_OF_MODULE.items():
        for short in facts:
            if short != "fact.retracted":
                assert service_of({"type": full_type(short), "subject": "x/1"}) == module, short


def test_a_day_s_figure_happened_when_the_day_was_over() -> None:
    data = {"agency": "so-y-te", "channel": "portal", "date": "2024-02-01", "visits": 7}
    assert as_event({"type": "audience.measured", "data": data}, "x")["time"] == "2024-02-01T23:59:59+07:00"


def test_a_fact_that_does_not_say_when_needs_a_time() -> None:
    with pytest.raises(FactFileError, match="received_at"):
        as_event({"type": "dossier.received", "data": {"dossier_code": "D-1"}}, "cong")


def test_a_retraction_goes_where_its_subject_belongs() -> None:
    retraction = {"type": full_type("fact.retracted"), "subject": "question/7"}
    assert service_of(retraction) == "qa"
    with pytest.raises(FactFileError, match="subject"):
        service_of({**retraction, "subject": "7"})


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    try:
        facts = read_facts(text)
    except FactFileError:
        return
    assert all(isinstance(fact, dict) for fact in facts)
