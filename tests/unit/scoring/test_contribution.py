"""What an entity adds to the counts, also as seen from an earlier day."""

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.contribution import Mark, contribution, day_of
from shared.calendar.local import end_of_day, local_day
from shared.runtime.ledger.lifecycle import Fact
from tests.unit.scoring.world import (
    FIRST,
    LIFECYCLES,
    NOW,
    article_facts,
    dossier_facts,
    fact,
    question_facts,
    world,
    wrong_title,
)

D = day_of


def folded(module: str, facts: Sequence[Fact], now: datetime = NOW) -> list[Mark]:
    """The marks of one entity's facts."""
    lifecycle = LIFECYCLES[module]
    ref = lifecycle.entity_of(facts[0].type, facts[0].data, facts[0].id)
    found = lifecycle.fold(ref, facts, now)
    added = contribution(ref.kind, found.agency, msgspec.json.encode(found.state), wrong_title)
    assert added.fault is None
    return added.marks


def seen_on(marks: Sequence[Mark], day: int) -> dict[tuple[str, str, int], int]:
    """What counts when nothing that happened after `day` is known."""
    sums: dict[tuple[str, str, int], int] = {}
    for agency, flow, cohort, effective, amount in marks:
        if effective <= day:
            sums[agency, flow, cohort] = sums.get((agency, flow, cohort), 0) + amount
    return {place: n for place, n in sums.items() if n}


@given(seed=st.integers(0, 10**9), days=st.integers(0, 130), kind=st.sampled_from(["qa", "content"]))
def test_a_cut_off_sees_what_was_known_then(seed: int, days: int, kind: str) -> None:
    """Marks up to a day are the marks of an entity of which only the facts up to that day are known."""
    rng = random.Random(seed)
    facts = question_facts(rng, 1) if kind == "qa" else article_facts(rng, 1)
    cut = local_day(FIRST) + timedelta(days=days)
    known = [one for one in facts if local_day(one.time) <= cut]
    now_known = folded(kind, facts)
    then_known = folded(kind, known, end_of_day(cut)) if known else []
    assert seen_on(now_known, D(cut.isoformat())) == seen_on(then_known, D(cut.isoformat()))


@given(seed=st.integers(0, 10**9), days=st.integers(0, 130))
def test_what_stands_open_on_a_day_is_begun_without_ended(seed: int, days: int) -> None:
    facts = dossier_facts(random.Random(seed), 1)
    cut = local_day(FIRST) + timedelta(days=days)
    known = [one for one in facts if local_day(one.time) <= cut]
    state: dict[str, Any] = {"status": "unopened", "overdue": False}
    if known:
        lifecycle = LIFECYCLES["dossier"]
        ref = lifecycle.entity_of(facts[0].type, facts[0].data, facts[0].id)
        state = lifecycle.fold(ref, known, end_of_day(cut)).state
    sums = {flow: n for (_, flow, _), n in _flows(folded("dossier", facts), cut).items()}
    begun = sum(n for flow, n in sums.items() if flow.startswith("dossier.received"))
    ended = sum(n for flow, n in sums.items() if flow.startswith(("dossier.resolved", "dossier.withdrawn")))
    ended += sums.get("dossier.rejected", 0)
    assert begun - ended == (state["status"] in ("received", "paused", "in_progress"))
    overdue = sums.get("dossier.overdue.begun", 0) - sums.get("dossier.overdue.ended", 0)
    assert overdue == int(state["overdue"])


def _flows(marks: Sequence[Mark], cut: date) -> dict[tuple[str, str, int], int]:
    sums: dict[tuple[str, str, int], int] = {}
    for agency, flow, _, effective, amount in marks:
        if effective <= D(cut.isoformat()):
            sums[agency, flow, 0] = sums.get((agency, flow, 0), 0) + amount
    return sums


def test_a_question_passes_on_with_its_clock_and_its_score() -> None:
    rng = random.Random(1)
    one = {"question_id": "q-1"}
    received, accepted = FIRST, FIRST + timedelta(days=1)
    forwarded, answered = FIRST + timedelta(days=20), FIRST + timedelta(days=22)
    facts = [
        fact(rng, "question.received", received, "so-y-te", received_at=received, **one),
        fact(rng, "question.accepted", accepted, "so-y-te", accepted_at=accepted, **one),
        fact(
            rng,
            "question.forwarded",
            forwarded,
            "so-y-te",
            forwarded_at=forwarded,
            to_agency="so-noi-vu",
            **one,
        ),
        fact(
            rng,
            "question.answered",
            answered,
            "so-noi-vu",
            answered_at=answered,
            answerer_title="Giám đốc",
            **one,
        ),
    ]
    marks = folded("qa", facts)
    cohort = D("2024-01-01")
    now = {(agency, flow) for (agency, flow, _) in seen_on(marks, D("2024-12-31"))}
    assert now == {
        ("so-noi-vu", f"qa.{name}") for name in ("received", "accepted", "answered", "answered_late")
    }
    before = seen_on(marks, D("2024-01-19"))
    assert before == {("so-y-te", f"qa.{name}", cohort): 1 for name in ("received", "accepted", "overdue")}
    between = seen_on(marks, D("2024-01-21"))
    assert between == {("so-noi-vu", f"qa.{name}", cohort): 1 for name in ("received", "accepted", "overdue")}


