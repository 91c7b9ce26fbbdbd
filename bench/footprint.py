"""(d) Memory and disk: what a million facts take up in the ledger, in the fold and on the bus."""

import asyncio
from typing import Any

import asyncpg

from bench.ingest import make_publisher
from bench.load import dossier_facts, fill_inbox, open_agencies
from bench.stage import Stage, stage, watch

SIZE = """SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class AS c
          WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"""


def measure(dossiers: int, port_base: int) -> dict[str, Any]:
    """Take in two facts for each of `dossiers`, fold them, and weigh what is left."""
    with stage(port_base) as on:
        return asyncio.run(_measure(on, dossiers))


async def _measure(on: Stage, dossiers: int) -> dict[str, Any]:
    agencies = open_agencies()
    key = await make_publisher(on)
    total = await fill_inbox(on.broker.address, key, dossier_facts(dossiers, agencies))
    with on.service("dossier") as ledger, on.service("scoring") as scoring:
        both = [ledger, scoring]
        await watch(on.url("dossier"), "SELECT sum(next) FROM position", total, both)
        await watch(
            on.url("dossier"), "SELECT CASE WHEN EXISTS (SELECT FROM outbox) THEN 0 ELSE 1 END", 1, both
        )
        found = {
            "facts": total,
            "dossier_peak_mib": round(ledger.look() / 2**20, 1),
            "scoring_peak_mib": round(scoring.look() / 2**20, 1),
        }
        for role in ("dossier", "scoring"):
            found[f"{role}_database_mib_per_million_facts"] = round(
                await _size(on, role) / total * 1e6 / 2**20
            )
    directory = on.layout.data / "kafka"
    held = sum(path.stat().st_size for path in directory.rglob("*.log")) if directory.exists() else 0
    found["bus_mib_per_million_facts"] = round(held / total * 1e6 / 2**20)
    return found


async def _size(on: Stage, role: str) -> int:
    connection = await asyncpg.connect(on.url(role))
    try:
        return int(await connection.fetchval(SIZE))
    finally:
        await connection.close()
