"""Two computations that must agree: scoring's, step by step from the bus, and one from scratch.

The second takes every fact that the ledgers list, folds each entity once, counts in plain Python, explains.
Every agency, every criterion: points, the formula with its numbers, what stands behind, and that the changes
lead there.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from services.scoring.app import open_book
from services.scoring.contribution import Mark, contribution
from services.scoring.indicators import Span, TallyRow, elapsed, flows_of, for_rules, probes, span_of_period
from services.scoring.recount import counts_from
from services.scoring.score import explanation, score
from shared.calendar.local import local_day, parse_instant
from shared.calendar.periods import parse_period
from shared.contracts.words import full_type
from shared.runtime.ledger.lifecycle import EntityRef, Fact
from tests.unit.scoring.world import (
    AGENCIES,
    LIFECYCLES,
    article_facts,
    dossier_facts,
    question_facts,
    wrong_title,
)
from tests.whole_system import RunningSystem

PERIOD = parse_period("2024-Q1")
SPAN = span_of_period(PERIOD)
BOOK = open_book()
FIRST, LAST = "2020-01-01", "2026-12-31"
PUBLISHER = "hai-cach-tinh"
SUBJECTS = {"article": "article_id", "question": "question_id", "dossier": "dossier_code"}


def as_sent(fact: Fact) -> dict[str, Any]:
    """A made-up fact as its publisher sends it."""
    kind = fact.type.partition(".")[0]
    return {
        "specversion": "1.0", "id": fact.id, "source": f"/publishers/{PUBLISHER}",
        "type": full_type(fact.type), "subject": f"{kind}/{fact.data[SUBJECTS[kind]]}",
        "time": fact.time.isoformat(),
        "datacontenttype": "application/json", "data": fact.data,
    }  # fmt: skip


@pytest.fixture(scope="module")
def filled(system: RunningSystem) -> RunningSystem:
    """Some hundred lives of entities, told in no order, with retractions."""
    chance = random.Random(4)
    made: list[dict[str, Any]] = []
    for number in range(90):
        for life in (question_facts, dossier_facts, article_facts):
            told = [as_sent(fact) for fact in life(chance, 5_000 + number)]
            made += told
            if chance.random() < 0.1:
                gone = told[-1]
                made.append({
                    **gone, "id": f"no-{gone['id']}", "type": full_type("fact.retracted"),
                    "data": {
                        "agency": gone["data"]["agency"], "reason": "nhầm",
                        "retracts": {"source": gone["source"], "id": gone["id"]},
                    },
                })  # fmt: skip
    chance.shuffle(made)
    results = system.send(made, system.add_publisher(PUBLISHER, ",".join(AGENCIES)))
    assert {result["status"] for result in results} == {"accepted"}, results
    system.settle()
    return system


@dataclass
class FromScratch:
    """Everything the ledgers know, folded once: the marks of each entity."""

    marks: dict[str, list[Mark]] = field(default_factory=dict)

    def rows(self, agency: str) -> dict[str, list[TallyRow]]:
        """The marks of an agency by flow."""
        found: dict[str, list[TallyRow]] = {}
        for marks in self.marks.values():
            for owner, flow, cohort, effective, n in marks:
                if owner == agency:
                    found.setdefault(flow, []).append((flow, cohort, effective, n))
        return found

    def behind(self, agency: str, names: tuple[str, ...], span: Span) -> set[str]:
        """The entities with marks, not cancelling out, that a criterion's counts look at."""
        asked = probes(span, {flow for name in names for flow in flows_of(name)})
        found = set()
        for entity, marks in self.marks.items():
            for probe in asked:
                total = sum(
                    n for owner, flow, cohort, effective, n in marks
                    if (owner, flow) == (agency, probe.flow) and probe.low <= cohort <= probe.high
                    and effective <= span.cut
                )  # fmt: skip
                if total:
                    found.add(entity)
        return found


