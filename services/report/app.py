"""The report service: what it opens, which loops it runs, and its HTTP application."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Any, cast

from fastapi import FastAPI

from services.report import live_api, serving, session_api, webhook_api
from services.report.accounts import MIGRATIONS, Accounts
from services.report.bus import Record, Tail
from services.report.dashboard import pages
from services.report.dashboard.shell import Desk
from services.report.editions import Editions
from services.report.feed import Feed
from services.report.hub import Hub
from services.report.settings import ReportSettings
from services.report.upstream import Upstream
from services.report.view import TOPICS, View
from services.report.webhooks import Webhooks
from shared.runtime import health, logs, problem
from shared.runtime.access.sealing import Sealer
from shared.runtime.clock import system_clock
from shared.runtime.failpoints import Failpoints
from shared.runtime.http_limits import BodyLimits
from shared.runtime.life import Beat, Life
from shared.runtime.migrate import migrate
from shared.runtime.postgres import Pool, open_pool, persistently

log = logs.get(__name__)


async def _prepare_database(pool: Pool) -> None:
    async with pool.acquire() as connection:
        await migrate(connection, MIGRATIONS)


async def _cut_offs(pool: Pool, settings: ReportSettings) -> dict[str, date]:
    """The last days that count, by period: what the setting says, then what officers set."""
    rows = await pool.fetch("SELECT period, last_day FROM cut_off")
    return {**settings.cut_off_of, **{row["period"]: row["last_day"] for row in rows}}


async def make_desk(pool: Pool, settings: ReportSettings) -> tuple[Desk, Feed]:
    """Everything the pages use, wired together and not yet running."""
    view = View()
    feed = Feed(pool, settings.feed_days)
    await feed.open()

    def apply(batch: Sequence[Record]) -> None:
        view.apply(batch)
        feed.take(batch)

    bus = Tail(settings.kafka, TOPICS, apply, lambda: feed.full)
    upstream = Upstream(settings)
    sealer = Sealer.from_file(settings.master_key_file) if settings.master_key_file else None
    webhooks = Webhooks(
        pool, feed, sealer, view.current_scores, private_targets=settings.webhook_private_targets
    )
    clock = Failpoints(settings.failpoints, "report").clock(system_clock)
    desk = Desk(
        settings, view, upstream, Hub(view, upstream, bus, clock), bus, Accounts(pool), webhooks,
        pool, clock, await _cut_offs(pool, settings), Editions(pool, upstream.url("scoring"), clock),
    )  # fmt: skip
    return desk, feed


def make_app(desk: Desk, life: Life, feed: Feed) -> FastAPI:
    """The HTTP application: pages, live stream, actions, webhooks, health."""
    app = FastAPI(
        title="Report service",
        summary="Dashboard, live stream and webhooks of the scoring bus",
        docs_url=None,
        redoc_url=None,
    )
    problem.install(app)
    app.add_middleware(BodyLimits)

    async def detail() -> dict[str, Any]:
        return {
            "pending": desk.bus.behind + feed.pending,
            "records": desk.bus.records,
            "unreadable": desk.view.unreadable,
            "last_unreadable": desk.view.last_unreadable,
            "dashboards": len(desk.hub.followers),
            "frames_sent": desk.hub.frames_sent,
            "bus_reachable": desk.bus.reachable,
        }

    health.install(app, life, detail)
    life.require("bus", lambda: None if desk.bus.caught_up else "is reading the topics from their start")
    session_api.install(app, desk)
    webhook_api.install(app, desk)
    live_api.install(app, desk)
    pages.install(app, desk)
    return app


def describe_api() -> dict[str, Any]:
    """The OpenAPI document of what programs use: webhooks and health; nothing is connected to."""
    app = FastAPI(title="Report service", summary="Webhooks of the scoring bus")
    # The routes only close over the desk: an application that describes itself never looks into it.
    webhook_api.install(app, cast(Desk, None))
    return app.openapi()


Loop = Callable[[], Awaitable[None]]


def _until_stopped(life: Life, loop: Loop) -> Callable[[Beat], Awaitable[None]]:
    """Run an endless loop until the life stops. Such a loop waits on others by nature: it ends the process
    when it fails, not when it is quiet."""

    async def run(beat: Beat) -> None:
        beat.stall_seconds = float("inf")
        work = asyncio.ensure_future(loop())
        stopping = asyncio.ensure_future(life.stopping.wait())
        try:
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            stopping.cancel()
            work.cancel()
            await asyncio.gather(work, stopping, return_exceptions=True)

    return run


@asynccontextmanager
async def service(life: Life, settings: ReportSettings) -> AsyncIterator[FastAPI]:
    """Open the parts, run the loops, serve; on leaving, close everything."""
    async with open_pool(
        settings.database_url(), application="report", size=settings.database_connections
    ) as pool:
        await persistently(lambda: _prepare_database(pool))
        desk, feed = await make_desk(pool, settings)
        app = make_app(desk, life, feed)
        life.spawn("bus", _until_stopped(life, desk.bus.run))
        life.spawn("hub", _until_stopped(life, desk.hub.run))
        life.spawn("services", _until_stopped(life, desk.upstream.watch))
        life.spawn("feed", _until_stopped(life, feed.run))
        life.spawn("webhooks", _until_stopped(life, desk.webhooks.run))
        # NiceGUI starts and stops in the application's lifespan, which the server is told to leave alone.
        async with app.router.lifespan_context(app):
            server = serving.serve(life, settings, app)
            try:
                yield app
            finally:
                server.should_exit = True
                life.stopping.set()
                await life.finish(serving.CLOSE_SECONDS + 2.0)
                await desk.editions.close()
                await desk.webhooks.close()
                await desk.upstream.close()


async def live(settings: ReportSettings) -> int:
    """Run until asked to stop or until a loop fails; answers the exit code."""
    life = Life(settings.stall_seconds)
    with life.watched():
        try:
            async with service(life, settings):
                await life.run()
        except Exception as error:
            life.fail(error, "process")
    return life.exit_code()


def main() -> int:
    """The `__main__` of the service."""
    settings = ReportSettings()
    logs.configure("report", settings.log)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return asyncio.run(live(settings))
