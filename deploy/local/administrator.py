"""Work on a system's database as its administrator: what publishers and the audit trail need."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from deploy.local import control
from deploy.local.layout import LaunchError, Layout, load_secrets
from deploy.local.postgres import DATABASE, cluster_of
from shared.runtime import access
from shared.runtime.postgres import Connection, connect

Answer = TypeVar("Answer")


def as_admin(layout: Layout, work: Callable[[Connection], Awaitable[Answer]]) -> Answer:
    """`work` on a connection of the administrator to the system's database. Raises LaunchError."""
    control.require_running(layout)
    cluster = cluster_of(layout, load_secrets(layout).admin)

    async def run() -> Answer:
        url = cluster.url("postgres", cluster.password, DATABASE)
        connection = await connect(url, application="run")
        try:
            return await work(connection)
        finally:
            await connection.close()

    try:
        return asyncio.run(run())
    except (access.PublisherError, access.SealError) as error:
        raise LaunchError(f"{error}.") from error
    except (OSError, asyncpg.PostgresError) as error:
        raise LaunchError(
            f"The database cannot be used: {error}. See {layout.logs / 'postgres.log'}."
        ) from error
