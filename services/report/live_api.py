"""The live stream to browsers: one WebSocket per open page."""

import asyncio
import contextlib

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from services.report.dashboard.shell import Desk
from services.report.hub import MAX_CONNECTIONS
from services.report.session_api import may_read, same_origin
from services.report.windows import BoardKey, board_key

CLOSE_REFUSED = 4403
CLOSE_BAD_ADDRESS = 4400
CLOSE_FULL = 4429


def install(app: FastAPI, desk: Desk) -> None:
    """Add `/live`: `?period=…&to=…` follows a board, without them only the beat."""

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        if not same_origin(socket) or not await may_read(desk, socket):
            await socket.close(CLOSE_REFUSED)
            return
        if len(desk.hub.followers) >= MAX_CONNECTIONS:
            await socket.close(CLOSE_FULL)
            return
        try:
            key = _key(socket)
        except ValueError as error:
            await socket.close(CLOSE_BAD_ADDRESS, str(error)[:100])
            return
        await _stream(desk, socket, key)


def _key(socket: WebSocket) -> BoardKey | None:
    period = socket.query_params.get("period")
    if not period:
        return None
    to = socket.query_params.get("to")
    return board_key(period, None if to == "full" else to)


async def _stream(desk: Desk, socket: WebSocket, key: BoardKey | None) -> None:
    """Send until the browser goes. What it says is read only to notice that it went."""
    sending = asyncio.create_task(desk.hub.follow(key, socket.send_text))
    listening = asyncio.create_task(_until_gone(socket))
    _, left = await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
    for task in left:
        task.cancel()
    for task in (sending, listening):
        with contextlib.suppress(
            asyncio.CancelledError, WebSocketDisconnect, RuntimeError, OSError, TimeoutError
        ):
            await task
    if socket.client_state is WebSocketState.CONNECTED:
        with contextlib.suppress(RuntimeError, OSError):
            await socket.close()


async def _until_gone(socket: WebSocket) -> None:
    while True:
        await socket.receive_text()
