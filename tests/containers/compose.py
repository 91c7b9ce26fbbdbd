"""One compose project under a name and ports of its own, driven by the `docker` command as a user would."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "out" / "containers"
PORT_OFFSETS = {
    "content": 1,
    "qa": 2,
    "dossier": 3,
    "scoring": 4,
    "report": 80,
    "prometheus": 91,
    "kafka": 92,
}


class CommandError(AssertionError):
    """A command that should have worked did not; the text has its last words."""


def run(command: Sequence[str], *, env: Mapping[str, str] | None = None, seconds: float = 300) -> str:
    """Standard output of `command`, run in the clone. Raises CommandError when it fails."""
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=seconds, check=False
    )
    if done.returncode != 0:
        raise CommandError(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr[-3000:]}")
    return done.stdout


def wait_until(true: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Come back when `true()`; raises CommandError when it does not become so in time."""
    give_up = time.monotonic() + seconds
    while not true():
        if time.monotonic() > give_up:
            raise CommandError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(0.25)


@dataclass
class Project:
    """A compose project. `files` beside docker-compose.yml come on top of it, in order."""

    name: str
    port_base: int
    files: tuple[str, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        ports = {f"BUS_PORT_{name.upper()}": str(self.port(name)) for name in PORT_OFFSETS}
        return {**os.environ, **ports, "COMPOSE_PROJECT_NAME": self.name}

    def port(self, service: str) -> int:
        return self.port_base + PORT_OFFSETS[service]

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.port(service)}"

    def command(self, *arguments: str) -> list[str]:
        """`docker compose` with the files of this project."""
        files = [option for file in ("docker-compose.yml", *self.files) for option in ("-f", file)]
        return ["docker", "compose", *files, *arguments]

    def compose(self, *arguments: str, seconds: float = 600) -> str:
        return run(self.command(*arguments), env=self.environment, seconds=seconds)

    def timed(self, what: str, *arguments: str, seconds: float = 600) -> str:
        """`compose`, with the time it took kept for the summary."""
        begun = time.monotonic()
        out = self.compose(*arguments, seconds=seconds)
        self.seconds[what] = time.monotonic() - begun
        sys.stderr.write(f"[{self.name}] {what}: {self.seconds[what]:.1f} s\n")
        return out

    def containers(self, service: str | None = None) -> list[dict[str, Any]]:
        """What the engine knows about the containers of a service, or of all; stopped ones too."""
        label = [f"label=com.docker.compose.project={self.name}", "label=com.docker.compose.oneoff=False"]
        if service:
            label.append(f"label=com.docker.compose.service={service}")
        options = [option for text in label for option in ("--filter", text)]
        ids = run(["docker", "ps", "-aq", *options]).split()
        return list(json.loads(run(["docker", "inspect", *ids]))) if ids else []

    def healthy(self, service: str) -> list[str]:
        """The ids of the healthy containers of a service."""
        return [
            container["Id"]
            for container in self.containers(service)
            if container["State"].get("Health", {}).get("Status") == "healthy"
        ]

    def get(self, service: str, path: str) -> Any:
        """The JSON that `GET path` of a service answers, by the way a user goes."""
        with urlopen(Request(self.url(service) + path), timeout=30) as answer:
            return json.loads(answer.read())

    def left_behind(self) -> dict[str, list[str]]:
        """What of this project is still there, by kind."""
        label = ["--filter", f"label=com.docker.compose.project={self.name}", "-q"]
        return {
            "containers": run(["docker", "ps", "-a", *label]).split(),
            "volumes": run(["docker", "volume", "ls", *label]).split(),
            "networks": run(["docker", "network", "ls", *label]).split(),
        }

    def keep_logs(self) -> None:
        """Write what every container said to out/containers/."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        said = self.compose("logs", "--no-color", "--timestamps", "--tail", "5000")
        (RESULTS / f"{self.name}.log").write_text(said, encoding="utf-8")

    def down(self) -> None:
        """Stop everything and forget the data, the one-off containers of `run` too."""
        self.compose("--profile", "*", "down", "-v", "--remove-orphans", "--timeout", "20")
