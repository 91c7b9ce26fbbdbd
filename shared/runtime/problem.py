"""Errors of the HTTP interfaces: RFC 9457 `application/problem+json`."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from shared.runtime import logs

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:vn.laocai:problem:"

log = logs.get(__name__)


class ProblemError(Exception):
    """A fault to answer as a problem document.

    `code` is stable and becomes the `type`; `detail` says what is wrong and what to do; `errors` point
    into the request with JSON pointers.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.headers = headers


def document(status: int, code: str, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> dict[str, Any]:
    """The problem document: type, title, status, detail, and errors when there are any."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + code,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = list(errors)
    return body


def respond(
    status: int,
    code: str,
    detail: str,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A response that carries the problem document."""
    return JSONResponse(
        document(status, code, detail, errors),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def pointer(location: Sequence[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a path: `("data", 0, "a/b")` → `/data/0/a~1b`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def install(app: FastAPI) -> None:
    """Make `app` answer every fault as a problem document."""

    @app.exception_handler(ProblemError)
    async def _ours(_request: Request, error: ProblemError) -> JSONResponse:
        return respond(error.status, error.code, error.detail, error.errors, error.headers)

    @app.exception_handler(RequestValidationError)
    async def _validation(_request: Request, error: RequestValidationError) -> JSONResponse:
        errors = [
            {"pointer": pointer(item["loc"]), "detail": str(item["msg"])} for item in error.errors()[:20]
        ]
        return respond(422, "request", "The request does not have the expected form.", errors)

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> JSONResponse:
        phrase = HTTPStatus(error.status_code).phrase
        code = phrase.lower().replace(" ", "-")
        return respond(error.status_code, code, str(error.detail or phrase), headers=error.headers)

    @app.exception_handler(asyncpg.DataError)
    async def _no_value(request: Request, error: asyncpg.DataError) -> JSONResponse:
        # A NUL in a text, a number beyond its column: the database says so, and it is the sender's to mend.
        log.warning("a value cannot be kept", path=request.url.path, reason=str(error))
        detail = "A value cannot be kept: a text with a NUL character, or a number that is too large."
        return respond(422, "value", detail)

    @app.exception_handler(ClientDisconnect)
    async def _gone(_request: Request, _error: ClientDisconnect) -> JSONResponse:
        # Nobody reads this answer; without it, every cut connection would be logged as a fault of ours.
        return respond(400, "cut", "The connection ended before the body did.")

    @app.exception_handler(Exception)
    async def _unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("request failed", method=request.method, path=request.url.path, exc_info=error)
        return respond(500, "unexpected", "An unexpected fault; the service has logged it.")
