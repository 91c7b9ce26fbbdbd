"""The other half goes over HTTP: signed requests of up to 1,000 events, on several connections."""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx
import msgspec

from deploy.replay.generate import Message
from deploy.replay.outbound import key_of
from deploy.replay.target import ReplayError
from shared.contracts.envelope import BATCH
from shared.contracts.words import MAX_EVENTS_PER_REQUEST
from shared.runtime.signature import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

CONNECTIONS = 6
MAX_WAITING = 24
"""Requests made ready and not yet sent."""
MAX_REQUEST_BYTES = 4 * 1024 * 1024
ATTEMPTS = 12
LONGEST_PAUSE = 5.0
TIMEOUT_SECONDS = 60.0
MAX_TOLD = 20
"""Surprises that are kept to be shown."""


class _Result(msgspec.Struct):
    status: str
    id: str | None = None
    problem: msgspec.Raw = msgspec.Raw()


class _Results(msgspec.Struct):
    results: list[_Result]


_results = msgspec.json.Decoder(_Results).decode


@dataclass(slots=True)
class Answers:
    """What the services answered: results by status, refusals by kind, and what nobody expected."""

    results: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    requests: int = 0
    surprises: int = 0
    told: list[str] = field(default_factory=list)

    def surprise(self, line: str) -> None:
        self.surprises += 1
        if len(self.told) < MAX_TOLD:
            self.told.append(line)


@dataclass(frozen=True, slots=True)
class Request:
    """Messages of one publisher to one service. A `lone` one is expected to be refused as a whole."""

    messages: tuple[Message, ...]
    lone: bool

    @property
    def body(self) -> bytes:
        return b"[" + b",".join(message.body for message in self.messages) + b"]"


class HttpWay:
    """Workers that post requests and hold the answers against what was expected."""

    def __init__(self, urls: Mapping[str, str], keys: Mapping[str, bytes]) -> None:
        self._urls = urls
        self._keys = keys
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS)
        self._queue: asyncio.Queue[Request] = asyncio.Queue(MAX_WAITING)
        self._workers: list[asyncio.Task[None]] = []
        self.answers = Answers()
        self.sent = 0

    async def __aenter__(self) -> Self:
        self._workers = [asyncio.create_task(self._work()) for _ in range(CONNECTIONS)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self._client.aclose()

    async def add(self, messages: list[Message]) -> None:
        """Queue these messages, in requests per publisher and service."""
        for request in requests(messages):
            await self._until_done(self._queue.put(request))

    async def flush(self) -> None:
        """Wait until every queued request has its answer."""
        await self._until_done(self._queue.join())

    async def _until_done(self, waiting: Coroutine[Any, Any, None]) -> None:
        """Wait for the queue, and fail as soon as a worker does."""
        task = asyncio.create_task(waiting)
        done, _ = await asyncio.wait([task, *self._workers], return_when=asyncio.FIRST_COMPLETED)
        for worker in self._workers:
            if worker in done:
                task.cancel()
                worker.result()
        await task

    async def _work(self) -> None:
        while True:
            request = await self._queue.get()
            await self._post(request)
            self.sent += len(request.messages)
            self._queue.task_done()

    async def _post(self, request: Request) -> None:
        first = request.messages[0]
        url = f"{self._urls[first.module]}/v1/events"
        body = request.body
        key = key_of(first, self._keys)
        last = ""
        for attempt in range(ATTEMPTS):
            try:
                answer = await self._client.post(url, content=body, headers=_headers(key, first.n, body))
            except httpx.TransportError as error:
                last, pause = repr(error), None
            else:
                if answer.status_code not in (429, 500, 502, 503, 504):
                    self._take(request, answer)
                    return
                last, pause = f"{answer.status_code} {answer.text[:200]}", answer.headers.get("retry-after")
            self.answers.retries += 1
            await asyncio.sleep(_pause(attempt, pause))
        raise ReplayError(f"{url} did not take the facts after {ATTEMPTS} attempts: {last}")

    def _take(self, request: Request, answer: httpx.Response) -> None:
        answers = self.answers
        answers.requests += 1
        if answer.status_code != 200:
            if request.lone and answer.status_code in (400, 401):
                answers.refused[request.messages[0].why or ""] += 1
            else:
                answers.surprise(f"{answer.status_code}: {answer.text[:300]}")
            return
        try:
            results = _results(answer.content).results
        except msgspec.MsgspecError as error:
            raise ReplayError(f"{answer.url} does not answer as the contract says: {error}") from error
        for message, result in zip(request.messages, results, strict=True):
            answers.results[result.status] += 1
            if (result.status == "rejected") != (message.expect == "rejected"):
                problem = bytes(result.problem).decode()
                answers.surprise(f"{message.key}: {result.status}, expected {message.expect} {problem}")
            elif result.status == "rejected":
                answers.refused[message.why or ""] += 1


def requests(messages: list[Message]) -> list[Request]:
    """The messages as requests: together per publisher and service, within the limits of a request."""
    groups: dict[tuple[str, str], list[Message]] = {}
    found: list[Request] = []
    for message in messages:
        if message.forged or message.raw is not None:
            found.append(Request((message,), lone=True))
        else:
            groups.setdefault((message.publisher, message.module), []).append(message)
    for group in groups.values():
        start, size = 0, 0
        for index, message in enumerate(group):
            size += len(message.event) + 1
            if index - start == MAX_EVENTS_PER_REQUEST or (size > MAX_REQUEST_BYTES and index > start):
                found.append(Request(tuple(group[start:index]), lone=False))
                start, size = index, len(message.event) + 1
        found.append(Request(tuple(group[start:]), lone=False))
    return found


def _headers(key: bytes, number: int, body: bytes) -> dict[str, str]:
    stamp = int(time.time())
    message_id = f"replay-{number}-{time.monotonic_ns()}"
    return {
        "content-type": BATCH,
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(stamp),
        SIGNATURE_HEADER: sign(key, message_id, stamp, body),
    }


def _pause(attempt: int, told: str | None) -> float:
    if told is not None and told.isdigit():
        return min(float(told), LONGEST_PAUSE)
    return float(min(0.2 * 2**attempt, LONGEST_PAUSE))
