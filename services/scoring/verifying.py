"""Verifying a seal: the kept texts, the bus, the points, the list of adjustments, and the counts themselves.

document   the SHA-256 of the kept document is the sealed one
inputs     the same for the rules and agencies kept beside it
topic      the record on `periods` says the same (for the newest seal)
points     every point follows from its counts under the kept rules, every sum from its parts
published  the published scores are the sealed ones (while the period is closed)
list       from the first seal on, every arrival stands on the one before it
counts     counted from scratch out of the contributions, without what is on the list, the counts are
           those of the seal
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import date
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.scoring import period_store, recount, sealing
from services.scoring.fold import read_epoch
from services.scoring.late import criteria_of
from services.scoring.publish import canonical
from services.scoring.score import Document
from services.scoring.scorer import Book
from services.scoring.store import quarter_number
from services.scoring.vocabulary import Vocabulary
from shared.calendar.periods import Period
from shared.contracts.topics import partition_of
from shared.runtime.kafka_security import client_options
from shared.runtime.postgres import Connection, Pool, Record
from shared.runtime.problem import ProblemError

TopicReader = Callable[[str], Awaitable[Document | None]]
"""Answers the newest record of a period on `periods`, or None when there is none."""

_READ_SECONDS = 10.0
_SHOWN = 20
"""Faults named by one check: whoever sees twenty looks further by himself."""


class Verifier:
    """Verifies seals. `read_topic` is left out where there is no bus; then that check says so."""

    def __init__(
        self, pool: Pool, vocabulary: Vocabulary, book: Book, read_topic: TopicReader | None
    ) -> None:
        self._pool = pool
        self._vocabulary = vocabulary
        self._book = book
        self._read_topic = read_topic

    async def verify(self, period: Period, number: int | None = None) -> Document:
        """Every check of a seal (the newest one when no number is given).

        Raises ProblemError 404 (no such seal), 409 (facts are being counted just now).
        """
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            row = await period_store.seal(connection, period.name, number)
            first = await period_store.seal(connection, period.name, 1)
            if row is None or first is None:
                raise ProblemError(404, "no-seal", f"{period.name} has no such seal.")
            await self._settled(connection, period)
            published = await _published(connection, row)
            listed, ends = walk(first, await period_store.chain(connection, period.name))
            days = await self._days(connection, period, first, ends)
            marks = await recount.marks_until(connection, self._vocabulary, period)
        checks = [
            _check("document", _differs(row["document"], row["sha256"])),
            _check("inputs", _differs(row["inputs"], row["inputs_sha256"])),
            _check("topic", await self._topic(row)),
            _check("points", await asyncio.to_thread(sealing.faults, row["document"], row["inputs"])),
            _check("published", published),
            _check("list", listed),
            _check("counts", await asyncio.to_thread(self._counts, period, ends, days, marks)),
        ]
        return {
            **period_store.seal_shown(row),
            "valid": all(check["holds"] for check in checks),
            "computed": sealing.sha256(row["document"]),
            "checks": checks,
        }

    # ------------------------------------------------------------------------------------------ bus

    async def _topic(self, row: Record) -> list[str]:
        if self._read_topic is None:
            return []
        async with self._pool.acquire() as connection:
            newest = await period_store.seal(connection, row["period"], None)
        if newest is not None and newest["number"] != row["number"]:
            return []
        told = await self._read_topic(row["period"])
        if told is None:
            return ["the record is not on the topic `periods` yet"]
        same = told.get("sha256") == row["sha256"] and told.get("seal") == row["number"]
        return [] if same else [f"the topic tells seal {told.get('seal')} with {told.get('sha256')}"]

    # --------------------------------------------------------------------------------------- counts

    def _counts(
        self, period: Period, ends: Mapping[str, str], days: Mapping[str, date], marks: list[Record]
    ) -> list[str]:
        """What is counted from scratch is where the list ends."""
        everyone = self._book.agencies.scored_in(period.window)
        scored = {
            name: (everyone[name], self._book.rule_sets(everyone[name], period))
            for name in ends
            if name in everyone
        }
        named = self._book.names(period.window)
        made = recount.scores_from(marks, self._vocabulary, period, scored, named, days)
        found = [f"{name} is not in the register any more" for name in sorted(ends.keys() - scored.keys())]
        for name, content in made.items():
            found += _differences(name, ends[name], content)
        return found[:_SHOWN]

    async def _settled(self, connection: Connection, period: Period) -> None:
        unsettled = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM dirty WHERE quarter = $1 OR (onward AND quarter <= $1))",
            quarter_number(period),
        )
        if unsettled or (await read_epoch(connection)).until:
            raise ProblemError(
                409, "unsettled", "Facts of this period are being counted just now; verify again in a moment."
            )

    async def _days(
        self, connection: Connection, period: Period, first: Record, agencies: Iterable[str]
    ) -> dict[str, date]:
        """Up to which day each agency's window had begun when its counts were last looked at."""
        sealed = date.fromisoformat(msgspec.json.decode(first["inputs"])["day"])
        looked = await period_store.counted(connection, period.name)
        return {name: looked[name][0] if name in looked else sealed for name in agencies}


