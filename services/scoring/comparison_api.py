"""`GET /v1/comparison`: a window beside the same one a year before, and an agency beside its peers."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import JSONResponse

from services.scoring import flows
from services.scoring.comparison import Scales, among, change_of, per_portal, spans_of, standings
from services.scoring.indicators import Span, flows_of
from services.scoring.queries import counts_of
from services.scoring.readings import Readings, asked_span
from services.scoring.score import Document
from shared.contracts.words import Agency
from shared.register.register import COMPONENT_GROUPS
from shared.runtime.problem import ProblemError

MAX_INDICATORS = 50
POINTS = "points"
"""The word for points among the indicators of a comparison."""

Counts = Mapping[str, Mapping[str, int]]
Rows = Mapping[str, Document]


class Comparisons:
    """Works comparisons out of the scores and counts as they are."""

    def __init__(self, readings: Readings, scales: Scales) -> None:
        self._readings = readings
        self._scales = scales
        self._register = readings.book.agencies.register

    def span(self, period: str | None, first: str | None, last: str | None) -> tuple[Span, Span]:
        """The asked window as far as it has elapsed, and the one a year before. Raises ProblemError 400."""
        today = self._readings.today()
        span = asked_span(period, first, last, today)
        try:
            return spans_of(span, today)
        except ValueError as error:
            raise ProblemError(400, "window", f"There is no year before to compare with: {error}.") from None

    def indicators(self, asked: list[str] | None) -> list[str]:
        """The indicators of a comparison. Raises ProblemError 400 for a word that names none."""
        chosen = [name for name in asked or self._scales.shown if name != POINTS]
        wrong = [name for name in chosen if not flows.is_indicator(name) or name.startswith(flows.INPUT)]
        if wrong or len(chosen) > MAX_INDICATORS:
            detail = f"not an indicator: {', '.join(wrong[:5])}" if wrong else f"at most {MAX_INDICATORS}"
            errors = [{"pointer": "/query/indicator", "detail": detail}]
            raise ProblemError(
                400, "indicator", "Name indicators of docs/CONTRACT.md, or points.", errors=errors
            )
        return chosen

    async def page(self, spans: tuple[Span, Span], agency: str | None, names: list[str]) -> Document:
        """Sums over the component portals and over each group of them, every agency's change, and the peers
        of the agency that is named."""
        parent = None
        if agency is not None:
            self._readings.known(agency)
            parent = self._register.agencies[agency].parent
        now, then = spans
        after, before = await self._readings.scores(now, None, parent), await self._scores(then, parent)
        scales = self._scales.on(now.window.first)
        wanted = {*names, *(scale.indicator for scale in scales)}
        counts, counts_before = await self._counts(now, wanted), await self._counts(then, wanted)
        if not any(number for of in counts_before.values() for number in of.values()):
            # Nobody recorded that time. What is scored of nothing (15 of 15 without a question) says nothing.
            before = {}
        rows, both = _by_agency(after), (counts_before, counts)
        found = {
            **_head(now),
            "before": _head(then),
            "as_of": after["as_of"],
            **self._sums(COMPONENT_GROUPS, spans, names, counts, counts_before),
            "groups": {
                group: self._sums((group,), spans, names, counts, counts_before) for group in COMPONENT_GROUPS
            },
            "agencies": [
                self._row(one, names, (before, rows), both, now)
                for one in ([agency] if agency is not None else self._existing(spans))
            ],
        }
        if agency is not None:
            found["peers"] = self._peers(agency, rows, counts, scales)
        return found

    async def _scores(self, span: Span, parent: str | None) -> Rows:
        """The province's table, or that of the communes which a district scores."""
        return _by_agency(await self._readings.scores(span, None, parent))

    async def _counts(self, span: Span, names: Iterable[str]) -> Counts:
        wanted = {flow for name in names for flow in flows_of(name)}
        readings = self._readings
        async with readings.pool.acquire() as connection:
            await readings.vocabulary.refresh(connection)
            return await counts_of(connection, readings.vocabulary, self._register.agencies, span, wanted)

    def _existing(self, spans: tuple[Span, Span]) -> list[str]:
        return [
            one.slug
            for one in self._register.agencies.values()
            if any(one.existed_in(span.window.first, span.window.last) for span in spans)
        ]

    def _sums(
        self, groups: Collection[str], spans: tuple[Span, Span], names: list[str],
        counts: Counts, counts_before: Counts,
    ) -> Document:  # fmt: skip
        """Sums over the portals of some groups; per portal where another number of them was open."""
        members = [one for one in self._register.agencies.values() if one.group in groups]
        now, then = (
            sum(one.existed_in(span.window.last, span.window.last) for one in members) for span in spans
        )
        totals = []
        for name in names:
            old, new = (sum(of[one.slug].get(name, 0) for one in members) for of in (counts_before, counts))
            totals.append(
                {"indicator": name, **change_of(old, new), "per_portal": per_portal(old, new, (then, now))}
            )
        return {"portals": change_of(then, now), "totals": totals}

    def _row(
        self, slug: str, names: list[str], scores: tuple[Rows, Rows], counts: tuple[Counts, Counts], now: Span
    ) -> Document:
        agency = self._register.agencies[slug]
        before, after = (rows.get(slug) for rows in scores)
        modules = sorted({*(before or {}).get("modules", {}), *(after or {}).get("modules", {})})
        return {
            "agency": slug,
            "name": agency.name,
            "name_en": agency.name_en,
            "group": agency.group,
            "exists": agency.existed_in(now.window.first, now.window.last),
            "predecessors": [one.slug for one in self._register.agencies.values() if slug in one.successors],
            POINTS: _points_change(_part(before, None), _part(after, None)),
            "modules": {name: _points_change(_part(before, name), _part(after, name)) for name in modules},
            "indicators": {
                name: change_of(counts[0][slug].get(name, 0), counts[1][slug].get(name, 0)) for name in names
            },
        }

    def _peers(self, agency: str, rows: Rows, counts: Counts, scales: Iterable[Any]) -> Document:
        """Among its group by the total; in each module among those of about its volume."""
        mine = rows.get(agency)
        if mine is None:
            return {"group": None, "volume": []}
        group = {
            name: (row["total"]["points"], row["known_max"])
            for name, row in rows.items()
            if row["group"] == mine["group"]
        }
        volume = []
        for scale in scales:
            if scale.module not in mine["modules"]:
                continue
            scored = {name: row["modules"][scale.module] for name, row in rows.items()
                      if scale.module in row["modules"]}  # fmt: skip
            volumes = {name: counts[name].get(scale.indicator, 0) for name in scored}
            band, members = scale.band(agency, volumes)
            points = {name: (scored[name]["points"], scored[name]["max"]) for name in members}
            volume.append(
                {
                    "module": scale.module,
                    "indicator": scale.indicator,
                    "value": volumes[agency],
                    "band": band,
                    **self._named(among(agency, standings(points))),
                }
            )
        return {
            "group": {"group": mine["group"], **self._named(among(agency, standings(group)))},
            "volume": volume,
        }

    def _named(self, place: Document) -> Document:
        for row in place["agencies"]:
            known = self._register.agencies[row["agency"]]
            row |= {"name": known.name, "name_en": known.name_en}
        return place


