"""Dossiers and procedures: the clock, its pauses and extensions, and what ends a dossier."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.dossier.lifecycle import lifecycle
from shared.calendar.local import parse_instant
from shared.calendar.working import vietnam
from shared.runtime.ledger.lifecycle import Deadline, EntityRef, Fact, Folded
from tests.unit.lifecycle.cases import AGENCY, at, fact, instants, without

DOSSIERS = lifecycle()
CALENDAR = vietnam()
REF = EntityRef("dossier", "000.00.10.H38-240115-0001", AGENCY)
LONG_AFTER = at("06-01 08:00")

DUE = at("01-26 17:00")
RECEIVED = fact("dossier.received", "01-15 09:00", due_at=DUE)
ASKED = fact("dossier.supplement_requested", "01-17 08:00")
SUPPLEMENTED = fact("dossier.supplemented", "01-19 12:00")
"""Asked on Wednesday morning, supplemented on Friday noon: 20 hours of work."""


def folded(*facts: Fact, now: datetime = LONG_AFTER) -> Folded:
    return DOSSIERS.fold(REF, facts, now)


def state(*facts: Fact, now: datetime = LONG_AFTER) -> dict[str, Any]:
    return folded(*facts, now=now).state


def due(*facts: Fact) -> datetime:
    return parse_instant(state(*facts)["effective_due_at"])


def set_aside(*facts: Fact) -> dict[str, str]:
    return {entry["id"]: entry["code"] for entry in state(*facts)["set_aside"]}


def irregular(*facts: Fact) -> list[str]:
    return [entry["rule"] for entry in state(*facts)["irregular"]]


def extended(when: str, new_due: str, **more: Any) -> Fact:
    return fact("dossier.extended", when, new_due_at=at(new_due), **more)


# -------------------------------------------------------------------------------- on time or late


@pytest.mark.parametrize(
    ("resolved", "on_time"),
    [(DUE, True), (DUE + timedelta(microseconds=1), False), (DUE - timedelta(days=5), True)],
)
def test_resolved_at_the_due_instant_itself_is_on_time(resolved: datetime, on_time: bool) -> None:
    known = state(RECEIVED, fact("dossier.resolved", resolved))
    assert (known["status"], known["on_time"], known["outcome"]) == ("resolved", on_time, "approved")


def test_without_a_due_date_it_is_neither_on_time_nor_late() -> None:
    received = fact("dossier.received", "01-15 09:00")
    known = folded(received, fact("dossier.resolved", "03-15 09:00"))
    assert (known.state["on_time"], known.state["due_at"], known.state["calendar"]) == (None, None, None)
    assert folded(received).deadlines == ()
    assert folded(received).state["overdue"] is False


def test_the_day_it_is_resolved_decides_not_the_day_it_is_fetched() -> None:
    known = state(RECEIVED, fact("dossier.resolved", "01-26 16:00"), fact("dossier.returned", "02-20 09:00"))
    assert (known["status"], known["on_time"]) == ("returned", True)
    assert known["returned_at"] == "2024-02-20T09:00:00+07:00"


def test_it_is_overdue_only_after_the_due_instant() -> None:
    assert state(RECEIVED, now=DUE)["overdue"] is False
    assert state(RECEIVED, now=DUE + timedelta(microseconds=1))["overdue"] is True


def test_the_clock_warns_one_working_day_ahead_and_then_at_the_due_instant() -> None:
    assert folded(RECEIVED, now=at("01-16 08:00")).deadlines == (
        Deadline("due_soon", at("01-25 17:00"), DUE),
        Deadline("overdue", DUE, DUE),
    )
    assert folded(RECEIVED).deadlines == (Deadline("overdue", DUE, DUE),)


@pytest.mark.parametrize("ending", ["resolved", "withdrawn", "rejected"])
def test_an_ended_dossier_has_no_deadlines(ending: str) -> None:
    assert folded(RECEIVED, fact(f"dossier.{ending}", "01-16 10:00"), now=at("01-16 11:00")).deadlines == ()


# ----------------------------------------------------------------------------------------- pauses


def test_waiting_for_the_citizen_moves_the_due_instant_by_the_working_time_that_passed() -> None:
    assert due(RECEIVED, ASKED, SUPPLEMENTED) == at("01-31 12:00")
    assert state(RECEIVED, ASKED, SUPPLEMENTED)["due_at"] == "2024-01-26T17:00:00+07:00"
    assert state(RECEIVED, ASKED, SUPPLEMENTED)["status"] == "in_progress"
    assert state(RECEIVED, ASKED, SUPPLEMENTED)["pauses"] == [
        {"from": "2024-01-17T08:00:00+07:00", "to": "2024-01-19T12:00:00+07:00"}
    ]


def test_a_pause_over_tet_gives_only_the_working_time_it_took() -> None:
    received = fact("dossier.received", "02-06 09:00", due_at=at("02-16 17:00"))
    asked = fact("dossier.supplement_requested", "02-07 16:00")
    supplemented = fact("dossier.supplemented", "02-15 09:00")
    assert due(received, asked, supplemented) == at("02-19 10:00")


def test_while_paused_the_clock_stands() -> None:
    paused = folded(RECEIVED, ASKED)
    assert (paused.state["status"], paused.state["overdue"]) == ("paused", False)
    assert paused.deadlines == ()
    assert paused.state["history"][-1]["due_at"] is None
    assert paused.state["pauses"] == [{"from": "2024-01-17T08:00:00+07:00", "to": None}]


def test_resolved_while_still_waiting_the_pause_ends_with_it() -> None:
    resolved = fact("dossier.resolved", "02-27 09:00")
    known = state(RECEIVED, ASKED, resolved)
    assert known["on_time"] is True
    assert known["pauses"][0]["to"] == "2024-02-27T09:00:00+07:00"


def test_a_pause_that_ends_after_hours_never_leaves_the_office_late() -> None:
    received = fact("dossier.received", "01-15 09:00", due_at=at("01-17 23:59"))
    asked = fact("dossier.supplement_requested", "01-17 18:00")
    resolved = fact("dossier.resolved", "01-19 20:00")
    assert state(received, asked, resolved)["on_time"] is True


def test_a_pause_that_begins_at_the_due_instant_itself_is_in_time() -> None:
    asked = fact("dossier.supplement_requested", DUE)
    resolved = fact("dossier.resolved", "01-30 10:00")
    assert state(RECEIVED, asked, resolved)["on_time"] is True
    assert "paused_after_due" not in irregular(RECEIVED, asked)


def test_a_pause_that_begins_after_the_due_instant_heals_nothing() -> None:
    asked = fact("dossier.supplement_requested", "01-29 09:00")
    supplemented = fact("dossier.supplemented", "02-05 09:00")
    resolved = fact("dossier.resolved", "02-05 10:00")
    known = state(RECEIVED, asked, supplemented, resolved)
    assert (known["effective_due_at"], known["on_time"]) == ("2024-01-26T17:00:00+07:00", False)
    assert "paused_after_due" in irregular(RECEIVED, asked, supplemented)


def test_two_pauses_add_up() -> None:
    asked = fact("dossier.supplement_requested", "01-22 08:00")
    supplemented = fact("dossier.supplemented", "01-22 12:00")
    assert due(RECEIVED, ASKED, SUPPLEMENTED, asked, supplemented) == at("01-31 17:00")


def test_a_supplement_answered_and_asked_in_the_same_instant_is_two_pauses() -> None:
    again = fact("dossier.supplement_requested", "01-19 12:00")
    known = state(RECEIVED, ASKED, SUPPLEMENTED, again)
    assert (known["status"], len(known["pauses"])) == ("paused", 2)


def test_asking_twice_or_supplementing_unasked_means_nothing() -> None:
    again = fact("dossier.supplement_requested", "01-18 08:00", id="again")
    assert set_aside(RECEIVED, ASKED, again, SUPPLEMENTED) == {"again": "already_paused"}
    unasked = fact("dossier.supplemented", "01-16 08:00", id="unasked")
    assert set_aside(RECEIVED, unasked) == {"unasked": "not_paused"}


@given(instants, instants, instants)
def test_a_pause_takes_nothing_from_the_office(one: datetime, two: datetime, three: datetime) -> None:
    """The working time left after a pause is the working time left before it."""
    asked_at, supplemented_at, given_due = sorted((one, two, three))
    received = fact("dossier.received", "01-05 09:00", due_at=given_due)
    asked = fact("dossier.supplement_requested", asked_at)
    supplemented = fact("dossier.supplemented", supplemented_at)
    left_before = CALENDAR.working_time_between(asked_at, given_due)
    after = due(received, asked, supplemented)
    assert CALENDAR.working_time_between(supplemented_at, after) == left_before
    assert after >= given_due or CALENDAR.working_time_between(after, given_due) == timedelta(0)


@given(instants, instants)
def test_a_pause_splits_without_loss(one: datetime, two: datetime) -> None:
    """Two pauses end to end move the due instant like the one they make together."""
    first, last = sorted((one, two))
    assume(first < last)
    middle = first + (last - first) / 2
    received = fact("dossier.received", "01-05 09:00", due_at=at("02-27 17:00"))
    whole = due(
        received,
        fact("dossier.supplement_requested", first),
        fact("dossier.supplemented", last),
    )
    halves = due(
        received,
        fact("dossier.supplement_requested", first),
        fact("dossier.supplemented", middle),
        fact("dossier.supplement_requested", middle),
        fact("dossier.supplemented", last),
    )
    assert whole == halves


# ------------------------------------------------------------------------------------- extensions


def test_an_extension_gives_the_new_date() -> None:
    extension = extended("01-24 09:00", "02-05 17:00", reason="xác minh")
    assert due(RECEIVED, extension) == at("02-05 17:00")
    assert state(RECEIVED, extension)["extensions"] == [
        {
            "at": "2024-01-24T09:00:00+07:00",
            "new_due_at": "2024-02-05T17:00:00+07:00",
            "apology": True,
            "reason": "xác minh",
        }
    ]
    assert irregular(RECEIVED, extension) == []


def test_changing_a_deadline_keeps_the_pauses_before_it() -> None:
    """The new date was reckoned from the first due date and forgot the pause: the pause still counts."""
    extension = extended("01-24 09:00", "01-30 17:00")
    assert due(RECEIVED, ASKED, SUPPLEMENTED, extension) == at("01-31 12:00")
    assert irregular(RECEIVED, ASKED, SUPPLEMENTED, extension) == ["new_date_not_later"]


def test_changing_a_deadline_keeps_the_pauses_after_it() -> None:
    extension = extended("01-16 09:00", "02-05 17:00")
    assert due(RECEIVED, extension, ASKED, SUPPLEMENTED) == at("02-15 12:00"), "20 hours on, over Tết"


def test_changing_a_deadline_within_a_pause_keeps_the_rest_of_it() -> None:
    extension = extended("01-18 12:00", "02-05 17:00")
    assert due(RECEIVED, ASKED, extension, SUPPLEMENTED) == at("02-06 17:00"), "8 hours were left of it"
    assert state(RECEIVED, ASKED, extension)["status"] == "paused"


def test_a_dossier_without_due_date_takes_the_date_of_its_extension() -> None:
    received = fact("dossier.received", "01-15 09:00")
    assert due(received, extended("01-24 09:00", "02-05 17:00")) == at("02-05 17:00")


@pytest.mark.parametrize(
    ("extension", "rules"),
    [
        (extended("01-24 09:00", "02-05 17:00", apology=False), ["no_apology"]),
        (extended("01-26 09:00", "02-05 17:00"), ["extended_late"]),
        (extended("01-29 09:00", "02-05 17:00"), ["extended_after_due"]),
        (extended("01-25 17:00", "02-05 17:00"), []),
    ],
)
def test_an_irregular_extension_is_honoured_and_flagged(extension: Fact, rules: list[str]) -> None:
    assert due(RECEIVED, extension) == at("02-05 17:00")
    assert irregular(RECEIVED, extension) == rules


def test_a_second_extension_is_honoured_and_flagged() -> None:
    first, second = extended("01-24 09:00", "01-31 17:00"), extended("01-29 09:00", "02-06 17:00")
    assert due(RECEIVED, first, second) == at("02-06 17:00")
    assert irregular(RECEIVED, first, second) == ["second_extension"]


def test_a_supplement_asked_after_three_working_days_is_flagged() -> None:
    assert irregular(RECEIVED, fact("dossier.supplement_requested", "01-18 16:59")) == []
    late = fact("dossier.supplement_requested", "01-19 08:00")
    assert irregular(RECEIVED, late) == ["supplement_asked_late"]


@given(st.lists(st.tuples(instants, instants), max_size=3), instants, instants)
def test_an_extension_never_takes_time_away(
    pauses: list[tuple[datetime, datetime]], when: datetime, new_due: datetime
) -> None:
    facts = [RECEIVED]
    for one, other in pauses:
        facts.append(fact("dossier.supplement_requested", min(one, other)))
        facts.append(fact("dossier.supplemented", max(one, other)))
    extension = fact("dossier.extended", when, new_due_at=new_due)
    assert due(*facts, extension) >= due(*facts)


# ------------------------------------------------------------------------------------ what ends it

ENDINGS = ["resolved", "withdrawn", "rejected"]


@pytest.mark.parametrize("first", ENDINGS)
@pytest.mark.parametrize("second", ENDINGS)
def test_what_ends_it_first_stands(first: str, second: str) -> None:
    one, other = fact(f"dossier.{first}", "01-17 09:00"), fact(f"dossier.{second}", "01-18 09:00", id="later")
    assert state(RECEIVED, other, one)["status"] == first
    assert state(RECEIVED, other, one)[f"{first}_at"] == "2024-01-17T09:00:00+07:00"
    assert set_aside(RECEIVED, other, one) == {"later": first}


@pytest.mark.parametrize("kind", ["supplement_requested", "supplemented", "extended"])
def test_nothing_moves_the_clock_of_an_ended_dossier(kind: str) -> None:
    resolved = fact("dossier.resolved", "01-17 09:00")
    late = fact(f"dossier.{kind}", "01-18 09:00", id="late")
    assert set_aside(RECEIVED, resolved, late) == {"late": "resolved"}


def test_only_a_resolved_dossier_is_returned_and_only_once() -> None:
    returned = fact("dossier.returned", "01-20 09:00", id="returned")
    again = fact("dossier.returned", "01-21 09:00", id="again")
    resolved = fact("dossier.resolved", "01-19 09:00")
    assert set_aside(RECEIVED, returned) == {"returned": "not_resolved"}
    assert set_aside(RECEIVED, resolved, returned, again) == {"again": "returned"}
    withdrawn = fact("dossier.withdrawn", "01-19 09:00")
    assert set_aside(RECEIVED, withdrawn, returned) == {"returned": "withdrawn"}


def test_a_rejection_keeps_its_reason() -> None:
    known = state(RECEIVED, fact("dossier.rejected", "01-16 09:00"))
    assert (known["status"], known["rejection_reason"]) == ("rejected", "thiếu giấy tờ")


def test_retracting_the_receipt_leaves_it_unopened_and_counting_nowhere() -> None:
    facts = [RECEIVED, ASKED, SUPPLEMENTED, fact("dossier.resolved", "01-22 09:00")]
    known = folded(*without(facts, RECEIVED))
    assert (known.state["status"], known.state["history"], known.deadlines) == ("unopened", [], ())
    assert {entry["code"] for entry in known.state["set_aside"]} == {"not_opened"}
    assert known.agency == AGENCY


def test_retracting_a_pause_takes_its_time_back() -> None:
    facts = [RECEIVED, ASKED, SUPPLEMENTED]
    assert due(*without(facts, ASKED)) == DUE
    assert set_aside(*without(facts, ASKED)) == {SUPPLEMENTED.id: "not_paused"}


def test_a_second_receipt_changes_nothing() -> None:
    second = fact("dossier.received", "01-16 09:00", due_at=at("03-01 17:00"), id="second")
    assert due(RECEIVED, second) == DUE
    assert set_aside(RECEIVED, second) == {"second": "already_received"}


# ------------------------------------------------------------------------------------- procedures


def test_a_procedure_keeps_every_decision_and_the_last_says_what_holds() -> None:
    published = fact("procedure.published", "01-15 09:00", working_days=10)
    abolished = fact("procedure.abolished", "01-20 09:00")
    known = DOSSIERS.fold(EntityRef("procedure", "1.000123", AGENCY), [abolished, published], LONG_AFTER)
    assert known.state["status"] == "abolished"
    assert [entry["action"] for entry in known.state["entries"]] == ["published", "abolished"]
    assert [entry["working_days"] for entry in known.state["entries"]] == [10, None]


def test_an_older_procedure_can_be_abolished_without_having_been_published_here() -> None:
    abolished = fact("procedure.abolished", "01-20 09:00")
    known = DOSSIERS.fold(EntityRef("procedure", "1.000123", AGENCY), [abolished], LONG_AFTER)
    assert (known.state["status"], known.state["set_aside"]) == ("abolished", [])


def test_a_dossier_may_be_refused_without_ever_being_received() -> None:
    known = state(fact("dossier.rejected", "01-16 09:00"))
    assert (known["status"], known["received_at"], known["overdue"]) == ("rejected", None, False)
    late = state(fact("dossier.rejected", "01-16 09:00"), fact("dossier.received", "01-17 09:00"))
    assert (late["status"], late["set_aside"][0]["code"]) == ("rejected", "rejected")
