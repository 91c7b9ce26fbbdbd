"""Scores on a real database: published once, changed with their causes, the same after a rebuild."""

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scoring import rebuild
from services.scoring.evidence import Evidence
from services.scoring.fold import place
from services.scoring.indicators import answer, indicators, probes, span_of
from services.scoring.readings import asked_span
from shared.calendar.periods import parse_window
from shared.contracts.scores import Score, ScoreChange
from shared.runtime.problem import ProblemError
from tests.integration.scoring.rig import BOOK, Bus, Rig, rig, run, wipe
from tests.unit.scoring.world import AGENCIES, Entity, recount, world

SLOW = settings(deadline=None, max_examples=8, suppress_health_check=list(HealthCheck))
Q1 = "2024-Q1"


async def feed(one: Rig, bus: Bus, entities: list[Entity], *, steps: bool) -> None:
    """All changes in order; with `steps`, scores are worked out after each."""
    for entity in entities:
        for change in entity.changes:
            await one.fold([bus.put(change)])
            if steps:
                await one.scorer.run_once()
    await one.scorer.run_once()


async def outbox_of(one: Rig, topic: str) -> list[dict[str, Any]]:
    """What is on its way to a topic."""
    async with one.pool.acquire() as connection:
        rows = await connection.fetch("SELECT value FROM outbox WHERE topic = $1 ORDER BY id", topic)
    return [msgspec.json.decode(row["value"]) for row in rows]


