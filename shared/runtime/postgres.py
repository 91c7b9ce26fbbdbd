"""PostgreSQL: the pool of a service, and which faults pass by themselves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg
import stamina
from asyncpg import Connection, Pool, Record

from shared.runtime import logs

__all__ = [
    "BY_INDEX",
    "PASSING_FAULTS",
    "Connection",
    "Pool",
    "Record",
    "connect",
    "open_pool",
    "persistently",
    "retrying",
]

Result = TypeVar("Result")

PASSING_FAULTS: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.InterfaceError,
    # A session that the server has just ended ("terminating connection"), used before its end was noticed.
    asyncpg.InternalClientError,
    ConnectionError,
    TimeoutError,
    OSError,
)
"""A lost connection, a server that starts or stops, a full disk, a lock that another holds: trying again may
help."""

RETRY_SECONDS = 120.0
"""How long passing faults are retried before the process ends and its supervisor takes over."""

BY_INDEX = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}
"""Settings for sessions whose statements all join a batch to rows by key. Statistics lag behind a table that
grows quickly, and a plan made for an empty table would read the whole of it for every batch."""

_SERVER_SETTINGS = {
    # A replica that is stopped in the middle of a transaction must not hold its row locks for ever.
    "idle_in_transaction_session_timeout": "15000",
    "lock_timeout": "30000",
    "statement_timeout": "120000",
    # A client whose machine or network is gone says nothing any more, no goodbye, and the timeouts above
    # do not run while the server waits for the rest of a message: probes find it out within half a minute.
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30000",
    # Batches reach their rows by index; compiling such short plans costs more than it saves.
    "jit": "off",
}

log = logs.get(__name__)


def retrying(*, seconds: float = RETRY_SECONDS) -> AsyncIterator[stamina.Attempt]:
    """Attempts with exponential backoff and jitter for `seconds`, only for passing faults.

    Use: `async for attempt in retrying(): with attempt: ...`. The last fault is raised.
    """
    context = stamina.retry_context(
        on=PASSING_FAULTS, attempts=None, timeout=seconds, wait_initial=0.05, wait_max=5.0, wait_jitter=0.2
    )
    return aiter(context)


def _unnoticed() -> None:
    return


async def persistently(
    work: Callable[[], Awaitable[Result]],
    *,
    seconds: float = RETRY_SECONDS,
    each_try: Callable[[], None] = _unnoticed,
) -> Result:
    """`await work()`, again while a passing fault stands in the way. `work` must be safe to repeat.

    `each_try` is called before every try: a loop touches its beat there, so that waiting for the database is
    not taken for standing still.
    """
    async for attempt in retrying(seconds=seconds):
        with attempt:
            each_try()
            return await work()
    raise AssertionError("retrying ends with a result or a fault")


class _PlainConnection(Connection):  # type: ignore[misc]
    """A pooled connection without session state to reset; saves a round trip per use. An open transaction
    is still rolled back on release."""

    def get_reset_query(self) -> str:
        return ""


async def connect(url: str, *, application: str, **settings: str) -> Connection:
    """One connection outside the pool, for a session lock or LISTEN. `settings` are server settings."""
    return await asyncpg.connect(
        url, server_settings={**_SERVER_SETTINGS, "application_name": application, **settings}, timeout=10
    )


@asynccontextmanager
async def open_pool(
    url: str,
    *,
    application: str,
    size: int,
    wait_seconds: float = 60.0,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Pool]:
    """The pool of a service; waits `wait_seconds` for a server that is still starting.

    `settings` are server settings of its sessions, beside those that every service has.

    Closing it waits 5 s for work in progress, then cuts the connections.
    """

    async def create() -> Pool:
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=size,
            max_inactive_connection_lifetime=300,
            timeout=10,
            connection_class=_PlainConnection,
            server_settings={**_SERVER_SETTINGS, "application_name": application, **(settings or {})},
        )

    pool = await persistently(create, seconds=wait_seconds)
    try:
        yield pool
    finally:
        try:
            async with asyncio.timeout(5):
                await pool.close()
        except PASSING_FAULTS:
            pool.terminate()
