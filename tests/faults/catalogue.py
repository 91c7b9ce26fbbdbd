"""The faults, each a coroutine that does its harm until the load is over.

A fault is given the rig, a random generator of the run's seed, and an event that is set when all facts have
been sent. What it does is bounded in time, and it leaves the system running.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from tests.faults.rig import Rig

SERVICES = ("content", "qa", "dossier", "scoring")
Harm = Callable[[Rig, random.Random, asyncio.Event], Coroutine[Any, Any, int]]
"""Does harm; answers how often."""


async def nothing(rig: Rig, rng: random.Random, over: asyncio.Event) -> int:
    """Only the disorder of the network: repeats, lateness, both entrances."""
    await over.wait()
    return 0


async def _until(over: asyncio.Event, seconds: float) -> bool:
    """Wait a while; True when the load is over."""
    try:
        await asyncio.wait_for(over.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _killing(parts: tuple[str, ...], times: int, pause: tuple[float, float]) -> Harm:
    async def harm(rig: Rig, rng: random.Random, over: asyncio.Event) -> int:
        done = 0
        while done < times * len(parts):
            done += rig.kill(rng.choice(parts))
            if await _until(over, rng.uniform(*pause)):
                break
        return done

    harm.__doc__ = f"kill -9 of {', '.join(parts)}, up to {times} times each, at random moments."
    return harm


async def postgres_away(rig: Rig, rng: random.Random, over: asyncio.Event) -> int:
    """PostgreSQL is away for 15 seconds under load."""
    await _until(over, 1.0)
    await rig.away("postgres", 15.0)
    return 1


async def broker_away(rig: Rig, rng: random.Random, over: asyncio.Event) -> int:
    """Kafka is away for 60 seconds; HTTP goes on accepting and the backlog drains."""
    await _until(over, 1.0)
    await rig.away("kafka", 60.0)
    return 1


async def zombie(rig: Rig, rng: random.Random, over: asyncio.Event) -> int:
    """A process is stopped for longer than its session lasts, then wakes up and goes on."""
    done = 0
    for part in rng.sample(SERVICES, k=2):
        await _until(over, 0.5)
        await rig.freeze(part, 35.0)
        done += 1
    return done


async def frozen_database(rig: Rig, rng: random.Random, over: asyncio.Event) -> int:
    """PostgreSQL hangs for ten seconds without closing a connection."""
    await _until(over, 1.0)
    await rig.freeze("postgres", 10.0)
    return 1


CATALOGUE: dict[str, Harm] = {
    "none": nothing,
    "kill-services": _killing(SERVICES, 20, (0.3, 1.5)),
    "kill-scoring": _killing(("scoring",), 20, (0.5, 1.5)),
    "kill-domain": _killing(("content", "qa", "dossier"), 20, (0.3, 1.0)),
    "kill-postgres": _killing(("postgres",), 5, (2.0, 5.0)),
    "postgres-away": postgres_away,
    "postgres-frozen": frozen_database,
    "kill-broker": _killing(("kafka",), 3, (4.0, 8.0)),
    "broker-away": broker_away,
    "zombie": zombie,
}
QUICK = ("none", "kill-services", "kill-postgres", "kill-broker")