def plain(documents: dict[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Scores without what says how often they were worked out."""
    return {
        key: {name: value for name, value in document.items() if name not in ("revision", "as_of")}
        for key, document in documents.items()
    }


@SLOW
@given(seed=st.integers(0, 10**9))
def test_step_by_step_and_at_once_give_the_same_scores(postgres_url: str, seed: int) -> None:
    async def work() -> None:
        entities = world(seed, 8)
        async with rig(postgres_url) as one:
            await wipe(one)
            await feed(one, Bus(), entities, steps=True)
            stepwise = plain(await one.published())
            await _changes_add_up(one)
            await wipe(one)
            await feed(one, Bus(), entities, steps=False)
            assert plain(await one.published()) == stepwise

    run(work())


async def _changes_add_up(one: Rig) -> None:
    """The changes of a score, one after the other, lead to it."""
    scores = await one.published()
    last: dict[tuple[str, str], Any] = {}
    for change in await one.changes():
        key = (change["agency"], change["period"])
        assert change["before"] == last.get(key, {}).get("after")
        assert change["revision"] == last.get(key, {"revision": 0})["revision"] + 1
        last[key] = change
    assert {key: change["after"] for key, change in last.items()} == {
        key: document["total"] for key, document in scores.items()
    }


@SLOW
@given(seed=st.integers(0, 10**9), step=st.sampled_from([1, 2, 3, 4, 5]))
def test_a_crash_between_any_two_steps_of_scoring_changes_nothing(
    postgres_url: str, seed: int, step: int
) -> None:
    class CrashError(Exception):
        pass

    async def work() -> None:
        crashing = False

        def hook(reached: int) -> None:
            if crashing and reached == step:
                raise CrashError

        entities = world(seed, 5)
        async with rig(postgres_url, score_hook=hook) as one:
            await wipe(one)
            await feed(one, Bus(), entities, steps=False)
            expected = plain(await one.published())
            await wipe(one)
            bus = Bus()
            for entity in entities:
                for change in entity.changes:
                    await one.fold([bus.put(change)])
            crashing = True
            with pytest.raises(CrashError):
                await one.scorer.run_once()
            crashing = False
            await one.scorer.run_once()
            assert plain(await one.published()) == expected
            await _changes_add_up(one)

    run(work())


def test_what_leaves_follows_the_contract_and_names_its_causes(postgres_url: str) -> None:
    async def work() -> None:
        entities = world(21, 60)
        async with rig(postgres_url) as one:
            await wipe(one)
            bus = Bus()
            await one.scorer.run_once()
            for entity in entities:
                for change in entity.changes:
                    known = len(await one.changes())
                    await one.fold([bus.put(change)])
                    await one.scorer.run_once()
                    for moved in (await one.changes())[known:]:
                        ours = [cause for cause in moved["causes"] if cause.startswith("/services/scoring")]
                        assert set(moved["causes"]) - set(ours) <= set(change.causes)
                        assert moved["causes"], "a change without a cause"
            for event in await outbox_of(one, "scores"):
                Score.model_validate(event["data"])
                assert event["type"] == "vn.laocai.score.published.v1"
            for event in await outbox_of(one, "score.changes"):
                ScoreChange.model_validate(event["data"])
            opened = {event["data"]["period"] for event in await outbox_of(one, "periods")}
            assert Q1 in opened
            register = BOOK.agencies.register
            scored = [agency for agency, period in await one.published() if period == Q1]
            communes = [agency for agency in scored if register.agencies[agency].group == "communes"]
            assert (len(scored) - len(communes), len(communes)) == (58, 29), (
                "the province's and the districts'"
            )

    run(work())


def test_a_rebuild_gives_the_same_byte_for_byte(postgres_url: str) -> None:
    async def work() -> None:
        entities = world(33, 80)
        async with rig(postgres_url) as one:
            await wipe(one)
            bus = Bus()
            await feed(one, bus, entities, steps=False)
            before = await _everything(one)
            ends = {place(partition): offset for partition, offset in bus.ends.items()}
            async with one.pool.acquire() as connection:
                await rebuild.begin(connection, ends)
            assert await one.fetchval("SELECT count(*) FROM tally") == 0
        async with rig(postgres_url) as again:
            random.Random(1).shuffle(bus.records)
            half = len(bus.records) // 2
            await again.fold(bus.records[:half])
            await again.scorer.run_once()
            assert await again.published() == {}, "no score leaves before everything was read"
            with pytest.raises(ProblemError, match="rebuilt"):
                await again.readings.scores(asked_span(Q1, None, None, again.readings.today()), None)
            await again.fold(bus.records)
            await again.scorer.run_once()
            assert await _everything(again) == before
            assert await again.tally() == recount(entities)

    run(work())


async def _everything(one: Rig) -> dict[str, Any]:
    """All derived and published content."""
    queries = {
        "scores": "SELECT string_agg(document, '|' ORDER BY period, agency) FROM score",
        "changes": "SELECT count(*) FROM score_change",
        "contributions": """
            SELECT string_agg(key || version || marks::text || coalesce(amounts::text, ''), '|' ORDER BY key)
            FROM contribution""",
        "tally": "SELECT string_agg(mark || ':' || n, '|' ORDER BY mark) FROM tally WHERE n <> 0",
    }
    return {name: await one.fetchval(query) for name, query in queries.items()}


@SLOW
@given(seed=st.integers(0, 10**9), days=st.tuples(st.integers(0, 60), st.integers(0, 70)))
def test_the_database_answers_windows_like_the_plain_count(
    postgres_url: str, seed: int, days: tuple[int, int]
) -> None:
    async def work() -> None:
        entities = world(seed, 40)
        first = date(2024, 1, 1) + timedelta(days=days[0])
        span = span_of(parse_window(first.isoformat(), (first + timedelta(days=days[1])).isoformat()))
        async with rig(postgres_url) as one:
            await wipe(one)
            bus = Bus()
            await one.fold([bus.put(change) for entity in entities for change in entity.changes])
            found = await one.readings.indicators(AGENCIES, span)
        tally = recount(entities)
        for agency in AGENCIES:
            rows = [(*place[1:], n) for place, n in tally.items() if place[0] == agency]
            decided = {
                flow for flow, cohort, effective, n in rows
                if flow.startswith("procedure.decision/") and span.first <= cohort <= span.last
            }  # fmt: skip
            plainly = indicators(answer(rows, probes(span, {row[0] for row in rows}), span.cut), len(decided))
            told = {k: v for k, v in plainly.items() if not k.startswith("judged")}
            assert found[agency] == dict(sorted(told.items()))

    run(work())


def test_other_rules_score_everything_again(postgres_url: str) -> None:
    async def work() -> None:
        async with rig(postgres_url) as one:
            await wipe(one)
            await feed(one, Bus(), world(50, 30), steps=False)
            before = len(await one.changes())
        async with rig(postgres_url, book=replace(BOOK, digest="another")) as same:
            await same.scorer.run_once()
            assert len(await same.changes()) == before, "the same content keeps its revision"
            assert await same.fetchval("SELECT value FROM noted WHERE name = 'rules'") == "another"

    run(work())


def test_evidence_names_the_entities_behind_a_number(postgres_url: str) -> None:
    async def work() -> None:
        entities = world(60, 150)
        async with rig(postgres_url) as one, httpx.AsyncClient() as client:
            await wipe(one)
            await feed(one, Bus(), entities, steps=False)
            evidence = Evidence(one.readings, {}, client)
            span = asked_span(Q1, None, None, one.readings.today())
            score = await one.readings.score("so-y-te", span)
            accepted = score["modules"]["qa"]["criteria"][0]["indicators"]["qa.accepted"]
            keys: list[str] = []
            cursor: str | None = ""
            total = 0
            while cursor is not None:
                page = await evidence.page("so-y-te", "qa/acceptance", span, cursor, 3, facts=False)
                keys += [entity["key"] for entity in page["entities"]]
                total += sum(entity["counts"].get("qa.accepted", 0) for entity in page["entities"])
                cursor = page["next"]
            assert accepted > 0
            assert total == accepted
            assert keys == sorted(set(keys))
            with pytest.raises(ProblemError, match="its criteria"):
                await evidence.page("so-y-te", "beauty", span, "", 3, facts=False)

    run(work())
