"""`./run faults` on a small scale: services killed under load, and the table that says what came of it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.running_parts import free_port_base, scratch
from tests.whole_system import RUN

pytestmark = pytest.mark.system
FACTS = 1_200
SECONDS = 240


def test_services_killed_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    told = tmp_path / "outcomes.json"
    with scratch() as directory:
        command = [
            str(RUN), "faults", "--fault", "kill-services", "--facts", str(FACTS), "--json", str(told),
            "--data", str(directory / "data"), "--port-base", str(free_port_base()),
        ]  # fmt: skip
        environment = {**os.environ, "COLUMNS": "160"}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment
        )
    assert done.returncode == 0, done.stdout + done.stderr
    (outcome,) = json.loads(told.read_text(encoding="utf-8"))
    assert (outcome["lost"], outcome["doubled"], outcome["wrong"]) == (0, 0, [])
    assert outcome["facts"] >= FACTS
    assert outcome["sent"] > outcome["facts"]
    assert outcome["poison"] >= FACTS // 100
    assert outcome["harms"] == FACTS // 100
    assert "kill-services" in done.stdout
    assert "recovered s" in done.stdout


def test_help_shows_the_options_of_the_harness() -> None:
    done = subprocess.run([str(RUN), "faults", "--help"], capture_output=True, text=True, check=True)
    for word in ("--quick", "--seeds", "--fault", "disk-full", "docs/operations/faults.md"):
        assert word in done.stdout
