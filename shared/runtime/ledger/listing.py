"""Lists out of the ledger: facts of a type over some days, facts recorded long after they happened, and the
states of many entities at once. For readers who look across entities; none of it is needed to take facts in.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import FastAPI, Query
from pydantic import BaseModel, ConfigDict, Field

from shared.calendar.local import end_of_day, iso, start_of_day
from shared.calendar.periods import parse_window
from shared.contracts.words import Agency, Identifier
from shared.runtime.ledger.engine import Engine
from shared.runtime.ledger.folding import emitted
from shared.runtime.ledger.reading import FACT_COLUMNS, MAX_LOOKUP, make_cursor, read_cursor, show_fact
from shared.runtime.postgres import Pool
from shared.runtime.problem import ProblemError

MAX_FACTS = 2_000
MAX_GROUPS = 2_000
MAX_KEYS = 100
MAX_EXAMPLES = 50
MAX_TYPES = 20
MAX_AFTER_DAYS = 3_660

_OF_TYPE = f"""
SELECT {FACT_COLUMNS} FROM fact f LEFT JOIN repeat r USING (source, id)
WHERE f.type = $1 AND f.time >= $2 AND f.time <= $3 AND ($4::text IS NULL OR f.agency = $4)
  AND ($5::timestamptz IS NULL OR (f.time, f.source, f.id) > ($5, $6, $7))
