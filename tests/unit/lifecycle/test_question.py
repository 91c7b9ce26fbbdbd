"""Questions: what counts, who holds them, when they are due."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.qa.lifecycle import QaLifecycle, lifecycle
from services.qa.terms import read_terms
from shared.calendar.datafile import DataFileError
from shared.calendar.local import parse_instant
from shared.calendar.working import vietnam
from shared.runtime.ledger.lifecycle import Deadline, EntityRef, Fact, Folded
from tests.unit.lifecycle.cases import AGENCY, CENTRAL, OTHER, STRANGER, at, fact, instants, without

QA = lifecycle()
REF = EntityRef("question", "hoi-1", "")
LONG_AFTER = at("06-01 08:00")

RECEIVED = fact("question.received", "01-15 08:30", field="đất đai", asker_locality="Sa Pa")
ACCEPTED = fact("question.accepted", "01-15 10:00")
DUE = at("01-22 17:00")


def folded(*facts: Fact, now: datetime = LONG_AFTER) -> Folded:
    return QA.fold(REF, facts, now)


def state(*facts: Fact, now: datetime = LONG_AFTER) -> dict[str, Any]:
    return folded(*facts, now=now).state


def set_aside(*facts: Fact) -> dict[str, str]:
    """Id of each fact without effect, and the code of the reason."""
    return {entry["id"]: entry["code"] for entry in state(*facts)["set_aside"]}


def test_an_accepted_question_is_due_at_close_of_business_on_the_fifth_working_day() -> None:
    known = state(RECEIVED, ACCEPTED)
    assert known["status"] == "accepted"
    assert known["due_at"] == "2024-01-22T17:00:00+07:00"
    assert known["calendar"] == vietnam().version
    assert known["field"] == "đất đai"


def test_tet_does_not_count_against_the_office() -> None:
    before_tet = fact("question.accepted", "02-06 10:00")
    received = fact("question.received", "02-06 09:00")
    assert state(received, before_tet)["due_at"] == "2024-02-20T17:00:00+07:00"


def test_a_question_that_was_never_accepted_has_no_clock() -> None:
    known = folded(RECEIVED)
    assert (known.state["due_at"], known.state["overdue"], known.deadlines) == (None, False, ())


@pytest.mark.parametrize(
    ("answered", "on_time"),
    [(DUE, True), (DUE + timedelta(microseconds=1), False), (DUE - timedelta(days=3), True)],
)
def test_an_answer_at_the_due_instant_itself_is_on_time(answered: datetime, on_time: bool) -> None:
    known = state(RECEIVED, ACCEPTED, fact("question.answered", answered))
    assert (known["status"], known["on_time"]) == ("answered", on_time)


def test_an_answer_written_in_another_offset_is_the_same_instant() -> None:
    answered = fact("question.answered", DUE, answered_at=DUE.astimezone(UTC))
    assert state(RECEIVED, ACCEPTED, answered)["on_time"] is True
    assert state(RECEIVED, ACCEPTED, answered)["answered_at"] == "2024-01-22T17:00:00+07:00"


def test_answered_without_acceptance_is_neither_on_time_nor_late() -> None:
    known = state(RECEIVED, fact("question.answered", "04-01 10:00"))
    assert (known["status"], known["on_time"], known["due_at"]) == ("answered", None, None)


def test_it_is_overdue_only_after_the_due_instant() -> None:
    assert state(RECEIVED, ACCEPTED, now=DUE)["overdue"] is False
    assert state(RECEIVED, ACCEPTED, now=DUE + timedelta(microseconds=1))["overdue"] is True
    late = fact("question.answered", "01-30 10:00")
    assert state(RECEIVED, ACCEPTED, late)["overdue"] is False


def test_the_clock_warns_one_working_day_ahead_and_then_at_the_due_instant() -> None:
    ahead = folded(RECEIVED, ACCEPTED, now=at("01-16 08:00"))
    assert ahead.deadlines == (
        Deadline("due_soon", at("01-19 17:00"), DUE),
        Deadline("overdue", DUE, DUE),
    )
    assert folded(RECEIVED, ACCEPTED).deadlines == (Deadline("overdue", DUE, DUE),)


@pytest.mark.parametrize("ending", ["answered", "deleted"])
def test_an_ended_question_has_no_deadlines(ending: str) -> None:
    ended = fact(f"question.{ending}", "01-16 10:00")
    assert folded(RECEIVED, ACCEPTED, ended, now=at("01-16 11:00")).deadlines == ()


def test_the_running_clock_passes_on_with_the_question() -> None:
    forwarded = fact("question.forwarded", "01-17 09:00")
    known = folded(RECEIVED, ACCEPTED, forwarded)
    assert known.agency == OTHER
    assert known.state["due_at"] == "2024-01-22T17:00:00+07:00"
    assert [step["agency"] for step in known.state["history"]] == [AGENCY, AGENCY, OTHER]


def test_a_question_passed_on_before_acceptance_is_accepted_by_its_new_holder() -> None:
    forwarded = fact("question.forwarded", "01-16 09:00")
    accepted = fact("question.accepted", "01-18 09:00", agency=OTHER)
    known = folded(RECEIVED, forwarded, accepted)
    assert known.agency == OTHER
    assert known.state["due_at"] == "2024-01-25T17:00:00+07:00"


def test_a_second_acceptance_does_not_restart_the_clock() -> None:
    forwarded = fact("question.forwarded", "01-17 09:00")
    again = fact("question.accepted", "01-18 09:00", agency=OTHER, id="again")
    assert set_aside(RECEIVED, ACCEPTED, forwarded, again) == {"again": "already_accepted"}


def test_a_question_may_come_back() -> None:
    away = fact("question.forwarded", "01-16 09:00")
    back = fact("question.forwarded", "01-17 09:00", agency=OTHER, to_agency=AGENCY)
    assert folded(RECEIVED, away, back).agency == AGENCY


def test_passing_it_to_its_holder_means_nothing() -> None:
    same = fact("question.forwarded", "01-16 09:00", to_agency=AGENCY, id="same")
    assert set_aside(RECEIVED, same) == {"same": "already_there"}


@pytest.mark.parametrize("kind", ["accepted", "forwarded", "answered", "deleted"])
def test_an_agency_that_never_held_the_question_cannot_touch_it(kind: str) -> None:
    foreign = fact(f"question.{kind}", "01-16 09:00", agency=STRANGER, source=CENTRAL, id="foreign")
    assert set_aside(RECEIVED, ACCEPTED, foreign) == {"foreign": "not_holder"}
    assert folded(RECEIVED, ACCEPTED, foreign).agency == AGENCY


def test_the_publisher_that_opened_it_may_go_on_speaking_about_it() -> None:
    """A provincial system that relays for many may name another agency once a forward was retracted."""
    forwarded = fact("question.forwarded", "01-16 09:00")
    answered = fact("question.answered", "01-17 09:00", agency=OTHER)
    known = folded(*without([RECEIVED, ACCEPTED, forwarded, answered], forwarded))
    assert (known.agency, known.state["status"]) == (AGENCY, "answered")


def test_an_earlier_holder_may_still_speak() -> None:
    forwarded = fact("question.forwarded", "01-16 09:00")
    answered = fact("question.answered", "01-17 09:00", source=CENTRAL)
    known = folded(RECEIVED, ACCEPTED, forwarded, answered)
    assert (known.agency, known.state["status"]) == (OTHER, "answered")


@pytest.mark.parametrize(("first", "second"), [("answered", "deleted"), ("deleted", "answered")])
def test_what_ends_it_first_stands(first: str, second: str) -> None:
    one = fact(f"question.{first}", "01-17 09:00")
    other = fact(f"question.{second}", "01-18 09:00", id="later")
    known = state(RECEIVED, ACCEPTED, other, one)
    assert known["status"] == first
    assert set_aside(RECEIVED, ACCEPTED, other, one) == {"later": first}


def test_retracting_what_ended_it_lets_the_later_ending_stand() -> None:
    deleted = fact("question.deleted", "01-17 09:00")
    answered = fact("question.answered", "01-18 09:00")
    assert state(*without([RECEIVED, ACCEPTED, deleted, answered], deleted))["status"] == "answered"


def test_retracting_the_receipt_leaves_it_unopened_and_counting_nowhere() -> None:
    facts = [RECEIVED, ACCEPTED, fact("question.answered", "01-17 09:00")]
    known = folded(*without(facts, RECEIVED))
    assert known.state["status"] == "unopened"
    assert known.agency == AGENCY, "so that its record stays where readers of the agency find it"
    assert {entry["code"] for entry in known.state["set_aside"]} == {"not_opened"}
    assert known.state["history"] == []
    assert known.deadlines == ()


def test_what_happened_before_the_receipt_is_told_apart_from_what_waits_for_it() -> None:
    early = fact("question.accepted", "01-14 09:00", id="early")
    assert set_aside(RECEIVED, early) == {"early": "before_opening"}


def test_a_second_receipt_changes_nothing() -> None:
    second = fact("question.received", "01-16 09:00", agency=STRANGER, id="second")
    assert set_aside(RECEIVED, second) == {"second": "already_received"}
    assert folded(RECEIVED, second).agency == AGENCY


def test_facts_of_the_same_instant_stand_in_the_order_of_their_meaning() -> None:
    moment = "01-15 09:00"
    facts = [fact(f"question.{kind}", moment) for kind in ("answered", "accepted", "received")]
    assert state(*facts)["status"] == "answered"


@given(st.lists(instants, min_size=1, max_size=4))
def test_the_first_acceptance_starts_the_clock(accepted: list[datetime]) -> None:
    received = fact("question.received", "01-01 08:00")
    acceptances = [fact("question.accepted", moment) for moment in accepted]
    due = vietnam().add_working_days(min(accepted), 5)
    assert parse_instant(state(received, *acceptances)["due_at"]) == due


# ------------------------------------------------------------------------------------------ terms

TERMS = """\
terms:
  - valid_from: 2020-01-01
    answer_working_days: 5
    due_soon_working_days: 1
    provenance: assumed
    legal_source: for this test
  - valid_from: {since}
    answer_working_days: {days}
    due_soon_working_days: 0
    provenance: assumed
    legal_source: for this test
