"""The clock speaks: `…due_soon` and `…overdue` facts at their instant, once each.

They are rows of the ledger like any other fact, under the service's own source, with an id made of the
entity and the due instant: a restart or a second replica finds them there and stays silent. Each is told on
the topic `alerts` as well; `alerts.py` says when.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import msgspec
from aiokafka.errors import KafkaError

from shared.calendar.local import iso
from shared.contracts.words import full_type
from shared.runtime import logs
from shared.runtime.clock import Clock
from shared.runtime.ledger import statements
from shared.runtime.ledger.alerts import Alerts, said_of
from shared.runtime.ledger.decode import Candidate
from shared.runtime.ledger.folding import Cause, EntityRow, fold_entity, records_for
from shared.runtime.ledger.items import HTTP
from shared.runtime.ledger.lifecycle import EntityRef, Fact, Lifecycle
from shared.runtime.life import Beat, Life
from shared.runtime.outbox import Record
from shared.runtime.postgres import Connection, Pool, persistently

POLL_SECONDS = 0.5
QUIET = timedelta(seconds=30)
LONG_QUIET = timedelta(seconds=60)
IDLE_SECONDS = 2.0
RELEASE_SECONDS = 5.0
"""How often to look for warnings that waited for the office to open."""

_BATCH = 200

log = logs.get(__name__)

# An instant that lay ahead when the entity was last written is said when it comes. One that had passed
# already belongs to a backlog: the answer may be the next thing to be read, so the service waits until it
# has caught up ($3: and is idle; $4: or the entity has been quiet for long).
_DUE = """
SELECT kind, entity, scope, key, agency, version, facts, record, soon_at, due_at, next_at
FROM entity
WHERE next_at <= $1
  AND ((next_at > changed_at AND changed_at < $2) OR $3 OR ($4 AND changed_at < $5))
ORDER BY next_at LIMIT $6
FOR UPDATE SKIP LOCKED
"""


class Clockwork:
    """Fires the deadlines of one module."""

    def __init__(
        self,
        life: Life,
        pool: Pool,
        lifecycle: Lifecycle,
        partitions: int,
        clock: Clock,
        lag: Callable[[], Awaitable[int]],
        quiet_since: Callable[[], float],
        on_commit: Callable[[], None] = lambda: None,
        alerts: Alerts | None = None,
    ) -> None:
        self._alerts = alerts or Alerts(lifecycle.module, partitions)
        self._life = life
        self._pool = pool
        self._lifecycle = lifecycle
        self._partitions = partitions
        self._clock = clock
        self._lag = lag
        self._quiet_since = quiet_since
        self._on_commit = on_commit

    def start(self) -> None:
        """Spawn the loop."""
        self._life.spawn("clock", self._loop)

    async def _loop(self, beat: Beat) -> None:
        released_at = float("-inf")
        while not self._life.stopping.is_set():
            beat.touch()
            if await persistently(self.waiting, each_try=beat.touch):
                await self._fire_all(beat)
            if time.monotonic() - released_at >= RELEASE_SECONDS:
                await persistently(self.release, each_try=beat.touch)
                released_at = time.monotonic()
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._life.stopping.wait()
            except TimeoutError:
                continue

    async def _fire_all(self, beat: Beat) -> None:
        try:
            caught_up = await persistently(self._lag, each_try=beat.touch) == 0
        except KafkaError as error:
            # Nobody knows what waits in the inbox; what is due is said after a longer silence.
            log.warning("the bus does not answer", reason=repr(error))
            caught_up = False
        while not self._life.stopping.is_set():
            beat.touch()
            idle = caught_up and time.monotonic() - self._quiet_since() > IDLE_SECONDS
            fired = await persistently(
                lambda idle=idle: self.fire(caught_up, idle),  # type: ignore[misc]
                each_try=beat.touch,
            )
            if fired < _BATCH:
                return

    async def waiting(self) -> int:
        """Entities about which the clock has something to say now."""
        async with self._pool.acquire() as connection:
            count: int = await connection.fetchval(
                "SELECT count(*) FROM entity WHERE next_at <= $1", self._clock()
            )
        return count

    async def release(self) -> int:
        """Send the warnings that waited for the office to open, at most one batch; answers how many."""
        count = await self._alerts.release(self._pool, self._clock())
        if count:
            self._on_commit()
        return count

    async def fire(self, caught_up: bool, idle: bool) -> int:
        """Say what is due, at most one batch; answers how many entities were looked at."""
        now = self._clock()
        async with self._pool.acquire() as connection:
            try:
                await statements.begin(connection, alone=False)
                found = await connection.fetch(
                    _DUE, now, now - QUIET, idle, caught_up, now - LONG_QUIET, _BATCH
                )
                rows = [EntityRow(*row) for row in found]
                if rows:
                    await self._speak(connection, rows, now)
                await connection.execute("COMMIT")
            finally:
                if connection.is_in_transaction():
                    await connection.execute("ROLLBACK")
        if rows:
            self._on_commit()
            log.info("deadlines said", entities=len(rows))
        return len(rows)

    async def _speak(self, connection: Connection, rows: Sequence[EntityRow], now: datetime) -> None:
        words = [(row, _word(row, now)) for row in rows]
        facts = [_fact(self._lifecycle.module, row, word) for row, word in words]
        added = await statements.insert_facts(connection, [(fact, HTTP) for fact in facts], now)
        changed: list[EntityRow] = []
        records: list[Record] = []
        told: list[tuple[EntityRow, str, EntityRow | None]] = []
        for (row, word), candidate in zip(words, facts, strict=True):
            fact = candidate.fact
            after: EntityRow | None = None
            if (fact.source, fact.id) in added:
                ref = EntityRef(row.kind, row.entity, row.scope)
                cause = Cause(fact.source, fact.id, fact.type, fact.time, fact.agency, None)
                after = fold_entity(self._lifecycle, ref, row, [cause], frozenset(), now, row.key)
            if after is not None:
                records += records_for(self._lifecycle.module, after, row.agency, self._partitions)
            told.append((row, word, after))
            after = after or row
            after.next_at = row.due_at if word == "due_soon" else None
            changed.append(after)
        records += await self._alerts.give(connection, list(said_of(told)), now)
        await statements.write(connection, [], changed, records, {}, now)


def _word(row: EntityRow, now: datetime) -> str:
    """Which of the two to say. A warning makes no sense any more once the due instant has passed."""
    ahead = row.due_at is not None and now < row.due_at
    return "due_soon" if row.soon_at is not None and row.next_at == row.soon_at and ahead else "overdue"


def _fact(module: str, row: EntityRow, word: str) -> Candidate:
    assert row.due_at is not None
    at = row.soon_at if word == "due_soon" and row.soon_at is not None else row.due_at
    due = iso(row.due_at)
    data = {"entity": row.entity, "agency": row.agency, "due_at": due}
    fact = Fact(f"/services/{module}", f"{word}/{row.key}/{due}", f"{row.kind}.{word}", at, row.agency, data)
    event = msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": fact.id,
            "source": fact.source,
            "type": full_type(fact.type),
            "subject": f"{row.kind}/{row.entity}",
            "time": iso(at),
            "datacontenttype": "application/json",
            "data": data,
        }
    )
    digest = hashlib.blake2b(event, digest_size=16).digest()
    return Candidate(fact, EntityRef(row.kind, row.entity, row.scope), digest, event)
