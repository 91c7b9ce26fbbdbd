"""The container suite runs when it is asked for: `./run test --containers`, or pytest with its path."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.compose import Project
from tests.running_parts import free_port_base

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "containers: needs a Docker engine with compose; minutes, not seconds")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave this folder out of a run of everything: it needs an engine and takes minutes."""
    asked = any((config.invocation_params.dir / argument.split("::")[0]).resolve().is_relative_to(HERE)
                for argument in config.args)  # fmt: skip
    return None if asked or collection_path == HERE else True


@pytest.fixture(scope="session")
def port_base() -> int:
    """BUS_CONTAINERS_PORT_BASE, else a range that is free."""
    given = os.environ.get("BUS_CONTAINERS_PORT_BASE")
    return int(given) if given else free_port_base()


@pytest.fixture(scope="module")
def project(port_base: int, request: pytest.FixtureRequest) -> Iterator[Project]:
    """A project that is up, from the clone as it is, and gone afterwards. A module may set FILES, SCALE."""
    module = request.module
    name = f"bus-{module.__name__.rpartition('.')[2].removeprefix('test_').replace('_', '-')}-{os.getpid()}"
    up = Project(name, port_base, getattr(module, "FILES", ()))
    scale = [word for pair in getattr(module, "SCALE", ()) for word in ("--scale", pair)]
    try:
        up.timed("build", "build", "--quiet", seconds=900)
        up.timed("up --wait", "up", "--detach", "--wait", "--wait-timeout", "420", *scale)
        yield up
    finally:
        up.keep_logs()
        up.down()
