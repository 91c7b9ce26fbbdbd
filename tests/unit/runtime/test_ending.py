"""A request that the end of the process cuts off is answered as the contract says."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from shared.runtime import problem
from shared.runtime.life import Ending, Life


def application(life: Life) -> Ending:
    app = FastAPI()
    problem.install(app)

    @app.get("/waiting")
    async def waiting() -> None:
        # As a query of a pool that is closed meanwhile.
        raise asyncio.CancelledError

    return Ending(app, life)


async def ask(app: Ending) -> httpx.Response:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get("/waiting")


def test_what_is_cancelled_while_the_process_ends_is_told_to_ask_again() -> None:
    life = Life()
    life.stopping.set()
    answer = asyncio.run(ask(application(life)))
    assert answer.status_code == 503
    assert answer.headers["content-type"] == problem.MEDIA_TYPE
    assert answer.headers["retry-after"] == "5"
    assert "stopping" in answer.json()["detail"]


def test_what_is_cancelled_otherwise_stays_a_fault() -> None:
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(ask(application(Life())))
