"""One trial: a seed, a fault, a world of facts sent through it, and the reckoning afterwards."""

import asyncio
import random
import time
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from tests.faults.catalogue import CATALOGUE
from tests.faults.client import Publisher
from tests.faults.count import count
from tests.faults.poison import poisoned
from tests.faults.rig import Rig, differences
from tests.faults.subscriber import newest_scores
from tests.faults.world import LAST_DAY, Sent, World, disorder, make_world

WINDOWS = (
    (date(2024, 1, 1), LAST_DAY),
    (date(2024, 1, 1), date(2024, 3, 31)),
    (date(2024, 1, 15), date(2024, 3, 14)),
)
REPEATS = 0.2
OUT_OF_ORDER = 0.1
POISON = 0.01


@dataclass(slots=True)
class Outcome:
    """What came of a trial. `lost` and `doubled` count facts; `wrong` lists indicators or scores."""

    fault: str
    seed: int
    facts: int = 0
    sent: int = 0
    poison: int = 0
    harms: int = 0
    lost: int = 0
    doubled: int = 0
    rejected: int = 0
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0
    recovered_s: float = 0.0

    @property
    def passed(self) -> bool:
        return not (self.lost or self.doubled or self.rejected or self.wrong)

    def json(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}


async def trial(rig: Rig, fault: str, seed: int, size: int) -> Outcome:
    """Send a world of about `size` facts while `fault` does its harm, then reckon up.

    Every seed speaks for agencies of its own turn of the register, so trials share a running system: what a
    trial counts is the difference that it made.
    """
    outcome = Outcome(fault, seed)
    rng = random.Random(f"{fault}-{seed}")
    listed = await rig.get(f"{rig.scoring}/v1/agencies")
    agencies = rng.sample([row["agency"] for row in listed["agencies"]], 12)
    world = make_world(seed, agencies, size)
    before = {window: await rig.indicators(*window) for window in WINDOWS}
    publisher = _publisher(rig, world, rng)
    facts = list(disorder(world.facts, rng, REPEATS, OUT_OF_ORDER))
    begun = time.monotonic()
    over = asyncio.Event()
    harm = asyncio.create_task(CATALOGUE[fault](rig, rng, over))
    try:
        await publisher.send(facts)
        outcome.poison = await _poison(publisher, world, rng)
    finally:
        over.set()
    outcome.harms = await harm
    outcome.recovered_s = round(await rig.settle(), 1)
    outcome.seconds = round(time.monotonic() - begun, 1)
    outcome.facts, outcome.sent = len(world.facts), publisher.sent
    outcome.rejected = len(publisher.refused)
    await _reckon_ledger(rig, world, outcome)
    for window in WINDOWS:
        await _reckon_window(rig, world, window, before[window], outcome)
    await _reckon_scores(rig, agencies, outcome)
    return outcome


def _publisher(rig: Rig, world: World, rng: random.Random) -> Publisher:
    keys = {
        f"/publishers/{name}": rig.publisher(name, world.agencies, types)
        for name, types in world.publishers().items()
    }
    return Publisher(keys, rig.module_urls, rig.kafka, rng)


async def _poison(publisher: Publisher, world: World, rng: random.Random) -> int:
    picked = rng.sample(world.facts, max(1, int(len(world.facts) * POISON)))
    records = [
        poisoned(fact, publisher.keys[fact.event["source"]], number, rng)
        for number, fact in enumerate(picked)
    ]
    await publisher.records(records)
    return len(records)


async def _reckon_ledger(rig: Rig, world: World, outcome: Outcome) -> None:
    """Each fact must lie in its service's ledger, once."""
    by_module: dict[str, list[Sent]] = {}
    for fact in world.facts:
        by_module.setdefault(fact.module, []).append(fact)
    for module, facts in by_module.items():
        for start in range(0, len(facts), 500):
            part = facts[start : start + 500]
            asked = [{"source": fact.identity[0], "id": fact.identity[1]} for fact in part]
            answer = await rig.post(f"{rig.module_urls[module]}/v1/facts/lookup", {"facts": asked})
            found = [(row["source"], row["id"]) for row in answer["facts"] if row is not None]
            outcome.lost += len({fact.identity for fact in part} - set(found))
            outcome.doubled += len(found) - len(set(found))


async def _reckon_window(
    rig: Rig, world: World, window: tuple[date, date], before: dict[str, dict[str, int]], outcome: Outcome
) -> None:
    """The indicators of the window must have moved by exactly what the independent count says."""
    found = await rig.indicators(*window)
    expected = count(world.facts, *window)
    if any(before.get(agency) for agency in world.agencies):
        moved = _minus(found, before)
        expected = {agency: {n: v for n, v in row.items() if _adds_up(n)} for agency, row in expected.items()}
        found = {agency: {n: v for n, v in row.items() if _adds_up(n)} for agency, row in moved.items()}
    told = differences(expected, found, world.agencies)
    outcome.wrong += [f"{window[0]}..{window[1]} {line}" for line in told]


def _adds_up(name: str) -> bool:
    """Whether two worlds about one agency add up in this indicator."""
    return name not in ("content.active_weeks", "procedure.decisions") and ".followers." not in name


def _minus(after: dict[str, dict[str, int]], before: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    return {
        agency: {
            name: (row.get(name) or 0) - (before.get(agency, {}).get(name) or 0)
            for name in row.keys() | before.get(agency, {}).keys()
        }
        for agency, row in after.items()
    }


async def _reckon_scores(rig: Rig, agencies: list[str], outcome: Outcome) -> None:
    """What a subscriber of `scores` ends up with must be what the API answers."""
    topic = await newest_scores(rig.kafka)
    answer = await rig.get(f"{rig.scoring}/v1/scores", period="2024-Q1")
    for row in answer["scores"]:
        if row["agency"] not in agencies or not row["revision"]:
            continue
        held = topic.get(f"{row['agency']}|2024-Q1")
        if held is None:
            outcome.wrong.append(f"{row['agency']}: its score is not on the topic `scores`")
        elif held["revision"] != row["revision"] or held["total"] != row["total"]:
            told = f"topic {held['revision']} {held['total']}, API {row['revision']} {row['total']}"
            outcome.wrong.append(f"{row['agency']}: {told}")
