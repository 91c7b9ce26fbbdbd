"""Pages for what goes wrong: an address that is nobody's, a fault of ours. They need no framework."""

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from services.report.dashboard import render
from services.report.dashboard.shell import localised
from shared.runtime import logs
from shared.runtime.problem import respond

log = logs.get(__name__)


def _page(request: Request, name: str, status: int) -> Response:
    if "text/html" not in request.headers.get("accept", ""):
        return respond(status, name, render.words("en")(f"fault.{name}_text"))
    first = request.url.path.split("/", 2)[1]
    language = first if first in render.LANGUAGES else render.LANGUAGES[0]
    t = render.words(language)
    content = render.draw(
        language,
        "fault",
        title=t(f"fault.{name}"),
        text=t(f"fault.{name}_text"),
        home=localised("/", language),
    )
    return HTMLResponse(content, status)


async def not_found(request: Request, _error: Exception) -> Response:
    """An address that no page has."""
    return _page(request, "missing", 404)


async def broken(request: Request, error: Exception) -> Response:
    """A fault of ours: logged with its trace, told without it."""
    log.error("page failed", path=request.url.path, exc_info=error)
    return _page(request, "broken", 500)


def install(framework: FastAPI) -> None:
    """Answer for the framework's own application, which has every path that the service has not."""
    framework.add_exception_handler(404, not_found)
    framework.add_exception_handler(Exception, broken)
