"""Attacks on the dashboard's own doors, each with its guard and with it taken out."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI, Request

from services.report import accounts, session_api, webhook_api, webhooks
from services.report.accounts import COOKIE, FREE_FAILURES, Accounts, Officer
from services.report.feed import Feed
from services.report.settings import ReportSettings
from services.report.webhooks import Webhooks
from shared.runtime import audit_trail, problem
from shared.runtime.access import Sealer
from shared.runtime.migrate import migrate
from shared.runtime.postgres import Pool, open_pool

pytestmark = pytest.mark.anyio
Patch = pytest.MonkeyPatch
SUBSCRIBE = {"name": "kho", "url": "http://127.0.0.1:9/", "topics": ["score.changes"]}


@dataclass
class Office:
    pool: Pool
    accounts: Accounts
    browser: httpx.AsyncClient
    password: str

    async def signed_in(self, role: str) -> dict[str, str]:
        """The cookie of somebody of a role."""
        await self.pool.execute(
            "INSERT INTO account (name, role, password_hash) VALUES ('an', $1, $2) ON CONFLICT DO NOTHING",
            role, accounts._hasher.hash(self.password),
        )  # fmt: skip
        await self.pool.execute("UPDATE account SET role = $1, failures = 0, locked_until = NULL", role)
        self.accounts._remembered.clear()
        token = await self.accounts.sign_in("an", self.password)
        assert token is not None
        return {"cookie": f"{COOKIE}={token}"}


@asynccontextmanager
async def office(url: str) -> AsyncIterator[Office]:
    """The dashboard's addresses for programs and for signing in, on a real database."""
    async with open_pool(url, application="dashboard", size=4) as pool:
        async with pool.acquire() as connection:
            await migrate(connection, accounts.MIGRATIONS)
            await audit_trail.prepare_schema(connection, [])
        feed = Feed(pool, 30)
        await feed.open()
        hooks = Webhooks(pool, feed, Sealer(b"k" * 32), dict, private_targets=False)
        settings = ReportSettings.model_validate({"kafka": "127.0.0.1:9", "database": url, "port": 1})
        book = Accounts(pool)
        desk = cast(Any, SimpleNamespace(settings=settings, accounts=book, webhooks=hooks))
        app = FastAPI()
        problem.install(app)
        session_api.install(app, desk)
        webhook_api.install(app, desk)

        @app.post("/confirm")
        async def confirm(request: Request) -> dict[str, str]:
            return {"by": await session_api.require_officer(desk, request, "approver")}

        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://report") as browser:
            yield Office(pool, book, browser, secrets.token_urlsafe(16))
        await hooks.close()


async def form_of_another_site(at: Office) -> bool:
    """An officer's browser is made to send a form from a foreign page."""
    who = await at.signed_in("officer")
    answer = await at.browser.post("/session/end", headers={**who, "origin": "https://elsewhere.example"})
    return answer.status_code != 403


async def officer_as_administrator(at: Office) -> bool:
    who = await at.signed_in("officer")
    answer = await at.browser.post(
        "/v1/webhooks", json={**SUBSCRIBE, "url": "https://93.184.215.14/"}, headers=who
    )
    return answer.status_code != 403


async def officer_as_approver(at: Office) -> bool:
    who = await at.signed_in("officer")
    return (await at.browser.post("/confirm", headers=who)).status_code != 403


async def reader_as_officer(at: Office) -> bool:
    who = await at.signed_in("viewer")
    return (await at.browser.get("/v1/webhooks", headers=who)).status_code != 403


async def way_out_after_signing_in(at: Office) -> bool:
    await at.signed_in("officer")
    form = {"name": "an", "password": at.password, "next": "//elsewhere.example/"}
    answer = await at.browser.post("/session", data=form)
    return "elsewhere.example" in answer.headers["location"]


async def guessing_on_and_on(at: Office) -> bool:
    """A dictionary that holds the right password at last."""
    await at.signed_in("officer")
    for guess in range(FREE_FAILURES + 1):
        assert await at.accounts.sign_in("an", f"guess {guess}") is None
    return await at.accounts.sign_in("an", at.password) is not None


async def webhook_into_our_own_network(at: Office) -> bool:
    """A subscription that makes the service call what only it can reach."""
    who = await at.signed_in("administrator")
    return (await at.browser.post("/v1/webhooks", json=SUBSCRIBE, headers=who)).status_code == 201


async def nothing(*_: Any) -> None:
    return


def without_origin(patch: Patch) -> None:
    patch.setattr(session_api, "same_origin", lambda *_: True)


def without_roles(patch: Patch) -> None:
    patch.setattr(Officer, "may", lambda *_: True)


def without_inside(patch: Patch) -> None:
    patch.setattr(session_api, "inside", lambda target: target)


def without_waits(patch: Patch) -> None:
    patch.setattr(accounts, "lock_seconds", lambda *_: 0)


def without_private_targets(patch: Patch) -> None:
    patch.setattr(webhooks, "refuse_private", nothing)


CASES: tuple[tuple[Callable[[Office], Awaitable[bool]], Callable[[Patch], None]], ...] = (
    (form_of_another_site, without_origin),
    (officer_as_administrator, without_roles),
    (officer_as_approver, without_roles),
    (reader_as_officer, without_roles),
    (way_out_after_signing_in, without_inside),
    (guessing_on_and_on, without_waits),
    (webhook_into_our_own_network, without_private_targets),
)


@pytest.mark.parametrize(("attack", "guard"), CASES, ids=lambda value: value.__name__)
async def test_a_guard_stops_an_attack_and_nothing_else_does(
    attack: Callable[[Office], Awaitable[bool]],
    guard: Callable[[Patch], None],
    empty_postgres_url: str,
    monkeypatch: Patch,
) -> None:
    async with office(empty_postgres_url) as at:
        assert not await attack(at)
        guard(monkeypatch)
        assert await attack(at)
