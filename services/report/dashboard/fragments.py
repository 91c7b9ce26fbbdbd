"""Sheets that open over a page: a fact as sent, an entity's facts, a refused fact and what to do about it."""

import contextlib
import json
from typing import Any

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse

from services.report.dashboard.shell import Desk, Visit, visit
from services.report.session_api import require_officer
from services.report.upstream import UpstreamError, path
from shared.contracts.topics import MODULES
from shared.runtime.problem import ProblemError

_MODULE_OF_KIND = {"question": "qa", "dossier": "dossier", "procedure": "dossier"}
_WITH_DEADLINE = frozenset({"question", "dossier", "dispute"})
_ACTIONS = ("repair", "replay", "drop")
MAX_EVENT_CHARACTERS = 256 * 1024


def sheet_problem(at: Visit, error: UpstreamError, title: str) -> HTMLResponse:
    """A sheet that says why there is nothing to see."""
    name = "away" if error.away else "missing" if error.missing else "refused"
    words = at.t(f"part.{name}", service=at.t(f"service.{error.service}"), problem=error.detail)
    return HTMLResponse(at.draw("sheet_problem", text=words, title=title))


def agency_names(at: Visit) -> dict[str, str]:
    """Agency → its name in the visit's language."""
    english = at.language == "en"
    return {
        slug: (one.get("name_en") if english else None) or one["name"]
        for slug, one in at.desk.hub.agencies.items()
    }


async def find_fact(desk: Desk, source: str, id_: str) -> dict[str, Any]:
    """A fact from whichever domain service has it. Raises UpstreamError when none has."""
    missing = UpstreamError("content", 404, id_)
    for module in MODULES:
        try:
            found: dict[str, Any] = await desk.upstream.get(
                module, path("facts"), {"source": source, "id": id_}
            )
            return found
        except UpstreamError as error:
            if not error.missing:
                raise
            missing = error
    raise missing


def install(app: FastAPI, desk: Desk, language: str) -> None:
    """Add the sheets of one language under /fragments/<language>."""
    base = f"/fragments/{language}"

    @app.get(base + "/entity/{kind}", include_in_schema=False)
    async def entity(request: Request, kind: str, entity: str, agency: str) -> HTMLResponse:
        at = await visit(desk, request, "sheet", language)
        service = _MODULE_OF_KIND.get(kind, "content")
        try:
            answer = await desk.upstream.get(
                service, path("entities", kind, entity, "facts"), {"agency": agency}
            )
        except UpstreamError as error:
            return sheet_problem(at, error, entity)
        deadline = await _deadline(desk, service, kind, entity, agency)
        return HTMLResponse(at.draw("entity", answer=answer, names=agency_names(at), deadline=deadline))

    @app.get(base + "/fact", include_in_schema=False)
    async def fact(request: Request, source: str, id: str) -> HTMLResponse:
        at = await visit(desk, request, "sheet", language)
        try:
            answer = await find_fact(desk, source, id)
        except UpstreamError as error:
            return sheet_problem(at, error, id)
        return HTMLResponse(at.draw("fact_sheet", answer=answer))

    @app.get(base + "/rejection/{module}/{number}", include_in_schema=False)
    async def rejection(request: Request, module: str, number: int) -> HTMLResponse:
        at = await visit(desk, request, "sheet", language)
        return await _rejection(at, module, number)

    @app.post(base + "/rejection/{module}/{number}/settle", include_in_schema=False)
    async def settle(
        request: Request,
        module: str,
        number: int,
        action: str = Form(max_length=10),
        event: str = Form("", max_length=MAX_EVENT_CHARACTERS),
        note: str = Form("", max_length=500),
    ) -> HTMLResponse:
        officer = await require_officer(desk, request)
        at = await visit(desk, request, "sheet", language)
        if action not in _ACTIONS:
            raise ProblemError(422, "action", f"Choose one of {', '.join(_ACTIONS)}.")
        body: dict[str, Any] = {"by": officer, "note": note or None}
        if action == "repair":
            try:
                body["event"] = json.loads(event)
            except ValueError as error:
                return await _rejection(at, module, number, problem=at.t("ops.not_json", problem=str(error)))
        try:
            await desk.upstream.post(module, path("rejections", str(number), action), body, operator=True)
        except UpstreamError as error:
            return await _rejection(at, module, number, problem=error.detail)
        if at.officer:
            await desk.accounts.record(at.officer, f"rejection.{action}", f"{module}/{number}")
        return await _rejection(at, module, number, done=at.t(f"ops.done_{action}"))


async def _deadline(desk: Desk, service: str, kind: str, entity: str, agency: str) -> dict[str, Any] | None:
    """The steps of an entity's deadline; None where no clock ran, or the service cannot tell."""
    if kind not in _WITH_DEADLINE:
        return None
    try:
        found: dict[str, Any] = await desk.upstream.get(
            service, path("entities", kind, entity, "deadline"), {"agency": agency}
        )
    except UpstreamError:
        return None
    return found


async def _rejection(
    at: Visit, module: str, number: int, *, problem: str = "", done: str = ""
) -> HTMLResponse:
    if module not in MODULES:
        raise ProblemError(404, "not-found", f"There is no service {module}.")
    try:
        one = await at.desk.upstream.get(module, path("rejections", str(number)))
    except UpstreamError as error:
        return sheet_problem(at, error, at.t("ops.rejection", n=number))
    original = str(one.get("payload") or one.get("payload_base64") or "")
    # What is not JSON is shown as it came.
    with contextlib.suppress(ValueError):
        original = json.dumps(json.loads(original), ensure_ascii=False, indent=1)
    return HTMLResponse(
        at.draw("rejection", one=one, module=module, original=original, problem=problem, done=done)
    )
