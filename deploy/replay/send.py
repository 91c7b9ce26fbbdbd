"""Sends the replay through the agencies' own entrance, in its order, half over HTTP and half over Kafka."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import httpx

from deploy.replay.generate import Message, read_file
from deploy.replay.http_way import Answers, HttpWay
from deploy.replay.kafka_way import KafkaWay
from deploy.replay.keyring import publishers_ready
from deploy.replay.target import ReplayError, Target
from shared.register import shipped_register

SLICE = 30_000
"""Messages taken at once: within a slice, both ways go side by side."""
SETTLE_SECONDS = 600.0
POLL_SECONDS = 0.25

Progress = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and of how much: (`send`, 12000, 261427)."""


def silent(stage: str, done: int, total: int) -> None:
    """Progress for nobody."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent and how long it took: until everything was taken in, and until all had settled."""

    messages: int
    over_http: int
    over_kafka: int
    sending_seconds: float
    settling_seconds: float
    answers: Answers


async def send(path: Path, total: int, target: Target, progress: Progress = silent) -> Sent:
    """Send a generated file and wait until the system has settled.

    Raises ReplayError when the system cannot be reached, keeps refusing, or does not settle in time.
    """
    keys = await publishers_ready(target, shipped_register())
    begun = time.monotonic()
    async with HttpWay(target.urls, keys) as http, KafkaWay(target.kafka, keys) as kafka:
        ended_main = False
        for messages in _slices(read_file(path)):
            after = [m for m in messages if m.phase == "after"]
            await _side_by_side([m for m in messages if m.phase == "main"], http, kafka)
            if after and not ended_main:
                # Conflicts only now: the fact that each contradicts must have been stored before it.
                await kafka.flush()
                await http.flush()
                ended_main = True
            await _side_by_side(after, http, kafka)
            progress("send", http.sent + kafka.sent, total)
        await kafka.flush()
        await http.flush()
        progress("send", total, total)
        sent = time.monotonic()
        await settled(target, progress)
        return Sent(
            total,
            http.sent,
            kafka.sent,
            sent - begun,
            time.monotonic() - sent,
            http.answers,
        )


async def _side_by_side(messages: list[Message], http: HttpWay, kafka: KafkaWay) -> None:
    async def over_kafka() -> None:
        for number, message in enumerate(m for m in messages if m.via != "http"):
            await kafka.add(message)
            if number % 200 == 0:
                await asyncio.sleep(0)
        await kafka.push()

    await asyncio.gather(over_kafka(), http.add([m for m in messages if m.via == "http"]))


def _slices(messages: Iterable[Message]) -> Iterator[list[Message]]:
    source = iter(messages)
    while part := list(islice(source, SLICE)):
        yield part


async def settled(target: Target, progress: Progress = silent, seconds: float = SETTLE_SECONDS) -> None:
    """Wait until every process says twice in a row that nothing is pending. Raises ReplayError."""
    deadline = time.monotonic() + seconds
    most, quiet = 0, 0
    async with httpx.AsyncClient(timeout=30.0) as client:
        while True:
            pending = await asyncio.gather(*(_pending(client, url) for url in target.statuses))
            known = [number for number in pending if number is not None]
            left = sum(known)
            most = max(most, left)
            progress("settle", most - left, most)
            quiet = quiet + 1 if len(known) == len(pending) and left == 0 else 0
            if quiet == 2:
                return
            if time.monotonic() > deadline:
                told = dict(zip(target.statuses, pending, strict=True))
                raise ReplayError(f"Not settled after {seconds:.0f} s; still pending: {told}")
            await asyncio.sleep(POLL_SECONDS)


async def _pending(client: httpx.AsyncClient, url: str) -> int | None:
    try:
        answer = await client.get(f"{url}/v1/status")
        return int(answer.json()["pending"]) if answer.status_code == 200 else None
    except (httpx.TransportError, ValueError, KeyError, TypeError):
        return None
