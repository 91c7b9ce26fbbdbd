"""Signing in and out, and keeping a closed dashboard closed."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.requests import HTTPConnection

from services.report import oidc_api
from services.report.accounts import COOKIE, SESSION_HOURS, Role
from services.report.dashboard.shell import Desk, localised
from shared.runtime.problem import ProblemError, respond

_ALWAYS_OPEN = (
    "/sign-in",
    "/en/sign-in",
    "/session",
    "/livez",
    "/readyz",
    "/metrics",
    "/v1/status",
    "/assets/",
)
_FRAMEWORK = "/_nicegui"
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""Everything comes from this service: the browser itself refuses any asset from elsewhere."""


def same_origin(request: HTTPConnection) -> bool:
    """Whether a browser sends this from one of our own pages (programs send no Origin)."""
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


async def may_read(desk: Desk, request: HTTPConnection) -> bool:
    """Whether the setting, or a session, lets this reader see the dashboard."""
    if desk.settings.reading == "open":
        return True
    token = request.cookies.get(COOKIE)
    return token is not None and await desk.accounts.officer_by(token) is not None


def inside(target: str) -> str:
    """Only a path of our own pages may follow a sign-in."""
    parts = urlsplit(target)
    safe = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc
    return target if safe else "/"


def install(app: FastAPI, desk: Desk) -> None:
    """Add the session's addresses and the guard in front of all others."""

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        path = request.url.path
        if request.method not in ("GET", "HEAD", "OPTIONS") and not same_origin(request):
            return respond(403, "origin", "This request comes from a page of another site.")
        is_open = path.startswith((*_ALWAYS_OPEN, _FRAMEWORK))
        if not is_open and not await may_read(desk, request):
            language = "en" if path == "/en" or path.startswith("/en/") else "vi"
            if "text/html" in request.headers.get("accept", ""):
                return RedirectResponse(f"{localised('/sign-in', language)}?next={path}", 303)
            return respond(401, "signed-out", "Sign in to read; this dashboard is not open.")
        answer = await call_next(request)
        answer.headers.setdefault("content-security-policy", _POLICY)
        answer.headers.setdefault("x-content-type-options", "nosniff")
        answer.headers.setdefault("referrer-policy", "same-origin")
        return answer

    @app.post("/session", include_in_schema=False)
    async def sign_in(
        name: str = Form(max_length=80),
        password: str = Form(max_length=256),
        following: str = Form("/", alias="next", max_length=2_000),
        language: str = Form("vi", max_length=5),
    ) -> Response:
        token = await desk.accounts.sign_in(name.strip().lower(), password)
        if token is None:
            page = localised("/sign-in", "en" if language == "en" else "vi")
            return RedirectResponse(f"{page}?refused=1&next={inside(following)}", 303)
        answer = RedirectResponse(inside(following), 303)
        answer.set_cookie(
            COOKIE, token, max_age=SESSION_HOURS * 3600, httponly=True, samesite="strict",
            secure=desk.settings.secure_cookies,
        )  # fmt: skip
        return answer

    oidc_api.install(app, desk, inside)

    @app.post("/session/end", include_in_schema=False)
    async def sign_out(
        request: Request, following: str = Form("/", alias="next", max_length=2_000)
    ) -> Response:
        token = request.cookies.get(COOKIE)
        if token:
            await desk.accounts.sign_out(token)
        answer = RedirectResponse(inside(following), 303)
        answer.delete_cookie(COOKIE)
        return answer


async def require_officer(desk: Desk, request: Request, least: Role = "officer") -> str:
    """The name of the signed-in officer who may do this. Raises a problem otherwise."""
    officer = await desk.accounts.officer_of(request)
    if officer is None:
        raise ProblemError(401, "signed-out", "Sign in first (POST /session).")
    if not officer.may(least):
        raise ProblemError(403, "role", f"Your role is {officer.role}; this needs {least}.")
    return officer.name
