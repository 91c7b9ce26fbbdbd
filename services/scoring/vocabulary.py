"""The numbers behind names: agencies and flows, handed out by the database and kept for ever.

Every replica keeps a copy; a name that is new to it is asked for (or given a number) before the batch that
needs it is stored. Numbers survive a rebuild, since stored marks are made of them.
"""

from collections.abc import Iterable

from services.scoring import flows
from shared.runtime.postgres import Connection, Pool

_LOCK = "SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.vocabulary'))"


class Vocabulary:
    """Agency and flow numbers, both ways. `full` names could not be given one: what they count is lost."""

    def __init__(self) -> None:
        self.agencies: dict[str, int] = {}
        self.flows: dict[str, int] = dict(flows.FIXED)
        self.agency_names: dict[int, str] = {}
        self.flow_names: dict[int, str] = {number: name for name, number in flows.FIXED.items()}
        self.full: set[str] = set()

    async def load(self, pool: Pool) -> None:
        """Read what there is, and store the flows that always exist."""
        async with pool.acquire() as connection:
            await connection.executemany(
                "INSERT INTO flow (number, flow) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                [(number, name) for name, number in flows.FIXED.items()],
            )
            await self.refresh(connection)

    async def learn(self, pool: Pool, agencies: Iterable[str], flow_names: Iterable[str] = ()) -> None:
        """Make sure that these names have numbers. Does nothing when they are known."""
        new_agencies = sorted({name for name in agencies if name not in self.agencies} - self.full)
        new_flows = sorted({name for name in flow_names if name not in self.flows} - self.full)
        if not new_agencies and not new_flows:
            return
        async with pool.acquire() as connection:
            async with connection.transaction():
                await connection.execute(_LOCK)
                for name in new_agencies:
                    await self._add_agency(connection, name)
                for name in new_flows:
                    await self._add_flow(connection, name)
            # Only what was committed is known: numbers of a transaction that failed belong to nobody.
            await self.refresh(connection)

    async def refresh(self, connection: Connection) -> None:
        """Read what there is, also what other replicas have added."""
        for number, name in await connection.fetch("SELECT number, agency FROM agency"):
            self.agencies[name] = number
            self.agency_names[number] = name
        for number, name in await connection.fetch("SELECT number, flow FROM flow"):
            self.flows[name] = number
            self.flow_names[number] = name

    async def _add_agency(self, connection: Connection, name: str) -> None:
        if await connection.fetchval("SELECT number FROM agency WHERE agency = $1", name) is not None:
            return
        number: int = await connection.fetchval("SELECT coalesce(max(number) + 1, 1) FROM agency")
        if number > flows.MAX_AGENCY:
            self.full.add(name)
            return
        await connection.execute("INSERT INTO agency (number, agency) VALUES ($1, $2)", number, name)

    async def _add_flow(self, connection: Connection, name: str) -> None:
        if await connection.fetchval("SELECT number FROM flow WHERE flow = $1", name) is not None:
            return
        first = flows.first_number(name)
        last = flows.last_number(first)
        number: int = await connection.fetchval(
            "SELECT coalesce(max(number) + 1, $1) FROM flow WHERE number BETWEEN $1 AND $2", first, last
        )
        if number > last:
            self.full.add(name)
            return
        await connection.execute("INSERT INTO flow (number, flow) VALUES ($1, $2)", number, name)
