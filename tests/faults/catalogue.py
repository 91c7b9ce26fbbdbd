"""The faults, each a coroutine that does its harm while the load goes on.

A fault lets the load go on in parts (`stage.load`), so that its harm is spread over all of it, meets a busy
system each time, and is done as often whether there are few facts or many. What it does is bounded in time,
and it leaves the system running. What can be looked at only in the end, it asks for with `stage.check`.
"""

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from tests.faults import clocks, disk, replicas, steps, subscriber, upgrade
from tests.faults.rig import SERVICES, Rig
from tests.faults.stage import Stage

Harm = Callable[[Stage], Coroutine[Any, Any, int]]
"""Does harm; answers how often."""


def _as_it_is(_rig: Rig, _facts: int) -> AbstractContextManager[None]:
    return nullcontext()


def _always(_rig: Rig) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens, in a line; the harm; what is built around it; and why it cannot be done here, if so."""

    about: str
    harm: Harm
    built: Callable[[Rig, int], AbstractContextManager[None]] = _as_it_is
    impossible: Callable[[Rig], str | None] = _always


async def nothing(stage: Stage) -> int:
    """Only the disorder of the network: repeats, lateness, both entrances."""
    stage.load.let_go()
    await stage.load.over.wait()
    return 0


def _killing(parts: tuple[str, ...], times: int, pause: tuple[float, float]) -> Harm:
    async def harm(stage: Stage) -> int:
        done = 0
        turns = [part for part in parts for _ in range(times)]
        stage.rng.shuffle(turns)
        # With few facts fewer kills, but as many of each part.
        kept = stage.times(len(turns))
        async for number in stage.load.rounds(kept):
            await stage.into_the_load()
            done += await stage.rig.kill_when_up(turns[number])
            await stage.pause(*pause)
        return done

    return harm


async def postgres_away(stage: Stage) -> int:
    """What is sent meanwhile waits, is refused with 503, or comes in afterwards; none of it is lost."""
    async for number in stage.load.rounds(2):
        await stage.into_the_load()
        if number == 1:
            await stage.rig.away("postgres", 60.0)
    return 1


async def postgres_restarted(stage: Stage) -> int:
    """Fast shutdown: sessions are ended in the middle of their transactions, commits among them."""
    done = 0
    async for _ in stage.load.rounds(stage.times(10)):
        await stage.into_the_load()
        done += await stage.rig.restart_postgres()
        await stage.pause(1.0, 2.0)
    return done


async def postgres_frozen(stage: Stage) -> int:
    async for number in stage.load.rounds(2):
        await stage.into_the_load()
        if number == 1:
            await stage.rig.freeze("postgres", 10.0)
    return 1


async def broker_killed(stage: Stage) -> int:
    """Killed, and killed again as soon as it takes connections, while clients have just found it again."""
    done = 0
    async for _ in stage.load.rounds(3):
        await stage.into_the_load()
        done += await stage.rig.kill_when_up("kafka")
        await stage.rig.listens(stage.rig.kafka)
        await stage.pause(0.0, 1.5)
        done += await stage.rig.kill_when_up("kafka")
        await stage.pause(4.0, 8.0)
    return done


async def broker_away(stage: Stage) -> int:
    """HTTP goes on accepting, and what is for the bus waits in the outbox."""
    async for number in stage.load.rounds(2):
        await stage.into_the_load()
        if number == 1:
            before = sum(stage.publisher.statuses.values())
            await stage.rig.away("kafka", 60.0)
            taken = sum(stage.publisher.statuses.values()) - before
            stage.remarks.append(f"HTTP took {taken} facts while the broker was away")
            if not taken:
                stage.wrong.append("HTTP took nothing while the broker was away")
    return 1


async def zombie(stage: Stage) -> int:
    """Stopped for longer than the session of its consumer and of its relay, then awake, knowing nothing."""
    done = 0
    parts = stage.rng.sample(SERVICES, k=2)
    async for number in stage.load.rounds(len(parts)):
        await stage.into_the_load()
        await stage.rig.freeze(parts[number], 35.0)
        done += 1
    return done


CATALOGUE: dict[str, Fault] = {
    "none": Fault("no harm but repeats, lateness and poison", nothing),
    "kill-services": Fault(
        "kill -9 of every service 20 times at random moments", _killing(SERVICES, 20, (0.2, 1.0))
    ),
    "kill-scoring": Fault("kill -9 of scoring, 20 times", _killing(("scoring",), 20, (0.5, 1.5))),
    "kill-domain": Fault(
        "kill -9 of each domain service 20 times", _killing(("content", "qa", "dossier"), 20, (0.2, 1.0))
    ),
    "kill-at-steps": Fault(
        "kill -9 of every service after each numbered step of ledger, fold, score and relay",
        steps.at_every_step,
    ),
    "kill-relay": Fault("kill -9 of every relay between send and commit", steps.between_send_and_commit),
    "kill-postgres": Fault("kill -9 of PostgreSQL, 5 times", _killing(("postgres",), 5, (2.0, 5.0))),
    "postgres-restarted": Fault("PostgreSQL restarted in the middle of commits", postgres_restarted),
    "postgres-away": Fault("PostgreSQL away for 60 s", postgres_away),
    "postgres-frozen": Fault("PostgreSQL hangs for 10 s, its connections open", postgres_frozen),
    "disk-full": Fault(
        "no space left on PostgreSQL's disk, twice for 15 s", disk.full, disk.small, disk.impossible
    ),
    "kill-broker": Fault("kill -9 of Kafka, 3 times, each again as soon as it listens", broker_killed),
    "broker-away": Fault("Kafka away for 60 s; HTTP goes on accepting", broker_away),
    "zombie": Fault("two services stopped for 35 s, longer than a session, then awake", zombie),
    "replicas": Fault("replicas of every service join and leave every 3 s", replicas.come_and_go),
    "slow-subscriber": Fault("subscribers that read slower than scores change", subscriber.slowly),
    "clock-step": Fault("clocks of services and publishers a day ahead, a day behind", clocks.stepped),
    "upgrade": Fault(
        "the version of the first landing, then this one on its data, under load",
        upgrade.to_this_version,
        upgrade.first_version,
        upgrade.impossible,
    ),
}
QUICK = ("none", "kill-services", "kill-at-steps", "kill-postgres", "kill-broker")
