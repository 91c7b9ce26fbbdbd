"""The services' pure cores over the generated facts: fold every entity, count its marks, answer a window.

No database and no bus: what the services would hold once they have taken in all of it.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime

import msgspec

from deploy.replay.generate import Message
from services.content.lifecycle import lifecycle as content
from services.dossier.lifecycle import lifecycle as dossier
from services.qa.lifecycle import lifecycle as qa
from services.scoring import flows
from services.scoring.contribution import contribution
from services.scoring.indicators import Span, TallyRow, answer, indicators, probes
from shared.contracts.words import short_type
from shared.register import shipped_register
from shared.runtime.ledger.lifecycle import EntityRef, Fact, Lifecycle

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
LIFECYCLES: dict[str, Lifecycle] = {"content": content(), "qa": qa(), "dossier": dossier()}

Tally = dict[str, list[TallyRow]]


def fold_all(messages: Iterable[Message]) -> Tally:
    """Tally rows per agency of every entity's state."""
    sums: dict[tuple[str, str, int, int], int] = defaultdict(int)
    wrong_title = shipped_register().is_wrong_title
    for (module, ref), facts in _by_entity(messages).items():
        folded = LIFECYCLES[module].fold(ref, facts, NOW)
        found = contribution(ref.kind, folded.agency, msgspec.json.encode(folded.state), wrong_title)
        assert found.fault is None, (ref, found.fault)
        for agency, flow, cohort, effective, amount in found.marks:
            sums[agency, flow, cohort, effective] += amount
    tally: Tally = defaultdict(list)
    for (agency, flow, cohort, effective), amount in sums.items():
        tally[agency].append((flow, cohort, effective, amount))
    return tally


def _by_entity(messages: Iterable[Message]) -> dict[tuple[str, EntityRef], list[Fact]]:
    facts: dict[tuple[str, str], tuple[tuple[str, EntityRef], Fact]] = {}
    taken_back: set[tuple[str, str]] = set()
    for message in messages:
        if message.expect == "rejected":
            continue
        event = msgspec.json.decode(message.event)
        short = short_type(event["type"])
        assert short is not None
        data = event["data"]
        if short == "fact.retracted":
            taken_back.add((data["retracts"]["source"], data["retracts"]["id"]))
            continue
        ref = LIFECYCLES[message.module].entity_of(short, data, event["id"])
        fact = Fact(
            event["source"], event["id"], short, datetime.fromisoformat(event["time"]), data["agency"], data
        )
        facts.setdefault((event["source"], event["id"]), ((message.module, ref), fact))
    entities: dict[tuple[str, EntityRef], list[Fact]] = defaultdict(list)
    for identity, (entity, fact) in facts.items():
        if identity not in taken_back:
            entities[entity].append(fact)
    return entities


def count(tally: Tally, span: Span) -> dict[str, dict[str, int]]:
    """Every indicator per agency over a window."""
    found: dict[str, dict[str, int]] = {}
    for agency, rows in tally.items():
        wanted = {row[0] for row in rows}
        counts = indicators(answer(rows, probes(span, wanted), span.cut), _decisions(rows, span))
        found[agency] = {name: number for name, number in counts.items() if number}
    return found


def _decisions(rows: list[TallyRow], span: Span) -> int:
    seen = {
        flow
        for flow, cohort, effective, n in rows
        if flow.startswith(flows.DECISION)
        and span.first <= cohort <= span.last
        and effective <= span.cut
        and n
    }
    return len(seen)


def days(first: str, last: str) -> tuple[date, date]:
    return date.fromisoformat(first), date.fromisoformat(last)
