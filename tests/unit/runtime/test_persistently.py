"""Waiting for the database: which faults pass, and that a loop which waits is not one that stands still."""

import asyncpg
import pytest

from shared.runtime.life import Beat
from shared.runtime.postgres import persistently

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "fault",
    [
        asyncpg.DiskFullError("could not extend file: No space left on device"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
        ConnectionRefusedError("Connect call failed"),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_what_passes_is_tried_again_and_each_try_is_a_sign_of_life(fault: Exception) -> None:
    beat = Beat("clock", 60)
    touched: list[float] = []
    tries: list[int] = []

    def touch() -> None:
        touched.append(beat.silent_seconds())
        beat.touch()

    async def work() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise fault
        return "done"

    assert await persistently(work, each_try=touch) == "done"
    assert len(touched) == len(tries) == 3


async def test_what_does_not_pass_is_told_at_once() -> None:
    tries: list[int] = []

    async def work() -> None:
        tries.append(1)
        raise asyncpg.UniqueViolationError("duplicate key")

    with pytest.raises(asyncpg.UniqueViolationError):
        await persistently(work)
    assert len(tries) == 1
