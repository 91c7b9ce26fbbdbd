"""The independent count on small cases worked out by hand."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from deploy.replay.generate import Message
from deploy.replay.oracle import Window, gather
from shared.register import shipped_register

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
QUARTER = (date(2024, 1, 1), date(2024, 3, 22))
WHOLE = (date(2024, 1, 1), date(2024, 3, 31))


def fact(short: str, at: str, data: Mapping[str, Any], fact_id: str | None = None) -> Message:
    """A message of one fact on a local day or instant."""
    time = at if "T" in at else f"{at}T09:00:00+07:00"
    event = {
        "source": "/publishers/p",
        "id": fact_id or f"{short}/{time}",
        "type": f"vn.laocai.{short}.v1",
        "time": time,
        "data": {"agency": "so-y-te", **data},
    }
    return Message(0, "http", "p", "content", "k", event=msgspec.Raw(msgspec.json.encode(event)))


def article(at: str, **more: str) -> Message:
    data = {"article_id": "a", "kind": "news", "published_at": f"{at}T09:00:00+07:00", **more}
    return fact("article.published", at, data)


def counted(*messages: Message, window: tuple[date, date] = QUARTER) -> Counter[str]:
    return gather(messages, shipped_register()).count(*window, NOW).get("so-y-te", Counter())


def test_an_item_counts_once_however_often_it_is_sent() -> None:
    counts = counted(article("2024-01-10"), article("2024-01-10"))
    assert counts == {"content.items": 1, "content.articles": 1, "content.active_weeks": 1}


def test_a_retracted_fact_counts_nowhere_even_when_the_retraction_comes_first() -> None:
    taken_back = {
        "retracts": {"source": "/publishers/p", "id": "article.published/2024-01-10T09:00:00+07:00"},
        "reason": "x",
    }
    assert counted(fact("fact.retracted", "2024-06-01", taken_back), article("2024-01-10")) == {}


def test_what_happens_after_the_cut_off_is_not_seen_before_the_quarter_ends() -> None:
    removal = fact("article.removed", "2024-03-25", {"article_id": "a"})
    assert counted(article("2024-01-10"), removal)["content.items"] == 1
    assert counted(article("2024-01-10"), removal, window=WHOLE) == {}


def test_a_correction_moves_an_article_to_another_day_kind_and_category() -> None:
    correction = fact(
        "article.corrected",
        "2024-02-02",
        {"article_id": "a", "kind": "dataset", "category": "c", "published_at": "2024-02-01T09:00:00+07:00"},
    )
    february = (date(2024, 2, 1), date(2024, 2, 29))
    assert counted(article("2024-01-10"), correction, window=(date(2024, 1, 1), date(2024, 1, 31))) == {
        "content.items": 1,
        "content.articles": 1,
        "content.active_weeks": 1,
    }
    assert counted(article("2024-01-10"), correction, window=february)["content.category.c"] == 1


def test_posts_are_not_items() -> None:
    assert counted(article("2024-01-10", channel="zalo")) == {"content.social.zalo": 1}


def test_the_last_measurement_of_a_day_counts_whole() -> None:
    first = fact("audience.measured", "2024-01-10", {"channel": "portal", "date": "2024-01-10", "visits": 5})
    data = {"channel": "portal", "date": "2024-01-10", "visits": 7}
    second = fact("audience.measured", "2024-01-10T20:00:00+07:00", data)
    assert counted(second, first) == {"content.visits": 7}


# ------------------------------------------------------------------------------------------- questions


def question(word: str, at: str, **data: str) -> Message:
    time = at if "T" in at else f"{at}T09:00:00+07:00"
    return fact(f"question.{word}", time, {"question_id": "q", f"{word}_at": time, **data})


RECEIVED = question("received", "2024-02-01")
ACCEPTED = question("accepted", "2024-02-02")


@pytest.mark.parametrize(
    ("answered", "word"),
    # Accepted on Friday 2 February: the 5th to 7th, then after Tết (8th to 14th) the 15th and the 16th.
    [("2024-02-16T17:00:00+07:00", "on_time"), ("2024-02-16T17:00:01+07:00", "late")],
)
def test_five_working_days_across_tet(answered: str, word: str) -> None:
    counts = counted(RECEIVED, ACCEPTED, question("answered", answered, answerer_title="Giám đốc"))
    assert counts[f"qa.answered_{word}"] == 1
    assert counts["qa.waiting"] == 0


def test_waiting_is_overdue_only_past_its_due_instant() -> None:
    the_day_before = (date(2024, 1, 1), date(2024, 2, 15))
    the_day = (date(2024, 1, 1), date(2024, 2, 16))
    assert counted(RECEIVED, ACCEPTED, window=the_day_before)["qa.overdue"] == 0
    assert counted(RECEIVED, ACCEPTED, window=the_day)["qa.overdue"] == 1
    assert counted(RECEIVED, window=the_day)["qa.overdue"] == 0


def test_an_answer_without_acceptance_is_neither_on_time_nor_late() -> None:
    counts = counted(RECEIVED, question("answered", "2024-02-20", answerer_title="Chuyên viên"))
    assert counts == {"qa.received": 1, "qa.eligible": 1, "qa.answered": 1, "qa.wrong_title": 1}


def test_a_forwarded_question_belongs_to_its_new_holder_from_that_day() -> None:
    facts = [RECEIVED, ACCEPTED, question("forwarded", "2024-02-05", to_agency="so-noi-vu")]
    oracle = gather(facts, shipped_register())
    assert oracle.count(date(2024, 1, 1), date(2024, 2, 4), NOW).keys() == {"so-y-te"}
    assert oracle.count(date(2024, 1, 1), date(2024, 2, 5), NOW).keys() == {"so-noi-vu"}


def test_a_deleted_question_is_not_eligible() -> None:
    counts = counted(RECEIVED, ACCEPTED, question("deleted", "2024-02-05", reason="duplicate"))
    assert counts == {"qa.received": 1, "qa.deleted": 1}


# -------------------------------------------------------------------------------------------- dossiers


def dossier(word: str, at: str, **data: str) -> Message:
    time = at if "T" in at else f"{at}T09:00:00+07:00"
    told = "at" if word in ("supplement_requested", "supplemented", "extended") else f"{word}_at"
    return fact(f"dossier.{word}", time, {"dossier_code": "d", told: time, **data})


COME = dossier("received", "2024-01-08", channel="online", due_at="2024-01-12T17:00:00+07:00")


@pytest.mark.parametrize(
    ("resolved", "word"),
    [("2024-01-12T17:00:00+07:00", "on_time"), ("2024-01-12T17:00:01+07:00", "late")],
)
def test_resolved_at_the_very_second(resolved: str, word: str) -> None:
    counts = counted(COME, dossier("resolved", resolved))
    assert counts == {
        "dossier.received.online": 1,
        "dossier.received": 1,
        "dossier.resolved": 1,
        f"dossier.resolved.{word}": 1,
    }


def test_a_pause_moves_the_due_instant_by_the_working_time_in_it() -> None:
    # Thursday 15:00 to Monday 10:00: 2 + 8 + 2 hours of work, so Friday 17:00 becomes Tuesday 12:00.
    pause = [
        dossier("supplement_requested", "2024-01-11T15:00:00+07:00"),
        dossier("supplemented", "2024-01-15T10:00:00+07:00"),
    ]
    on_time = counted(COME, *pause, dossier("resolved", "2024-01-16T12:00:00+07:00"))
    late = counted(COME, *pause, dossier("resolved", "2024-01-16T12:00:01+07:00"))
    assert on_time["dossier.resolved.on_time"] == 1
    assert late["dossier.resolved.late"] == 1


def test_nothing_is_overdue_while_the_citizen_is_waited_for() -> None:
    pause = dossier("supplement_requested", "2024-01-11")
    assert counted(COME, pause)["dossier.overdue"] == 0
    assert counted(COME)["dossier.overdue"] == 1


def test_a_new_date_stands_in_for_the_old_one() -> None:
    told = dossier("extended", "2024-01-10", new_due_at="2024-01-19T17:00:00+07:00")
    assert counted(COME, told, dossier("resolved", "2024-01-18"))["dossier.resolved.on_time"] == 1


def test_carried_over_and_in_progress_are_stocks() -> None:
    old = dossier("received", "2023-12-20", channel="one_stop", due_at="2024-06-03T17:00:00+07:00")
    assert counted(old) == {"dossier.carried_over": 1, "dossier.in_progress": 1}
    assert counted(old, dossier("withdrawn", "2024-01-03")) == {
        "dossier.carried_over": 1,
        "dossier.withdrawn": 1,
    }


def test_without_a_due_date_neither_on_time_nor_late() -> None:
    come = dossier("received", "2024-01-08", channel="online")
    assert counted(come, dossier("resolved", "2024-03-01"))["dossier.resolved.no_due"] == 1


def test_the_first_end_stands() -> None:
    counts = counted(COME, dossier("resolved", "2024-01-10"), dossier("withdrawn", "2024-01-11"))
    assert counts["dossier.resolved"] == 1
    assert counts["dossier.withdrawn"] == 0


def test_a_dossier_turned_away_at_the_door_was_never_received() -> None:
    assert counted(dossier("rejected", "2024-01-08")) == {"dossier.rejected": 1}
    assert counted(dossier("rejected", "2024-01-05"), COME) == {"dossier.rejected": 1}
    after = counted(COME, dossier("rejected", "2024-01-09"))
    assert after == {
        "dossier.received.online": 1,
        "dossier.received": 1,
        "dossier.rejected": 1,
        "dossier.rejected.received": 1,
    }


def test_a_window_to_the_end_of_a_quarter_has_no_cut_off() -> None:
    assert Window.of(*QUARTER).cut is not None
    assert Window.of(*WHOLE).cut is None
