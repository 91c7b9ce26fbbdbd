"""Judgements over HTTP: what people said about each criterion, beside what was computed."""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any
from urllib.parse import quote

import httpx
from fastapi import FastAPI, Path, Query
from fastapi.responses import JSONResponse

from services.scoring.indicators import Span
from services.scoring.judgements import (
    Told,
    flows_told,
    history_of,
    side_by_side,
    told_from,
    with_judgements,
)
from services.scoring.queries import counts_of
from services.scoring.readings import Readings, asked_span
from services.scoring.score import Document
from shared.runtime import logs

MAX_HISTORIES = 100
"""Criteria of one agency whose judgements are fetched from the content service for one answer."""

_AT_ONCE = 8

log = logs.get(__name__)


class Judgements:
    """Reads judgements from the counts, and who gave them from the content service."""

    def __init__(self, readings: Readings, content_url: str, client: httpx.AsyncClient) -> None:
        self._readings = readings
        self._url = content_url.rstrip("/")
        self._client = client

    def today(self) -> date:
        """The local day now."""
        return self._readings.today()

    async def told(self, agency: str, span: Span) -> dict[str, Told]:
        """What was said about the agency's criteria in the span's own period."""
        if span.period is None:
            return {}
        kind = span.period.kind
        vocabulary = self._readings.vocabulary
        wanted = flows_told(vocabulary.flows, kind)
        if not wanted:
            return {}
        async with self._readings.pool.acquire() as connection:
            counts = await counts_of(connection, vocabulary, [agency], span, wanted, stocks=False)
        return told_from(counts[agency], kind)

    async def explanation(self, agency: str, span: Span) -> Document:
        """The explanation of a score, each judged criterion with the values that people gave it."""
        explained = await self._readings.explanation(agency, span)
        return with_judgements(explained, await self.told(agency, span))

    async def page(self, agency: str, span: Span) -> Document:
        """The three values of every criterion, with every judgement in the order they were given.

        `history` is null where the content service cannot be reached: the values still stand.
        """
        explained = await self._readings.explanation(agency, span)
        told = await self.told(agency, span)
        found = side_by_side(explained, told)
        gate = asyncio.Semaphore(_AT_ONCE)

        async def add(row: Document, criterion: str) -> None:
            async with gate:
                row["history"] = await self._history(agency, span, criterion)

        rows = [(row, row["id"]) for row in found["criteria"] if row["id"] in told]
        rows += [(row, row["criterion"]) for row in found["elsewhere"]]
        await asyncio.gather(*(add(row, criterion) for row, criterion in rows[:MAX_HISTORIES]))
        head = {key: explained[key] for key in ("period", "from", "to", "as_of", "agency")}
        return {**head, **found}

    async def _history(self, agency: str, span: Span, criterion: str) -> list[Any] | None:
        name = f"{agency}/{span.period.name if span.period else ''}/{criterion}"
        url = f"{self._url}/v1/entities/assessment/{quote(name)}"
        try:
            answer = await self._client.get(url, params={"agency": agency})
        except httpx.HTTPError as error:
            log.info("judgements out of reach", reason=repr(error))
            return None
        return history_of(answer.json()["state"], agency) if answer.status_code == 200 else None


AgencyPath = Annotated[str, Path(max_length=80, pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$")]
PeriodQuery = Annotated[str | None, Query(max_length=20, description="A quarter, half or year.")]
FromQuery = Annotated[str | None, Query(alias="from", max_length=20, description="First day, 2024-01-01.")]
ToQuery = Annotated[str | None, Query(max_length=20, description="Last day; later judgements are not seen.")]


def add_judgements(app: FastAPI, get: Callable[[], Judgements]) -> None:
    """Self-assessed, computed and verified values, criterion by criterion."""

    @app.get("/v1/scores/{agency}/judgements", tags=["scores"], summary="Self-assessed, computed, verified")
    async def judgements(
        agency: AgencyPath, period: PeriodQuery = None, first: FromQuery = None, to: ToQuery = None
    ) -> JSONResponse:
        desk = get()
        return JSONResponse(await desk.page(agency, asked_span(period, first, to, desk.today())))
