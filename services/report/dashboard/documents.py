"""The report of a period, made and taken home from the period's page."""

from pathlib import PurePosixPath
from urllib.parse import quote, urlencode

from fastapi import FastAPI, File, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from services.report.dashboard.shell import Desk, Visit, localised, visit
from services.report.editions import MAX_EDITED_BYTES, EditionError, check_edited
from services.report.session_api import require_officer
from services.report.windows import BoardKey, board_key
from shared.runtime.problem import ProblemError

REDRAW_SECONDS = 3.0
_WHOLE = "full"
_TYPES = {
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pdf": "application/pdf",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".yaml": "application/yaml",
}


async def panel(at: Visit, key: BoardKey) -> str:
    """The newest edition's files, and for an officer the form to make another."""
    editions = at.desk.editions
    return at.draw(
        "period_documents", key=key, files=await editions.files(key), under_way=editions.under_way(key),
        told=editions.told(key), where=f"/documents/{quote(key.period)}/{_day(key)}", day=_day(key),
    )  # fmt: skip


def _day(key: BoardKey) -> str:
    return key.cut_off.isoformat() if key.cut_off else _WHOLE


def _key(period: str, last_day: str) -> BoardKey:
    try:
        return board_key(period, None if last_day == _WHOLE else last_day)
    except ValueError as error:
        raise ProblemError(422, "period", str(error)) from error


def install(app: FastAPI, desk: Desk, language: str) -> None:
    """Add the making of one language."""

    @app.post(f"/actions/{language}/report", include_in_schema=False)
    async def make(
        request: Request,
        period: str = Form(max_length=10),
        to: str = Form(_WHOLE, max_length=10),
        edited: UploadFile | None = File(None),  # noqa: B008 - read by the framework, not kept
    ) -> RedirectResponse:
        officer = await require_officer(desk, request)
        key = _key(period, to)
        at = await visit(desk, request, "period", language)
        handed_in = await edited.read(MAX_EDITED_BYTES + 1) if edited else b""
        query = {"period": key.period, "to": _day(key)}
        try:
            content = check_edited(handed_in) if handed_in else None
        except EditionError as error:
            query["problem"] = at.t("documents.not_word", problem=str(error))
        else:
            begun = desk.editions.begin(key, officer, content)
            query["told"] = "report" if begun else "report_under_way"
            if begun and at.officer:
                await desk.accounts.record(at.officer, "report.make", f"{key.period}/{_day(key)}")
        return RedirectResponse(f"{localised('/period', language)}?{urlencode(query)}", 303)


def install_files(app: FastAPI, desk: Desk) -> None:
    """Add the files' own addresses. A draft of the report is for officers."""

    @app.get("/documents/{period}/{last_day}/{name}", include_in_schema=False)
    async def file(request: Request, period: str, last_day: str, name: str) -> Response:
        await require_officer(desk, request)
        content = await desk.editions.content(_key(period, last_day), name)
        if content is None:
            raise ProblemError(404, "not-found", "No such file; make the report on the period's page.")
        kind = _TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")
        headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(content, media_type=kind, headers=headers)
