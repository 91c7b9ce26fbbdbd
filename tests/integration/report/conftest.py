"""A schema of its own for each test, with the report service's tables, in a real PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from services.report.accounts import MIGRATIONS
from shared.runtime import audit_trail
from shared.runtime.migrate import migrate
from shared.runtime.postgres import Pool, open_pool


@pytest.fixture
async def pool(empty_postgres_url: str) -> AsyncIterator[Pool]:
    """A pool on an empty database with the tables of the report service."""
    async with open_pool(empty_postgres_url, application="test report", size=4) as opened:
        async with opened.acquire() as connection:
            await migrate(connection, MIGRATIONS)
            await audit_trail.prepare_schema(connection, [])
        yield opened
