"""Signals: what is looked for, what is not, and that each names its evidence. None of it knows points."""

import ast
from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import services.scoring
from services.scoring import signals
from services.scoring.signals_rules import read_signal_rules, shipped_signal_rules
from services.scoring.titles import alike, similarity
from shared.calendar.datafile import DataFileError
from shared.calendar.periods import Window
from shared.calendar.working import vietnam

QUARTER = Window(date(2024, 1, 1), date(2024, 3, 31))
RULES = shipped_signal_rules().on(QUARTER.first)


def fact(number: int, kind: str, at: str, agency: str = "so-y-te", **data: Any) -> dict[str, Any]:
    """A fact as a ledger tells it."""
    return {
        "source": "/publishers/cong", "id": f"f-{number}", "type": kind, "kind": kind.partition(".")[0],
        "entity": str(data.get("article_id") or data.get("dossier_code")), "agency": agency, "time": at,
        "recorded_at": at, "publisher": "cong", "entrance": "http", "inbox": None, "effective": True,
        "retracted_by": [], "repeats": 0, "event": {"data": {"agency": agency, **data}},
    }  # fmt: skip


def article(number: int, day: date, title: str = "", agency: str = "so-y-te", **more: Any) -> dict[str, Any]:
    """A publication on a portal at nine in the morning."""
    at = f"{day.isoformat()}T09:00:00+07:00"
    data = {"article_id": f"a-{number}", "published_at": at, "title": title or f"Tin riêng số {number}"}
    return fact(number, "article.published", at, agency, **{**data, **more})


