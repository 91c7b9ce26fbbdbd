"""A new version on the data of the first one: nothing is lost, and an older replica can go on beside it.

The first version is what the first migration of each service made; its rows are those that this version
writes, cut down to the columns that the first one had.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.dossier.lifecycle import lifecycle
from services.report.accounts import MIGRATIONS as REPORT
from services.scoring.app import MIGRATIONS as SCORING
from shared.runtime.access.publishers import MIGRATIONS as ACCESS
from shared.runtime.audit_trail.trail import MIGRATIONS as AUDIT
from shared.runtime.ledger.engine import MIGRATIONS as LEDGER
from shared.runtime.ledger.store import Store
from shared.runtime.migrate import migrate
from shared.runtime.postgres import BY_INDEX, Connection, Pool, open_pool
from tests.integration.ledger.conftest import NOW, event, item
from tests.integration.ledger.test_store import FACTS, PLACE
from tests.integration.scoring.rig import Bus, rig
from tests.unit.scoring.world import world

pytestmark = pytest.mark.anyio
ROOMS = {"ledger": LEDGER, "scoring": SCORING, "report": REPORT, "access": ACCESS, "audit": AUDIT}


@asynccontextmanager
async def inside(url: str, schema: str) -> AsyncIterator[Connection]:
    """A connection with a schema of its own, which is made when it is missing."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        await connection.execute(f"SET search_path = {schema}")
        yield connection
    finally:
        await connection.close()


def first_version(migrations: Path, directory: Path) -> Path:
    """A directory with the first migration only."""
    directory.mkdir(exist_ok=True)
    shutil.copy(min(migrations.glob("*.sql")), directory)
    return directory


async def columns(connection: Connection, schema: str) -> dict[tuple[str, str], tuple[str, bool]]:
    """(table, column) → type, and whether a row may leave it out."""
    rows = await connection.fetch(
        """SELECT table_name, column_name, data_type,
                  is_nullable = 'YES' OR column_default IS NOT NULL OR is_identity = 'YES' AS optional
           FROM information_schema.columns WHERE table_schema = $1 AND table_name <> 'schema_migration'""",
        schema,
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


@pytest.mark.parametrize("room", ROOMS)
async def test_a_migration_only_adds(room: str, empty_postgres_url: str, tmp_path: Path) -> None:
    """An older replica names the columns it knows: they are still there, and no other one is asked for."""
    async with inside(empty_postgres_url, room) as connection:
        await migrate(connection, first_version(ROOMS[room], tmp_path / "first"))
        before = await columns(connection, room)
        await migrate(connection, ROOMS[room])
        after = await columns(connection, room)
    gone = {name for name, (kind, _) in before.items() if after.get(name, ("", True))[0] != kind}
    assert not gone, f"{room}: an older version still uses these"
    tables = {table for table, _ in before}
    demanded = [name for name in after.keys() - before.keys() if name[0] in tables and not after[name][1]]
    assert not demanded, f"{room}: an older version does not fill these in"


async def copy_back(connection: Connection, newest: str, old: str) -> None:
    """The rows of a schema into one of the first version, without what came later."""
    there = await columns(connection, newest)
    by_table: dict[str, list[str]] = {}
    for table, column in await columns(connection, old):
        if (table, column) in there:
            by_table.setdefault(table, []).append(f'"{column}"')
    for table, names in by_table.items():
        listed = ", ".join(names)
        await connection.execute(f"TRUNCATE {old}.{table}")
        await connection.execute(
            f"""INSERT INTO {old}.{table} ({listed}) OVERRIDING SYSTEM VALUE
                SELECT {listed} FROM {newest}.{table}"""
        )
    numbered = await connection.fetch(
        """SELECT table_name, column_name FROM information_schema.columns
           WHERE table_schema = $1 AND is_identity = 'YES'""",
        old,
    )
    for table, column in numbered:
        sequence = f"pg_get_serial_sequence('{old}.{table}', '{column}')"
        await connection.execute(
            f"SELECT setval({sequence}, (SELECT coalesce(max({column}), 0) + 1 FROM {old}.{table}), false)"
        )


@asynccontextmanager
async def ledger(url: str, schema: str) -> AsyncIterator[Pool]:
    """A pool on a ledger."""
    async with open_pool(
        url, application="upgrade", size=4, settings={**BY_INDEX, "search_path": schema}
    ) as pool:
        yield pool


async def rows_of(connection: Connection, schema: str) -> dict[str, list[str]]:
    """Every row of a ledger."""
    tables = ("fact", "entity", "retraction", "repeat", "rejection", "position", "outbox")
    return {
        table: sorted(repr(tuple(row)) for row in await connection.fetch(f"SELECT * FROM {schema}.{table}"))
        for table in tables
    }


async def test_a_ledger_of_the_first_version_goes_on(empty_postgres_url: str, tmp_path: Path) -> None:
    async with inside(empty_postgres_url, "newest") as connection:
        await migrate(connection, LEDGER)
        async with ledger(empty_postgres_url, "newest") as pool:
            sent = [item(fact) for fact in [*FACTS, {"id": "broken"}]]
            await Store(pool, lifecycle(), 3).apply(sent, {PLACE: len(sent)}, NOW)
    async with inside(empty_postgres_url, "old") as connection:
        await migrate(connection, first_version(LEDGER, tmp_path / "first"))
        await copy_back(connection, "newest", "old")
        before = await rows_of(connection, "old")
        assert before["fact"]
        assert before["rejection"]
        await migrate(connection, LEDGER)
        assert await rows_of(connection, "old") == before
        async with ledger(empty_postgres_url, "old") as pool:
            again = [item(fact) for fact in FACTS]
            store = Store(pool, lifecycle(), 3)
            await store.apply(again, {}, NOW)
            assert sum(one.status == "duplicate" for one in again) == len(before["fact"])
            assert {one.status for one in again} <= {"duplicate", "rejected"}
            late = item(event("returned", "D1", "late", "2024-01-25T08:00"))
            await store.apply([late], {}, NOW)
            assert late.status == "accepted"
            versions = await pool.fetch(
                "SELECT version FROM entity WHERE entity = 'D1' AND scope = 'so-y-te'"
            )
            newest = await connection.fetchval(
                "SELECT version FROM newest.entity WHERE entity = 'D1' AND scope = 'so-y-te'"
            )
            assert [row["version"] for row in versions] == [newest + 1]


async def test_scores_of_the_first_version_go_on(empty_postgres_url: str, tmp_path: Path) -> None:
    changes = [change for entity in world(11, 60) for change in entity.changes]
    half = len(changes) // 2
    bus = Bus()
    async with rig(empty_postgres_url) as one:
        await one.fold([bus.put(change) for change in changes[:half]])
        await one.scorer.run_once()
        published = await one.published()
    async with inside(empty_postgres_url, "scoring") as connection:
        await connection.execute("ALTER SCHEMA scoring RENAME TO newest")
        await connection.execute("CREATE SCHEMA scoring")
        await migrate(connection, first_version(SCORING, tmp_path / "first"))
        await copy_back(connection, "newest", "scoring")
    async with rig(empty_postgres_url) as one:
        assert await one.published() == published
        await one.fold([bus.put(change) for change in changes[half:]])
        await one.scorer.run_once()
        assert await one.tally() == await one.recounted()
        after: dict[Any, Any] = await one.published()
        assert after.keys() >= published.keys()
        assert all(after[name]["revision"] >= score["revision"] for name, score in published.items())
