"""The replay is generated once for all tests of this room."""

from pathlib import Path

import pytest

from deploy.replay.generate import Message, read_file, write_file
from deploy.replay.oracle import Oracle, gather
from shared.register import shipped_register


@pytest.fixture(scope="session")
def replay_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("replay") / "facts.ndjson"
    write_file(path)
    return path


@pytest.fixture(scope="session")
def messages(replay_file: Path) -> list[Message]:
    return list(read_file(replay_file))


@pytest.fixture(scope="session")
def oracle(messages: list[Message]) -> Oracle:
    return gather(messages, shipped_register())
