"""One message made ready to travel: a signed record for Kafka, or part of a signed request."""

import zlib
from collections.abc import Mapping

import msgspec

from deploy.replay.generate import Message
from shared.contracts.envelope import STRUCTURED
from shared.runtime.signature import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

FORGED_KEY = b"not the key that the bus knows.."

Headers = list[tuple[str, bytes]]


class _Attributes(msgspec.Struct):
    id: str
    source: str
    type: str
    subject: str
    time: str
    data: msgspec.Raw


_attributes = msgspec.json.Decoder(_Attributes).decode


def key_of(message: Message, keys: Mapping[str, bytes]) -> bytes:
    """What signs a message: its publisher's key, or another where it is meant to be forged."""
    return FORGED_KEY if message.forged else keys[message.publisher]


def record(message: Message, key: bytes, stamp: int) -> tuple[bytes, Headers]:
    """Value and headers of a Kafka record, structured or binary."""
    if message.raw is not None:
        value = message.body
        return value, _signed(key, f"broken-{message.n}", stamp, value, [("content-type", _STRUCTURED)])
    event = _attributes(message.event)
    if message.via == "kafka":
        value = bytes(message.event)
        return value, _signed(key, event.id, stamp, value, [("content-type", _STRUCTURED)])
    value = bytes(event.data)
    headers = [
        ("content-type", b"application/json"),
        ("ce_specversion", b"1.0"),
        ("ce_id", event.id.encode()),
        ("ce_source", event.source.encode()),
        ("ce_type", event.type.encode()),
        ("ce_subject", event.subject.encode()),
        ("ce_time", event.time.encode()),
    ]
    return value, _signed(key, event.id, stamp, value, headers)


_STRUCTURED = STRUCTURED.encode()


def _signed(key: bytes, message_id: str, stamp: int, value: bytes, headers: Headers) -> Headers:
    return [
        *headers,
        (ID_HEADER, message_id.encode()),
        (TIMESTAMP_HEADER, str(stamp).encode()),
        (SIGNATURE_HEADER, sign(key, message_id, stamp, value).encode()),
    ]


def partition(key: str, partitions: int) -> int:
    """Where records of an entity go: always to one partition, so that they are read in their order."""
    return zlib.crc32(key.encode()) % partitions
