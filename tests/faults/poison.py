"""What should never be sent, at one in a hundred among good neighbours. Each must be kept as a rejection."""

import random
from typing import Any

from tests.faults.client import encoded, signed
from tests.faults.world import Sent

Record = tuple[str, bytes | None, bytes | None, Any]


def _headers(key: str, event: dict[str, Any], value: bytes) -> list[tuple[str, bytes | None]]:
    headers = {"content-type": "application/cloudevents+json", **signed(key, event["id"], value)}
    return [(name, text.encode()) for name, text in headers.items()]


def poisoned(fact: Sent, key: str, number: int, rng: random.Random) -> Record:
    """One bad Kafka record next to `fact`, of a kind chosen by chance. Its fact id is never a good one."""
    event = {**fact.event, "id": f"poison-{number}"}
    value = encoded(event)
    topic = f"{fact.module}.inbox"
    entity = fact.key.encode()
    kinds: list[Record] = [
        (topic, entity, b"this is not JSON", []),
        (topic, entity, b'{"id": "\xff\xfe"}', _headers(key, event, b"")),
        (topic, entity, value, [("webhook-id", None), ("content-type", b"\xff\xfe\xfd")]),
        (topic, entity, None, []),
        (topic, None, b"", []),
        (topic, entity, b"[" * 5_000 + b"]" * 5_000, []),
        (topic, entity, value, _headers("whsec_AAAA", event, value)),
        (topic, entity, value.replace(b"2024", b"2025"), _headers(key, event, value)),
    ]
    for spoiled in _spoiled_events(event):
        bad = encoded(spoiled)
        kinds.append((topic, entity, bad, _headers(key, spoiled, bad)))
    return rng.choice(kinds)


def _spoiled_events(event: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {**event, "type": "vn.laocai.article.exploded.v1"},
        {**event, "type": 7},
        {**event, "time": "2024-13-45T99:00:00+07:00"},
        {**event, "time": "2099-01-01T00:00:00+07:00"},
        {**event, "data": {**event["data"], "agency": "co-quan-khac"}},
        {**event, "data": {**event["data"], "surplus": 10**400}},
        {**event, "data": "x" * 300_000},
        {name: value for name, value in event.items() if name != "subject"},
    ]
