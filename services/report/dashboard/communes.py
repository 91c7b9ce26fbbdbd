"""Communes: the table of each district, by its own rules. A district's officer sees the own one only."""

from typing import Any

from fastapi import Request
from nicegui import ui

from services.report.accounts import Officer
from services.report.dashboard.fragments import agency_names
from services.report.dashboard.livepart import part
from services.report.dashboard.render import PAGE_LANGUAGE
from services.report.dashboard.shell import Desk, Visit, frame, markup, visit
from services.report.upstream import listed, path

FRESH_SECONDS = 2.0


def districts_of(agencies: dict[str, Any], officer: Officer | None) -> list[str]:
    """The districts with communes that this reader may look at, in the register's order."""
    parents = {one.get("parent") for one in agencies.values() if one["group"] == "communes"}
    return [
        slug for slug in agencies if slug in parents and (officer is None or officer.sees_communes_of(slug))
    ]


class CommunesPage:
    """Draws one district's table."""

    def __init__(self, at: Visit, asked: str) -> None:
        self.at = at
        self.districts = districts_of(at.desk.hub.agencies, at.officer)
        known = asked in at.desk.hub.agencies
        self.refused = bool(asked) and known and asked not in self.districts
        self.district = asked if asked in self.districts else next(iter(self.districts), "")

    def names(self) -> dict[str, str]:
        """Agency → its name in this language."""
        return agency_names(self.at)

    async def table(self) -> str:
        """The district's communes, best first, under its own rule set."""
        query = {**(self.at.key.query() if self.at.key else {}), "parent": self.district}
        answer = await self.at.desk.upstream.get("scoring", path("scores"), query, fresh_s=FRESH_SECONDS)
        rows = sorted(listed("scoring", answer, "scores"), key=lambda row: (row["rank"], row["agency"]))
        rulesets = sorted({module["ruleset"] for row in rows for module in row["modules"].values()})
        return self.at.draw(
            "communes", rows=rows, rulesets=rulesets, names=self.names(), district=self.district
        )


def install(desk: Desk, route: str, language: str) -> None:
    """Register the page under `route`."""

    @ui.page(route, language=PAGE_LANGUAGE[language], response_timeout=15)
    async def communes(request: Request) -> None:
        at = await visit(desk, request, "communes", language)
        page = CommunesPage(at, request.query_params.get("district", ""))
        with frame(at, at.t("communes.title")):
            if page.refused:
                markup(at.draw("notice", kind="warn", text=at.t("communes.not_yours")))
            if not page.district:
                return
            markup(at.draw("communes_choose", page=page, names=page.names()))

            def moved(touched: Any) -> bool:
                mine = {agency for _, agency in touched.scores}
                return any(
                    desk.hub.agencies.get(agency, {}).get("parent") == page.district for agency in mine
                )

            with ui.element("section").classes("panel"):
                await part(at, page.table, concerns=moved, every_s=5.0)
