"""The HTTP interface of scoring: everything may be read by anyone; commands are the operator's."""

import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Path, Query
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from services.scoring.comparison_api import Comparisons
from services.scoring.evidence import MAX_PAGE, Evidence
from services.scoring.expression import Condition, Expression, plain
from services.scoring.families_api import Families
from services.scoring.forecast_api import Forecasts
from services.scoring.judgements_api import Judgements
from services.scoring.periods_api import PeriodParts
from services.scoring.readings import Readings, asked_span, compared
from services.scoring.ruleset import PUBLISHED, RuleBook, RuleSet, read_rule_set
from services.scoring.settings import ScoringSettings
from services.scoring.signals_api import Signals
from services.scoring.stream import Stream
from shared.calendar.datafile import DataFileError
from shared.calendar.local import iso
from shared.contracts.words import Agency
from shared.contracts.words import Period as PeriodName
from shared.runtime.problem import ProblemError


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes need."""

    settings: ScoringSettings
    readings: Readings
    evidence: Evidence
    stream: Stream
    periods: PeriodParts
    judgements: Judgements
    comparisons: Comparisons
    forecasts: Forecasts
    rebuild: Callable[[], Any]
    """Begins a rebuild; awaitable, answers its number."""
    families: Families
    signals: Signals


Get = Callable[[], Parts]

PeriodQuery = Annotated[
    str | None, Query(max_length=20, description="A quarter 2024-Q1, a half 2024-H1 or a year 2024.")
]
FromQuery = Annotated[str | None, Query(alias="from", max_length=20, description="First day, 2024-01-01.")]
ToQuery = Annotated[
    str | None, Query(max_length=20, description="Last day; what happened later does not count.")
]
AgencyPath = Annotated[str, Path(max_length=80, pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$")]
EndedQuery = Annotated[bool, Query(description="Also those that have ended: earlier periods name them.")]
ParentQuery = Annotated[
    Agency | None, Query(description="A district: its communes, by the rules it scores them with.")
]
After = Annotated[int, Query(ge=0, le=2**62)]
Limit = Annotated[int, Query(ge=1, le=500)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Draft(_Body):
    """A draft rule set (an object, or YAML text) and the span to score under it."""

    ruleset: dict[str, Any] | str
    period: PeriodName | None = None
    from_: str | None = Field(default=None, alias="from", max_length=20)
    to: str | None = Field(default=None, max_length=20)


def add_lists(app: FastAPI, get: Get) -> None:
    """Agencies and rule sets."""

    @app.get("/v1/agencies", tags=["lists"], summary="The agencies of the register that there are")
    async def agencies(parent: ParentQuery = None, ended: EndedQuery = False) -> dict[str, Any]:
        readings = get().readings
        register, today = readings.book.agencies.register, readings.today()
        return {
            "agencies": [
                {
                    "agency": a.slug,
                    "name": a.name,
                    "name_en": a.name_en,
                    "group": a.group,
                    "parent": a.parent,
                    "modules": list(a.modules),
                    "provenance": a.provenance,
                    "bloc": a.bloc,
                    "code": a.code,
                    "opened": a.opened.isoformat(),
                    "closed": a.closed.isoformat() if a.closed else None,
                    "ending": a.ending,
                    "successors": list(a.successors),
                    "heir": a.heir,
                    "former_names": [former.model_dump(mode="json") for former in a.former_names],
                }
                for a in register.agencies.values()
                if (parent is None or a.parent == parent) and (ended or a.closed is None or a.closed >= today)
            ]
        }

    @app.get("/v1/rulesets", tags=["lists"], summary="Rule sets with their texts, formulas and provenance")
    async def rulesets() -> JSONResponse:
        rules = get().readings.book.rules.rule_sets
        return JSONResponse({"rulesets": [rule_set_document(rule_set) for rule_set in rules]})


def rule_set_document(rule_set: RuleSet) -> dict[str, Any]:
    """A rule set as its file has it: whole numbers as numbers, decimals and expressions as their text."""
    return {"name": rule_set.name, **_plain(rule_set.row)}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        shown = {name: getattr(value, name) for name in fields}
        return {
            fields[name].alias or name: _plain(one)
            for name, one in shown.items()
            if one is not None and one != []
        }
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, Expression | Condition):
        return value.text
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else plain(value)
    return value.isoformat() if isinstance(value, date) else value


def add_scores(app: FastAPI, get: Get) -> None:
    """Scores, explanations, evidence."""

    @app.get("/v1/scores", tags=["scores"], summary="The league table of a period or window")
    async def scores(
        period: PeriodQuery = None,
        first: FromQuery = None,
        to: ToQuery = None,
        group: Annotated[str | None, Query(max_length=40)] = None,
        parent: ParentQuery = None,
    ) -> JSONResponse:
        readings = get().readings
        span = asked_span(period, first, to, readings.today())
        if parent is not None:
            readings.known(parent)
        return JSONResponse(await readings.scores(span, group, parent))

    @app.get("/v1/scores/{agency}", tags=["scores"], summary="One agency's score with its criteria")
    async def score(
        agency: AgencyPath, period: PeriodQuery = None, first: FromQuery = None, to: ToQuery = None
    ) -> JSONResponse:
        readings = get().readings
        return JSONResponse(await readings.score(agency, asked_span(period, first, to, readings.today())))

    @app.get("/v1/scores/{agency}/explanation", tags=["scores"], summary="Why each point")
    async def explanation(
        agency: AgencyPath, period: PeriodQuery = None, first: FromQuery = None, to: ToQuery = None
    ) -> JSONResponse:
        readings = get().readings
        span = asked_span(period, first, to, readings.today())
        return JSONResponse(await get().judgements.explanation(agency, span))

    @app.get("/v1/scores/{agency}/evidence", tags=["scores"], summary="The entities behind a criterion")
    async def evidence(
        agency: AgencyPath,
        criterion: Annotated[str, Query(max_length=80, description="`acceptance`, or `qa/acceptance`.")],
        period: PeriodQuery = None,
        first: FromQuery = None,
        to: ToQuery = None,
        after: Annotated[str, Query(max_length=400, description="`next` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
        facts: Annotated[bool, Query(description="With their facts from the ledger.")] = True,
    ) -> JSONResponse:
        parts = get()
        span = asked_span(period, first, to, parts.readings.today())
        return JSONResponse(await parts.evidence.page(agency, criterion, span, after, limit, facts=facts))


def add_indicators(app: FastAPI, get: Get) -> None:
    """The counts that scores are made of."""

    @app.get("/v1/indicators", tags=["scores"], summary="Every count of one agency or of all")
    async def indicators(
        agency: Annotated[Agency | None, Query()] = None,
        period: PeriodQuery = None,
        first: FromQuery = None,
        to: ToQuery = None,
    ) -> JSONResponse:
        readings = get().readings
        span = asked_span(period, first, to, readings.today())
        window = {"from": span.window.first.isoformat(), "to": span.window.last.isoformat()}
        if agency is None:
            found = await readings.indicators(None, span)
            return JSONResponse({**window, "as_of": iso(readings.clock()), "agencies": found})
        readings.known(agency)
        found = await readings.indicators([agency], span)
        return JSONResponse(
            {"agency": agency, **window, "as_of": iso(readings.clock()), "indicators": found[agency]}
        )


def add_changes(app: FastAPI, get: Get) -> None:
    """What moved, and the stream of it."""

    @app.get("/v1/scores/{agency}/changes", tags=["changes"], summary="Every change of an agency's scores")
    async def changes(
        agency: AgencyPath, period: PeriodQuery = None, after: After = 0, limit: Limit = 100
    ) -> JSONResponse:
        return JSONResponse(await get().readings.changes(agency, period, after, limit))

    @app.get(
        "/v1/scores/{agency}/changes/{number}/causes",
        tags=["changes"],
        summary="The facts behind one change, page by page",
    )
    async def causes(
        agency: AgencyPath,
        number: Annotated[int, Path(ge=1, le=2**62)],
        after: Annotated[int, Query(ge=0, le=2**30)] = 0,
        limit: Annotated[int, Query(ge=1, le=2_000)] = 500,
    ) -> JSONResponse:
        return JSONResponse(await get().readings.causes(agency, number, after, limit))

    @app.get(
        "/v1/stream",
        tags=["changes"],
        summary="Score changes as server-sent events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    )
    async def stream(
        agency: Annotated[Agency | None, Query()] = None,
        period: Annotated[PeriodName | None, Query()] = None,
        after: Annotated[int | None, Query(ge=0, le=2**62)] = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> StreamingResponse:
        following = get().stream
        following.check()
        resume = int(last_event_id) if last_event_id and last_event_id.isdecimal() else after
        events: AsyncIterator[bytes] = following.events(resume, agency, period)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)


def operator_guard(get: Get) -> Callable[..., None]:
    """A dependency that lets only who carries the operator's token pass, when one is set."""

    def operator(authorization: Annotated[str | None, Header()] = None) -> None:
        token = get().settings.operator_token
        offered = (authorization or "").removeprefix("Bearer ")
        if token is not None and not hmac.compare_digest(offered.encode(), token.encode()):
            raise ProblemError(
                401, "operator", "This needs the operator's token as `Authorization: Bearer …`.",
                headers={"WWW-Authenticate": "Bearer"},
            )  # fmt: skip

    return operator


