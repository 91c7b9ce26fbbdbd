"""The section of signals on an agency's page: in words, with its facts, honest about what was not read."""

from typing import Any

import pytest

from services.report import rulebook
from services.report.dashboard import render
from services.report.dashboard.agency_signals import numbers_in_words

FACT = {
    "source": "/publishers/cong", "id": "f 1&2", "type": "article.published", "entity": "a-1",
    "title": "Tin <b>mới</b>", "time": "2024-03-30T09:00:00+07:00",
    "recorded_at": "2024-03-30T09:00:05+07:00",
}  # fmt: skip
BULK = {
    "kind": "bulk_before_cutoff", "agency": "so-y-te", "on": "2024-03-27",
    "title": {"vi": "Đăng dồn", "en": "Bulk"},
    "innocent": {"vi": "Có thể có sự kiện", "en": "Perhaps an event"},
    "numbers": {"items": 15, "of": 20, "days": 5, "share": "75%"}, "facts_total": 15, "facts": [FACT] * 10,
}  # fmt: skip


def drawn(language: str, **answer: Any) -> str:
    return render.draw(
        language, "agency_signals", answer={"unread": [], "signals": [], **answer}, shown=5,
        word=lambda texts: rulebook.word(texts, language), words=numbers_in_words,
    )  # fmt: skip


def test_a_signal_is_told_in_words_with_what_it_may_be_instead() -> None:
    page = drawn("vi", signals=[BULK])
    assert "15 trên 20 tin, bài (75%) trong 5 ngày cuối" in page
    assert "Có thể có sự kiện" in page
    assert "không làm thay đổi điểm" in page
    assert "và 10 dữ kiện khác" in page


def test_facts_lead_to_their_sheet_and_titles_are_escaped() -> None:
    page = drawn("en", signals=[BULK])
    assert page.count("data-sheet=") == 5
    assert "/fragments/en/fact?source=/publishers/cong&amp;id=f%201%262" in page
    assert "<b>mới</b>" not in page


def test_nothing_found_and_not_everything_read_look_different() -> None:
    assert "Không có dấu hiệu" in drawn("vi")
    assert "chưa đầy đủ" not in drawn("vi")
    assert "chưa đầy đủ" in drawn("vi", unread=["dossier: ConnectError"])


@pytest.mark.parametrize("language", render.LANGUAGES)
@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("near_identical_titles", {"items": 3, "title": "Lịch tuần"}),
        ("backdated", {"facts": 6, "of": 60, "share": "10%", "longest_days": 79}),
        ("paused_before_due", {"pauses": 3, "of": 7, "share": "42%", "working_hours": 8}),
    ],
)
def test_every_kind_has_its_sentence(language: str, kind: str, numbers: dict[str, Any]) -> None:
    told = numbers_in_words({"kind": kind, "numbers": numbers}, render.words(language))
    assert not told.startswith("signals.")
    assert all(str(value) in told for value in numbers.values())


def test_a_kind_without_a_sentence_shows_its_numbers() -> None:
    assert numbers_in_words({"kind": "new", "numbers": {"a": 1}}, render.words("vi")) == "a: 1"
