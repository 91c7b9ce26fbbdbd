"""Subscribers of scores, written from docs/CONTRACT.md alone: one that reads all at once, and slow ones."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from tests.faults.rig import Rig
from tests.faults.stage import Stage

PERIOD = "2024-Q1"
_STREAMS = 10
_BYTES_PER_S = 10_000
_CATCH_UP_S = 90.0
MEMORY_MIB = 384
"""What the container of a service is granted (docker-compose.yml)."""

View = dict[str, dict[str, Any]]
"""By `agency|period`: the newest revision, and its total."""


async def newest_scores(bootstrap: str) -> dict[str, dict[str, Any]]:
    """Per key `agency|period`, the score with the highest revision. An older revision is dropped."""
    held: dict[str, dict[str, Any]] = {}
    # Without a group the consumer takes every partition, from its beginning.
    consumer = AIOKafkaConsumer("scores", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = consumer.assignment()
        ends = await consumer.end_offsets(list(partitions))
        while any([await consumer.position(p) < ends[p] for p in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    score = _data(record.value)
                    key = record.key.decode()
                    if key not in held or score["revision"] >= held[key]["revision"]:
                        held[key] = score
    finally:
        await consumer.stop()
    return held


def _data(value: bytes) -> dict[str, Any]:
    document = json.loads(value)
    data: dict[str, Any] = document.get("data", document)
    return data


@dataclass(slots=True)
class Slow:
    """What the slow ones have in common: their pace, their view, and what they found wrong on the way."""

    slowly: bool = True
    view: View = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    read: int = 0

    async def rest(self, size: int) -> None:
        """As long as so many bytes take at this pace."""
        if self.slowly:
            await asyncio.sleep(size / _BYTES_PER_S)

    def take(self, key: str, revision: int, total: Any, *, each: bool) -> None:
        """The newest revision stays; with `each`, none may be missing in between."""
        self.read += 1
        held = self.view.get(key)
        if held is None or revision > held["revision"]:
            if each and held is not None and revision != held["revision"] + 1:
                self.wrong.append(f"{key}: revision {revision} came after {held['revision']}")
            self.view[key] = {"revision": revision, "total": total}


async def slowly(stage: Stage) -> int:
    """Ten streams over HTTP and a subscriber of both topics, far slower than scores change under load.

    All else goes on as always: the trial settles while they are still behind. Then they read on to the end.
    """
    slow = [Slow() for _ in range(_STREAMS + 1)]
    reading = [asyncio.create_task(_stream(stage.rig.scoring, one)) for one in slow[1:]]
    reading.append(asyncio.create_task(_topics(stage.rig.kafka, slow[0])))
    # Their first answer says where they begin: nothing may have been sent before.
    await asyncio.sleep(3.0)
    most = [0.0]
    watching = asyncio.create_task(_watch_memory(stage.rig, most))
    stage.load.let_go()
    await stage.load.over.wait()

    async def caught_up() -> list[str]:
        try:
            return await _finish(stage, slow, most[0])
        finally:
            for task in (*reading, watching):
                task.cancel()
            await asyncio.gather(*reading, watching, return_exceptions=True)

    stage.check(caught_up)
    return len(slow)


async def _finish(stage: Stage, slow: list[Slow], most_mib: float) -> list[str]:
    answer = await stage.rig.get(f"{stage.rig.scoring}/v1/scores", period=PERIOD)
    rows = {row["agency"]: row for row in answer["scores"] if row["agency"] in stage.agencies}
    wanted = {f"{agency}|{PERIOD}": row for agency, row in rows.items() if row["revision"]}
    behind = sum(_differs(one.view, wanted) != [] for one in slow)
    stage.remarks.append(
        f"{behind} of {len(slow)} slow subscribers were still behind when all had settled; "
        f"scoring held {most_mib:.0f} MiB at most"
    )
    for one in slow:
        one.slowly = False
    deadline = asyncio.get_running_loop().time() + _CATCH_UP_S
    while any(_differs(one.view, wanted) for one in slow):
        if asyncio.get_running_loop().time() > deadline:
            break
        await asyncio.sleep(0.2)
    found = [f"slow subscriber {n}: {line}" for n, one in enumerate(slow) for line in one.wrong]
    for number, one in enumerate(slow):
        found += [f"slow subscriber {number}: {line}" for line in _differs(one.view, wanted)]
    if most_mib > MEMORY_MIB:
        found.append(f"scoring held {most_mib:.0f} MiB, more than the {MEMORY_MIB} MiB that it is granted")
    return found


def _differs(view: View, wanted: dict[str, dict[str, Any]]) -> list[str]:
    told = []
    for key, row in wanted.items():
        held = view.get(key)
        if held is None or held["revision"] != row["revision"] or held["total"] != row["total"]:
            told.append(f"{key}: {held} instead of {row['revision']} {row['total']}")
    return told


async def _watch_memory(rig: Rig, most: list[float]) -> None:
    while True:
        most[0] = max(most[0], rig.memory_mib("scoring"))
        await asyncio.sleep(0.5)


async def _topics(bootstrap: str, slow: Slow) -> None:
    """A subscriber of both topics that takes one record at a time."""
    consumer = AIOKafkaConsumer(
        "scores", "score.changes", bootstrap_servers=bootstrap, auto_offset_reset="latest",
        max_poll_records=1, max_partition_fetch_bytes=16_384,
    )  # fmt: skip
    changes = Slow()
    await consumer.start()
    try:
        async for record in consumer:
            data = _data(record.value)
            if record.topic == "scores":
                slow.take(record.key.decode(), data["revision"], data["total"], each=False)
            else:
                changes.take(f"{data['agency']}|{data['period']}", data["revision"], data["after"], each=True)
                slow.wrong += changes.wrong
                changes.wrong.clear()
            await slow.rest(len(record.value))
    finally:
        with suppress(KafkaError):
            await consumer.stop()


async def _stream(url: str, slow: Slow) -> None:
    """A reader of the stream with a small window, that comes back where it was when it is cut off."""
    small = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)]
    last: str | None = None
    async with httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(socket_options=small), timeout=httpx.Timeout(60, connect=10)
    ) as http:
        while True:
            headers = {} if last is None else {"Last-Event-ID": last}
            with suppress(httpx.HTTPError):
                async with http.stream("GET", f"{url}/v1/stream", headers=headers) as answer:
                    async for number, data in _events(answer, slow):
                        last = number
                        key = f"{data['agency']}|{data['period']}"
                        slow.take(key, data["revision"], data["after"], each=True)
            await asyncio.sleep(0.5)


async def _events(answer: httpx.Response, slow: Slow) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """The events of a stream as they come, read a little at a time."""
    held = b""
    async for piece in answer.aiter_raw():
        held += piece
        *whole, held = held.split(b"\n\n")
        for text in whole:
            lines = dict(line.split(": ", 1) for line in text.decode().splitlines() if ": " in line)
            if "id" in lines:
                yield lines["id"], json.loads(lines["data"])
        await slow.rest(len(piece))
