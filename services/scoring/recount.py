"""Counting a period again from the stored contributions, past the tally and its queries.

The second of two computations that must agree: the first keeps a running tally and asks it by index, this
one adds up every mark of every contribution and answers in plain Python.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from services.scoring import flows
from services.scoring.indicators import (
    TallyRow,
    answer,
    flows_of,
    for_rules,
    indicators,
    probes,
    span_of_period,
)
from services.scoring.publish import canonical, content_of
from services.scoring.ruleset import RuleSet, Scored
from services.scoring.score import score
from services.scoring.vocabulary import Vocabulary
from shared.calendar.periods import Period
from shared.runtime.postgres import Connection, Record

_MARKS = """
SELECT mark, sum(coalesce(n, 1))::bigint AS n
FROM contribution, unnest(marks, amounts) AS u (mark, n)
WHERE ((mark >> 15) & 32767) <= $1
GROUP BY mark HAVING sum(coalesce(n, 1)) <> 0
"""


async def marks_until(connection: Connection, vocabulary: Vocabulary, period: Period) -> list[Record]:
    """Every mark that a period can see, added up over the contributions."""
    await vocabulary.refresh(connection)
    rows: list[Record] = await connection.fetch(_MARKS, span_of_period(period).last)
    return rows


def scores_from(
    rows: Iterable[tuple[int, int]],
    vocabulary: Vocabulary,
    period: Period,
    scored: Mapping[str, tuple[Scored, tuple[RuleSet, ...]]],
    named: frozenset[str],
    days: Mapping[str, date],
) -> dict[str, str]:
    """The score of each agency from scratch, as canonical content; `days` end its elapsed window."""
    by_agency: dict[str, dict[str, list[TallyRow]]] = {name: {} for name in scored}
    for mark, n in rows:
        number, flow, cohort, effective = flows.unpack(mark)
        kept = by_agency.get(vocabulary.agency_names[number])
        if kept is not None:
            name = vocabulary.flow_names[flow]
            kept.setdefault(name, []).append((name, cohort, effective, n))
    found = {}
    for name, (agency, rule_sets) in scored.items():
        counts = counts_from(by_agency[name], period, named)
        seen = for_rules(counts, period.window, days[name], named)
        found[name] = canonical(content_of(score(agency, rule_sets, seen), period))
    return found


def counts_from(rows: Mapping[str, list[TallyRow]], period: Period, named: frozenset[str]) -> dict[str, int]:
    """The indicators that rules name, from one agency's marks by flow."""
    span = span_of_period(period)
    wanted = {flow for name in named for flow in flows_of(name)}
    found = [
        finding
        for probe in probes(span, wanted)
        for finding in answer(rows.get(probe.flow, ()), [probe], span.cut)
    ]
    decided = 0
    if flows.DECISION in wanted:
        for flow, marks in rows.items():
            inside = sum(n for _, cohort, _, n in marks if span.first <= cohort <= span.last)
            decided += flow.startswith(flows.DECISION) and inside > 0
    return indicators(found, decided)
