"""The period: how far it is, what is missing, which portals are silent, closing it, the seal, adjustments."""

from typing import Any

from fastapi import FastAPI, Request
from nicegui import ui

from services.report.boards import PROVINCE, existed
from services.report.dashboard import documents, period_actions
from services.report.dashboard.disputes import open_disputes
from services.report.dashboard.livepart import part
from services.report.dashboard.render import PAGE_LANGUAGE
from services.report.dashboard.shell import Desk, Visit, frame, markup, visit
from services.report.deadlines import judge
from services.report.upstream import UpstreamError, listed, path
from services.report.view import Touched
from services.report.windows import BoardKey
from shared.calendar.local import local_day
from shared.calendar.periods import Window, parse_period

GROUPS = ("departments", "vertical", "districts", "party", "communes")
LISTS_SECONDS = 15.0
INDICATORS_FRESH_SECONDS = 10.0


def missing_judgements(scores: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Agency → (module, criterion) that nobody has judged yet."""
    found: dict[str, list[tuple[str, str]]] = {}
    for agency, score in scores.items():
        unknown = [
            (module, criterion["id"])
            for module, content in score["modules"].items()
            for criterion in content.get("criteria", ())
            if criterion["status"] == "unknown"
        ]
        if unknown:
            found[agency] = unknown
    return found


def silent_portals(
    agencies: dict[str, dict[str, Any]], indicators: dict[str, dict[str, int]], window: Window
) -> dict[str, list[str]]:
    """Portals without a single item in the window, by the group or (communes) the district they belong to."""
    found: dict[str, list[str]] = {}
    for slug, agency in agencies.items():
        if agency["group"] == PROVINCE or not existed(agency, window):
            continue
        if indicators.get(slug, {}).get("content.items", 0) == 0:
            place = agency.get("parent") if agency["group"] == "communes" else None
            found.setdefault(place or agency["group"], []).append(slug)
    return found


class PeriodPage:
    """Draws the parts of the page."""

    def __init__(self, at: Visit, key: BoardKey) -> None:
        self.at = at
        self.key = key
        self.desk = at.desk

    def _name(self, slug: str) -> str:
        agency = self.desk.hub.agencies.get(slug, {})
        english = self.at.language == "en" and agency.get("name_en")
        return str(agency["name_en"] if english else agency.get("name", slug))

    async def state(self) -> str:
        """Open or closed, how many days have passed, the seal, and the step that officers can take next."""
        period = parse_period(self.key.period)
        today = local_day(self.desk.clock())
        total = period.window.days
        passed = min(total, max(0, (today - period.first).days + 1))
        return self.at.draw(
            "period_state", period=await self._period(), key=self.key, days=total, passed=passed,
            set_day=self.desk.cut_offs.get(self.key.period), last=period.last, first=period.first,
        )  # fmt: skip

    async def _period(self) -> dict[str, Any]:
        """The period as the scoring service tells it; what the topic said while it cannot be asked."""
        known = self.desk.view.periods.get(self.key.period, {"state": "open"})
        try:
            found: dict[str, Any] = await self.desk.upstream.get("scoring", path("periods", self.key.period))
        except UpstreamError:
            return known
        return found

    async def history(self) -> str:
        """Every step that officers took."""
        try:
            answer = await self.desk.upstream.get("scoring", path("periods", self.key.period, "history"))
        except UpstreamError as error:
            if not error.missing:
                raise
            answer = {"steps": []}
        return self.at.draw("period_history", steps=list(reversed(listed("scoring", answer, "steps"))))

    async def checks(self) -> str:
        """The list of checks before a period is closed."""
        view = self.desk.view
        scores = view.scores.get(self.key.period, {})
        unknown = missing_judgements(scores)
        scored = [slug for slug, score in scores.items() if score["modules"]]
        sent = {agency for agency, period in view.reports if period == self.key.period}
        unsent = sorted((slug for slug in scored if slug not in sent), key=self._name)
        pending = {name: state.pending for name, state in self.desk.upstream.states.items()}
        refused = await self._parked()
        contested = await open_disputes(self.desk)
        now = self.desk.clock()
        overdue = sum(1 for work in view.open_work() if judge(work, now).state == "overdue")
        return self.at.draw(
            "period_checks", unknown=unknown, unsent=unsent, sent=len(sent), scored=len(scored),
            pending=pending, settled=all(n == 0 for n in pending.values()), overdue=overdue, refused=refused,
            contested=contested,
            name=self._name, key=self.key,
        )  # fmt: skip

    async def _parked(self) -> int | None:
        """Refused facts that nobody has settled; None where a service does not tell."""
        total = 0
        for module in ("content", "qa", "dossier"):
            try:
                answer = await self.desk.upstream.get(
                    module, path("rejections"), {"state": "parked", "limit": 1}, fresh_s=LISTS_SECONDS
                )
            except UpstreamError:
                return None
            total += answer.get("total", len(listed(module, answer, "rejections")))
        return total

    async def portals(self) -> str:
        """Silent portals, communes under their district."""
        window = self.key.window
        answer = await self.desk.upstream.get(
            "scoring", path("indicators"),
            {"from": window.first.isoformat(), "to": window.last.isoformat()},
            fresh_s=INDICATORS_FRESH_SECONDS,
        )  # fmt: skip
        silent = silent_portals(self.desk.hub.agencies, listed("scoring", answer, "agencies"), window)
        places = sorted(silent.items(), key=lambda item: (item[0] not in GROUPS, self._name(item[0])))
        return self.at.draw("period_portals", places=places, groups=GROUPS, name=self._name,
                            total=sum(len(slugs) for slugs in silent.values()))  # fmt: skip

    async def documents(self) -> str:
        """The report with its annexes, to be made and taken home."""
        return await documents.panel(self.at, self.key)

    async def adjustments(self) -> str:
        """What arrived for a closed period and waits for a decision."""
        try:
            answer = await self.desk.upstream.get("scoring", path("periods", self.key.period, "adjustments"))
        except UpstreamError as error:
            if not error.missing:
                raise
            answer = {"adjustments": []}
        rows = listed("scoring", answer, "adjustments")
        return self.at.draw("period_adjustments", rows=rows, name=self._name, key=self.key)


def install(app: FastAPI, desk: Desk, route: str, language: str) -> None:
    """Register the page under `route` and its actions."""

    @ui.page(route, language=PAGE_LANGUAGE[language], response_timeout=20)
    async def period(request: Request) -> None:
        at = await visit(desk, request, "period", language)
        with frame(at, at.t("period.title"), config={"scripts": ["dialogs.js"]}):
            if at.key is None:
                markup(
                    at.draw("blank", title=at.t("overview.no_scores_title"), text=at.t("overview.no_scores"))
                )
                return
            if told := request.query_params.get("told"):
                markup(at.draw("notice", kind="info", text=at.t(f"period.told_{told}", told)))
            if problem := request.query_params.get("problem"):
                markup(at.draw("notice", kind="error", text=problem[:500]))
            await _parts(PeriodPage(at, at.key))
            markup('<dialog id="sheet" aria-labelledby="sheet-title"></dialog>')

    period_actions.install(app, desk, language)
    documents.install(app, desk, language)


async def _parts(page: PeriodPage) -> None:
    at = page.at

    def stepped(touched: Touched) -> bool:
        return touched.periods

    await part(at, page.state, concerns=stepped, every_s=60.0)
    with ui.element("div").classes("two"):
        with ui.element("div").classes("side"):
            with ui.element("section").classes("panel"):
                await part(at, page.checks, concerns=bool, every_s=LISTS_SECONDS, shared=("checks",))
            with ui.element("section").classes("panel"):
                await part(at, page.adjustments, concerns=stepped, every_s=LISTS_SECONDS)
        with ui.element("div").classes("side"):
            with ui.element("section").classes("panel"):
                await part(at, page.documents, every_s=documents.REDRAW_SECONDS)
            with ui.element("section").classes("panel"):
                await part(at, page.portals, every_s=LISTS_SECONDS, shared=("portals",))
            with ui.element("section").classes("panel"):
                await part(at, page.history, concerns=stepped, every_s=60.0)
