"""The view: what it makes of records, in any repetition, and of records that nobody can read."""

import json
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.report.bus import Record
from services.report.view import MAX_CAUSES_KEPT, View


def record(topic: str, content: Any, *, key: str = "k", offset: int = 0, bare: bool = False) -> Record:
    if isinstance(content, bytes):
        return Record(topic, 0, offset, key.encode(), content, 1_700_000_000_000)
    body = content if bare else {"specversion": "1.0", "id": "1", "type": "t", "data": content}
    value = json.dumps(body).encode()
    return Record(topic, 0, offset, key.encode(), value, 1_700_000_000_000)


def score(agency: str, revision: int, points: float = 10) -> dict[str, Any]:
    return {
        "agency": agency,
        "period": "2024-Q1",
        "revision": revision,
        "total": {"points": points, "max": 55},
        "modules": {},
        "complete": True,
    }


def entity(kind: str, name: str, version: int, *, agency: str = "so-y-te", **state: Any) -> dict[str, Any]:
    causes = [{"source": "/publishers/mot-cua", "id": f"f-{version}"}]
    return {
        "entity": name,
        "kind": kind,
        "version": version,
        "agency": agency,
        "state": state,
        "causes": causes,
    }


def test_the_newest_revision_of_a_score_stands() -> None:
    view = View()
    view.apply([record("scores", score("a", 2, 20)), record("scores", score("a", 1, 10))])
    assert view.scores["2024-Q1"]["a"]["total"]["points"] == 20


def test_scores_are_read_with_and_without_an_envelope() -> None:
    view = View()
    view.apply([record("scores", score("a", 1)), record("scores", score("b", 1), bare=True)])
    assert set(view.scores["2024-Q1"]) == {"a", "b"}


def test_a_tombstone_takes_a_score_away() -> None:
    view = View()
    view.apply([record("scores", score("a", 1))])
    view.apply([Record("scores", 0, 1, b"a|2024-Q1", None, 0)])
    assert view.scores["2024-Q1"] == {}


def test_open_work_appears_and_goes_with_its_last_fact() -> None:
    view = View()
    view.apply([record("dossier.events", entity("dossier", "d-1", 1, status="received"))])
    assert [one.entity for one in view.open_work("so-y-te")] == ["d-1"]
    view.apply([record("dossier.events", entity("dossier", "d-1", 2, status="resolved"))])
    assert list(view.open_work()) == []


def test_a_forwarded_question_waits_at_its_new_agency_only() -> None:
    view = View()
    view.apply([
        record("qa.events", entity("question", "q", 1, status="accepted")),
        record("qa.events", entity("question", "q", 2, agency="so-tu-phap", status="accepted")),
        # The same change lies on the partition of the agency before, too.
        record("qa.events", entity("question", "q", 2, agency="so-tu-phap", status="accepted")),
    ])  # fmt: skip
    assert [one.agency for one in view.open_work()] == ["so-tu-phap"]


def test_two_agencies_may_use_the_same_dossier_id() -> None:
    view = View()
    view.apply([
        record("dossier.events", entity("dossier", "d", 1, agency=agency, status="received"))
        for agency in ("so-y-te", "so-tu-phap")
    ])  # fmt: skip
    assert len(list(view.open_work())) == 2


def test_unreadable_records_are_counted_and_passed_over() -> None:
    view = View()
    view.apply(
        [record("scores", b"{"), record("dossier.events", {"entity": 1}), record("scores", score("a", 1))]
    )
    assert view.unreadable == 2
    assert "dossier.events" in view.last_unreadable
    assert "a" in view.scores["2024-Q1"]


def test_publishers_are_known_by_what_they_caused_and_what_was_refused() -> None:
    view = View()
    view.apply([
        record("dossier.events", entity("dossier", "d", 1, status="received")),
        record("rejections", {"rejection": 1, "module": "dossier", "publisher": "mot-cua"}),
    ])  # fmt: skip
    publisher = view.publishers["mot-cua"]
    assert (publisher.changes, publisher.rejections, publisher.agencies) == (1, 1, {"so-y-te"})


def test_a_change_that_is_sent_again_is_shown_once_and_long_lists_of_causes_are_cut() -> None:
    view = View()
    change = {
        "agency": "a",
        "period": "2024-Q1",
        "revision": 4,
        "before": None,
        "after": {"points": 1, "max": 2},
        "moved": [],
        "causes": [{"source": "s", "id": str(n)} for n in range(500)],
    }
    view.apply([record("score.changes", change), record("score.changes", change)])
    (kept,) = view.changes["a"]
    assert len(kept["causes"]) == MAX_CAUSES_KEPT
    assert kept["causes_total"] == 500


