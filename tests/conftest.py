"""Fixtures every test may use: a real PostgreSQL, a real broker, a whole running system."""

import asyncio
from collections.abc import Iterator
from itertools import count
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from tests.running_parts import docker_answers, running_kafka, running_postgres, scratch
from tests.whole_system import RunningSystem, running_system

_numbers = count(1)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def docker() -> bool:
    """Whether the parts run in containers."""
    return docker_answers()


@pytest.fixture(scope="session")
def postgres_admin_url(docker: bool) -> Iterator[str]:
    """The administrator's URL of a PostgreSQL 18 that lives as long as the test run."""
    with running_postgres(docker) as url:
        yield url


@pytest.fixture(scope="module")
def postgres_url(postgres_admin_url: str) -> Iterator[str]:
    """The administrator's URL of an empty database, one for each test module."""
    yield from _database(postgres_admin_url)


@pytest.fixture
def empty_postgres_url(postgres_admin_url: str) -> Iterator[str]:
    """The administrator's URL of an empty database, one for each test."""
    yield from _database(postgres_admin_url)


@pytest.fixture(scope="session")
def kafka_bootstrap(docker: bool) -> Iterator[str]:
    """The address of a broker that lives as long as the test run. Tests use topics of their own names."""
    with running_kafka(docker) as address:
        yield address


@pytest.fixture(scope="session")
def system() -> Iterator[RunningSystem]:
    """A whole running system, shared by the tests of a run: use publishers and entities of your own."""
    with scratch() as directory, running_system(directory / "data") as running:
        yield running


def _database(admin_url: str) -> Iterator[str]:
    name = f"test_{next(_numbers)}"
    _administer(admin_url, f'CREATE DATABASE "{name}"')
    yield urlunsplit(urlsplit(admin_url)._replace(path=f"/{name}"))
    _administer(admin_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def _administer(admin_url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(admin_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())
