"""What a fault is given: the running system, the load, chance of the run's seed, and who sends."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.faults.client import Publisher
from tests.faults.load import Load
from tests.faults.rig import Rig

Check = Callable[[], Awaitable[list[str]]]
"""Looks at something after everything has settled; answers what is wrong with it."""


@dataclass(slots=True)
class Stage:
    """One trial as a fault sees it."""

    rig: Rig
    rng: random.Random
    load: Load
    publisher: Publisher
    facts: int
    agencies: list[str]
    remarks: list[str] = field(default_factory=list)
    """What the reader of the result should know, and is no fault of the system."""
    wrong: list[str] = field(default_factory=list)
    """What the fault itself found wrong."""
    checks: list[Check] = field(default_factory=list)
    """Made after everything has settled."""

    def times(self, full: int) -> int:
        """How often to do harm: `full` times, fewer with few facts, so that each hits a busy system."""
        return max(2, min(full, self.facts // 100))

    async def into_the_load(self) -> None:
        """A short while by chance: whatever happens next then meets work in another state each time."""
        await asyncio.sleep(self.rng.uniform(0.0, 0.4))

    async def pause(self, least: float, most: float) -> None:
        """Wait between two harms."""
        await asyncio.sleep(self.rng.uniform(least, most))

    def check(self, check: Check) -> None:
        """Have `check` made after everything has settled."""
        self.checks.append(check)
