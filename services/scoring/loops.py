"""When scores are worked out: at once while little happens, once a second under load."""

import asyncio
import time
from collections.abc import Callable, Sequence

from prometheus_client import Counter, Histogram

from services.scoring.fold import Epoch
from services.scoring.scorer import Scorer
from shared.runtime.life import Beat, Life
from shared.runtime.postgres import persistently

SMALL_BATCH = 500
"""Changes in a batch up to which the system counts as caught up."""

LOADED_SECONDS = 1.0
"""How often scores are worked out while batches are bigger."""

IDLE_SECONDS = 0.5
"""How often to look without being woken: for other replicas' work, a rebuild, a new day."""

SCORES = Counter("scoring_scores_changed", "Scores that changed")
PASSES = Histogram(
    "scoring_pass_seconds",
    "Time to work dirty scores out",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.2, 1, 5),
)


class ScoringLoop:
    """Drives the scorer. `told` is called whenever scores changed."""

    def __init__(self, life: Life, scorer: Scorer, epoch: Epoch, told: Sequence[Callable[[], None]]) -> None:
        self._life = life
        self._scorer = scorer
        self._epoch = epoch
        self._told = told
        self._urgent = asyncio.Event()
        self._loaded_until = 0.0

    def start(self) -> None:
        """Spawn the loop."""
        self._life.spawn("scoring", self._run)

    def stored(self, changes: int) -> None:
        """A batch was stored."""
        loaded = changes > SMALL_BATCH
        self._loaded_until = time.monotonic() + LOADED_SECONDS if loaded else 0.0
        self._urgent.set()

    async def _run(self, beat: Beat) -> None:
        while not self._life.stopping.is_set():
            beat.touch()
            await self._pause()
            self._urgent.clear()
            began = time.monotonic()
            changed = await persistently(self._once, each_try=beat.touch)
            PASSES.observe(time.monotonic() - began)
            SCORES.inc(changed)
            for tell in self._told:
                tell()

    async def _once(self) -> int:
        return await self._scorer.run_once(self._epoch.number)

    async def _pause(self) -> None:
        """Wait for work; under load, wait until a second has passed or the load is over."""
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self._urgent.wait()
        except TimeoutError:
            return
        began = time.monotonic()
        while time.monotonic() < min(self._loaded_until, began + LOADED_SECONDS):
            if self._life.stopping.is_set():
                return
            await asyncio.sleep(0.05)
