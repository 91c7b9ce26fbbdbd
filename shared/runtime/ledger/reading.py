"""Reading the ledger: entities, the facts behind them, and deadlines."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from shared.calendar.local import iso, parse_instant
from shared.contracts.facts import RETRACTED
from shared.runtime.ledger.folding import emitted
from shared.runtime.postgres import Pool, Record
from shared.runtime.problem import ProblemError

MAX_LOOKUP = 500
MAX_PAGE = 500

FACT_COLUMNS = """
    f.source, f.id, f.type, f.kind, f.entity, f.scope, f.agency, f.time, f.publisher, f.event,
    f.recorded_at, f.topic, f.partition, f."offset", coalesce(r.count, 0) AS repeats,
    (SELECT array_agg(ARRAY[t.source, t.id] ORDER BY t.source, t.id) FROM retraction t
     WHERE t.target_source = f.source AND t.target_id = f.id AND t.agency = f.agency) AS retracted_by
"""


async def find_entity(pool: Pool, kind: str, entity: str, agency: str | None) -> dict[str, Any]:
    """One entity with its state. Raises ProblemError 404, or 409 when several agencies use the id."""
    row = await _one_entity(pool, kind, entity, agency)
    change = emitted(row["record"])["data"]
    return {
        "kind": row["kind"],
        "entity": row["entity"],
        "agency": row["agency"],
        "key": row["key"],
        "version": row["version"],
        "changed_at": iso(row["changed_at"]),
        "state": change["state"],
        "causes": change["causes"],
    }


async def _one_entity(pool: Pool, kind: str, entity: str, agency: str | None) -> Record:
    async with pool.acquire() as connection:
        rows = await connection.fetch(
            """SELECT kind, entity, scope, key, agency, version, record, changed_at FROM entity
               WHERE entity = $1 AND kind = $2 AND ($3::text IS NULL OR scope = $3 OR agency = $3)
               ORDER BY scope LIMIT 20""",
            entity, kind, agency,
        )  # fmt: skip
    if not rows:
        raise ProblemError(404, "not-found", f"The ledger has no {kind} {entity}.")
    if len(rows) > 1:
        agencies = ", ".join(row["agency"] for row in rows)
        raise ProblemError(409, "ambiguous", f"Several agencies use this id ({agencies}): add ?agency=…")
    return rows[0]


async def facts_of_entity(pool: Pool, kind: str, entity: str, agency: str | None) -> dict[str, Any]:
    """All facts of one entity in the order they happened, with what became of each."""
    row = await _one_entity(pool, kind, entity, agency)
    async with pool.acquire() as connection:
        found = await connection.fetch(
            f"""SELECT {FACT_COLUMNS} FROM fact f LEFT JOIN repeat r USING (source, id)
                WHERE f.entity = $1 AND f.kind = $2 AND f.scope = $3
                ORDER BY f.time, f.source, f.id""",
            row["entity"], row["kind"], row["scope"],
        )  # fmt: skip
    facts = [show_fact(one) for one in found]
    return {
        "kind": row["kind"],
        "entity": row["entity"],
        "agency": row["agency"],
        "counts": {
            "facts": len(facts),
            "effective": sum(fact["effective"] for fact in facts),
            "retracted": sum(bool(fact["retracted_by"]) for fact in facts),
            "duplicates": sum(fact["repeats"] for fact in facts),
        },
        "facts": facts,
    }


async def find_facts(pool: Pool, keys: Sequence[tuple[str, str]]) -> list[dict[str, Any] | None]:
    """The facts of these (source, id), in the same order; None where the ledger has none."""
    async with pool.acquire() as connection:
        found = await connection.fetch(
            f"""SELECT {FACT_COLUMNS} FROM unnest($1::text[], $2::text[]) AS k (source, id)
                JOIN fact f USING (source, id) LEFT JOIN repeat r USING (source, id)""",
            [key[0] for key in keys], [key[1] for key in keys],
        )  # fmt: skip
    by_key = {(row["source"], row["id"]): show_fact(row) for row in found}
    return [by_key.get(key) for key in keys]


def show_fact(row: Record) -> dict[str, Any]:
    """A fact as the interface shows it: as sent, where it came in, and whether it counts."""
    retracted_by = [{"source": source, "id": id_} for source, id_ in row["retracted_by"] or ()]
    clock = row["publisher"] is None
    inbox = None
    if row["topic"] is not None:
        inbox = {"topic": row["topic"], "partition": row["partition"], "offset": row["offset"]}
    return {
        "source": row["source"],
        "id": row["id"],
        "type": row["type"],
        "kind": row["kind"] or None,
        "entity": row["entity"] or None,
        "agency": row["agency"],
        "time": iso(row["time"]),
        "publisher": row["publisher"],
        "recorded_at": iso(row["recorded_at"]),
        "entrance": "clock" if clock else "http" if inbox is None else "kafka",
        "inbox": inbox,
        "effective": not retracted_by and not clock and row["type"] != RETRACTED,
        "retracted_by": retracted_by,
        "repeats": row["repeats"],
        "event": msgspec.json.decode(row["event"]),
    }


_DEADLINES = """
SELECT kind, entity, scope, key, agency, soon_at, due_at,
       CASE WHEN due_at <= $1 THEN 'overdue' WHEN soon_at <= $1 THEN 'due_soon' ELSE 'ahead' END AS state
FROM entity
WHERE due_at IS NOT NULL AND ($2::text IS NULL OR agency = $2)
  AND CASE $3::text
        WHEN 'overdue' THEN due_at <= $1
        WHEN 'due_soon' THEN due_at > $1 AND soon_at <= $1
        WHEN 'ahead' THEN due_at > $1 AND (soon_at IS NULL OR soon_at > $1)
        ELSE true END
  AND ($4::timestamptz IS NULL OR (due_at, key) > ($4, $5))
ORDER BY due_at, key LIMIT $6
"""


async def deadlines(
    pool: Pool, now: datetime, agency: str | None, state: str | None, after: str | None, limit: int
) -> dict[str, Any]:
    """Entities that wait for something, by due instant; `next` continues the list."""
    place = read_cursor(after) if after else None
    due, key = (datetime.fromisoformat(place[0]), place[1]) if place else (None, "")
    async with pool.acquire() as connection:
        rows = await connection.fetch(_DEADLINES, now, agency, state, due, key, limit)
    return {
        "deadlines": [
            {
                "kind": row["kind"],
                "entity": row["entity"],
                "agency": row["agency"],
                "due_at": iso(row["due_at"]),
                "due_soon_at": iso(row["soon_at"]) if row["soon_at"] is not None else None,
                "state": row["state"],
            }
            for row in rows
        ],
        "next": (
            make_cursor(rows[-1]["due_at"].isoformat(), rows[-1]["key"]) if len(rows) == limit else None
        ),
    }


def make_cursor(*parts: str) -> str:
    """An opaque place in a list."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def read_cursor(text: str) -> tuple[str, str]:
    """The reverse. Raises ProblemError 400 for anything that `make_cursor` did not write."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        first, second = msgspec.json.decode(raw, type=tuple[str, str])
        parse_instant(first)
        if "\x00" in second:
            raise ValueError("no key holds a NUL")
    except (ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise ProblemError(400, "cursor", "`after` is not a place this list gave.") from error
    return first, second