def moving(revision: int, *moved: float, period: str = "2024-Q1") -> Record:
    """A change of a score that moved criteria by so much, or none."""
    moves = [{"module": "qa", "criterion": "timeliness", "delta": delta} for delta in moved]
    content = {
        "agency": "a", "period": period, "revision": revision, "at": "2024-03-22T08:00:00+07:00",
        "before": {"points": 1, "max": 2}, "after": {"points": 1, "max": 2}, "moved": moves,
        "causes": [{"source": "s", "id": f"f{revision}"}],
    }  # fmt: skip
    return record("score.changes", content)


def test_numbers_that_moved_no_point_stand_together_and_push_nothing_out() -> None:
    view = View()
    view.apply([moving(1, 1.0), *map(moving, range(2, 400)), moving(400, -0.5), moving(401), moving(402)])
    told = [(one["first_revision"], one["revision"], one["causes_total"]) for one in view.changes["a"]]
    assert told == [(1, 1, 1), (2, 399, 398), (400, 400, 1), (401, 402, 2)]
    assert [cause["id"] for cause in view.changes["a"][1]["causes"]][:2] == ["f399", "f398"]
    assert len(view.changes["a"][1]["causes"]) == MAX_CAUSES_KEPT
    assert [one["revision"] for one in view.recent["2024-Q1"]] == [1, 400]


def test_the_latest_changes_are_the_latest_by_their_own_time() -> None:
    """A newcomer reads the partitions one after the other."""
    view = View()
    for agency, minutes in (("a", range(0, 60, 2)), ("b", range(1, 60, 2))):
        for revision, minute in enumerate(minutes, 1):
            one = json.loads(moving(revision, 1.0).value or b"")["data"]
            one |= {"agency": agency, "at": f"2024-03-22T08:{minute:02d}:00+07:00"}
            view.apply([record("score.changes", one)])
    assert [one["at"][14:16] for one in view.recent["2024-Q1"]] == [f"{n:02d}" for n in range(10, 60)]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["2024-Q1", "2023-Q1"])), max_size=30), st.data())
def test_every_change_of_a_score_is_in_one_row_however_often_it_is_sent(
    steps: list[tuple[bool, str]], data: st.DataObject
) -> None:
    sent = [moving(n, *([1.0] * moved), period=period) for n, (moved, period) in enumerate(steps, 1)]
    once, again = View(), View()
    once.apply(sent)
    place = data.draw(st.integers(0, len(sent)))
    again.apply([*sent[:place], *sent[max(0, place - 5) : place], *sent[place:]])
    assert again.changes == once.changes
    assert again.recent == once.recent
    for n, (_, period) in enumerate(steps, 1):
        rows = [
            one for one in once.changes["a"]
            if one["period"] == period and one["first_revision"] <= n <= one["revision"]
        ]  # fmt: skip
        assert len(rows) == 1


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["received", "in_progress", "resolved"])), max_size=12
    )
)
def test_repeats_of_a_whole_history_change_nothing(steps: list[tuple[int, str]]) -> None:
    history = [
        record("dossier.events", entity("dossier", "d", version, status=status), offset=version)
        for version, (_, status) in enumerate(steps, 1)
    ]
    once, twice = View(), View()
    once.apply(history)
    twice.apply(history)
    twice.apply(history)
    assert list(once.open_work()) == list(twice.open_work())


def counted(agency: str, period: str, items: int) -> dict[str, Any]:
    indicators = {"content.items": items, "window.weeks": 13}
    modules = {"content": {"criteria": [{"id": "volume", "indicators": indicators}]}}
    return {**score(agency, 1), "period": period, "modules": modules}


def test_the_main_period_is_the_running_one_as_soon_as_something_counts_in_it() -> None:
    view = View()
    view.apply([record("scores", counted("a", "2024-Q1", 500)), record("scores", counted("a", "2024-Q2", 1))])
    assert view.main_period(date(2024, 4, 2)) == "2024-Q2"


def test_the_main_period_is_otherwise_the_newest_that_is_not_nearly_empty() -> None:
    view = View()
    view.apply([
        record("scores", counted("a", period, items))
        for period, items in (("2023-Q1", 400), ("2024-Q1", 500), ("2024-Q2", 20), ("2026-Q4", 0))
    ])  # fmt: skip
    assert view.main_period(date(2026, 11, 24)) == "2024-Q1"
    assert View().main_period(date(2026, 11, 24)) is None


def alert(word: str, entity: str = "d1") -> dict[str, Any]:
    return {"module": "dossier", "agency": "so-y-te", "entity": entity, "word": word, "due_at": "2024-01-26"}


def test_a_warning_is_shown_once_however_often_it_is_sent() -> None:
    view = View()
    view.apply([record("alerts", alert(word)) for word in ("due_soon", "due_soon", "overdue", "due_soon")])
    assert [one["word"] for one in view.alerts] == ["due_soon", "overdue"]
    assert view.take_touched().work == {"so-y-te"}
