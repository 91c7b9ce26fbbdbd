"""One running system as a tester holds it: through `./run`, its addresses, and signals of the kernel."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.faults.count import Indicators

REPOSITORY = Path(__file__).resolve().parent.parent.parent
MODULES = {"content": 1, "qa": 2, "dossier": 3}
SERVICES = (*MODULES, "scoring")
SETTLE_S = 240.0


@dataclass(frozen=True, slots=True)
class Rig:
    """A local system in `data`, at `port_base`."""

    data: Path
    port_base: int

    # ---------------------------------------------------------------- commands

    def command(self, *words: str, check: bool = True) -> str:
        """Standard output of `./run WORDS --data … --port-base …`."""
        where = ["--data", str(self.data), "--port-base", str(self.port_base)]
        told = {"BUS_FAULTS": "1", "BUS_FAILPOINTS": str(self.failpoints)}
        if self.code != REPOSITORY:
            told["BUS_VENV"] = str(self.code / ".venv")
        done = subprocess.run(
            [str(self.code / "run"), *words, *where], capture_output=True, text=True, check=False,
            timeout=300, env={**os.environ, **told},
        )  # fmt: skip
        if check and done.returncode:
            raise AssertionError(
                f"./run {' '.join(words)} ended with {done.returncode}:\n{done.stderr[-3000:]}"
            )
        return done.stdout

    def up(self, *more: str) -> None:
        self.failpoints.mkdir(parents=True, exist_ok=True)
        self.command("up", *more)

    def down(self) -> None:
        self.command("down")

    def begin_afresh(self) -> None:
        """Start the system again after a run that broke off, without the harm that was still ahead."""
        self.down()
        for left in self.failpoints.iterdir():
            left.unlink()
        self.up("--no-report")

    def publisher(self, name: str, agencies: list[str], types: str) -> str:
        """Make a publisher and answer its key."""
        words = ("publisher", "add", name, "--agencies", ",".join(agencies), "--types", types, "--json")
        answer = json.loads(self.command(*words))
        return str(answer["key"])

    # ------------------------------------------------------------------ places

    @property
    def code(self) -> Path:
        """The version that the commands are of: this one, or the one that `other_version` leads to."""
        return self.other_version.resolve() if self.other_version.is_symlink() else REPOSITORY

    @property
    def other_version(self) -> Path:
        """Where a link leads to another version, while the system is of that one."""
        return self.data.with_name(f"{self.data.name}-other-version")

    @property
    def module_urls(self) -> dict[str, str]:
        return {name: f"http://127.0.0.1:{self.port_base + offset}" for name, offset in MODULES.items()}

    @property
    def scoring(self) -> str:
        return f"http://127.0.0.1:{self.port_base + 4}"

    @property
    def kafka(self) -> str:
        return f"127.0.0.1:{self.port_base + 92}"

    @property
    def failpoints(self) -> Path:
        """Where shared/runtime/failpoints.py looks for what shall happen to its process."""
        return self.data.absolute() / "failpoints"

    def cluster(self) -> Path:
        """PostgreSQL's directory."""
        pid = self.pid("postgres")
        if pid is None:
            raise AssertionError("PostgreSQL does not run")
        command = psutil.Process(pid).cmdline()
        return Path(command[command.index("-D") + 1])

    async def environment(self, part: str) -> dict[str, str]:
        """What a running part was told when it was started."""
        return psutil.Process(await self.up_pid(part)).environ()

    def memory_mib(self, part: str) -> float:
        """What a part holds in memory now; 0 while it is being started again."""
        pid = self.pid(part)
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(pid).memory_info().rss / 2**20 if pid is not None else 0.0
        return 0.0

    # ----------------------------------------------------------------- signals

    def pid(self, part: str) -> int | None:
        """The process id of a part now, or None while it is being started again."""
        known = json.loads((self.data / "run" / "supervisor.json").read_text(encoding="utf-8"))
        pid = known["parts"].get(part, {}).get("pid")
        return None if pid is None else int(pid)

    def signal(self, part: str, number: int) -> bool:
        """Send a signal to a part. False when it was not running."""
        pid = self.pid(part)
        if pid is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            return True
        return False

    def kill(self, part: str) -> bool:
        return self.signal(part, signal.SIGKILL)

    async def up_pid(self, part: str) -> int:
        """The process id of a part, waiting for it while it is being started again."""
        deadline = time.monotonic() + SETTLE_S
        while (pid := self.pid(part)) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"{part} is not started again")
            await asyncio.sleep(0.05)
        return pid

    async def kill_when_up(self, part: str) -> bool:
        """Kill a part as soon as there is one to kill."""
        await self.up_pid(part)
        return self.kill(part)

    async def listens(self, address: str) -> None:
        """Wait until something takes connections at HOST:PORT."""
        host, _, port = address.partition(":")
        deadline = time.monotonic() + SETTLE_S
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"nothing listens at {address}")
            await asyncio.sleep(0.05)

    async def restart_postgres(self) -> bool:
        """Fast shutdown, as an administrator's restart; the supervisor starts it again."""
        await self.up_pid("postgres")
        return self.signal("postgres", signal.SIGINT)

    def arm(self, point: str) -> Path:
        """Have the process that next comes past `point` killed there; the file is gone when it was."""
        file = self.failpoints / point
        file.touch()
        return file

    async def wait_gone(self, files: list[Path], seconds: float) -> list[Path]:
        """Wait until none of `files` is left; those that are after `seconds`."""
        deadline = time.monotonic() + seconds
        while left := [file for file in files if file.exists()]:
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(0.05)
        return left

    async def freeze(self, part: str, seconds: float) -> None:
        """Stop a part for a while and let it go on, as a machine that was suspended does."""
        pid = self.pid(part)
        if pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(seconds)
            os.kill(pid, signal.SIGCONT)

    async def away(self, part: str, seconds: float) -> None:
        """Keep a part from running for a while: killed as often as it is started again."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.kill(part)
            await asyncio.sleep(0.1)

    # ----------------------------------------------------------------- answers

    async def get(self, url: str, **query: str) -> Any:
        """A JSON answer, asked again while the service is being started."""
        deadline = time.monotonic() + SETTLE_S
        async with httpx.AsyncClient(timeout=60) as http:
            while True:
                with suppress(httpx.TransportError):
                    answer = await http.get(url, params=query)
                    if answer.status_code < 500:
                        answer.raise_for_status()
                        return answer.json()
                if time.monotonic() > deadline:
                    raise AssertionError(f"{url} did not answer for {SETTLE_S:.0f} s")
                await asyncio.sleep(0.2)

    async def post(self, url: str, body: Any) -> Any:
        async with httpx.AsyncClient(timeout=60) as http:
            answer = await http.post(url, json=body)
            answer.raise_for_status()
            return answer.json()

    async def settle(self) -> float:
        """Wait until every service says twice in a row that nothing is pending. Seconds that took."""
        begun = time.monotonic()
        quiet = 0
        urls = [f"{url}/v1/status" for url in (*self.module_urls.values(), self.scoring)]
        while quiet < 2:
            states = [await self.get(url) for url in urls]
            quiet = quiet + 1 if all(s["ready"] and s["pending"] == 0 for s in states) else 0
            if time.monotonic() - begun > SETTLE_S:
                raise AssertionError(f"nothing settled in {SETTLE_S:.0f} s: {states}")
            await asyncio.sleep(0.2)
        return time.monotonic() - begun

    async def indicators(self, first: date, last: date) -> Indicators:
        answer = await self.get(
            f"{self.scoring}/v1/indicators", **{"from": first.isoformat(), "to": last.isoformat()}
        )
        rows: Indicators = answer["agencies"]
        return rows

    def say(self, text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def differences(expected: Indicators, found: Indicators, agencies: list[str]) -> list[str]:
    """Where what the system says differs from the independent count, for the indicators that were counted."""
    told = []
    for agency in agencies:
        want, have = expected.get(agency, {}), found.get(agency, {})
        names = set(want) | {name for name in have if in_second_count(name)}
        told += [
            f"{agency} {name}: {have.get(name, 0)} instead of {want.get(name, 0)}"
            for name in sorted(names)
            if (have.get(name) or 0) != want.get(name, 0)
        ]
    return told


_COUNTED = [
    "content.items",
    "content.articles",
    "content.datasets",
    "content.english",
    "content.spokesperson",
    "content.press_digest",
    "content.active_weeks",
    "content.visits",
    "qa.received",
    "qa.eligible",
    "qa.answered",
    "qa.answered_on_time",
    "qa.answered_late",
    "qa.waiting",
    "qa.overdue",
    "qa.deleted",
    "dossier.received.online",
    "dossier.received.one_stop",
    "dossier.resolved.on_time",
    "dossier.resolved.late",
    "dossier.withdrawn",
    "dossier.rejected",
    "dossier.carried_over",
    "dossier.in_progress",
    "dossier.overdue",
    "procedure.published",
    "procedure.abolished",
    "procedure.decisions",
]
_FAMILIES = ("content.category.", "content.social.", "content.reach.", "content.followers.")


def in_second_count(name: str) -> bool:
    """Whether the second program counts this indicator."""
    return name in _COUNTED or name.startswith(_FAMILIES)
