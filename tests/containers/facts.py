"""Sending single facts from outside the containers, as an agency's system does."""

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.request import Request, urlopen

from aiokafka import AIOKafkaProducer

from deploy.local.events import as_event
from shared.runtime.access.sealing import read_key
from shared.runtime.signature import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign


@dataclass(frozen=True, slots=True)
class Publisher:
    name: str
    key: str

    def event(self, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        """A CloudEvent of this publisher with everything that follows from the data."""
        return as_event({"type": kind, "data": data}, self.name)

    def signed(self, event: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
        """The event as bytes, and the headers that say who sent them."""
        body, now = json.dumps(event, ensure_ascii=False).encode(), int(time.time())
        signature = sign(read_key(self.key), event["id"], now, body)
        headers = {
            "content-type": "application/cloudevents+json",
            ID_HEADER: event["id"],
            TIMESTAMP_HEADER: str(now),
            SIGNATURE_HEADER: signature,
        }
        return body, headers

    def post(self, url: str, event: dict[str, Any]) -> dict[str, Any]:
        """Send over HTTP; what became of the event."""
        body, headers = self.signed(event)
        with urlopen(Request(url + "/v1/events", data=body, headers=headers), timeout=30) as answer:
            results: list[dict[str, Any]] = json.loads(answer.read())["results"]
        return results[0]

    async def produce(self, producer: AIOKafkaProducer, topic: str, event: dict[str, Any]) -> None:
        """Send over Kafka and wait for the broker to have it."""
        body, headers = self.signed(event)
        key = event["subject"].partition("/")[2].encode()
        await producer.send_and_wait(
            topic, body, key=key, headers=[(name, value.encode()) for name, value in headers.items()]
        )
