"""A seal changes exactly when a score does; its points can be worked out from the two sealed texts alone."""

import copy
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.publish import canonical
from services.scoring.sealing import faults, inputs_text, sealed_text, sha256
from tests.unit.scoring_periods.made import AGENCIES, BOOK, QUARTER, text

COUNTS = st.fixed_dictionaries(
    {
        "qa.received": st.integers(0, 60),
        "qa.eligible": st.integers(0, 60),
        "qa.accepted": st.integers(0, 60),
        "qa.answered": st.integers(0, 60),
        "qa.answered_on_time": st.integers(0, 60),
        "qa.answered_without_fault": st.integers(0, 60),
        "content.items": st.integers(0, 300),
        "content.active_weeks": st.integers(0, 13),
        "dossier.received": st.integers(0, 300),
        "dossier.received.online": st.integers(0, 300),
        "dossier.resolved.on_time": st.integers(0, 300),
        "dossier.resolved.late": st.integers(0, 30),
    }
)
WORLD = st.fixed_dictionaries(dict.fromkeys(AGENCIES, COUNTS))


def seal_of(world: dict[str, dict[str, int]]) -> str:
    return sealed_text("2024-Q1", {agency: text(agency, counts) for agency, counts in world.items()})


def inputs() -> str:
    scored = BOOK.agencies.scored_in(QUARTER.window)
    texts = {rule_set.name: rule_set.text for rule_set in BOOK.rules.rule_sets}
    return inputs_text([scored[name] for name in AGENCIES], texts, day="2024-04-01", calendar="vn")


@given(WORLD)
def test_every_point_follows_from_the_sealed_counts_and_the_kept_rules(world: dict[str, Any]) -> None:
    assert faults(seal_of(world), inputs()) == []


@given(WORLD, WORLD)
def test_the_seal_changes_exactly_when_the_content_does(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = all(text(agency, one[agency]) == text(agency, other[agency]) for agency in AGENCIES)
    assert (sha256(seal_of(one)) == sha256(seal_of(other))) == same


@given(WORLD, st.randoms(use_true_random=False))
def test_the_canonical_text_does_not_depend_on_any_order(world: dict[str, Any], rng: random.Random) -> None:
    document = msgspec.json.decode(seal_of(world))

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            items = [(key, shuffled(inner)) for key, inner in value.items()]
            rng.shuffle(items)
            return dict(items)
        return [shuffled(inner) for inner in value] if isinstance(value, list) else value

    assert canonical(shuffled(document)) == seal_of(world)
    assert canonical(msgspec.json.decode(seal_of(world))) == seal_of(world)


@given(WORLD, st.randoms(use_true_random=False))
def test_the_order_of_agencies_does_not_matter(world: dict[str, Any], rng: random.Random) -> None:
    items = list(world.items())
    rng.shuffle(items)
    assert seal_of(dict(items)) == seal_of(world)


BASE: dict[str, dict[str, int]] = {agency: {"qa.eligible": 4, "qa.accepted": 3} for agency in AGENCIES}


def _criterion(score: dict[str, Any], **changed: Any) -> None:
    score["modules"]["qa"]["criteria"][0] |= changed


@pytest.mark.parametrize(
    ("forge", "told"),
    [
        (lambda s: _criterion(s, points=5), "works out as"),
        (lambda s: _criterion(s, indicators={"qa.accepted": 4, "qa.eligible": 4, "qa.answered": 0}), "works"),
        (lambda s: _criterion(s, status="unknown"), "works out as"),
        (lambda s: s["modules"]["qa"].update(points=15), "the sums of qa"),
        (lambda s: s["total"].update(points=90), "the total"),
        (lambda s: s.update(complete=not s["complete"]), "the total"),
        (lambda s: s["modules"]["qa"]["criteria"].pop(), "does not hold the criteria"),
        (lambda s: s["modules"]["qa"].update(ruleset="questions@2099"), "not kept with the seal"),
        (lambda s: s.update(agency="zz-khong-co"), "not among the agencies"),
    ],
)
def test_a_forged_document_is_found_out(forge: Any, told: str) -> None:
    document = msgspec.json.decode(seal_of(BASE))
    forged = copy.deepcopy(document)
    forge(next(score for score in forged["scores"] if score["agency"] == "so-y-te"))
    assert sha256(canonical(forged)) != sha256(canonical(document))
    assert any(told in fault for fault in faults(canonical(forged), inputs()))