def add_commands(app: FastAPI, get: Get) -> None:
    """What-if for everybody; rebuilding for operators."""
    only_operator = [Depends(operator_guard(get))]

    @app.post("/v1/what-if", tags=["commands"], summary="Score a span under a draft rule set")
    async def what_if(body: Draft) -> JSONResponse:
        return JSONResponse(await scored_under(get().readings, body))

    @app.post(
        "/v1/rebuild", tags=["commands"], status_code=202, dependencies=only_operator,
        summary="Drop what is derived and read it again from the bus",
    )  # fmt: skip
    async def rebuild() -> dict[str, Any]:
        return {"rebuild": await get().rebuild()}


async def scored_under(readings: Readings, body: Draft) -> dict[str, Any]:
    """Who would change points or rank under a draft. Nothing live is touched."""
    span = asked_span(body.period, body.from_, body.to, readings.today())
    text = body.ruleset if isinstance(body.ruleset, str) else json.dumps(body.ruleset, ensure_ascii=False)
    try:
        draft = read_rule_set(text, "draft")
        # A draft of another family is compared with that family, and changes none of the published scores.
        families = PUBLISHED if draft.family in PUBLISHED else {draft.family}
        live = RuleBook(readings.book.rules.rule_sets, families)
        in_force = live.on(span.window.first)
        rules = RuleBook([*(one for one in in_force if not _replaces(draft, one)), draft], families)
        rules.check(readings.book.agencies.everyone())
    except DataFileError as error:
        errors = [
            {"pointer": "/ruleset/" + problem.place.replace(".", "/"), "detail": f"{problem}"}
            for problem in error.problems[:20]
        ]
        raise ProblemError(422, "ruleset", "The draft rule set contradicts itself.", errors=errors) from None
    before = await readings.results(span, rules=live)
    after = await readings.results(span, rules=rules)
    return {
        "period": span.period.name if span.period else None,
        "from": span.window.first.isoformat(),
        "to": span.window.last.isoformat(),
        "ruleset": draft.name,
        "replaces": [r.name for r in in_force if _replaces(draft, r)],
        "scored": len(after),
        "changes": compared(before, after),
    }


def _replaces(draft: RuleSet, rule_set: RuleSet) -> bool:
    """A draft takes the place of the rule set of the same id."""
    return draft.id == rule_set.id
