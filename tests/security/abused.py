"""Every service's HTTP interface on real sockets, in one thread of this process, to be abused by tests."""

import asyncio
import secrets
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import uvicorn
from fastapi import FastAPI

from services.content.disputes_api import disputes_of
from services.content.lifecycle import lifecycle as content
from services.dossier.lifecycle import lifecycle as dossier
from services.qa.lifecycle import lifecycle as qa
from services.report import accounts, session_api, webhook_api
from services.report.feed import Feed
from services.report.settings import ReportSettings
from services.report.webhooks import Webhooks
from services.scoring.app import open_book, service
from services.scoring.settings import ScoringSettings
from shared.runtime import audit_trail, problem
from shared.runtime.access import Sealer
from shared.runtime.http_limits import BodyLimits, PatientProtocol
from shared.runtime.ledger.lifecycle import Lifecycle
from shared.runtime.life import Life
from shared.runtime.migrate import migrate
from shared.runtime.postgres import open_pool
from tests.integration.scoring.rig import PARTITIONS
from tests.integration.scoring.test_service import make_topics
from tests.security.entrance import REGISTER, entrance

LEDGERS: dict[str, Callable[[], Lifecycle]] = {"content": content, "qa": qa, "dossier": dossier}
OFFICER = "an"
START_SECONDS = 60


class Abused:
    """Where the services listen; `cookie` is that of a signed-in administrator of the report service."""

    def __init__(self) -> None:
        self.urls: dict[str, str] = {}
        self.cookie = ""
        self.fault: BaseException | None = None


@contextmanager
def abused(admin_url: str, kafka: str, directory: Path) -> Iterator[Abused]:
    """All five, until the block ends."""
    found = Abused()
    ready = threading.Event()
    stop: list[Any] = []

    async def run() -> None:
        stopping = asyncio.Event()
        stop.extend((asyncio.get_running_loop(), stopping))
        async with AsyncExitStack() as stack:
            await make_topics(kafka)
            for module in LEDGERS:
                database = await stack.enter_async_context(_database(admin_url, module))
                place = directory / module
                place.mkdir()
                more = disputes_of(REGISTER) if module == "content" else None
                at = await stack.enter_async_context(entrance(database, place, LEDGERS[module](), more))
                await at.publisher("cong")
                found.urls[module] = await stack.enter_async_context(_serving(at.app))
            scoring = await stack.enter_async_context(_scoring(admin_url, kafka))
            found.urls["scoring"] = await stack.enter_async_context(_serving(scoring))
            report, found.cookie = await stack.enter_async_context(_report(admin_url, kafka))
            found.urls["report"] = await stack.enter_async_context(_serving(report))
            ready.set()
            await stopping.wait()

    def in_thread() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            found.fault = error
            ready.set()

    thread = threading.Thread(target=in_thread, name="abused", daemon=True)
    thread.start()
    assert ready.wait(START_SECONDS)
    if found.fault is not None:
        raise found.fault
    try:
        yield found
    finally:
        loop, stopping = stop
        loop.call_soon_threadsafe(stopping.set)
        thread.join(60)
    assert found.fault is None


@asynccontextmanager
async def _database(admin_url: str, name: str) -> AsyncIterator[str]:
    """A database of its own; yields its administrator's URL."""
    name = f"abused_{name}_{time.time_ns()}"
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
        yield urlunsplit(urlsplit(admin_url)._replace(path=f"/{name}"))
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@asynccontextmanager
async def _serving(app: FastAPI) -> AsyncIterator[str]:
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", http=PatientProtocol)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    # Signals belong to the test run.
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await task


@asynccontextmanager
async def _scoring(admin_url: str, kafka: str) -> AsyncIterator[FastAPI]:
    async with _database(admin_url, "scoring") as url:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE SCHEMA scoring")
        await audit_trail.prepare_schema(connection, [])
        await connection.close()
        own = f"{url}?options={quote('-csearch_path=scoring')}"
        settings = ScoringSettings.model_validate(
            {"kafka": kafka, "database": own, "port": 1, "partitions": PARTITIONS, "stall_seconds": 600}
        )
        life = Life()
        async with service(settings, open_book())(life) as app:
            yield app
            life.stopping.set()


@asynccontextmanager
async def _report(admin_url: str, kafka: str) -> AsyncIterator[tuple[FastAPI, str]]:
    """The report service's interface for programs, with a session of an administrator."""
    async with (
        _database(admin_url, "report") as url,
        open_pool(url, application="report", size=4) as pool,
    ):
        async with pool.acquire() as connection:
            await migrate(connection, accounts.MIGRATIONS)
            await audit_trail.prepare_schema(connection, [])
        settings = ReportSettings.model_validate({"kafka": kafka, "database": url, "port": 1})
        feed = Feed(pool, 30)
        await feed.open()
        webhooks = Webhooks(pool, feed, Sealer(b"k" * 32), dict, private_targets=False)
        desk = cast(
            Any, SimpleNamespace(settings=settings, accounts=accounts.Accounts(pool), webhooks=webhooks)
        )
        password = secrets.token_urlsafe(16)
        await pool.execute(
            "INSERT INTO account (name, role, password_hash) VALUES ($1, 'administrator', $2)",
            OFFICER, accounts._hasher.hash(password),
        )  # fmt: skip
        cookie = await desk.accounts.sign_in(OFFICER, password)
        assert cookie is not None
        app = FastAPI(title="Report service")
        problem.install(app)
        app.add_middleware(BodyLimits)
        session_api.install(app, desk)
        webhook_api.install(app, desk)
        yield app, cookie
        await webhooks.close()
