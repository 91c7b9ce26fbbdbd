"""A publisher's client, written from docs/CONTRACT.md alone: signs, sends, remembers the answers."""

import asyncio
import base64
import hashlib
import hmac
import json
import random
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

import httpx
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.faults.load import Load
from tests.faults.world import Sent

GIVE_UP_S = 240.0
"""How long one request or record is tried again before the run is called broken."""

_PIECE = 500
"""Records that are given to a producer at once, at most."""


class Record(NamedTuple):
    """One raw Kafka record. `poison` says what is wrong with it, when something is."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Any
    poison: str | None = None


def signed(key: str, message_id: str, payload: bytes, clock_off_s: float = 0.0) -> dict[str, str]:
    """The three Standard Webhooks headers of `payload`."""
    secret = base64.b64decode(key.removeprefix("whsec_"))
    stamp = str(int(time.time() + clock_off_s))
    digest = hmac.new(secret, f"{message_id}.{stamp}.".encode() + payload, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def encoded(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


class Publisher:
    """Sends facts in batches over HTTP and one by one over Kafka until each is answered or delivered.

    `keys` holds the key of each publisher by its `source`; `urls` the address of each module.
    """

    def __init__(
        self, keys: dict[str, str], urls: dict[str, str], bootstrap: str, rng: random.Random, load: Load
    ) -> None:
        self.keys, self.urls, self.bootstrap, self.rng, self.load = keys, urls, bootstrap, rng, load
        self.statuses: Counter[str] = Counter()
        self.refused: list[dict[str, Any]] = []
        self.accepted: Counter[tuple[str, str]] = Counter()
        """How often HTTP said `accepted` of a fact: once is right, and none when an answer got lost."""
        self.poisoned: dict[tuple[str, int, int], str] = {}
        """Topic, partition and offset of each bad record that the broker took, and what is wrong with it."""
        self.sent = 0
        self.clock_off_s = 0.0
        """How far this publisher's own clock is off."""
        self.told_of_clock = 0
        """Requests that were refused because the two clocks are too far apart."""

    async def send(self, facts: Iterable[Sent], poison: list[Record], http_share: float = 0.5) -> None:
        """Send all of `facts`, in their order per entrance, choosing the entrance of each by chance.

        What is poisonous goes over Kafka, anywhere among its good neighbours.
        """
        over_http: list[Sent] = []
        records: list[Record] = []
        for fact in facts:
            if self.rng.random() < http_share:
                over_http.append(fact)
            else:
                records.append(self._record(fact))
        for bad in poison:
            records.insert(self.rng.randrange(len(records) + 1), bad)
        await asyncio.gather(self.over_http(over_http), self.records(records))

    async def over_http(self, facts: list[Sent]) -> None:
        lanes: dict[str, list[Sent]] = {}
        for fact in facts:
            lanes.setdefault(fact.module, []).append(fact)
        async with httpx.AsyncClient(timeout=30) as http:
            await asyncio.gather(*(self._lane(http, module, lane) for module, lane in lanes.items()))

    async def _lane(self, http: httpx.AsyncClient, module: str, facts: list[Sent]) -> None:
        place = 0
        while place < len(facts):
            await self.load.reach(place / len(facts))
            batch = facts[place : place + self.rng.choice((1, 10, 100, 400))]
            await self._post(http, self.urls[module], batch)
            place += len(batch)

    async def _post(self, http: httpx.AsyncClient, url: str, batch: list[Sent]) -> None:
        events = [fact.event for fact in batch]
        body = encoded(events)
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            message = f"msg-{self.rng.getrandbits(64):x}"
            headers = signed(self.keys[events[0]["source"]], message, body, self.clock_off_s)
            headers["content-type"] = "application/cloudevents-batch+json"
            try:
                answer = await http.post(f"{url}/v1/events", content=body, headers=headers)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 200:
                results = answer.json()["results"]
                assert [result["id"] for result in results] == [event["id"] for event in events]
                self.statuses.update(result["status"] for result in results)
                self.refused += [result for result in results if result["status"] == "rejected"]
                self.accepted.update(
                    (event["source"], event["id"])
                    for event, result in zip(events, results, strict=True)
                    if result["status"] == "accepted"
                )
                self.sent += len(batch)
                return
            if answer is not None and answer.status_code == 401 and "clock" in answer.json()["detail"]:
                # What a good client does: it says so, has its clock set, and signs the same facts again.
                self.told_of_clock += 1
            elif answer is not None and answer.status_code not in (429, 500, 502, 503, 504):
                raise AssertionError(f"{url} answered {answer.status_code}: {answer.text[:500]}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{url} took nothing for {GIVE_UP_S:.0f} s")
            await asyncio.sleep(0.2)

    def _record(self, fact: Sent) -> Record:
        event = fact.event
        if self.rng.random() < 0.5:
            value = encoded(event)
            headers = {"content-type": "application/cloudevents+json"}
        else:
            value = encoded(event["data"])
            headers = {
                f"ce_{name}": event[name]
                for name in ("specversion", "id", "source", "type", "subject", "time")
            }
            headers["content-type"] = "application/json"
        headers |= signed(self.keys[event["source"]], event["id"], value, self.clock_off_s)
        pairs = [(name, text.encode()) for name, text in headers.items()]
        return Record(f"{fact.module}.inbox", fact.key.encode(), value, pairs)

    async def records(self, records: list[Record]) -> None:
        """Deliver raw records, waiting for the word on each, also through a broker that goes away."""
        size = max(20, min(_PIECE, len(records) // 50))
        for start in range(0, len(records), size):
            await self.load.reach(start / len(records))
            left = records[start : start + size]
            deadline = time.monotonic() + GIVE_UP_S
            while left:
                left = await self._deliver(left)
                if left and time.monotonic() > deadline:
                    raise AssertionError(f"the broker took nothing for {GIVE_UP_S:.0f} s")
            self.sent += sum(record.poison is None for record in records[start : start + size])

    async def _deliver(self, records: list[Record]) -> list[Record]:
        """Try `records` once; what was not acknowledged comes back, so a record may well arrive twice."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all", request_timeout_ms=10_000)
        try:
            await producer.start()
        except KafkaError:
            await producer.stop()
            await asyncio.sleep(0.5)
            return records
        try:
            waits = [
                await producer.send(topic, value, key=key, headers=headers)
                for topic, key, value, headers, _ in records
            ]
            done = await asyncio.gather(*waits, return_exceptions=True)
        except KafkaError:
            done = [KafkaError()] * len(records)
        finally:
            with suppress(TimeoutError):
                await asyncio.wait_for(producer.stop(), 30)
        left = []
        for record, outcome in zip(records, done, strict=True):
            if isinstance(outcome, BaseException):
                left.append(record)
            elif record.poison is not None:
                self.poisoned[outcome.topic, outcome.partition, outcome.offset] = record.poison
        return left
