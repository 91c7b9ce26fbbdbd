"""Starting, watching and stopping one system from outside: what the commands share."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.layout import LaunchError, Layout, held, read_json, remember
from deploy.local.processes import Identity, end_all, identify, strays, tail
from deploy.local.supervisor import plan_of
from deploy.local.system import OPTIONAL_SERVICES, REPOSITORY, Plan, label, refuse_taken_ports

_READY_SECONDS = 180.0
_STOP_SECONDS = 75.0
# So often a service may end while starting before the start is given up.
_MANY_RESTARTS = 6
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Service:
    """One process of a service, as seen from outside."""

    name: str
    url: str
    ready: bool
    pending: int | None
    why: str
    pid: int | None
    restarts: int


def supervisor_of(layout: Layout) -> Identity | None:
    """The live supervisor of a system, if there is one."""
    kept = read_json(layout.supervisor_file)
    if "pid" not in kept:
        return None
    found = Identity(int(kept["pid"]), float(kept["started"]))
    return found if found.process() is not None else None


def report_of(layout: Layout) -> dict[str, Any]:
    """What the supervisor last told."""
    return read_json(layout.supervisor_file)


@contextmanager
def _one_at_a_time(layout: Layout) -> Iterator[None]:
    with held(layout, "command") as mine:
        if not mine:
            raise LaunchError(f"Another ./run command is starting or stopping the system in {layout.data}.")
        yield


# Up ---------------------------------------------------------------------------------------------------------


def up(layout: Layout, plan: Plan, tell: Tell, *, owner: int | None = None) -> bool:
    """Start the system and wait until every service is ready. False when it was running already.

    With `owner`, the system stops when that process is gone. Raises LaunchError after stopping everything
    when a part does not start.
    """
    layout.create()
    with _one_at_a_time(layout):
        running = supervisor_of(layout)
        if running is not None:
            _refuse_other_wishes(layout, plan)
            _wait_ready(layout, plan_of(layout.data), running, tell)
            return False
        clear_left_overs(layout)
        refuse_taken_ports(layout, plan)
        remember(
            layout,
            port_base=layout.port_base,
            broker=plan.broker,
            partitions=plan.partitions,
            scale=dict(plan.scale),
            report=plan.report,
            log=plan.log,
        )
        started = _start_supervisor(layout, owner)
        try:
            _wait_ready(layout, plan, started, tell)
        except BaseException:
            _stop(layout, started)
            raise
    return True


def _refuse_other_wishes(layout: Layout, plan: Plan) -> None:
    """A running system cannot be turned into another one."""
    running = plan_of(layout.data)
    if (running.scale, running.partitions) != (dict(plan.scale), plan.partitions):
        raise LaunchError("The system is running with other settings. Say ./run down first.")


def _start_supervisor(layout: Layout, owner: int | None) -> Identity:
    layout.supervisor_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "deploy.local.supervisor", str(layout.data)]
    if owner is not None:
        command.append(str(owner))
    with (layout.logs / "supervisor.log").open("ab") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=REPOSITORY,
            start_new_session=True,
        )
    found = identify(child.pid)
    if found is None:
        raise LaunchError(f"The supervisor ended at once:\n{tail(layout.logs / 'supervisor.log')}")
    return found


def _wait_ready(layout: Layout, plan: Plan, supervisor: Identity, tell: Tell) -> None:
    """Follow the start until every service answers that it is ready."""
    deadline = time.monotonic() + _READY_SECONDS
    told = ""
    waiting = [(label(name, replica), layout.port(name, replica)) for name, replica in plan.services()]
    while True:
        if supervisor.process() is None:
            # It wrote why before it ended; a process that is gone has written all it will.
            reason = report_of(layout).get("message") or tail(layout.logs / "supervisor.log")
            raise LaunchError(f"The system did not start. {reason}")
        report = report_of(layout)
        if report.get("phase") == "failed":
            raise LaunchError(f"The system did not start. {report.get('message')}")
        if report.get("message") and report["message"] != told:
            told = report["message"]
            tell(told)
        if report.get("phase") == "running":
            waiting = [(name, port) for name, port in waiting if not _is_ready(port)]
            if not waiting:
                return
            _give_up_on_restarts(report, [name for name, _ in waiting])
        if time.monotonic() > deadline:
            names = ", ".join(name for name, _ in waiting)
            raise LaunchError(
                f"Not ready after {_READY_SECONDS:.0f} s: {names}. See the logs in {layout.logs}."
            )
        time.sleep(0.1)


def _give_up_on_restarts(report: dict[str, Any], waiting: list[str]) -> None:
    for name in waiting:
        part = report.get("parts", {}).get(name, {})
        if part.get("restarts", 0) >= _MANY_RESTARTS:
            log = Path(part["log"])
            raise LaunchError(f"{name} ends again and again. Its log {log} ends:\n{tail(log)}")


def _is_ready(port: int) -> bool:
    return _ask(f"http://127.0.0.1:{port}/readyz")[0] == 200


def _ask(url: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON object of a page; status 0 when nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return int(answer.status), _object(answer.read())
    except urllib.error.HTTPError as error:
        return int(error.code), _object(error.read())
    except OSError as error:
        return 0, {"detail": str(getattr(error, "reason", error))}


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


# Status -----------------------------------------------------------------------------------------------------


def services(layout: Layout) -> list[Service]:
    """Every service process with what it says of itself."""
    parts = report_of(layout).get("parts", {})
    found = []
    for name, replica in plan_of(layout.data).services():
        url = f"http://127.0.0.1:{layout.port(name, replica)}"
        code, status = _ask(f"{url}/v1/status")
        part = parts.get(label(name, replica), {})
        found.append(
            Service(
                name=label(name, replica),
                url=url,
                ready=code == 200 and bool(status.get("ready")),
                pending=int(status["pending"]) if code == 200 and "pending" in status else None,
                why=str(status.get("not_ready") or status.get("detail") or ""),
                pid=part.get("pid"),
                restarts=int(part.get("restarts", 0)),
            )
        )
    return found


def wait_settled(layout: Layout, *, seconds: float, tell: Callable[[int], None] | None = None) -> None:
    """Wait until every service says twice in a row that nothing is pending.

    `tell` gets the number that is still pending each time it was asked. Raises LaunchError when the time is
    over, naming what is left.
    """
    deadline = time.monotonic() + seconds
    settled_before = False
    while True:
        found = services(layout)
        left = {service.name: service.pending for service in found if service.name not in OPTIONAL_SERVICES}
        known = [number for number in left.values() if number is not None]
        if tell is not None:
            tell(sum(known))
        settled = bool(found) and len(known) == len(left) and not any(known)
        if settled and settled_before:
            return
        settled_before = settled
        if time.monotonic() > deadline:
            raise LaunchError(f"Not settled after {seconds:.0f} s; still pending: {left}.")
        time.sleep(0.25)


def require_running(layout: Layout) -> None:
    """Raise LaunchError unless the system runs."""
    if supervisor_of(layout) is None:
        raise LaunchError(
            f"The system in {layout.data} is not running. Start it with ./run up or ./run demo."
        )


# Down -------------------------------------------------------------------------------------------------------


def down(layout: Layout) -> bool:
    """Stop the system and everything a killed supervisor may have left. True when there was something."""
    if not layout.run.exists():
        return False
    with _one_at_a_time(layout):
        running = supervisor_of(layout)
        if running is not None:
            _stop(layout, running)
        left = clear_left_overs(layout)
    return running is not None or left > 0


def _stop(layout: Layout, supervisor: Identity) -> None:
    process = supervisor.process()
    if process is not None:
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while supervisor.process() is not None and time.monotonic() < deadline:
            _reap(supervisor.pid)
            time.sleep(0.05)
        _reap(supervisor.pid)
    if supervisor.process() is not None:
        end_all({supervisor: signal.SIGKILL})
    clear_left_overs(layout)


def _reap(pid: int) -> None:
    """Collect a supervisor that this very process started, so that it does not stay as a corpse."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def clear_left_overs(layout: Layout) -> int:
    """End what a supervisor that was killed left behind; services first, then the bus and the database.

    Only without a live supervisor. Returns how many processes were found.
    """
    parts = report_of(layout).get("parts", {})
    recorded = {
        name: (Identity(int(part["pid"]), float(part["started"])), int(part["stop_signal"]))
        for name, part in parts.items()
        if part.get("pid") and part.get("started")
    }
    base = {name: recorded.pop(name) for name in ("postgres", "kafka") if name in recorded}
    marked = {identity: int(signal.SIGTERM) for identity in strays(layout.data)}
    ended = end_all({**marked, **dict(recorded.values())})
    return ended + end_all(dict(base.values()), patience=25)
