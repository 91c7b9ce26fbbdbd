"""The switch of the fault harness: off for everybody else, and a real death where it is on."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from deploy.local.system import REPOSITORY
from shared.runtime.failpoints import Failpoints, nowhere
from shared.runtime.settings import ServiceSettings

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
STEPS = """
import sys
from pathlib import Path
from shared.runtime.failpoints import Failpoints
after_step = Failpoints(Path(sys.argv[1]), "content").after("ledger")
for step in (1, 2, 3):
    after_step(step)
    print(step, flush=True)
"""


def test_it_is_off_without_a_directory() -> None:
    points = Failpoints(None, "content")
    assert points.after("ledger") is nowhere
    clock = lambda: NOW  # noqa: E731 - a clock is a function, and this one must come back itself
    assert points.clock(clock) is clock


def _steps(directory: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", STEPS, str(directory)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60)


def test_a_process_dies_at_its_step_once_and_takes_the_file_with_it(tmp_path: Path) -> None:
    point = tmp_path / "content.ledger.2"
    point.touch()
    other = tmp_path / "qa.ledger.1"
    other.touch()
    died = _steps(tmp_path)
    assert (died.returncode, died.stdout.split()) == (-signal.SIGKILL, ["1"])
    assert not point.exists()
    assert other.exists()
    assert _steps(tmp_path).stdout.split() == ["1", "2", "3"]


def test_the_clock_of_one_service_is_stepped_while_its_file_is_there(tmp_path: Path) -> None:
    clock = Failpoints(tmp_path, "scoring").clock(lambda: NOW)
    (tmp_path / "content.clock").write_text("86400")
    assert clock() == NOW
    file = tmp_path / "scoring.clock"
    for seconds in (86_400, -86_400):
        file.write_text(str(seconds))
        assert clock() == NOW + timedelta(seconds=seconds)
    file.write_text("")
    assert clock() == NOW
    file.unlink()
    assert clock() == NOW


def test_a_service_refuses_the_switch_unless_it_is_asked_for_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("KAFKA", "host:9092"), ("DATABASE", "postgresql://a@b/c"), ("PORT", "8001")):
        monkeypatch.setenv(f"BUS_{name}", value)
    assert ServiceSettings().failpoints is None
    monkeypatch.setenv("BUS_FAILPOINTS", str(tmp_path))
    with pytest.raises(ValidationError, match="BUS_FAULTS=1"):
        ServiceSettings()
    monkeypatch.setenv("BUS_FAULTS", "1")
    assert ServiceSettings().failpoints == tmp_path
