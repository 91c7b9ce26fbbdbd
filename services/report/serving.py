"""The HTTP server of the dashboard, inside a life."""

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from services.report.settings import ReportSettings
from shared.runtime.http_limits import PatientProtocol
from shared.runtime.life import Beat, Life

CLOSE_SECONDS = 3
"""Open dashboards hold their sockets for ever: at a stop they are cut after this, and come back later."""


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: signals are the life's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(life: Life, settings: ReportSettings, app: FastAPI) -> uvicorn.Server:
    """Answer HTTP in the background; set `should_exit` of what comes back to end it.

    Frames are not compressed per browser: one frame goes to hundreds of browsers as it is, and compressing
    it for each would cost far more than the bytes it saves on a province's network.
    """
    server = _Server(
        uvicorn.Config(
            app, host=settings.host, port=settings.port, log_config=None, access_log=False, lifespan="off",
            timeout_graceful_shutdown=CLOSE_SECONDS, backlog=1024, ws_per_message_deflate=False,
            ws_max_size=1_048_576, http=PatientProtocol,
        )
    )  # fmt: skip

    async def run(beat: Beat) -> None:
        beat.stall_seconds = float("inf")
        await server.serve()

    life.spawn("http", run)
    return server
