"""More processes of a service, on the same database and in the same consumer group, that come and go."""

import asyncio
import signal
import sys
from dataclasses import dataclass
from subprocess import Popen, TimeoutExpired

from deploy.local.processes import Program, start
from tests.faults.rig import MODULES, REPOSITORY, SERVICES, Rig
from tests.faults.stage import Stage

EVERY_S = 3.0
_PORT_STEP = 10
_MOST = 2
_STOP_S = 30.0


@dataclass(frozen=True, slots=True)
class Replica:
    """A process beside the first one of a service."""

    service: str
    number: int
    child: Popen[bytes]

    async def leave(self, how: signal.Signals) -> None:
        """End it, and wait until it has."""
        if self.child.poll() is None:
            self.child.send_signal(how)
        try:
            await asyncio.to_thread(self.child.wait, _STOP_S)
        except TimeoutExpired:
            self.child.kill()
            self.child.wait()


async def come_and_go(stage: Stage) -> int:
    """Every three seconds one joins, or one leaves: asked to, or killed. Sessions of the dead run out."""
    running: list[Replica] = []
    changes = 0
    try:
        async for _ in stage.load.rounds(stage.times(20), to_the_end=True):
            if len(running) < _MOST and (not running or stage.rng.random() < 0.6):
                service = stage.rng.choice((*SERVICES, "scoring", "scoring"))
                free = next(n for n in range(1, _MOST + 1) if all(one.number != n for one in running))
                running.append(await join(stage.rig, service, free))
            else:
                leaving = running.pop(stage.rng.randrange(len(running)))
                await leaving.leave(stage.rng.choice((signal.SIGTERM, signal.SIGKILL)))
            changes += 1
            await stage.pause(EVERY_S, EVERY_S)
    finally:
        for replica in running:
            await replica.leave(signal.SIGTERM)
    return changes


async def join(rig: Rig, service: str, number: int) -> Replica:
    """Start one more process of `service`: what the first one was told, but a port of its own."""
    environment = await rig.environment(service)
    port = rig.port_base + {**MODULES, "scoring": 4}[service] + number * _PORT_STEP
    log = rig.data / "logs" / f"{service}-joined-{number}.log"
    program = Program(
        name=f"{service}-joined-{number}",
        command=(sys.executable, "-m", f"services.{service}"),
        log=log,
        environment={**environment, "BUS_PORT": str(port)},
        directory=REPOSITORY,
    )
    return Replica(service, number, start(program))
