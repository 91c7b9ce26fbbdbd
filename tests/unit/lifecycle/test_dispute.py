"""A dispute: its states, its term in working days, and that nothing follows its end."""

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.content.dispute_terms import read_terms
from services.content.lifecycle import lifecycle
from shared.calendar.explain import explain_dispute
from shared.calendar.local import local, parse_instant
from shared.calendar.steps import steps_of
from shared.calendar.working import vietnam
from shared.contracts.facts import DisputeSubmitted, RulingGiven
from shared.runtime.ledger.lifecycle import EntityRef, Fact, Folded
from tests.unit.lifecycle.cases import AGENCY, OFFICE, PORTAL, at, entities, fact, nows

CONTENT = lifecycle()
CALENDAR = vietnam()
TERMS = read_terms()
ENDS = {"upheld", "dismissed", "withdrawn"}
SUBMITTED = fact("dispute.submitted", "01-15 09:00", source=PORTAL)
NOW = at("01-16 08:00")


def folded(*facts: Fact, now: datetime = NOW) -> Folded:
    return CONTENT.fold(EntityRef("dispute", "kn-1", AGENCY), list(facts), now)


def state(*facts: Fact, now: datetime = NOW) -> dict[str, Any]:
    return folded(*facts, now=now).state


def office(kind: str, when: str, **more: Any) -> Fact:
    return fact(f"ruling.{kind}", when, source=OFFICE, **more)


def test_a_dispute_is_submitted_taken_up_and_upheld() -> None:
    assert state(SUBMITTED)["status"] == "submitted"
    opened = office("opened", "01-16 10:00")
    assert state(SUBMITTED, opened)["status"] == "taken_up"
    corrections = [{"source": OFFICE, "id": "dispute/so-y-te/kn-1/2.1/1"}]
    given_ = office("given", "01-18 10:00", corrections=corrections)
    ended = state(SUBMITTED, opened, given_)
    assert (ended["status"], ended["ruled_by"], ended["corrections"]) == ("upheld", "lan", corrections)
    assert [step["status"] for step in ended["history"]] == ["submitted", "taken_up", "upheld"]


def test_the_term_is_ten_working_days_and_passes_over_tet() -> None:
    over_tet = fact("dispute.submitted", "02-05 09:00")
    found = folded(over_tet, now=at("02-05 10:00"))
    assert found.state["due_at"] == "2024-02-26T17:00:00+07:00"
    assert found.state["calendar"] == CALENDAR.version
    assert [(one.kind, one.at) for one in found.deadlines] == [
        ("due_soon", at("02-22 17:00")),
        ("overdue", at("02-26 17:00")),
    ]


def test_the_office_may_decide_without_taking_it_up_first() -> None:
    ended = state(SUBMITTED, office("given", "01-16 10:00", ruling="dismissed", reason="không có căn cứ"))
    assert (ended["status"], ended["ruling_reason"]) == ("dismissed", "không có căn cứ")


def test_what_nobody_decides_expires_and_a_ruling_after_that_has_no_effect() -> None:
    due = parse_instant(state(SUBMITTED)["due_at"])
    assert state(SUBMITTED, now=due - timedelta(seconds=1))["status"] == "submitted"
    expired = folded(SUBMITTED, now=due)
    assert (expired.state["status"], expired.deadlines) == ("expired", ())
    late = office("given", f"{due + timedelta(minutes=1):%m-%d %H:%M}")
    ended = state(SUBMITTED, late, now=due + timedelta(days=1))
    assert ended["status"] == "expired"
    assert ended["set_aside"][0]["code"] == "expired"


def test_a_ruling_in_time_counts_however_late_it_arrives() -> None:
    due = parse_instant(state(SUBMITTED)["due_at"])
    at_the_last_minute = office("given", f"{due:%m-%d %H:%M}")
    assert state(SUBMITTED, at_the_last_minute, now=due + timedelta(days=30))["status"] == "upheld"


def test_nobody_rules_on_his_own_dispute() -> None:
    own = fact("ruling.given", "01-16 10:00", source=PORTAL)
    found = state(SUBMITTED, own)
    assert found["status"] == "submitted"
    assert found["set_aside"][0]["code"] == "own_case"


def test_the_first_end_stands() -> None:
    found = state(
        SUBMITTED, fact("dispute.withdrawn", "01-16 09:00", reason="nhầm"), office("given", "01-17 09:00")
    )
    assert (found["status"], found["withdrawal_reason"]) == ("withdrawn", "nhầm")
    assert found["set_aside"][0]["code"] == "withdrawn"
    assert found["ruled_at"] is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"about": "score"},
        {"about": "fact", "module": "qa"},
        {"about": "fact", "fact": {"source": PORTAL, "id": "f1"}},
    ],
)
def test_a_dispute_says_what_it_contests(wrong: dict[str, Any]) -> None:
    base = {"agency": AGENCY, "dispute_id": "x", "claim": "x", "submitted_at": "2024-01-15T09:00:00+07:00"}
    with pytest.raises(ValueError, match="names"):
        DisputeSubmitted.model_validate(base | wrong)


def test_what_is_dismissed_corrects_nothing() -> None:
    base = {"agency": AGENCY, "dispute_id": "x", "officer": "lan", "reason": "x", "ruling": "dismissed"}
    told = base | {"given_at": "2024-01-15T09:00:00+07:00", "corrections": [{"source": OFFICE, "id": "1"}]}
    with pytest.raises(ValueError, match="corrects nothing"):
        RulingGiven.model_validate(told)


@given(entities("dispute."), nows)
@settings(max_examples=200)
def test_whatever_happens_in_whatever_order_it_stays_inside_the_states(
    facts: list[Fact], now: datetime
) -> None:
    found = folded(*facts, now=now).state
    steps = [step["status"] for step in found["history"]]
    ends = [number for number, status in enumerate(steps) if status in ENDS]
    # Nothing follows an end, and there is at most one.
    assert ends in ([], [len(steps) - 1])
    for before, after in pairwise(steps):
        assert before in ("submitted", "taken_up")
        assert after in ({"taken_up"} if before == "submitted" else set()) | ENDS
    if not steps:
        assert found["status"] == "unopened"
        return
    due = parse_instant(found["due_at"])
    term = TERMS.on(parse_instant(found["submitted_at"]).date()).decide_working_days
    assert due == CALENDAR.add_working_days(parse_instant(found["submitted_at"]), term)
    if ends:
        assert found["status"] == steps[-1]
        ended = parse_instant(found["ruled_at"] or found["withdrawn_at"])
        assert ended <= due
    else:
        assert (found["status"] == "expired") == (due <= local(now))
    explained = explain_dispute(CALENDAR, found, now)
    assert explained is not None
    steps_told = steps_of(CALENDAR, explained, now)
    assert sum(step.adds_seconds for step in steps_told) == explained.term_seconds


@given(st.data(), nows)
def test_a_new_fact_never_undoes_an_end(data: st.DataObject, now: datetime) -> None:
    """What is dated after the end changes nothing of what is told but the list of what was set aside."""
    facts = data.draw(entities("dispute."))
    before = folded(*facts, now=now).state
    if before["status"] not in ENDS:
        return
    end = max(parse_instant(step["at"]) for step in before["history"])
    more = [fact(kind, end + timedelta(minutes=1), source=OFFICE)
            for kind in ("ruling.opened", "ruling.given", "dispute.withdrawn")]  # fmt: skip
    after = folded(*facts, *more, now=now).state
    assert {**after, "set_aside": []} == {**before, "set_aside": []}
