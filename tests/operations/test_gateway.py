"""The TCP relay of the compose project, with real sockets: loopback addresses stand for containers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from deploy.compose import gateway
from deploy.compose.gateway import Route, listen, read_route
from tests.running_parts import free_port

FIRST, SECOND, NOBODY = "127.0.0.2", "127.0.0.3", "127.0.0.4"

pytestmark = pytest.mark.anyio

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class Named(Route):
    """A route whose name has these addresses, as a scaled service has in the network of compose."""

    def __init__(self, port: int, *containers: str) -> None:
        super().__init__("service", port)
        self.containers = list(containers)

    async def addresses(self) -> list[str]:
        first = next(self.turn) % len(self.containers)
        return self.containers[first:] + self.containers[:first]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say who answers, then everything back."""
    host = writer.get_extra_info("sockname")[0]
    writer.write(f"{host}\n".encode())
    while part := await reader.read(65_536):
        writer.write(part)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def container(host: str, port: int, answer: Answer = echo) -> AsyncIterator[None]:
    server = await asyncio.start_server(answer, host, port)
    try:
        yield
    finally:
        server.close()


@asynccontextmanager
async def relaying(route: Route) -> AsyncIterator[None]:
    (server,) = await listen([route], "127.0.0.1")
    try:
        yield
    finally:
        server.close()
        for client in list(route.open):
            if client.transport:
                client.transport.abort()
        for task in list(route.pending):
            task.cancel()


async def who_answers(port: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    name = (await reader.readline()).decode().strip()
    writer.close()
    return name


async def test_connections_go_to_each_container_in_turn() -> None:
    port = free_port()
    async with container(FIRST, port), container(SECOND, port), relaying(Named(port, FIRST, SECOND)):
        answered = [await who_answers(port) for _ in range(6)]
    assert answered.count(FIRST) == answered.count(SECOND) == 3


async def test_a_container_that_is_gone_is_passed_over() -> None:
    port = free_port()
    async with container(FIRST, port), relaying(Named(port, NOBODY, FIRST)):
        assert [await who_answers(port) for _ in range(4)] == [FIRST] * 4


async def test_a_client_waits_while_a_container_starts_again() -> None:
    port = free_port()
    async with relaying(Named(port, FIRST)):
        waiting = asyncio.create_task(who_answers(port))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        async with container(FIRST, port):
            assert await waiting == FIRST


async def test_without_a_container_the_client_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "PATIENCE_S", 0.3)
    port = free_port()
    async with relaying(Named(port, NOBODY)):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()


async def test_large_bodies_go_through_whole_and_a_slow_reader_holds_the_sender_back() -> None:
    port = free_port()
    body = bytes(range(256)) * 262_144
    async with container(FIRST, port), relaying(Named(port, FIRST)):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=65_536)
        assert await reader.readline()
        writer.write(body)
        sending = asyncio.create_task(writer.drain())
        await asyncio.sleep(0.5)
        # Nobody reads the answer yet, so 64 MiB cannot all be on their way.
        assert not sending.done()
        assert await reader.readexactly(len(body)) == body
        await sending
        writer.close()


async def test_when_one_side_ends_the_other_hears_the_rest_and_ends() -> None:
    async def say_and_go(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 1_000_000)
        await writer.drain()
        writer.close()

    port = free_port()
    route = Named(port, FIRST)
    async with container(FIRST, port, say_and_go), relaying(route):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert len(await reader.read()) == 1_000_000
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.05)
        assert not route.open


async def test_connections_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "MAX_CONNECTIONS", 2)
    port = free_port()
    async with container(FIRST, port), relaying(Named(port, FIRST)):
        kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, _ in kept:
            assert await reader.readline()
        third, writer = await asyncio.open_connection("127.0.0.1", port)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await third.readexactly(1)
        writer.close()
        for _, other in kept:
            other.close()


async def test_a_name_becomes_addresses() -> None:
    assert await Route("localhost", 1).addresses() == ["127.0.0.1"]
    assert await Route("no-such-name.invalid", 1).addresses() == []


@pytest.mark.parametrize("text", ["scoring", ":8004", "scoring:", "scoring:0", "scoring:x", "scoring:70000"])
async def test_a_route_is_a_name_and_a_port(text: str) -> None:
    with pytest.raises(ValueError, match="NAME:PORT"):
        read_route(text)
