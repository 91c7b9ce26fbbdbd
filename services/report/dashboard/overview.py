"""The overview: opening figures, league table, distribution, trend, latest changes.

The table, the charts and the figures are filled by the browser from the live stream, so that this process
keeps no copy of the table per reader.
"""

from typing import Any

from fastapi import Request
from nicegui import ui

from services.report.dashboard.render import PAGE_LANGUAGE
from services.report.dashboard.shell import Desk, Visit, frame, markup, visit

NUMERIC = {
    "type": "rightAligned",
    "cellClass": "figure",
    "enableCellChangeFlash": True,
    "filter": "agNumberColumnFilter",
}


def columns(at: Visit) -> list[dict[str, Any]]:
    """The columns of the league table. Names with a colon hold expressions of the browser's script."""

    def column(field: str, **more: Any) -> dict[str, Any]:
        return {"field": field, "headerName": at.t(f"overview.column.{field}"), **more}

    points = {**NUMERIC, ":valueFormatter": "cells.points", "width": 92}
    return [
        {"field": "order", "hide": True, "sort": "asc", "suppressColumnsToolPanel": True},
        column("rank", width=62, type="rightAligned", cellClass="figure"),
        column(
            "name", flex=3, minWidth=130, filter="agTextColumnFilter",
            **{":cellRenderer": "cells.name", ":getQuickFilterText": "cells.quick"},
        ),
        column("group", width=150, **{":valueFormatter": "cells.group", ":getQuickFilterText": "() => ''"}),
        column("content", **points),
        column("qa", **points),
        column("dossier", **{**points, "width": 92}),
        column(
            "total", flex=2, minWidth=125, filter="agNumberColumnFilter", enableCellChangeFlash=True,
            **{":cellRenderer": "cells.total", ":comparator": "(a, b, x, y) => x.data.share - y.data.share"},
        ),
        column(
            "delta", width=92,
            **{**NUMERIC, ":valueFormatter": "cells.delta", ":cellClass": "cells.deltaClass"},
        ),
        column("complete", width=92, **{":cellRenderer": "cells.complete", "cellDataType": "boolean"}),
    ]  # fmt: skip


def grid_options(at: Visit) -> dict[str, Any]:
    """Options of the grid; rows come later, from the stream."""
    return {
        "columnDefs": columns(at),
        "defaultColDef": {"sortable": True, "resizable": True, "suppressHeaderMenuButton": True},
        "rowData": [],
        ":getRowId": "params => params.data.agency",
        ":getRowClass": "cells.rowClass",
        ":isExternalFilterPresent": "cells.filtering",
        ":doesExternalFilterPass": "cells.passes",
        ":onCellKeyDown": "cells.open",
        "localeText": grid_words(at),
        "animateRows": False,
        "enableCellTextSelection": True,
        "ensureDomOrder": True,
        "cellFlashDuration": 1500,
        "suppressDragLeaveHidesColumns": True,
        "rowBuffer": 20,
    }


def grid_words(at: Visit) -> dict[str, str]:
    """The grid's own words in this language."""
    names = (
        "noRowsToShow", "loadingOoo", "filterOoo", "equals", "notEqual", "lessThan", "greaterThan",
        "lessThanOrEqual", "greaterThanOrEqual", "inRange", "contains", "notContains", "startsWith",
        "endsWith",
        "blank", "notBlank", "andCondition", "orCondition", "inRangeStart", "inRangeEnd",
    )  # fmt: skip
    return {name: at.t(f"grid.{name}") for name in names}


def install(desk: Desk, path: str, language: str) -> None:
    """Register the page under `path`."""

    @ui.page(path, language=PAGE_LANGUAGE[language], response_timeout=10)
    async def overview(request: Request) -> None:
        at = await visit(desk, request, "overview", language)
        if at.key is None:
            _nothing_yet(at)
            return
        elements: dict[str, int] = {}
        config = {"elements": elements, "agency_link": at.link("/agency/AGENCY"), "scripts": ["overview.js"]}
        with frame(at, at.t("overview.title"), board=True, config=config):
            markup(at.draw("figures"))
            with ui.element("div").classes("overview-grid"):
                _league(at, elements)
                with ui.element("div").classes("side"):
                    _charts(at, elements)


def _nothing_yet(at: Visit) -> None:
    with frame(at, at.t("overview.title"), config={"scripts": ["waiting.js"]}):
        markup(at.draw("blank", title=at.t("overview.no_scores_title"), text=at.t("overview.no_scores")))


def _league(at: Visit, elements: dict[str, int]) -> None:
    with ui.element("section").classes("panel").props("id=league aria-labelledby=league-title"):
        markup(at.draw("league_tools"))
        grid = ui.aggrid(grid_options(at), theme="quartz", auto_size_columns=False).classes("league-table")
        elements["grid"] = grid.id


def _charts(at: Visit, elements: dict[str, int]) -> None:
    with ui.element("section").classes("panel"):
        markup(at.draw("distribution"))
        elements["distribution"] = ui.echart({"series": []}).classes("chart").id
    with ui.element("section").classes("panel"):
        markup(at.draw("trend_head"))
        elements["trend"] = ui.echart({"series": []}).classes("chart tall").id
    with ui.element("section").classes("panel"):
        markup(at.draw("recent"))
