"""All pages, in both languages, and what they are served with."""

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from nicegui import app as framework
from nicegui import ui

from services.report.dashboard import (
    agency,
    communes,
    documents,
    faults,
    fragments,
    operations,
    overview,
    period_page,
    render,
    rules,
    signin,
    work,
)
from services.report.dashboard.shell import STATIC, Desk, localised

RECONNECT_SECONDS = 20.0


def install(app: FastAPI, desk: Desk) -> None:
    """Register every page and mount the framework. Must come after the application's own addresses."""

    @app.get("/v1/periods-known", include_in_schema=False)
    async def periods_known() -> dict[str, list[str]]:
        return {"periods": sorted(desk.view.scores)}

    app.mount("/assets", StaticFiles(directory=STATIC), name="assets")
    for language in render.LANGUAGES:
        overview.install(desk, localised("/", language), language)
        communes.install(desk, localised("/communes", language), language)
        work.install(desk, localised("/work", language), language)
        agency.install(app, desk, localised("/agency", language), language)
        operations.install(app, desk, localised("/operations", language), language)
        rules.install(app, desk, localised("/rules", language), language)
        period_page.install(app, desk, localised("/period", language), language)
        fragments.install(app, desk, language)
        signin.install(desk, localised("/sign-in", language), language)
    documents.install_files(app, desk)
    faults.install(framework)
    ui.run_with(
        app,
        title="Scoring bus",
        favicon=STATIC / "favicon.svg",
        language="vi",
        tailwind=False,
        reconnect_timeout=RECONNECT_SECONDS,
        message_history_length=100,
        binding_refresh_interval=None,
        show_welcome_message=False,
    )
