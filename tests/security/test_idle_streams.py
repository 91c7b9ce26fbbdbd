"""Thousands of readers on the stream who do nothing: memory stays bounded, and each gets the next change.

BUS_TEST_STREAMS=10000 opens that many (each needs a file descriptor here and there: `ulimit -n` above it).
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

import asyncpg
import httpx
import psutil
import pytest

from services.scoring.app import MIGRATIONS
from shared.runtime import problem
from shared.runtime.migrate import migrate

pytestmark = pytest.mark.anyio
STREAMS = int(os.environ.get("BUS_TEST_STREAMS", "300"))
KIBIBYTES_EACH = 96
"""What an idle reader may cost; measured: a third of it."""

OPENED_AT_ONCE = 200
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Server:
    port: int
    process: psutil.Process
    database: asyncpg.Connection

    def resident(self) -> int:
        return int(self.process.memory_info().rss)


@asynccontextmanager
async def serving(url: str, most: int) -> AsyncIterator[Server]:
    database = await asyncpg.connect(url, server_settings={"search_path": "scoring"})
    await database.execute("CREATE SCHEMA scoring")
    await migrate(database, MIGRATIONS)
    own = f"{url}?options={quote('-csearch_path=scoring')}"
    command = (sys.executable, "-m", "tests.security.streaming", own, str(most))
    child = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        assert child.stdout is not None
        port = int(await child.stdout.readline())
        yield Server(port, psutil.Process(child.pid), database)
    finally:
        async with asyncio.timeout(60):
            await child.communicate(b"")
        await database.close()
    assert child.returncode == 0


async def connected(port: int) -> Connection:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    writer.write(b"GET /v1/stream HTTP/1.1\r\nhost: bus\r\n\r\n")
    await reader.readuntil(b": position 0\n\n")
    return reader, writer


async def next_change(one: Connection) -> None:
    await one[0].readuntil(b"event: score.changed\n")


async def test_idle_readers_cost_little_and_all_hear_the_next_change(empty_postgres_url: str) -> None:
    async with serving(empty_postgres_url, STREAMS) as server:
        warm = await connected(server.port)
        before = server.resident()
        readers = [warm]
        while len(readers) < STREAMS:
            more = min(OPENED_AT_ONCE, STREAMS - len(readers))
            readers += await asyncio.gather(*(connected(server.port) for _ in range(more)))
        each = (server.resident() - before) / STREAMS / 1024
        print(f"{STREAMS} idle readers: {each:.1f} KiB each, {server.resident() / 2**20:.0f} MiB in all")
        assert server.resident() - before < STREAMS * KIBIBYTES_EACH * 1024 + 16 * 2**20

        async with httpx.AsyncClient(timeout=30) as client:
            answer = await client.get(f"http://127.0.0.1:{server.port}/v1/stream")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == problem.MEDIA_TYPE
        assert answer.headers["retry-after"]

        await server.database.execute(
            """INSERT INTO score_change (agency, period, revision, at, document, causes)
               VALUES ('so-y-te', '2024-Q1', 1, now(), '{}', '{}')"""
        )
        async with asyncio.timeout(60):
            await asyncio.gather(*(next_change(one) for one in readers))
        for _, writer in readers:
            writer.close()
