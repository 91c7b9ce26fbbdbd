"""A crowd of open dashboards: each with its page, the framework's socket and the live socket, like a browser.

What the live socket brings is noted with the instant at which it came. All browsers of a board are sent the
same text, so each text is read once here, however many received it: two hundred readers in one process must
not take from the services the processors that they are measured on.
"""

import asyncio
import contextlib
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

OPENED_AT_ONCE = 10
FIRST_FRAME_S = 60.0
_CLIENT = re.compile(r"""client_id['"]?: ?['"]([0-9a-f-]{36})['"]""")


class Row(msgspec.Struct, gc=False):
    """What is looked at of a row of the league table."""

    agency: str
    revision: int


class Frame(msgspec.Struct, gc=False):
    """What is looked at of a frame of the live socket."""

    t: str
    rows: list[Row] = []


_frame = msgspec.json.Decoder(Frame)
_read: dict[str | bytes, Frame] = {}
_KEPT = 64


def read(text: str | bytes) -> Frame:
    """A frame, from its text; the newest texts are kept."""
    found = _read.get(text)
    if found is None:
        while len(_read) >= _KEPT:
            del _read[next(iter(_read))]
        found = _read[text] = _frame.decode(text)
    return found


@dataclass(eq=False, slots=True)
class OpenDashboard:
    """One open page: when which frame with rows came."""

    address: str
    board: str
    """The query of the board that the page follows; empty when it follows the beat only."""

    frames: list[tuple[float, list[Row]]] = field(default_factory=list)
    beats: int = 0
    bytes_read: int = 0
    lost: bool = False
    _sockets: list[ClientConnection] = field(default_factory=list)
    _readers: list[asyncio.Task[None]] = field(default_factory=list)
    _first: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, http: httpx.AsyncClient) -> None:
        """Load the page and connect both sockets; done when the live socket has brought its first frame."""
        page = await http.get(self.address)
        found = _CLIENT.search(page.raise_for_status().text)
        if found is None:
            raise RuntimeError(f"{self.address} names no client of the framework")
        base = f"ws://{urlsplit(self.address).netloc}"
        asked = {
            "client_id": found[1], "next_message_id": "0", "implicit_handshake": "true",
            "tab_id": str(uuid.uuid4()), "document_id": str(uuid.uuid4()), "EIO": "4",
            "transport": "websocket",
        }  # fmt: skip
        framework = await self._connected(f"{base}/_nicegui_ws/socket.io/?{urlencode(asked)}")
        await framework.recv()
        await framework.send("40")
        answer = str(await framework.recv())
        if not answer.startswith("40"):
            raise RuntimeError(f"the framework refuses {self.address}: {answer[:200]}")
        live = await self._connected(f"{base}/live?{self.board}" if self.board else f"{base}/live")
        self._readers = [asyncio.create_task(self._answer(framework)), asyncio.create_task(self._note(live))]
        async with asyncio.timeout(FIRST_FRAME_S):
            await self._first.wait()

    async def _connected(self, address: str) -> ClientConnection:
        socket = await connect(
            address, compression=None, max_size=None, ping_interval=None, proxy=None, open_timeout=30
        )
        self._sockets.append(socket)
        return socket

    async def _answer(self, socket: ClientConnection) -> None:
        """Keep the framework's socket open as its script does: answer each ping."""
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                self.bytes_read += len(text)
                if text == "2":
                    await socket.send("3")
        self.lost = True

    async def _note(self, socket: ClientConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in socket:
                at = time.time()
                self.bytes_read += len(text)
                frame = read(text)
                self.beats += frame.t == "beat"
                if frame.rows:
                    self.frames.append((at, frame.rows))
                if frame.rows or not self.board:
                    self._first.set()
        self.lost = True

    async def close(self) -> None:
        """Close the page."""
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        await asyncio.gather(*(socket.close() for socket in self._sockets), return_exceptions=True)


async def open_all(dashboards: Sequence[OpenDashboard]) -> float:
    """Open pages, some at once, as officers do in the morning. Seconds for all of them."""
    begun = time.monotonic()
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=OPENED_AT_ONCE)) as http:
        for place in range(0, len(dashboards), OPENED_AT_ONCE):
            await asyncio.gather(*(one.open(http) for one in dashboards[place : place + OPENED_AT_ONCE]))
    return time.monotonic() - begun


async def close_all(dashboards: Sequence[OpenDashboard]) -> None:
    """Close pages."""
    await asyncio.gather(*(one.close() for one in dashboards))
