"""(c) Latency: from the agency's send to the score that a subscriber sees, at a steady rate.

A fact is an article. It is seen when a record of `score.changes` names it among its causes. The rate is kept
by the clock, not by the answers (an open loop), so a stall shows in every fact that waited behind it.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from statistics import median, quantiles
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.ingest import make_publisher
from bench.load import FIRST, SOURCE, encoded, signed_headers
from bench.stage import Stage, Watched, stage
from shared.register.register import shipped_register

SERVICES = ("content", "scoring")
LAST_WAIT_S = 30.0


def measure(rates: tuple[int, ...], seconds: int, port_base: int) -> dict[str, Any]:
    """p50, p99 and the worst, in milliseconds, for each rate of facts a second."""
    with stage(port_base) as on, _running(on) as services:
        return asyncio.run(_measure(on, rates, seconds, services))


@contextmanager
def _running(on: Stage) -> Iterator[list[Watched]]:
    with ExitStack() as stack:
        yield [stack.enter_context(on.service(name)) for name in SERVICES]


async def _measure(
    on: Stage, rates: tuple[int, ...], seconds: int, services: list[Watched]
) -> dict[str, Any]:
    key = await make_publisher(on)
    # Of the others an article is kept, but moves no score.
    last = (FIRST + timedelta(days=80)).date()
    agencies = [row.slug for row in shipped_register().eligible("content", FIRST.date(), last)]
    seen: dict[str, float] = {}
    watching = asyncio.create_task(_watch(on.broker.address, seen))
    found: dict[str, Any] = {}
    async with AIOKafkaProducer(bootstrap_servers=on.broker.address, acks="all", linger_ms=0) as producer:
        await _send(producer, key, agencies, "warm", 100, 5)
        for rate in rates:
            await _until_seen(seen, await _send(producer, key, agencies, f"before-{rate}", rate, 3))
            sent = await _send(producer, key, agencies, f"at-{rate}", rate, seconds)
            await _until_seen(seen, sent)
            found[f"at_{rate}_per_s"] = _summary(sent, seen)
    watching.cancel()
    for one in services:
        one.look()
        found[f"{one.program.name}_peak_mib"] = round(one.peak_bytes / 2**20, 1)
    return found


async def _watch(bootstrap: str, seen: dict[str, float]) -> None:
    """Note when each fact first stands among the causes of a score's change."""
    consumer = AIOKafkaConsumer(
        "score.changes", bootstrap_servers=bootstrap, auto_offset_reset="earliest", fetch_max_wait_ms=50
    )
    await consumer.start()
    try:
        async for record in consumer:
            document = json.loads(record.value)
            for cause in document.get("data", document)["causes"]:
                seen.setdefault(cause["id"], time.monotonic())
    finally:
        await consumer.stop()


async def _send(
    producer: AIOKafkaProducer, key: bytes, agencies: list[str], name: str, rate: int, seconds: int
) -> dict[str, float]:
    """Send `rate` facts a second for a while. When each was handed over, by id."""
    sent: dict[str, float] = {}
    begun = time.monotonic()
    for number in range(rate * seconds):
        turn = begun + number / rate
        if (ahead := turn - time.monotonic()) > 0:
            await asyncio.sleep(ahead)
        fact = _article(f"{name}-{number}", agencies[number % len(agencies)], number)
        value = encoded(fact)
        headers = signed_headers(key, fact["id"], value)
        sent[fact["id"]] = turn
        await producer.send(
            "content.inbox", value, key=fact["id"].encode(),
            headers=[(title, text.encode()) for title, text in headers.items()],
        )  # fmt: skip
    return sent


def _article(identity: str, agency: str, number: int) -> dict[str, Any]:
    at = (FIRST + timedelta(days=number % 80)).isoformat()
    return {
        "specversion": "1.0",
        "id": identity,
        "source": SOURCE,
        "type": "vn.laocai.article.published.v1",
        "subject": f"article/{identity}",
        "time": at,
        "data": {
            "article_id": identity,
            "agency": agency,
            "title": f"Tin {identity}",
            "url": f"https://example.vn/{identity}",
            "kind": "news",
            "published_at": at,
        },
    }


async def _until_seen(seen: dict[str, float], sent: dict[str, float]) -> None:
    give_up = time.monotonic() + LAST_WAIT_S
    while not sent.keys() <= seen.keys():
        if time.monotonic() > give_up:
            missing = len(sent.keys() - seen.keys())
            raise RuntimeError(f"{missing} of {len(sent)} facts moved no score within {LAST_WAIT_S:.0f} s")
        await asyncio.sleep(0.05)


def _summary(sent: dict[str, float], seen: dict[str, float]) -> dict[str, Any]:
    waits = sorted((seen[identity] - turn) * 1_000 for identity, turn in sent.items())
    return {
        "facts": len(waits),
        "p50_ms": round(median(waits), 1),
        "p99_ms": round(quantiles(waits, n=100)[98], 1),
        "worst_ms": round(waits[-1], 1),
    }
