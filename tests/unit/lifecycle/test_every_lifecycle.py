"""What holds for every lifecycle, whatever facts it is given."""

import json
from collections.abc import Mapping
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.content.lifecycle import lifecycle as content
from services.dossier.lifecycle import lifecycle as dossier
from services.qa.lifecycle import lifecycle as qa
from shared.calendar.local import local, parse_instant
from shared.contracts.facts import FACTS_OF_MODULE
from shared.contracts.states import STATE_OF_KIND
from shared.runtime.ledger.lifecycle import EntityRef, Fact, Lifecycle
from tests.unit.lifecycle.cases import AGENCY, at, entities, fact, nows

LIFECYCLES: Mapping[str, Lifecycle] = {"content": content(), "qa": qa(), "dossier": dossier()}

PREFIXES = {
    "article.": ("content", "article", "bai-1"),
    "audience.": ("content", "audience", f"{AGENCY}/portal/2024-01-20"),
    "portal.": ("content", "portal", AGENCY),
    "board.": ("content", "board", AGENCY),
    "channel.": ("content", "channel", f"{AGENCY}/n1"),
    "report.": ("content", "report", f"{AGENCY}/2024-Q1"),
    "assessment.": ("content", "assessment", f"{AGENCY}/2024-Q1/leaders-schedule"),
    "dispute.": ("content", "dispute", "kn-1"),
    "ruling.": ("content", "dispute", "kn-1"),
    "question.": ("qa", "question", "hoi-1"),
    "dossier.": ("dossier", "dossier", "000.00.10.H38-240115-0001"),
    "procedure.": ("dossier", "procedure", "1.000123"),
}

every_kind = pytest.mark.parametrize("prefix", PREFIXES)


def parts(prefix: str) -> tuple[Lifecycle, EntityRef]:
    module, kind, entity = PREFIXES[prefix]
    return LIFECYCLES[module], EntityRef(kind, entity, "" if kind == "question" else AGENCY)


@every_kind
@given(data=st.data(), now=nows)
@settings(max_examples=60)
def test_order_and_repetition_never_matter(prefix: str, data: st.DataObject, now: datetime) -> None:
    lifecycle, ref = parts(prefix)
    facts = data.draw(entities(prefix))
    once = lifecycle.fold(ref, facts, now)
    repeats = data.draw(st.lists(st.sampled_from(facts))) if facts else []
    again = data.draw(st.permutations(facts + repeats))
    assert lifecycle.fold(ref, again, now) == once


@every_kind
@given(data=st.data(), now=nows)
@settings(max_examples=60)
def test_the_state_has_its_public_shape_and_survives_json(
    prefix: str, data: st.DataObject, now: datetime
) -> None:
    lifecycle, ref = parts(prefix)
    state = lifecycle.fold(ref, data.draw(entities(prefix)), now).state
    assert json.loads(json.dumps(state)) == state
    model = STATE_OF_KIND[ref.kind].model_validate(state)
    assert set(state) == {field.alias or name for name, field in type(model).model_fields.items()}


@every_kind
@given(data=st.data())
@settings(max_examples=60)
def test_every_fact_is_in_the_history_or_set_aside_with_a_reason(prefix: str, data: st.DataObject) -> None:
    lifecycle, ref = parts(prefix)
    facts = data.draw(entities(prefix))
    state = lifecycle.fold(ref, facts, at("02-01 08:00")).state
    told = [(step["source"], step["id"]) for step in state["history"] + state["set_aside"]]
    assert sorted(told) == sorted((known.source, known.id) for known in facts)
    assert all(entry["reason"] and entry["code"] for entry in state["set_aside"])
    moments = [parse_instant(step["at"]) for step in state["history"]]
    assert moments == sorted(moments)


@every_kind
@given(data=st.data())
@settings(max_examples=60)
def test_facts_that_were_set_aside_could_as_well_be_missing(prefix: str, data: st.DataObject) -> None:
    lifecycle, ref = parts(prefix)
    facts = data.draw(entities(prefix))
    now = at("02-01 08:00")
    full = lifecycle.fold(ref, facts, now).state
    ignored = {(entry["source"], entry["id"]) for entry in full["set_aside"]}
    rest = [known for known in facts if (known.source, known.id) not in ignored]
    assert lifecycle.fold(ref, rest, now).state | {"set_aside": []} == full | {"set_aside": []}


@every_kind
def test_without_any_fact_nothing_is_opened(prefix: str) -> None:
    lifecycle, ref = parts(prefix)
    folded = lifecycle.fold(ref, [], at("02-01 08:00"))
    assert folded.state["status"] == "unopened"
    assert folded.deadlines == ()
    assert folded.agency == ref.scope
    STATE_OF_KIND[ref.kind].model_validate(folded.state)


@every_kind
@given(data=st.data(), now=nows)
@settings(max_examples=60)
def test_deadlines_are_about_what_the_state_says(prefix: str, data: st.DataObject, now: datetime) -> None:
    lifecycle, ref = parts(prefix)
    facts = data.draw(entities(prefix))
    folded = lifecycle.fold(ref, facts, now)
    due = folded.state.get("effective_due_at", folded.state.get("due_at"))
    for deadline in folded.deadlines:
        assert due is not None
        assert deadline.due_at == parse_instant(due)
        assert deadline.at <= deadline.due_at
        assert folded.state["status"] in ("accepted", "received", "in_progress", "submitted", "taken_up")
    kinds = [deadline.kind for deadline in folded.deadlines]
    assert kinds in ([], ["overdue"], ["due_soon", "overdue"])
    if folded.state.get("overdue"):
        assert kinds == ["overdue"]
        assert folded.deadlines[0].due_at < local(now)


@every_kind
@given(data=st.data())
@settings(max_examples=20)
def test_facts_of_the_clock_are_no_input(prefix: str, data: st.DataObject) -> None:
    lifecycle, ref = parts(prefix)
    facts = data.draw(entities(prefix))
    clock = Fact(
        "/services/dossier", "overdue/x", f"{ref.kind}.overdue", at("01-20 17:00"), AGENCY, {"agency": AGENCY}
    )
    now = at("02-01 08:00")
    assert lifecycle.fold(ref, [*facts, clock], now) == lifecycle.fold(ref, facts, now)


@pytest.mark.parametrize("module", LIFECYCLES)
def test_every_type_of_the_contract_is_known_and_has_an_entity(module: str) -> None:
    lifecycle = LIFECYCLES[module]
    assert lifecycle.module == module
    assert lifecycle.fact_models == FACTS_OF_MODULE[module]
    for fact_type in FACTS_OF_MODULE[module]:
        known = fact(fact_type, "01-20 09:00", id="n1")
        ref = lifecycle.entity_of(fact_type, known.data, known.id)
        assert ref == parts(f"{fact_type.partition('.')[0]}.")[1]
        assert ref.kind in STATE_OF_KIND
        lifecycle.fold(ref, [known], at("02-01 08:00"))


def test_an_instant_that_cannot_be_shown_sets_its_fact_aside() -> None:
    lifecycle, ref = parts("dossier.")
    received = fact("dossier.received", "01-15 09:00")
    # The contract refuses such an instant at the entrance; a ledger from before it did may hold one.
    received.data["due_at"] = "9999-12-31T23:59:59-12:00"
    state = lifecycle.fold(ref, [received], at("02-01 08:00")).state
    assert state["status"] == "unopened"
    assert state["set_aside"][0]["code"] == "unreadable"
