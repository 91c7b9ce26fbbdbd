"""What every service answers about itself: `/livez`, `/readyz`, `/metrics`, `/v1/status`."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka.errors import KafkaError
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, Field

from shared.runtime.life import Life
from shared.runtime.problem import ProblemError


class Status(BaseModel):
    """`pending` counts what was taken in and is not yet passed on; everything is settled when the pending
    of all services is 0 twice in a row. Services add their own detail."""

    model_config = ConfigDict(extra="allow")

    ready: bool
    pending: int = Field(ge=0)


StatusDetail = Callable[[], Awaitable[dict[str, Any]]]
"""Answers at least `pending`."""


_COUNTING_SECONDS = 3.0


def install(app: FastAPI, life: Life, detail: StatusDetail) -> None:
    """Add the four pages to `app`."""

    @app.get("/livez", tags=["operation"], summary="Does every loop make progress?")
    async def livez() -> JSONResponse:
        stalled = life.stalled()
        if stalled:
            raise ProblemError(503, "stalled", f"no progress: {', '.join(stalled)}")
        return JSONResponse({"live": True})

    @app.get("/readyz", tags=["operation"], summary="May it be given work?")
    async def readyz() -> JSONResponse:
        reasons = life.not_ready()
        if reasons:
            raise ProblemError(503, "not-ready", "; ".join(f"{name}: {why}" for name, why in reasons.items()))
        return JSONResponse({"ready": True})

    @app.get("/metrics", tags=["operation"], summary="Prometheus metrics", response_class=Response)
    async def metrics() -> Response:
        # What waits is counted when somebody asks; while it cannot be, the rest is still worth telling.
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_COUNTING_SECONDS):
                await detail()
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/v1/status", tags=["operation"], summary="Is everything passed on?", response_model=Status)
    async def status() -> JSONResponse:
        reasons = life.not_ready()
        try:
            body: dict[str, Any] = {"ready": not reasons, **await detail()}
        except KafkaError as error:
            raise ProblemError(
                503, "bus-away", f"What waits cannot be counted, because Kafka does not answer: {error}"
            ) from error
        if reasons:
            body["not_ready"] = reasons
        return JSONResponse(body)
