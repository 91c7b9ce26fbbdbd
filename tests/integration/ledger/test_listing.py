"""Lists out of the ledger: in the order of time, page by page; late facts by day; states of many entities."""

from datetime import timedelta
from typing import Any

import pytest
from aiokafka import TopicPartition

from services.dossier.lifecycle import lifecycle
from shared.runtime.ledger.listing import EntityName, facts_of, facts_of_type, late_facts, states_of
from shared.runtime.ledger.reading import facts_of_entity
from shared.runtime.ledger.store import Store
from shared.runtime.postgres import Pool
from shared.runtime.problem import ProblemError
from tests.integration.ledger.conftest import NOW, OpenPool, event, item, retraction

pytestmark = pytest.mark.anyio
PLACE = TopicPartition("dossier.inbox", 0)
FIRST, LAST = "2024-01-01", "2024-03-31"


async def fill(pool: Pool, facts: list[dict[str, Any]], days_later: int = 0, offset: int = 1) -> None:
    """Store facts as one batch, recorded some days after NOW."""
    store = Store(pool, lifecycle(), 3)
    await store.apply([item(one) for one in facts], {PLACE: offset}, NOW + timedelta(days=days_later))


def received(number: int, at: str, agency: str = "so-y-te") -> dict[str, Any]:
    return event("received", f"D{number}", f"r{number}", at, agency, due_at="2024-03-29T17:00:00+07:00")


async def test_facts_of_a_type_come_in_the_order_of_time_page_by_page(ledger_pool: OpenPool) -> None:
    async with ledger_pool() as pool:
        await fill(pool, [received(n, f"2024-01-{10 + n:02}T08:00") for n in (3, 1, 2, 0)])
        await fill(pool, [event("resolved", "D1", "x1", "2024-01-20T08:00")], offset=2)
        found: list[str] = []
        after: str | None = None
        while True:
            page = await facts_of_type(pool, "dossier.received", FIRST, LAST, None, after, 2)
            found += [fact["id"] for fact in page["facts"]]
            after = page["next"]
            if after is None:
                break
        assert found == ["r0", "r1", "r2", "r3"]
        only = await facts_of_type(pool, "dossier.received", "2024-01-11", "2024-01-12", None, None, 10)
        assert [fact["id"] for fact in only["facts"]] == ["r1", "r2"]
        assert only["facts"][0]["event"]["data"]["dossier_code"] == "D1"
        nobody = await facts_of_type(pool, "dossier.received", FIRST, LAST, "so-noi-vu", None, 10)
        assert nobody["facts"] == []
        with pytest.raises(ProblemError, match="days"):
            await facts_of_type(pool, "dossier.received", LAST, FIRST, None, None, 10)


async def test_a_retracted_fact_is_listed_as_one_without_effect(ledger_pool: OpenPool) -> None:
    async with ledger_pool() as pool:
        await fill(pool, [received(1, "2024-01-10T08:00"), retraction("gone", "r1")])
        page = await facts_of_type(pool, "dossier.received", FIRST, LAST, None, None, 10)
        (fact,) = page["facts"]
        assert not fact["effective"]
        assert fact["retracted_by"]


async def test_late_facts_are_counted_by_agency_and_day_with_the_latest_first(ledger_pool: OpenPool) -> None:
    async with ledger_pool() as pool:
        await fill(pool, [received(n, f"2024-01-{10 + n:02}T08:00") for n in range(5)])
        await fill(pool, [received(10, "2024-03-21T08:00")], offset=2)
        await fill(pool, [received(20, "2024-03-20T08:00", "so-noi-vu")], offset=3)
        groups = await late_facts(pool, ["dossier.received"], FIRST, LAST, None, 30, 3)
        (group,) = groups
        assert (group["agency"], group["recorded_on"]) == ("so-y-te", "2024-03-22")
        assert (group["late"], group["facts"], group["longest_days"]) == (5, 6, 72)
        assert [fact["id"] for fact in group["examples"]] == ["r0", "r1", "r2"]
        assert await late_facts(pool, ["dossier.resolved"], FIRST, LAST, None, 30, 3) == []
        assert await late_facts(pool, ["dossier.received"], FIRST, LAST, None, 90, 3) == []


async def test_states_of_many_entities_come_in_the_order_asked(ledger_pool: OpenPool) -> None:
    async with ledger_pool() as pool:
        await fill(pool, [received(1, "2024-01-10T08:00"), received(2, "2024-01-11T08:00")])
        names = [EntityName(entity=e, agency="so-y-te") for e in ("D2", "D9", "D1")]
        two, nothing, one = await states_of(pool, "dossier", names)
        assert nothing is None
        assert two is not None
        assert one is not None
        assert (two["entity"], one["entity"]) == ("D2", "D1")
        assert one["state"]["history"][0]["due_at"] == "2024-03-29T17:00:00+07:00"


async def test_the_facts_of_many_entities_come_by_their_record_keys(ledger_pool: OpenPool) -> None:
    async with ledger_pool() as pool:
        await fill(pool, [received(1, "2024-01-10T08:00"), event("resolved", "D1", "x1", "2024-01-20T08:00")])
        await fill(pool, [received(1, "2024-01-12T08:00", "so-noi-vu") | {"id": "other"}], offset=2)
        keys = await pool.fetch("SELECT key, scope FROM entity ORDER BY scope")
        assert {row["key"] for row in keys} == {"D1", "so-noi-vu/D1"}, "each agency has a D1 of its own"
        ours, nothing, theirs = await facts_of(pool, ["D1", "nobody", "so-noi-vu/D1"])
        assert nothing is None
        assert ours is not None
        assert theirs is not None
        assert [fact["id"] for fact in ours["facts"]] == ["r1", "x1"]
        assert (theirs["agency"], [fact["id"] for fact in theirs["facts"]]) == ("so-noi-vu", ["other"])
        one_by_one = await facts_of_entity(pool, "dossier", "D1", "so-y-te")
        assert ours["facts"] == one_by_one["facts"]
