"""Closing a quarter: its scores are sealed, and what arrives later waits for a decision."""

import hashlib
from datetime import datetime
from typing import Any

import msgspec

from services.scoring.publish import SOURCE, canonical, period_record
from services.scoring.scorer import period_document
from services.scoring.store import quarter_number
from shared.calendar.local import iso
from shared.calendar.periods import parse_period
from shared.runtime import outbox
from shared.runtime.postgres import Connection, Pool
from shared.runtime.problem import ProblemError

_TURN = "LOCK TABLE turn IN EXCLUSIVE MODE"


async def sealed_text(connection: Connection, period: str) -> str:
    """The canonical JSON of all scores of a period, by agency: what a seal is the SHA-256 of."""
    rows = await connection.fetch(
        "SELECT content, revision, as_of FROM score_published WHERE period = $1 ORDER BY agency", period
    )
    scores = [
        {**msgspec.json.decode(row["content"]), "revision": row["revision"], "as_of": iso(row["as_of"])}
        for row in rows
    ]
    return canonical({"period": period, "scores": scores})


def digest(text: str) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


async def close(
    pool: Pool, period: str, officer: str, reason: str | None, now: datetime, partitions: int
) -> dict[str, Any]:
    """Seal a quarter. Raises ProblemError 404 (no scores), 409 (closed already, or facts still under way)."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_TURN)
        await _in_state(connection, period, ("open", "closing", "reopened"), "closed already")
        if await connection.fetchval("SELECT EXISTS (SELECT FROM dirty)"):
            raise ProblemError(409, "unsettled", "Facts are still being counted; close again in a moment.")
        text = await sealed_text(connection, period)
        await connection.execute(
            """UPDATE period_state
               SET state = 'closed', at = $2, cut_off = $2, sha256 = $3, sealed = $4, officer = $5,
                   reason = $6
               WHERE period = $1""",
            period, now, digest(text), text, officer, reason,
        )  # fmt: skip
        return await _announce(connection, period, partitions)


async def reopen(
    pool: Pool, period: str, officer: str, reason: str, now: datetime, partitions: int
) -> dict[str, Any]:
    """Let a closed quarter move again; its seal stays on record. Raises ProblemError 404, 409."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_TURN)
        await _in_state(connection, period, ("closed",), "not closed")
        await connection.execute(
            """UPDATE period_state SET state = 'reopened', at = $2, officer = $3, reason = $4
               WHERE period = $1""",
            period, now, officer, reason,
        )  # fmt: skip
        await connection.execute(
            """INSERT INTO dirty (agency, quarter, onward, causes)
               SELECT number, $1, false, $2 FROM agency""",
            quarter_number(parse_period(period)), [f"{SOURCE} reopened/{period}"],
        )  # fmt: skip
        return await _announce(connection, period, partitions)


async def verify_seal(pool: Pool, period: str) -> dict[str, Any]:
    """Compute the seal of a closed quarter again. Raises ProblemError 404, 409."""
    async with pool.acquire() as connection:
        await _in_state(connection, period, ("closed",), "not closed")
        row = await connection.fetchrow("SELECT sha256, sealed FROM period_state WHERE period = $1", period)
        found = digest(await sealed_text(connection, period))
    assert row is not None
    kept = digest(row["sealed"])
    return {
        "period": period,
        "valid": found == row["sha256"] == kept,
        "sealed": row["sha256"],
        "kept": kept,
        "computed": found,
    }


async def adjustments(pool: Pool, period: str, after: int, limit: int) -> dict[str, Any]:
    """What arrived after the close and waits for a decision."""
    async with pool.acquire() as connection:
        rows = await connection.fetch(
            """SELECT number, agency, at, causes FROM adjustment WHERE period = $1 AND number > $2
               ORDER BY number LIMIT $3""",
            period, after, limit,
        )  # fmt: skip
    return {
        "period": period,
        "adjustments": [
            {
                "number": row["number"],
                "agency": row["agency"],
                "at": iso(row["at"]),
                "causes": [dict(zip(("source", "id"), c.split(" ", 1), strict=True)) for c in row["causes"]],
            }
            for row in rows
        ],
        "next": rows[-1]["number"] if len(rows) == limit else None,
    }


async def _in_state(connection: Connection, period: str, states: tuple[str, ...], otherwise: str) -> None:
    state = await connection.fetchval("SELECT state FROM period_state WHERE period = $1", period)
    if state is None:
        raise ProblemError(404, "unknown-period", f"{period} has no scores; GET /v1/periods lists those.")
    if state not in states:
        raise ProblemError(409, "period-state", f"{period} is {otherwise}.")


async def _announce(connection: Connection, period: str, partitions: int) -> dict[str, Any]:
    document = await period_document(connection, period)
    assert document is not None
    await outbox.add(connection, [period_record(document, partitions)])
    return document
