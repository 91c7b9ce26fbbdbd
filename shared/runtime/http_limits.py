"""What a connection may cost before it has said who it is: time and memory, for every service.

uvicorn waits for ever for a request line and keeps whatever headers come; a framework reads a body of any
length at any pace. Here both end: with 408 and 431 while the head comes in, with 408 and 413 while the body
does, always as a problem document.
"""

import asyncio
import json
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.contracts.words import MAX_BODY_BYTES
from shared.runtime import problem

HEAD_SECONDS = 10.0
"""A connection that is opened, or used again, must have sent its whole head by then."""

MAX_HEAD_BYTES = 64 * 1024
"""Request line and headers together, when they come in more than one piece."""

BODY_SECONDS = 30.0
"""The whole body, from when somebody begins to read it."""

_STATUS_LINES = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}


class PatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 with an end to patience: connections that are slow or greedy before their request is known."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._answered = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            # What comes may be the rest of a body that was answered before its end: no new request yet.
            self._answered = self.cycle is not None
            self._await_head()
        super().data_received(data)
        if self._deadline is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(431, "head", f"Send at most {MAX_HEAD_BYTES} bytes of request line and headers.")

    def on_message_begin(self) -> None:
        self._answered = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_is_there()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "http", "This is not HTTP/1.1.")

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _head_is_there(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._refuse(408, "slow", f"A request begins within {HEAD_SECONDS:.0f} s of its connection.")

    def _refuse(self, status: int, code: str, detail: str) -> None:
        self._head_is_there()
        if self.transport.is_closing():
            return
        if self._answered:
            self.transport.close()
            return
        body = json.dumps(problem.document(status, code, detail)).encode()
        head = b"HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        kind = problem.MEDIA_TYPE.encode()
        self.transport.write(head % (status, _STATUS_LINES[status], kind, len(body)) + body)
        self.transport.close()


class BodyLimits:
    """ASGI middleware: a body has an end in bytes and in time, whichever way it is read."""

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what comes, while it stays within the limits."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _announced(scope) > self._max_bytes:
            answer = problem.respond(413, "too_large", self._too_large(), headers={"Connection": "close"})
            await answer(scope, receive, send)
            return
        await self._app(scope, self._limited(receive), send)

    def _limited(self, receive: Receive) -> Receive:
        size = 0
        ended = False
        until: float | None = None

        async def limited() -> Message:
            nonlocal size, ended, until
            if ended:
                return await receive()
            now = asyncio.get_running_loop().time()
            until = until or now + self._seconds
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                detail = f"A request's body arrives within {self._seconds:.0f} s; send less at once."
                raise HTTPException(408, detail, {"Connection": "close"}) from None
            size += len(message.get("body", b""))
            ended = message["type"] != "http.request" or not message.get("more_body", False)
            if size > self._max_bytes:
                raise HTTPException(413, self._too_large(), {"Connection": "close"})
            return message

        return limited

    def _too_large(self) -> str:
        return f"A request has at most {self._max_bytes} bytes."


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 19 else 0
    return 0
