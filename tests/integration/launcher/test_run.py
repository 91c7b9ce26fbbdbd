"""The `run` script itself: any directory, any shell, and plain words when something is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.local import bootstrap
from deploy.local.system import REPOSITORY

RUN = REPOSITORY / "run"


def _run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, **environment}
    return subprocess.run(
        [RUN, *words], capture_output=True, text=True, env=settings, check=False, timeout=60
    )


def test_help_teaches_every_command() -> None:
    told = _run("--help").stdout
    for command in ("demo", "test", "up", "down", "status", "publish", "publisher", "parked", "scores"):
        assert f" {command} " in told
    for command in (
        "rebuild",
        "bench",
        "faults",
        "check",
        "explain",
        "what-if",
        "periods",
        "verify-seal",
        "report",
        "audit",
    ):
        assert f" {command} " in told


@pytest.mark.parametrize("command", ["demo", "up", "publish", "scores", "rebuild"])
def test_each_command_explains_itself_and_takes_data_and_port_base(command: str) -> None:
    told = _run(command, "--help", COLUMNS="200").stdout
    assert "--data" in told
    assert "--port-base" in told


def test_it_works_from_another_directory_and_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "linked").symlink_to(RUN)
    for name in (str(RUN), "./linked"):
        told = subprocess.run([name, "--help"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "demo" in told.stdout, told.stderr


def test_without_a_python_it_says_what_to_install(tmp_path: Path) -> None:
    for tool in ("sh", "dirname", "readlink", "cksum", "grep"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "missing")
    told = _run("--help", PATH=str(tmp_path), BUS_VENV=str(tmp_path / "venv"), BUS_PYTHON="")
    assert told.returncode == 1
    assert "needs Python 3.11 or newer" in told.stderr


def test_a_python_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    for tool in ("sh", "dirname", "readlink", "cksum", "grep"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "missing")
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)
    told = _run("--help", PATH=str(tmp_path), BUS_VENV=str(tmp_path / "venv"), BUS_PYTHON="")
    assert told.returncode == 1


def test_the_stamp_of_the_environment_is_the_one_that_run_looks_for(tmp_path: Path) -> None:
    for kind, lock in bootstrap.LOCKS.items():
        told = subprocess.run(
            f'printf "%s" "{kind} $(cksum <"{REPOSITORY / lock}")"',
            shell=True, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert told.stdout == bootstrap.stamp(kind)


def test_an_environment_without_a_stamp_or_with_an_old_one_is_not_good_enough(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(Path(shutil.which("python3") or "missing").resolve())
    assert bootstrap.works(tmp_path)
    assert not bootstrap.satisfied("run", tmp_path)
    (tmp_path / ".locked").write_text("run 1 2\n")
    assert not bootstrap.satisfied("run", tmp_path)
    (tmp_path / ".locked").write_text(bootstrap.stamp("run") + "\n")
    assert bootstrap.satisfied("run", tmp_path)
    assert not bootstrap.satisfied("dev", tmp_path)
