"""Operations: services, rates, refused facts with their originals, silent publishers, webhooks."""

import asyncio
import statistics
import time
from collections import Counter, deque
from datetime import datetime, timedelta
from typing import Any

from fastapi import FastAPI, Form, Request
from fastapi.responses import RedirectResponse
from nicegui import ui
from prometheus_client.parser import text_string_to_metric_families

from services.report.dashboard.livepart import part
from services.report.dashboard.render import PAGE_LANGUAGE
from services.report.dashboard.shell import Desk, Visit, frame, localised, markup, visit
from services.report.session_api import require_officer
from services.report.upstream import SERVICES, UpstreamError, listed, path
from shared.contracts.topics import MODULES

SILENT_AFTER = timedelta(days=7)
MAX_REJECTIONS = 100
SERVICES_SECONDS = 3.0
LISTS_SECONDS = 10.0
RATE_SECONDS = 10.0
_METRICS = ("bus_lag_records", "bus_records_read", "bus_records_sent")


class Rates:
    """Records per second by topic over the last ten seconds, from counters that only grow."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, Counter[str]]] = deque()

    def sample(self, counters: Counter[str], now: float) -> dict[str, float]:
        """Take a sample; answers rates against the oldest one kept."""
        self._samples.append((now, counters.copy()))
        while len(self._samples) > 2 and now - self._samples[0][0] > RATE_SECONDS:
            self._samples.popleft()
        then, old = self._samples[0]
        elapsed = now - then
        return {
            topic: (count - old[topic]) / elapsed if elapsed > 0 else 0.0 for topic, count in counters.items()
        }


def metric_sums(text: str) -> dict[str, float]:
    """The metrics that the page shows, summed over their labels. Unreadable text gives nothing."""
    found: dict[str, float] = {}
    try:
        for family in text_string_to_metric_families(text):
            if family.name in _METRICS:
                found[family.name] = sum(
                    sample.value for sample in family.samples if not sample.name.endswith("_created")
                )
    except ValueError:
        return {}
    return found


class OperationsPage:
    """Draws the parts of the page."""

    def __init__(self, at: Visit, request: Request, rates: Rates) -> None:
        self.at = at
        self.publisher = request.query_params.get("publisher", "")
        self.reason = request.query_params.get("reason", "")
        self.refused_state = request.query_params.get("state", "parked")
        self._rates = rates

    async def services(self) -> str:
        """State, pending, lag and latency of every service; records per second by topic."""
        desk = self.at.desk
        states = []
        for name in SERVICES:
            state = desk.upstream.states[name]
            samples = sorted(state.samples)
            states.append({
                "state": state,
                "metrics": await self._metrics(name) if state.reachable else {},
                "p50": statistics.median(samples) if samples else None,
                "p95": samples[int(len(samples) * 0.95)] if samples else None,
            })  # fmt: skip
        return self.at.draw(
            "ops_services", states=states, desk=desk, view=desk.view,
            rates=self._rates.sample(desk.view.applied, time.monotonic()),
        )  # fmt: skip

    async def _metrics(self, name: str) -> dict[str, float]:
        try:
            return metric_sums(await self.at.desk.upstream.text(name, "/metrics"))
        except UpstreamError:
            return {}

    async def rejections(self) -> str:
        """Refused facts of all modules, newest first, under the chosen filters."""
        query = {
            "publisher": self.publisher or None,
            "reason": self.reason or None,
            "state": self.refused_state or None,
            "limit": MAX_REJECTIONS,
            "order": "newest",
        }
        answers = await asyncio.gather(*(self._refused(module, query) for module in MODULES))
        rows = [row for found, _ in answers for row in found]
        rows.sort(key=lambda row: str(row["last_seen"]), reverse=True)
        total = sum(total for _, total in answers)
        return self.at.draw("ops_rejections", rows=rows[:MAX_REJECTIONS], total=total)

    async def _refused(self, module: str, query: dict[str, Any]) -> tuple[list[dict[str, Any]], int]:
        """The newest of a module, and how many there are."""
        try:
            answer = await self.at.desk.upstream.get(module, path("rejections"), query, fresh_s=2.0)
        except UpstreamError as error:
            if error.missing:
                told = self._from_topic(module)
                return told, len(told)
            raise
        rows = [{**row, "module": module} for row in listed(module, answer, "rejections")]
        return rows, answer.get("total", len(rows))

    def _from_topic(self, module: str) -> list[dict[str, Any]]:
        """What the topic told, for a service that offers no list."""
        return [
            {**row, "module": module, "number": row["rejection"], "last_seen": row["at"].isoformat(),
             "state": "parked", "type": None, "count": 1}
            for row in self.at.desk.view.rejections
            if row.get("module") == module and self.publisher in ("", row.get("publisher"))
        ]  # fmt: skip

    async def publishers(self) -> str:
        """Who was heard from, the longest silent first."""
        now = self.at.desk.clock()
        rows = sorted(self.at.desk.view.publishers.values(), key=lambda one: (one.last_at or now, one.name))
        return self.at.draw(
            "ops_publishers", rows=rows, silent=lambda one: _is_silent(one.last_at, now), now=now
        )

    async def webhooks(self) -> str:
        """Subscriptions of report services with their state."""
        return self.at.draw("ops_webhooks", rows=await self.at.desk.webhooks.all())


def _is_silent(last_at: datetime | None, now: datetime) -> bool:
    return last_at is None or now - last_at > SILENT_AFTER


def install(app: FastAPI, desk: Desk, route: str, language: str) -> None:
    """Register the page under `route` and its actions."""
    rates = Rates()

    @ui.page(route, language=PAGE_LANGUAGE[language], response_timeout=20)
    async def operations(request: Request) -> None:
        at = await visit(desk, request, "operations", language)
        page = OperationsPage(at, request, rates)
        with frame(at, at.t("ops.title"), config={"scripts": ["dialogs.js"]}):
            await part(at, page.services, every_s=SERVICES_SECONDS)
            with ui.element("section").classes("panel"):
                markup(at.draw("ops_filter", page=page, publishers=sorted(desk.view.publishers)))
                await part(
                    at, page.rejections, concerns=lambda touched: touched.rejections, every_s=LISTS_SECONDS
                )
            with ui.element("div").classes("two"):
                with ui.element("section").classes("panel"):
                    await part(
                        at, page.publishers, concerns=lambda touched: touched.facts, every_s=LISTS_SECONDS
                    )
                with ui.element("section").classes("panel"):
                    await part(at, page.webhooks, every_s=LISTS_SECONDS)
            markup('<dialog id="sheet" aria-labelledby="sheet-title"></dialog>')

    @app.post(f"/actions/{language}/webhook", include_in_schema=False)
    async def webhook(
        request: Request,
        name: str = Form(max_length=80),
        action: str = Form(max_length=10),
        position: int = Form(0, ge=0),
    ) -> RedirectResponse:
        await require_officer(desk, request)
        if action == "replay":
            await desk.webhooks.replay(name, position)
        else:
            await desk.webhooks.switch(name, on=action == "on")
        at = await visit(desk, request, "operations", language)
        if at.officer:
            await desk.accounts.record(at.officer, f"webhook.{action}", name)
        return RedirectResponse(localised("/operations", language), 303)