def listed(system: RunningSystem, module: str) -> Iterator[Fact]:
    """Every effective fact of a module, out of its ledger."""
    for fact_type in LIFECYCLES[module].fact_models:
        after: str | None = ""
        while after is not None:
            query = {"type": fact_type, "from": FIRST, "to": LAST, "limit": "500", "after": after}
            page = system.get(module, "/v1/facts/of-type", **query)
            for one in page["facts"]:
                if one["effective"]:
                    at = parse_instant(one["time"])
                    yield Fact(one["source"], one["id"], one["type"], at, one["agency"], one["event"]["data"])
            after = page["next"]


def from_scratch(system: RunningSystem, now: datetime) -> FromScratch:
    """Each entity folded once out of all its facts, and what it adds."""
    found = FromScratch()
    for module, lifecycle in LIFECYCLES.items():
        entities: dict[EntityRef, list[Fact]] = {}
        for fact in listed(system, module):
            if fact.type in lifecycle.fact_models and not fact.type.startswith("fact."):
                entities.setdefault(lifecycle.entity_of(fact.type, fact.data, fact.id), []).append(fact)
        for ref, facts in entities.items():
            folded = lifecycle.fold(ref, facts, now)
            agency = folded.agency or ref.scope
            if agency:
                state = msgspec.json.encode(folded.state)
                made = contribution(ref.kind, agency, state, wrong_title)
                found.marks[f"{ref.kind}/{ref.scope}/{ref.entity}"] = made.marks
    return found


def test_step_by_step_and_from_scratch_out_of_the_ledgers_agree_on_all_of_it(filled: RunningSystem) -> None:
    now = datetime.now(UTC)
    scratch = from_scratch(filled, now)
    assert len(scratch.marks) > 200
    named = BOOK.names(PERIOD.window)
    compared = 0
    for name, agency in BOOK.agencies.scored_in(PERIOD.window).items():
        rule_sets = BOOK.rule_sets(agency, PERIOD)
        if not rule_sets:
            continue
        counts = counts_from(scratch.rows(name), PERIOD, named)
        seen = for_rules(counts, PERIOD.window, local_day(now), named)
        expected = explanation(score(agency, rule_sets, seen))
        told = filled.get("scoring", f"/v1/scores/{name}/explanation", period=PERIOD.name)
        for module, content in expected["modules"].items():
            for ours, theirs in zip(content["criteria"], told["modules"][module]["criteria"], strict=True):
                assert {key: theirs.get(key) for key in ours} == ours, (name, module, ours["id"])
                compared += 1
            assert told["modules"][module]["sum"] == content["sum"]
        assert told["total"] == expected["total"]
        _changes_lead_there(filled, name, told["total"])
    assert compared > 58 * 5
    assert elapsed(PERIOD.window, local_day(now))["window.weeks"] >= 13


def _changes_lead_there(system: RunningSystem, agency: str, total: dict[str, Any]) -> None:
    """Each change begins where the one before it ended, and the last one ends at the score."""
    query = {"period": PERIOD.name, "limit": "500"}
    changes = system.get("scoring", f"/v1/scores/{agency}/changes", **query)["changes"]
    before = None
    for change in changes:
        assert change["before"] == before, (agency, change["number"])
        assert change["causes"], (agency, change["number"])
        before = change["after"]
    assert before == total, agency


@pytest.mark.parametrize("agency", AGENCIES)
def test_the_evidence_is_what_the_ledgers_say(filled: RunningSystem, agency: str) -> None:
    """Behind each criterion stand the same entities, none more and none less."""
    scratch = from_scratch(filled, datetime.now(UTC))
    scored = BOOK.agencies.scored_in(PERIOD.window)[agency]
    for rule_set in BOOK.rule_sets(scored, PERIOD):
        for criterion in rule_set.criteria:
            found: set[str] = set()
            after: str | None = ""
            while after is not None:
                page = filled.get(
                    "scoring", f"/v1/scores/{agency}/evidence", period=PERIOD.name, after=after, limit="100",
                    criterion=f"{rule_set.module}/{criterion.id}", facts="false",
                )  # fmt: skip
                found |= {entity["entity"].rpartition("/")[2] for entity in page["entities"]}
                after = page["next"]
            expected = scratch.behind(agency, criterion.names, SPAN)
            assert found == {entity.rpartition("/")[2] for entity in expected}, criterion.id
