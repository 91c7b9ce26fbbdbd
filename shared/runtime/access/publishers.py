"""Adding, rotating and revoking publishers: what `./run publisher` calls, as the owner of schema `access`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared.contracts.words import PublisherName
from shared.runtime import audit_trail
from shared.runtime.access.grants import GrantError, make_grant
from shared.runtime.access.sealing import Sealer, new_key, show_key
from shared.runtime.audit_trail import Deed
from shared.runtime.migrate import migrate
from shared.runtime.postgres import Connection

MIGRATIONS = Path(__file__).parent
OPERATOR = "operator"
"""Who does it when nobody is named."""

MAX_EVENTS_PER_SECOND = 1_000_000
LIVE_KEYS = 2
"""Keys of one publisher that may be live at once, so that it can change over without a gap."""

Document = dict[str, Any]

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
    events_per_second: int | None


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
    # Every command below leaves an entry in the audit trail.
    await audit_trail.prepare_schema(connection, readers)


async def add_publisher(
    connection: Connection,
    sealer: Sealer,
    name: str,
    agencies: Sequence[str],
    types: Sequence[str],
    key: bytes | None = None,
    by: str = OPERATOR,
) -> str:
    """Add a publisher and answer its key as `whsec_…`, the only time it is shown.

    `key` is made when not given; `by` is who does it, for the audit trail. Raises PublisherError when the
    name is taken or malformed, or the grant cannot be meant.
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
        await _tell(connection, by, "publisher.add", name, None)
    return show_key(key)


async def rotate_publisher(connection: Connection, sealer: Sealer, name: str, by: str = OPERATOR) -> str:
    """Give a publisher a second key and answer it; of more than two live ones the oldest is revoked."""
    key = new_key()
    async with connection.transaction():
        before = await _lock_live(connection, name)
        await _add_key(connection, sealer, name, key)
        await connection.execute(
            """UPDATE access.publisher_key SET revoked_at = now()
               WHERE publisher = $1 AND revoked_at IS NULL AND id NOT IN (
                   SELECT id FROM access.publisher_key WHERE publisher = $1 AND revoked_at IS NULL
                   ORDER BY id DESC LIMIT $2)""",
            name, LIVE_KEYS,
        )  # fmt: skip
        await _tell(connection, by, "publisher.rotate", name, before)
    return show_key(key)


async def retire_old_keys(connection: Connection, name: str, by: str = OPERATOR) -> int:
    """Revoke every key but the newest: the end of a rotation. Answers how many."""
    async with connection.transaction():
        before = await _lock_live(connection, name)
        status = await connection.execute(
            """UPDATE access.publisher_key SET revoked_at = now()
               WHERE publisher = $1 AND revoked_at IS NULL
                 AND id < (SELECT max(id) FROM access.publisher_key WHERE publisher = $1)""",
            name,
        )
        await _tell(connection, by, "publisher.retire", name, before)
    return int(status.rpartition(" ")[2])


async def change_grants(
    connection: Connection, name: str, agencies: Sequence[str], types: Sequence[str], by: str = OPERATOR
) -> None:
    """Replace what a publisher may say. Raises PublisherError as `add_publisher` does."""
    try:
        make_grant(agencies, types)
    except GrantError as error:
        raise PublisherError(str(error)) from error
    async with connection.transaction():
        before = await _lock_live(connection, name)
        await connection.execute(
            "UPDATE access.publisher SET agencies = $2, types = $3, changed_at = now() WHERE name = $1",
            name, _words(agencies), _words(types),
        )  # fmt: skip
        await _tell(connection, by, "publisher.grants", name, before)


async def limit_publisher(
    connection: Connection, name: str, events_per_second: int | None, by: str = OPERATOR
) -> None:
    """Set how many events a second a publisher may send over HTTP to one process; None: the service's own."""
    if events_per_second is not None and not 1 <= events_per_second <= MAX_EVENTS_PER_SECOND:
        raise PublisherError(f"a rate is 1 to {MAX_EVENTS_PER_SECOND} events a second")
    async with connection.transaction():
        before = await _lock_live(connection, name)
        await connection.execute(
            "UPDATE access.publisher SET events_per_second = $2, changed_at = now() WHERE name = $1",
            name, events_per_second,
        )  # fmt: skip
        await _tell(connection, by, "publisher.limit", name, before)


async def revoke_publisher(connection: Connection, name: str, by: str = OPERATOR) -> None:
    """End a publisher and all its keys. What it sent stays."""
    async with connection.transaction():
        before = await _lock_live(connection, name)
        await connection.execute(
            "UPDATE access.publisher SET revoked_at = now(), changed_at = now() WHERE name = $1", name
        )
        await connection.execute(
            "UPDATE access.publisher_key SET revoked_at = now() WHERE publisher = $1 AND revoked_at IS NULL",
            name,
        )
        await _tell(connection, by, "publisher.revoke", name, before)


async def list_publishers(connection: Connection) -> list[PublisherRow]:
    """All publishers by name, revoked ones too."""
    rows = await connection.fetch(
        """SELECT p.name, p.agencies, p.types, p.created_at, p.revoked_at, p.events_per_second,
                  (SELECT count(*) FROM access.publisher_key k
                   WHERE k.publisher = p.name AND k.revoked_at IS NULL) AS live_keys
           FROM access.publisher p ORDER BY p.name"""
    )
    return [PublisherRow(**dict(row)) for row in rows]


async def _lock_live(connection: Connection, name: str) -> Document:
    """Lock a live publisher; answers how it stands."""
    live = await connection.fetchval(
        "SELECT true FROM access.publisher WHERE name = $1 AND revoked_at IS NULL FOR UPDATE", name
    )
    if not live:
        raise PublisherError(f"there is no live publisher {name}")
    return await _standing(connection, name)


async def _standing(connection: Connection, name: str) -> Document:
    """A publisher as the audit trail tells it: its keys by number, never themselves."""
    row = await connection.fetchrow(
        """SELECT p.agencies, p.types, p.events_per_second, p.revoked_at IS NOT NULL AS revoked,
                  ARRAY(SELECT k.id FROM access.publisher_key k
                        WHERE k.publisher = p.name AND k.revoked_at IS NULL ORDER BY k.id) AS live_keys
           FROM access.publisher p WHERE p.name = $1""",
        name,
    )
    return dict(row)


async def _tell(connection: Connection, by: str, action: str, name: str, before: Document | None) -> None:
    after = await _standing(connection, name)
    deed = Deed("access", by, action, f"publisher/{name}", before=before, after=after)
    await audit_trail.append(connection, deed)


async def _add_key(connection: Connection, sealer: Sealer, name: str, key: bytes) -> None:
    await connection.execute(
        "INSERT INTO access.publisher_key (publisher, sealed) VALUES ($1, $2)", name, sealer.seal(name, key)
    )


def _words(words: Sequence[str]) -> list[str]:
    return sorted({word.strip() for word in words if word.strip()})
