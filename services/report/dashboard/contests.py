"""The form by which a person of an agency contests its score or a fact about it, or takes a dispute back."""

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Form, Request
from fastapi.responses import RedirectResponse

from services.report import contest
from services.report.accounts import Officer
from services.report.contest import Contest, Publisher
from services.report.dashboard.disputes import back
from services.report.dashboard.shell import Desk, Visit, visit
from services.report.upstream import UpstreamError, path
from shared.contracts.topics import MODULES
from shared.runtime.problem import ProblemError

Criterion = tuple[str, str]
"""`module/criterion`, and its title."""


def speaks(at: Visit, agency: str) -> bool:
    """Whether the reader is somebody of this agency."""
    return at.officer is not None and at.officer.speaks_for(agency)


def form(at: Visit, agency: str, criteria: Sequence[Criterion]) -> str:
    """The form, for somebody of the agency; nothing for anybody else.

    It is drawn once with the page and not again: what somebody writes must stay. The dispute's id is made
    here, so that sending the form twice submits one dispute.
    """
    if not speaks(at, agency):
        return ""
    return at.draw(
        "agency_contest", agency=agency, criteria=criteria, key=at.key,
        open=contest.publisher_of(at.desk.settings.dispute_key_file) is not None,
        dispute=f"bd-{at.desk.clock():%y%m%d}-{secrets.token_hex(4)}",
    )  # fmt: skip


async def _module_of(desk: Desk, agency: str, contested: Mapping[str, str]) -> str:
    """The module that keeps a fact about this agency. Raises UpstreamError."""
    for module in MODULES:
        try:
            found = await desk.upstream.get(module, path("facts"), contested)
        except UpstreamError as error:
            if not error.missing:
                raise
            continue
        if found["event"]["data"].get("agency") == agency:
            return str(module)
    raise UpstreamError("content", 404, contested["id"])


async def _author(desk: Desk, request: Request, agency: str) -> tuple[Officer, Publisher]:
    """Who submits, and who signs it. Raises ProblemError."""
    officer = await desk.accounts.officer_of(request)
    if officer is None:
        raise ProblemError(401, "signed-out", "Sign in first (POST /session).")
    if not officer.speaks_for(agency):
        raise ProblemError(403, "role", f"Only somebody of {agency} submits its disputes (role agency).")
    publisher = contest.publisher_of(desk.settings.dispute_key_file)
    if publisher is None:
        raise ProblemError(
            409, "no-publisher", "This dashboard has no key to submit disputes with: BUS_DISPUTE_KEY_FILE."
        )
    return officer, publisher


def install(app: FastAPI, desk: Desk, language: str) -> None:
    """Add the steps of an agency's people in one language."""

    async def known(agency: str, dispute: str) -> bool:
        try:
            await desk.upstream.get("content", path("disputes", agency, dispute))
        except UpstreamError as error:
            if error.missing:
                return False
            raise
        return True

    async def carried_out(
        officer: Officer, publisher: Publisher, event: dict[str, Any], agency: str, told: str
    ) -> RedirectResponse:
        await contest.send(desk.upstream, publisher, event, desk.clock())
        data = event["data"]
        await desk.accounts.record(
            officer, f"dispute.{told}", f"{agency}/{data['dispute_id']}", json.dumps(data)
        )
        return back(language, agency, told=told)

    @app.post(f"/actions/{language}/contest", include_in_schema=False)
    async def submit(
        request: Request,
        agency: str = Form(max_length=80),
        dispute: str = Form(max_length=64),
        claim: str = Form(min_length=1, max_length=4_000),
        period: str = Form(max_length=10),
        criterion: str = Form("", max_length=120),
        source: str = Form("", max_length=300),
        fact: str = Form("", max_length=300),
        evidence_url: str = Form("", max_length=2_000),
    ) -> RedirectResponse:
        officer, publisher = await _author(desk, request, agency)
        try:
            if await known(agency, dispute):
                return back(language, agency, told="submit")
            contested = {"source": source.strip(), "id": fact.strip()} if fact.strip() else None
            module = await _module_of(desk, agency, contested) if contested else None
            said = Contest(agency, dispute, claim, period, criterion, contested, module, evidence_url)
            event = contest.submitted(publisher.name, said, desk.clock())
            return await carried_out(officer, publisher, event, agency, "submit")
        except UpstreamError as error:
            return await _refused(desk, request, language, agency, error)

    @app.post(f"/actions/{language}/contest/withdraw", include_in_schema=False)
    async def withdraw(
        request: Request, agency: str = Form(max_length=80), dispute: str = Form(max_length=64)
    ) -> RedirectResponse:
        officer, publisher = await _author(desk, request, agency)
        event = contest.withdrawn(publisher.name, agency, dispute, desk.clock())
        try:
            return await carried_out(officer, publisher, event, agency, "withdraw")
        except UpstreamError as error:
            return await _refused(desk, request, language, agency, error)


async def _refused(
    desk: Desk, request: Request, language: str, agency: str, error: UpstreamError
) -> RedirectResponse:
    at = await visit(desk, request, "agency", language)
    words = at.t("dispute.no_such_fact") if error.missing else " ".join([error.detail, *error.errors])
    return back(language, agency, problem=words)
