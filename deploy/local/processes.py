"""Starting programs so that none of them outlives the process that started it.

On Linux the kernel itself signals a child when its parent dies, also by kill -9. Elsewhere the supervisor's
record of process ids (see `deploy.local.supervisor`) lets the next command clean up.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from deploy.local.layout import LaunchError

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
# A log that grew past this is moved aside when its program starts again, one old one is kept.
_LOG_LIMIT_BYTES = 64 * 1024 * 1024
# Marks every process of a system, so that a sweep can find strays without guessing by name.
SYSTEM_VARIABLE = "BUS_SYSTEM"


@dataclass(frozen=True, slots=True)
class Program:
    """One program to run. `user` is (uid, gid) to run as, for a program that refuses to run as root."""

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = Path("/")
    user: tuple[int, int] | None = None
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 20.0
    # What the kernel sends it when the process that started it is gone.
    orphan_signal: int = signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Identity:
    """A process beyond doubt: process ids are used again, start times of one id are not."""

    pid: int
    started: float

    def process(self) -> psutil.Process | None:
        """The live process, or None when it is gone (or only a corpse is left)."""
        try:
            found = psutil.Process(self.pid)
            if abs(found.create_time() - self.started) > 0.05 or found.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.NoSuchProcess:
            return None
        return found


def identify(pid: int) -> Identity | None:
    """The identity of a running process."""
    try:
        return Identity(pid, psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


def _die_with_parent(number: int, parent: int) -> Callable[[], None] | None:
    libc = _LIBC
    if libc is None:
        return None

    def before_exec() -> None:
        # Runs between fork and exec, after the change of user (which would clear it again).
        libc.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os.kill(os.getpid(), number)

    return before_exec


def _open_log(path: Path) -> int:
    if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".old.log"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def spawn_arguments(program: Program) -> dict[str, Any]:
    """Keyword arguments for `subprocess.Popen` (and asyncio's equal) to start `program`.

    The caller closes `stdout` afterwards. Each program leads a process group of its own, so that Ctrl-C in
    a terminal reaches only the command the user started, which then stops the others in order.
    """
    log = _open_log(program.log)
    arguments: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": log,
        "stderr": subprocess.STDOUT,
        "cwd": program.directory,
        "env": {**os.environ, **program.environment},
        "start_new_session": True,
        "preexec_fn": _die_with_parent(program.orphan_signal, os.getpid()),
    }
    if program.user is not None:
        uid, gid = program.user
        arguments |= {"user": uid, "group": gid, "extra_groups": []}
    return arguments


def start(program: Program) -> subprocess.Popen[bytes]:
    """Start `program` as a child of this process."""
    arguments = spawn_arguments(program)
    try:
        return subprocess.Popen(program.command, **arguments)
    except OSError as error:
        raise LaunchError(f"{program.name} cannot be started: {error}") from error
    finally:
        os.close(arguments["stdout"])


def stop(program: Program, child: subprocess.Popen[bytes]) -> None:
    """Ask `child` to stop, then make it."""
    if child.poll() is None:
        child.send_signal(program.stop_signal)
        try:
            child.wait(program.stop_seconds)
        except subprocess.TimeoutExpired:
            _signal_group(child.pid, signal.SIGKILL)
            child.wait()


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def end_all(wanted: Mapping[Identity, int], *, patience: float = 10.0) -> int:
    """End processes that are not children of this one, politely first, each by its own signal.

    Their descendants end with them. Returns how many were alive.
    """
    alive = [(process, number) for identity, number in wanted.items() if (process := identity.process())]
    families = [member for process, _ in alive for member in (process, *_children(process))]
    for process, number in alive:
        _send(process, number)
    _, left = psutil.wait_procs(families, timeout=patience)
    for process in left:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(left, timeout=5)
    return len(alive)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _send(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def strays(data: Path) -> list[Identity]:
    """Processes that carry the mark of the system in `data`, this one and its ancestors excepted."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid not in own and process.environ().get(SYSTEM_VARIABLE) == str(data):
                found.append(Identity(process.pid, process.create_time()))
        except (psutil.Error, OSError):
            # Another user's process, or one that has just ended: not ours to touch.
            continue
    return found


def wait_until(ready: Callable[[], bool], *, seconds: float, alive: Callable[[], bool], what: str) -> None:
    """Poll `ready` until it holds. Raises LaunchError when `alive` turns false or the time is over."""
    deadline = time.monotonic() + seconds
    pause = 0.02
    while not ready():
        if not alive():
            raise LaunchError(f"{what} stopped while starting.")
        if time.monotonic() > deadline:
            raise LaunchError(f"{what} was not ready after {seconds:.0f} seconds.")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log, for a message about what went wrong."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 16_384))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
