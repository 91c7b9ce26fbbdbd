"""What should never be sent, at one in a hundred among good neighbours. Each must be kept as a rejection."""

import json
import random
from typing import Any

from tests.faults.client import Record, encoded, signed
from tests.faults.world import Sent

Headers = list[tuple[str, bytes | None]]


def _headers(key: str, event: dict[str, Any], value: bytes) -> Headers:
    headers = {"content-type": "application/cloudevents+json", **signed(key, str(event["id"]), value)}
    return [(name, text.encode()) for name, text in headers.items()]


def poisoned(fact: Sent, key: str, number: int, rng: random.Random) -> Record:
    """One bad Kafka record next to `fact`, of a kind chosen by chance. Its fact id is never a good one."""
    kinds = every_kind(fact, key, number)
    return kinds[rng.choice(sorted(kinds))]


def every_kind(fact: Sent, key: str, number: int) -> dict[str, Record]:
    """A bad record of every kind, by its name, next to `fact`."""
    event = {**fact.event, "id": f"poison-{number}"}
    value = encoded(event)
    signature = _headers(key, event, value)
    torn = value.replace(b'"specversion"', b'"\xff\xfe\xc3"', 1)
    deep = _nested(event)
    no_value: dict[str, tuple[bytes | None, Headers]] = {
        "tombstone": (None, []),
        "tombstone with a signature": (None, signature),
        "empty": (b"", []),
    }
    bytes_at_fault: dict[str, tuple[bytes | None, Headers]] = {
        "not JSON": (b"this is not JSON", []),
        "not JSON, signed": (b"{half", _headers(key, event, b"{half")),
        "wrong UTF-8": (torn, _headers(key, event, torn)),
        "wrong UTF-8, unsigned": (b'{"id": "\xff\xfe"}', []),
        "deep nesting": (deep, _headers(key, event, deep)),
        "deep nesting, unsigned": (b"[" * 5_000 + b"]" * 5_000, []),
    }
    headers_at_fault: dict[str, tuple[bytes | None, Headers]] = {
        "null headers": (value, [(name, None) for name, _ in signature]),
        "headers not UTF-8": (value, [(name, b"\xff\xfe\xfd") for name, _ in signature]),
        "header names of no one": (value, [("", b""), ("x" * 300, b"\x00")]),
        "wrong key": (value, _headers("whsec_AAAA", event, value)),
        "altered": (value.replace(b"2024", b"2025"), signature),
    }
    spoiled = {
        name: (bad, _headers(key, event, bad))
        for name, bad in ((name, encoded(one)) for name, one in _spoiled_events(event).items())
    }
    return {
        name: Record(f"{fact.module}.inbox", fact.key.encode(), content, headers, poison=name)
        for name, (content, headers) in (no_value | bytes_at_fault | headers_at_fault | spoiled).items()
    }


def _nested(event: dict[str, Any]) -> bytes:
    """A good event whose data hold a list in a list in a list, five thousand deep."""
    head, _, tail = json.dumps({**event, "data": {**event["data"], "deep": "@"}}).partition('"@"')
    return (head + "[" * 5_000 + "]" * 5_000 + tail).encode()


def _spoiled_events(event: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        "unknown type": {**event, "type": "vn.laocai.article.exploded.v1"},
        "wrong type": {**event, "type": 7},
        "wrong type of data": {**event, "data": [event["data"]]},
        "wrong type of id": {**event, "id": 7},
        "no such time": {**event, "time": "2024-13-45T99:00:00+07:00"},
        "time to come": {**event, "time": "2099-01-01T00:00:00+07:00"},
        "another agency": {**event, "data": {**event["data"], "agency": "co-quan-khac"}},
        "huge number": {**event, "data": {**event["data"], "surplus": 10**400}},
        "oversize": {**event, "data": "x" * 300_000},
        "no subject": {name: value for name, value in event.items() if name != "subject"},
    }
