"""Other families of rule sets: the same agencies and counts measured by another yardstick, when asked.

The province's scores and those of the districts are published. A family such as the national index is worked
out on demand and stands beside them: nothing of it enters a score, a topic or a seal.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any

import httpx
from fastapi import FastAPI, Path, Query
from fastapi.responses import JSONResponse

from services.scoring.evidence import MAX_PAGE, Evidence
from services.scoring.indicators import Span
from services.scoring.readings import Readings, asked_span
from services.scoring.ruleset import PUBLISHED
from services.scoring.score import Document
from shared.contracts.words import Agency
from shared.runtime.problem import ProblemError


class FamilyReadings(Readings):
    """Readings under one family that nobody publishes: always worked out from the counts as they are."""

    async def _published(self, span: Span, agency: str | None = None) -> dict[str, Document]:
        return {}


class Families:
    """Readings and evidence of each family."""

    def __init__(self, readings: Readings, urls: Mapping[str, str], client: httpx.AsyncClient) -> None:
        self._readings = readings
        self._by_name = {family: self._of(family) for family in readings.book.rules.families()}
        self._evidence = {name: Evidence(one, urls, client) for name, one in self._by_name.items()}

    def _of(self, family: str) -> Readings:
        ours = self._readings
        if family in PUBLISHED:
            return ours
        book = replace(ours.book, rules=ours.book.rules.only(family))
        return FamilyReadings(ours.pool, ours.vocabulary, book, ours.clock)

    def listed(self) -> list[Document]:
        """Every family with its rule sets, the newest last."""
        rules = self._readings.book.rules
        return [
            {
                "family": family,
                "published": family in PUBLISHED,
                "rulesets": [
                    {"name": one.name, "title": one.row.title.model_dump(), "owner": one.owner}
                    for one in sorted(rules.rule_sets, key=lambda one: (one.id, one.valid_from))
                    if one.family == family
                ],
            }
            for family in rules.families()
        ]

    def readings(self, family: str) -> Readings:
        """The readings under a family. Raises ProblemError 404 that names those there are."""
        found = self._by_name.get(family)
        if found is None:
            names = ", ".join(self._by_name)
            raise ProblemError(404, "unknown-family", f"There is no family {family!r} of rule sets: {names}.")
        return found

    def evidence(self, family: str) -> Evidence:
        """The evidence under a family. Raises ProblemError 404."""
        self.readings(family)
        return self._evidence[family]


PeriodQuery = Annotated[str | None, Query(max_length=20, description="A quarter, half or year.")]
FromQuery = Annotated[str | None, Query(alias="from", max_length=20, description="First day, 2024-01-01.")]
ToQuery = Annotated[str | None, Query(max_length=20, description="Last day.")]
FamilyPath = Annotated[str, Path(max_length=60, pattern=r"^[a-z0-9]+(?:[.-][a-z0-9]+)*$")]
AgencyPath = Annotated[str, Path(max_length=80, pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$")]


def add_families(app: FastAPI, get: Callable[[], Families]) -> None:
    """Scores, explanations and evidence under another family of rule sets."""
    _add_tables(app, get)
    _add_reasons(app, get)


def _add_tables(app: FastAPI, get: Callable[[], Families]) -> None:
    @app.get("/v1/families", tags=["families"], summary="Families of rule sets, and which are published")
    async def families() -> dict[str, Any]:
        return {"families": get().listed()}

    @app.get("/v1/families/{family}/scores", tags=["families"], summary="The table under another family")
    async def scores(
        family: FamilyPath,
        period: PeriodQuery = None,
        first: FromQuery = None,
        to: ToQuery = None,
        group: Annotated[str | None, Query(max_length=40)] = None,
        parent: Annotated[Agency | None, Query()] = None,
    ) -> JSONResponse:
        readings = get().readings(family)
        span = asked_span(period, first, to, readings.today())
        return JSONResponse({"family": family, **await readings.scores(span, group, parent)})

    @app.get("/v1/families/{family}/scores/{agency}", tags=["families"], summary="One agency under it")
    async def score(
        family: FamilyPath,
        agency: AgencyPath,
        period: PeriodQuery = None,
        first: FromQuery = None,
        to: ToQuery = None,
    ) -> JSONResponse:
        readings = get().readings(family)
        span = asked_span(period, first, to, readings.today())
        return JSONResponse({"family": family, **await readings.score(agency, span)})


def _add_reasons(app: FastAPI, get: Callable[[], Families]) -> None:
    @app.get("/v1/families/{family}/scores/{agency}/explanation", tags=["families"], summary="Why each point")
    async def explanation(
        family: FamilyPath,
        agency: AgencyPath,
        period: PeriodQuery = None,
        first: FromQuery = None,
        to: ToQuery = None,
    ) -> JSONResponse:
        readings = get().readings(family)
        span = asked_span(period, first, to, readings.today())
        return JSONResponse({"family": family, **await readings.explanation(agency, span)})

    @app.get(
        "/v1/families/{family}/scores/{agency}/evidence", tags=["families"], summary="What stands behind"
    )
    async def evidence(
        family: FamilyPath,
        agency: AgencyPath,
        criterion: Annotated[str, Query(max_length=80, description="As the explanation names it.")],
        period: PeriodQuery = None,
        first: FromQuery = None,
        to: ToQuery = None,
        after: Annotated[str, Query(max_length=400, description="`next` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
    ) -> JSONResponse:
        parts = get()
        span = asked_span(period, first, to, parts.readings(family).today())
        page = await parts.evidence(family).page(agency, criterion, span, after, limit, facts=True)
        return JSONResponse({"family": family, **page})