def walk(first: Mapping[str, Any], arrivals: Iterable[Mapping[str, Any]]) -> tuple[list[str], dict[str, str]]:
    """Follow the list from the first seal; answers what is broken, and the score each agency ends with."""
    document: Document = msgspec.json.decode(first["document"])
    ends: dict[str, str] = {score["agency"]: canonical(score) for score in document["scores"]}
    found: list[str] = []
    for row in arrivals:
        if row["before"] != ends.get(row["agency"]):
            found.append(f"adjustment {row['number']} does not stand on what came before it")
        ends[row["agency"]] = row["after"]
    return found[:_SHOWN], ends


def _check(name: str, faults: list[str]) -> Document:
    return {"check": name, "holds": not faults, "faults": faults}


def _differs(text: str, sealed: str) -> list[str]:
    found = sealing.sha256(text)
    return [] if found == sealed else [f"its SHA-256 is {found}, the sealed one {sealed}"]


async def _published(connection: Connection, row: Record) -> list[str]:
    """While the period is closed under this seal, what is published is what is sealed."""
    life = await period_store.one_life(connection, row["period"])
    if life is None or life.state != "closed" or life.seals != row["number"]:
        return []
    rows = await connection.fetch(
        "SELECT agency, content FROM score_published WHERE period = $1", life.period
    )
    text = sealing.sealed_text(life.period, {one["agency"]: one["content"] for one in rows})
    return _differs(text, row["sha256"])


def _differences(agency: str, listed: str, made: str) -> list[str]:
    if listed == made:
        return []
    old, new = criteria_of(msgspec.json.decode(listed)), criteria_of(msgspec.json.decode(made))
    places = sorted(place for place in old.keys() | new.keys() if old.get(place) != new.get(place))
    return [
        f"{agency}: {module}/{criterion} counts {_shown(new, module, criterion)}, the list ends with "
        f"{_shown(old, module, criterion)}"
        for module, criterion in places
    ] or [f"{agency}: the score is put together differently"]


def _shown(criteria: Mapping[tuple[str, str], Document], module: str, criterion: str) -> str:
    found = criteria.get((module, criterion))
    return "nothing" if found is None else msgspec.json.encode(found["indicators"]).decode()


def topic_reader(servers: list[str], partitions: int) -> TopicReader:
    """Reads `periods` on the bus. Raises ProblemError 503 while the bus cannot be read."""

    async def read(period: str) -> Document | None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=servers,
            client_id="scoring-verify",
            auto_offset_reset="earliest",
            **client_options(),
        )
        try:
            async with asyncio.timeout(_READ_SECONDS):
                await consumer.start()
                place = TopicPartition("periods", partition_of(period, partitions))
                return await _newest(consumer, place, period)
        except (KafkaError, TimeoutError) as error:
            raise ProblemError(503, "bus", f"The topic `periods` cannot be read: {error}.") from error
        finally:
            await consumer.stop()

    return read


async def _newest(consumer: AIOKafkaConsumer, place: TopicPartition, period: str) -> Document | None:
    consumer.assign([place])
    # Said outright: a new assignment looks for its own start at the same time, and would begin at the end.
    consumer.seek(place, (await consumer.beginning_offsets([place]))[place])
    end = (await consumer.end_offsets([place]))[place]
    newest: Document | None = None
    while await consumer.position(place) < end:
        fetched = await consumer.getmany(place, timeout_ms=500)
        for record in fetched.get(place, ()):
            if record.key == period.encode() and record.value is not None:
                newest = msgspec.json.decode(record.value)["data"]
    return newest
