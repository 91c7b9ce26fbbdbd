"""kill -9 at a chosen step: a file named after it (shared/runtime/failpoints.py) ends who comes past it."""

from tests.faults.rig import SERVICES
from tests.faults.stage import Stage

_LEDGER = tuple(f"ledger.{step}" for step in range(1, 9))
_RELAY = tuple(f"relay.{step}" for step in (1, 2, 3))
STEPS: dict[str, tuple[str, ...]] = {
    "content": (*_LEDGER, *_RELAY),
    "qa": (*_LEDGER, *_RELAY),
    "dossier": (*_LEDGER, *_RELAY),
    "scoring": (
        *(f"fold.{step}" for step in range(1, 5)),
        *(f"score.{step}" for step in range(1, 6)),
        *_RELAY,
    ),
}
"""Every numbered step of every service."""

_REACHED_S = 60.0
_FACTS_PER_ROUND = 500


async def at_every_step(stage: Stage) -> int:
    """One step of every service in each round; all are taken until the load is sent. With few facts only
    some, by chance of the seed, so that the runs of the quick set stay short and together take them all.
    """
    rounds = max(2, stage.facts // _FACTS_PER_ROUND)
    turns = {service: stage.rng.sample(steps, min(rounds, len(steps))) for service, steps in STEPS.items()}
    return await _kill(stage, turns)


async def between_send_and_commit(stage: Stage) -> int:
    """The relay dies when the broker has its records and the outbox does not know: all are sent again."""
    return await _kill(stage, {service: ["relay.2"] * stage.times(10) for service in SERVICES})


async def _kill(stage: Stage, turns: dict[str, list[str]]) -> int:
    done = 0
    async for number in stage.load.rounds(max(map(len, turns.values()))):
        armed = [
            stage.rig.arm(f"{service}.{steps[number]}")
            for service, steps in turns.items()
            if number < len(steps)
        ]
        done += len(armed)
        for point in await stage.rig.wait_gone(armed, _REACHED_S):
            done -= 1
            stage.remarks.append(f"nobody came past {point.name}, so nobody was killed there")
            point.unlink(missing_ok=True)
    return done
