"""Facts at a steady rate that each move a score, and what became of them on `score.changes`.

Articles, questions and dossiers, each over the agencies that are scored on them: neighbours in time are of
different agencies, so that fifty facts a second are fifty changed scores a second. The rate is kept by the
clock (an open loop).
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.load import FIRST, SOURCE, encoded, signed_headers
from shared.calendar.periods import parse_period
from shared.register.register import Module, shipped_register

PERIOD = "2024-Q1"
DAYS = 80
LAST_WAIT_S = 30.0
MODULES: tuple[Module, ...] = ("content", "qa", "dossier")


Scored = tuple[Module, str]


def scored_agencies() -> list[Scored]:
    """Which agencies the quarter's register lists for which module."""
    window = parse_period(PERIOD).window
    register = shipped_register()
    return [
        (name, one.slug) for name in MODULES for one in register.eligible(name, window.first, window.last)
    ]


def fact(number: int, scored: Sequence[Scored]) -> tuple[Module, dict[str, Any]]:
    """The module and the event of one fact."""
    module, agency = scored[number % len(scored)]
    at = (FIRST + timedelta(days=number % DAYS, minutes=number % 480)).isoformat()
    name = f"wall-{number}"
    data: dict[str, Any] = {"agency": agency}
    if module == "content":
        what, subject = "article.published", f"article/{name}"
        data |= {"article_id": name, "title": f"Tin {name}", "url": f"https://example.vn/{name}"}
        data |= {"kind": "news", "published_at": at}
    elif module == "qa":
        what, subject = "question.received", f"question/{name}"
        data |= {"question_id": name, "received_at": at, "field": "Đất đai"}
    else:
        code = f"H38.1-240102-{number:07d}"
        what, subject = "dossier.received", f"dossier/{code}"
        data |= {"dossier_code": code, "procedure_code": "1.001234", "received_at": at}
        data["channel"] = "online" if number % 4 == 0 else "one_stop"
    event = {
        "specversion": "1.0", "id": name, "source": SOURCE, "type": f"vn.laocai.{what}.v1",
        "subject": subject, "time": at, "data": data,
    }  # fmt: skip
    return module, event


@dataclass(slots=True)
class Sent:
    """One stretch of sending: each fact's turn by id, and the instants between which all were sent."""

    turns: dict[str, float] = field(default_factory=dict)
    begun: float = 0.0
    ended: float = 0.0


@dataclass(slots=True)
class Traffic:
    """Sends facts, and watches the changes that they cause. All instants are those of the wall clock."""

    bootstrap: str
    key: bytes
    scored: list[Scored] = field(default_factory=scored_agencies)
    seen: dict[str, float] = field(default_factory=dict)
    """When a change that names this fact among its causes came to a subscriber of `score.changes`."""

    changes: dict[tuple[str, int], float] = field(default_factory=dict)
    """(agency, revision) → the instant that the scoring service gave the change, before it committed it."""

    _number: int = 0

    async def watch(self) -> None:
        """Follow `score.changes` until cancelled."""
        consumer = AIOKafkaConsumer(
            "score.changes",
            bootstrap_servers=self.bootstrap,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
        )
        await consumer.start()
        try:
            async for record in consumer:
                now, change = time.time(), json.loads(record.value)["data"]
                for cause in change["causes"]:
                    self.seen.setdefault(cause["id"], now)
                if change["period"] == PERIOD:
                    at = datetime.fromisoformat(change["at"]).timestamp()
                    self.changes.setdefault((change["agency"], change["revision"]), at)
        finally:
            await consumer.stop()

    async def send(self, producer: AIOKafkaProducer, rate: int, seconds: float) -> Sent:
        """Send `rate` facts a second for a while."""
        sent = Sent(begun=time.time())
        for place in range(int(rate * seconds)):
            turn = sent.begun + place / rate
            if (ahead := turn - time.time()) > 0:
                await asyncio.sleep(ahead)
            module, event = fact(self._number, self.scored)
            self._number += 1
            value = encoded(event)
            headers = [
                (name, text.encode()) for name, text in signed_headers(self.key, event["id"], value).items()
            ]
            sent.turns[event["id"]] = turn
            await producer.send(f"{module}.inbox", value, key=event["id"].encode(), headers=headers)
        sent.ended = time.time()
        return sent

    async def all_seen(self, sent: Sent) -> None:
        """Wait until every fact has moved its score. Raises RuntimeError when some do not."""
        give_up = time.monotonic() + LAST_WAIT_S
        while missing := sent.turns.keys() - self.seen.keys():
            if time.monotonic() > give_up:
                raise RuntimeError(
                    f"{len(missing)} of {len(sent.turns)} facts moved no score: {sorted(missing)[:5]}"
                )
            await asyncio.sleep(0.05)

    def waits(self, sent: Sent) -> list[float]:
        """Seconds from each fact's turn to its change."""
        return [self.seen[name] - turn for name, turn in sent.turns.items()]

    def changes_between(self, sent: Sent) -> Mapping[tuple[str, int], float]:
        """The changes that were made while `sent` was sent."""
        return {which: at for which, at in self.changes.items() if sent.begun <= at <= sent.ended}
