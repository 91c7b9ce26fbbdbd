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
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.faults.world import Sent

GIVE_UP_S = 240.0
"""How long one request or record is tried again before the run is called broken."""


def signed(key: str, message_id: str, payload: bytes) -> dict[str, str]:
    """The three Standard Webhooks headers of `payload`."""
    secret = base64.b64decode(key.removeprefix("whsec_"))
    stamp = str(int(time.time()))
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
        self, keys: dict[str, str], urls: dict[str, str], bootstrap: str, rng: random.Random
    ) -> None:
        self.keys, self.urls, self.bootstrap, self.rng = keys, urls, bootstrap, rng
        self.statuses: Counter[str] = Counter()
        self.refused: list[dict[str, Any]] = []
        self.sent = 0

    async def send(self, facts: Iterable[Sent], http_share: float = 0.5) -> None:
        """Send all of `facts`, in their order per entrance, choosing the entrance of each by chance."""
        over_http: list[Sent] = []
        over_kafka: list[Sent] = []
        for fact in facts:
            (over_http if self.rng.random() < http_share else over_kafka).append(fact)
        await asyncio.gather(self.over_http(over_http), self.over_kafka(over_kafka))

    async def over_http(self, facts: list[Sent]) -> None:
        lanes: dict[str, list[Sent]] = {}
        for fact in facts:
            lanes.setdefault(fact.module, []).append(fact)
        async with httpx.AsyncClient(timeout=30) as http:
            await asyncio.gather(*(self._lane(http, module, lane) for module, lane in lanes.items()))

    async def _lane(self, http: httpx.AsyncClient, module: str, facts: list[Sent]) -> None:
        while facts:
            size = self.rng.choice((1, 10, 100, 400))
            batch, facts = facts[:size], facts[size:]
            await self._post(http, self.urls[module], batch)

    async def _post(self, http: httpx.AsyncClient, url: str, batch: list[Sent]) -> None:
        events = [fact.event for fact in batch]
        body = encoded(events)
        deadline = time.monotonic() + GIVE_UP_S
        while True:
            headers = signed(self.keys[events[0]["source"]], f"msg-{self.rng.getrandbits(64):x}", body)
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
                self.sent += len(batch)
                return
            if answer is not None and answer.status_code not in (429, 500, 502, 503, 504):
                raise AssertionError(f"{url} answered {answer.status_code}: {answer.text[:500]}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{url} took nothing for {GIVE_UP_S:.0f} s")
            await asyncio.sleep(0.2)

    async def over_kafka(self, facts: list[Sent]) -> None:
        await self.records([self._record(fact) for fact in facts])

    def _record(self, fact: Sent) -> tuple[str, bytes, bytes, list[tuple[str, bytes]]]:
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
        headers |= signed(self.keys[event["source"]], event["id"], value)
        return (
            f"{fact.module}.inbox",
            fact.key.encode(),
            value,
            [(name, text.encode()) for name, text in headers.items()],
        )

    async def records(self, records: list[tuple[str, bytes | None, bytes | None, Any]]) -> None:
        """Deliver raw records, waiting for the word on each, also through a broker that goes away."""
        deadline = time.monotonic() + GIVE_UP_S
        for start in range(0, len(records), 500):
            left = records[start : start + 500]
            while left:
                left = await self._deliver(left)
                if left and time.monotonic() > deadline:
                    raise AssertionError(f"the broker took nothing for {GIVE_UP_S:.0f} s")
            self.sent += len(records[start : start + 500])

    async def _deliver(self, records: list[Any]) -> list[Any]:
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
                for topic, key, value, headers in records
            ]
            done = await asyncio.gather(*waits, return_exceptions=True)
        except KafkaError:
            done = [KafkaError()] * len(records)
        finally:
            await asyncio.wait_for(producer.stop(), 30)
        return [
            record
            for record, outcome in zip(records, done, strict=True)
            if isinstance(outcome, BaseException)
        ]
