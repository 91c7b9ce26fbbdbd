"""One agency: points by criterion, the numbers behind, evidence, changes, deadlines, peers."""

import re
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from nicegui import ui

from services.report import deadlines, league, rulebook
from services.report.dashboard import agency_standing, contests, disputes
from services.report.dashboard.agency_signals import draw_signals
from services.report.dashboard.fragments import agency_names, sheet_problem
from services.report.dashboard.livepart import REDRAW_SECONDS, Concerns, part
from services.report.dashboard.render import PAGE_LANGUAGE, Words
from services.report.dashboard.shell import Desk, Visit, frame, markup, visit
from services.report.naming import named_on
from services.report.upstream import UpstreamError, path
from services.report.windows import BoardKey

MAX_CHANGES = 60
MAX_DEADLINES = 40
EVIDENCE_PAGE = 25
PEERS_EACH_SIDE = 3
DISPUTES_SECONDS = 60.0
"""Seldom: a form that somebody fills in is drawn anew with them."""
SCORE_FRESH_SECONDS = 0.5
ASKED_REST_SECONDS = 2.0
JUDGED_REST_SECONDS = 5.0
"""The points at the top come from the bus, within a second. What the scoring service must be asked for
follows a little later, so that open pages do not take the time that scoring needs in a busy hour."""
_VOLUME = re.compile(r"volume (\S+) < (\S+)")


async def score_of(at: Visit, agency: str) -> dict[str, Any]:
    """The whole score of an agency on the page's board. Raises UpstreamError."""
    key = at.key
    if key is not None and key.cut_off is None:
        known = at.desk.view.scores.get(key.period, {}).get(agency)
        if known is not None:
            return known
    query = key.query() if key else {}
    found: dict[str, Any] = await at.desk.upstream.get(
        "scoring", path("scores", agency), query, fresh_s=SCORE_FRESH_SECONDS
    )
    return found


async def explanation_of(at: Visit, agency: str) -> dict[str, dict[str, Any]]:
    """Criterion → its explanation; empty where the service gives none."""
    try:
        answer = await at.desk.upstream.get(
            "scoring", path("scores", agency, "explanation"), at.key.query() if at.key else {},
            fresh_s=SCORE_FRESH_SECONDS,
        )  # fmt: skip
    except UpstreamError as error:
        if error.missing:
            return {}
        raise
    return explained(answer)


