"""Boards that are kept current: no question to another service holds up a table that needs no answer."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.report import boards
from services.report.boards import Board
from services.report.hub import Hub
from services.report.upstream import Upstream, UpstreamError
from services.report.view import View
from services.report.windows import BoardKey

pytestmark = pytest.mark.anyio

NOW = datetime(2024, 5, 2, 3, tzinfo=UTC)
WHOLE = BoardKey("2024-Q1")
CUT_OFF = BoardKey("2024-Q1", date(2024, 3, 22))
AGENCIES = [{"agency": "so-y-te", "name": "Sở Y tế", "group": "departments"}]


def score(points: float, revision: int) -> dict[str, Any]:
    module = {"points": points, "max": 60, "criteria": []}
    return {"agency": "so-y-te", "period": "2024-Q1", "revision": revision, "complete": True,
            "total": {"points": points, "max": 60}, "modules": {"content": module}}  # fmt: skip


class Scoring:
    """The scoring service, as slow or unwilling as a test wants it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.counts = {"so-y-te": {"content.items": 3}}
        self.before: Any = UpstreamError("scoring", 400, "there is no such year")
        self.states = {"scoring": SimpleNamespace(reachable=True)}

    async def get(
        self, service: str, where: str, params: Mapping[str, Any] | None = None, *, fresh_s: float = 0.0
    ) -> Any:
        window = " ".join((params or {}).values())
        self.asked.append(f"{where} {window}".strip())
        if where == "/v1/agencies":
            return {"agencies": AGENCIES}
        if where == "/v1/indicators":
            return {"agencies": self.counts}
        if window.startswith("2023-"):
            await self.answers.wait()
            if isinstance(self.before, UpstreamError):
                raise self.before
            return {"scores": [self.before]}
        return await asyncio.Event().wait()


def board_on(scoring: Scoring) -> tuple[Board, View]:
    view = View()
    view.scores["2024-Q1"] = {"so-y-te": score(10, 1)}
    return Board(WHOLE, view, cast(Upstream, scoring)), view


async def test_a_year_that_nobody_knows_is_asked_for_once() -> None:
    scoring = Scoring()
    board, view = board_on(scoring)
    for revision in range(2, 6):
        assert await board.refresh(AGENCIES, NOW.date())
        view.scores["2024-Q1"] = {"so-y-te": score(10 + revision, revision)}
    assert len(scoring.asked) == 1
    assert board.rows["so-y-te"]["delta"] is None


async def test_points_for_a_year_that_nobody_recorded_are_nothing_to_compare_with() -> None:
    scoring = Scoring()
    scoring.before = score(40, 1)
    scoring.counts = {"so-y-te": {}}
    board, view = board_on(scoring)
    await board.refresh(AGENCIES, NOW.date())
    assert board.rows["so-y-te"]["delta"] is None
    view.scores["2023-Q1"] = {"so-y-te": score(40, 1)}
    await board.refresh(AGENCIES, NOW.date())
    assert board.rows["so-y-te"]["delta"] is None


async def test_the_year_before_is_renewed_while_the_table_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    scoring = Scoring()
    scoring.before = score(8, 1)
    board, view = board_on(scoring)
    await board.refresh(AGENCIES, NOW.date())
    assert board.rows["so-y-te"]["delta"] == 2
    monkeypatch.setattr(boards, "EARLIER_FRESH_SECONDS", 0.0)
    scoring.answers.clear()
    scoring.before = score(7, 2)
    view.scores["2024-Q1"] = {"so-y-te": score(11, 2)}
    assert await board.refresh(AGENCIES, NOW.date())
    assert board.rows["so-y-te"]["delta"] == 3
    scoring.answers.set()
    assert board._asking_before is not None
    await board._asking_before
    assert board.dirty
    await board.refresh(AGENCIES, NOW.date())
    assert board.rows["so-y-te"]["delta"] == 4


async def test_a_board_that_waits_for_its_answer_holds_up_no_other() -> None:
    view = View()
    bus = SimpleNamespace(caught_up=True, reachable=True, behind=0)
    hub = Hub(view, cast(Upstream, Scoring()), bus, lambda: NOW)
    sent: asyncio.Queue[str] = asyncio.Queue()
    view.scores["2024-Q1"] = {"so-y-te": score(10, 1)}
    running = asyncio.create_task(hub.run())
    following = asyncio.create_task(hub.follow(WHOLE, sent.put))
    hub.board(CUT_OFF)
    try:
        async with asyncio.timeout(20):
            while '"t":"all"' not in await sent.get():
                pass
            view.scores["2024-Q1"] = {"so-y-te": score(12, 2)}
            view.touched.scores.add(("2024-Q1", "so-y-te"))
            view.on_touch()
            while '"revision":2' not in await sent.get():
                pass
    finally:
        for task in (running, following):
            task.cancel()
        await asyncio.gather(running, following, return_exceptions=True)
