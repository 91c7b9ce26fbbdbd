"""Questions and dossiers: what is waiting, due soon and overdue, by agency and one by one."""

from typing import Any

from fastapi import Request
from nicegui import ui

from services.report import deadlines
from services.report.dashboard.fragments import agency_names
from services.report.dashboard.livepart import part
from services.report.dashboard.render import PAGE_LANGUAGE
from services.report.dashboard.shell import Desk, Visit, frame, markup, visit

MAX_SHOWN = 200
MAX_ALERTS = 50
REDRAW_SECONDS = 30.0


class WorkPage:
    """Draws the parts of the page under the chosen filters."""

    def __init__(self, at: Visit, request: Request) -> None:
        self.at = at
        asked = request.query_params
        self.kind = asked.get("kind", "")
        self.state = asked.get("state", "")
        self.agency = asked.get("agency", "")

    def names(self) -> dict[str, str]:
        """Agency → its name in this language."""
        return agency_names(self.at)

    def _waiting(self) -> list[deadlines.Waiting]:
        return deadlines.judged(self.at.desk.view.open_work(), self.at.desk.clock())

    async def summary(self) -> str:
        """Totals, and counts by agency with the most overdue first."""
        waiting = self._waiting()
        table = deadlines.by_agency(waiting)
        order = sorted(
            table.items(),
            key=lambda item: (
                -(item[1]["question.overdue"] + item[1]["dossier.overdue"]),
                -(item[1]["question.due_soon"] + item[1]["dossier.due_soon"]),
                item[0],
            ),
        )
        totals: dict[str, int] = {}
        for counts in table.values():
            for name, count in counts.items():
                if name != "next":
                    totals[name] = totals.get(name, 0) + count
        return self.at.draw("work_summary", rows=order, totals=totals, names=self.names())

    async def items(self) -> str:
        """The chosen questions and dossiers, the most urgent first."""
        chosen = [
            one
            for one in self._waiting()
            if (not self.kind or one.work.kind == self.kind)
            and (not self.state or one.state == self.state)
            and (not self.agency or one.work.agency == self.agency)
        ]
        return self.at.draw(
            "deadline_list", waiting=chosen[:MAX_SHOWN], total=len(chosen), agencies=self.names()
        )

    async def alerts(self) -> str:
        """The warnings that went out last, newest first."""
        known = list(self.at.desk.view.alerts)
        return self.at.draw("work_alerts", alerts=known[: -MAX_ALERTS - 1 : -1], names=self.names())


def install(desk: Desk, path: str, language: str) -> None:
    """Register the page under `path`."""

    @ui.page(path, language=PAGE_LANGUAGE[language], response_timeout=15)
    async def work(request: Request) -> None:
        at = await visit(desk, request, "work", language)
        page = WorkPage(at, request)
        with frame(at, at.t("work.title"), config={"scripts": ["dialogs.js"]}):
            with ui.element("div").classes("work-grid"):
                with ui.element("section").classes("panel"):
                    await part(
                        at, page.summary, concerns=_moved, every_s=REDRAW_SECONDS, shared=("work.summary",)
                    )
                with ui.element("section").classes("panel"):
                    markup(
                        at.draw("work_filter", page=page, names=sorted(page.names().items(), key=_by_name))
                    )
                    await part(
                        at, page.items, concerns=_moved, every_s=REDRAW_SECONDS,
                        shared=("work.items", page.kind, page.state, page.agency),
                    )  # fmt: skip
                with ui.element("section").classes("panel"):
                    await part(
                        at, page.alerts, concerns=_moved, every_s=REDRAW_SECONDS, shared=("work.alerts",)
                    )
            markup('<dialog id="sheet" aria-labelledby="sheet-title"></dialog>')


def _moved(touched: Any) -> bool:
    return bool(touched.work)


def _by_name(item: tuple[str, str]) -> str:
    return item[1]
