"""A real Prometheus reads a running system: its targets, our rules, and every panel of the Grafana board."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deploy.local.events import as_event
from tests.running_parts import free_port
from tests.whole_system import RunningSystem

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]
PROGRAM = shutil.which("prometheus")
SERVICES = ("content", "qa", "dossier", "scoring")
PATIENCE_S = 60.0
BOARD = json.loads((ROOT / "deploy" / "grafana" / "boards" / "scoring-bus.json").read_text(encoding="utf-8"))
PUBLISHER = "do-luong"


class Prometheus:
    """One running server."""

    def __init__(self, address: str) -> None:
        self.http = httpx.Client(base_url=address, timeout=10)

    def ask(self, path: str, **query: str) -> Any:
        """The data of an answer; an error is a failure of the test."""
        answer = self.http.get(f"/api/v1/{path}", params=query).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def sees_all(self) -> bool:
        """Whether every target was read."""
        try:
            targets = self.ask("targets")["activeTargets"]
        except httpx.TransportError:
            return False
        return len(targets) == len(SERVICES) and all(one["health"] == "up" for one in targets)


def configured(system: RunningSystem) -> dict[str, Any]:
    """Our configuration, with addresses in place of names that only compose knows, and quicker."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))
    found["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    found["rule_files"] = [str(ROOT / "deploy" / "prometheus" / "rules.yml")]
    (job,) = found["scrape_configs"]
    asked = {name for one in job.pop("dns_sd_configs") for name in one["names"]}
    assert asked == {*SERVICES, "report"}
    job.pop("relabel_configs")
    job["static_configs"] = [
        {"targets": [system.url(name).removeprefix("http://")], "labels": {"service": name}}
        for name in SERVICES
    ]
    return found


def send_some(system: RunningSystem) -> None:
    """A fact that is taken, and one that is refused."""
    key = system.add_publisher(PUBLISHER)
    article = {"article_id": "do-1", "agency": "so-y-te", "title": "Tin", "url": "https://x.vn/do-1",
               "kind": "news", "published_at": "2024-02-20T08:00:00+07:00"}  # fmt: skip
    good, bad = (
        as_event({"type": "article.published", "data": data}, PUBLISHER)
        for data in (article, {**article, "article_id": "do-2", "kind": "no such kind"})
    )
    results = system.send([good, bad], key)
    assert [one["status"] for one in results] == ["accepted", "rejected"]
    system.settle()


@pytest.fixture(scope="module")
def prometheus(system: RunningSystem, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A server that has read every target a few times."""
    if PROGRAM is None:
        pytest.skip("there is no Prometheus here; CI brings one")
    directory = tmp_path_factory.mktemp("prometheus")
    file = directory / "prometheus.yml"
    file.write_text(yaml.safe_dump(configured(system)), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, f"--config.file={file}", f"--storage.tsdb.path={directory / 'data'}",
             f"--web.listen-address={address}"],
            stdout=log, stderr=log,
        )  # fmt: skip
    running = Prometheus(f"http://{address}")
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not running.sees_all():
            assert process.poll() is None, (directory / "log").read_text()
            assert time.monotonic() < deadline, (directory / "log").read_text()
            time.sleep(0.2)
        send_some(system)
        # A rate needs two readings.
        time.sleep(5)
        yield running
    finally:
        process.terminate()
        process.wait(20)


def test_every_rule_is_loaded_and_can_be_evaluated(prometheus: Prometheus) -> None:
    kept = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text("utf-8"))["groups"]
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == sum(len(group["rules"]) for group in kept)
    assert {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] != "ok"} == {}


def test_a_healthy_system_raises_no_alert(prometheus: Prometheus) -> None:
    raised = [one for one in prometheus.ask("alerts")["alerts"] if one["state"] == "firing"]
    assert [one["labels"]["alertname"] for one in raised] == []


def test_every_panel_of_the_board_has_something_to_show(prometheus: Prometheus) -> None:
    empty = set()
    for panel in BOARD["panels"]:
        for target in panel.get("targets", ()):
            expression = re.sub(r"\$__(rate_interval|interval|range)", "10s", target["expr"])
            expression = re.sub(r"\$\{?\w+(:\w+)?\}?", ".*", expression)
            if not prometheus.ask("query", query=expression)["result"]:
                empty.add(panel["title"])
    assert empty == set()
