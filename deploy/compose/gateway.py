"""One fixed address in front of services that come in any number: a TCP relay.

    python -m deploy.compose.gateway content:8001 qa:8002 scoring:8004

Listens on each port and passes every connection on to one of the containers that the name resolves to, in
turn; one that refuses is passed over, and while none answers (all are starting again) the client waits up to
`PATIENCE_S`. It looks at no byte of what it carries, so server-sent events, uploads and websockets go through
as they are. A host port can belong to one container only: this is what lets `--scale scoring=3` keep 8004.
"""

import asyncio
import itertools
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import cast

CONNECT_S = 2.0
PATIENCE_S = 10.0
PAUSE_S = 0.2
MAX_CONNECTIONS = 8192
"""Of one port. Beyond it a new connection is closed at once, so the memory of the relay has a bound."""

BUFFER_BYTES = 262_144
"""What may wait in one direction of one connection before its sender is held back."""


class Side(asyncio.Protocol):
    """One end of a relayed connection; what it receives, its `other` end sends.

    When either end closes, the other is closed too, after it has been sent what is still on its way.
    """

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=BUFFER_BYTES)

    def data_received(self, data: bytes) -> None:
        if self.other and self.other.transport:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other and self.other.transport and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        if self.other and self.other.transport:
            self.other.transport.close()
        self.other = None


@dataclass(eq=False)
class Route:
    """One port: the name behind it, and the connections it carries now."""

    name: str
    port: int
    open: set["Client"] = field(default_factory=set)
    pending: set[asyncio.Task[None]] = field(default_factory=set)
    turn: Iterator[int] = field(default_factory=itertools.count)

    async def addresses(self) -> list[str]:
        """The containers of this name, rotated by one at each call. Empty while there is none."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                self.name, self.port, family=socket.AF_INET, type=socket.SOCK_STREAM
            )
        except OSError:
            return []
        addresses = sorted({str(entry[4][0]) for entry in found})
        first = next(self.turn) % len(addresses)
        return addresses[first:] + addresses[:first]

    async def reach(self) -> Side | None:
        """A connection to one of the containers; None when none answers within the patience."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + PATIENCE_S
        while loop.time() < give_up:
            for address in await self.addresses():
                try:
                    async with asyncio.timeout(CONNECT_S):
                        _, side = await loop.create_connection(Side, address, self.port)
                    return side
                except OSError:
                    continue
            await asyncio.sleep(PAUSE_S)
        return None


class Client(Side):
    """The end that a client opened."""

    def __init__(self, route: Route) -> None:
        super().__init__()
        self.route = route

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if len(self.route.open) >= MAX_CONNECTIONS:
            cast(asyncio.Transport, transport).abort()
            return
        self.route.open.add(self)
        # Nothing is read before there is somewhere to send it.
        cast(asyncio.Transport, transport).pause_reading()
        task = asyncio.get_running_loop().create_task(self.join())
        self.route.pending.add(task)
        task.add_done_callback(self.route.pending.discard)

    async def join(self) -> None:
        """Find the other end and let the bytes flow."""
        other = await self.route.reach()
        if self.transport is None or self.transport.is_closing():
            if other and other.transport:
                other.transport.close()
            return
        if other is None:
            self.transport.abort()
            return
        self.other, other.other = other, self
        if other.transport is None or other.transport.is_closing():
            self.transport.close()
        else:
            self.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self.route.open.discard(self)
        super().connection_lost(error)


def read_route(text: str) -> Route:
    """`scoring:8004` as a route. Raises ValueError for anything else."""
    name, _, port = text.rpartition(":")
    if not name or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError(f"{text!r} is not NAME:PORT")
    return Route(name, int(port))


async def listen(routes: list[Route], host: str) -> list[asyncio.Server]:
    """Begin to carry connections. Raises OSError when a port is taken."""
    loop = asyncio.get_running_loop()
    return [
        await loop.create_server(partial(Client, route), host, route.port, backlog=1024) for route in routes
    ]


async def relay(routes: list[Route], host: str) -> None:
    """Carry connections until a signal says stop."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    servers = await listen(routes, host)
    sys.stdout.write(f"gateway: {', '.join(f'{route.port} to {route.name}' for route in routes)}\n")
    sys.stdout.flush()
    await stop.wait()
    for server in servers:
        server.close()
    for route in routes:
        for client in list(route.open):
            if client.transport:
                client.transport.close()


def main() -> None:
    try:
        routes = [read_route(text) for text in sys.argv[1:]]
    except ValueError as error:
        sys.exit(f"gateway: {error}")
    if not routes:
        sys.exit("usage: python -m deploy.compose.gateway NAME:PORT ...")
    asyncio.run(relay(routes, os.environ.get("BUS_HOST", "127.0.0.1")))


if __name__ == "__main__":
    main()
