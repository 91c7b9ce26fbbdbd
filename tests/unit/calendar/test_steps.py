"""The steps of a deadline: they read like a wall calendar, and they add up."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar.explain import explain_dossier, explain_question
from shared.calendar.steps import DeadlineStep, steps_of
from shared.calendar.working import vietnam
from shared.runtime.ledger.lifecycle import Fact
from tests.unit.calendar.test_explain import dossier_state, question_state
from tests.unit.lifecycle.cases import at, entities, fact, nows

CALENDAR = vietnam()
HOUR = 3600


def of_dossier(*facts: Fact, now: datetime) -> list[DeadlineStep]:
    explained = explain_dossier(CALENDAR, dossier_state(list(facts), now), now)
    assert explained is not None
    return steps_of(CALENDAR, explained, now)


def test_a_dossier_over_tet_reads_like_a_letter() -> None:
    steps = of_dossier(
        fact("dossier.received", "02-05 08:00", due_at=at("02-16 17:00")),
        fact("dossier.supplement_requested", "02-06 08:00"),
        fact("dossier.supplemented", "02-07 12:00"),
        fact("dossier.extended", "02-15 09:00", new_due_at=at("02-23 17:00"), reason="xác minh"),
        fact("dossier.resolved", "02-26 09:00"),
        now=at("03-01 08:00"),
    )
    assert [step.vi for step in steps] == [
        "Bắt đầu tính từ 08:00 05/02/2024: thời hạn 40 giờ làm việc (5 ngày), đến 17:00 16/02/2024.",
        "Không tính 08/02–14/02/2024: Tết Nguyên đán Giáp Thìn.",
        "Không tính 2 ngày nghỉ cuối tuần.",
        "Tạm dừng từ 08:00 06/02/2024 đến 12:00 07/02/2024: cộng 12 giờ làm việc, hạn mới 12:00 20/02/2024.",
        "Gia hạn lúc 09:00 15/02/2024, có thư xin lỗi (xác minh): cộng 28 giờ làm việc, "
        "hạn mới 17:00 23/02/2024.",
        "Kết thúc lúc 09:00 26/02/2024: trễ hạn 1 giờ làm việc.",
        "Đã xong, trễ hạn 1 giờ làm việc.",
    ]
    assert steps[-1].en == "Finished late by 1 h of working time."
    assert sum(step.adds_seconds for step in steps) == 80 * HOUR
    assert steps[1].note["legal_source"] == "Thông báo 5015/TB-LĐTBXH, 22/11/2023"


def test_days_swapped_are_told_with_their_counterpart() -> None:
    steps = of_dossier(
        fact("dossier.received", "04-26 08:00", due_at=at("05-06 17:00")), now=at("04-26 09:00")
    )
    told = [step.vi for step in steps if step.kind in ("skipped", "exchanged")]
    assert "Không tính 29/04/2024: nghỉ hoán đổi với 04/05/2024." in told
    assert "Tính ngày làm bù 04/05/2024, thay cho 29/04/2024." in told


@pytest.mark.parametrize(
    ("more", "now", "vi", "en"),
    [
        ([], "01-29 09:00", "Đang quá hạn 1 giờ làm việc.", "Overdue now by 1 h of working time."),
        ([fact("dossier.resolved", "01-29 09:00")], "02-29 08:00", "Đã xong, trễ hạn 1 giờ làm việc.",
         "Finished late by 1 h of working time."),
        ([fact("dossier.supplement_requested", "01-17 08:00")], "02-29 08:00", "Đồng hồ đang dừng.",
         "The clock stands."),
        ([], "01-26 16:30", "Còn 0 giờ 30 phút làm việc.", "0 h 30 min of working time left."),
    ],
)  # fmt: skip
def test_overdue_now_is_not_finished_late(more: list[Fact], now: str, vi: str, en: str) -> None:
    received = fact("dossier.received", "01-15 08:00", due_at=at("01-26 17:00"))
    last = of_dossier(received, *more, now=at(now))[-1]
    assert (last.vi, last.en) == (vi, en)


seconds = st.integers(0, 86_399).map(lambda n: timedelta(seconds=n, microseconds=n * 7))


@given(entities("dossier."), nows, seconds)
def test_the_steps_of_a_dossier_add_up_to_its_term(facts: list[Fact], now: datetime, odd: timedelta) -> None:
    now += odd
    explained = explain_dossier(CALENDAR, dossier_state(facts, now), now)
    if explained is None:
        return
    steps = steps_of(CALENDAR, explained, now)
    assert sum(step.adds_seconds for step in steps) == (explained.term_seconds or 0)
    totals = [step.total_seconds for step in steps]
    assert totals[-1] == (explained.term_seconds or 0)
    running = 0
    for step in steps:
        running += step.adds_seconds
        assert step.total_seconds == running
        assert step.vi
        assert step.en
    known = [step.due_at for step in steps if step.due_at is not None]
    assert not known or known[-1] == explained.due_at
    if (
        explained.term_seconds is not None
        and explained.term_seconds >= 0
        and explained.conclusion != "paused"
    ):
        assert explained.counted_seconds + explained.paused_seconds == explained.term_seconds


@given(entities("question."), nows)
def test_the_steps_of_a_question_add_up_to_its_term(facts: list[Fact], now: datetime) -> None:
    explained = explain_question(CALENDAR, question_state(facts, now), now)
    if explained is not None:
        steps = steps_of(CALENDAR, explained, now)
        assert sum(step.adds_seconds for step in steps) == explained.term_seconds
