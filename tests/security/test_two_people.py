"""What takes two people: closing a quarter and changing rules. Each guard is taken out once, to see it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

from services.scoring import app, period_life, rule_life
from services.scoring.rule_office import RuleOffice, RulesChangedError, adopted, book_in_force, watch
from services.scoring.ruleset import read_rule_set
from services.scoring.scorer import Book
from shared.runtime import audit_trail
from shared.runtime.clock import system_clock
from shared.runtime.life import Life
from shared.runtime.migrate import migrate
from shared.runtime.postgres import Pool, open_pool
from shared.runtime.problem import ProblemError
from tests.integration.scoring_periods.desk import Q1, desk
from tests.unit.scoring.world import world

pytestmark = pytest.mark.anyio
SHIPPED = app.open_book()
QUESTIONS = next(one for one in SHIPPED.rules.rule_sets if one.id == "questions")


def next_version(version: str = "next", valid_from: str = "2027-01-01") -> str:
    """The rules for questions with another version and first day."""
    text = QUESTIONS.text.replace(f"version: {QUESTIONS.version}", f'version: "{version}"')
    text = text.replace(f'version: "{QUESTIONS.version}"', f'version: "{version}"')
    text = text.replace(f"valid_from: {QUESTIONS.valid_from}", f"valid_from: {valid_from}")
    assert text != QUESTIONS.text
    return text


@asynccontextmanager
async def scoring(url: str) -> AsyncIterator[Pool]:
    """The schema of scoring, prepared."""
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE SCHEMA scoring")
    await audit_trail.prepare_schema(connection, [])
    await connection.close()
    own = f"{url}?options={quote('-csearch_path=scoring')}"
    async with open_pool(own, application="rules", size=4) as pool:
        async with pool.acquire() as one:
            await migrate(one, app.MIGRATIONS)
        yield pool


async def in_force(pool: Pool, shipped: Book = SHIPPED) -> Book:
    """The book as a process that starts now gets it."""
    return (await book_in_force(pool, shipped, system_clock))[0]


async def refused(step: Any) -> str:
    """The reason why a step is refused."""
    with pytest.raises(ProblemError) as caught:
        await step
    return caught.value.code


async def test_the_first_start_takes_the_files_in(empty_postgres_url: str) -> None:
    async with scoring(empty_postgres_url) as pool:
        book = await in_force(pool)
        assert {one.name for one in book.rules.rule_sets} == {one.name for one in SHIPPED.rules.rule_sets}
        again = await in_force(pool)
        assert again.digest == book.digest


async def test_rules_change_by_two_people_and_nobody_alone(
    empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scoring(empty_postgres_url) as pool:
        book = await in_force(pool)
        office = RuleOffice(pool, book, system_clock)
        proposed = await office.propose(next_version(), "Lan", "quyết định mới")
        assert (proposed["state"], proposed["proposed_by"]) == ("proposed", "Lan")
        assert any(line.startswith("+") and "2027-01-01" in line for line in proposed["difference"])
        assert (await in_force(pool)).digest == book.digest, "a proposal changes nothing"
        assert await refused(office.confirm(proposed["number"], "LAN ")) == "two-officers"
        assert await refused(office.propose(next_version("other"), "Minh", "x")) == "rules"

        confirmed = await office.confirm(proposed["number"], "Minh")
        assert (confirmed["state"], confirmed["decided_by"]) == ("in_force", "Minh")
        now = await in_force(pool)
        assert now.digest != book.digest
        old = now.rules.by_name[QUESTIONS.name]
        assert old.valid_to == date(2026, 12, 31)
        assert [one.version for one in now.rules.on(date(2027, 2, 1)) if one.id == "questions"] == ["next"]
        assert await refused(office.confirm(proposed["number"], "An")) == "rules"

        # The guard taken out: one person would be enough.
        alone = await office.propose(next_version("third", "2028-01-01"), "Lan", "một mình")
        monkeypatch.setattr(rule_life, "same_person", lambda *_: False)
        assert (await office.confirm(alone["number"], "Lan"))["state"] == "in_force"


async def test_a_later_version_s_files_wait_for_an_officer(empty_postgres_url: str) -> None:
    async with scoring(empty_postgres_url) as pool:
        book = await in_force(pool)
        changed = read_rule_set(next_version(), "questions.yaml")
        kept = [one for one in SHIPPED.rules.rule_sets if one.id != "questions"]
        later = replace(SHIPPED, rules=rule_life.in_force([*kept, changed]))
        assert (await in_force(pool, later)).digest == book.digest
        assert (await in_force(pool, later)).digest == book.digest, "and it is proposed once only"
        office = RuleOffice(pool, book, system_clock)
        (waiting,) = await office.changes("proposed")
        assert (waiting["name"], waiting["proposed_by"]) == ("questions@next", "release")
        await office.confirm(waiting["number"], "Lan")
        assert (await in_force(pool, later)).digest != book.digest


async def test_what_contradicts_itself_is_refused_and_a_proposal_can_be_taken_back(
    empty_postgres_url: str,
) -> None:
    async with scoring(empty_postgres_url) as pool:
        office = RuleOffice(pool, await in_force(pool), system_clock)
        assert await refused(office.propose("id: x", "Lan", "x")) == "ruleset"
        assert await refused(office.propose(QUESTIONS.text, "Lan", "x")) == "rules"
        assert await refused(office.propose(QUESTIONS.text + "\n# x", "Lan", "x")) == "rules"
        assert await refused(office.confirm(99, "Lan")) == "not-found"
        for officer, state in (("Lan", "withdrawn"), ("Minh", "refused")):
            proposed = await office.propose(next_version(), "Lan", "x")
            assert (await office.refuse(proposed["number"], officer, "không cần"))["state"] == state
        assert len(await adopted_names(pool)) == len(SHIPPED.rules.rule_sets)


async def adopted_names(pool: Pool) -> list[str]:
    """What was adopted, in order."""
    async with pool.acquire() as connection:
        return [one.name for one in await adopted(connection)]


async def test_every_step_is_in_the_audit_trail(empty_postgres_url: str) -> None:
    async with scoring(empty_postgres_url) as pool:
        office = RuleOffice(pool, await in_force(pool), system_clock)
        number = (await office.propose(next_version(), "Lan", "quyết định mới"))["number"]
        await office.confirm(number, "Minh")
        connection = await asyncpg.connect(empty_postgres_url)
        links = [link async for link in audit_trail.read_links(connection)]
        await connection.close()
    assert not audit_trail.verify(links).findings
    told = [json.loads(link.text) for link in links][len(SHIPPED.rules.rule_sets) :]
    assert [(one["actor"], one["action"], one["subject"]) for one in told] == [
        ("Lan", "rules.propose", "questions@next"), ("Minh", "rules.confirm", "questions@next"),
    ]  # fmt: skip
    assert told[1]["before"]["name"] == QUESTIONS.name
    assert told[1]["after"]["proposed_by"] == "Lan"


async def test_a_process_ends_when_other_rules_come_into_force(empty_postgres_url: str) -> None:
    async with scoring(empty_postgres_url) as pool:
        book, edition = await book_in_force(pool, SHIPPED, system_clock)
        life = Life()
        watch(life, pool, edition)
        office = RuleOffice(pool, book, system_clock)
        number = (await office.propose(next_version(), "Lan", "x"))["number"]
        await asyncio.sleep(1.2)
        assert not life.stopping.is_set()
        await office.confirm(number, "Minh")
        async with asyncio.timeout(10):
            await life.stopping.wait()
        assert isinstance(life._fault, RulesChangedError)


async def test_one_person_cannot_close_a_quarter(
    empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(empty_postgres_url) as one:
        await one.feed(change for entity in world(5, 20) for change in entity.changes)
        await one.office.close(Q1, "Lan", "hết quý", None)
        assert await refused(one.office.confirm(Q1, "lan")) == "two-officers"
        monkeypatch.setattr(period_life, "same_person", lambda *_: False)
        assert (await one.office.confirm(Q1, "Lan"))["state"] == "closed"
