"""The crowd of dashboards in a process of its own that gives way to everything measured.

Two hundred officers' browsers run on two hundred machines. Here their clients share the processors with the
services, so they only get what the services leave over, and what they take is told apart.
"""

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import psutil

from bench.crowd import OpenDashboard, close_all, open_all
from shared.runtime.priority import LAST, give_way

Page = tuple[str, str]
"""Address of a page, and the board whose frames it follows (empty: only the beat)."""

Seen = list[tuple[float, str, int]]
"""When a dashboard was sent which revision of which agency."""


class Crowd:
    """Open dashboards, as the measuring process sees them. Every answer is waited for."""

    def __init__(self, pipe: Connection, process: psutil.Process) -> None:
        self._pipe = pipe
        self.process = process

    async def open(self, pages: Sequence[Page]) -> float:
        """Open pages beside those that are open. Seconds that took."""
        return float(await self._ask("open", list(pages)))

    async def close(self, number: int) -> None:
        """Close the `number` pages that were opened first."""
        await self._ask("close", number)

    async def seen(self) -> list[Seen]:
        """What each page that follows a board was sent since the last time this was asked."""
        found: list[Seen] = await self._ask("seen", None)
        return found

    async def lost(self) -> int:
        """How many of the open pages lost a connection."""
        return int(await self._ask("lost", None))

    async def _ask(self, what: str, argument: object) -> Any:
        self._pipe.send((what, argument))
        kind, answer = await asyncio.to_thread(self._pipe.recv)
        if kind == "fault":
            raise RuntimeError(f"the crowd of dashboards: {answer}")
        return answer


@contextmanager
def crowd() -> Iterator[Crowd]:
    """An empty crowd; its pages are closed at the end."""
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=_live, args=(theirs,), daemon=True)
    child.start()
    theirs.close()
    assert child.pid is not None
    try:
        yield Crowd(ours, psutil.Process(child.pid))
    finally:
        ours.close()
        child.join(20)
        child.kill()


def _live(pipe: Connection) -> None:
    os.setsid()
    give_way(LAST)
    asyncio.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    pages: list[OpenDashboard] = []

    async def add(asked: list[Page]) -> float:
        fresh = [OpenDashboard(address, board) for address, board in asked]
        took = await open_all(fresh)
        pages.extend(fresh)
        return took

    async def close(number: int) -> None:
        await close_all(pages[:number])
        del pages[:number]

    async def seen(_nothing: None) -> list[Seen]:
        found = [
            [(at, row.agency, row.revision) for at, rows in one.frames for row in rows]
            for one in pages
            if one.board
        ]
        for one in pages:
            one.frames.clear()
        return found

    async def lost(_nothing: None) -> int:
        return sum(one.lost for one in pages)

    orders: dict[str, Callable[[Any], Coroutine[Any, Any, Any]]] = {
        "open": add, "close": close, "seen": seen, "lost": lost,
    }  # fmt: skip
    while True:
        try:
            what, argument = await asyncio.to_thread(pipe.recv)
        except EOFError:
            break
        try:
            pipe.send(("done", await orders[what](argument)))
        except Exception as error:
            pipe.send(("fault", repr(error)))
    await close_all(pages)
