"""The publishers as a service knows them: in memory, fresh within two seconds, asked again when in doubt."""

import asyncio
import time
from dataclasses import dataclass

from shared.runtime import logs
from shared.runtime.access.grants import Grant, GrantError, make_grant
from shared.runtime.access.sealing import Sealer, SealError
from shared.runtime.life import Beat, Life
from shared.runtime.postgres import PASSING_FAULTS, Pool, Record

REFRESH_SECONDS = 2.0
_LEAST_SECONDS = 0.05
"""Refreshes on demand are at least so far apart; who asks in between waits."""

log = logs.get(__name__)

_QUERY = """
SELECT p.name, p.agencies, p.types, p.events_per_second, k.sealed
FROM access.publisher p JOIN access.publisher_key k ON k.publisher = p.name AND k.revoked_at IS NULL
WHERE p.revoked_at IS NULL ORDER BY p.name, k.id DESC
"""


@dataclass(frozen=True, slots=True)
class Publisher:
    """A live publisher: its keys, newest first, what it may say, and how much (None: no rate of its own)."""

    name: str
    keys: tuple[bytes, ...]
    grant: Grant
    events_per_second: int | None = None


class PublisherCache:
    """Live publishers by name."""

    def __init__(self, pool: Pool, sealer: Sealer) -> None:
        self._pool = pool
        self._sealer = sealer
        self._publishers: dict[str, Publisher] = {}
        self._opened: dict[tuple[str, bytes], bytes] = {}
        self._lock = asyncio.Lock()
        self._begun = float("-inf")

    def get(self, name: str) -> Publisher | None:
        """The publisher as last read."""
        return self._publishers.get(name)

    async def refresh(self, *, since: float | None = None) -> None:
        """Read all publishers again, unless that was begun after `since` (of `time.monotonic()`)."""
        async with self._lock:
            if since is not None and self._begun >= since:
                return
            wait = self._begun + _LEAST_SECONDS - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            self._begun = time.monotonic()
            async with self._pool.acquire() as connection:
                rows = await connection.fetch(_QUERY)
            self._publishers = self._build(rows)

    def _build(self, rows: list[Record]) -> dict[str, Publisher]:
        opened: dict[tuple[str, bytes], bytes] = {}
        found: dict[str, tuple[list[bytes], Grant, int | None]] = {}
        for row in rows:
            name, sealed = row["name"], row["sealed"]
            try:
                key = self._opened.get((name, sealed)) or self._sealer.open(name, sealed)
                if name not in found:
                    grant = make_grant(row["agencies"], row["types"])
                    found[name] = ([], grant, row["events_per_second"])
            except (SealError, GrantError) as error:
                log.error("publisher cannot be used", publisher=name, reason=str(error))
                continue
            opened[name, sealed] = key
            found[name][0].append(key)
        self._opened = opened
        return {
            name: Publisher(name, tuple(keys), grant, rate) for name, (keys, grant, rate) in found.items()
        }

    def start(self, life: Life) -> None:
        """Spawn the loop that keeps the cache fresh."""

        async def loop(beat: Beat) -> None:
            while not life.stopping.is_set():
                beat.touch()
                try:
                    await self.refresh()
                except PASSING_FAULTS as error:
                    log.warning("publishers not refreshed; the last known ones stay", reason=repr(error))
                try:
                    async with asyncio.timeout(REFRESH_SECONDS):
                        await life.stopping.wait()
                except TimeoutError:
                    continue

        life.spawn("publishers", loop)
