"""Slow, greedy and malformed connections against a real server: they end, and others are served meanwhile."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from shared.contracts.words import MAX_BODY_BYTES
from shared.runtime import http_limits, problem
from shared.runtime.http_limits import BodyLimits, PatientProtocol
from shared.runtime.ledger import http as entrance_http
from tests.integration.ledger.conftest import event
from tests.security.entrance import BATCH, entrance

pytestmark = pytest.mark.anyio
PATIENCE = 0.25
POST = b"POST /v1/events HTTP/1.1\r\nhost: bus\r\ncontent-type: application/cloudevents-batch+json\r\n"


class Draft(BaseModel):
    text: str


def plain_app() -> FastAPI:
    """An application with a route that reads JSON, as every service has some."""
    app = FastAPI()
    problem.install(app)
    app.add_middleware(BodyLimits)

    @app.post("/draft")
    async def draft(body: Draft) -> dict[str, int]:
        return {"characters": len(body.text)}

    return app


@asynccontextmanager
async def serving(app: FastAPI, protocol: Any = PatientProtocol) -> AsyncIterator[int]:
    """The application on a real socket; yields the port."""
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", http=protocol)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await task


async def ended(port: int, *pieces: bytes, pause: float = 0.0, wait: float = 5.0) -> tuple[int, str] | None:
    """Send pieces; the status and problem code with which the server ends it, None while it does not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    # Read while sending: an answer that comes early is lost when the connection is cut first.
    answering = asyncio.create_task(_until_closed(reader))
    try:
        async with asyncio.timeout(wait):
            with suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(pause)
            answer = await answering
    except TimeoutError:
        return None
    finally:
        answering.cancel()
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        return 0, "cut"
    assert b"application/problem+json" in head.lower()
    assert b"HTTP/1.1 4" not in body, "one request has one answer"
    return int(head.split()[1]), json.loads(body)["type"].rpartition(":")[2]


async def _until_closed(reader: asyncio.StreamReader) -> bytes:
    answer = b""
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            answer += piece
    return answer


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rules with less patience."""
    monkeypatch.setattr(http_limits, "HEAD_SECONDS", PATIENCE)


Talk = Callable[[int], Any]


async def silent(port: int) -> Any:
    """A connection that never says anything."""
    return await ended(port, wait=PATIENCE * 4)


async def byte_by_byte(port: int) -> Any:
    """A head that comes a byte at a time: each one is progress, none is an end."""
    slow = [bytes([byte]) for byte in b"GET /docs HTTP/1.1\r\nx-slow: " + b"y" * 200]
    return await ended(port, *slow, pause=0.02, wait=PATIENCE * 4)


async def never_ending_headers(port: int) -> Any:
    pieces = [b"GET /docs HTTP/1.1\r\n", *(b"x-%d: %s\r\n" % (n, b"y" * 4_000) for n in range(200))]
    return await ended(port, *pieces, pause=0.001, wait=PATIENCE * 3)


async def blank_lines(port: int) -> Any:
    """Line ends before a request count as data, and begin nothing."""
    return await ended(port, *[b"\r\n"] * 60, pause=0.05, wait=PATIENCE * 4)


@pytest.mark.parametrize(
    ("talk", "status"),
    [(silent, 408), (byte_by_byte, 408), (never_ending_headers, 431), (blank_lines, 408)],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
async def test_a_head_has_an_end_and_without_the_guard_it_has_none(talk: Talk, status: int) -> None:
    async with serving(plain_app()) as port:
        told = await talk(port)
        assert told is not None
        assert told[0] == status
    async with serving(plain_app(), "httptools") as port:
        assert await talk(port) is None, "uvicorn alone would wait"


async def test_what_is_not_http_is_told_so() -> None:
    async with serving(plain_app()) as port:
        assert await ended(port, b"\x16\x03\x01 hello\r\n\r\n") == (400, "http")


async def test_a_connection_that_is_used_again_gets_its_time_again() -> None:
    async with serving(plain_app()) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(3):
            assert (await client.post("/draft", json={"text": "một"})).json() == {"characters": 3}
            await asyncio.sleep(PATIENCE * 0.7)


async def test_a_body_has_an_end_in_bytes_wherever_it_is_read() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20 * 1024):
            yield b"x" * 65_536

    async with serving(plain_app()) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        told = await ended(
            port, b"POST /draft HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999\r\n\r\n", b"{"
        )
        assert told == (413, "too_large")
        try:
            answer = await client.post("/draft", content=endless())
        except httpx.TransportError:
            pass  # Cut while it was still sending.
        else:
            assert answer.status_code == 413
            assert answer.headers["content-type"] == problem.MEDIA_TYPE
        assert (await client.post("/draft", json={"text": ""})).status_code == 200


async def test_a_body_has_an_end_in_time_wherever_it_is_read() -> None:
    app = FastAPI()
    problem.install(app)
    app.add_middleware(BodyLimits, seconds=PATIENCE)

    @app.post("/draft")
    async def draft(body: Draft) -> dict[str, int]:
        return {"characters": len(body.text)}

    async with serving(app) as port:
        head = (
            b"POST /draft HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n"
        )
        told = await ended(port, head, *[b" "] * 40, pause=0.05)
        assert told is not None
        assert told[0] == 408


async def test_slow_bodies_make_way_for_an_honest_publisher(
    empty_postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance_http, "MAX_READING", 40)
    monkeypatch.setattr(entrance_http, "PATIENCE_SECONDS", 0.2)
    async with entrance(empty_postgres_url, tmp_path) as at, serving(at.app) as port:
        key = await at.publisher("cong")
        slow = POST + b"content-length: 1000\r\n\r\n["
        attackers = [asyncio.create_task(ended(port, slow, wait=20)) for _ in range(60)]
        await asyncio.sleep(0.5)
        body = json.dumps([event("received", "D1", "f", "2024-01-10T08:00")]).encode()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            headers = {"content-type": BATCH, **key.headers(body)}
            answer = await client.post("/v1/events", content=body, headers=headers)
        assert answer.json()["results"][0]["status"] == "accepted"
        told = {task.result() for task in attackers if task.done()}
        assert told <= {(429, "busy"), (408, "slow")}
        assert told
        for task in attackers:
            task.cancel()
        await asyncio.gather(*attackers, return_exceptions=True)
        await asyncio.sleep(0.3)
        assert (at.engine.gate.bytes, at.engine.gate.requests) == (0, 0)


async def test_bodies_together_hold_no_more_than_the_bound(
    empty_postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance_http, "MAX_BYTES_IN_FLIGHT", MAX_BODY_BYTES // 4)
    async with entrance(empty_postgres_url, tmp_path) as at, serving(at.app) as port:
        half = POST + b"content-length: %d\r\n\r\n" % (MAX_BODY_BYTES // 2)
        pieces = [half, *[b" " * 65_536] * 24]
        tasks = [asyncio.create_task(ended(port, *pieces, wait=1.5)) for _ in range(6)]
        most = 0
        while not all(task.done() for task in tasks):
            most = max(most, at.engine.gate.bytes)
            await asyncio.sleep(0.005)
        assert most <= MAX_BODY_BYTES // 4 + 6 * 256 * 1024
        assert (429, "busy") in [task.result() for task in tasks]
