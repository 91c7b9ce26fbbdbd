"""A domain service: the engine with its HTTP interface. Each service is little more than its lifecycle."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from shared.contracts.envelope import Event
from shared.runtime import health, problem
from shared.runtime.http_limits import BodyLimits
from shared.runtime.ledger import api, deadline_api, listing
from shared.runtime.ledger.engine import Engine, open_engine
from shared.runtime.ledger.lifecycle import Lifecycle
from shared.runtime.ledger.settings import LedgerSettings
from shared.runtime.life import Life, Service, main

VERSION = "1.0.0"

Extend = Callable[[FastAPI, api.GetEngine], None]
"""Adds the routes that only one module has."""


def _nothing_more(_app: FastAPI, _get: api.GetEngine) -> None:
    return


def make_app(
    module: str, get: api.GetEngine, life: Life | None = None, extend: Extend = _nothing_more
) -> FastAPI:
    """The application of `module`; `get` gives the engine once a request comes."""
    app = FastAPI(
        title=f"Scoring bus: {module}",
        version=VERSION,
        description=f"Takes in facts of {module}, keeps the ledger, and emits {module}.events.",
    )
    problem.install(app)
    app.add_middleware(BodyLimits)

    async def status() -> dict[str, Any]:
        return await get().status()

    health.install(app, life or Life(), status)
    api.add_entrance(app, get)
    listing.add_listing(app, get)
    deadline_api.add_deadline(app, get)
    api.add_reading(app, get)
    api.add_operation(app, get)
    extend(app, get)

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            model = Event.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(model.pop("$defs", {}))
            schemas.setdefault("Event", model)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
    return app


def describe(module: str, extend: Extend = _nothing_more) -> dict[str, Any]:
    """The OpenAPI document of `module`; nothing is connected to."""

    def never() -> Engine:
        raise RuntimeError("an application that only describes itself takes no requests")

    return make_app(module, never, extend=extend).openapi()


def service(
    settings: LedgerSettings,
    lifecycle: Lifecycle,
    register: Collection[str],
    extend: Extend = _nothing_more,
) -> Service:
    """What `life.main` runs."""

    @asynccontextmanager
    async def opened(life: Life) -> AsyncIterator[FastAPI]:
        async with open_engine(life, settings, lifecycle, register) as engine:
            yield make_app(lifecycle.module, lambda: engine, life, extend)

    return opened


def run(
    settings: LedgerSettings,
    lifecycle: Lifecycle,
    register: Collection[str],
    extend: Extend = _nothing_more,
) -> int:
    """Run the service until it is asked to stop; answers the exit code."""
    return main(lifecycle.module, settings, service(settings, lifecycle, register, extend))
