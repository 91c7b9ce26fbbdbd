"""The audit trail on a real database: what is recorded, who may write it, and that nobody rewrites it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from shared.runtime import audit_trail
from shared.runtime.access import (
    add_publisher,
    change_grants,
    limit_publisher,
    retire_old_keys,
    revoke_publisher,
    rotate_publisher,
)
from shared.runtime.audit_trail import Deed, walk
from shared.runtime.postgres import Connection
from tests.integration.ledger.conftest import event
from tests.integration.scoring_periods.desk import Q1, desk
from tests.security.entrance import Entrance, entrance
from tests.unit.scoring.world import world

pytestmark = pytest.mark.anyio
DEED = Deed("scoring", "Lan", "period.close", Q1, "hết quý", {"state": "open"}, {"state": "closing"})


async def entries(connection: Connection) -> list[dict[str, Any]]:
    return [json.loads(link.text) async for link in audit_trail.read_links(connection)]


@asynccontextmanager
async def trail(url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(url)
    try:
        await audit_trail.prepare_schema(connection, [])
        yield connection
    finally:
        await connection.close()


async def test_a_deed_and_its_entry_commit_together(empty_postgres_url: str) -> None:
    async with trail(empty_postgres_url) as connection:
        with pytest.raises(RuntimeError, match="transaction"):
            await audit_trail.append(connection, DEED)
        undone = connection.transaction()
        await undone.start()
        await audit_trail.append(connection, DEED)
        await undone.rollback()
        for _ in range(3):
            async with connection.transaction():
                await audit_trail.append(connection, DEED)
        found = await walk(connection, {})
        assert (found.entries, found.findings) == (3, ())
        first = (await entries(connection))[0]
        assert {**first, "at": ""} == {
            "number": 1, "at": "", "service": "scoring", "actor": "Lan", "action": "period.close",
            "subject": Q1, "reason": "hết quý", "before": {"state": "open"}, "after": {"state": "closing"},
        }  # fmt: skip


async def test_a_service_may_append_and_nothing_else(empty_postgres_url: str) -> None:
    async with trail(empty_postgres_url) as admin:
        role = "audit_writer"
        if not await admin.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
            await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'for-tests-only'")
        await audit_trail.prepare_schema(admin, [role])
        parts = urlsplit(empty_postgres_url)
        place = f"{role}:for-tests-only@{parts.hostname}:{parts.port}"
        service = await asyncpg.connect(urlunsplit(parts._replace(netloc=place)))
        try:
            async with service.transaction():
                await audit_trail.append(service, DEED)
            for touch in (
                "SELECT * FROM audit.entry",
                "DELETE FROM audit.entry",
                "UPDATE audit.entry SET text = ''",
                "INSERT INTO audit.entry VALUES (2, 'admin', '', '')",
                "DROP TABLE audit.entry",
                "ALTER TABLE audit.entry DISABLE TRIGGER ALL",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await service.execute(touch)
            with pytest.raises(asyncpg.RaiseError, match="goes on with entry 2"):
                await service.execute("SELECT audit.append(7, '{}')")
        finally:
            await service.close()
        assert [link.role async for link in audit_trail.read_links(admin)] == [role]
        for touch in ("DELETE FROM audit.entry", "UPDATE audit.entry SET text = ''", "TRUNCATE audit.entry"):
            with pytest.raises(asyncpg.RaiseError, match="not changed or removed"):
                await admin.execute(touch)
        await admin.execute(f"DROP OWNED BY {role}")


async def test_an_owner_who_rewrites_an_entry_is_found_out(empty_postgres_url: str) -> None:
    async with trail(empty_postgres_url) as connection:
        for _ in range(4):
            async with connection.transaction():
                await audit_trail.append(connection, DEED)
        await connection.execute("ALTER TABLE audit.entry DISABLE TRIGGER stands_for_ever")
        await connection.execute(
            "UPDATE audit.entry SET text = replace(text, 'Lan', 'Minh') WHERE number = 2"
        )
        found = await walk(connection, {})
        assert [(f.number, f.problem[:8]) for f in found.findings] == [(2, "its hash")]
        await connection.execute("DELETE FROM audit.entry WHERE number = 2")
        assert {f.number for f in (await walk(connection, {})).findings} == {3}


async def test_keys_and_grants_leave_entries_without_a_key(empty_postgres_url: str, tmp_path: Path) -> None:
    async with entrance(empty_postgres_url, tmp_path) as at:
        shown = await add_publisher(at.admin, at.sealer, "cong", ["so-y-te"], ["*"], by="an")
        fresh = await rotate_publisher(at.admin, at.sealer, "cong", "an")
        await retire_old_keys(at.admin, "cong", "binh")
        await change_grants(at.admin, "cong", ["*"], ["dossier.*"], "binh")
        await limit_publisher(at.admin, "cong", 50, "binh")
        await revoke_publisher(at.admin, "cong", "binh")
        found = await entries(at.admin)
        assert [(one["actor"], one["action"]) for one in found] == [
            ("an", "publisher.add"), ("an", "publisher.rotate"), ("binh", "publisher.retire"),
            ("binh", "publisher.grants"), ("binh", "publisher.limit"), ("binh", "publisher.revoke"),
        ]  # fmt: skip
        for before, after in pairwise(found):
            assert after["before"] == before["after"]
        assert found[3]["before"]["agencies"] == ["so-y-te"]
        assert found[3]["after"]["agencies"] == ["*"]
        assert found[-1]["after"] == {**found[-1]["before"], "live_keys": [], "revoked": True}
        told = json.dumps(found)
        assert shown not in told
        assert fresh not in told


async def test_keys_at_rest_are_sealed_and_open_only_under_their_own_name(
    empty_postgres_url: str, tmp_path: Path
) -> None:
    async with entrance(empty_postgres_url, tmp_path) as at:
        key = await at.publisher("cong")
        (sealed,) = await at.admin.fetchrow("SELECT sealed FROM access.publisher_key")
        assert key.secret not in sealed
        await at.publisher("khac")
        await at.admin.execute("UPDATE access.publisher_key SET sealed = $1 WHERE publisher = 'khac'", sealed)
        await at.cache.refresh()
        assert at.cache.get("khac") is None, "a key that was copied to another name is of no use"


async def test_what_an_operator_does_about_a_refused_fact_is_recorded(
    empty_postgres_url: str, tmp_path: Path
) -> None:
    async with entrance(empty_postgres_url, tmp_path) as at:
        key = await at.publisher("cong")
        for number in range(2):
            await at.post(
                [event("received", f"D{number}", f"f{number}", "2024-01-10T08:00", channel="x")], key
            )
        await _settle(at)
        repaired, dropped = (await entries(at.admin))[1:]
        assert (repaired["actor"], repaired["action"]) == ("an", "rejection.repaired")
        assert repaired["before"]["state"] == "parked"
        assert repaired["after"]["event"]["data"]["channel"] == "online"
        assert (dropped["actor"], dropped["action"], dropped["reason"]) == (
            "binh", "rejection.dropped", "gửi nhầm",
        )  # fmt: skip


async def _settle(at: Entrance) -> None:
    first, second = (row["number"] for row in await at.refused())
    right = event("received", "D0", "f0", "2024-01-10T08:00")
    answer = await at.http.post(f"/v1/rejections/{first}/repair", json={"by": "an", "event": right})
    assert answer.status_code == 200, answer.text
    answer = await at.http.post(f"/v1/rejections/{second}/drop", json={"by": "binh", "note": "gửi nhầm"})
    assert answer.status_code == 200, answer.text


async def test_every_step_of_a_period_is_recorded_with_before_and_after(empty_postgres_url: str) -> None:
    async with desk(empty_postgres_url) as one:
        await one.feed(change for entity in world(5, 20) for change in entity.changes)
        await one.close()
        connection = await asyncpg.connect(empty_postgres_url)
        try:
            proposed, confirmed = await entries(connection)
            assert not (await walk(connection, {})).findings
        finally:
            await connection.close()
    assert (proposed["actor"], proposed["action"], proposed["before"]["state"]) == (
        "Lan", "period.propose-close", "open",
    )  # fmt: skip
    assert (confirmed["actor"], confirmed["action"]) == ("Minh", "period.confirm")
    assert (confirmed["before"]["state"], confirmed["after"]["state"]) == ("closing", "closed")
    assert len(confirmed["after"]["sha256"]) == 64
