"""A whole running system for end-to-end tests: started by the launcher, on ports of its own."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from deploy.local import control
from deploy.local.commands_publish import send
from deploy.local.layout import Layout, load_secrets, open_layout
from deploy.local.postgres import cluster_of
from deploy.local.system import REPOSITORY, Plan
from shared.runtime.access.sealing import read_key
from tests.running_parts import free_port_base

RUN = REPOSITORY / "run"
_SETTLE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class RunningSystem:
    """One running system as a test holds it."""

    layout: Layout

    @property
    def kafka(self) -> str:
        """Bootstrap address of its bus."""
        return str(control.report_of(self.layout)["broker_address"])

    def url(self, service: str) -> str:
        """Address of a service: content, qa, dossier, scoring, report."""
        return self.layout.url(service)

    def database_url(self, role: str) -> str:
        """The database as a service's role sees it."""
        secrets = load_secrets(self.layout)
        return cluster_of(self.layout, secrets.admin).url(role, secrets.roles[role])

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`./run WORDS` on this system; with `check` it must succeed."""
        where = ["--data", str(self.layout.data), "--port-base", str(self.layout.port_base)]
        command = [str(RUN), *words, *where]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0 or not check, f"./run {' '.join(words)}: {done.stderr[-3000:]}"
        return done

    def json(self, *words: str) -> Any:
        """What `./run WORDS --json` printed."""
        return json.loads(self.run(*words, "--json").stdout)

    def add_publisher(self, name: str, agencies: str = "*", types: str = "*") -> bytes:
        """Add a publisher; answers its HMAC key."""
        words = ("publisher", "add", name, "--agencies", agencies, "--types", types)
        return read_key(json.loads(self.run(*words).stdout)["key"])

    def send(self, events: Sequence[dict[str, Any]], key: bytes) -> list[dict[str, Any]]:
        """Send CloudEvents over HTTP, each to its service; the result of each."""
        return send(self.layout, list(events), key)

    def settle(self) -> None:
        """Wait until every service says twice in a row that nothing is pending."""
        control.wait_settled(self.layout, seconds=_SETTLE_SECONDS)

    def get(self, service: str, path: str, **query: str) -> Any:
        """A JSON answer of a service's API."""
        answer = httpx.get(self.url(service) + path, params=query, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def pid(self, part: str) -> int:
        """The process id of a part, waiting for it while it is being started again."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            pid = control.report_of(self.layout)["parts"].get(part, {}).get("pid")
            if pid is not None:
                return int(pid)
            time.sleep(0.05)
        raise AssertionError(f"{part} is not started again")


@contextmanager
def running_system(
    data: Path, plan: Plan | None = None, port_base: int | None = None
) -> Iterator[RunningSystem]:
    """Start a system in `data`, and stop it. It also stops when the test process is killed."""
    layout = open_layout(data, port_base or free_port_base())
    broker = os.environ.get("BUS_TEST_BROKER", "auto")
    control.up(layout, plan or Plan(broker=broker, report=False), print, owner=os.getpid())
    try:
        yield RunningSystem(layout)
    finally:
        control.down(layout)
