"""(g) Dashboards: two hundred open ones at fifty changed scores a second.

The whole system runs. Facts come in at a steady rate all the time, in five stretches:

- without: no report service;
- overviews: the report service, and 200 open overviews, each with its page and both of its sockets;
- mixed: of those, 20 look at an agency's page and 10 at the list of what waits;
- browsers: three Chromium pages beside them (desktop, phone, wall), which say when they showed what; they
  and the crowd have the lowest priority, for officers' browsers run elsewhere than the services;
- without_again: the report service has stopped.

A dashboard is behind by the time from the instant that the scoring service gives a change (before it commits
it) to the frame's arrival that holds its revision or a later one. Scoring is measured as in `latency`, from
the send to the change on the bus; its ratio is that of a stretch to the mean of the two without dashboards.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import psutil
from aiokafka import AIOKafkaProducer

from bench import browsers
from bench.apart import Crowd, crowd
from bench.delays import behind, milliseconds, of_all
from bench.ingest import make_publisher
from bench.stage import Stage, Watched, ready, stage
from bench.traffic import PERIOD, Sent, Traffic

SERVICES = ("content", "qa", "dossier", "scoring")
BOARD = f"period={PERIOD}&to=full"
RATE = 50
DASHBOARDS = 200
AGENCY_PAGES = 20
WORK_PAGES = 10
LIMIT_S = 2.0
SETTLE_S = 5.0
LOOK_S = 0.5


def measure(seconds: int, port_base: int) -> dict[str, Any]:
    """Every stretch lasts so many seconds."""
    with stage(port_base) as on, ExitStack() as running:
        services = [running.enter_context(on.service(name)) for name in SERVICES]
        return asyncio.run(_measure(on, services, seconds))


async def _measure(on: Stage, services: list[Watched], seconds: int) -> dict[str, Any]:
    for service in services:
        await ready(service.address)
    traffic = Traffic(on.broker.address, await make_publisher(on))
    watching = asyncio.create_task(traffic.watch())
    try:
        async with AIOKafkaProducer(bootstrap_servers=traffic.bootstrap, acks="all", linger_ms=0) as producer:
            found = await _Run(on, services[-1], traffic, producer, seconds).all()
    finally:
        watching.cancel()
    return {
        "facts_per_s": RATE,
        "agencies": len({agency for _, agency in traffic.scored}),
        "seconds_each": seconds,
        **found,
    }


class _Run:
    """The stretches, one after the other."""

    def __init__(
        self, on: Stage, scoring: Watched, traffic: Traffic, producer: AIOKafkaProducer, seconds: int
    ) -> None:
        self._on = on
        self._scoring = scoring
        self._traffic = traffic
        self._producer = producer
        self._seconds = seconds
        self._without: list[float] = []

    async def all(self) -> dict[str, Any]:
        await self._traffic.all_seen(await self._traffic.send(self._producer, 2 * RATE, 6))
        found: dict[str, Any] = {"without": (await self._stretch(None))[1]}
        with self._on.service("report") as report:
            await ready(report.address)
            found.update(await self._with(report))
            found["report_peak_mib"] = round(report.peak_bytes / 2**20, 1)
        found["without_again"] = (await self._stretch(None))[1]
        for ours in ("p50_ms", "p99_ms"):
            bare = (found["without"]["scoring"][ours] + found["without_again"]["scoring"][ours]) / 2
            for name in ("overviews", "mixed", "browsers"):
                if name in found:
                    found[name]["scoring"][f"{ours[:3]}_ratio"] = round(
                        found[name]["scoring"][ours] / bare, 2
                    )
        return found

    async def _with(self, report: Watched) -> dict[str, Any]:
        found: dict[str, Any] = {"report_mib_before": round(report.look() / 2**20, 1)}
        overview = f"{report.address}/?{BOARD}"
        with crowd() as pages:
            async with _looking_at(report):
                cpu = report.cpu_seconds()
                took = await pages.open([(overview, BOARD)] * DASHBOARDS)
                spent = report.cpu_seconds() - cpu
                found["opening"] = {"seconds": round(took, 1), "cpu_seconds": round(spent, 1)}
                await asyncio.sleep(SETTLE_S)
                sent, found["overviews"] = await self._stretch(report, pages)
                found["overviews"]["dashboards"] = await self._behind(pages, sent)
                await self._exchange(pages, report.address)
                sent, found["mixed"] = await self._stretch(report, pages)
                found["mixed"]["dashboards"] = await self._behind(pages, sent)
                if program := browsers.chromium():
                    found["browsers"] = await self._in_browsers(report, overview, program, pages)
                found["connections_lost"] = await pages.lost()
        return found

    async def _exchange(self, pages: Crowd, address: str) -> None:
        """Some officers leave the overview for an agency's page or the list of what waits."""
        await pages.close(AGENCY_PAGES + WORK_PAGES)
        agencies = [agency for _, agency in self._traffic.scored][:AGENCY_PAGES]
        await pages.open([(f"{address}/agency/{name}?{BOARD}", "") for name in agencies])
        await pages.open([(f"{address}/work?{BOARD}", "")] * WORK_PAGES)
        await asyncio.sleep(SETTLE_S)

    async def _in_browsers(self, report: Watched, address: str, program: str, pages: Crowd) -> dict[str, Any]:
        async with browsers.looking(address, program) as documents:
            await asyncio.sleep(SETTLE_S)
            sent, found = await self._stretch(report, pages)
            found["dashboards"] = await self._behind(pages, sent)
            await asyncio.sleep(SETTLE_S)
            changes = self._traffic.changes_between(sent)
            seen = [await browsers.noted(page) for page in documents]
        each = [behind(changes, [note[:3] for note in notes]) for notes in seen]
        looked_at = [held for notes in seen for *_, held in notes if held is not None]
        found["documents"] = {
            **of_all(each, LIMIT_S),
            "cells_looked_at": len(looked_at),
            "cells_with_other_points": looked_at.count(False),
        }
        return found

    async def _stretch(
        self, report: Watched | None, pages: Crowd | None = None
    ) -> tuple[Sent, dict[str, Any]]:
        """Send for a while: scoring's own latency, and the processors that scoring and report take."""
        watched = {"scoring": self._scoring.process, "measuring": psutil.Process()}
        if report:
            watched["report"] = report.process
        if pages:
            watched["crowd"] = pages.process
            await pages.seen()
        before = {name: browsers.cpu_seconds(one) for name, one in watched.items()}
        in_browsers = browsers.cpu_of_browsers()
        begun = time.monotonic()
        sent = await self._traffic.send(self._producer, RATE, self._seconds)
        took = time.monotonic() - begun
        cores = {
            name: round((browsers.cpu_seconds(one) - before[name]) / took, 3) for name, one in watched.items()
        }
        if in_browsers:
            cores["browsers"] = round((browsers.cpu_of_browsers() - in_browsers) / took, 3)
        memory = {"report_mib": round(report.process.memory_info().rss / 2**20, 1)} if report else {}
        await self._traffic.all_seen(sent)
        changes = len(self._traffic.changes_between(sent))
        return sent, {
            "scoring": milliseconds(self._traffic.waits(sent)),
            "changes_per_s": round(changes / (sent.ended - sent.begun), 1),
            "cores": cores,
            **memory,
        }

    async def _behind(self, pages: Crowd, sent: Sent) -> dict[str, Any]:
        """How far the followers of the board were behind."""
        await asyncio.sleep(SETTLE_S)
        changes = self._traffic.changes_between(sent)
        return of_all([behind(changes, seen) for seen in await pages.seen()], LIMIT_S)


@asynccontextmanager
async def _looking_at(report: Watched) -> AsyncIterator[None]:
    """Look at the memory of the report service again and again."""

    async def look() -> None:
        while True:
            report.look()
            await asyncio.sleep(LOOK_S)

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        task.cancel()
