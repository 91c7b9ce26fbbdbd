"""Answers about scores: published where a quarter is asked for, worked out on demand otherwise."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec

from services.scoring import flows
from services.scoring.fold import read_epoch
from services.scoring.indicators import Span, flows_of, for_rules, span_of, span_of_period
from services.scoring.publish import with_causes
from services.scoring.queries import counts_of, every_flow
from services.scoring.ruleset import RuleBook, RuleSet, Scored
from services.scoring.score import (
    Document,
    Result,
    explanation,
    known_max,
    ranks,
    score,
    score_again,
    score_document,
    summary_document,
)
from services.scoring.scorer import Book
from services.scoring.vocabulary import Vocabulary
from shared.calendar.local import iso, local_day
from shared.calendar.periods import parse_period, parse_window, quarter_of
from shared.runtime.clock import Clock
from shared.runtime.postgres import Connection, Pool
from shared.runtime.problem import ProblemError

_NOT_INDICATORS = ("window.", flows.JUDGED, flows.JUDGED_HUNDREDTHS)


def asked_span(period: str | None, first: str | None, last: str | None, today: date) -> Span:
    """The span of a request: a period, or from and to; the quarter of today when nothing is said.

    Raises ProblemError 400 that says how to write it.
    """
    try:
        if period is not None:
            if first is not None or last is not None:
                raise ValueError("give either period, or from and to")
            return span_of_period(parse_period(period))
        if first is None and last is None:
            return span_of_period(quarter_of(today))
        if first is None or last is None:
            raise ValueError("a window needs both from and to")
        return span_of(parse_window(first, last))
    except ValueError as error:
        place = "/query/period" if period is not None else "/query/from"
        errors = [{"pointer": place, "detail": str(error)}]
        raise ProblemError(400, "window", f"The time cannot be read: {error}.", errors=errors) from None


class Readings:
    """Everything the API tells about scores, but for evidence and the stream."""

    def __init__(self, pool: Pool, vocabulary: Vocabulary, book: Book, clock: Clock) -> None:
        self.pool = pool
        self.vocabulary = vocabulary
        self.book = book
        self.clock = clock

    def today(self) -> date:
        """The local day now."""
        return local_day(self.clock())

    def known(self, agency: str) -> None:
        """Raises ProblemError 404 for an agency that is not in the register."""
        if self.book.agencies.register.get(agency) is None:
            raise ProblemError(
                404, "unknown-agency", f"There is no agency {agency!r}; GET /v1/agencies lists them."
            )

    # ---------------------------------------------------------------------------------- indicators

    async def indicators(self, agencies: Iterable[str] | None, span: Span) -> dict[str, dict[str, int]]:
        """Every indicator that is not zero, of these agencies or of all."""
        async with self.pool.acquire() as connection:
            await self._settled(connection)
            await self.vocabulary.refresh(connection)
            names = list(self.vocabulary.agencies) if agencies is None else list(agencies)
            found = await counts_of(connection, self.vocabulary, names, span, every_flow(self.vocabulary))
        return {
            name: {key: counts[key] for key in sorted(counts) if not key.startswith(_NOT_INDICATORS)}
            for name, counts in sorted(found.items())
        }

    async def prepare(self) -> None:
        """Learn the names that other replicas have added. Raises ProblemError 503 during a rebuild."""
        async with self.pool.acquire() as connection:
            await self._settled(connection)
            await self.vocabulary.refresh(connection)

    async def _settled(self, connection: Connection) -> None:
        """Raises ProblemError 503 while a rebuild is being read: half a count is no count."""
        if (await read_epoch(connection)).until:
            raise ProblemError(
                503, "rebuilding", "The counts are being rebuilt from the bus; ask again shortly.",
                headers={"Retry-After": "5"},
            )  # fmt: skip

    # -------------------------------------------------------------------------------------- scores

    async def scores(self, span: Span, group: str | None, parent: str | None = None) -> Document:
        """The league table of a span: total and modules of each scored agency, with its rank in its group.

        The province's own table, or with `parent` that of the communes which a district scores.
        """
        documents = await self._documents(span)
        ranked = ranks(documents.values())
        rows = [
            {**_short(document), "rank": ranked[agency], "revision": document["revision"]}
            for agency, document in documents.items()
            if (group is None or document["group"] == group) and document["parent"] == parent
        ]
        rows.sort(key=lambda row: (row["group"], row["rank"], row["agency"]))
        return {**self._head(span), "as_of": self._as_of(documents.values()), "scores": rows}

    async def score(self, agency: str, span: Span) -> Document:
        """One agency's score with its criteria. An agency that nobody scores has no modules."""
        self.known(agency)
        documents = await self._documents(span)
        document = documents.get(agency)
        if document is None:
            document = {**score_document(score(self._unscored(agency), (), {})), "revision": 0}
        rank = ranks(documents.values()).get(agency)
        as_of = document.pop("as_of", None) or iso(self.clock())
        return {**self._head(span), "as_of": as_of, **document, "rank": rank}

    async def explanation(self, agency: str, span: Span) -> Document:
        """Why each point of an agency's score: of the published one where there is one, else worked out now.

        A closed quarter is explained by the counts it was closed with.
        """
        self.known(agency)
        published = (await self._published(span, agency)).get(agency)
        scored = self._scored(span, self.book.rules).get(agency)
        if published is not None and scored is not None:
            told = score_again(scored[0], published, self.book.rules.by_name)
            if told is not None:
                return {**self._head(span), "as_of": published["as_of"], **explanation(told)}
        results = await self.results(span, [agency])
        result = results.get(agency) or score(self._unscored(agency), (), {})
        return {**self._head(span), "as_of": iso(self.clock()), **explanation(result)}

    async def results(
        self, span: Span, agencies: Iterable[str] | None = None, rules: RuleBook | None = None
    ) -> dict[str, Result]:
        """Scores worked out now, of these agencies or of all that are scored, under these rules or ours."""
        scored = self._scored(span, rules or self.book.rules)
        chosen = {name: pair for name, pair in scored.items() if agencies is None or name in set(agencies)}
        named = {name for _, sets in chosen.values() for rule_set in sets for name in rule_set.names()}
        wanted = {flow for name in named for flow in flows_of(name)}
        async with self.pool.acquire() as connection:
            await self._settled(connection)
            await self.vocabulary.refresh(connection)
            counts = await counts_of(connection, self.vocabulary, chosen, span, wanted)
        today = self.today()
        return {
            name: score(agency, sets, for_rules(counts[name], span.window, today, named))
            for name, (agency, sets) in chosen.items()
        }

    def rule_sets(self, agency: str, span: Span) -> tuple[RuleSet, ...]:
        """What an agency is scored under in a span; nothing when nobody scores it."""
        scored = self.book.agencies.scored_in(span.window).get(agency)
        return self.book.rules.of(scored, span.window) if scored is not None else ()

    def _scored(self, span: Span, rules: RuleBook) -> dict[str, tuple[Scored, tuple[RuleSet, ...]]]:
        found = {}
        for name, agency in self.book.agencies.scored_in(span.window).items():
            sets = rules.of(agency, span.window)
            if sets:
                found[name] = (agency, sets)
        return found

    def _unscored(self, agency: str) -> Scored:
        return next(one for one in self.book.agencies.everyone() if one.agency == agency)

    async def _documents(self, span: Span) -> dict[str, Document]:
        """Published scores of a quarter, worked out where there are none; with group and revision."""
        scored = self._scored(span, self.book.rules)
        published = await self._published(span)
        documents: dict[str, Document] = {}
        for name, document in published.items():
            if name in scored:
                agency = scored[name][0]
                documents[name] = {**document, "group": agency.group, "parent": agency.parent}
        missing = [name for name in scored if name not in documents]
        if missing:
            for name, result in (await self.results(span, missing)).items():
                documents[name] = {**score_document(result), "revision": 0}
        return dict(sorted(documents.items()))

    async def _published(self, span: Span, agency: str | None = None) -> dict[str, Document]:
        """What was last published about a quarter, of one agency or of all; nothing for any other span."""
        period = span.period
        if period is None or period.kind != "quarter" or span.window.last != period.last:
            return {}
        async with self.pool.acquire() as connection:
            await self._settled(connection)
            rows = await connection.fetch(
                "SELECT agency, document FROM score WHERE period = $1 AND ($2::text IS NULL OR agency = $2)",
                period.name, agency,
            )  # fmt: skip
        return {row["agency"]: msgspec.json.decode(row["document"]) for row in rows}

    def _head(self, span: Span) -> Document:
        return {
            "period": span.period.name if span.period else None,
            "from": span.window.first.isoformat(),
            "to": span.window.last.isoformat(),
        }

    def _as_of(self, documents: Iterable[Document]) -> str:
        return max((d["as_of"] for d in documents if "as_of" in d), default=iso(self.clock()))

    # ------------------------------------------------------------------------------------- changes

    async def changes(self, agency: str, period: str | None, after: int, limit: int) -> Document:
        """The changes of an agency's scores, oldest first; `next` continues the list."""
        self.known(agency)
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(
                """SELECT number, document, causes FROM score_change
                   WHERE agency = $1 AND ($2::text IS NULL OR period = $2) AND number > $3
                   ORDER BY number LIMIT $4""",
                agency, period, after, limit,
            )  # fmt: skip
        return {
            "agency": agency,
            "changes": [{"number": row["number"], **change_shown(row)} for row in rows],
            "next": rows[-1]["number"] if len(rows) == limit else None,
        }

    async def causes(self, agency: str, number: int, after: int, limit: int) -> Document:
        """The causes of one change, page by page. Raises ProblemError 404."""
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(
                """SELECT causes[$3 + 1 : $3 + $4] AS page, cardinality(causes) AS total FROM score_change
                   WHERE agency = $1 AND number = $2""",
                agency, number, after, limit,
            )  # fmt: skip
        if row is None:
            raise ProblemError(404, "not-found", f"{agency} has no score change {number}.")
        shown = with_causes({}, row["page"] or [], limit)
        following = after + limit if after + limit < row["total"] else None
        return {"causes": shown["causes"], "causes_total": row["total"], "next": following}

    # -------------------------------------------------------------------------------------- status

    async def pending(self) -> dict[str, int]:
        """Dirty scores and records for the bus that are still under way."""
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(
                """SELECT (SELECT count(*) FROM dirty) AS dirty, (SELECT count(*) FROM outbox) AS outbox,
                          (SELECT count(*) FROM rebuild WHERE until IS NOT NULL) AS rebuilding,
                          (SELECT count(*) FROM contribution WHERE fault IS NOT NULL) AS faults"""
            )
        return dict(row) if row else {}


