"""Following one fact from the agency's request to the score: W3C trace context, and spans for who wants them.

A sender says `traceparent`: in the header of a request, in a record's header, or as the event's own
attribute. From then on the trace's id stands in the logs, and in the header `traceparent` of every record
that the fact causes, up to the score. Nobody has to: what carries no trace costs nothing.

Spans go to an OpenTelemetry collector when BUS_TRACES names one (OTLP over HTTP, JSON). They are noted after
the step and dropped when the collector is slow: tracing never holds up the bus.
"""

import asyncio
import hashlib
import os
import re
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from shared.runtime import logs
from shared.runtime.life import Beat, Life

HEADER = "traceparent"
MAX_WAITING = 2_000
"""Spans that wait for the collector; further ones are dropped."""

_SEND_SECONDS = 2.0
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)
_SERVER, _CONSUMER, _INTERNAL = 2, 5, 1

log = logs.get(__name__)


def parse(text: object) -> str | None:
    """A traceparent that is one; None for anything else, which is ignored as the standard asks."""
    if not isinstance(text, str):
        return None
    match = _TRACEPARENT.fullmatch(text)
    if match is None or not int(match[1], 16) or not int(match[2], 16):
        return None
    return text


def trace_id(traceparent: str) -> str:
    """The id that all of a trace has in common."""
    return traceparent[3:35]


def span_id(traceparent: str) -> str:
    """The id of the step that says it."""
    return traceparent[36:52]


def child(traceparent: str, step: str) -> str:
    """The same trace at a further step. Doing a step again gives the same span, not another one."""
    digest = hashlib.blake2b(f"{traceparent[3:52]} {step}".encode(), digest_size=8).hexdigest()
    return f"00-{trace_id(traceparent)}-{digest}-{traceparent[53:55]}"


def with_trace(headers: bytes | None, traceparent: str) -> bytes:
    """Headers of an outbox record with the trace among them."""
    pairs: dict[str, str] = msgspec.json.decode(headers, type=dict[str, str]) if headers else {}
    return msgspec.json.encode({**pairs, HEADER: traceparent})


# ---------------------------------------------------------------------------------------- spans


@dataclass(frozen=True, slots=True)
class Span:
    """One step of a trace, as it was."""

    traceparent: str
    parent: str | None
    name: str
    kind: int
    began_ns: int
    ended_ns: int
    attributes: tuple[tuple[str, str], ...]

    def document(self) -> dict[str, Any]:
        """As OTLP's JSON."""
        found: dict[str, Any] = {
            "traceId": trace_id(self.traceparent),
            "spanId": span_id(self.traceparent),
            "name": self.name,
            "kind": self.kind,
            "startTimeUnixNano": str(self.began_ns),
            "endTimeUnixNano": str(self.ended_ns),
            "attributes": [_attribute(name, value) for name, value in self.attributes],
        }
        if self.parent is not None:
            found["parentSpanId"] = span_id(self.parent)
        return found


def _attribute(name: str, value: str) -> dict[str, Any]:
    return {"key": name, "value": {"stringValue": value}}


class Spans:
    """The spans of this process on their way to the collector; off until `start`."""

    def __init__(self) -> None:
        self._waiting: deque[Span] = deque()
        self._service = ""
        self._url: str | None = None
        self.dropped = 0

    @property
    def on(self) -> bool:
        """Whether anybody wants spans."""
        return self._url is not None

    def start(self, life: Life, service: str, collector: str | None) -> None:
        """Send to `collector` (`http://host:4318`) until the life stops; None leaves them off."""
        if collector is None:
            return
        self._service, self._url = service, collector.rstrip("/") + "/v1/traces"
        life.spawn("spans", lambda beat: self._loop(life, beat))

    def note(
        self, traceparent: str, parent: str | None, name: str, began_ns: int, kind: int, **attributes: object
    ) -> None:
        """A step that ended now. Costs nothing while spans are off."""
        if self._url is None:
            return
        if len(self._waiting) >= MAX_WAITING:
            self.dropped += 1
            return
        told = tuple((key, str(value)) for key, value in attributes.items())
        self._waiting.append(Span(traceparent, parent, name, kind, began_ns, time.time_ns(), told))

    async def _loop(self, life: Life, beat: Beat) -> None:
        async with httpx.AsyncClient(timeout=httpx.Timeout(5.0)) as client:
            while not life.stopping.is_set():
                beat.touch()
                try:
                    async with asyncio.timeout(_SEND_SECONDS):
                        await life.stopping.wait()
                except TimeoutError:
                    pass
                await self.send(client)

    async def send(self, client: httpx.AsyncClient) -> None:
        """Send what waits; what cannot be sent is dropped."""
        if self._url is None or not self._waiting:
            return
        spans = list(self._waiting)
        self._waiting.clear()
        resource = [
            _attribute("service.name", f"scoring-bus.{self._service}"),
            _attribute("process.pid", str(os.getpid())),
        ]
        body = {
            "resourceSpans": [
                {
                    "resource": {"attributes": resource},
                    "scopeSpans": [
                        {"scope": {"name": "scoring-bus"}, "spans": [span.document() for span in spans]}
                    ],
                }
            ]
        }
        try:
            answer = await client.post(
                self._url, content=msgspec.json.encode(body), headers={"content-type": "application/json"}
            )
            answer.raise_for_status()
        except httpx.HTTPError as error:
            self.dropped += len(spans)
            log.warning("spans not taken by the collector", spans=len(spans), reason=repr(error))


spans = Spans()
"""Of this process."""


def served(traceparent: str, parent: str, name: str, began_ns: int, **attributes: object) -> None:
    """A request was answered."""
    spans.note(traceparent, parent, name, began_ns, _SERVER, **attributes)


def consumed(traceparent: str, parent: str, name: str, began_ns: int, **attributes: object) -> None:
    """A record was taken in."""
    spans.note(traceparent, parent, name, began_ns, _CONSUMER, **attributes)


def done(traceparent: str, parent: str, name: str, began_ns: int, **attributes: object) -> None:
    """Something inside was done."""
    spans.note(traceparent, parent, name, began_ns, _INTERNAL, **attributes)
