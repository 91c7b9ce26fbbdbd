"""CloudEvents over HTTP: one request, one signature, a result per event."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
from prometheus_client import Counter
from starlette.requests import Request

from shared.contracts.envelope import BATCH, STRUCTURED
from shared.contracts.words import MAX_BODY_BYTES, MAX_EVENTS_PER_REQUEST
from shared.runtime import logs, tracing
from shared.runtime.access.cache import Publisher, PublisherCache
from shared.runtime.access.rate import LIMITED, RateLimits
from shared.runtime.http_limits import BODY_SECONDS
from shared.runtime.ledger.decode import Candidate, Envelope, Refusal, Vocabulary, open_event
from shared.runtime.ledger.items import HTTP, Item
from shared.runtime.ledger.store import Store
from shared.runtime.ledger.verify import (
    check_grant,
    check_signature_fresh,
    check_source,
    signature_headers,
)
from shared.runtime.life import Beat, Life
from shared.runtime.postgres import PASSING_FAULTS, persistently
from shared.runtime.problem import ProblemError
from shared.runtime.signature import ID_HEADER, SignatureError, check_age

MAX_REQUESTS = 64
MAX_READING = 512
MAX_BYTES_IN_FLIGHT = 32 * 1024 * 1024
"""Requests being stored, requests whose body is still coming in, and what all of them hold in memory. Beyond
them the answer is 429."""

PATIENCE_SECONDS = 2.0
"""A body that takes longer makes way for somebody else's when there is no more room."""

_EVENTS_PER_TURN = 100
_EVENTS_PER_BATCH = 2_000
_RETRY_SECONDS = 10.0

REFUSED = Counter("bus_requests_refused", "Requests over HTTP that were refused as a whole", ["reason"])
"""Nobody vouches for them, so nothing of them is kept: they are counted, and told by an alert."""

_decode_batch = msgspec.json.Decoder(list[msgspec.Raw]).decode

log = logs.get(__name__)