def change_shown(row: Mapping[str, Any]) -> Document:
    """A stored change with its causes (as many as a record carries)."""
    return with_causes(msgspec.json.decode(row["document"]), row["causes"])


def _short(document: Document) -> Document:
    """A score without its criteria."""
    modules = {
        name: {key: value for key, value in module.items() if key != "criteria"}
        for name, module in document["modules"].items()
    }
    return {
        "agency": document["agency"],
        "group": document["group"],
        "parent": document["parent"],
        "total": document["total"],
        "known_max": known_max(document),
        "modules": modules,
        "complete": document["complete"],
    }


def compared(before: dict[str, Result], after: dict[str, Result]) -> list[Document]:
    """Who changes points or rank between two ways of scoring one span."""
    old_ranks = ranks(score_document(result) for result in before.values())
    new_ranks = ranks(score_document(result) for result in after.values())
    rows = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        row = {
            "agency": name,
            "group": (new or old).agency.group if (new or old) else None,  # type: ignore[union-attr]
            "before": summary_document(old)["total"] if old else None,
            "after": summary_document(new)["total"] if new else None,
            "rank_before": old_ranks.get(name),
            "rank_after": new_ranks.get(name),
        }
        if row["before"] != row["after"] or row["rank_before"] != row["rank_after"]:
            rows.append(row)
    return rows
