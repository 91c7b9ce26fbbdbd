"""The replay's publishers: one per portal, the question section, the dossier system; and their keys.

Each gets the grant that it would have in earnest. Keys are kept in a file that only its owner can read, since
a service shows a key only once; where the file is lost, the publisher's key is rotated.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from deploy.replay.drafts import DOSSIER_SYSTEM, QUESTION_DESK
from deploy.replay.target import ReplayError, Target
from shared.register import Register
from shared.runtime import access
from shared.runtime.access.sealing import read_key
from shared.runtime.postgres import Connection, connect

PORTAL_TYPES = (
    "article.*",
    "audience.*",
    "portal.*",
    "board.*",
    "channel.*",
    "report.*",
    "assessment.*",
    "fact.retracted",
)


@dataclass(frozen=True, slots=True)
class Grant:
    agencies: tuple[str, ...]
    types: tuple[str, ...]


def grants(register: Register) -> dict[str, Grant]:
    """Who sends what: a portal speaks for itself alone, the two provincial systems for every agency."""
    found = {slug: Grant((slug,), PORTAL_TYPES) for slug in register.agencies}
    found[QUESTION_DESK] = Grant(("*",), ("question.*", "fact.retracted"))
    found[DOSSIER_SYSTEM] = Grant(("*",), ("dossier.*", "procedure.*", "fact.retracted"))
    return found


async def publishers_ready(target: Target, register: Register) -> dict[str, bytes]:
    """Make sure that every publisher exists with its grant; answers their keys.

    Raises ReplayError when the database or the master key cannot be used.
    """
    kept = _read(target.keyring)
    try:
        sealer = access.Sealer.from_file(target.master_key_file)
        connection = await connect(target.admin_database, application="replay")
        try:
            there = {row.name: row for row in await access.list_publishers(connection)}
            keys = {}
            for name, grant in grants(register).items():
                row = there.get(name)
                keys[name] = await _key(connection, sealer, name, grant, row, kept.get(name))
        finally:
            await connection.close()
    except (access.PublisherError, access.SealError, asyncpg.PostgresError, OSError) as error:
        raise ReplayError(f"The publishers cannot be prepared: {error}") from error
    _write(target.keyring, keys)
    return {name: read_key(key) for name, key in keys.items()}


async def _key(
    connection: Connection,
    sealer: access.Sealer,
    name: str,
    grant: Grant,
    row: access.PublisherRow | None,
    kept: str | None,
) -> str:
    if row is None:
        known = read_key(kept) if kept else None
        return await access.add_publisher(connection, sealer, name, grant.agencies, grant.types, known)
    if row.revoked_at is not None:
        raise ReplayError(f"The publisher {name} was revoked; the replay needs it.")
    if set(row.agencies) != set(grant.agencies) or set(row.types) != set(grant.types):
        await access.change_grants(connection, name, grant.agencies, grant.types)
    if kept and await _lives(connection, sealer, name, read_key(kept)):
        return kept
    return await access.rotate_publisher(connection, sealer, name)


async def _lives(connection: Connection, sealer: access.Sealer, name: str, key: bytes) -> bool:
    """Whether that key is one of the publisher's live ones: the database may be another than last time."""
    sealed = await connection.fetch(
        "SELECT sealed FROM access.publisher_key WHERE publisher = $1 AND revoked_at IS NULL", name
    )
    return any(sealer.open(name, row["sealed"]) == key for row in sealed)


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): str(key) for name, key in content.items()} if isinstance(content, dict) else {}


def _write(path: Path, keys: Mapping[str, str]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump(keys, file, indent=1)
    fresh.replace(path)
