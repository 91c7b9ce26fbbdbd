"""The harness must find what it looks for: a test that cannot fail would promise nothing."""

import asyncio
import random
from collections import Counter
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.faults.__main__ import arguments, table
from tests.faults.catalogue import CATALOGUE, QUICK
from tests.faults.count import count
from tests.faults.load import Load
from tests.faults.poison import every_kind, poisoned
from tests.faults.rig import differences
from tests.faults.steps import STEPS
from tests.faults.trial import WINDOWS, Outcome
from tests.faults.world import World, disorder, make_world

AGENCIES = [f"so-{name}" for name in ("y-te", "tai-chinh", "tu-phap", "noi-vu")]
KEY = "whsec_" + "A" * 32
YEAR = WINDOWS[1]


def _world(seed: int, size: int = 300) -> World:
    return make_world(seed, AGENCIES, size)


@given(seed=st.integers(1, 10_000))
@settings(max_examples=15, deadline=None)
def test_the_same_seed_gives_the_same_world_and_no_id_comes_twice(seed: int) -> None:
    world = _world(seed)
    assert world.facts == _world(seed).facts
    assert len({fact.identity for fact in world.facts}) == len(world.facts)


@given(seed=st.integers(1, 10_000))
@settings(max_examples=15, deadline=None)
def test_repeats_and_disorder_lose_nothing_and_change_no_count(seed: int) -> None:
    facts = _world(seed).facts
    sent = list(disorder(facts, random.Random(seed), 0.2, 0.1))
    assert {fact.identity for fact in sent} == {fact.identity for fact in facts}
    assert 1.05 < len(sent) / len(facts) < 1.4
    for window in WINDOWS:
        assert count(sent, *window) == count(facts, *window)


@given(seed=st.integers(1, 10_000), place=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_one_fact_less_shows(seed: int, place: int) -> None:
    facts = _world(seed).facts
    retracted = {fact.event["data"].get("retracts", {}).get("id") for fact in facts}
    counted = [
        fact
        for fact in facts
        if fact.event["type"].startswith("vn.laocai.dossier.received") and fact.event["id"] not in retracted
    ]
    missing = counted[place % len(counted)]
    without = [fact for fact in facts if fact is not missing]
    assert differences(count(facts, *YEAR), count(without, *YEAR), AGENCIES)


def test_every_kind_of_poison_is_there_and_none_is_a_good_fact() -> None:
    fact = _world(1).facts[0]
    kinds = every_kind(fact, KEY, 4)
    for wanted in (
        "not JSON", "wrong UTF-8", "null headers", "headers not UTF-8", "wrong type", "deep nesting",
        "huge number", "oversize", "tombstone",
    ):  # fmt: skip
        assert wanted in kinds
    for name, record in kinds.items():
        assert record.poison == name
        assert fact.event["id"].encode() not in (record.value or b"")
    assert kinds["tombstone"].value is None
    assert any(content is None for _, content in kinds["null headers"].headers)
    chosen = Counter(poisoned(fact, KEY, n, random.Random(n)).poison for n in range(400))
    assert set(chosen) == set(kinds)


@pytest.mark.anyio
async def test_the_load_waits_for_the_harm_and_the_harm_is_done_in_full() -> None:
    load = Load()
    sent: list[int] = []
    seen: list[int] = []

    async def send() -> None:
        for number in range(100):
            await load.reach(number / 100)
            sent.append(number)
        load.over.set()

    async def harm() -> None:
        async for _ in load.rounds(5):
            for _ in range(200):
                await asyncio.sleep(0)
            seen.append(len(sent))

    await asyncio.gather(send(), harm())
    assert seen == [20, 40, 60, 80, 100]
    assert len(sent) == 100


def test_every_service_has_its_steps_and_every_fault_a_line() -> None:
    assert set(STEPS) == {"content", "qa", "dossier", "scoring"}
    assert all(fault.about for fault in CATALOGUE.values())
    assert set(QUICK) <= set(CATALOGUE)


@pytest.mark.parametrize("fault", ["lost", "doubled", "rejected"])
def test_one_fact_that_went_wrong_fails_the_run(fault: str) -> None:
    outcome = Outcome("none", 1)
    assert outcome.passed
    setattr(outcome, fault, 1)
    assert not outcome.passed


def test_the_table_has_a_row_for_each_fault_and_tells_the_worst() -> None:
    good = Outcome("none", 1, facts=100, recovered_s=1.0)
    bad = Outcome("none", 2, facts=100, lost=1, wrong=["a"], recovered_s=7.5)
    left_out = Outcome("disk-full", 1, skipped="needs root")
    told = StringIO()
    Console(file=told, width=160).print(table([good, bad, left_out, Outcome("none", 3)]))
    text = told.getvalue()
    for column in ("fault", "runs", "seeds", "facts", "lost", "doubled", "wrong", "recovered s"):
        assert column in text
    (row,) = [line for line in text.splitlines() if "none" in line]
    cells = [cell.strip() for cell in row.strip("│ ").split("│")]
    assert cells == ["none", "3", "1-3", "200", "0", "1", "0", "1", "7.5", "FAILED"]
    assert "skipped" in text


def test_help_teaches_every_fault_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["--help"])
    told = capsys.readouterr().out
    for word in (
        *CATALOGUE,
        "--quick",
        "--seeds",
        "--fault",
        "--facts",
        "--json",
        "docs/operations/faults.md",
    ):
        assert word in told
