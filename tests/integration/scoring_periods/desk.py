"""One replica of scoring with the officers' desk, a clock that tests move, and worlds of made-up facts."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.scoring import period_store
from services.scoring.period_office import PeriodOffice
from services.scoring.periods_api import adjustment_shown
from services.scoring.scorer import Scorer
from services.scoring.verifying import Verifier
from shared.calendar.local import parse_instant
from shared.calendar.periods import parse_period
from tests.integration.scoring.rig import PARTITIONS, Bus, Record, Rig, rig
from tests.unit.scoring.world import Change

Q1 = "2024-Q1"
QUARTER = parse_period(Q1)
START = parse_instant("2024-04-01T09:00:00+07:00")


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        """Let time pass: `days=1`."""
        self.now += timedelta(**span)


@dataclass
class Desk:
    """Everything an officer and a test need."""

    rig: Rig
    office: PeriodOffice
    verifier: Verifier
    clock: Clock
    bus: Bus

    async def feed(self, changes: Iterable[Change]) -> None:
        """One batch of changes, folded and scored."""
        await self.rig.fold([self.bus.put(change) for change in changes])
        await self.rig.scorer.run_once()

    async def close(self) -> dict[str, Any]:
        """Two officers close the quarter."""
        await self.office.close(Q1, "Lan", "hết quý", None)
        self.clock.pass_(minutes=5)
        return await self.office.close(Q1, "Minh", "", None)

    async def adjustments(self, state: str | None = None) -> list[dict[str, Any]]:
        """The list of what arrived late, as the API shows it."""
        async with self.rig.pool.acquire() as connection:
            rows = await period_store.page(connection, Q1, state, None, 0, 100_000)
        return [adjustment_shown(row) for row in rows]

    async def contents(self) -> dict[str, str]:
        """The published scores of the quarter."""
        async with self.rig.pool.acquire() as connection:
            rows = await connection.fetch("SELECT agency, content FROM score_published WHERE period = $1", Q1)
        return {row["agency"]: row["content"] for row in rows}

    async def score(self, agency: str) -> dict[str, Any]:
        """One published score."""
        found: dict[str, Any] = msgspec.json.decode((await self.contents())[agency])
        return found

    async def sent(self, topic: str) -> list[dict[str, Any]]:
        """What waits for the bus on a topic."""
        async with self.rig.pool.acquire() as connection:
            rows = await connection.fetch("SELECT value FROM outbox WHERE topic = $1 ORDER BY id", topic)
        return [msgspec.json.decode(row["value"]) for row in rows]

    async def seals(self) -> list[dict[str, Any]]:
        """Every seal."""
        async with self.rig.pool.acquire() as connection:
            return await period_store.seals(connection, Q1)


@asynccontextmanager
async def desk(url: str, **options: Any) -> AsyncIterator[Desk]:
    """A desk on an empty schema."""
    async with rig(url, **options) as one:
        clock = Clock(START)
        scorer = Scorer(one.pool, one.vocabulary, one.readings.book, PARTITIONS, clock=clock)
        verifier = Verifier(one.pool, one.vocabulary, one.readings.book, None)
        office = PeriodOffice(one.pool, scorer, PARTITIONS, clock)
        yield Desk(replace(one, scorer=scorer), office, verifier, clock, Bus())


async def wipe(one: Rig) -> None:
    """Everything gone but the numbers behind names."""
    await one.execute(
        """TRUNCATE contribution, tally, dirty, score, score_published, score_change, adjustment, seal,
                    period_state, period_step, counted_score, noted, outbox, position;
           UPDATE rebuild SET until = NULL"""
    )


__all__ = ["Q1", "QUARTER", "START", "Clock", "Desk", "Record", "desk", "wipe"]
