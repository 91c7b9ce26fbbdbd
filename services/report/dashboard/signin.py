"""Signing in."""

from fastapi import Request
from nicegui import ui

from services.report.dashboard.render import PAGE_LANGUAGE
from services.report.dashboard.shell import Desk, frame, markup, visit


def install(desk: Desk, path: str, language: str) -> None:
    """Register the page under `path`."""

    @ui.page(path, language=PAGE_LANGUAGE[language])
    async def sign_in(request: Request) -> None:
        at = await visit(desk, request, "signin", language)
        with frame(at, at.t("signin.title")):
            markup(
                at.draw(
                    "signin",
                    refused=request.query_params.get("refused", ""),
                    elsewhere=desk.settings.oidc_issuer is not None,
                    following=request.query_params.get("next", at.link("/")),
                )
            )
