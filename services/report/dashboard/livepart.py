"""Pieces of a page that are drawn on the server, and drawn again when something moved."""

import asyncio
from collections.abc import Awaitable, Callable

from nicegui import background_tasks, ui

from services.report.dashboard.shell import Visit, markup
from services.report.hub import Listener
from services.report.upstream import UpstreamError
from services.report.view import Touched
from shared.runtime import logs

REDRAW_SECONDS = 1.0

log = logs.get(__name__)

Draw = Callable[[], Awaitable[str]]
Concerns = Callable[[Touched], bool]
Shared = tuple[str, ...] | None


class LivePart:
    """One piece: its element, and when it was drawn. At most one drawing is under way."""

    def __init__(
        self,
        at: Visit,
        draw: Draw,
        concerns: Concerns | None,
        every_s: float | None,
        shared: Shared,
        rest_s: float,
    ) -> None:
        self._at = at
        self._draw = draw
        self._shared = shared
        self._rest_s = rest_s
        self._concerns = concerns
        self._wanted = asyncio.Event()
        self._every = every_s
        self._element: ui.html | None = None

    async def show(self, classes: str = "") -> None:
        """Draw for the first time and follow from then on, until the reader leaves the page."""
        self._element = markup(await self._content(), classes=classes)
        client = self._element.client
        listener = Listener(self._touched)
        hub = self._at.desk.hub
        hub.listeners.add(listener)
        task = background_tasks.create(self._follow(), name="live part")

        def leave() -> None:
            hub.listeners.discard(listener)
            task.cancel()

        client.on_delete(leave)

    def redraw(self) -> None:
        """Draw again soon."""
        self._wanted.set()

    def _touched(self, touched: Touched) -> None:
        if self._concerns is not None and self._concerns(touched):
            self._wanted.set()

    async def _follow(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._every):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            self._wanted.clear()
            content = await self._content()
            if self._element is not None and self._element.content != content:
                self._element.set_content(content)
            await asyncio.sleep(self._rest_s)

    async def _content(self) -> str:
        """The markup; a service that does not answer becomes a sentence in its place."""
        try:
            if self._shared is None:
                return await self._draw()
            what = (self._at.language, self._at.key, *self._shared)
            return await self._at.desk.drawings.drawn(what, self._at.desk.hub.moved, self._draw)
        except UpstreamError as error:
            name = "away" if error.away else "missing" if error.missing else "refused"
            service = self._at.t(f"service.{error.service}")
            words = self._at.t(f"part.{name}", service=service, problem=error.detail)
            return self._at.draw("notice", kind="warn", text=words)


async def part(
    at: Visit,
    draw: Draw,
    *,
    concerns: Concerns | None = None,
    every_s: float | None = None,
    classes: str = "",
    shared: Shared = None,
    rest_s: float = REDRAW_SECONDS,
) -> LivePart:
    """A piece that follows what `concerns` it, or is drawn again every so many seconds, or both.

    `shared` names a piece that is the same for every reader of this language, period and cut-off, whoever is
    signed in: it is drawn once for all of them. Between two drawings lie at least `rest_s`.
    """
    piece = LivePart(at, draw, concerns, every_s, shared, rest_s)
    await piece.show(classes)
    return piece
