"""CloudEvents over Kafka: structured and binary records become items, some of them refused."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from shared.contracts.envelope import STRUCTURED
from shared.contracts.words import MAX_EVENT_BYTES
from shared.runtime.access.cache import PublisherCache
from shared.runtime.ledger.decode import Envelope, Refusal, Vocabulary, open_event, storable
from shared.runtime.ledger.items import Item, Origin
from shared.runtime.ledger.verify import check_grant, check_signature, signature_headers
from shared.runtime.signature import ID_HEADER, SignatureError, SignatureHeaders

_RECORDS_PER_TURN = 100
"""Records decoded before the event loop gets its turn: heartbeats and requests go on meanwhile."""

_IN_DOUBT = frozenset({"signature", "unknown_publisher", "grant"})
"""Refusals that a newer key or grant may turn into acceptance."""

_BINARY = ("id", "source", "type", "subject", "time")


class _BinaryEvent(msgspec.Struct, omit_defaults=True):
    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    data: msgspec.Raw


class Opened(msgspec.Struct):
    """A record as far as it can be read without keys."""

    envelope: Envelope
    event: bytes
    signature: SignatureHeaders


def open_record(value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> Opened | Refusal:
    """The envelope and signature of a record in structured or binary mode."""
    if value is None:
        return Refusal("malformed", "the record has no value")
    if len(value) > MAX_EVENT_BYTES:
        return Refusal("too_large", f"an event has at most {MAX_EVENT_BYTES} bytes, not {len(value)}")
    texts: dict[str, str] = {}
    unreadable = []
    for name, raw in headers:
        try:
            texts[name.lower()] = "" if raw is None else raw.decode()
        except UnicodeDecodeError:
            unreadable.append(name.lower())
    binary = "ce_specversion" in texts
    event = _binary_event(value, texts) if binary else _structured_event(value, texts)
    if isinstance(event, Refusal):
        return event
    envelope = open_event(event)
    if isinstance(envelope, Refusal):
        return envelope
    envelope.traceparent = envelope.traceparent or texts.get("ce_traceparent") or texts.get("traceparent")
    try:
        signature = signature_headers(texts)
    except SignatureError as error:
        note = f" (not UTF-8: {', '.join(storable(name) for name in unreadable)})" if unreadable else ""
        return _refuse(envelope, "signature", str(error) + note)
    if binary and signature.message_id != envelope.id:
        # Attributes in headers are not signed; at least a signature must not serve two facts.
        return _refuse(envelope, "signature", f"in binary mode {ID_HEADER} must equal ce_id")
    return Opened(envelope, event, signature)


def _structured_event(value: bytes, headers: dict[str, str]) -> bytes | Refusal:
    kind = headers.get("content-type", STRUCTURED).partition(";")[0].strip().lower()
    if kind not in (STRUCTURED, "application/json"):
        return Refusal("envelope", f"a record carries one event as {STRUCTURED}, or binary with ce_ headers")
    return value


def _binary_event(value: bytes, headers: dict[str, str]) -> bytes | Refusal:
    missing = [f"ce_{name}" for name in _BINARY if not headers.get(f"ce_{name}")]
    if missing:
        return Refusal("envelope", f"binary mode needs the headers {', '.join(missing)}")
    kind = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        return Refusal("envelope", "in binary mode the content-type is application/json")
    attributes = {name: storable(headers[f"ce_{name}"]) for name in _BINARY}
    try:
        msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Refusal(
            "malformed", "the value is not JSON", (), attributes["source"][:200], attributes["id"][:200]
        )
    return msgspec.json.encode(
        _BinaryEvent(specversion=headers["ce_specversion"], data=msgspec.Raw(value), **attributes)
    )


class RecordReader:
    """Turns records of the inbox into items for the ledger."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        cache: PublisherCache,
        register: Collection[str],
        clock: Callable[[], datetime],
    ) -> None:
        self._vocabulary = vocabulary
        self._cache = cache
        self._register = register
        self._clock = clock

    async def read(self, records: Sequence[ConsumerRecord]) -> list[Item]:
        """One item per record. Bad records come back refused; nothing is raised for what they hold."""
        received = time.monotonic()
        items = []
        doubtful: list[tuple[Item, Opened]] = []
        now = self._clock()
        for number, record in enumerate(records, 1):
            item, opened = self._first_look(record, now)
            items.append(item)
            if opened is not None:
                doubtful.append((item, opened))
            if number % _RECORDS_PER_TURN == 0:
                await asyncio.sleep(0)
        if doubtful:
            await self._cache.refresh(since=received)
            for item, opened in doubtful:
                item.content = self._judge(opened, item.payload, now)
        return items

    def _first_look(self, record: ConsumerRecord, now: datetime) -> tuple[Item, Opened | None]:
        origin = Origin("kafka", record.topic, record.partition, record.offset, record.timestamp)
        value: bytes = record.value or b""
        headers: Any = record.headers
        opened = open_record(record.value, headers)
        if isinstance(opened, Refusal):
            return Item(origin, _publisher_of(opened.source), value, headers, opened), None
        name = opened.envelope.publisher
        content = self._judge(opened, value, now)
        item = Item(origin, name, value, headers, content)
        in_doubt = isinstance(content, Refusal) and content.code in _IN_DOUBT
        return item, opened if in_doubt else None

    def _judge(self, opened: Opened, payload: bytes, now: datetime) -> Any:
        envelope = opened.envelope
        publisher = self._cache.get(envelope.publisher) if envelope.publisher else None
        if publisher is None:
            return _refuse(envelope, "unknown_publisher", "the source names no publisher with a live key")
        refused = check_signature(publisher, opened.signature, payload)
        if refused is not None:
            return _refuse(envelope, "signature", refused)
        content = self._vocabulary.read(envelope, opened.event, now)
        if isinstance(content, Refusal):
            return content
        return check_grant(content, publisher, self._register) or content


def _refuse(envelope: Envelope, code: str, detail: str) -> Refusal:
    return Refusal(code, detail, (), envelope.source, envelope.id, envelope.type)


def _publisher_of(source: str | None) -> str | None:
    prefix = "/publishers/"
    return source[len(prefix) :] if source is not None and source.startswith(prefix) else None