def _head(span: Span) -> Document:
    return {
        "period": span.period.name if span.period else None,
        "from": span.window.first.isoformat(),
        "to": span.window.last.isoformat(),
    }


def _by_agency(scores: Document) -> Rows:
    return {row["agency"]: row for row in scores["scores"]}


def _part(row: Document | None, module: str | None) -> Document | None:
    if row is None:
        return None
    if module is None:
        return {"points": row["total"]["points"], "max": row["total"]["max"]}
    found: Document | None = row["modules"].get(module)
    return found


def _points_change(before: Document | None, after: Document | None) -> Document:
    """The change of points; where the maximum differs, points of two scales are not subtracted."""
    old, new = (None if one is None else one["points"] for one in (before, after))
    scales = [None if one is None else one["max"] for one in (before, after)]
    if None not in scales and scales[0] != scales[1]:
        found = {**change_of(None, None), "before": old, "after": new}
    else:
        found = change_of(old, new)
    return {**found, "max_before": scales[0], "max": scales[1]}


PeriodQuery = Annotated[
    str | None, Query(max_length=20, description="A quarter 2024-Q1, a half 2024-H1 or a year 2024.")
]
FromQuery = Annotated[str | None, Query(alias="from", max_length=20, description="First day, 2024-01-01.")]
ToQuery = Annotated[str | None, Query(max_length=20, description="Last day; both years are cut off there.")]


def add_comparison(app: FastAPI, get: Callable[[], Comparisons]) -> None:
    """A window beside the same part of the year before."""

    @app.get("/v1/comparison", tags=["scores"], summary="The same period a year before, and peers")
    async def comparison(
        period: PeriodQuery = None,
        first: FromQuery = None,
        to: ToQuery = None,
        agency: Annotated[Agency | None, Query(description="Only this agency, with its peers.")] = None,
        indicator: Annotated[
            list[str] | None, Query(max_length=MAX_INDICATORS, description="May be repeated; `points`.")
        ] = None,
    ) -> JSONResponse:
        desk = get()
        names = desk.indicators(indicator)
        return JSONResponse(await desk.page(desk.span(period, first, to), agency, names))
