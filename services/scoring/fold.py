"""From the bus to the tally: batches decoded while the database stores the one before.

The steps of a batch, in one transaction:
  1. take the shared lock that keeps a rebuild out, and see that it is still the same rebuild
  2. move the positions forward; when somebody else is further already, drop the batch
  3. fold: contributions, tally, dirty scores, in one statement
  4. commit
A crash between any two of them leaves nothing behind, and the batch is read again.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from aiokafka import ConsumerRecord, TopicPartition
from prometheus_client import Counter

from services.scoring import store, traces
from services.scoring.batch import Batch, Counted, Reading, UnknownNames, names, pack
from services.scoring.contribution import WrongTitle
from services.scoring.succession import NO_ENDINGS, Endings
from services.scoring.vocabulary import Vocabulary
from shared.contracts.topics import MODULES
from shared.runtime import logs
from shared.runtime.clock import Clock, system_clock
from shared.runtime.failpoints import AfterStep, nowhere
from shared.runtime.positions import Positions
from shared.runtime.postgres import Connection, Pool

TOPICS = tuple(f"{module}.events" for module in MODULES)

_RECORDS_PER_TURN = 250
"""Records decoded before the event loop gets its turn: heartbeats and requests go on meanwhile."""

CHANGES = Counter("scoring_changes_folded", "Changes taken from the bus into the tally")
STALE = Counter("scoring_batches_dropped", "Batches that another replica had stored already")
UNREADABLE = Counter("scoring_records_unreadable", "Records that are no change of the contract")

log = logs.get(__name__)


class RebuildStartedError(Exception):
    """The derived tables were dropped under this process: it must start again from the first record."""


class Epoch(NamedTuple):
    """Which rebuild the tables belong to, and how far it must read before scores are worked out."""

    number: int
    until: Mapping[str, int]


def place(partition: TopicPartition) -> str:
    """`dossier.events/3`."""
    return f"{partition.topic}/{partition.partition}"


async def read_epoch(connection: Connection) -> Epoch:
    """The present rebuild."""
    row = await connection.fetchrow("SELECT epoch, until FROM rebuild")
    until = msgspec.json.decode(row["until"], type=dict[str, int]) if row and row["until"] else {}
    return Epoch(row["epoch"] if row else 0, until)


async def share_epoch(connection: Connection) -> None:
    """Keep a rebuild from beginning until the open transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock_shared(hashtext(current_schema() || '.rebuild'))")


class Folder:
    """Prepares and applies batches for a `BatchConsumer`.

    `on_stored` learns how many changes each stored batch held. `epoch` is the rebuild that this process reads
    for; when another one begins, `apply` raises RebuildStartedError. `endings` are the agencies that ended.
    """

    def __init__(
        self,
        pool: Pool,
        vocabulary: Vocabulary,
        wrong_title: WrongTitle,
        epoch: Epoch,
        *,
        onward: Sequence[int] = (),
        endings: Endings = NO_ENDINGS,
        on_stored: Callable[[int], None] = lambda _changes: None,
        clock: Clock = system_clock,
        after_step: AfterStep = nowhere,
    ) -> None:
        self._pool = pool
        self._vocabulary = vocabulary
        self._wrong_title = wrong_title
        self._epoch = epoch
        self._onward = onward
        self._endings = endings
        self._on_stored = on_stored
        self._clock = clock
        self._after_step = after_step

    async def prepare(self, records: Sequence[ConsumerRecord]) -> Batch:
        """Decode a batch. Bad records become values; only a database fault leaves this."""
        reading = Reading(self._wrong_title, self._endings)
        for start in range(0, len(records), _RECORDS_PER_TURN):
            for record in records[start : start + _RECORDS_PER_TURN]:
                reading.take(record, with_causes=self._is_news(record))
            await asyncio.sleep(0)
        counted: list[Counted] = []
        for entry in reading.counted():
            counted.append(entry)
            if len(counted) % _RECORDS_PER_TURN == 0:
                await asyncio.sleep(0)
        if reading.unreadable:
            UNREADABLE.inc(len(reading.unreadable))
            log.warning("records passed over", count=len(reading.unreadable), first=reading.unreadable[0])
        for entry in counted:
            if entry.contribution.fault is not None:
                log.warning("a state counts nowhere", key=entry.key, reason=entry.contribution.fault)
        try:
            return pack(counted, reading, self._vocabulary)
        except UnknownNames:
            await self._vocabulary.learn(self._pool, *names(counted))
            return pack(counted, reading, self._vocabulary)

    def _is_news(self, record: ConsumerRecord) -> bool:
        """Whether the record came after the rebuild under way began: what it reads again causes nothing."""
        until = self._epoch.until
        if not until:
            return True
        offset: int = record.offset
        return offset >= until.get(f"{record.topic}/{record.partition}", 0)

    async def apply(self, batch: Batch, following: Positions) -> None:
        """Store a batch. Repeating it changes nothing."""
        async with self._pool.acquire() as connection:
            if not await self._store(connection, batch, following):
                STALE.inc()
                log.info("batch dropped: another replica stored it", positions=len(following))
                return
        CHANGES.inc(batch.taken)
        self._on_stored(batch.taken)

    async def _store(self, connection: Connection, batch: Batch, following: Positions) -> bool:
        async with connection.transaction():
            await share_epoch(connection)
            epoch = await read_epoch(connection)
            if epoch.number != self._epoch.number:
                raise RebuildStartedError(f"rebuild {epoch.number} began; starting again")
            self._after_step(1)
            if not await store.fence(connection, following, self._clock()):
                return False
            self._after_step(2)
            await store.fold(connection, batch, self._onward)
            if batch.traces:
                await traces.keep(connection, batch.traces, self._clock())
            self._after_step(3)
        self._after_step(4)
        return True
