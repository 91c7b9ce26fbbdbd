"""`GET /v1/scores/{agency}/forecast`: points still reachable, and the cheapest ways to them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Path, Query
from fastapi.responses import JSONResponse

from services.scoring import period_store
from services.scoring.forecast import Forecast, Left, Outlook, Way, forecast
from services.scoring.forecast_acts import Acts, Words
from services.scoring.indicators import Span, flows_of, for_rules, span_of, span_of_period
from services.scoring.period_life import is_free
from services.scoring.queries import counts_of
from services.scoring.readings import Readings, asked_span
from services.scoring.ruleset import RuleSet, Scored
from services.scoring.score import Document, number
from shared.calendar.local import end_of_day, iso, local, parse_instant
from shared.calendar.periods import Period, Window, parse_day
from shared.runtime import logs
from shared.runtime.problem import ProblemError

MAX_WAITING = 500
"""Entities with a due instant that one forecast looks at, of each kind."""

OPEN_WEEKS = "input.open_weeks"
_MODULE = {"question": "qa", "dossier": "dossier"}
_WEEKDAYS = {
    "vi": ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Moment:
    """The period a forecast is about and the day it is made on. `present` is False on a day gone by: then it
    tells what could have been done that evening, and no closure since stands in its way."""

    period: Period
    day: date
    span: Span
    running: bool
    present: bool


def moment_of(span: Span, on: date | None, today: date) -> Moment:
    """The moment that a request means: today, or the evening of `on`, or of the last day of its window.

    Raises ProblemError 400 for a window of no period, or a day outside of it or ahead.
    """
    period = span.period
    if period is None:
        raise ProblemError(400, "period", "A forecast is about a quarter, a half or a year: name it.")
    if on is None and span.window.last < period.last:
        on = min(span.window.last, today)
    if on is not None and not period.first <= on <= today:
        raise ProblemError(400, "day", f"{on} does not lie between {period.first} and today, {today}.")
    day = min(on or today, period.last)
    if today < period.first:
        raise ProblemError(400, "day", f"{period.name} has not begun.")
    running = (on or today) <= period.last
    present = on is None or on == today
    counted = span_of_period(period) if present or day == period.last else span_of(Window(period.first, day))
    return Moment(period, day, counted, running, present)


class Forecasts:
    """Gathers what a forecast needs, and writes it out."""

    def __init__(
        self, readings: Readings, acts: Acts, urls: Mapping[str, str], client: httpx.AsyncClient
    ) -> None:
        self._readings = readings
        self._acts = acts
        self._urls = urls
        self._client = client

    def today(self) -> date:
        """The local day now."""
        return self._readings.today()

    async def page(self, agency: str, moment: Moment) -> Document:
        """The ways up for an agency. Raises ProblemError 404 for an agency that nobody scores then."""
        self._readings.known(agency)
        if moment.present and not await self._open(moment.period):
            return self._head(agency, moment) | {
                "open": False, "note": self._acts.reasons["closed"].model_dump(),
                "ways": [], "plan": [], "left": [],
            }  # fmt: skip
        scored, sets = self._scored(agency, moment.period)
        now = self._readings.clock() if moment.present else end_of_day(moment.day)
        waiting = {kind: await self._waiting(agency, kind, now) for kind in _MODULE}
        counts = await self._counts(agency, moment, sets)
        known = {k: len(dues) for k, dues in waiting.items() if dues is not None} if moment.present else None
        outlook = Outlook(scored, sets, counts, self._acts, moment.running, known)
        return self._head(agency, moment) | {"open": True} | self._told(forecast(outlook), waiting)

    async def _open(self, period: Period) -> bool:
        """Whether what happens now still reaches the score by itself."""
        async with self._readings.pool.acquire() as connection:
            life = await period_store.one_life(connection, period.name)
        return life is None or is_free(life, self._readings.clock())

    def _scored(self, agency: str, period: Period) -> tuple[Scored, tuple[RuleSet, ...]]:
        book = self._readings.book
        scored = book.agencies.scored_in(period.window).get(agency)
        sets = book.rules.of(scored, period.window) if scored is not None else ()
        if scored is None or not sets:
            raise ProblemError(404, "not-scored", f"{agency} is not scored in {period.name}.")
        return scored, tuple(sets)

    async def _counts(self, agency: str, moment: Moment, sets: Sequence[RuleSet]) -> dict[str, int | None]:
        """The counts that rules and acts look at, as of the moment."""
        ruled = {name for rule_set in sets for name in rule_set.names()}
        named = ruled | {name for act in self._acts.acts for name in act.names()}
        wanted = {flow for name in named for flow in flows_of(name)}
        monday = moment.day - timedelta(days=moment.day.weekday())
        week = span_of(Window(max(monday, moment.period.first), moment.day))
        items = set(flows_of("content.items"))
        readings = self._readings
        async with readings.pool.acquire() as connection:
            await readings.vocabulary.refresh(connection)
            found = await counts_of(connection, readings.vocabulary, [agency], moment.span, wanted)
            present = await counts_of(connection, readings.vocabulary, [agency], week, items)
        # A name from outside (input.…) that rules look at stays unknown; the acts' own one is known here.
        counts = for_rules(found[agency], moment.span.window, moment.day, ruled)
        counts[OPEN_WEEKS] = int(moment.running and present[agency].get("content.items", 0) <= 0)
        return counts

    async def _waiting(self, agency: str, kind: str, now: datetime) -> list[Document] | None:
        """What waits within its time, by due instant; None when the service cannot be reached."""
        url = f"{self._urls[_MODULE[kind]].rstrip('/')}/v1/deadlines"
        try:
            answer = await self._client.get(url, params={"agency": agency, "limit": MAX_WAITING})
        except httpx.HTTPError as error:
            log.info("deadlines out of reach", kind=kind, reason=repr(error))
            return None
        if answer.status_code != 200:
            return None
        return [
            {"kind": kind, "entity": row["entity"], "due_at": row["due_at"]}
            for row in answer.json()["deadlines"]
            if row["kind"] == kind and parse_instant(row["due_at"]) > now
        ]

    # ------------------------------------------------------------------------------------ writing

    def _head(self, agency: str, moment: Moment) -> Document:
        return {
            "agency": agency,
            "period": moment.period.name,
            "from": moment.period.first.isoformat(),
            "to": moment.period.last.isoformat(),
            "on": moment.day.isoformat(),
            "running": moment.running,
            "as_of": iso(self._readings.clock()),
            "provenance": self._acts.provenance,
        }

    def _told(self, found: Forecast, waiting: Mapping[str, list[Document] | None]) -> Document:
        return {
            "total": {"points": number(found.result.points), "max": number(found.result.max)},
            "reachable": number(found.reachable),
            "still_reachable": number(found.reachable - found.result.points),
            "ways": [self._way(way, waiting) for way in found.ways],
            "plan": [self._way(way, waiting) for way in found.plan],
            "left": [self._left(one) for one in found.left],
        }

    def _way(self, way: Way, waiting: Mapping[str, list[Document] | None]) -> Document:
        act = way.lever.act
        items = (waiting.get(act.waits) or []) if act.waits is not None else []
        due = items[way.units - 1]["due_at"] if way.units <= len(items) else None
        return {
            "act": act.id,
            "module": way.module,
            "criterion": way.criterion.id,
            "title": way.criterion.title.model_dump(),
            "rule": way.criterion.rule.model_dump(),
            "units": way.units,
            "text": self._text(way, due).model_dump(),
            "before": number(way.before),
            "after": number(way.after),
            "points": number(way.gain),
            "points_per_unit": float(way.rate.quantize(Decimal("0.0001"))),
            "direct": act.direct,
            "by": due,
            "items": items[: way.units],
            "steps": [
                {"units": one.units, "criterion": number(one.points), "points": number(one.gain)}
                for one in way.steps
            ],
            "adds": way.deltas,
        }

    def _text(self, way: Way, due: str | None) -> Words:
        categories = {one.slug: one for one in self._readings.book.agencies.register.categories}
        listed = way.lever.listed(way.units)
        named = [(categories[one].name, categories[one].name_en) if one in categories else (one, one)
                 for one in listed]  # fmt: skip
        said = way.lever.act.verb.filled(
            way.units,
            {"listed": "; ".join(vi for vi, _ in named)},
            {"listed": "; ".join(en for _, en in named)},
        )
        if due is None:
            return said
        return self._acts.by.filled(
            way.units,
            {"verb": said.vi, "due": due_in_words(due, "vi")},
            {"verb": said.en, "due": due_in_words(due, "en")},
        )

    def _left(self, one: Left) -> Document:
        return {
            "module": one.module,
            "criterion": one.criterion.id,
            "title": one.criterion.title.model_dump(),
            "points": None if one.points is None else number(one.points),
            "max": number(Decimal(one.criterion.max.numerator) / one.criterion.max.denominator),
            "reason": one.reason,
            "why": self._acts.reasons[one.reason].model_dump(),
        }


def due_in_words(due: str, language: str) -> str:
    """`17:00 thứ Sáu 29/03/2024` or `Friday 29/03/2024 17:00`."""
    at = local(parse_instant(due))
    day = f"{_WEEKDAYS[language][at.weekday()]} {at:%d/%m/%Y}"
    return f"{at:%H:%M} {day}" if language == "vi" else f"{day} {at:%H:%M}"


AgencyPath = Annotated[str, Path(max_length=80, pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$")]
PeriodQuery = Annotated[str | None, Query(max_length=20, description="A quarter, half or year; this one.")]
FromQuery = Annotated[str | None, Query(alias="from", max_length=20, description="First day of a period.")]
ToQuery = Annotated[str | None, Query(max_length=20, description="The day to stand on, as `on`.")]
OnQuery = Annotated[
    str | None, Query(max_length=20, description="Stand on the evening of this day, 2024-03-15; today.")
]


def add_forecast(app: FastAPI, get: Callable[[], Forecasts]) -> None:
    """Points still reachable."""

    @app.get(
        "/v1/scores/{agency}/forecast", tags=["scores"], summary="Points still reachable, cheapest first"
    )
    async def points_reachable(
        agency: AgencyPath,
        period: PeriodQuery = None,
        first: FromQuery = None,
        to: ToQuery = None,
        on: OnQuery = None,
    ) -> JSONResponse:
        desk = get()
        span = asked_span(period, first, to, desk.today())
        return JSONResponse(await desk.page(agency, moment_of(span, asked_day(on), desk.today())))


def asked_day(on: str | None) -> date | None:
    """The day of a request. Raises ProblemError 400."""
    if on is None:
        return None
    try:
        return parse_day(on)
    except ValueError as error:
        errors: list[Any] = [{"pointer": "/query/on", "detail": str(error)}]
        raise ProblemError(400, "day", f"The day cannot be read: {error}.", errors=errors) from None
