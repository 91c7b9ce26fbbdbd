"""HTTP of the webhooks: report services subscribe, look, replay and switch. For signed-in officers."""

from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from services.report.dashboard.shell import Desk
from services.report.session_api import require_officer
from services.report.webhooks import WebhookError
from shared.contracts.words import Agency, PublisherName
from shared.runtime.problem import ProblemError


class NewWebhook(BaseModel):
    """A subscription to make."""

    model_config = ConfigDict(extra="forbid")

    name: PublisherName
    url: str = Field(max_length=2_000)
    topics: list[str] = Field(default=["score.changes", "periods"], min_length=1, max_length=10)
    agencies: list[Agency] = Field(default=[], max_length=500, description="Empty: all.")
    position: int | None = Field(default=None, ge=0, description="Absent: from what comes next.")
    catch_up: bool = Field(default=False, description="Send every score as it stands first.")


class MadeWebhook(BaseModel):
    name: str
    key: str = Field(description="Verifies the deliveries; shown once.")


class Replay(BaseModel):
    position: int = Field(ge=0)


def _known(found: bool, name: str) -> dict[str, Any]:
    if not found:
        raise ProblemError(404, "unknown-webhook", f"There is no webhook {name}.")
    return {"name": name}


def install(app: FastAPI, desk: Desk) -> None:
    """Add `/v1/webhooks`."""

    @app.get("/v1/webhooks", tags=["webhooks"], summary="All subscriptions with their state")
    async def every(request: Request) -> dict[str, Any]:
        await require_officer(desk, request)
        return {"webhooks": await desk.webhooks.all()}

    @app.post("/v1/webhooks", tags=["webhooks"], status_code=201, summary="Subscribe")
    async def add(request: Request, wanted: NewWebhook) -> MadeWebhook:
        officer = await require_officer(desk, request, "administrator")
        try:
            key = await desk.webhooks.add(
                wanted.name, wanted.url, wanted.topics, wanted.agencies, officer,
                position=wanted.position, catch_up=wanted.catch_up,
            )  # fmt: skip
        except WebhookError as error:
            raise ProblemError(422, "webhook", str(error)) from error
        return MadeWebhook(name=wanted.name, key=key)

    @app.delete("/v1/webhooks/{name}", tags=["webhooks"], summary="Unsubscribe")
    async def remove(request: Request, name: str) -> dict[str, Any]:
        await require_officer(desk, request, "administrator")
        return _known(await desk.webhooks.remove(name), name)

    @app.post("/v1/webhooks/{name}/replay", tags=["webhooks"], summary="Deliver again from a position")
    async def replay(request: Request, name: str, wanted: Replay) -> dict[str, Any]:
        await require_officer(desk, request)
        return _known(await desk.webhooks.replay(name, wanted.position), name)

    @app.post("/v1/webhooks/{name}/{switch}", tags=["webhooks"], summary="Switch on or off")
    async def switch(request: Request, name: str, switch: str) -> dict[str, Any]:
        await require_officer(desk, request)
        if switch not in ("on", "off"):
            raise ProblemError(404, "unknown-switch", "Say on or off.")
        return _known(await desk.webhooks.switch(name, on=switch == "on"), name)
