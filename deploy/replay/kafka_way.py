"""Half of the replay goes over Kafka: records gathered per partition and sent as whole batches."""

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from aiokafka.errors import KafkaError

from deploy.replay.generate import Message
from deploy.replay.outbound import key_of, partition, record
from deploy.replay.target import ReplayError
from shared.runtime.producer import start_producer

BATCH_BYTES = 262_144
MAX_UNDER_WAY = 24
"""Batches sent and not yet acknowledged."""


class KafkaWay:
    """A producer that fills batches by hand, several times cheaper than record by record."""

    def __init__(self, servers: str, keys: Mapping[str, bytes]) -> None:
        self._servers = servers.split(",")
        self._keys = keys
        self._producer: Any = None
        self._partitions: dict[str, int] = {}
        self._open: dict[tuple[str, int], Any] = {}
        self._under_way: set[asyncio.Future[Any]] = set()
        self.sent = 0

    async def __aenter__(self) -> Self:
        try:
            self._producer = await start_producer(
                bootstrap_servers=self._servers,
                acks="all",
                max_batch_size=BATCH_BYTES,
                max_request_size=8 * BATCH_BYTES,
            )
            for module in ("content", "qa", "dossier"):
                topic = f"{module}.inbox"
                self._partitions[topic] = len(await self._producer.partitions_for(topic))
        except KafkaError as error:
            if self._producer is not None:
                await self._producer.stop()
            raise ReplayError(f"Kafka cannot be reached: {error}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()

    async def add(self, message: Message) -> None:
        """Put a message into the open batch of its partition, sending the batch when it is full."""
        topic = f"{message.module}.inbox"
        place = (topic, partition(message.key, self._partitions[topic]))
        value, headers = record(message, key_of(message, self._keys), int(time.time()))
        key = message.key.encode()
        batch = self._open.get(place)
        if batch is None or batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
            if batch is not None:
                await self._send(place)
            batch = self._open[place] = self._producer.create_batch()
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                raise ReplayError(f"The message {message.n} is larger than a Kafka batch may be.")
        self.sent += 1

    async def flush(self) -> None:
        """Send what is open, and wait until all of it is acknowledged."""
        for place in list(self._open):
            await self._send(place)
        while self._under_way:
            await self._wait()

    async def push(self) -> None:
        """Send what is open without waiting for it."""
        for place in list(self._open):
            await self._send(place)

    async def _send(self, place: tuple[str, int]) -> None:
        while len(self._under_way) >= MAX_UNDER_WAY:
            await self._wait()
        topic, number = place
        batch = self._open.pop(place)
        self._under_way.add(await self._producer.send_batch(batch, topic, partition=number))

    async def _wait(self) -> None:
        done, self._under_way = await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
        for future in done:
            error = future.exception()
            if error is not None:
                raise ReplayError(f"Kafka did not take the facts: {error}") from error
