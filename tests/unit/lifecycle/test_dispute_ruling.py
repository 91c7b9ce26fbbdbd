"""What an officer's decision becomes: facts whose ids name the dispute, complete and granted to be sent."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.content.dispute_ruling import Dispute, RefusedError, check_open, decided, taken_up
from services.content.lifecycle import lifecycle
from shared.calendar.local import parse_instant
from shared.contracts.envelope import Event
from shared.contracts.facts import CONTENT_FACTS
from shared.contracts.words import short_type
from shared.runtime.ledger.lifecycle import EntityRef, Fact
from tests.unit.lifecycle.cases import AGENCY, PORTAL, at, fact, nows

NOW = at("01-16 08:00")
CONTESTED = {"source": PORTAL, "id": "f1"}


def dispute(now: datetime = NOW, **more: Any) -> Dispute:
    """A dispute as the ledger has it, submitted on a Monday morning."""
    submitted = fact("dispute.submitted", "01-15 09:00", **more)
    state = lifecycle().fold(EntityRef("dispute", "kn-1", AGENCY), [submitted], now).state
    return Dispute(AGENCY, "kn-1", 3, state)


def about_a_fact() -> Dispute:
    return dispute(about="fact", fact=CONTESTED, module="qa", period=None)


def test_the_ruling_names_its_corrections_and_comes_last() -> None:
    judged = {"period": "2024-Q1", "criterion": "leaders-schedule", "points": "2.5"}
    facts = decided(
        dispute(), 1, "lan", "upheld", "đã xác minh", [("assessment.recorded", None, judged)], NOW
    )
    assert [one.event["id"] for one in facts] == [
        "dispute/so-y-te/kn-1/3.1/1",
        "dispute/so-y-te/kn-1/3.1/ruling",
    ]
    correction, ruling = facts
    assert ruling.event["data"]["corrections"] == [
        {"source": "/publishers/scoring-office", "id": correction.event["id"]}
    ]
    assert correction.event["data"] == {
        **judged, "agency": AGENCY, "assessed_by": "lan", "assessed_at": "2024-01-16T08:00:00+07:00",
        "note": "so-y-te/kn-1: đã xác minh",
    }  # fmt: skip
    for one in facts:
        event = Event.model_validate(one.event)
        assert short_type(event.type) == one.short
        CONTENT_FACTS[one.short].model_validate(event.data)


def test_the_contested_fact_is_taken_back_where_it_lies() -> None:
    facts = decided(
        about_a_fact(), 1, "lan", "upheld", "sai", [("fact.retracted", None, {"retracts": CONTESTED})], NOW
    )
    assert [(one.module, one.short) for one in facts] == [
        ("qa", "fact.retracted"),
        ("content", "ruling.given"),
    ]


@pytest.mark.parametrize(
    ("correction", "pointer"),
    [
        (("fact.retracted", None, {"retracts": {"source": PORTAL, "id": "other"}}), "/corrections/0/module"),
        (("ruling.given", None, {}), "/corrections/0/type"),
        (("nothing.known", None, {}), "/corrections/0/type"),
        (("assessment.recorded", None, {"period": "2024-Q1"}), "/corrections/0/data/criterion"),
    ],
)
def test_a_correction_that_cannot_be_a_fact_is_refused_with_its_place(
    correction: tuple[str, str | None, dict[str, Any]], pointer: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        decided(dispute(), 1, "lan", "upheld", "x", [correction], NOW)
    assert refused.value.errors[0]["pointer"] == pointer


def test_what_is_dismissed_corrects_nothing() -> None:
    judged = {"period": "2024-Q1", "criterion": "x", "points": "1"}
    with pytest.raises(RefusedError):
        decided(dispute(), 1, "lan", "dismissed", "x", [("assessment.recorded", None, judged)], NOW)


def test_a_dispute_is_taken_up_once() -> None:
    (opened,) = taken_up(dispute(), 1, "lan", NOW)
    assert opened.event["id"] == "dispute/so-y-te/kn-1/3.1/opened"
    known = dispute()
    state = {**known.state, "status": "taken_up", "taken_up_by": "lan"}
    with pytest.raises(RefusedError, match="lan has taken"):
        check_open(known._replace(state=state), NOW, taking_up=True)
    check_open(known._replace(state=state), NOW)


@pytest.mark.parametrize("status", ["unopened", "upheld", "dismissed", "withdrawn", "expired"])
def test_nothing_follows_an_end(status: str) -> None:
    known = dispute()
    with pytest.raises(RefusedError, match=status):
        check_open(known._replace(state={**known.state, "status": status}), NOW)


@given(nows, st.booleans())
def test_the_office_sends_only_what_the_ledger_will_count(now: datetime, uphold: bool) -> None:
    """Whatever passes the check is a ruling that ends the dispute; whatever does not would have no effect."""
    submitted = fact("dispute.submitted", "01-15 09:00")
    content, ref = lifecycle(), EntityRef("dispute", "kn-1", AGENCY)
    now = max(now, at("01-15 09:01"))
    known = Dispute(AGENCY, "kn-1", 1, content.fold(ref, [submitted], now).state)
    ruling = "upheld" if uphold else "dismissed"
    (sent,) = decided(known, 1, "lan", ruling, "x", [], now)
    event = sent.event
    given_ = Fact(
        event["source"], event["id"], sent.short, parse_instant(event["time"]), AGENCY, event["data"]
    )
    status = content.fold(ref, [submitted, given_], now + timedelta(minutes=1)).state["status"]
    try:
        check_open(known, now)
    except RefusedError:
        # At the very instant it is due a decision would still be in time; the clock was quicker.
        assert status == "expired" or now == parse_instant(known.state["due_at"])
    else:
        assert status == ruling
