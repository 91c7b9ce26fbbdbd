"""What agencies contest, on their page, and the forms by which an officer decides about it.

The content service knows what may follow what; here a form becomes its call.
"""

import json
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Form, Request
from fastapi.responses import RedirectResponse

from services.report.dashboard.shell import Desk, Visit, localised, visit
from services.report.session_api import require_officer
from services.report.upstream import UpstreamError, listed, path
from shared.runtime.problem import ProblemError

MAX_SHOWN = 20
MAX_COUNTED = 500
FRESH_SECONDS = 10.0
OPEN = ("submitted", "taken_up")
RULINGS = {"uphold": "upheld", "dismiss": "dismissed"}
ACTIONS = ("take-up", *RULINGS)


async def panel(at: Visit, agency: str) -> str:
    """The disputes of an agency, those that moved last first."""
    try:
        answer = await at.desk.upstream.get(
            "content", path("disputes"), {"agency": agency, "limit": MAX_SHOWN}
        )
    except UpstreamError as error:
        if not error.missing:
            raise
        answer = {"disputes": []}
    return at.draw("agency_disputes", disputes=listed("content", answer, "disputes"), agency=agency)


async def open_disputes(desk: Desk) -> dict[str, int] | None:
    """Agency → its disputes that nobody has decided; None where the service does not tell."""
    found: dict[str, int] = {}
    for status in OPEN:
        try:
            answer = await desk.upstream.get(
                "content", path("disputes"), {"status": status, "limit": MAX_COUNTED}, fresh_s=FRESH_SECONDS
            )
        except UpstreamError:
            return None
        for one in listed("content", answer, "disputes"):
            found[one["agency"]] = found.get(one["agency"], 0) + 1
    return found


def decision_of(
    known: dict[str, Any], officer: str, ruling: str, reason: str, retract: bool, points: str
) -> dict[str, Any]:
    """The body of a decision, from a form and the dispute that it is about."""
    corrections: list[dict[str, Any]] = []
    if ruling == "upheld" and retract and known["fact"]:
        corrections.append({"type": "fact.retracted", "data": {"retracts": known["fact"]}})
    if ruling == "upheld" and points.strip() and known["criterion"] and known["period"]:
        judged = {
            "period": known["period"],
            "criterion": known["criterion"],
            "points": points.strip().replace(",", "."),
        }
        corrections.append({"type": "assessment.recorded", "data": judged})
    return {"officer": officer, "ruling": ruling, "reason": reason, "corrections": corrections}


def install(app: FastAPI, desk: Desk, language: str) -> None:
    """Add the officers' steps of one language."""

    @app.post(f"/actions/{language}/dispute", include_in_schema=False)
    async def step(
        request: Request,
        agency: str = Form(max_length=80),
        dispute: str = Form(max_length=64),
        action: str = Form(max_length=10),
        reason: str = Form("", max_length=4_000),
        retract: str = Form("", max_length=1),
        points: str = Form("", max_length=7),
    ) -> RedirectResponse:
        officer = await require_officer(desk, request)
        if action not in ACTIONS:
            raise ProblemError(422, "action", f"Choose one of {', '.join(ACTIONS)}.")
        try:
            if action == "take-up":
                body: dict[str, Any] = {"officer": officer}
                where = path("disputes", agency, dispute, "take-up")
            else:
                known = await desk.upstream.get("content", path("disputes", agency, dispute))
                body = decision_of(known, officer, RULINGS[action], reason, bool(retract), points)
                where = path("disputes", agency, dispute, "decide")
            await desk.upstream.post("content", where, body, operator=True)
        except UpstreamError as error:
            return back(language, agency, problem=" ".join([error.detail, *error.errors]))
        at = await visit(desk, request, "agency", language)
        if at.officer:
            await desk.accounts.record(
                at.officer, f"dispute.{action}", f"{agency}/{dispute}", json.dumps(body)
            )
        return back(language, agency, told=action)


def back(language: str, agency: str, **query: str) -> RedirectResponse:
    """To the agency's page, with what is to be told there."""
    # A path of our own: what the form says about the agency cannot lead elsewhere.
    address = localised("/agency/" + path(agency).removeprefix("/v1/"), language)
    return RedirectResponse(f"{address}?{urlencode(query)}", 303)
