"""What waits: its state and its working hours left."""

from datetime import datetime, timedelta

import pytest

from services.report.deadlines import by_agency, judge, judged
from services.report.view import OpenWork
from shared.calendar.local import LOCAL

# A Tuesday, an hour after work begins.
NOW = datetime(2024, 3, 5, 8, 30, tzinfo=LOCAL)


def work(
    due: datetime | None, *, status: str = "accepted", agency: str = "so-y-te", kind: str = "question"
) -> OpenWork:
    return OpenWork(kind, "q-1", agency, status, 1, NOW, NOW, due, "", None)


@pytest.mark.parametrize(
    ("due", "status", "state"),
    [
        (NOW - timedelta(seconds=1), "accepted", "overdue"),
        (NOW, "accepted", "overdue"),
        (NOW + timedelta(days=1), "accepted", "due_soon"),
        (NOW + timedelta(days=6), "accepted", "waiting"),
        (NOW - timedelta(days=6), "paused", "paused"),
        (None, "accepted", "no_due"),
    ],
)
def test_states(due: datetime | None, status: str, state: str) -> None:
    assert judge(work(due, status=status), NOW).state == state


def test_the_weekend_is_no_time_left() -> None:
    friday = datetime(2024, 3, 8, 16, 0, tzinfo=LOCAL)
    monday = datetime(2024, 3, 11, 9, 0, tzinfo=LOCAL)
    left = judge(work(monday), friday).left
    assert left is not None
    assert left < timedelta(hours=4)


def test_overdue_counts_the_working_time_over() -> None:
    hours = judge(work(NOW - timedelta(hours=1)), NOW).hours
    assert hours is not None
    assert -1 <= hours < 0


def test_the_most_urgent_stands_first() -> None:
    found = judged(
        [
            work(None),
            work(NOW + timedelta(days=9)),
            work(NOW - timedelta(days=2)),
            work(NOW + timedelta(hours=3)),
        ],
        NOW,
    )
    assert [one.state for one in found] == ["overdue", "due_soon", "waiting", "no_due"]


def test_counts_by_agency_and_the_next_due_instant_ahead() -> None:
    soon = NOW + timedelta(hours=3)
    waiting = judged(
        [
            work(NOW - timedelta(days=1)),
            work(soon),
            work(NOW + timedelta(days=9), kind="dossier", status="in_progress"),
            work(NOW + timedelta(hours=1), agency="so-tu-phap"),
        ],
        NOW,
    )
    found = by_agency(waiting)
    assert found["so-y-te"]["question.overdue"] == 1
    assert found["so-y-te"]["question.due_soon"] == 1
    assert found["so-y-te"]["dossier.waiting"] == 1
    assert found["so-y-te"]["next"] == soon
    assert found["so-tu-phap"]["question.overdue"] == 0
