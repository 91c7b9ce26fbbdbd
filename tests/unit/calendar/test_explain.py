"""A deadline shown step by step."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dossier.lifecycle import lifecycle as dossiers
from services.qa.lifecycle import lifecycle as questions
from shared.calendar.explain import DeadlineExplanation, explain_deadline, explain_dossier, explain_question
from shared.calendar.working import vietnam
from shared.runtime.ledger.lifecycle import EntityRef, Fact
from tests.unit.lifecycle.cases import AGENCY, OTHER, at, entities, fact, nows

CALENDAR = vietnam()
HOUR = 3600
DOSSIERS, QUESTIONS = dossiers(), questions()


def dossier_state(facts: list[Fact], now: datetime) -> dict[str, Any]:
    return DOSSIERS.fold(EntityRef("dossier", "d", AGENCY), facts, now).state


def question_state(facts: list[Fact], now: datetime) -> dict[str, Any]:
    return QUESTIONS.fold(EntityRef("question", "q", ""), facts, now).state


def of_dossier(*facts: Fact, now: datetime) -> DeadlineExplanation:
    explained = explain_dossier(CALENDAR, dossier_state(list(facts), now), now)
    assert explained is not None
    return explained


def of_question(*facts: Fact, now: datetime) -> DeadlineExplanation:
    explained = explain_question(CALENDAR, question_state(list(facts), now), now)
    assert explained is not None
    return explained


RECEIVED = fact("question.received", "02-06 09:00")
ACCEPTED = fact("question.accepted", "02-06 10:00")


def test_a_question_over_tet_can_be_followed_day_by_day() -> None:
    explained = of_question(RECEIVED, ACCEPTED, now=at("02-16 08:00"))
    assert [(day.date.isoformat(), day.number) for day in explained.days if day.number is not None] == [
        ("2024-02-06", 0),
        ("2024-02-07", 1),
        ("2024-02-15", 2),
        ("2024-02-16", 3),
        ("2024-02-19", 4),
        ("2024-02-20", 5),
    ]
    skipped = [day for day in explained.days if day.kind == "holiday"]
    assert len(skipped) == 7
    assert {day.name_vi for day in skipped} == {"Tết Nguyên đán Giáp Thìn"}
    assert {day.legal_source for day in skipped} == {"Thông báo 5015/TB-LĐTBXH, 22/11/2023"}
    assert [day.date.isoformat() for day in explained.days if day.kind == "weekend"] == [
        "2024-02-17",
        "2024-02-18",
    ]
    assert (explained.conclusion, explained.due_at) == ("running", at("02-20 17:00"))
    assert explained.left_seconds == 3 * 8 * HOUR
    assert explained.calendar == explained.computed_with == CALENDAR.version


def test_a_question_accepted_on_a_day_off_counts_from_the_next_working_day() -> None:
    received, accepted = fact("question.received", "01-20 09:00"), fact("question.accepted", "01-20 10:00")
    explained = of_question(received, accepted, now=at("01-22 08:00"))
    numbers = [(day.date.day, day.number) for day in explained.days if day.number is not None]
    assert numbers == [(20, 0), (22, 1), (23, 2), (24, 3), (25, 4), (26, 5)]


def test_a_swap_names_both_of_its_days() -> None:
    received = fact("dossier.received", "04-26 08:00", due_at=at("05-06 17:00"))
    explained = of_dossier(received, now=at("04-26 09:00"))
    kinds = {day.date.isoformat(): (day.kind, str(day.swapped_with)) for day in explained.days}
    assert kinds["2024-04-29"] == ("day_off_in_exchange", "2024-05-04")
    assert kinds["2024-05-04"] == ("worked_in_exchange", "2024-04-29")
    assert explained.counted_seconds == 5 * 8 * HOUR


def test_pauses_and_extensions_are_shown_with_what_they_moved() -> None:
    facts = [
        fact("dossier.received", "01-15 08:00", due_at=at("01-26 17:00")),
        fact("dossier.supplement_requested", "01-17 08:00"),
        fact("dossier.supplemented", "01-19 12:00"),
        fact("dossier.extended", "01-24 09:00", new_due_at=at("02-05 17:00"), reason="xác minh"),
        fact("dossier.resolved", "02-06 09:00"),
    ]
    explained = of_dossier(*facts, now=at("03-01 08:00"))
    assert [(move.kind, move.moved_seconds // HOUR) for move in explained.moves] == [
        ("start", 0),
        ("pause", 0),
        ("resume", 20),
        ("extension", 28),
        ("end", 0),
    ]
    assert explained.moves[3].note["apology"] is True
    assert explained.original_due_at == at("01-26 17:00")
    assert explained.due_at == at("02-05 17:00")
    assert (explained.conclusion, explained.late_by_seconds) == ("ended_late", HOUR)
    assert explained.paused_seconds == 20 * HOUR
    wednesday = next(day for day in explained.days if day.date.day == 17)
    assert (wednesday.counted_seconds, wednesday.paused_seconds) == (0, 8 * HOUR)


@pytest.mark.parametrize(
    ("more", "now", "conclusion"),
    [
        ([], "01-16 08:00", "running"),
        ([], "01-29 09:00", "overdue_now"),
        ([fact("dossier.supplement_requested", "01-17 08:00")], "02-29 08:00", "paused"),
        ([fact("dossier.resolved", "01-20 09:00")], "02-29 08:00", "ended_in_time"),
        ([fact("dossier.resolved", "01-29 09:00")], "02-29 08:00", "ended_late"),
    ],
)
def test_overdue_now_is_told_apart_from_finished_late(more: list[Fact], now: str, conclusion: str) -> None:
    received = fact("dossier.received", "01-15 08:00", due_at=at("01-26 17:00"))
    explained = of_dossier(received, *more, now=at(now))
    assert explained.conclusion == conclusion
    assert (explained.late_by_seconds > 0) == (conclusion in ("overdue_now", "ended_late"))


def test_without_a_due_date_there_is_none_to_explain() -> None:
    received = fact("dossier.received", "01-15 08:00")
    assert of_dossier(received, now=at("01-16 08:00")).conclusion == "no_due"
    resolved = fact("dossier.resolved", "01-20 09:00")
    assert of_dossier(received, resolved, now=at("02-16 08:00")).conclusion == "ended_undue"


def test_a_forward_is_shown_and_moves_nothing() -> None:
    explained = of_question(
        RECEIVED, ACCEPTED, fact("question.forwarded", "02-07 10:00"), now=at("02-16 08:00")
    )
    assert [(move.kind, move.note, move.moved_seconds) for move in explained.moves] == [
        ("start", {"agency": AGENCY}, 0),
        ("forward", {"agency": OTHER}, 0),
    ]


def test_what_never_started_has_no_explanation() -> None:
    now = at("02-16 08:00")
    assert explain_question(CALENDAR, question_state([RECEIVED], now), now) is None
    assert explain_dossier(CALENDAR, dossier_state([], now), now) is None
    assert explain_deadline(CALENDAR, [], now, None) is None


def test_a_deadline_in_an_absurd_year_is_shown_in_part() -> None:
    received = fact("dossier.received", "01-15 08:00", due_at="2088-01-15T17:00:00+07:00")
    explained = of_dossier(received, now=at("01-16 08:00"))
    assert len(explained.days) == 400
    assert explained.days_left_out == (date(2088, 1, 15) - date(2024, 1, 15)).days + 1 - 400


@given(entities("dossier."), nows)
def test_whatever_happened_to_a_dossier_can_be_explained(facts: list[Fact], now: datetime) -> None:
    state = dossier_state(facts, now)
    explained = explain_dossier(CALENDAR, state, now)
    # Nothing ran for a dossier that was never received, be it unopened or refused at the door.
    assert (explained is None) == (state["received_at"] is None)
    if explained is None:
        return
    assert (explained.conclusion == "overdue_now") == state["overdue"]
    assert (explained.conclusion == "paused") == (state["status"] == "paused")
    assert all(day.counted_seconds >= 0 and day.paused_seconds >= 0 for day in explained.days)
    if state["on_time"] is not None:
        assert (explained.conclusion == "ended_in_time") == state["on_time"]
    assert DeadlineExplanation.model_validate_json(explained.model_dump_json()) == explained


@given(entities("question."), nows)
def test_whatever_happened_to_a_question_can_be_explained(facts: list[Fact], now: datetime) -> None:
    state = question_state(facts, now)
    explained = explain_question(CALENDAR, state, now)
    assert (explained is None) == (state["accepted_at"] is None)
    if explained is not None:
        assert (explained.conclusion == "overdue_now") == state["overdue"]


@given(st.integers(0, 5), st.integers(1, 20))
def test_the_hours_of_the_days_add_up_to_the_term(start: int, n: int) -> None:
    received_at = at("01-15 08:00") + timedelta(days=start)
    due = CALENDAR.add_working_days(received_at, n)
    received = fact("dossier.received", received_at, due_at=due)
    explained = of_dossier(received, now=received_at)
    whole = CALENDAR.working_time_between(received_at, due)
    assert explained.counted_seconds == whole.total_seconds()
    assert explained.left_seconds == explained.counted_seconds
