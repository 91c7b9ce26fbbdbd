"""Writing the trail in the transaction of the deed, and reading it as the administrator.

What cannot be recorded does not happen: a deed and its entry commit together or not at all.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from shared.runtime import logs
from shared.runtime.audit_trail.chain import Deed, Link, Verified, text_of, verify
from shared.runtime.migrate import migrate
from shared.runtime.postgres import Connection

MIGRATIONS = Path(__file__).parent
MAX_TEXT_CHARACTERS = 1_000_000
_PAGE = 1_000

log = logs.get(__name__)


async def prepare_schema(connection: Connection, writers: Sequence[str]) -> None:
    """Make the schema `audit`; the roles `writers` may append and nothing else. Safe to repeat.

    `connection` belongs to the administrator and has no transaction open.
    """
    await connection.execute("CREATE SCHEMA IF NOT EXISTS audit")
    await connection.execute("SET search_path = audit")
    try:
        await migrate(connection, MIGRATIONS)
        for role in writers:
            quoted = '"' + role.replace('"', '""') + '"'
            await connection.execute(f"GRANT USAGE ON SCHEMA audit TO {quoted}")
            await connection.execute(
                f"GRANT EXECUTE ON FUNCTION audit.head(), audit.append(bigint, text) TO {quoted}"
            )
    finally:
        await connection.execute("RESET search_path")


async def append(connection: Connection, deed: Deed) -> int:
    """Add an entry in the open transaction; answers its number.

    Nobody else appends until that transaction ends, so do this last, after every other lock.
    """
    if not connection.is_in_transaction():
        raise RuntimeError("an entry of the audit trail belongs into the transaction of its deed")
    head = await connection.fetchrow("SELECT number, at FROM audit.head()")
    number: int = head["number"] + 1
    text = text_of(deed, number, head["at"])
    if len(text) > MAX_TEXT_CHARACTERS:
        raise ValueError(f"an entry has at most {MAX_TEXT_CHARACTERS} characters")
    hashed = await connection.fetchval("SELECT audit.append($1, $2)", number, text)
    # The log goes elsewhere: its lines are witnesses of the hashes.
    log.info("audit", number=number, sha256=hashed, actor=deed.actor, action=deed.action)
    return number


async def walk(connection: Connection, witnesses: Mapping[int, str]) -> Verified:
    """Verify the whole trail of a database, as its administrator."""
    return verify([link async for link in read_links(connection)], witnesses)


async def read_links(connection: Connection, after: int = 0) -> AsyncIterator[Link]:
    """The entries behind a number, in order, a page at a time."""
    while True:
        rows = await connection.fetch(
            "SELECT number, role, text, sha256 FROM audit.entry WHERE number > $1 ORDER BY number LIMIT $2",
            after, _PAGE,
        )  # fmt: skip
        for row in rows:
            yield Link(row["number"], row["role"], row["text"], row["sha256"])
        if len(rows) < _PAGE:
            return
        after = rows[-1]["number"]