class Gate:
    """Bounds what requests under way may hold: in number, in bytes that have really come, and in time.

    Only a request whose body is complete takes one of the few places for storing, so somebody who sends a
    byte a second keeps nobody out.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.bytes = 0
        self._reading: dict[asyncio.Timeout, float] = {}

    @asynccontextmanager
    async def admitted(self, request: Request) -> AsyncIterator[bytes]:
        """The whole body, and a place while it is worked on. Raises ProblemError 408, 413, 429."""
        if _announced_size(request) > MAX_BODY_BYTES:
            raise _too_large()
        self._find_place()
        held = [0]
        try:
            body = await self._read(request, held)
            self._find_place()
            self.requests += 1
            try:
                yield body
            finally:
                self.requests -= 1
        finally:
            self.bytes -= held[0]

    def _find_place(self) -> None:
        if self.requests >= MAX_REQUESTS:
            raise _busy()

    async def _read(self, request: Request, held: list[int]) -> bytes:
        chunks = []
        now = asyncio.get_running_loop().time()
        self._make_room(now)
        try:
            async with asyncio.timeout(BODY_SECONDS) as limit:
                self._reading[limit] = now
                try:
                    async for chunk in request.stream():
                        held[0] += len(chunk)
                        self.bytes += len(chunk)
                        if held[0] > MAX_BODY_BYTES:
                            raise _too_large()
                        if self.bytes > MAX_BYTES_IN_FLIGHT and self.bytes > held[0]:
                            raise _busy()
                        chunks.append(chunk)
                finally:
                    self._reading.pop(limit, None)
        except TimeoutError:
            raise ProblemError(
                408,
                "slow",
                "The body came in too slowly; send less at once.",
                headers={"Connection": "close"},
            ) from None
        return b"".join(chunks)

    def _make_room(self, now: float) -> None:
        """When every place for reading is taken, the slowest makes way. Raises ProblemError 429."""
        if len(self._reading) < MAX_READING:
            return
        # They stand in the order in which they began.
        slowest, since = next(iter(self._reading.items()))
        if now - since < PATIENCE_SECONDS:
            raise _busy()
        del self._reading[slowest]
        slowest.reschedule(now)


def _announced_size(request: Request) -> int:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _busy() -> ProblemError:
    return ProblemError(
        429, "busy", "Too many requests are under way; send this one again a little later.",
        headers={"Retry-After": "1"},
    )  # fmt: skip


def _too_large() -> ProblemError:
    detail = f"A request has at most {MAX_BODY_BYTES} bytes; send fewer events at once."
    return ProblemError(413, "too_large", detail)


def split_events(content_type: str, body: bytes) -> list[bytes]:
    """The events of a body. Raises ProblemError 400 or 415."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == STRUCTURED:
        return [body]
    if kind != BATCH:
        raise ProblemError(415, "content-type", f"Send {STRUCTURED} or {BATCH}.")
    try:
        events = _decode_batch(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(400, "malformed", f"The body is not a JSON array of events: {error}.") from error
    if not 1 <= len(events) <= MAX_EVENTS_PER_REQUEST:
        raise ProblemError(
            400, "batch", f"A request has 1 to {MAX_EVENTS_PER_REQUEST} events, not {len(events)}."
        )
    return [bytes(event) for event in events]


class RequestReader:
    """Verifies a request and turns its events into items."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        cache: PublisherCache,
        register: Collection[str],
        clock: Callable[[], datetime],
        limits: RateLimits | None = None,
    ) -> None:
        self._vocabulary = vocabulary
        self._cache = cache
        self._register = register
        self._clock = clock
        self._limits = limits or RateLimits()

    async def read(self, headers: dict[str, str], body: bytes) -> list[Item]:
        """One item per event, in order; events at fault are refused items.

        Raises ProblemError when the request as a whole cannot be taken: 400, 401, 415, 429.
        """
        received = time.monotonic()
        now = self._clock()
        events = split_events(headers.get("content-type", ""), body)
        opened: list[Envelope | Refusal] = []
        for number, event in enumerate(events, 1):
            opened.append(open_event(event))
            if number % _EVENTS_PER_TURN == 0:
                await asyncio.sleep(0)
        publisher = await self._authenticate(headers, body, opened, now, received)
        self._limit(publisher, len(events), received)
        items = await self._judge(publisher, events, opened, now)
        if any(isinstance(item.content, Refusal) and item.content.code == "grant" for item in items):
            await self._cache.refresh(since=received)
            fresh = self._cache.get(publisher.name)
            if fresh is not None and fresh.grant != publisher.grant:
                items = await self._judge(fresh, events, opened, now)
        parent = tracing.parse(headers.get(tracing.HEADER))
        if parent is not None:
            _follow(items, tracing.child(parent, headers[ID_HEADER]))
        return items

    async def _authenticate(
        self,
        headers: dict[str, str],
        body: bytes,
        opened: Sequence[Envelope | Refusal],
        now: datetime,
        received: float,
    ) -> Publisher:
        """The publisher who signed: the first that an event names as its source."""
        try:
            signature = signature_headers(headers)
            check_age(signature.timestamp, now.timestamp())
        except SignatureError as error:
            raise ProblemError(401, "signature", f"{error}.") from error
        name = next((one.publisher for one in opened if isinstance(one, Envelope) and one.publisher), None)
        if name is None:
            name = next((_claimed_publisher(one) for one in opened if isinstance(one, Refusal)), None)
        if name is None:
            raise ProblemError(401, "unknown_publisher", "No event names its source as /publishers/<name>.")
        refused = await check_signature_fresh(self._cache, name, signature, body, received)
        publisher = self._cache.get(name)
        if refused is not None or publisher is None:
            raise ProblemError(401, "signature", f"{refused}.")
        return publisher

    def _limit(self, publisher: Publisher, events: int, now: float) -> None:
        """Raises ProblemError 429 when the publisher sends more than its rate. Only who signed is counted."""
        rate = publisher.events_per_second
        wait = self._limits.wait_seconds(publisher.name, events, rate, now)
        if wait > 0:
            LIMITED.labels(publisher.name).inc()
            raise ProblemError(
                429, "rate", f"{publisher.name} sends more than its rate; send this again in {wait:.1f} s.",
                headers={"Retry-After": str(math.ceil(wait))},
            )  # fmt: skip

    async def _judge(
        self,
        publisher: Publisher,
        events: Sequence[bytes],
        opened: Sequence[Envelope | Refusal],
        now: datetime,
    ) -> list[Item]:
        items = []
        for number, (event, envelope) in enumerate(zip(events, opened, strict=True), 1):
            content: Any = envelope
            if isinstance(envelope, Envelope):
                content = self.judge_event(publisher, envelope, event, now)
            items.append(Item(HTTP, publisher.name, event, (), content))
            if number % _EVENTS_PER_TURN == 0:
                await asyncio.sleep(0)
        return items

    def judge_event(self, publisher: Publisher, envelope: Envelope, event: bytes, now: datetime) -> Any:
        """A Candidate, or the Refusal, of one event of an authenticated publisher."""
        foreign = check_source(envelope, publisher)
        if foreign is not None:
            return foreign
        content = self._vocabulary.read(envelope, event, now)
        if isinstance(content, Refusal):
            return content
        return check_grant(content, publisher, self._register) or content


def _follow(items: Sequence[Item], trace: str) -> None:
    """The request's trace becomes that of every event without one of its own."""
    for item in items:
        if isinstance(item.content, Candidate) and item.content.trace is None:
            item.content = msgspec.structs.replace(item.content, trace=trace)


def tell(headers: Mapping[str, str], items: Sequence[Item], began_ns: int) -> None:
    """Log a request whose sender follows it, and note its span."""
    parent = tracing.parse(headers.get(tracing.HEADER))
    if parent is None:
        return
    counts: dict[str, int] = {}
    for item in items:
        counts[item.status or "refused"] = counts.get(item.status or "refused", 0) + 1
    publisher = items[0].publisher
    log.info("facts", trace_id=tracing.trace_id(parent), publisher=publisher, **counts)
    trace = tracing.child(parent, headers.get(ID_HEADER, ""))
    tracing.served(trace, parent, "POST /v1/events", began_ns, publisher=publisher, **counts)


def _claimed_publisher(refusal: Refusal) -> str | None:
    prefix = "/publishers/"
    source = refusal.source or ""
    return source[len(prefix) :] if source.startswith(prefix) else None


class Lane:
    """Stores what requests bring: those that arrive while a transaction runs share the next one."""

    def __init__(self, life: Life, store: Store, clock: Callable[[], datetime]) -> None:
        self._life = life
        self._store = store
        self._clock = clock
        self._waiting: list[tuple[list[Item], asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self.last_taken = time.monotonic()

    def start(self) -> None:
        """Spawn the loop."""
        self._life.spawn("http lane", self._loop)

    async def submit(self, items: list[Item]) -> None:
        """Store `items` durably; each then knows what became of it.

        Raises ProblemError 503 when the database cannot be reached: nothing is stored, or it is and sending
        again finds duplicates.
        """
        if self._life.stopping.is_set():
            raise ProblemError(503, "stopping", "The service is stopping; send this again.")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((items, done))
        self._wake.set()
        await done

    def in_flight(self) -> int:
        """Events waiting for a transaction."""
        return sum(len(items) for items, _ in self._waiting)

    async def _loop(self, beat: Beat) -> None:
        while True:
            beat.touch()
            if not self._waiting:
                if self._life.stopping.is_set():
                    return
                self._wake.clear()
                try:
                    async with asyncio.timeout(0.25):
                        await self._wake.wait()
                except TimeoutError:
                    continue
            await self._store_next()

    async def _store_next(self) -> None:
        taken: list[tuple[list[Item], asyncio.Future[None]]] = []
        size = 0
        for items, done in self._waiting:
            if taken and size + len(items) > _EVENTS_PER_BATCH:
                break
            taken.append((items, done))
            size += len(items)
        batch = [item for items, _ in taken for item in items]
        try:
            await persistently(lambda: self._store.apply(batch, {}, self._clock()), seconds=_RETRY_SECONDS)
        except PASSING_FAULTS as error:
            log.warning("events over HTTP not stored", events=size, reason=repr(error))
            problem = ProblemError(503, "database", "The ledger cannot be reached; send this again.")
            _settle(taken, problem)
        except BaseException as error:
            _settle(taken, ProblemError(500, "unexpected", "An unexpected fault; the service has logged it."))
            raise error
        else:
            _settle(taken, None)
        finally:
            del self._waiting[: len(taken)]
            self.last_taken = time.monotonic()


def _settle(taken: list[tuple[list[Item], asyncio.Future[None]]], fault: ProblemError | None) -> None:
    for _, done in taken:
        if done.done():
            continue
        if fault is None:
            done.set_result(None)
        else:
            done.set_exception(fault)