def days(first: date, count: int, per_day: int = 1) -> Iterable[date]:
    return (first + timedelta(days=n // per_day) for n in range(count * per_day))


def bulk(facts: list[dict[str, Any]], window: Window = QUARTER) -> list[signals.Signal]:
    return signals.bulk_before_cutoff(signals.items_of(facts, window), window, RULES.bulk_before_cutoff)


# ------------------------------------------------------------------------------------------- bulk


def test_a_quarter_published_in_its_last_days_is_a_signal_with_its_facts() -> None:
    early = [article(n, day) for n, day in enumerate(days(date(2024, 1, 8), 10))]
    late = [article(100 + n, day) for n, day in enumerate(days(date(2024, 3, 28), 4, per_day=5))]
    (found,) = bulk([*early, *late])
    assert (found.kind, found.agency) == ("bulk_before_cutoff", "so-y-te")
    assert found.numbers == {"items": 20, "of": 30, "days": 5, "share": "66%"}
    assert {one["id"] for one in found.facts} == {f"f-{100 + n}" for n in range(20)}


def test_steady_work_is_no_signal() -> None:
    assert bulk([article(n, day) for n, day in enumerate(days(QUARTER.first, 91))]) == []


def test_before_another_cut_off_other_days_are_the_last() -> None:
    window = Window(date(2024, 1, 1), date(2024, 3, 22))
    late = [article(n, day) for n, day in enumerate(days(date(2024, 3, 18), 5, per_day=4))]
    assert len(bulk(late, window)) == 1
    assert bulk(late) == []


def test_what_was_retracted_or_went_to_facebook_is_no_item() -> None:
    late = [article(n, date(2024, 3, 30)) for n in range(30)]
    assert len(bulk(late)) == 1
    assert bulk([{**one, "effective": False} for one in late]) == []
    assert bulk([article(n, date(2024, 3, 30), channel="facebook") for n in range(30)]) == []


@given(st.lists(st.dates(QUARTER.first, QUARTER.last), max_size=60), st.randoms())
def test_the_order_in_which_facts_are_read_has_no_say(published: list[date], chance: Any) -> None:
    facts = [article(n, day) for n, day in enumerate(published)]
    mixed = list(facts)
    chance.shuffle(mixed)
    assert bulk(facts) == bulk(mixed)


@given(st.lists(st.dates(QUARTER.first, QUARTER.last), max_size=60))
def test_a_bulk_is_as_large_as_the_thresholds_say(published: list[date]) -> None:
    rules = RULES.bulk_before_cutoff
    tail = [day for day in published if day > QUARTER.last - timedelta(days=rules.days)]
    expected = len(tail) >= rules.at_least and len(tail) >= rules.share * len(published)
    assert bool(bulk([article(n, day) for n, day in enumerate(published)])) == expected


# ----------------------------------------------------------------------------------------- titles


@given(st.lists(st.text("ab c", min_size=1, max_size=8), max_size=25), st.sampled_from([5, 8, 9, 10]))
def test_titles_hang_together_exactly_by_their_similarity(titles: list[str], tenths: int) -> None:
    """The quick search finds what comparing every pair finds."""
    least = Fraction(tenths, 10)
    together = {place: {place} for place in range(len(titles))}
    for one in range(len(titles)):
        for other in range(one):
            if similarity(titles[one], titles[other]) >= least:
                merged = together[one] | together[other]
                for place in merged:
                    together[place] = merged
    expected = {frozenset(group) for group in together.values() if len(group) > 1}
    assert {frozenset(group) for group in alike(titles, least)} == expected


@given(st.text(max_size=40), st.text(max_size=40))
def test_similarity_is_symmetric_and_between_nothing_and_all(one: str, other: str) -> None:
    assert similarity(one, other) == similarity(other, one)
    assert 0 <= similarity(one, other) <= 1
    assert similarity(one, one) == 1


def test_the_same_news_three_times_is_a_signal_and_news_alike_in_topic_is_not() -> None:
    title = "Sở Y tế tổ chức hội nghị triển khai công tác y tế dự phòng năm 2024"
    same = [article(n, date(2024, 2, 5), title + dot) for n, dot in enumerate(["", ".", "!"])]
    other = article(9, date(2024, 2, 5), "Sở Y tế tổ chức hội nghị tổng kết phong trào hiến máu tình nguyện")
    items = signals.items_of([*same, other], QUARTER)
    (found,) = signals.near_identical_titles(items, RULES.near_identical_titles)
    assert [one["id"] for one in found.facts] == ["f-0", "f-1", "f-2"]
    assert found.numbers["items"] == 3


def test_the_same_title_in_other_months_and_of_other_agencies_is_none() -> None:
    title = "Lịch công tác tuần của lãnh đạo"
    far = [article(n, date(2024, 1, 1) + timedelta(days=40 * n), title) for n in range(3)]
    many = [article(10 + n, date(2024, 2, 5), title, agency) for n, agency in enumerate("abc")]
    items = signals.items_of([*far, *many], QUARTER)
    assert signals.near_identical_titles(items, RULES.near_identical_titles) == []


# -------------------------------------------------------------------------------------- backdated


def group(late: int, facts: int, agency: str = "so-y-te", day: str = "2024-03-29") -> dict[str, Any]:
    examples = [fact(n, "question.answered", "2024-01-10T08:00:00+07:00") for n in range(min(late, 3))]
    return {
        "agency": agency, "recorded_on": day, "facts": facts, "late": late, "longest_days": 79,
        "examples": examples,
    }  # fmt: skip


def test_facts_slipped_in_late_are_told_from_a_load_of_old_ones_by_their_share() -> None:
    few, load = signals.backdated([group(6, 60), group(400, 400, "so-noi-vu")], RULES.backdated)
    assert (few.agency, few.numbers["facts"], few.numbers["share"]) == ("so-y-te", 6, "10%")
    assert (load.agency, load.numbers["share"]) == ("so-noi-vu", "100%")
    assert few.facts


def test_modules_of_one_day_are_put_together_and_a_single_late_fact_is_no_signal() -> None:
    (both,) = signals.backdated([group(3, 10), group(2, 20)], RULES.backdated)
    assert (both.numbers["facts"], both.numbers["of"]) == (5, 30)
    assert signals.backdated([group(1, 100)], RULES.backdated) == []


# ----------------------------------------------------------------------------------------- pauses


def dossier(number: int, paused_at: str, due_at: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fact that asks for a supplement, and the dossier's state."""
    asked = fact(number, "dossier.supplement_requested", paused_at, dossier_code=f"d-{number}")
    received = {"at": "2024-02-01T08:00:00+07:00", "source": "/publishers/cong", "id": "r", "due_at": due_at}
    pause = {"at": paused_at, "source": asked["source"], "id": asked["id"], "due_at": None}
    return asked, {"history": [received, pause]}


def pauses(made: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[signals.Signal]:
    states = {(asked["agency"], asked["entity"]): state for asked, state in made}
    asked = [one for one, _ in made]
    return signals.paused_before_due(asked, states, vietnam(), RULES.paused_before_due)


def test_pausing_hours_before_the_due_instant_again_and_again_is_a_signal() -> None:
    due = "2024-02-23T17:00:00+07:00"
    short = [dossier(n, "2024-02-23T15:00:00+07:00", due) for n in range(3)]
    early = [dossier(10 + n, "2024-02-05T09:00:00+07:00", due) for n in range(4)]
    (found,) = pauses([*short, *early])
    assert found.numbers == {"pauses": 3, "of": 7, "share": "42%", "working_hours": 8}
    assert [one["id"] for one in found.facts] == ["f-0", "f-1", "f-2"]
    assert pauses([*short[:2], *early]) == []


def test_working_hours_are_counted_not_hours() -> None:
    """Friday noon before a Monday is short; midweek before a Monday is not, nor is one without a due date."""
    friday = [dossier(n, "2024-03-01T14:00:00+07:00", "2024-03-04T09:00:00+07:00") for n in range(3)]
    assert len(pauses(friday)) == 1
    midweek = [dossier(n, "2024-03-06T14:00:00+07:00", "2024-03-11T09:00:00+07:00") for n in range(3)]
    assert pauses(midweek) == []
    assert pauses([dossier(n, "2024-03-01T14:00:00+07:00", None) for n in range(3)]) == []


def test_a_pause_after_the_due_instant_buys_nothing_and_is_no_signal() -> None:
    assert (
        pauses([dossier(n, "2024-03-05T08:00:00+07:00", "2024-03-04T17:00:00+07:00") for n in range(5)]) == []
    )


def test_a_request_without_effect_is_no_pause() -> None:
    made = [dossier(n, "2024-02-23T15:00:00+07:00", "2024-02-23T17:00:00+07:00") for n in range(5)]
    assert pauses([(asked, {"history": state["history"][:1]}) for asked, state in made]) == []


# ------------------------------------------------------------------------------- rules, and points


def test_a_bad_file_of_thresholds_names_line_and_reason(tmp_path: Path) -> None:
    text = (Path(signals.__file__).parent / "signals.yaml").read_text(encoding="utf-8")
    for old, new, reason in (
        ('share: "0.40"', "share: 0.40", "in quotes"),
        ('similarity: "0.90"', 'similarity: "1.90"', "less than or equal to 1"),
        ("- article.published", "- article.printed", "no type that publishers send"),
        ("working_hours: 8", "working_hours: 8\n      colour: red", "not permitted"),
    ):
        assert old in text
        file = tmp_path / "signals.yaml"
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(DataFileError, match=reason) as refused:
            read_signal_rules(file)
        assert f"{file}:" in str(refused.value)


def test_every_threshold_is_marked_as_an_assumption() -> None:
    assert {entry.provenance for entry in shipped_signal_rules().rules} == {"assumed"}


def test_nothing_that_makes_points_knows_of_signals() -> None:
    """Only the wiring imports signals, so no point can depend on one."""
    folder = Path(services.scoring.__file__).parent
    knows = {
        file.stem
        for file in folder.glob("*.py")
        if not file.stem.startswith("signals")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        if name.rpartition(".")[2].startswith("signals") or name.endswith("scoring.titles")
    }
    assert knows == {"api", "app"}
