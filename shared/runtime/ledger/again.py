"""Sending entities again: all of them on an operator's command, or those that an interrupted relay names."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from shared.contracts.topics import partition_of
from shared.runtime import logs, outbox
from shared.runtime.ledger.folding import CHANGE_HEADERS
from shared.runtime.life import Beat, Life
from shared.runtime.outbox import Record
from shared.runtime.postgres import Connection, Pool, persistently
from shared.runtime.problem import ProblemError
from shared.runtime.relay import SentKey

_PAGE = 1_000
_OUTBOX_ENOUGH = 20_000

log = logs.get(__name__)

# The lock keeps a newer version from entering the outbox before the one read here.
_NEXT_PAGE = """
SELECT entity, kind, scope, key, agency, record FROM entity
WHERE (entity, kind, scope) > ($1, $2, $3) ORDER BY entity, kind, scope LIMIT $4 FOR SHARE
"""
_BY_KEY = """
SELECT entity, kind, scope, key, agency, record FROM entity
WHERE key = ANY($1) ORDER BY entity, kind, scope FOR SHARE
"""


class Again:
    """Puts the newest record of entities into the outbox once more. Readers drop what they know."""

    def __init__(
        self, life: Life, pool: Pool, module: str, partitions: int, on_commit: Callable[[], None]
    ) -> None:
        self._life = life
        self._pool = pool
        self._topic = f"{module}.events"
        self._partitions = partitions
        self._on_commit = on_commit
        self._running: asyncio.Task[None] | None = None

    async def some(self, keys: Sequence[SentKey]) -> None:
        """Send again the entities of these record keys. Other topics keep every record; theirs stand."""
        wanted = sorted({key.decode() for topic, key in keys if topic == self._topic})
        if not wanted:
            return
        async with self._pool.acquire() as connection, connection.transaction():
            await self._add(connection, await connection.fetch(_BY_KEY, wanted))

    async def all(self) -> int:
        """Start sending all entities again; answers how many there are. Raises ProblemError 409."""
        if self.running():
            raise ProblemError(409, "running", "All entities are being sent again already.")
        async with self._pool.acquire() as connection:
            count: int = await connection.fetchval("SELECT count(*) FROM entity")
        self._running = asyncio.create_task(self._all(self._life.beat("emit again")), name="emit again")
        self._running.add_done_callback(self._ended)
        return count

    def running(self) -> bool:
        """Whether entities are still on their way into the outbox."""
        return self._running is not None and not self._running.done()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._life.fail(task.exception() or RuntimeError("emit again failed"), "emit again")

    async def _all(self, beat: Beat) -> None:
        place = ("", "", "")
        sent = 0
        while not self._life.stopping.is_set():
            beat.touch()
            rows = await persistently(lambda place=place: self._page(place))  # type: ignore[misc]
            if not rows:
                break
            place = (rows[-1]["entity"], rows[-1]["kind"], rows[-1]["scope"])
            sent += len(rows)
            self._on_commit()
            while await persistently(self._crowded) and not self._life.stopping.is_set():
                beat.touch()
                await asyncio.sleep(0.1)
        beat.stall_seconds = float("inf")
        log.info("all entities sent again", entities=sent)

    async def _page(self, after: tuple[str, str, str]) -> list[Any]:
        async with self._pool.acquire() as connection, connection.transaction():
            rows: list[Any] = await connection.fetch(_NEXT_PAGE, *after, _PAGE)
            await self._add(connection, rows)
            return rows

    async def _crowded(self) -> bool:
        async with self._pool.acquire() as connection:
            return await outbox.waiting(connection) > _OUTBOX_ENOUGH

    async def _add(self, connection: Connection, rows: Sequence[Any]) -> None:
        await outbox.add(
            connection,
            [
                Record(
                    self._topic,
                    partition_of(row["agency"], self._partitions),
                    row["key"].encode(),
                    row["record"],
                    CHANGE_HEADERS,
                )
                for row in rows
            ],
        )
