"""What all pages share: the frame around them, the period they speak of, and who is signed in."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from nicegui import ui

from services.report.accounts import Accounts, Officer
from services.report.bus import Tail
from services.report.dashboard import render
from services.report.drawings import Drawings
from services.report.editions import Editions
from services.report.hub import Hub
from services.report.settings import ReportSettings
from services.report.upstream import Upstream
from services.report.view import View
from services.report.webhooks import Webhooks
from services.report.windows import BoardKey, board_key
from shared.calendar.local import local_day
from shared.runtime.postgres import Pool

STATIC = Path(__file__).parent / "static"
PAGES = (
    ("overview", "/"),
    ("communes", "/communes"),
    ("work", "/work"),
    ("rules", "/rules"),
    ("period", "/period"),
    ("operations", "/operations"),
)
CLIENT_GONE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a page may use. One per process."""

    settings: ReportSettings
    view: View
    upstream: Upstream
    hub: Hub
    bus: Tail
    accounts: Accounts
    webhooks: Webhooks
    pool: Pool
    clock: Callable[[], datetime]
    cut_offs: dict[str, date]
    editions: Editions
    drawings: Drawings = field(default_factory=Drawings)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a page: its language, its reader and the board it speaks of."""

    desk: Desk
    language: str
    page: str
    path: str
    officer: Officer | None
    key: BoardKey | None
    problem: str
    t: render.Words

    def link(self, path: str, **more: str) -> str:
        """An address in this language that keeps the chosen period and cut-off."""
        query = dict(self.query(), **more)
        return localised(path, self.language) + (f"?{urlencode(query)}" if query else "")

    def query(self) -> dict[str, str]:
        """The chosen period and cut-off as words of an address."""
        if self.key is None:
            return {}
        cut_off = self.key.cut_off.isoformat() if self.key.cut_off else "full"
        return {"period": self.key.period, "to": cut_off}

    def draw(self, template: str, **values: Any) -> str:
        return render.draw(self.language, template, visit=self, **values)


def localised(path: str, language: str) -> str:
    """The path of a page in a language: Vietnamese has no prefix."""
    if language == render.LANGUAGES[0]:
        return path
    return f"/{language}{path}".rstrip("/")


def chosen_key(desk: Desk, request: Request) -> tuple[BoardKey | None, str]:
    """The board that an address names, else the main period with its set cut-off; and what was wrong."""
    main = desk.view.main_period(local_day(desk.clock()))
    period = request.query_params.get("period") or main
    if not period:
        return None, ""
    asked = request.query_params.get("to", "")
    try:
        if asked == "full":
            return board_key(period, None), ""
        set_day = desk.cut_offs.get(period)
        return board_key(period, asked or (set_day.isoformat() if set_day else None)), ""
    except ValueError as error:
        return (BoardKey(main) if main else None), str(error)


async def visit(desk: Desk, request: Request, page: str, language: str) -> Visit:
    """Read a request. The session cookie is looked up here and nowhere else."""
    key, problem = chosen_key(desk, request)
    officer = await desk.accounts.officer_of(request)
    path = request.url.path
    if language != render.LANGUAGES[0]:
        path = path.removeprefix(f"/{language}") or "/"
    return Visit(desk, language, page, path, officer, key, problem, render.words(language))


@contextmanager
def frame(
    at: Visit, title: str, *, board: bool = False, config: dict[str, Any] | None = None
) -> Iterator[None]:
    """Draw the header, open `main` for the page's own elements.

    `board` makes the browser follow the page's board; every page follows the connection itself.
    """
    ui.page_title(f"{title} · {at.t('shell.brand')}")
    ui.add_head_html('<link rel="stylesheet" href="/assets/dashboard.css">')
    # The framework puts everything into a `main`; ours stands beside the header, as screen readers expect.
    whole = ui.context.client.content.parent_slot
    if whole is not None:
        whole.parent.tag = "div"
    markup(header(at), "header")
    with ui.element("main").props("id=main tabindex=-1").classes(f"page page-{at.page}"):
        markup(f'<h1 class="sr">{_escape(title)}</h1>')
        if at.problem:
            markup(at.draw("notice", kind="error", text=at.t("shell.bad_address", problem=at.problem)))
        yield
    _scripts(at, board, config or {})


def _scripts(at: Visit, board: bool, config: dict[str, Any]) -> None:
    """What the browser's script is told, and the scripts: last, when the elements have their numbers."""
    told = {
        "language": at.language,
        "page": at.page,
        "board": at.query() if board and at.key else None,
        # A reader who may not read yet has nothing to follow.
        "live": at.desk.settings.reading == "open" or at.officer is not None,
        "texts": render.branch(at.language, "live"),
        **config,
    }
    # `<` is escaped so that no text can end the script element.
    payload = json.dumps(told, ensure_ascii=False).replace("<", "\\u003c")
    ui.add_head_html(f'<script type="application/json" id="page-config">{payload}</script>')
    for script in ("live.js", *config.get("scripts", ())):
        ui.add_head_html(f'<script src="/assets/{script}"></script>')


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def header(at: Visit) -> str:
    """The markup of the top bar: brand, pages, period, connection, language, officer."""
    other = next(name for name in render.LANGUAGES if name != at.language)
    query = urlencode(at.query())
    switch = localised(at.path, other) + (f"?{query}" if query else "")
    return at.draw(
        "shell",
        pages=[(name, at.link(path)) for name, path in PAGES],
        periods=sorted(at.desk.view.scores, reverse=True),
        switch=switch,
        other=other,
        set_cut_off=at.desk.cut_offs.get(at.key.period) if at.key else None,
    )


def markup(content: str, tag: str = "div", classes: str = "") -> ui.html:
    """Put markup that our templates made onto the page (they have escaped what they were given)."""
    return ui.html(content, tag=tag, sanitize=False).classes(classes)
