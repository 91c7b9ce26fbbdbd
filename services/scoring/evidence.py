"""From a number to what stands behind it: the entities that a criterion counted, and their facts as sent."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

import httpx
import msgspec

from services.scoring import flows, period_store
from services.scoring.indicators import Probe, Span, flows_of, probes
from services.scoring.readings import Readings
from services.scoring.ruleset import Criterion
from services.scoring.score import Document
from services.scoring.versions import with_versions
from shared.runtime import logs
from shared.runtime.postgres import Record
from shared.runtime.problem import ProblemError

MAX_PAGE = 100

_FIND = """
WITH mine AS (
    SELECT key, version, agency, marks, amounts FROM contribution
    WHERE agency = $1 AND key > $2 AND split_part(key, '/', 1) = ANY ($3)
    UNION ALL
    SELECT key, version, agency, marks, amounts FROM contribution
    WHERE others @> ARRAY[$1::smallint] AND agency <> $1 AND key > $2 AND split_part(key, '/', 1) = ANY ($3)),
 hits AS (
    SELECT mine.key, mine.version, mine.agency, asked.place, sum(coalesce(u.n, 1))::bigint AS n
    FROM mine, unnest(mine.marks, mine.amounts) AS u (mark, n),
         unnest($4::bigint[], $5::bigint[]) WITH ORDINALITY AS asked (low, high, place)
    WHERE u.mark BETWEEN asked.low AND asked.high AND (u.mark & 32767) <= $6
    GROUP BY 1, 2, 3, 4 HAVING sum(coalesce(u.n, 1)) <> 0)
SELECT key, version, agency, array_agg(place ORDER BY place) AS places, array_agg(n ORDER BY place) AS counts
FROM hits GROUP BY key, version, agency ORDER BY key LIMIT $7
"""

_KINDS = (
    ("qa.", "question"),
    ("dossier.", "dossier"),
    ("procedure.", "procedure"),
    ("content.visits", "audience"),
    ("content.reach.", "audience"),
    (flows.FOLLOWERS, "audience"),
    ("content.board.", "board"),
    ("content.channel.", "channel"),
    (flows.REPORT, "report"),
    ("portal.", "portal"),
    *((flow, "assessment") for flow in flows.JUDGEMENTS),
    ("content.", "article"),
)
_MODULES = {"question": "qa", "dossier": "dossier", "procedure": "dossier"}

log = logs.get(__name__)


def kind_of(flow: str) -> str:
    """The kind of entity that a flow counts."""
    return next(kind for prefix, kind in _KINDS if flow.startswith(prefix))


def module_of(kind: str) -> str:
    """The domain service that keeps entities of a kind."""
    return _MODULES.get(kind, "content")


class Evidence:
    """Finds the entities behind a criterion and asks the domain services for their facts."""

    def __init__(self, readings: Readings, urls: Mapping[str, str], client: httpx.AsyncClient) -> None:
        self._readings = readings
        self._urls = urls
        self._client = client

    async def page(
        self, agency: str, criterion: str, span: Span, after: str, limit: int, *, facts: bool
    ) -> Document:
        """One page of entities in the order of their keys. Raises ProblemError 404 for another criterion."""
        self._readings.known(agency)
        await self._readings.prepare()
        module, found = self._criterion(agency, criterion, span)
        wanted = {flow for name in found.names for flow in flows_of(name)}
        if found.kind == "judged" and span.period is not None:
            wanted.add(f"{flows.SELF_ASSESSED}{span.period.kind}/{found.id}")
        asked = [p for p in probes(span, wanted) if p.flow in self._readings.vocabulary.flows]
        rows = await self._find(agency, asked, span, after, limit + 1)
        entities = [self._shown(row, asked) for row in rows[:limit]]
        if facts:
            await self._add_facts(entities, await self._closed_at(span))
        return {
            "agency": agency,
            "from": span.window.first.isoformat(),
            "to": span.window.last.isoformat(),
            "module": module,
            "criterion": criterion,
            "indicators": list(found.names),
            "entities": entities,
            "next": entities[-1]["key"] if len(rows) > limit else None,
        }

    def _criterion(self, agency: str, criterion: str, span: Span) -> tuple[str, Criterion]:
        known = [
            (rule_set.module, one)
            for rule_set in self._readings.rule_sets(agency, span)
            for one in rule_set.criteria
        ]
        wanted_module, _, wanted = criterion.rpartition("/")
        for module, one in known:
            if one.id == wanted and wanted_module in ("", module):
                return module, one
        names = ", ".join(f"{module}/{one.id}" for module, one in known) or "none"
        raise ProblemError(
            404, "unknown-criterion", f"{agency} is not scored on {criterion!r} here; its criteria: {names}."
        )

    async def _find(
        self, agency: str, asked: list[Probe], span: Span, after: str, limit: int
    ) -> list[Record]:
        vocabulary = self._readings.vocabulary
        number = vocabulary.agencies.get(agency)
        if number is None or not asked:
            return []
        kinds = sorted({kind_of(probe.flow) for probe in asked})
        low = [flows.pack(number, vocabulary.flows[p.flow], p.low, 0) for p in asked]
        high = [flows.pack(number, vocabulary.flows[p.flow], p.high, flows.MAX_DAY) for p in asked]
        async with self._readings.pool.acquire() as connection:
            found: list[Record] = await connection.fetch(
                _FIND, number, after, kinds, low, high, span.cut, limit
            )
        return found

    def _shown(self, row: Record, asked: list[Probe]) -> Document:
        kind, _, entity = row["key"].partition("/")
        counts = {asked[place - 1].flow: n for place, n in zip(row["places"], row["counts"], strict=True)}
        return {
            "key": row["key"],
            "kind": kind,
            "entity": entity,
            "module": module_of(kind),
            "version": row["version"],
            "agency": self._readings.vocabulary.agency_names[row["agency"]],
            "counts": counts,
        }

    async def _closed_at(self, span: Span) -> datetime | None:
        """From when on facts of the span's period come late; None while it is open."""
        if span.period is None:
            return None
        async with self._readings.pool.acquire() as connection:
            life = await period_store.one_life(connection, span.period.name)
        return None if life is None else life.cut_off

    async def _add_facts(self, entities: Sequence[Document], closed_at: datetime | None) -> None:
        """The facts of each entity with their ledger positions; None when their service is out of reach."""
        modules: dict[str, list[Document]] = {}
        for entity in entities:
            modules.setdefault(entity["module"], []).append(entity)
        await asyncio.gather(*(self._facts(name, mine, closed_at) for name, mine in modules.items()))

    async def _facts(self, module: str, entities: Sequence[Document], closed_at: datetime | None) -> None:
        body = {"keys": [entity["entity"] for entity in entities]}
        found: list[Document | None] = [None] * len(entities)
        try:
            url = f"{self._urls[module].rstrip('/')}/v1/entities/facts"
            answer = (await self._client.post(url, json=body)).raise_for_status()
            found = msgspec.json.decode(answer.content)["entities"]
        except httpx.HTTPError as error:
            log.info("facts out of reach", module=module, reason=repr(error))
        for entity, one in zip(entities, found, strict=True):
            entity["facts"] = None if one is None else with_versions(one["facts"], closed_at)
