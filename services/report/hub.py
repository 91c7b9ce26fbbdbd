"""The one live stream behind all open dashboards.

What moves on the bus is gathered for a quarter of a second, worked out once per board, encoded once, and
handed to every browser as the same text. So two hundred open dashboards cost two hundred small writes, and
fifty changes a second cost four of them.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from services.report.boards import Board, encode
from services.report.upstream import Upstream, UpstreamError, listed, path
from services.report.view import Touched, View
from services.report.windows import BoardKey
from shared.calendar.local import local_day
from shared.runtime import logs

GATHER_SECONDS = 0.25
BEAT_SECONDS = 2.0
IDLE_BOARD_SECONDS = 120.0
MAX_BOARDS = 24
MAX_CONNECTIONS = 1_000
AGENCIES_SECONDS = 60.0
SEND_SECONDS = 20.0

log = logs.get(__name__)


class BusState(Protocol):
    """What the hub tells about the bus."""

    caught_up: bool
    reachable: bool

    @property
    def behind(self) -> int: ...


@dataclass(eq=False, slots=True)
class Follower:
    """One open browser page: which board it follows and how far it is."""

    board: Board | None
    version: int = 0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    beat: int = 0


@dataclass(eq=False, slots=True)
class Listener:
    """A page that is drawn on the server and wants to know what moved (at most once a second)."""

    call: Callable[[Touched], None]


class Hub:
    """Boards by key, followers by board, and the task that keeps them current."""

    def __init__(self, view: View, upstream: Upstream, bus: BusState, clock: Callable[[], datetime]) -> None:
        self._view = view
        self._upstream = upstream
        self._bus = bus
        self._clock = clock
        self._boards: dict[BoardKey, Board] = {}
        self._refreshing: set[Board] = set()
        self._moved = asyncio.Event()
        self._beat_text = ""
        self._beat_number = 0
        self._agencies_at = float("-inf")
        self.agencies: dict[str, dict[str, Any]] = {}
        self.followers: set[Follower] = set()
        self.listeners: set[Listener] = set()
        self.frames_sent = 0
        self.moved = 0
        """How often something moved: equal numbers, nothing new to draw."""
        view.on_touch = self._moved.set

    # ------------------------------------------------------------------ for pages and sockets

    def board(self, key: BoardKey) -> Board:
        """The board of `key`, made at the first question for it."""
        board = self._boards.get(key)
        if board is None:
            if len(self._boards) >= MAX_BOARDS:
                self._drop_idle(at_least_one=True)
            board = self._boards[key] = Board(key, self._view, self._upstream)
            self._moved.set()
        board.wanted_at = time.monotonic()
        return board

    async def follow(self, key: BoardKey | None, send: Callable[[str], Any]) -> None:
        """Send frames to one browser until `send` fails or the task is cancelled."""
        follower = Follower(self.board(key) if key else None)
        self.followers.add(follower)
        follower.wake.set()
        try:
            while True:
                await follower.wake.wait()
                follower.wake.clear()
                for text in self._due(follower):
                    async with asyncio.timeout(SEND_SECONDS):
                        await send(text)
                    self.frames_sent += 1
        finally:
            self.followers.discard(follower)

    def _due(self, follower: Follower) -> list[str]:
        due: list[str] = []
        board = follower.board
        if board is not None:
            board.wanted_at = time.monotonic()
            if board.version:
                follower.version, due = board.frames_since(follower.version)
        if follower.beat != self._beat_number:
            follower.beat = self._beat_number
            due.append(self._beat_text)
        return due

    # ------------------------------------------------------------------ the task

    async def run(self) -> None:
        """Keep boards and agencies current until cancelled. A fault in one of the tasks ends them all."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_current(group))
            group.create_task(self._keep_figures())
            group.create_task(self._keep_beating())

    async def _keep_current(self, group: asyncio.TaskGroup) -> None:
        while True:
            waiting = any(board.dirty for board in self._boards.values())
            try:
                async with asyncio.timeout(1.0 if waiting else 5.0):
                    await self._moved.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(GATHER_SECONDS)
            self._moved.clear()
            touched = self._view.take_touched()
            self._mark(touched)
            try:
                if not self.agencies:
                    await self._load_agencies()
                self._refresh(group)
            except UpstreamError as error:
                log.info("boards wait", service=error.service, problem=error.detail)
            if touched:
                self.moved += 1
                for listener in tuple(self.listeners):
                    listener.call(touched)
            self._drop_idle()

    def _mark(self, touched: Touched) -> None:
        periods = {period for period, _ in touched.scores}
        for board in self._boards.values():
            if board.key.period in periods or (touched.facts and board.key.cut_off):
                board.dirty = True
            if board.key.period in periods or touched.facts:
                board.figures_dirty = True

    async def _load_agencies(self) -> None:
        # Those that ended too: earlier periods hold their scores, and what they left open still waits.
        answer = await self._upstream.get("scoring", path("agencies"), {"ended": "true"})
        self.agencies = {one["agency"]: one for one in listed("scoring", answer, "agencies")}
        self._agencies_at = time.monotonic()
        for board in self._boards.values():
            board.dirty = True

    def _refresh(self, group: asyncio.TaskGroup) -> None:
        """Each board by itself: one that waits for an answer (it has a cut-off, say) holds up no other."""
        for board in self._boards.values():
            if board.dirty and board not in self._refreshing:
                self._refreshing.add(board)
                group.create_task(self._refresh_one(board))

    async def _refresh_one(self, board: Board) -> None:
        try:
            if await board.refresh(list(self.agencies.values()), local_day(self._clock())):
                self._wake(board)
        finally:
            self._refreshing.discard(board)

    async def _keep_figures(self) -> None:
        """Opening figures and trends come by many questions; they must not hold up the tables."""
        while True:
            await asyncio.sleep(1.0)
            if self.agencies and time.monotonic() - self._agencies_at >= AGENCIES_SECONDS:
                with contextlib.suppress(UpstreamError):
                    await self._load_agencies()
            today = local_day(self._clock())
            for board in list(self._boards.values()):
                if board.figures_dirty and await board.refresh_figures(list(self.agencies.values()), today):
                    self._wake(board)

    def _wake(self, board: Board) -> None:
        for follower in self.followers:
            if follower.board is board:
                follower.wake.set()

    async def _keep_beating(self) -> None:
        """A beat every two seconds tells each browser that silence means nothing moved."""
        while True:
            scoring = self._upstream.states["scoring"]
            bus = "away" if not self._bus.reachable else "live" if self._bus.caught_up else "loading"
            self._beat_text = encode({
                "t": "beat", "at": self._clock(), "bus": bus, "behind": self._bus.behind,
                "scoring": scoring.reachable, "watching": len(self.followers),
            })  # fmt: skip
            self._beat_number += 1
            for follower in self.followers:
                follower.wake.set()
            await asyncio.sleep(BEAT_SECONDS)

    def _drop_idle(self, *, at_least_one: bool = False) -> None:
        followed = {follower.board for follower in self.followers}
        idle = [board for board in self._boards.values() if board not in followed]
        limit = time.monotonic() - IDLE_BOARD_SECONDS
        gone = [board for board in idle if board.wanted_at < limit]
        if at_least_one and not gone and idle:
            gone = [min(idle, key=lambda board: board.wanted_at)]
        for board in gone:
            del self._boards[board.key]
