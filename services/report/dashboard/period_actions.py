"""What officers do about a period: the cut-off, proposing and confirming a close, reopening, adjustments.

The scoring service knows who may follow whom (two officers for every seal); here a form becomes its call.
"""

import json
from datetime import date
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from services.report.dashboard.fragments import sheet_problem
from services.report.dashboard.shell import Desk, localised, visit
from services.report.session_api import require_officer
from services.report.upstream import UpstreamError, path
from services.report.windows import board_key
from shared.runtime.problem import ProblemError

STEPS = {
    "close": ("close",),
    "confirm": ("confirm",),
    "withdraw": ("withdraw",),
    "reopen": ("reopen",),
    "accept": ("adjustments", "accept"),
    "refuse": ("adjustments", "refuse"),
}
REASONED = frozenset(STEPS) - {"confirm"}
MAX_NUMBERS = 2_000


def call_of(step: str, officer: str, reason: str, numbers: list[int]) -> dict[str, Any]:
    """The body that the scoring service expects for a step."""
    body: dict[str, Any] = {"officer": officer}
    if step in REASONED:
        body["reason"] = reason
    if step in ("accept", "refuse") and numbers:
        body["numbers"] = numbers
    return body


def install(app: FastAPI, desk: Desk, language: str) -> None:
    """Add the actions of one language."""

    def back(period: str, **query: str) -> RedirectResponse:
        address = localised("/period", language)
        return RedirectResponse(f"{address}?{urlencode({'period': period, **query})}", 303)

    @app.post(f"/actions/{language}/cut-off", include_in_schema=False)
    async def cut_off(
        request: Request, period: str = Form(max_length=10), last_day: str = Form("", max_length=10)
    ) -> RedirectResponse:
        officer = await require_officer(desk, request)
        at = await visit(desk, request, "period", language)
        await set_cut_off(desk, officer, period, last_day)
        if at.officer:
            await desk.accounts.record(at.officer, "cut-off", period, json.dumps({"last_day": last_day}))
        return back(period, told="cut_off")

    @app.post(f"/fragments/{language}/verify-seal", include_in_schema=False)
    async def verify(request: Request, period: str = Form(max_length=10)) -> HTMLResponse:
        at = await visit(desk, request, "sheet", language)
        try:
            found = await desk.upstream.post("scoring", path("periods", period, "verify-seal"), {})
        except UpstreamError as error:
            return sheet_problem(at, error, at.t("period.verify"))
        return HTMLResponse(at.draw("verified", found=found, period=period))

    @app.post(f"/actions/{language}/period", include_in_schema=False)
    async def step(
        request: Request,
        period: str = Form(max_length=10),
        action: str = Form(max_length=10),
        reason: str = Form("", max_length=500),
        number: list[int] = Form([], max_length=MAX_NUMBERS),  # noqa: B008 - read by the framework, not kept
    ) -> RedirectResponse:
        if action not in STEPS:
            raise ProblemError(422, "action", f"Choose one of {', '.join(STEPS)}.")
        confirms = action == "confirm" or (action == "close" and await _is_closing(desk, period))
        officer = await require_officer(desk, request, "approver" if confirms else "officer")
        body = call_of(action, officer, reason, number)
        try:
            await desk.upstream.post("scoring", path("periods", period, *STEPS[action]), body, operator=True)
        except UpstreamError as error:
            return back(period, problem=error.detail)
        at = await visit(desk, request, "period", language)
        if at.officer:
            await desk.accounts.record(at.officer, f"period.{action}", period, json.dumps(body))
        return back(period, told=action)


async def _is_closing(desk: Desk, period: str) -> bool:
    """Whether a close waits for its second officer: closing again would confirm it."""
    try:
        found = await desk.upstream.get("scoring", path("periods", period))
    except UpstreamError:
        return False
    return isinstance(found, dict) and found.get("state") == "closing"


async def set_cut_off(desk: Desk, officer: str, period: str, last_day: str) -> None:
    """Keep the last day that counts in a period; its own last day, or none, takes the setting away."""
    try:
        key = board_key(period, last_day or None)
    except ValueError as error:
        raise ProblemError(422, "cut-off", str(error)) from error
    if key.cut_off is None:
        await desk.pool.execute("DELETE FROM cut_off WHERE period = $1", period)
        desk.cut_offs.pop(period, None)
        return
    day: date = key.cut_off
    await desk.pool.execute(
        """INSERT INTO cut_off (period, last_day, set_by) VALUES ($1, $2, $3)
           ON CONFLICT (period) DO UPDATE SET last_day = $2, set_by = $3, set_at = now()""",
        period, day, officer,
    )  # fmt: skip
    desk.cut_offs[period] = day
