"""Each service's role in PostgreSQL owns its schema, and has no rights elsewhere: a service that was taken
over reads and changes nothing of the others."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from deploy.setup import DOMAIN_ROLES, prepare_postgres

pytestmark = pytest.mark.anyio
DATABASE = "roles_apart"
ROLES = (*DOMAIN_ROLES, "scoring", "report")
PASSWORDS = {role: f"of-{role}-for-tests-only" for role in ROLES}

OUTSIDE = (
    "CREATE TABLE public.mine (number int)",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "CREATE DATABASE mine",
    "SELECT rolpassword FROM pg_authid",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT * FROM audit.entry",
)
TO_OTHERS = (
    "SELECT * FROM {other}.kept",
    "INSERT INTO {other}.kept VALUES (2)",
    "UPDATE {other}.kept SET number = 2",
    "DELETE FROM {other}.kept",
    "DROP TABLE {other}.kept",
    "CREATE TABLE {other}.mine (number int)",
    "DROP SCHEMA {other} CASCADE",
    "SET ROLE {other}",
    "ALTER ROLE {other} PASSWORD 'mine'",
    "GRANT {other} TO {role}",
)


def with_parts(url: str, role: str | None = None) -> str:
    """The address of the prepared database, for a role or for the administrator."""
    parts = urlsplit(url)._replace(path=f"/{DATABASE}")
    if role is not None:
        parts = parts._replace(netloc=f"{role}:{PASSWORDS[role]}@{parts.hostname}:{parts.port}")
    return urlunsplit(parts)


@asynccontextmanager
async def prepared(url: str) -> AsyncIterator[dict[str, asyncpg.Connection]]:
    """A database as `deploy.setup` makes it; a connection of each role, and `admin`."""
    outside = await asyncpg.connect(url)
    open_ones: dict[str, asyncpg.Connection] = {}
    try:
        await prepare_postgres(url, PASSWORDS, DATABASE)
        open_ones["admin"] = await asyncpg.connect(with_parts(url))
        for role in ROLES:
            open_ones[role] = await asyncpg.connect(with_parts(url, role))
            await open_ones[role].execute("CREATE TABLE kept (number int); INSERT INTO kept VALUES (1)")
        yield open_ones
    finally:
        for connection in open_ones.values():
            await connection.close()
        await outside.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        await outside.close()


async def test_a_role_has_no_rights_outside_of_its_schema(empty_postgres_url: str) -> None:
    async with prepared(empty_postgres_url) as at:
        for role in ROLES:
            assert await at[role].fetchval("SELECT number FROM kept") == 1
            tries = [*OUTSIDE, *(one.format(other=other, role=role) for other in ROLES if other != role
                                 for one in TO_OTHERS)]  # fmt: skip
            for attempt in tries:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await at[role].execute(attempt)
        for role in ("scoring", "report"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await at[role].execute("SELECT * FROM access.publisher_key")


async def test_what_keeps_them_apart_is_the_ownership_of_schemas(empty_postgres_url: str) -> None:
    """With that guard taken out the same attempts get through, so the test above tests it."""
    async with prepared(empty_postgres_url) as at:
        await at["admin"].execute("GRANT content TO report")
        assert await at["report"].fetchval("SELECT number FROM content.kept") == 1
        await at["report"].execute("DELETE FROM content.kept; CREATE TABLE content.mine (number int)")
        await at["report"].execute("SET ROLE content")
        await at["admin"].execute("REVOKE content FROM report")
