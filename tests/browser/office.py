"""A dashboard of its own on a running system, its officers, and the facts that its pages show."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from deploy.local.events import as_event
from deploy.local.layout import load_secrets
from shared.calendar.local import local_day
from shared.calendar.periods import quarter_of
from tests.running_parts import free_port
from tests.whole_system import RunningSystem

START_SECONDS = 90.0
PUBLISHER = "trinh-duyet"
AGENCIES = ("so-y-te", "so-tu-phap", "huyen-bat-xat")
PASSWORD = "mật khẩu của cán bộ"


@dataclass
class Dashboard:
    """One process of the report service. It can be stopped and started again on the same port."""

    system: RunningSystem
    log: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it has read the topics."""
        secrets = load_secrets(self.system.layout)
        environment = {
            **os.environ,
            "BUS_KAFKA": self.system.kafka,
            "BUS_DATABASE": self.system.database_url("report"),
            "BUS_PORT": str(self.port),
            "BUS_MASTER_KEY_FILE": str(secrets.master_key_file),
            "BUS_WEBHOOK_PRIVATE_TARGETS": "true",
            **{
                f"BUS_{name.upper()}_URL": self.system.url(name)
                for name in ("content", "qa", "dossier", "scoring")
            },
            **self.settings,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.report"], env=environment, stderr=log, stdout=log
            )
        self._wait_until_ready(self.process)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert process.poll() is None, f"the report service ended: {self.log.read_text()[-3000:]}"
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).is_success:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"the report service does not get ready: {self.log.read_text()[-3000:]}")

    def stop(self, *, kill: bool = False) -> None:
        """Ask it to end (or kill it), and wait until it has."""
        if self.process is not None:
            (self.process.kill if kill else self.process.terminate)()
            self.process.wait(30)

    def add_officer(self, name: str, role: str, district: str | None = None) -> None:
        """An account that signs in with PASSWORD; one that is there already stays."""
        of = ["--agency", district] if district else []
        done = subprocess.run(
            [sys.executable, "-m", "services.report.accounts", "add", name, "--role", role, "--full-name",
             f"Cán bộ {name}", *of, "--password-stdin", "--database", self.system.database_url("report")],
            input=f"{PASSWORD}\n", text=True, capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0 or "exists" in done.stderr, done.stderr


@contextmanager
def running_dashboard(system: RunningSystem, directory: Path, **settings: str) -> Iterator[Dashboard]:
    """A dashboard with these settings, stopped at the end."""
    dashboard = Dashboard(system, directory / "report.log", settings)
    dashboard.start()
    try:
        yield dashboard
    finally:
        dashboard.stop()


@dataclass
class Newsroom:
    """Sends facts of now, so that they fall into the quarter that is running."""

    system: RunningSystem
    key: bytes
    count: int = 0

    def send(self, *facts: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """Send (type, data) facts; every one must be accepted. Their events, as sent."""
        events = [as_event({"type": kind, "data": data}, PUBLISHER) for kind, data in facts]
        results = self.system.send(events, self.key)
        assert [result["status"] for result in results] == ["accepted"] * len(events), results
        return events

    def _next(self, prefix: str) -> str:
        self.count += 1
        return f"{prefix}-{time.time_ns()}-{self.count}"

    def articles(self, agency: str, number: int) -> list[dict[str, Any]]:
        """Publish some articles and datasets now."""
        facts = []
        for place in range(number):
            name = self._next("bai")
            facts.append(("article.published", {
                "article_id": name, "agency": agency, "title": f"Tin số {name}",
                "url": f"https://{agency}.laocai.gov.vn/{name}",
                "kind": "dataset" if place % 4 == 0 else "news",
                "category": "introduction", "published_at": iso(now()),
            }))  # fmt: skip
        return self.send(*facts)

    def question(self, agency: str, *, answered: bool = False, days_ago: int = 0) -> str:
        """A question that was received and accepted some days ago, and answered now or not yet."""
        name, then = self._next("hoi"), iso(now() - timedelta(days=days_ago, hours=1))
        facts = [
            (
                "question.received",
                {"question_id": name, "agency": agency, "received_at": then, "field": "Đất đai"},
            ),
            ("question.accepted", {"question_id": name, "agency": agency, "accepted_at": then}),
        ]
        if answered:
            answer = {"question_id": name, "agency": agency, "answered_at": iso(now())}
            facts.append(("question.answered", {**answer, "answerer_title": "Giám đốc"}))
        self.send(*facts)
        return name

    def dossier(self, agency: str, *, due_in_days: int) -> str:
        """A dossier that is in progress and due in so many days (or was due, when negative)."""
        self.count += 1
        name = f"000.00.{17 + self.count % 80:02}.H38-{now():%y%m%d}-{time.time_ns() % 10**7:07}"
        self.send(("dossier.received", {
            "dossier_code": name, "agency": agency, "procedure_code": "1.004441", "channel": "online",
            "received_at": iso(now() - timedelta(days=40)),
            "due_at": iso(now() + timedelta(days=due_in_days)),
        }))  # fmt: skip
        return name

    def refused(self, agency: str) -> dict[str, Any]:
        """Send a fact without its title; answers the event, which was refused."""
        name = self._next("loi")
        data = {"article_id": name, "agency": agency, "url": "https://x.vn/1", "kind": "news",
                "published_at": iso(now())}  # fmt: skip
        event = as_event({"type": "article.published", "data": data}, PUBLISHER)
        (result,) = self.system.send([event], self.key)
        assert result["status"] == "rejected"
        return event


def now() -> datetime:
    """A minute ago, so that no fact lies ahead of the services' clock."""
    return datetime.now(UTC) - timedelta(minutes=1)


def iso(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")


def today() -> date:
    """The local day that facts of now fall on."""
    return local_day(now())


def this_quarter() -> str:
    """The quarter that facts of now fall into."""
    return quarter_of(today()).name