def explained(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """`module/criterion` → explanation, from an answer with modules as an object or as a list."""
    found: dict[str, dict[str, Any]] = {}
    modules = answer.get("modules") or {}
    listed = modules.items() if isinstance(modules, dict) else ((one["module"], one) for one in modules)
    for module, content in listed:
        for criterion in content.get("criteria", ()):
            found[f"{module}/{criterion.get('id') or criterion.get('criterion')}"] = criterion
    return found


def reason_in_words(reason: str, t: Words) -> str:
    """Why a criterion has its points where not just its formula says so."""
    if reason in ("", "formula"):
        return ""
    said, _, policy = reason.partition("; policy: ")
    if volume := _VOLUME.fullmatch(said):
        said = t("explain.too_little", n=volume[1], least=volume[2])
    elif said.startswith("zero because "):
        said = t("explain.zero_because", why=said.removeprefix("zero because "))
    else:
        said = t(f"explain.{said.replace(' ', '_')}", said)
    return f"{said} {t(f'rules.when_nothing_{policy}', '')}".strip() if policy else said


class AgencyPage:
    """Draws the parts of one agency's page."""

    def __init__(self, at: Visit, agency: str) -> None:
        self.at = at
        self.agency = agency
        known = at.desk.hub.agencies.get(agency) or {"agency": agency, "name": agency}
        self.known: dict[str, Any] = named_on(known, at.key.window.last) if at.key else known
        english = at.language == "en" and self.known.get("name_en")
        self.name: str = self.known["name_en"] if english else self.known["name"]

    def _board_rows(self) -> list[league.Row]:
        key = self.at.key
        return list(self.at.desk.hub.board(key).rows.values()) if key else []

    async def head(self) -> str:
        """Name, total, rank, change and completeness."""
        score = await score_of(self.at, self.agency)
        rows = self._board_rows()
        row = next((one for one in rows if one["agency"] == self.agency), None)
        of = sum(1 for one in rows if row and one["group"] == row["group"])
        parent = self.at.desk.hub.agencies.get(self.known.get("parent") or "")
        return self.at.draw(
            "agency_head", name=self.name, agency=self.known, score=score, row=row, of=of, parent=parent
        )

    async def modules(self) -> str:
        """Every criterion with its rule, numbers, status, provenance and points."""
        score = await score_of(self.at, self.agency)
        book = await rulebook.load(self.at.desk.upstream)
        explanations = await explanation_of(self.at, self.agency)
        modules = []
        for module in sorted(score["modules"], key=league.MODULES.index):
            content = score["modules"][module]
            ruleset = book.get(content["ruleset"])
            criteria = [
                self._criterion(
                    one,
                    book.criterion(content["ruleset"], one["id"]),
                    explanations.get(f"{module}/{one['id']}", {}),
                )
                for one in content["criteria"]
            ]
            modules.append({"module": module, "score": content, "ruleset": ruleset, "criteria": criteria})
        return self.at.draw("agency_modules", modules=modules, agency=self.agency, word=self._word)

    def _word(self, texts: Any) -> str:
        return rulebook.word(texts, self.at.language)

    def _criterion(self, score: Any, rule: Any, explanation: Any) -> dict[str, Any]:
        formula = explanation.get("formula_with_numbers") or explanation.get("formula") or ""
        return {
            "score": score,
            "title": self._word(rule.get("title") or explanation.get("title") or score["id"]),
            "rule": self._word(rule.get("rule") or explanation.get("rule")),
            "provenance": rule.get("provenance") or explanation.get("provenance"),
            "formula": self._word(formula) if not isinstance(formula, dict) or "vi" in formula else "",
            "note": reason_in_words(str(explanation.get("reason") or ""), self.at.t),
        }

    async def changes(self) -> str:
        """What changed, newest first, with the facts that caused it."""
        period = self.at.key.period if self.at.key else ""
        kept = [c for c in self.at.desk.view.changes.get(self.agency, ()) if c["period"] == period]
        book = await rulebook.load(self.at.desk.upstream)

        def title(change: Any, move: Any) -> str:
            rule = book.criterion(change["rulesets"].get(move["module"], ""), move["criterion"])
            return self._word(rule.get("title") or move["criterion"])

        return self.at.draw("agency_changes", changes=kept[: -MAX_CHANGES - 1 : -1], title=title)

    async def work(self) -> str:
        """Deadlines of this agency, the most urgent first."""
        now = self.at.desk.clock()
        waiting = deadlines.judged(self.at.desk.view.open_work(self.agency), now)
        return self.at.draw(
            "deadline_list", waiting=waiting[:MAX_DEADLINES], total=len(waiting), agencies=None
        )

    async def peers(self) -> str:
        """The rows around this agency in its group."""
        rows = self._board_rows()
        mine = next((one for one in rows if one["agency"] == self.agency), None)
        if mine is None:
            return self.at.draw("notice", kind="info", text=self.at.t("agency.not_ranked"))
        group = [one for one in rows if one["group"] == mine["group"]]
        place = group.index(mine)
        first = max(0, min(place - PEERS_EACH_SIDE, len(group) - 2 * PEERS_EACH_SIDE - 1))
        around = group[first : first + 2 * PEERS_EACH_SIDE + 1]
        return self.at.draw("agency_peers", rows=around, mine=self.agency)

    async def comparison(self) -> str:
        """The year before, and peers by volume."""
        return await agency_standing.comparison(self.at, self.agency, self._word)

    async def judgements(self) -> str:
        """Self-assessed, computed and verified points."""
        return await agency_standing.judgements(self.at, self.agency, self._word)

    async def further(self) -> str:
        """The forecast, where the scoring service offers one."""
        forecast = await self._optional(path("scores", self.agency, "forecast"))
        return self.at.draw("agency_further", forecast=forecast, word=self._word)

    async def disputes(self) -> str:
        """What the agency contests, and for an officer the forms to decide."""
        return await disputes.panel(self.at, self.agency)

    async def contest(self) -> str:
        """For somebody of the agency: the form to contest the score, a criterion or a fact."""
        if not contests.speaks(self.at, self.agency):
            return ""
        try:
            score = await score_of(self.at, self.agency)
            book = await rulebook.load(self.at.desk.upstream)
        except UpstreamError:
            return contests.form(self.at, self.agency, [])
        criteria = [
            (
                f"{module}/{one['id']}",
                self._word(book.criterion(content["ruleset"], one["id"]).get("title") or one["id"]),
            )
            for module, content in score["modules"].items()
            for one in content["criteria"]
        ]
        return contests.form(self.at, self.agency, criteria)

    async def signals(self) -> str:
        """What may be gaming, with its facts."""
        return await draw_signals(self.at, self.agency)

    async def _optional(self, where: str, **more: str) -> Any:
        query = {**(self.at.key.query() if self.at.key else {}), **more}
        try:
            return await self.at.desk.upstream.get("scoring", where, query, fresh_s=5.0)
        except UpstreamError as error:
            if error.missing or error.status == 422:
                return None
            raise


def install(app: FastAPI, desk: Desk, route: str, language: str) -> None:
    """Register the page under `route`/{agency}, and its evidence as a fragment."""

    @ui.page(route + "/{agency}", language=PAGE_LANGUAGE[language], response_timeout=15)
    async def agency_page(request: Request, agency: str) -> None:
        at = await visit(desk, request, "agency", language)
        page = AgencyPage(at, agency)
        with frame(at, page.name, config={"scripts": ["dialogs.js"]}):
            if at.officer is not None and not at.officer.sees_communes_of(page.known.get("parent")):
                markup(at.draw("notice", kind="warn", text=at.t("communes.not_yours")))
                return
            if not any(
                agency in scores for scores in desk.view.scores.values()
            ) and not desk.hub.agencies.get(agency):
                markup(at.draw("blank", title=at.t("agency.unknown"), text=agency))
                return
            if told := request.query_params.get("told"):
                markup(at.draw("notice", kind="info", text=at.t(f"dispute.told_{told}", told[:40])))
            if problem := request.query_params.get("problem"):
                markup(at.draw("notice", kind="error", text=problem[:500]))
            await _parts(page)

    @app.get(f"/fragments/{language}/evidence/{{agency}}", include_in_schema=False)
    async def evidence(
        request: Request, agency: str, module: str, criterion: str, after: str = ""
    ) -> HTMLResponse:
        return await _evidence(desk, request, language, agency, module, criterion, after)

    disputes.install(app, desk, language)
    contests.install(app, desk, language)


async def _parts(page: AgencyPage) -> None:
    at, agency = page.at, page.agency
    key = at.key or BoardKey("2000-Q1")

    def scored(touched: Any) -> bool:
        return (key.period, agency) in touched.scores or (touched.facts and key.cut_off is not None)

    async def shown(
        name: str,
        concerns: Concerns | None = None,
        every_s: float | None = None,
        rest_s: float = REDRAW_SECONDS,
    ) -> None:
        """A piece that every reader of this agency sees alike."""
        draw = getattr(page, name)
        await part(at, draw, concerns=concerns, every_s=every_s, shared=(name, agency), rest_s=rest_s)

    async def panel(name: str, *when: Any, **more: Any) -> None:
        with ui.element("section").classes("panel"):
            await shown(name, *when, **more)

    await shown("head", lambda touched: bool(touched.scores) or scored(touched))
    with ui.element("div").classes("agency-grid"):
        with ui.element("div").classes("side"):
            await shown("modules", scored, rest_s=ASKED_REST_SECONDS)
            await panel(
                "judgements", scored, agency_standing.JUDGEMENTS_REDRAW_SECONDS, rest_s=JUDGED_REST_SECONDS
            )
            await panel("changes", scored, rest_s=ASKED_REST_SECONDS)
        with ui.element("div").classes("side"):
            await panel("peers", lambda touched: bool(touched.scores))
            await panel("comparison", every_s=agency_standing.REDRAW_SECONDS)
            await panel("work", lambda touched: agency in touched.work, 30.0)
            await panel("further", every_s=30.0)
            with ui.element("section").classes("panel"):
                await part(at, page.disputes, every_s=DISPUTES_SECONDS)
                markup(await page.contest())
            await panel("signals")
    markup('<dialog id="sheet" aria-labelledby="sheet-title"></dialog>')


async def _evidence(
    desk: Desk, request: Request, language: str, agency: str, module: str, criterion: str, after: str
) -> HTMLResponse:
    at = await visit(desk, request, "agency", language)
    query = {
        **(at.key.query() if at.key else {}),
        "criterion": f"{module}/{criterion}",
        "after": after or None,
        "limit": EVIDENCE_PAGE,
    }
    try:
        answer = await desk.upstream.get("scoring", path("scores", agency, "evidence"), query)
        book = await rulebook.load(desk.upstream)
    except UpstreamError as error:
        return sheet_problem(at, error, at.t("evidence.title"))
    here = urlencode({**at.query(), "module": module, "criterion": criterion})
    titles = (
        rulebook.word(one.get("title"), language)
        for ruleset in book.rulesets
        if ruleset.get("module") == module
        for one in ruleset["criteria"]
        if one["id"] == criterion
    )
    return HTMLResponse(
        at.draw(
            "evidence", answer=answer, names=agency_names(at), name=agency_names(at).get(agency, agency),
            after=after,
            title=next(titles, criterion), here=f"/fragments/{language}/evidence/{agency}?{here}",
        )
    )  # fmt: skip