def test_an_article_moves_with_its_correction_and_goes_with_its_removal() -> None:
    rng = random.Random(1)
    one = {"article_id": "a-1"}
    corrected, removed = FIRST + timedelta(days=9), FIRST + timedelta(days=40)
    facts = [
        fact(
            rng, "article.published", FIRST, "so-y-te", published_at=FIRST, title="Tin", url="https://x.vn",
            kind="news", category="contacts", **one,
        ),
        fact(
            rng, "article.corrected", corrected, "so-y-te",
            corrected_at=corrected, category="statistics", **one,
        ),
        fact(rng, "article.removed", removed, "so-y-te", removed_at=removed, reason="trùng", **one),
    ]  # fmt: skip
    marks = folded("content", facts)
    first = D("2024-01-01")
    published = ("so-y-te", "content.articles", first)
    assert seen_on(marks, D("2024-01-09")) == {
        published: 1,
        ("so-y-te", "content.category.contacts", first): 1,
    }
    later = seen_on(marks, D("2024-02-09"))
    assert later == {published: 1, ("so-y-te", "content.category.statistics", first): 1}
    assert seen_on(marks, D("2024-02-10")) == {}


def test_an_entity_that_was_never_opened_counts_nowhere() -> None:
    rng = random.Random(1)
    answered = fact(
        rng, "question.answered", FIRST, "so-y-te", question_id="q-1", answered_at=FIRST, answerer_title="x"
    )
    assert folded("qa", [answered]) == []


OPEN = {
    "status": "received",
    "received_at": "2024-01-01",
    "channel": "online",
    "history": [],
    "overdue": False,
}
STEP = {"at": "2024-01-01", "status": "published"}


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("dossier", {"status": "resolved"}),
        ("dossier", {**OPEN, "received_at": "1.1.2024"}),
        ("dossier", {**OPEN, "channel": "fax"}),
        ("dossier", {**OPEN, "received_at": "1998-01-01"}),
        ("article", {"status": "published", "history": [{**STEP, "published_at": "x"}]}),
        ("article", {"status": "published", "history": [{**STEP, "published_at": "2024-01-01"}]}),
        ("report", {"status": "received", "period": "Q1", "received_at": "2024-01-01"}),
        ("assessment", {"status": "assessed", "period": "2024", "criterion": "x", "points": "?"}),
        ("question", []),
        ("question", None),
    ],
)
def test_a_state_that_cannot_be_read_is_a_value(kind: str, state: object) -> None:
    found = contribution(kind, "so-y-te", msgspec.json.encode(state), wrong_title)
    assert found.marks == []
    assert found.fault


def test_bytes_that_are_no_json_are_a_fault_and_a_kind_that_nobody_counts_adds_nothing() -> None:
    assert contribution("question", "so-y-te", b"\xff", wrong_title).fault
    assert contribution("poem", "so-y-te", b"{}", wrong_title) == ([], None)


def test_an_instant_of_another_offset_counts_on_its_local_day() -> None:
    assert D("2024-03-31T18:00:00Z") == D("2024-04-01")
    assert D("2024-03-31T23:59:59.999999+07:00") == D("2024-03-31")


@given(seed=st.integers(0, 10**6))
def test_every_change_of_a_random_world_can_be_read(seed: int) -> None:
    for entity in world(seed, 3):
        for change in entity.changes:
            assert contribution(change.kind, change.agency, change.state, wrong_title).fault is None


def test_a_dossier_refused_at_the_door_counts_as_refused_and_leaves_no_stock() -> None:
    refused = fact(
        random.Random(1),
        "dossier.rejected",
        FIRST,
        "so-y-te",
        dossier_code="d1",
        rejected_at=FIRST.isoformat(),
        reason="thiếu hồ sơ",
    )
    flows = {flow: amount for _, flow, _, _, amount in folded("dossier", [refused])}
    assert flows == {"dossier.rejected": 1, "dossier.refused_unreceived": 1}
