"""Adding, rotating and revoking publishers: what `./run publisher` calls, as the owner of schema `access`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from shared.contracts.words import PublisherName
from shared.runtime.access.grants import GrantError, make_grant
from shared.runtime.access.sealing import Sealer, new_key, show_key
from shared.runtime.migrate import migrate
from shared.runtime.postgres import Connection

MIGRATIONS = Path(__file__).parent
LIVE_KEYS = 2
"""Keys of one publisher that may be live at once, so that it can change over without a gap."""

_NAME: TypeAdapter[str] = TypeAdapter(PublisherName)


class PublisherError(Exception):
    """A command that cannot be carried out; the text says why."""


@dataclass(frozen=True, slots=True)
class PublisherRow:
    name: str
    agencies: list[str]
    types: list[str]
    created_at: datetime
    revoked_at: datetime | None
    live_keys: int


async def prepare_schema(connection: Connection, readers: Sequence[str]) -> None:
    """Make the schema `access` and its tables, readable by the roles `readers`. Safe to repeat.

    `connection` belongs to the admin role and has no transaction open.
    """
    await connection.execute("CREATE SCHEMA IF NOT EXISTS access")
    await connection.execute("SET search_path = access")
    try:
        await migrate(connection, MIGRATIONS)
        for role in readers:
            quoted = '"' + role.replace('"', '""') + '"'
            await connection.execute(f"GRANT USAGE ON SCHEMA access TO {quoted}")
            await connection.execute(f"GRANT SELECT ON access.publisher, access.publisher_key TO {quoted}")
    finally:
        await connection.execute("RESET search_path")


async def add_publisher(
    connection: Connection,
    sealer: Sealer,
    name: str,
    agencies: Sequence[str],
    types: Sequence[str],
    key: bytes | None = None,
) -> str:
    """Add a publisher and answer its key as `whsec_…`, the only time it is shown.

    `key` is made when not given. Raises PublisherError when the name is taken or malformed, or the grant
    cannot be meant.
    """
    try:
        _NAME.validate_python(name)
        make_grant(agencies, types)
    except ValidationError as error:
        raise PublisherError(f"{name!r} is not a publisher name such as 'cong-dich-vu-cong'") from error
    except GrantError as error:
        raise PublisherError(str(error)) from error
    key = key or new_key()
    async with connection.transaction():
        added = await connection.fetchval(
            """INSERT INTO access.publisher (name, agencies, types) VALUES ($1, $2, $3)
               ON CONFLICT (name) DO NOTHING RETURNING true""",
            name, _words(agencies), _words(types),
        )  # fmt: skip
        if not added:
            raise PublisherError(f"there is a publisher {name} already; rotate its key or change its grants")
        await _add_key(connection, sealer, name, key)
    return show_key(key)


async def rotate_publisher(connection: Connection, sealer: Sealer, name: str) -> str:
    """Give a publisher a second key and answer it; of more than two live ones the oldest is revoked."""
    key = new_key()
    async with connection.transaction():
        await _lock_live(connection, name)
        await _add_key(connection, sealer, name, key)
        await connection.execute(
            """UPDATE access.publisher_key SET revoked_at = now()
               WHERE publisher = $1 AND revoked_at IS NULL AND id NOT IN (
                   SELECT id FROM access.publisher_key WHERE publisher = $1 AND revoked_at IS NULL
                   ORDER BY id DESC LIMIT $2)""",
            name, LIVE_KEYS,
        )  # fmt: skip
    return show_key(key)


async def retire_old_keys(connection: Connection, name: str) -> int:
    """Revoke every key but the newest: the end of a rotation. Answers how many."""
    async with connection.transaction():
        await _lock_live(connection, name)
        status = await connection.execute(
            """UPDATE access.publisher_key SET revoked_at = now()
               WHERE publisher = $1 AND revoked_at IS NULL
                 AND id < (SELECT max(id) FROM access.publisher_key WHERE publisher = $1)""",
            name,
        )
    return int(status.rpartition(" ")[2])


async def change_grants(
    connection: Connection, name: str, agencies: Sequence[str], types: Sequence[str]
) -> None:
    """Replace what a publisher may say. Raises PublisherError as `add_publisher` does."""
    try:
        make_grant(agencies, types)
    except GrantError as error:
        raise PublisherError(str(error)) from error
    async with connection.transaction():
        await _lock_live(connection, name)
        await connection.execute(
            "UPDATE access.publisher SET agencies = $2, types = $3, changed_at = now() WHERE name = $1",
            name, _words(agencies), _words(types),
        )  # fmt: skip


async def revoke_publisher(connection: Connection, name: str) -> None:
    """End a publisher and all its keys. What it sent stays."""
    async with connection.transaction():
        await _lock_live(connection, name)
        await connection.execute(
            "UPDATE access.publisher SET revoked_at = now(), changed_at = now() WHERE name = $1", name
        )
        await connection.execute(
            "UPDATE access.publisher_key SET revoked_at = now() WHERE publisher = $1 AND revoked_at IS NULL",
            name,
        )


async def list_publishers(connection: Connection) -> list[PublisherRow]:
    """All publishers by name, revoked ones too."""
    rows = await connection.fetch(
        """SELECT p.name, p.agencies, p.types, p.created_at, p.revoked_at,
                  (SELECT count(*) FROM access.publisher_key k
                   WHERE k.publisher = p.name AND k.revoked_at IS NULL) AS live_keys
           FROM access.publisher p ORDER BY p.name"""
    )
    return [PublisherRow(**dict(row)) for row in rows]


async def _lock_live(connection: Connection, name: str) -> None:
    live = await connection.fetchval(
        "SELECT true FROM access.publisher WHERE name = $1 AND revoked_at IS NULL FOR UPDATE", name
    )
    if not live:
        raise PublisherError(f"there is no live publisher {name}")


async def _add_key(connection: Connection, sealer: Sealer, name: str, key: bytes) -> None:
    await connection.execute(
        "INSERT INTO access.publisher_key (publisher, sealed) VALUES ($1, $2)", name, sealer.seal(name, key)
    )


def _words(words: Sequence[str]) -> list[str]:
    return sorted({word.strip() for word in words if word.strip()})
