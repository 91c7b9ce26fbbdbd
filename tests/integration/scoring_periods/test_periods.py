"""A closed quarter keeps its scores and its seal whatever arrives, until two officers decide otherwise."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from services.scoring import rebuild
from services.scoring.period_life import Scope
from services.scoring.readings import asked_span
from services.scoring.sealing import sha256
from shared.contracts.scores import PeriodState
from shared.runtime.problem import ProblemError
from tests.integration.scoring.rig import run
from tests.integration.scoring_periods.desk import Q1, QUARTER, Desk, desk, wipe
from tests.unit.scoring.world import Change, Entity, world


def changes_of(entities: list[Entity]) -> list[Change]:
    return [change for entity in entities for change in entity.changes]


async def closed(one: Desk, seed: int = 7, size: int = 60) -> list[Change]:
    """A quarter with half of a world in it, closed; answers the other half."""
    await wipe(one.rig)
    entities = world(seed, size)
    await one.feed(changes_of(entities[: size // 2]))
    await one.close()
    return changes_of(entities[size // 2 :])


def test_two_officers_close_a_quarter(postgres_url: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            await wipe(one.rig)
            await one.feed(changes_of(world(7, 40)))
            proposed = await one.office.close(Q1, "Lan", "hết quý", None)
            assert proposed["state"] == "closing"
            with pytest.raises(ProblemError, match="another officer"):
                await one.office.close(Q1, "lan", "", None)
            one.clock.pass_(hours=1)
            sealed = await one.office.close(Q1, "Minh", "", None)
            assert (sealed["state"], sealed["seal"]) == ("closed", 1)
            assert (sealed["officer"], sealed["confirmed_by"]) == ("Lan", "Minh")
            told = [event["data"] for event in await one.sent("periods")]
            mine = [data["state"] for data in told if data["period"] == Q1]
            assert mine == ["open", "closing", "closed"]
            kept = (await one.seals())[0]
            assert sealed["sha256"] == kept["sha256"]
            assert [data for data in told if data["state"] == "closed"][-1]["sha256"] == kept["sha256"]

    run(work())


def test_what_is_sealed_is_the_published_scores(postgres_url: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            await closed(one)
            async with one.rig.pool.acquire() as connection:
                row = await connection.fetchrow("SELECT * FROM seal")
            assert row is not None
            assert sha256(row["document"]) == row["sha256"]
            sealed = msgspec.json.decode(row["document"])["scores"]
            assert sealed == [msgspec.json.decode(text) for _, text in sorted((await one.contents()).items())]
            assert (await one.verifier.verify(QUARTER))["valid"]

    run(work())


def test_ten_thousand_late_facts_change_neither_score_nor_seal(postgres_url: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            await closed(one, seed=3, size=200)
            before, sent = await one.contents(), len(await scores_sent(one))
            late = [c for seed in range(100, 121) for c in renumbered(world(seed, 230), seed)]
            assert sum(len(change.causes) for change in late) >= 10_000
            for start in range(0, len(late), 2_500):
                one.clock.pass_(hours=3)
                await one.feed(late[start : start + 2_500])
            assert await one.contents() == before
            assert len(await scores_sent(one)) == sent
            found = await one.verifier.verify(QUARTER)
            assert found["valid"], [check for check in found["checks"] if not check["holds"]]
            listed = {cause["id"] for row in await one.adjustments() for cause in row["causes"]}
            assert listed
            pending = await one.adjustments("pending")
            assert pending
            assert all(row["moved"] or row["indicators"] for row in pending)

    run(work())


async def scores_sent(one: Desk) -> list[object]:
    return [event for event in await one.sent("scores") if event["data"]["period"] == Q1]


def renumbered(entities: list[Entity], seed: int) -> list[Change]:
    """The changes of a world whose entities nobody else has."""
    return [replace(change, key=f"{seed}/".encode() + change.key) for change in changes_of(entities)]


def test_every_late_fact_is_on_the_list_with_both_versions(postgres_url: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            late = await closed(one)
            sealed = await one.contents()
            scored = set(sealed)
            for change in late[:40]:
                await one.feed([change])
            rows = await one.adjustments()
            causes = {f"{cause['source']} {cause['id']}" for row in rows for cause in row["causes"]}
            counted = {row["agency"] for row in rows}
            assert counted <= scored
            told = {cause for change in late[:40] for cause in change.causes}
            assert causes <= told
            assert causes
            ends: dict[str, float] = {}
            for row in rows:
                assert row["state"] in ("pending", "no_effect")
                old = ends.get(row["agency"], msgspec.json.decode(sealed[row["agency"]])["total"]["points"])
                assert row["before"]["points"] == old
                assert round(old + row["delta"], 2) == row["after"]["points"]
                ends[row["agency"]] = row["after"]["points"]

    run(work())


def test_accepting_all_makes_the_next_seal_and_keeps_the_first(postgres_url: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            late = await closed(one)
            await one.feed(late)
            first = (await one.seals())[0]
            one.clock.pass_(days=1)
            await one.office.propose_acceptance(Q1, "Lan", "đúng thật", None)
            before = await one.contents()
            with pytest.raises(ProblemError, match="another officer"):
                await one.office.confirm(Q1, "Lan")
            assert await one.contents() == before, "nothing moves before it is confirmed"
            sealed = await one.office.confirm(Q1, "Minh")
            assert (sealed["state"], sealed["seal"]) == ("closed", 2)
            assert (await one.seals())[0] == first
            assert not await one.adjustments("pending")
            assert await one.contents() == {
                agency: content for agency, content in (await counted(one)).items() if agency in before
            }
            for number in (1, 2):
                assert (await one.verifier.verify(QUARTER, number))["valid"]

    run(work())


async def counted(one: Desk) -> dict[str, str]:
    """What the counts give, where they were looked at since the close; else what is published."""
    async with one.rig.pool.acquire() as connection:
        rows = await connection.fetch("SELECT agency, content FROM counted_score WHERE period = $1", Q1)
    return {**await one.contents(), **{row["agency"]: row["content"] for row in rows}}


def test_accepting_some_moves_only_those_agencies_and_names_the_late_facts(postgres_url: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            late = await closed(one)
            await one.feed(late)
            pending = await one.adjustments("pending")
            chosen = pending[0]
            before = await one.contents()
            changes = len(await one.rig.changes())
            await one.office.propose_acceptance(Q1, "Lan", "đúng", [chosen["number"]])
            await one.office.confirm(Q1, "Minh")
            after = await one.contents()
            assert {name for name in after if after[name] != before[name]} == {chosen["agency"]}
            change = (await one.rig.changes())[changes:]
            assert [c["agency"] for c in change] == [chosen["agency"]]
            told = {f"{cause['source']} {cause['id']}" for cause in chosen["causes"]}
            assert told <= set(change[0]["causes"])
            assert any(cause.startswith("/services/scoring decision/") for cause in change[0]["causes"])
            states = {row["number"]: row["state"] for row in await one.adjustments()}
            assert states[chosen["number"]] == "accepted"
            assert (await one.verifier.verify(QUARTER))["valid"]

    run(work())


def test_refusing_is_kept_and_moves_nothing(postgres_url: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            await one.feed(await closed(one))
            before, pending = await one.contents(), await one.adjustments("pending")
            number = pending[0]["number"]
            await one.office.refuse(Q1, "Lan", "báo sau hạn", [number])
            refused = await one.adjustments("refused")
            assert [(r["number"], r["officer"], r["reason"]) for r in refused] == [
                (number, "Lan", "báo sau hạn")
            ]
            assert await one.contents() == before
            with pytest.raises(ProblemError, match="refused already"):
                await one.office.refuse(Q1, "Lan", "lại", [number])
            with pytest.raises(ProblemError, match="no adjustment"):
                await one.office.refuse(Q1, "Lan", "lại", [10**9])
            assert (await one.verifier.verify(QUARTER))["valid"]

    run(work())


def test_a_reopened_scope_moves_until_its_limit_and_the_rest_waits(postgres_url: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            late = await closed(one)
            await one.feed(late[: len(late) // 2])
            before = await one.contents()
            scope = Scope(agencies=frozenset({"so-y-te"}), modules=frozenset({"qa", "content"}))
            until = one.clock.now + timedelta(days=2)
            await one.office.reopen(Q1, "Lan", "khiếu nại của Sở Y tế", scope, until)
            one.clock.pass_(hours=1)
            await one.rig.scorer.run_once()
            one.clock.pass_(hours=1)
            await one.feed(late[len(late) // 2 :])
            after = await one.contents()
            assert {name for name in after if after[name] != before[name]} <= {"so-y-te"}
            old, new = msgspec.json.decode(before["so-y-te"]), msgspec.json.decode(after["so-y-te"])
            live = msgspec.json.decode((await counted(one))["so-y-te"])
            assert new["modules"]["dossier"] == old["modules"]["dossier"]
            assert new["modules"]["qa"] == live["modules"]["qa"]
            one.clock.now = until
            await one.feed([c for seed in (71, 72) for c in renumbered(world(seed, 40), seed)])
            assert await one.contents() == after, "after the limit nothing moves"
            await one.office.close(Q1, "Lan", "xong", None)
            sealed = await one.office.close(Q1, "Minh", "", None)
            assert sealed["seal"] == 2
            found = await one.verifier.verify(QUARTER)
            assert found["valid"], found["checks"]

    run(work())


def test_from_the_cut_off_on_nothing_counts_until_it_is_withdrawn(postgres_url: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            await wipe(one.rig)
            entities = world(21, 60)
            await one.feed(changes_of(entities[:20]))
            await one.office.close(Q1, "Lan", "hết quý", one.clock.now + timedelta(hours=5))
            await one.feed(changes_of(entities[20:40]))
            assert not await one.adjustments(), "before the cut-off everything counts"
            one.clock.pass_(hours=5)
            before = await one.contents()
            await one.feed(changes_of(entities[40:]))
            assert await one.contents() == before
            assert await one.adjustments("pending")
            await one.office.withdraw(Q1, "Minh", "còn sớm")
            await one.rig.scorer.run_once()
            assert await one.contents() != before
            assert not await one.adjustments("pending")
            await one.close()
            assert (await one.verifier.verify(QUARTER))["valid"]

    run(work())


def test_a_rebuild_gives_a_closed_quarter_back_as_it_was_published(postgres_url: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            late = await closed(one)
            await one.feed(late)
            before, listed = await one.rig.published(), await one.adjustments("pending")
            async with one.rig.pool.acquire() as connection:
                await rebuild.begin(connection, {"content.events/0": 0})
        async with desk(postgres_url) as again:
            again.bus.records, again.bus.ends = one.bus.records, one.bus.ends
            await again.rig.fold(one.bus.records)
            await again.rig.scorer.run_once()
            assert await again.rig.published() == before
            assert len(await again.adjustments("pending")) == len(listed)
            assert (await again.verifier.verify(QUARTER))["valid"]

    run(work())


@pytest.mark.parametrize(
    ("harm", "check"),
    [
        ("UPDATE seal SET document = replace(document, 'true', 'false')", "document"),
        ("UPDATE seal SET inputs = inputs || ' '", "inputs"),
        ("UPDATE score_published SET content = replace(content, '2024-01-01', '2024-01-02')", "published"),
        ("DELETE FROM adjustment WHERE number = (SELECT min(number) FROM adjustment)", "list"),
        ("UPDATE contribution SET marks = '{}', amounts = NULL WHERE key LIKE 'question/%'", "counts"),
        ("DELETE FROM adjustment; DELETE FROM counted_score", "counts"),
    ],
)  # fmt: skip
def test_a_seal_that_was_tampered_with_does_not_verify(postgres_url: str, harm: str, check: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            late = await closed(one)
            half = len(late) // 2
            await one.feed(late[:half])
            await one.feed(late[half:])
            assert (await one.verifier.verify(QUARTER))["valid"]
            await one.rig.execute(harm)
            found = await one.verifier.verify(QUARTER)
            assert not found["valid"]
            assert check in [c["check"] for c in found["checks"] if not c["holds"]]

    run(work())


def test_a_seal_is_not_made_while_facts_are_being_counted(postgres_url: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            await wipe(one.rig)
            entities = world(5, 40)
            await one.feed(changes_of(entities[:20]))
            await one.office.close(Q1, "Lan", "hết quý", None)
            await one.rig.fold([one.bus.put(change) for change in changes_of(entities[20:])])
            with pytest.raises(ProblemError, match="still being counted"):
                await one.office.close(Q1, "Minh", "", None)
            await one.rig.scorer.run_once()
            assert (await one.office.close(Q1, "Minh", "", None))["state"] == "closed"

    run(work())


def test_every_step_is_kept_with_officer_reason_and_time(postgres_url: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            await one.feed(await closed(one))
            await one.office.reopen(Q1, "Hà", "khiếu nại", Scope(), one.clock.now + timedelta(days=1))
            async with one.rig.pool.acquire() as connection:
                rows = await connection.fetch(
                    "SELECT action, officer, reason FROM period_step ORDER BY number"
                )
            assert [tuple(row) for row in rows] == [
                ("propose-close", "Lan", "hết quý"),
                ("confirm", "Minh", "hết quý"),
                ("reopen", "Hà", "khiếu nại"),
            ]

    run(work())


def test_a_closed_quarter_is_explained_by_what_it_was_closed_with(postgres_url: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            late = await closed(one)
            span = asked_span(Q1, None, None, QUARTER.last)
            agencies = sorted(await one.contents())
            before = {name: await one.rig.readings.explanation(name, span) for name in agencies}
            await one.feed(late)
            assert await one.adjustments("pending")
            assert {name: await one.rig.readings.explanation(name, span) for name in agencies} == before
            for name in agencies:
                assert before[name]["total"] == (await one.score(name))["total"]

    run(work())


def test_what_is_told_on_the_topic_keeps_to_the_contract(postgres_url: str) -> None:
    async def work() -> None:
        async with desk(postgres_url) as one:
            await one.feed(await closed(one))
            await one.office.propose_acceptance(Q1, "Lan", "đúng", None)
            await one.office.confirm(Q1, "Minh")
            scope = Scope(agencies=frozenset({"so-y-te"}))
            await one.office.reopen(Q1, "Lan", "khiếu nại", scope, one.clock.now + timedelta(days=3))
            for event in await one.sent("periods"):
                told = PeriodState.model_validate(event["data"])
                assert set(event["data"]) <= set(PeriodState.model_fields)
                assert told.model_dump(mode="json", exclude_none=True).keys() == event["data"].keys()

    run(work())
