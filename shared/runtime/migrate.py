"""Numbered SQL files, each applied once, in order, under a lock."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from shared.runtime import logs
from shared.runtime.postgres import Connection, Record

_FILE_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_LOCK_SPACE = 0x5343_4F52
"""First half of the advisory lock's key; the second half is the schema."""

log = logs.get(__name__)


class MigrationRefusedError(Exception):
    """The files and the database disagree; a person must decide."""


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def read_migrations(directory: Path) -> list[Migration]:
    """The migrations of `directory`, numbered 1, 2, … without a gap; a part of a service may begin a ten
    of its own (110, 111, …), so that several people can add to one service.

    Raises MigrationRefusedError for a gap, a repeated number or another file name.
    """
    found = []
    for path in sorted(directory.glob("*.sql")):
        match = _FILE_NAME.match(path.name)
        if match is None:
            raise MigrationRefusedError(f"{path.name}: name it NNNN_what_it_does.sql")
        found.append(Migration(int(match[1]), match[2], path.read_text(encoding="utf-8")))
    last = 0
    for migration in found:
        if migration.number != last + 1 and (migration.number == last or migration.number % 10):
            raise MigrationRefusedError(
                f"{directory}: numbers must go 0001, 0002, … without a gap, or begin with a new ten"
            )
        last = migration.number
    return found


async def migrate(connection: Connection, directory: Path) -> int:
    """Bring the connection's own schema up to the files; answers how many were applied.

    Replicas that start together wait for each other. A file that changed after it was applied is refused.
    """
    migrations = read_migrations(directory)
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = 0")
        await connection.execute("SELECT pg_advisory_xact_lock($1, hashtext(current_schema()))", _LOCK_SPACE)
        await connection.execute(
            """CREATE TABLE IF NOT EXISTS schema_migration (
                   number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
                   applied_at timestamptz NOT NULL DEFAULT now())"""
        )
        applied: dict[int, Record] = {
            row["number"]: row
            for row in await connection.fetch("SELECT number, name, checksum FROM schema_migration")
        }
        _refuse_disagreement(migrations, applied)
        pending = [migration for migration in migrations if migration.number not in applied]
        for migration in pending:
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3)",
                migration.number, migration.name, migration.checksum,
            )  # fmt: skip
            log.info("migration applied", number=migration.number, name=migration.name)
    return len(pending)


def _refuse_disagreement(migrations: list[Migration], applied: dict[int, Record]) -> None:
    for migration in migrations:
        row = applied.get(migration.number)
        if row is not None and row["checksum"] != migration.checksum:
            raise MigrationRefusedError(
                f"migration {migration.number:04} ({migration.name}) was changed after it was applied as "
                f"{row['name']}; restore the file and put the change into a new one"
            )
    unknown = applied.keys() - {migration.number for migration in migrations}
    if unknown:
        raise MigrationRefusedError(
            f"the database knows migrations {sorted(unknown)} which this version does not have; "
            "start a version that is at least as new"
        )