"""


def test_a_new_term_holds_for_questions_accepted_from_its_day_on(tmp_path: Path) -> None:
    (tmp_path / "terms.yaml").write_text(TERMS.format(since="2024-01-16", days=2))
    qa = QaLifecycle(vietnam(), read_terms(tmp_path / "terms.yaml"))
    later = fact("question.accepted", "01-16 00:00")
    now = at("01-16 08:00")
    assert qa.fold(REF, [RECEIVED, ACCEPTED], now).state["due_at"] == "2024-01-22T17:00:00+07:00"
    shorter = qa.fold(REF, [RECEIVED, later], now)
    assert shorter.state["due_at"] == "2024-01-18T17:00:00+07:00"
    assert [deadline.kind for deadline in shorter.deadlines] == ["overdue"], "no warning when set to 0"


def test_days_before_the_first_entry_take_the_first_term() -> None:
    assert read_terms().on(date(2001, 1, 1)).answer_working_days == 5
    assert read_terms().on(date(2001, 1, 1)).provenance == "assumed"


@pytest.mark.parametrize(
    ("since", "days", "reason"),
    [
        ("2019-01-01", 5, "7: terms.1.valid_from: must be later"),
        ("2024-01-01", 0, "8: terms.1.answer_working"),
    ],
)
def test_wrong_terms_are_refused_with_line_and_reason(
    tmp_path: Path, since: str, days: int, reason: str
) -> None:
    (tmp_path / "terms.yaml").write_text(TERMS.format(since=since, days=days))
    with pytest.raises(DataFileError, match=reason):
        read_terms(tmp_path / "terms.yaml")
