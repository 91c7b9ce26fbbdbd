"""Reading the tally: the probes of a span, for many agencies in one round trip."""

from collections.abc import Iterable, Sequence

from services.scoring import flows
from services.scoring.indicators import Finding, Part, Probe, Span, indicators, probes
from services.scoring.vocabulary import Vocabulary
from shared.runtime.postgres import Connection

# PostgreSQL gives <<, | and & one rank and reads them from the left: hence every bracket.
# Every probe is one range of the primary key: its cost follows the days asked for, not the years kept.
_SUMS = """
SELECT a.number, p.place, found.week, found.n
FROM unnest($1::bigint[]) AS a (number),
     unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bool[])
     AS p (place, flow, low, high, by_week),
     LATERAL (
        SELECT CASE WHEN p.by_week THEN (((mark >> 15) & 32767) + 5) / 7 ELSE 0 END AS week,
               sum(n)::bigint AS n
        FROM tally
        WHERE mark BETWEEN ((a.number << 48) | (p.flow << 30) | (p.low << 15))
                       AND ((a.number << 48) | (p.flow << 30) | (p.high << 15) | 32767)
          AND (mark & 32767) <= $7
        GROUP BY 1) AS found
WHERE found.n <> 0
"""

_LATEST = """
SELECT a.number, p.place, 0, found.n
FROM unnest($1::bigint[]) AS a (number),
     unnest($2::int[], $3::bigint[], $4::bigint[], $5::bigint[]) AS p (place, flow, low, high),
     LATERAL (
        SELECT n FROM tally
        WHERE mark BETWEEN ((a.number << 48) | (p.flow << 30) | (p.low << 15))
                       AND ((a.number << 48) | (p.flow << 30) | (p.high << 15) | 32767)
          AND n > 0
        ORDER BY mark DESC LIMIT 1) AS found
"""

# A range for each agency, one by one: as a plain join it would read the whole table for every agency.
_DECISIONS = """
SELECT a.number, decided.count
FROM unnest($1::bigint[]) AS a (number),
     LATERAL (
        SELECT count(*) AS count
        FROM (SELECT FROM tally
              WHERE mark BETWEEN ((a.number << 48) | ($2::bigint << 30))
                             AND ((a.number << 48) | ($3::bigint << 30) | 1073741823)
                AND ((mark >> 15) & 32767) BETWEEN $4 AND $5 AND (mark & 32767) <= $6
              GROUP BY mark >> 30 HAVING sum(n) > 0) AS each) AS decided
WHERE decided.count > 0
"""


async def counts_of(
    connection: Connection,
    vocabulary: Vocabulary,
    agencies: Iterable[str],
    span: Span,
    wanted: Iterable[str],
    *,
    stocks: bool = True,
) -> dict[str, dict[str, int]]:
    """The indicators of each agency over a span, made of the wanted flows. An agency without any has none."""
    names = list(agencies)
    wanted = set(wanted)
    numbers = [vocabulary.agencies[name] for name in names if name in vocabulary.agencies]
    asked = [p for p in probes(span, wanted, stocks=stocks) if p.flow in vocabulary.flows]
    found: dict[int, list[Finding]] = {number: [] for number in numbers}
    await _sums(connection, vocabulary, numbers, asked, span.cut, found)
    await _latest(connection, vocabulary, numbers, asked, found)
    decided: dict[int, int] = {}
    if flows.DECISION in wanted:
        rows = await connection.fetch(
            _DECISIONS, numbers, flows.FIRST_DECISION, flows.MAX_FLOW, span.first, span.last, span.cut
        )
        decided = dict(rows)
    return {
        name: indicators(
            found.get(vocabulary.agencies.get(name, 0), ()), decided.get(vocabulary.agencies.get(name, 0), 0)
        )
        for name in names
    }


async def _sums(
    connection: Connection,
    vocabulary: Vocabulary,
    numbers: list[int],
    asked: Sequence[Probe],
    cut: int,
    found: dict[int, list[Finding]],
) -> None:
    chosen = [probe for probe in asked if probe.part is not Part.LATEST]
    rows = await connection.fetch(
        _SUMS, numbers, *_columns(chosen, vocabulary), [probe.part is Part.WEEK for probe in chosen], cut
    )
    for number, place, week, n in rows:
        found[number].append((chosen[place].part, chosen[place].flow, week, n))


async def _latest(
    connection: Connection,
    vocabulary: Vocabulary,
    numbers: list[int],
    asked: Sequence[Probe],
    found: dict[int, list[Finding]],
) -> None:
    chosen = [probe for probe in asked if probe.part is Part.LATEST]
    if not chosen:
        return
    for number, place, week, n in await connection.fetch(_LATEST, numbers, *_columns(chosen, vocabulary)):
        found[number].append((Part.LATEST, chosen[place].flow, week, n))


def _columns(chosen: Sequence[Probe], vocabulary: Vocabulary) -> tuple[list[int], ...]:
    return (
        list(range(len(chosen))),
        [vocabulary.flows[probe.flow] for probe in chosen],
        [probe.low for probe in chosen],
        [probe.high for probe in chosen],
    )


def every_flow(vocabulary: Vocabulary) -> set[str]:
    """All flows that make indicators, `procedure.decision/` for all decisions; without assessments."""
    return {name for name in vocabulary.flows if not name.startswith((flows.DECISION, *flows.JUDGEMENTS))} | {
        flows.DECISION
    }
