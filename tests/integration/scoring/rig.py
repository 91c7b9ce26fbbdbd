"""Scoring's folder and scorer on a real database, fed with records without a bus."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import asyncpg
import msgspec
from aiokafka import TopicPartition

from services.scoring.app import MIGRATIONS, open_book
from services.scoring.flows import unpack
from services.scoring.fold import Folder, read_epoch
from services.scoring.readings import Readings
from services.scoring.scorer import Book, Scorer
from services.scoring.vocabulary import Vocabulary
from shared.contracts.topics import partition_of
from shared.runtime import audit_trail
from shared.runtime.failpoints import AfterStep
from shared.runtime.migrate import migrate
from shared.runtime.postgres import Pool, open_pool
from tests.unit.scoring.world import Change

PARTITIONS = 3
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
BOOK = open_book()


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the bus as the folder sees it."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes


@dataclass
class Bus:
    """Topics in memory: it only numbers records."""

    ends: dict[TopicPartition, int] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)

    def put(self, change: Change, agency: str | None = None) -> Record:
        """A change onto its agency's partition."""
        topic = f"{change.module}.events"
        place = TopicPartition(topic, partition_of(agency or change.agency, PARTITIONS))
        offset = self.ends.get(place, 0)
        self.ends[place] = offset + 1
        record = Record(topic, place.partition, offset, change.key, change.value)
        self.records.append(record)
        return record


def after(records: Iterable[Record]) -> dict[TopicPartition, int]:
    """The positions behind some records."""
    found: dict[TopicPartition, int] = {}
    for record in records:
        place = TopicPartition(record.topic, record.partition)
        found[place] = max(found.get(place, 0), record.offset + 1)
    return found


@dataclass
class Rig:
    """One replica of scoring."""

    pool: Pool
    vocabulary: Vocabulary
    folder: Folder
    scorer: Scorer
    readings: Readings

    async def fold(self, records: Sequence[Record]) -> None:
        """One batch."""
        batch = await self.folder.prepare(records)
        await self.folder.apply(batch, after(records))

    async def tally(self) -> dict[tuple[str, str, int, int], int]:
        """The tally by names, without zeros."""
        await self.vocabulary.load(self.pool)
        async with self.pool.acquire() as connection:
            rows = await connection.fetch("SELECT mark, n FROM tally WHERE n <> 0")
        return {self._named(row["mark"]): row["n"] for row in rows}

    def _named(self, mark: int) -> tuple[str, str, int, int]:
        agency, flow, cohort, effective = unpack(mark)
        return self.vocabulary.agency_names[agency], self.vocabulary.flow_names[flow], cohort, effective

    async def recounted(self) -> dict[tuple[str, str, int, int], int]:
        """The same, counted again from the stored contributions."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(
                """SELECT mark, sum(coalesce(n, 1))::bigint AS n
                   FROM contribution, unnest(marks, amounts) AS u (mark, n)
                   GROUP BY mark HAVING sum(coalesce(n, 1)) <> 0"""
            )
        return {self._named(row["mark"]): row["n"] for row in rows}

    async def published(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Scores as they stand, by agency and period."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch("SELECT agency, period, document FROM score")
        return {(row["agency"], row["period"]): msgspec.json.decode(row["document"]) for row in rows}

    async def changes(self) -> list[dict[str, Any]]:
        """Every score change, oldest first, with its causes."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch("SELECT document, causes FROM score_change ORDER BY number")
        return [{**msgspec.json.decode(row["document"]), "causes": list(row["causes"])} for row in rows]

    async def execute(self, statement: str) -> None:
        """Something by hand."""
        async with self.pool.acquire() as connection:
            await connection.execute(statement)

    async def fetchval(self, statement: str) -> Any:
        """One value."""
        async with self.pool.acquire() as connection:
            return await connection.fetchval(statement)


def _nothing(_step: int) -> None:
    return


@asynccontextmanager
async def rig(
    url: str,
    *,
    book: Book = BOOK,
    fold_hook: AfterStep = _nothing,
    score_hook: AfterStep = _nothing,
    now: datetime = NOW,
) -> AsyncIterator[Rig]:
    """A replica on the database's schema `scoring`; the schema is made when it is missing."""
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE SCHEMA IF NOT EXISTS scoring")
    await audit_trail.prepare_schema(connection, [])
    await connection.close()
    own = f"{url}?options={quote('-csearch_path=scoring')}"
    async with open_pool(own, application="scoring-test", size=4) as pool:
        async with pool.acquire() as one:
            await migrate(one, MIGRATIONS)
            epoch = await read_epoch(one)
        vocabulary = Vocabulary()
        await vocabulary.load(pool)
        folder = Folder(
            pool, vocabulary, book.agencies.wrong_title, epoch, clock=lambda: now, after_step=fold_hook
        )
        scorer = Scorer(pool, vocabulary, book, PARTITIONS, clock=lambda: now, after_step=score_hook)
        yield Rig(pool, vocabulary, folder, scorer, Readings(pool, vocabulary, book, lambda: now))


async def wipe(one: Rig) -> None:
    """Everything gone but the numbers behind names."""
    await one.execute(
        """TRUNCATE contribution, tally, dirty, score, score_published, score_change, adjustment,
                    period_state, noted, outbox, position;
           UPDATE rebuild SET until = NULL"""
    )


def run(work: Any) -> Any:
    """Run a coroutine to its end."""
    return asyncio.run(work)
