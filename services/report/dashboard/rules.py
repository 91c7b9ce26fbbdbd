"""The rule sets in words, with their provenance, two versions side by side, and what-if."""

from typing import Any

import yaml
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse
from nicegui import ui

from services.report import rulebook
from services.report.dashboard.fragments import agency_names
from services.report.dashboard.render import PAGE_LANGUAGE
from services.report.dashboard.shell import Desk, Visit, frame, markup, visit
from services.report.formulas import in_words
from services.report.upstream import UpstreamError, path

MAX_DRAFT_CHARACTERS = 200_000
NOT_IN_A_FILE = ("name",)


def names_of(book: rulebook.Rulebook) -> list[str]:
    """Every rule set as `id@version`, families together, newest first."""
    return [f"{one['id']}@{one['version']}" for family in book.families().values() for one in family]


def side_by_side(left: rulebook.RuleSet, right: rulebook.RuleSet) -> list[dict[str, Any]]:
    """Criteria of two versions in one list; `changed` names the fields that differ."""
    a = {one["id"]: one for one in left["criteria"]}
    b = {one["id"]: one for one in right["criteria"]}
    rows = []
    for name in dict.fromkeys([*a, *b]):
        before, after = a.get(name), b.get(name)
        fields = sorted({*(before or {}), *(after or {})} - {"id"})
        changed = [field for field in fields if (before or {}).get(field) != (after or {}).get(field)]
        rows.append({"id": name, "left": before, "right": after, "changed": changed})
    return rows


def as_draft(ruleset: rulebook.RuleSet) -> str:
    """A rule set as text to edit: the form its file has."""
    draft = {key: value for key, value in ruleset.items() if key not in NOT_IN_A_FILE}
    return yaml.safe_dump(_exact(draft), allow_unicode=True, sort_keys=False, width=110)


def _exact(value: Any) -> Any:
    """Numbers with decimals as text, the way rule set files write them so that they stay exact."""
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    return str(value) if isinstance(value, float) else value


def outcomes(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Who changes points or rank, the greatest change of points first, from an answer of what-if."""
    rows = []
    for one in answer["changes"]:
        before, after = (side["points"] if (side := one[when]) else None for when in ("before", "after"))
        delta = None if before is None or after is None else round(after - before, 2)
        rows.append({**one, "before": before, "after": after, "delta": delta})
    rows.sort(key=lambda row: (-abs(row["delta"] or 0), row["agency"]))
    return rows


def install(app: FastAPI, desk: Desk, route: str, language: str) -> None:
    """Register the page under `route`, and what-if as a fragment."""

    @ui.page(route, language=PAGE_LANGUAGE[language], response_timeout=15)
    async def rules(request: Request) -> None:
        at = await visit(desk, request, "rules", language)
        with frame(at, at.t("rules.title"), config={"scripts": ["dialogs.js"]}):
            try:
                book = await rulebook.load(desk.upstream)
            except UpstreamError as error:
                name = "away" if error.away else "missing" if error.missing else "refused"
                words = at.t(f"part.{name}", service=at.t("service.scoring"), problem=error.detail)
                markup(at.draw("notice", kind="warn", text=words))
                return
            _show(at, request, book)
            markup('<dialog id="sheet" aria-labelledby="sheet-title"></dialog>')

    @app.post(f"/fragments/{language}/what-if", include_in_schema=False)
    async def what_if(request: Request, draft: str = Form(max_length=MAX_DRAFT_CHARACTERS)) -> HTMLResponse:
        at = await visit(desk, request, "rules", language)
        return HTMLResponse(await _what_if(at, draft))


def _show(at: Visit, request: Request, book: rulebook.Rulebook) -> None:
    names = names_of(book)
    if not names:
        markup(at.draw("blank", title=at.t("rules.none"), text=""))
        return
    asked, compared = request.query_params.get("show", ""), request.query_params.get("with", "")
    chosen = asked if book.get(asked) else names[0]
    ruleset, other = book.get(chosen), book.get(compared)
    assert ruleset is not None

    def word(texts: Any) -> str:
        return rulebook.word(texts, at.language)

    def formula(criterion: Any) -> str:
        told = in_words(criterion["formula"], criterion["max"], at.t, at.language == "vi")
        return told or _shown(criterion["formula"], at.language)

    markup(at.draw("rules_choose", names=names, chosen=chosen, compared=compared, book=book, word=word))
    if other is not None and other is not ruleset:
        rows = side_by_side(other, ruleset)
        markup(
            at.draw(
                "rules_compare", rows=rows, left=other, right=ruleset, word=word, formula=formula, data=_shown
            )
        )
    else:
        markup(at.draw("rules_one", one=ruleset, word=word, formula=formula, data=_shown))
    markup(at.draw("rules_what_if", draft=as_draft(ruleset)))


def _shown(value: Any, language: str = "vi") -> str:
    """A field of a rule set in one line."""
    if isinstance(value, dict):
        if "vi" in value:
            return rulebook.word(value, language)
        return " · ".join(f"{key}: {_shown(item, language)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_shown(item, language) for item in value)
    return "" if value is None else str(value)


async def _what_if(at: Visit, draft: str) -> str:
    title = at.t("rules.what_if")
    # The text goes as it is written, so that a fault is told with its line.
    body = {**(at.key.query() if at.key else {}), "ruleset": draft}
    try:
        answer = await at.desk.upstream.post("scoring", path("what-if"), body)
    except UpstreamError as error:
        name = "away" if error.away else "missing" if error.missing else "refused"
        words = at.t(f"part.{name}", service=at.t("service.scoring"), problem=error.detail)
        return at.draw("sheet_problem", title=title, text=words, errors=error.errors)
    return at.draw("what_if", rows=outcomes(answer), names=agency_names(at), answer=answer)
