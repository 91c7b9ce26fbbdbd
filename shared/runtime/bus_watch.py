"""Noticing a Kafka client that is stuck: it gets no answer while the broker answers others.

aiokafka keeps its picture of the cluster with a task of its own. Should that task ever die, the consumer
waits for it for ever, without a word: it reads on but commits nothing, is thrown out of its group, and nobody
takes over in it (docs/decisions/0102-a-client-that-waits-for-ever.md). Only a new client helps then, and the
simplest way to one is a new process.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.runtime import logs
from shared.runtime.kafka_security import client_options
from shared.runtime.life import Beat, Life

ANSWER_SECONDS = 5.0
"""How long the bus is given to tell its ends. It takes a millisecond when all is well."""

_PAUSE_SECONDS = 5.0
_FAILURES = 3

log = logs.get(__name__)

Ends = Callable[[], Awaitable[Mapping[TopicPartition, int]]]
"""Asks the watched client for the ends of its partitions. Raises KafkaError or TimeoutError."""


class StuckClientError(Exception):
    """A client gets no answer from a broker that answers others."""


class BusWatch:
    """Asks the watched client now and then; ends the process when it is stuck.

    A broker that is away is no reason: then nobody gets an answer, and the client goes on when it is back.
    """

    def __init__(
        self, life: Life, servers: Sequence[str], places: Sequence[TopicPartition], ends: Ends
    ) -> None:
        self._life = life
        self._servers = list(servers)
        self._places = list(places)
        self._ends = ends

    async def run(self, beat: Beat) -> None:
        """The loop, for `Life.spawn`."""
        failures = 0
        while not await self._stops_within(_PAUSE_SECONDS):
            beat.touch()
            failures = 0 if await self._answered(self._ends) else failures + 1
            beat.touch()
            if failures >= _FAILURES and await self._answered(self._newcomer):
                raise StuckClientError(
                    f"asked {failures} times, this client got no answer from Kafka at "
                    f"{','.join(self._servers)}, while a new one did at once"
                )

    async def _stops_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._life.stopping.wait()
        return self._life.stopping.is_set()

    async def _answered(self, ends: Ends) -> bool:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await ends()
        except (KafkaError, OSError, TimeoutError) as error:
            log.info("the bus does not answer", reason=repr(error))
            return False
        return True

    async def _newcomer(self) -> Mapping[TopicPartition, int]:
        """The same question from a client that was just made."""
        client = AIOKafkaConsumer(bootstrap_servers=self._servers, client_id="bus-watch", **client_options())
        try:
            await client.start()
            found: Mapping[TopicPartition, int] = await client.end_offsets(self._places)
            return found
        finally:
            await client.stop()
