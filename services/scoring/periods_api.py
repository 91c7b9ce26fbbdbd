"""The HTTP interface of periods: everything may be read by anyone; steps are the officers'."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Depends, FastAPI, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.scoring import period_life, period_store
from services.scoring.late import criteria_of, total_delta
from services.scoring.period_life import MAX_NUMBERS, MAX_SCOPE_WORDS
from services.scoring.period_office import PeriodOffice, quarter_of_name
from services.scoring.publish import cause_of
from services.scoring.score import Document, moved, number
from services.scoring.verifying import Verifier
from shared.calendar.local import iso
from shared.contracts.facts import Moment
from shared.contracts.words import Agency, Name, Text
from shared.runtime.clock import Clock
from shared.runtime.postgres import Pool, Record
from shared.runtime.problem import ProblemError

REOPENED_DAYS = 14
"""For how long a period is reopened when nobody says."""

MAX_CAUSES_SHOWN = 500


class PeriodParts:
    """What the routes need."""

    def __init__(self, pool: Pool, office: PeriodOffice, verifier: Verifier, clock: Clock) -> None:
        self.pool = pool
        self.office = office
        self.verifier = verifier
        self.clock = clock


Get = Callable[[], PeriodParts]
Guard = Callable[..., None]
"""A dependency that lets only operators pass."""

PeriodPath = Annotated[str, Path(max_length=20, examples=["2024-Q1"])]
SealQuery = Annotated[int | None, Query(alias="number", ge=1, le=10_000, description="Which; the newest.")]
After = Annotated[int, Query(ge=0, le=2**62)]
Limit = Annotated[int, Query(ge=1, le=500)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Signed(_Body):
    """Which officer decides."""

    officer: Name


class Reasoned(Signed):
    """Which officer decides, and why."""

    reason: Text = Field(min_length=1)


class Closing(Signed):
    """A proposal to close; the same call by another officer confirms it."""

    reason: Text | None = None
    cut_off: Moment | None = Field(
        default=None, description="From when nothing changes any more; the present instant when left out."
    )


class ScopeBody(_Body):
    """What may move. A list that is empty or left out means every one."""

    agencies: list[Agency] = Field(default_factory=list, max_length=MAX_SCOPE_WORDS)
    modules: list[Literal["content", "qa", "dossier"]] = Field(default_factory=list)
    criteria: list[Annotated[str, Field(max_length=80)]] = Field(default_factory=list, max_length=100)


class Reopening(Reasoned):
    """Let part of a closed period move again, until an instant."""

    scope: ScopeBody = Field(default_factory=ScopeBody)
    until: Moment | None = Field(default=None, description=f"{REOPENED_DAYS} days from now when left out.")


class Accepting(Reasoned):
    """Which adjustments are to count; all that wait when left out."""

    numbers: list[int] | None = Field(default=None, min_length=1, max_length=MAX_NUMBERS)


class Refusing(Reasoned):
    """Which adjustments are not to count."""

    numbers: list[int] = Field(min_length=1, max_length=MAX_NUMBERS)


def add_periods(app: FastAPI, get: Get, operator: Guard) -> None:
    """Periods: lists, seals, adjustments, and the officers' steps."""
    _add_lists(app, get)
    _add_seals(app, get)
    _add_steps(app, get, operator)
    _add_adjustments(app, get, operator)


def _add_lists(app: FastAPI, get: Get) -> None:
    @app.get("/v1/periods", tags=["periods"], summary="Quarters that have scores, newest first")
    async def all_periods() -> dict[str, Any]:
        async with get().pool.acquire() as connection:
            rows = await period_store.period_rows(connection)
        return {"periods": [period_store.shown(row) for row in rows]}

    @app.get("/v1/periods/{period}", tags=["periods"], summary="One quarter with its seals and its list")
    async def one_period(period: PeriodPath) -> dict[str, Any]:
        name = quarter_of_name(period).name
        async with get().pool.acquire() as connection:
            rows = {row["period"]: row for row in await period_store.period_rows(connection)}
            if name not in rows:
                raise ProblemError(404, "unknown-period", f"{name} has no scores; see GET /v1/periods.")
            counts = await connection.fetch(
                "SELECT state, count(*) FROM adjustment WHERE period = $1 GROUP BY state", name
            )
            seals = await period_store.seals(connection, name)
        return {**period_store.shown(rows[name]), "seals": seals, "adjustments": dict(counts)}

    @app.get("/v1/periods/{period}/history", tags=["periods"], summary="Every step officers took")
    async def history(period: PeriodPath, after: After = 0, limit: Limit = 100) -> dict[str, Any]:
        name = quarter_of_name(period).name
        async with get().pool.acquire() as connection:
            rows = await connection.fetch(
                """SELECT number, at, action, officer, reason, detail FROM period_step
                   WHERE period = $1 AND number > $2 ORDER BY number LIMIT $3""",
                name, after, limit,
            )  # fmt: skip
        steps = [
            {**dict(row), "at": iso(row["at"]), "detail": msgspec.json.decode(row["detail"])} for row in rows
        ]
        return {"period": name, "steps": steps, "next": rows[-1]["number"] if len(rows) == limit else None}


