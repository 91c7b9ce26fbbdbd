"""Where one local system keeps its things, which ports it has, and what it remembers.

A system is named by its data directory. Everything it writes stays in there, so that several live side by
side and `rm -r` of the directory (after `./run down`) forgets one. The one exception is told by
`deploy.local.postgres.cluster_directory`.
"""

import hashlib
import json
import os
import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any

DEFAULT_DATA = ".data"
DEFAULT_PORT_BASE = 8000
ROLES = ("content", "qa", "dossier", "scoring", "report")
SERVICES = ("content", "qa", "dossier", "scoring")
# Where each part listens, counted from the port base.
PORT_OFFSETS: Mapping[str, int] = {
    "content": 1,
    "qa": 2,
    "dossier": 3,
    "scoring": 4,
    "report": 80,
    "postgres": 90,
    "kafka": 92,
    "kafka-controller": 93,
}
# Further processes of one service listen this much higher each: 8004, 8014, 8024, …
REPLICA_STEP = 10


class LaunchError(Exception):
    """Something the user can put right; the message says what happened and what to do."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths and ports of one system. `data` is absolute."""

    data: Path
    port_base: int

    def port(self, part: str, replica: int = 0) -> int:
        return self.port_base + PORT_OFFSETS[part] + replica * REPLICA_STEP

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.port(service)}"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def run(self) -> Path:
        return self.data / "run"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def keys(self) -> Path:
        return self.data / "keys"

    @property
    def supervisor_file(self) -> Path:
        return self.run / "supervisor.json"

    @property
    def short_name(self) -> str:
        """A name for this data directory where a path does not fit."""
        return hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]

    def create(self) -> None:
        """Make the directories. Secrets and keys are readable by their owner only."""
        self.data.mkdir(parents=True, exist_ok=True)
        for open_to_all in (self.logs, self.run):
            open_to_all.mkdir(exist_ok=True)
        for closed in (self.secrets, self.keys):
            closed.mkdir(mode=0o700, exist_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """The object in `path`; empty when there is no such file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise LaunchError(f"{path} is not JSON ({error}). Remove it and start again.") from error
    if not isinstance(found, dict):
        raise LaunchError(f"{path} does not hold a JSON object. Remove it and start again.")
    return found


def write_json(path: Path, content: Mapping[str, Any], *, private: bool = False) -> None:
    """Replace `path` in one step, so that a reader never sees half of it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if private else 0o644)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1, ensure_ascii=False)
    fresh.replace(path)


def remembered(data: Path) -> dict[str, Any]:
    """What earlier commands settled for this data directory (port base, broker, processes per service)."""
    return read_json(data / "system.json")


def remember(layout: Layout, **settled: object) -> None:
    """Keep `settled` for the commands that follow."""
    write_json(layout.data / "system.json", {**remembered(layout.data), **settled})


def open_layout(data: Path, port_base: int | None) -> Layout:
    """The layout of `data`. Without a port base: the one it was started with, else 8000."""
    data = data.expanduser().absolute()
    base = port_base if port_base is not None else int(remembered(data).get("port_base", DEFAULT_PORT_BASE))
    if not 1024 <= base <= 65_000:
        raise LaunchError(f"--port-base {base}: choose a number from 1024 to 65000.")
    return Layout(data, base)


@dataclass(frozen=True, slots=True)
class Secrets:
    """The passwords of one system's database roles, and the file that holds the master key."""

    admin: str
    roles: Mapping[str, str]
    master_key_file: Path


def load_secrets(layout: Layout) -> Secrets:
    """Read the secrets of a system, making those that are missing. Needs the directories."""
    path = layout.secrets / "passwords.json"
    kept = read_json(path)
    wanted = {name: kept.get(name) or secrets.token_urlsafe(24) for name in ("admin", *ROLES)}
    if wanted != kept:
        write_json(path, wanted, private=True)
    master = layout.secrets / "master.key"
    if not master.exists():
        handle = os.open(master, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(b64encode(secrets.token_bytes(32)) + b"\n")
    return Secrets(wanted["admin"], {role: wanted[role] for role in ROLES}, master)


@contextmanager
def held(layout: Layout, name: str) -> Iterator[bool]:
    """Hold the lock `name` of a system; yields False at once when another process has it."""
    with (layout.run / f"{name}.lock").open("w") as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
