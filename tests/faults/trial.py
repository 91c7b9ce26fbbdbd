"""One trial: a seed, a fault, a world of facts sent through it, and the reckoning afterwards."""

import asyncio
import random
import time
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from tests.faults.catalogue import CATALOGUE
from tests.faults.client import Publisher, Record
from tests.faults.count import Indicators, count
from tests.faults.load import Load
from tests.faults.points import score_faults
from tests.faults.poison import poisoned
from tests.faults.rig import Rig, differences
from tests.faults.stage import Stage
from tests.faults.subscriber import newest_scores
from tests.faults.world import LAST_DAY, Sent, World, disorder, make_world

QUARTER = (date(2024, 1, 1), date(2024, 3, 31))
WINDOWS = (
    (date(2024, 1, 1), LAST_DAY),
    QUARTER,
    (date(2024, 1, 15), date(2024, 3, 14)),
)
REPEATS = 0.2
OUT_OF_ORDER = 0.1
POISON = 0.01


@dataclass(slots=True)
class Outcome:
    """What came of a trial. `lost` and `doubled` count facts, `rejected` good facts that were refused;
    `wrong` lists indicators, scores and what else the fault had checked. `seconds` are those until all had
    settled, `recovered_s` those of them after the harm and the load were over.
    """

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
    remarks: list[str] = field(default_factory=list)
    skipped: str | None = None
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
    chosen = CATALOGUE[fault]
    outcome.skipped = chosen.impossible(rig)
    if outcome.skipped is None:
        with chosen.built(rig, size):
            await _run(rig, outcome, size)
    return outcome


async def _run(rig: Rig, outcome: Outcome, size: int) -> None:
    # A world of its own for every run: the ids must not meet those of another fault on the same system.
    fault, seed = outcome.fault, outcome.seed * 1_000 + list(CATALOGUE).index(outcome.fault)
    rng = random.Random(f"{fault}-{seed}")
    listed = await rig.get(f"{rig.scoring}/v1/agencies")
    agencies = rng.sample([row["agency"] for row in listed["agencies"]], 12)
    world = make_world(seed, agencies, size)
    before = {window: await rig.indicators(*window) for window in WINDOWS}
    load = Load()
    publisher = _publisher(rig, world, rng, load)
    facts = list(disorder(world.facts, rng, REPEATS, OUT_OF_ORDER))
    poison = _poison(publisher, world, rng)
    stage = Stage(rig, rng, load, publisher, len(world.facts), agencies)
    begun = time.monotonic()
    outcome.harms = await _send_and_harm(stage, fault, facts, poison)
    outcome.recovered_s = round(await rig.settle(), 1)
    outcome.seconds = round(time.monotonic() - begun, 1)
    outcome.facts, outcome.sent, outcome.poison = len(world.facts), publisher.sent, len(poison)
    outcome.wrong += stage.wrong
    for check in stage.checks:
        outcome.wrong += await check()
    outcome.remarks = stage.remarks
    await _reckon_ledger(rig, world, outcome)
    await _reckon_answers(rig, world, publisher, outcome)
    for window in WINDOWS:
        await _reckon_window(rig, world, window, before[window], outcome)
    await _reckon_scores(rig, agencies, outcome)
    fresh = [agency for agency in agencies if not before[QUARTER].get(agency)]
    await _reckon_points(rig, fresh, count(world.facts, *QUARTER), outcome)


async def _send_and_harm(stage: Stage, fault: str, facts: list[Sent], poison: list[Record]) -> int:
    """Both at once. What ends early, ends the other one too: a fault that fails must not leave it waiting."""

    async def send() -> None:
        try:
            await stage.publisher.send(facts, poison)
        finally:
            stage.load.over.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(send())
        harm = group.create_task(CATALOGUE[fault].harm(stage))
    return harm.result()


def _publisher(rig: Rig, world: World, rng: random.Random, load: Load) -> Publisher:
    keys = {
        f"/publishers/{name}": rig.publisher(name, world.agencies, types)
        for name, types in world.publishers().items()
    }
    return Publisher(keys, rig.module_urls, rig.kafka, rng, load)


def _poison(publisher: Publisher, world: World, rng: random.Random) -> list[Record]:
    picked = rng.sample(world.facts, max(1, int(len(world.facts) * POISON)))
    return [
        poisoned(fact, publisher.keys[fact.event["source"]], number, rng)
        for number, fact in enumerate(picked)
    ]


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


async def _reckon_answers(rig: Rig, world: World, publisher: Publisher, outcome: Outcome) -> None:
    """HTTP accepts a fact once at most; what is bad is kept with a reason, and nothing that is good."""
    outcome.doubled += sum(times > 1 for times in publisher.accepted.values())
    outcome.rejected = len(publisher.refused)
    good = {fact.identity for fact in world.facts}
    left = dict(publisher.poisoned)
    for url in rig.module_urls.values():
        for row in await _rejections(rig, url):
            left.pop((row["topic"], row["partition"], row["offset"]), None)
            outcome.rejected += row["entrance"] == "kafka" and (row["source"], row["id"]) in good
    outcome.lost += len(left)
    outcome.wrong += [
        f"poison was not kept as a rejection: {kind} at {place}" for place, kind in left.items()
    ]


async def _rejections(rig: Rig, url: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = await rig.get(f"{url}/v1/rejections", after=str(after), limit="500")
        rows += page["rejections"]
        after = page["next"]
    return rows


async def _reckon_window(
    rig: Rig, world: World, window: tuple[date, date], before: dict[str, dict[str, int]], outcome: Outcome
) -> None:
    """The indicators of the window must have moved by exactly what the independent count says."""
    found = await rig.indicators(*window)
    expected = count(world.facts, *window)
    for agency in world.agencies:
        # An agency that an earlier run spoke for has the sum of both, where two worlds add up.
        earlier = before.get(agency)
        if earlier:
            row = found.get(agency, {})
            moved = {n: (row.get(n) or 0) - (earlier.get(n) or 0) for n in row.keys() | earlier.keys()}
            found[agency] = {n: v for n, v in moved.items() if _adds_up(n)}
            expected[agency] = {n: v for n, v in expected.get(agency, {}).items() if _adds_up(n)}
    told = differences(expected, found, world.agencies)
    outcome.wrong += [f"{window[0]}..{window[1]} {line}" for line in told]


def _adds_up(name: str) -> bool:
    """Whether two worlds about one agency add up in this indicator: not what is measured once a day, or
    counted once however often it is said.
    """
    once = ("content.active_weeks", "procedure.decisions", "content.visits")
    return name not in once and not name.startswith(("content.followers.", "content.reach."))


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


async def _reckon_points(rig: Rig, agencies: list[str], counted: Indicators, outcome: Outcome) -> None:
    """Every point must follow from the second count. An agency that had scores before has counts of both."""
    for agency in agencies:
        score = await rig.get(f"{rig.scoring}/v1/scores/{agency}", period="2024-Q1")
        told = score_faults(score, counted.get(agency, {}))
        outcome.wrong += [f"{agency} {line}" for line in told]