def _add_seals(app: FastAPI, get: Get) -> None:
    async def found(period: str, which: int | None) -> Record:
        name = quarter_of_name(period).name
        async with get().pool.acquire() as connection:
            row = await period_store.seal(connection, name, which)
        if row is None:
            raise ProblemError(404, "no-seal", f"{name} has no such seal.")
        return row

    @app.get("/v1/periods/{period}/seal", tags=["periods"], summary="A seal with the sealed scores")
    async def seal(period: PeriodPath, which: SealQuery = None) -> dict[str, Any]:
        row = await found(period, which)
        return {**period_store.seal_shown(row), "document": msgspec.json.decode(row["document"])}

    @app.get(
        "/v1/periods/{period}/seal/{part}", tags=["periods"], response_class=Response,
        summary="The sealed text, byte for byte: its SHA-256 is the seal's",
    )  # fmt: skip
    async def text(
        period: PeriodPath, part: Literal["document", "inputs"], which: SealQuery = None
    ) -> Response:
        row = await found(period, which)
        return Response(row[part], media_type="application/json")

    @app.post("/v1/periods/{period}/verify-seal", tags=["periods"], summary="Work a seal out again")
    async def verify_seal(period: PeriodPath, which: SealQuery = None) -> dict[str, Any]:
        return await get().verifier.verify(quarter_of_name(period), which)


def _add_steps(app: FastAPI, get: Get, operator: Guard) -> None:
    only_operator = [Depends(operator)]

    @app.post(
        "/v1/periods/{period}/close", tags=["periods"], dependencies=only_operator,
        summary="Propose to close a quarter; another officer's call confirms it",
    )  # fmt: skip
    async def close(period: PeriodPath, body: Closing) -> dict[str, Any]:
        name = quarter_of_name(period).name
        return await get().office.close(name, body.officer, body.reason or "", body.cut_off)

    @app.post(
        "/v1/periods/{period}/confirm", tags=["periods"], dependencies=only_operator,
        summary="Confirm what another officer proposed",
    )  # fmt: skip
    async def confirm(period: PeriodPath, body: Signed) -> dict[str, Any]:
        return await get().office.confirm(quarter_of_name(period).name, body.officer)

    @app.post(
        "/v1/periods/{period}/withdraw", tags=["periods"], dependencies=only_operator,
        summary="Take a proposal back",
    )  # fmt: skip
    async def withdraw(period: PeriodPath, body: Reasoned) -> dict[str, Any]:
        return await get().office.withdraw(quarter_of_name(period).name, body.officer, body.reason)

    @app.post(
        "/v1/periods/{period}/reopen", tags=["periods"], dependencies=only_operator,
        summary="Let part of a closed quarter move for a time",
    )  # fmt: skip
    async def reopen(period: PeriodPath, body: Reopening) -> dict[str, Any]:
        parts = get()
        until: datetime = body.until or parts.clock() + timedelta(days=REOPENED_DAYS)
        scope = period_life.scope_of(body.scope.model_dump())
        name = quarter_of_name(period).name
        return await parts.office.reopen(name, body.officer, body.reason, scope, until)


def _add_adjustments(app: FastAPI, get: Get, operator: Guard) -> None:
    only_operator = [Depends(operator)]

    @app.get(
        "/v1/periods/{period}/adjustments", tags=["periods"],
        summary="What arrived for a quarter that is not open: both versions, and what became of it",
    )  # fmt: skip
    async def adjustments(
        period: PeriodPath,
        state: Annotated[
            Literal["pending", "accepted", "refused", "no_effect", "counted"] | None, Query()
        ] = None,
        agency: Annotated[Agency | None, Query()] = None,
        after: After = 0,
        limit: Limit = 100,
    ) -> dict[str, Any]:
        name = quarter_of_name(period).name
        async with get().pool.acquire() as connection:
            rows = await period_store.page(connection, name, state, agency, after, limit)
        return {
            "period": name,
            "adjustments": [adjustment_shown(row) for row in rows],
            "next": rows[-1]["number"] if len(rows) == limit else None,
        }

    @app.post(
        "/v1/periods/{period}/adjustments/accept", tags=["periods"], dependencies=only_operator,
        summary="Propose that adjustments count; another officer confirms",
    )  # fmt: skip
    async def accept(period: PeriodPath, body: Accepting) -> dict[str, Any]:
        name = quarter_of_name(period).name
        return await get().office.propose_acceptance(name, body.officer, body.reason, body.numbers)

    @app.post(
        "/v1/periods/{period}/adjustments/refuse", tags=["periods"], dependencies=only_operator,
        summary="Decide that adjustments do not count",
    )  # fmt: skip
    async def refuse(period: PeriodPath, body: Refusing) -> dict[str, Any]:
        name = quarter_of_name(period).name
        return await get().office.refuse(name, body.officer, body.reason, body.numbers)


def adjustment_shown(row: Record) -> Document:
    """An adjustment: the score before and after it, what moves, and the facts that caused it."""
    before = msgspec.json.decode(row["before"]) if row["before"] else None
    after = msgspec.json.decode(row["after"]) if row["after"] else None
    moves = moved(before, after) if after else []
    causes = row["causes"]
    return {
        "number": row["number"],
        "agency": row["agency"],
        "at": iso(row["at"]),
        "state": row["state"],
        "before": before["total"] if before else None,
        "after": after["total"] if after else None,
        "delta": number(total_delta(before, after)),
        "moved": moves,
        "what": ", ".join(f"{m['module']}/{m['criterion']} {m['delta']:+g}" for m in moves),
        "indicators": changed_indicators(before, after),
        "causes": [cause_of(text) for text in causes[:MAX_CAUSES_SHOWN]],
        "causes_total": len(causes),
        "decided_at": iso(row["decided_at"]) if row["decided_at"] else None,
        "officer": row["officer"],
        "reason": row["reason"],
    }


def changed_indicators(before: Document | None, after: Document | None) -> dict[str, Document]:
    """The counts that differ between two scores: `{name: {"before", "after"}}`."""
    old, new = (
        {name: n for criterion in criteria_of(one).values() for name, n in criterion["indicators"].items()}
        for one in (before, after)
    )
    return {
        name: {"before": old.get(name), "after": new.get(name)}
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    }
