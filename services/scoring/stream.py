"""Score changes as they happen: server-sent events that can be resumed.

Every client reads at its own pace from one short list of recent changes, or from the table when it is further
behind; there is no queue per client that could grow. The id of an event is the number of the change, so
`Last-Event-ID` continues exactly where a connection broke.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec

from services.scoring.publish import with_causes
from shared.runtime.life import Beat, Life
from shared.runtime.postgres import PASSING_FAULTS, Connection, Pool
from shared.runtime.problem import ProblemError

RECENT = 2_000
PAGE = 200
HEARTBEAT_SECONDS = 15.0
_POLL_SECONDS = 1.0
_RETRY_MS = 2_000

_NEWER = """
SELECT number, agency, period, document, causes FROM score_change WHERE number > $1 ORDER BY number LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One change, ready to send."""

    number: int
    agency: str
    period: str
    text: bytes


class Stream:
    """Follows the table of score changes for all clients of this process."""

    def __init__(self, life: Life, pool: Pool, most_clients: int) -> None:
        self._life = life
        self._pool = pool
        self._most_clients = most_clients
        self._recent: deque[Change] = deque(maxlen=RECENT)
        self._last = 0
        self._news = asyncio.Event()
        self._woken = asyncio.Event()
        self.clients = 0

    def start(self) -> None:
        """Spawn the loop."""
        self._life.spawn("stream", self._follow)

    def wake(self) -> None:
        """There may be new changes."""
        self._woken.set()

    async def _follow(self, beat: Beat) -> None:
        self._last = await self._newest()
        while not self._life.stopping.is_set():
            beat.touch()
            try:
                found = await self._read(self._last, RECENT)
            except PASSING_FAULTS:
                found = []
            if found:
                self._recent.extend(found)
                self._last = found[-1].number
                self._news.set()
                self._news = asyncio.Event()
                continue
            self._woken.clear()
            try:
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                pass
        self._news.set()

    async def _newest(self) -> int:
        async with self._pool.acquire() as connection:
            newest: int = await connection.fetchval("SELECT coalesce(max(number), 0) FROM score_change")
        return newest

    async def _read(self, after: int, limit: int) -> list[Change]:
        async with self._pool.acquire() as connection:
            return await read_changes(connection, after, limit)

    def check(self) -> None:
        """Raises ProblemError 503 when there are too many clients."""
        if self.clients >= self._most_clients:
            raise ProblemError(
                503, "too-many-streams", f"{self._most_clients} streams are open already; try again later.",
                headers={"Retry-After": "10"},
            )  # fmt: skip

    async def events(self, after: int | None, agency: str | None, period: str | None) -> AsyncIterator[bytes]:
        """The events of one client: what came after `after` (None: from now on), then whatever comes."""
        self.clients += 1
        cursor = self._last if after is None else after
        try:
            yield f"retry: {_RETRY_MS}\n: position {cursor}\n\n".encode()
            while not self._life.stopping.is_set():
                news = self._news
                page = await self._after(cursor)
                for change in page:
                    cursor = change.number
                    if agency in (None, change.agency) and period in (None, change.period):
                        yield change.text
                if not page:
                    try:
                        async with asyncio.timeout(HEARTBEAT_SECONDS):
                            await news.wait()
                    except TimeoutError:
                        yield b": still here\n\n"
        finally:
            self.clients -= 1

    async def _after(self, cursor: int) -> list[Change]:
        if cursor >= self._last:
            return []
        if self._recent and self._recent[0].number <= cursor + 1:
            return [change for change in self._recent if change.number > cursor][:PAGE]
        return await self._read(cursor, PAGE)


async def read_changes(connection: Connection, after: int, limit: int) -> list[Change]:
    """Changes by number, as events."""
    found = []
    for row in await connection.fetch(_NEWER, after, limit):
        document = with_causes(msgspec.json.decode(row["document"]), row["causes"])
        data = msgspec.json.encode(document).decode()
        text = f"id: {row['number']}\nevent: score.changed\ndata: {data}\n\n"
        found.append(Change(row["number"], row["agency"], row["period"], text.encode()))
    return found
