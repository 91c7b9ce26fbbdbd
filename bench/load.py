"""What the measurements send: dossier facts, signed, as an agency's system would send them."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

from aiokafka import AIOKafkaProducer

from shared.register.register import shipped_register
from shared.runtime.signature import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

HANOI = timezone(timedelta(hours=7))
PUBLISHER = "bench"
SOURCE = f"/publishers/{PUBLISHER}"
AGENCIES = 196
FIRST = datetime(2024, 1, 2, 8, 0, tzinfo=HANOI)


def encoded(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def open_agencies() -> list[str]:
    """The agencies that there were when the facts happened: of others facts are refused."""
    first, last = FIRST.date(), (FIRST + timedelta(days=90)).date()
    there = [slug for slug, row in shipped_register().agencies.items() if row.existed_in(first, first)]
    return [slug for slug in there if shipped_register().agencies[slug].existed_in(last, last)][:AGENCIES]


def dossier_facts(dossiers: int, agencies: list[str]) -> Iterator[dict[str, Any]]:
    """Two facts for each dossier, received and resolved, a thousand dossiers between the two."""
    for wave in range(0, dossiers, 1_000):
        numbers = range(wave, min(wave + 1_000, dossiers))
        for number in numbers:
            yield _fact(number, "received", agencies)
        for number in numbers:
            yield _fact(number, "resolved", agencies)


def _fact(number: int, what: str, agencies: list[str]) -> dict[str, Any]:
    received = FIRST + timedelta(days=number % 60, minutes=number % 480)
    at = received + timedelta(days=2 if what == "resolved" else 0)
    code = f"H38.1-240102-{number:07d}"
    data: dict[str, Any] = {"dossier_code": code, "agency": agencies[number % len(agencies)]}
    if what == "received":
        data |= {"procedure_code": "1.001234", "channel": "online", "received_at": at.isoformat()}
        data["due_at"] = (received + timedelta(days=9)).isoformat()
    else:
        data |= {"resolved_at": at.isoformat(), "outcome": "approved"}
    return {
        "specversion": "1.0",
        "id": f"{what}-{number}",
        "source": SOURCE,
        "type": f"vn.laocai.dossier.{what}.v1",
        "subject": f"dossier/{code}",
        "time": at.isoformat(),
        "data": data,
    }


async def fill_inbox(bootstrap: str, key: bytes, facts: Iterator[dict[str, Any]]) -> int:
    """Put signed facts on `dossier.inbox` and wait until the broker has them all. How many."""
    total = 0
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=20) as producer:
        while part := list(islice(facts, 5_000)):
            waits = [await producer.send("dossier.inbox", **_record(fact, key)) for fact in part]
            for wait in waits:
                await wait
            total += len(part)
    return total


def signed_headers(key: bytes, message: str, value: bytes) -> dict[str, str]:
    """The headers by which a record of an inbox says who sent it."""
    return {
        "content-type": "application/cloudevents+json",
        ID_HEADER: message,
        TIMESTAMP_HEADER: "1700000000",
        SIGNATURE_HEADER: sign(key, message, 1_700_000_000, value),
    }


def _record(fact: dict[str, Any], key: bytes) -> dict[str, Any]:
    value = encoded(fact)
    return {
        "value": value,
        "key": fact["data"]["dossier_code"].encode(),
        "headers": [(name, text.encode()) for name, text in signed_headers(key, fact["id"], value).items()],
    }