ORDER BY f.time, f.source, f.id LIMIT $8
"""

# Only keys are sorted; whole rows are fetched for the few that are shown.
_LATE = """
WITH seen AS (
    SELECT source, id, agency, recorded_at - time AS delay,
           (recorded_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day
    FROM fact
    WHERE time >= $1 AND time <= $2 AND type = ANY ($3) AND ($4::text IS NULL OR agency = $4)
      AND publisher IS NOT NULL),
 placed AS (
    SELECT *, delay >= $5 AS late,
           row_number() OVER (PARTITION BY agency, day ORDER BY delay DESC, source, id) AS place
    FROM seen)
SELECT agency, day, count(*) AS facts, count(*) FILTER (WHERE late) AS late, max(delay) AS longest,
       array_agg(ARRAY[source, id] ORDER BY place) FILTER (WHERE late AND place <= $6) AS examples
FROM placed GROUP BY agency, day HAVING bool_or(late) ORDER BY agency, day LIMIT $7
"""

_STATES = """
SELECT k.place, e.record, e.agency, e.key, e.version, e.changed_at
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (entity, scope, place)
JOIN entity e ON e.entity = k.entity AND e.kind = $3 AND e.scope = k.scope
"""

_EVERY = f"""
SELECT {FACT_COLUMNS} FROM unnest($1::text[], $2::text[]) AS k (source, id)
JOIN fact f USING (source, id) LEFT JOIN repeat r USING (source, id)
"""


_FACTS = f"""
SELECT k.place, e.entity AS named, e.kind AS of_kind, e.agency AS holder, {FACT_COLUMNS}
FROM unnest($1::text[]) WITH ORDINALITY AS k (key, place)
JOIN entity e ON e.key = k.key
JOIN fact f ON f.entity = e.entity AND f.kind = e.kind AND f.scope = e.scope
LEFT JOIN repeat r ON r.source = f.source AND r.id = f.id
ORDER BY k.place, f.time, f.source, f.id
"""


class EntityName(BaseModel):
    """An entity by its id and agency; a question belongs to no agency's scope, so it has none."""

    model_config = ConfigDict(extra="forbid")

    entity: str = Field(min_length=1, max_length=300)
    agency: Agency | None = None


class EntityLookup(BaseModel):
    """Entities of one kind to look up."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(pattern=r"^[a-z_]{1,40}$")
    entities: list[EntityName] = Field(min_length=1, max_length=MAX_LOOKUP)


class FactsLookup(BaseModel):
    """Entities by their record keys on `<module>.events`."""

    model_config = ConfigDict(extra="forbid")

    keys: list[Annotated[str, Field(min_length=1, max_length=400)]] = Field(min_length=1, max_length=MAX_KEYS)


def _instants(first: str, last: str) -> tuple[datetime, datetime]:
    """The local days from..to as instants, both included. Raises ProblemError 400."""
    try:
        window = parse_window(first, last)
    except ValueError as error:
        raise ProblemError(400, "window", f"The days cannot be read: {error}.") from error
    return start_of_day(window.first), end_of_day(window.last)


async def facts_of_type(
    pool: Pool, fact_type: str, first: str, last: str, agency: str | None, after: str | None, limit: int
) -> dict[str, Any]:
    """Facts of one type that happened on the local days first..last, in the order of time."""
    begin, end = _instants(first, last)
    at, source, id_ = None, "", ""
    if after:
        instant, key = read_cursor(after)
        at, (source, _, id_) = datetime.fromisoformat(instant), key.partition(" ")
    async with pool.acquire() as connection:
        rows = await connection.fetch(_OF_TYPE, fact_type, begin, end, agency, at, source, id_, limit)
    last_row = rows[-1] if len(rows) == limit else None
    following = last_row and make_cursor(
        last_row["time"].isoformat(), f"{last_row['source']} {last_row['id']}"
    )
    return {"facts": [show_fact(row) for row in rows], "next": following or None}


async def late_facts(
    pool: Pool, types: list[str], first: str, last: str, agency: str | None, after_days: int, examples: int
) -> list[dict[str, Any]]:
    """By agency and the local day they were recorded on: how many facts of these types were recorded at least
    `after_days` days after they happened, among how many, with those that waited longest.
    """
    begin, end = _instants(first, last)
    async with pool.acquire() as connection:
        groups = await connection.fetch(
            _LATE, begin, end, types, agency, timedelta(days=after_days), examples, MAX_GROUPS
        )
        keys = [pair for group in groups for pair in group["examples"] or ()]
        rows = await connection.fetch(_EVERY, [key[0] for key in keys], [key[1] for key in keys])
    shown = {(row["source"], row["id"]): show_fact(row) for row in rows}
    return [
        {
            "agency": group["agency"],
            "recorded_on": group["day"].isoformat(),
            "facts": group["facts"],
            "late": group["late"],
            "longest_days": group["longest"].days,
            "examples": [shown[source, id_] for source, id_ in group["examples"] or ()],
        }
        for group in groups
    ]


async def states_of(pool: Pool, kind: str, names: list[EntityName]) -> list[dict[str, Any] | None]:
    """The states of these entities, in the same order; None where the ledger has none."""
    async with pool.acquire() as connection:
        rows = await connection.fetch(
            _STATES, [one.entity for one in names], [one.agency or "" for one in names], kind
        )
    found: list[dict[str, Any] | None] = [None] * len(names)
    for row in rows:
        found[row["place"] - 1] = {
            "kind": kind,
            "entity": names[row["place"] - 1].entity,
            "agency": row["agency"],
            "key": row["key"],
            "version": row["version"],
            "changed_at": iso(row["changed_at"]),
            "state": emitted(row["record"])["data"]["state"],
        }
    return found


async def facts_of(pool: Pool, keys: list[str]) -> list[dict[str, Any] | None]:
    """All facts of each of these entities, in the order they happened; None where the ledger has none."""
    async with pool.acquire() as connection:
        rows = await connection.fetch(_FACTS, keys)
    found: list[dict[str, Any] | None] = [None] * len(keys)
    for row in rows:
        place = row["place"] - 1
        one = found[place] or {
            "key": keys[place],
            "kind": row["of_kind"],
            "entity": row["named"],
            "agency": row["holder"],
            "facts": [],
        }
        one["facts"].append(show_fact(row))
        found[place] = one
    return found


TypeName = Annotated[str, Query(pattern=r"^[a-z_]+\.[a-z_]+$", max_length=60, examples=["article.published"])]
First = Annotated[str, Query(alias="from", max_length=20, description="First local day, 2024-01-01.")]
Last = Annotated[str, Query(max_length=20, description="Last local day.")]


def add_listing(app: FastAPI, get: Callable[[], Engine]) -> None:
    """Lists of facts, and states of many entities."""

    @app.get("/v1/facts/of-type", tags=["ledger"], summary="Facts of a type that happened on some days")
    async def of_type(
        type: TypeName,
        first: First,
        to: Last,
        agency: Annotated[Agency | None, Query()] = None,
        after: Annotated[str | None, Query(max_length=1_000)] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_FACTS)] = 500,
    ) -> dict[str, Any]:
        return await facts_of_type(get().pool, type, first, to, agency, after, limit)

    @app.get("/v1/facts/late", tags=["ledger"], summary="Facts recorded long after they happened")
    async def late(
        types: Annotated[list[Identifier], Query(min_length=1, max_length=MAX_TYPES, alias="type")],
        first: First,
        to: Last,
        after_days: Annotated[int, Query(ge=1, le=MAX_AFTER_DAYS)],
        agency: Annotated[Agency | None, Query()] = None,
        examples: Annotated[int, Query(ge=0, le=MAX_EXAMPLES)] = 20,
    ) -> dict[str, Any]:
        groups = await late_facts(get().pool, types, first, to, agency, after_days, examples)
        return {"groups": groups, "complete": len(groups) < MAX_GROUPS}

    @app.post("/v1/entities/facts", tags=["ledger"], summary="Every fact of up to 100 entities")
    async def facts_of_entities(body: FactsLookup) -> dict[str, Any]:
        return {"entities": await facts_of(get().pool, body.keys)}

    @app.post("/v1/entities/lookup", tags=["ledger"], summary="Up to 500 entities with their states")
    async def lookup_entities(body: EntityLookup) -> dict[str, Any]:
        return {"entities": await states_of(get().pool, body.kind, body.entities)}
