"""The process that keeps one system running: it starts every part, and starts again what ends.

    python -m deploy.local.supervisor DATA [OWNER-PID]

It is started by `./run up` and `./run demo` and lives in a session of its own. SIGTERM ends the system in
order: services, then the bus and the database. With an owner it also ends when that process is gone. What it
knows is in DATA/run/supervisor.json, for `status` and for cleaning up after a supervisor that was killed.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deploy.local import kafka, postgres
from deploy.local.kafka import Broker
from deploy.local.layout import (
    LaunchError,
    Layout,
    Secrets,
    held,
    load_secrets,
    open_layout,
    remembered,
    write_json,
)
from deploy.local.processes import Program, identify, spawn_arguments, tail
from deploy.local.system import Plan, clean_environment, service_program, setup_program

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
# A program that ran so long before it ended is started again without delay.
_STEADY_SECONDS = 10.0
_PART_START_SECONDS = 90.0
_OWNER_POLL_SECONDS = 0.5


@dataclass(slots=True)
class Part:
    """What is known of one program. `state`: starting, running, waiting (to start again), stopped."""

    state: str = "starting"
    pid: int | None = None
    started: float | None = None
    restarts: int = 0
    last_exit: int | None = None
    stop_signal: int = signal.SIGTERM
    log: str = ""


@dataclass(slots=True)
class Report:
    """What the supervisor tells. `phase`: starting, running, stopping, stopped, failed."""

    pid: int
    started: float
    phase: str = "starting"
    message: str = ""
    broker: str = ""
    broker_remark: str = ""
    broker_address: str = ""
    durable: bool = True
    parts: dict[str, Part] = field(default_factory=dict)


class Supervisor:
    """Runs the parts of `layout` as `plan` says, until asked to stop."""

    def __init__(self, layout: Layout, plan: Plan, owner: int | None = None) -> None:
        self._layout = layout
        self._plan = plan
        self._owner = owner
        self._stopping = asyncio.Event()
        self._secrets: Secrets = load_secrets(layout)
        self._postgres = postgres.cluster_of(layout, self._secrets.admin)
        own = identify(os.getpid())
        self.report = Report(os.getpid(), own.started if own else time.time())
        self._children: dict[str, asyncio.subprocess.Process] = {}

    # ------------------------------------------------------------------- life

    async def run(self) -> int:
        """Start, keep running, stop. Answers the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        watching = asyncio.create_task(self._watch_owner())
        base: list[tuple[Program, asyncio.Task[None]]] = []
        services: list[tuple[Program, asyncio.Task[None]]] = []
        code = 0
        try:
            await self._start(base, services)
            self._tell(phase="running", message="")
            await self._stopping.wait()
        except LaunchError as error:
            code = 1
            self._tell(phase="failed", message=str(error))
        finally:
            watching.cancel()
            self._stopping.set()
            if code == 0:
                self._tell(phase="stopping")
            await self._stop(services)
            await self._stop(base)
            self._tell(phase="failed" if code else "stopped")
        return code

    async def _start(
        self,
        base: list[tuple[Program, asyncio.Task[None]]],
        services: list[tuple[Program, asyncio.Task[None]]],
    ) -> None:
        self._tell(message="preparing PostgreSQL and the bus")
        _, broker = await asyncio.gather(
            asyncio.to_thread(postgres.prepare, self._postgres),
            asyncio.to_thread(kafka.choose, self._layout, self._plan.broker, self._say),
        )
        self.report.broker, self.report.broker_remark = broker.kind, broker.remark
        self.report.broker_address, self.report.durable = broker.address, broker.durable
        self._tell(message="starting PostgreSQL and the bus")
        await asyncio.gather(self._start_postgres(base), self._start_broker(base, broker))
        if self._stopping.is_set():
            return
        self._tell(message="preparing schemas and topics")
        await self._set_up(broker)
        for name, replica in self._plan.services():
            program = service_program(self._layout, self._secrets, broker, self._plan, name, replica)
            services.append((program, asyncio.create_task(self._guard(program))))
        self._tell(message="starting services")

    async def _start_postgres(self, base: list[tuple[Program, asyncio.Task[None]]]) -> None:
        program = postgres.program(self._postgres)
        guard = asyncio.create_task(self._guard(program))
        base.append((program, guard))
        await self._until(lambda: postgres.accepts(self._postgres), program)

    async def _start_broker(self, base: list[tuple[Program, asyncio.Task[None]]], broker: Broker) -> None:
        program = broker.program
        if program is None:
            return
        # A broker that forgets its topics needs them made again each time it comes back.
        again = None if broker.durable else (lambda: self._made_anew(broker))
        base.append((program, asyncio.create_task(self._guard(program, again))))
        await self._until(broker.accepts, program)

    async def _made_anew(self, broker: Broker) -> None:
        with suppress(LaunchError):
            await self._set_up(broker)

    async def _until(self, ready: Callable[[], bool], program: Program) -> None:
        deadline = time.monotonic() + _PART_START_SECONDS
        while not self._stopping.is_set():
            if await asyncio.to_thread(ready):
                return
            part = self.report.parts[program.name]
            if part.restarts >= 3 or time.monotonic() > deadline:
                raise LaunchError(
                    f"{program.name} does not start. Its log {program.log} ends:\n{tail(program.log)}"
                )
            await asyncio.sleep(0.05)

    async def _set_up(self, broker: Broker) -> None:
        program = setup_program(self._layout, self._secrets, broker, self._plan, self._postgres)
        child = await self._spawn(program)
        stopping = asyncio.create_task(self._stopping.wait())
        ended = asyncio.create_task(child.wait())
        await asyncio.wait((stopping, ended), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ended.done():
            child.kill()
        if await ended != 0 and not self._stopping.is_set():
            raise LaunchError(
                f"Preparing schemas and topics failed. {program.log} ends:\n{tail(program.log)}"
            )

    # ------------------------------------------------------------------ parts

    async def _spawn(self, program: Program) -> asyncio.subprocess.Process:
        arguments = spawn_arguments(program)
        try:
            return await asyncio.create_subprocess_exec(*program.command, **arguments)
        except OSError as error:
            raise LaunchError(f"{program.name} cannot be started: {error}") from error
        finally:
            os.close(arguments["stdout"])

    async def _guard(
        self, program: Program, after_restart: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Keep one program running until the supervisor stops."""
        part = self.report.parts[program.name] = Part(stop_signal=program.stop_signal, log=str(program.log))
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            child = await self._spawn(program)
            self._children[program.name] = child
            begun = time.monotonic()
            own = identify(child.pid)
            part.state, part.pid, part.started = "running", child.pid, own.started if own else None
            self._write()
            if part.restarts and after_restart is not None:
                await after_restart()
            part.last_exit = await child.wait()
            part.state, part.pid = "waiting", None
            if self._stopping.is_set():
                break
            part.restarts += 1
            self._say(f"{program.name} ended ({part.last_exit}); starting it again")
            pause = _FIRST_PAUSE if time.monotonic() - begun > _STEADY_SECONDS else pause * 2
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), min(pause, _LONGEST_PAUSE))
        part.state = "stopped"
        self._write()

    async def _stop(self, parts: list[tuple[Program, asyncio.Task[None]]]) -> None:
        """Ask all to stop at once, wait for each its time, then make it."""
        await asyncio.gather(*(self._stop_one(program, guard) for program, guard in parts))

    async def _stop_one(self, program: Program, guard: asyncio.Task[None]) -> None:
        child = self._children.get(program.name)
        if child is not None and child.returncode is None:
            with suppress(ProcessLookupError):
                child.send_signal(program.stop_signal)
            try:
                await asyncio.wait_for(asyncio.shield(guard), program.stop_seconds)
            except TimeoutError:
                self._say(f"{program.name} did not stop in time and was killed")
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
        with suppress(LaunchError):
            await guard

    # ---------------------------------------------------------------- telling

    def _say(self, line: str) -> None:
        """One line to the supervisor's log; the newest also stands in the report."""
        sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")
        sys.stderr.flush()
        self.report.message = line
        self._write()

    def _tell(self, *, phase: str | None = None, message: str | None = None) -> None:
        self.report.phase = phase or self.report.phase
        self.report.message = self.report.message if message is None else message
        sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {self.report.phase} {self.report.message}\n")
        self._write()

    def _write(self) -> None:
        content: dict[str, Any] = asdict(self.report)
        write_json(self._layout.supervisor_file, content)

    async def _watch_owner(self) -> None:
        """Stop when the command that owns this system is gone, however it ended."""
        owner = identify(self._owner) if self._owner is not None else None
        if self._owner is None:
            return
        while owner is not None and owner.process() is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _OWNER_POLL_SECONDS)
                return
        self._say("the command that started this system is gone; stopping")
        self._stopping.set()


def plan_of(data: Path) -> Plan:
    """The plan that `up` left for this data directory."""
    kept = remembered(data)
    return Plan(
        broker=str(kept.get("broker", "auto")),
        partitions=int(kept.get("partitions", Plan().partitions)),
        scale={str(name): int(number) for name, number in dict(kept.get("scale", {})).items()},
        report=bool(kept.get("report", True)),
        log=str(kept.get("log", "json")),
    )


def main(arguments: list[str]) -> int:
    data = Path(arguments[0])
    owner = int(arguments[1]) if len(arguments) > 1 else None
    layout = open_layout(data, None)
    clean_environment()
    with held(layout, "supervisor") as mine:
        if not mine:
            sys.stderr.write("another supervisor runs this system\n")
            return 3
        return asyncio.run(_supervise(layout, plan_of(data), owner))


async def _supervise(layout: Layout, plan: Plan, owner: int | None) -> int:
    return await Supervisor(layout, plan, owner).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
