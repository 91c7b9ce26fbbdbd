"""`./run faults --quick` on a small scale: harm under load, and the table that says what came of it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.faults.catalogue import QUICK
from tests.running_parts import free_port_base, scratch
from tests.whole_system import RUN

pytestmark = pytest.mark.system
FACTS = 1_000
SECONDS = 600


def test_the_quick_set_of_faults_loses_and_doubles_nothing(tmp_path: Path) -> None:
    told = tmp_path / "outcomes.json"
    with scratch() as directory:
        command = [
            str(RUN), "faults", "--quick", "--facts", str(FACTS), "--json", str(told),
            "--data", str(directory / "data"), "--port-base", str(free_port_base()),
        ]  # fmt: skip
        environment = {**os.environ, "COLUMNS": "160"}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment
        )
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = {one["fault"]: one for one in json.loads(told.read_text(encoding="utf-8"))}
    assert tuple(outcomes) == QUICK
    for outcome in outcomes.values():
        assert (outcome["lost"], outcome["doubled"], outcome["wrong"]) == (0, 0, [])
        assert outcome["facts"] >= FACTS
        assert outcome["sent"] > outcome["facts"], "some are sent again"
        assert outcome["poison"] >= FACTS // 100
        assert outcome["harms"] > 0 or outcome["fault"] == "none"
        assert outcome["fault"] in done.stdout
    assert outcomes["kill-services"]["harms"] == FACTS // 100
    assert "recovered s" in done.stdout


def test_help_shows_the_options_of_the_harness() -> None:
    done = subprocess.run([str(RUN), "faults", "--help"], capture_output=True, text=True, check=True)
    for word in ("--quick", "--seeds", "--fault", "disk-full", "docs/operations/faults.md"):
        assert word in done.stdout
