"""Warnings on the topic `alerts`: once each, in office hours, and only while somebody still waits."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.dossier.lifecycle import lifecycle
from shared.calendar.working import vietnam
from shared.contracts.alerts import Alert
from shared.runtime.ledger.clockwork import Clockwork
from shared.runtime.ledger.store import Store
from shared.runtime.life import Life
from shared.runtime.postgres import Pool
from tests.integration.ledger.conftest import OpenPool, event, item
from tests.unit.lifecycle.cases import at

pytestmark = pytest.mark.anyio
DUE = "2024-01-26T17:00:00+07:00"
"""A Friday evening; the warning falls due the evening before, as the office closes."""


@dataclass
class Hand:
    """A clock that stands until it is moved."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


class Watch:
    """A ledger and the clockworks that run on it."""

    def __init__(self, pool: Pool, now: datetime) -> None:
        self.pool = pool
        self.hand = Hand(now)
        self.clockwork = self.another()

    def another(self) -> Clockwork:
        """A further replica, or the same one after a restart."""

        async def no_lag() -> int:
            return 0

        return Clockwork(Life(), self.pool, lifecycle(), 3, self.hand, no_lag, lambda: float("-inf"))

    async def take(self, *events: dict[str, Any]) -> None:
        """Take facts in."""
        items = [item(one) for one in events]
        await Store(self.pool, lifecycle(), 3).apply(items, {}, self.hand())
        assert [one.status for one in items] == ["accepted"] * len(items)

    async def at(self, when: str) -> list[Alert]:
        """Let the clock do its work at an instant; every alert so far."""
        self.hand.now = at(when)
        while await self.clockwork.fire(True, True):
            pass
        while await self.clockwork.release():
            pass
        return await self.told()

    async def told(self) -> list[Alert]:
        rows = await self.pool.fetch("SELECT key, value FROM outbox WHERE topic = 'alerts' ORDER BY id")
        found = [Alert.model_validate(msgspec.json.decode(row["value"])["data"]) for row in rows]
        assert [row["key"].decode() for row in rows] == [one.entity for one in found]
        return found


def words(alerts: list[Alert]) -> Iterator[tuple[str, str, bool]]:
    return ((one.word, f"{one.sent_at:%m-%d %H:%M}", one.held) for one in alerts)


async def test_a_warning_waits_for_the_office_to_open(ledger_pool: OpenPool) -> None:
    async with ledger_pool() as pool:
        watch = Watch(pool, at("01-15 08:00"))
        await watch.take(event("received", "D1", "a1", "2024-01-15T08:00", due_at=DUE))
        assert await watch.at("01-25 16:59") == []
        assert await watch.at("01-25 17:01") == [], "the office has just closed"
        assert await watch.at("01-26 07:59") == []
        (alert,) = await watch.at("01-26 08:00")
        assert (alert.word, alert.kind, alert.entity, alert.agency) == (
            "due_soon",
            "dossier",
            "D1",
            "so-y-te",
        )
        assert (alert.left_seconds, alert.late_by_seconds, alert.held) == (8 * 3600, 0, True)
        assert alert.calendar == vietnam().version
        assert alert.sent_at < alert.due_at
        assert len(await watch.at("01-26 17:30")) == 1, "nobody is told in the evening that it is overdue"
        assert list(words(await watch.at("01-29 08:00"))) == [
            ("due_soon", "01-26 08:00", True),
            ("overdue", "01-29 08:00", True),
        ]


async def test_in_office_hours_it_leaves_at_once_and_only_once(ledger_pool: OpenPool) -> None:
    async with ledger_pool() as pool:
        watch = Watch(pool, at("01-15 08:00"))
        await watch.take(
            event("received", "D1", "a1", "2024-01-15T08:00", due_at="2024-01-26T10:00:00+07:00")
        )
        (alert,) = await watch.at("01-25 10:01")
        assert (alert.word, alert.held, alert.left_seconds) == ("due_soon", False, 8 * 3600 - 60)
        watch.clockwork = watch.another()
        assert len(await watch.at("01-25 10:02")) == 1
        together = [watch.another() for _ in range(4)]
        watch.hand.now = at("01-26 10:05")
        await asyncio.gather(*(one.fire(True, True) for one in together))
        await asyncio.gather(*(one.release() for one in together))
        assert list(words(await watch.at("01-26 10:06"))) == [
            ("due_soon", "01-25 10:01", False),
            ("overdue", "01-26 10:05", False),
        ]


async def test_nobody_is_warned_of_what_is_done_meanwhile(ledger_pool: OpenPool) -> None:
    async with ledger_pool() as pool:
        watch = Watch(pool, at("01-15 08:00"))
        await watch.take(event("received", "D1", "a1", "2024-01-15T08:00", due_at=DUE))
        assert await watch.at("01-25 17:01") == []
        await watch.take(event("resolved", "D1", "a2", "2024-01-25T17:30"))
        assert await watch.at("01-26 08:00") == []
        (fate,) = [row["fate"] for row in await pool.fetch("SELECT fate FROM alert")]
        assert fate == "overtaken"


async def test_a_new_due_instant_gets_a_warning_of_its_own(ledger_pool: OpenPool) -> None:
    async with ledger_pool() as pool:
        watch = Watch(pool, at("01-15 08:00"))
        await watch.take(event("received", "D1", "a1", "2024-01-15T08:00", due_at=DUE))
        assert await watch.at("01-25 17:01") == []
        longer = event("extended", "D1", "a2", "2024-01-25T17:02", apology=True,
                       new_due_at="2024-02-02T10:00:00+07:00")  # fmt: skip
        await watch.take(longer)
        assert await watch.at("01-26 08:00") == [], "the old due instant is no longer in force"
        (alert,) = await watch.at("02-01 10:00")
        assert f"{alert.due_at:%m-%d %H:%M}" == "02-02 10:00"


async def test_a_service_that_was_away_at_the_opening_waits_for_the_next(ledger_pool: OpenPool) -> None:
    async with ledger_pool() as pool:
        watch = Watch(pool, at("01-15 08:00"))
        due = "2024-01-29T10:00:00+07:00"
        await watch.take(event("received", "D1", "a1", "2024-01-15T08:00", due_at=due))
        watch.hand.now = at("01-26 12:15")
        await watch.clockwork.fire(True, True)
        assert await watch.at("01-26 20:00") == [], "the opening at 13:00 was missed, and it is night again"
        (alert,) = await watch.at("01-29 08:00")
        assert (alert.word, alert.left_seconds) == ("due_soon", 2 * 3600)
        assert alert.sent_at - timedelta(seconds=1) < alert.due_at
