"""One board: the league table of a period and cut-off, kept current and given out as small differences.

A board is worked out once for everybody who looks at it. Each change of it becomes one encoded frame; a
browser that follows gets the frames since the version it has, and one that fell behind gets the whole.
"""

import asyncio
import time
from collections import deque
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import msgspec

from services.report import figures, league
from services.report.naming import named_on
from services.report.upstream import Upstream, UpstreamError, listed, path
from services.report.view import View
from services.report.windows import BoardKey, weeks, window_before
from shared.calendar.periods import Window, parse_period
from shared.runtime import logs

PROVINCE = "province"
"""The group of the province's own portal, which is no component portal."""
FRAMES_KEPT = 64
RECENT_SHOWN = 12
WINDOW_SECONDS = 1.0
"""A board with a cut-off asks the scoring service at most this often, however much arrives."""
FIGURES_SECONDS = 5.0
TREND_SECONDS = 120.0
TREND_REST_SECONDS = 1.0
"""Between two weeks, when the trend is renewed: so many questions in a row would hold up scoring itself."""
EARLIER_FRESH_SECONDS = 900.0

log = logs.get(__name__)


def encode(frame: dict[str, Any]) -> str:
    """A frame as it goes to every browser."""
    return msgspec.json.encode(frame).decode()


class Board:
    """The table of one period and cut-off. Only the hub's one task changes it."""

    def __init__(self, key: BoardKey, view: View, upstream: Upstream) -> None:
        self.key = key
        self._view = view
        self._upstream = upstream
        self.version = 0
        self.rows: dict[str, league.Row] = {}
        self.state = "loading"
        self.note = ""
        self.dirty = True
        self.figures_dirty = True
        self.figures: dict[str, Any] = {}
        self.trend: dict[str, Any] = {}
        self.before: dict[str, Any] = {}
        self._before_window: Window | None = None
        self._before_at = float("-inf")
        self._asking_before: asyncio.Task[None] | None = None
        self.wanted_at = time.monotonic()
        self._asked_at = float("-inf")
        self._figures_at = float("-inf")
        self._trend_at = float("-inf")
        self._frames: deque[tuple[int, str]] = deque(maxlen=FRAMES_KEPT)
        self._whole: tuple[int, str] | None = None

    # ------------------------------------------------------------------ giving out

    def frames_since(self, version: int) -> tuple[int, list[str]]:
        """What brings a reader from `version` to now: differences, or the whole when it is too far back."""
        if version == self.version:
            return version, []
        oldest = self._frames[0][0] if self._frames else self.version + 1
        if version == 0 or version < oldest - 1:
            return self.version, [self.whole()]
        return self.version, [text for number, text in self._frames if number > version]

    def whole(self) -> str:
        """The whole board as one frame, encoded once per version."""
        if self._whole is None or self._whole[0] != self.version:
            window = self.key.window
            self._whole = (self.version, encode({
                "t": "all", "v": self.version, "state": self.state, "note": self.note,
                "period": self.key.period, "from": window.first, "to": window.last,
                "rows": list(self.rows.values()), "distribution": self.distribution(),
                "figures": self.figures, "trend": self.trend, "recent": self._recent(),
            }))  # fmt: skip
        return self._whole[1]

    def distribution(self) -> dict[str, dict[str, int]]:
        return league.distribution(list(self.rows.values()))

    def _recent(self) -> list[dict[str, Any]]:
        """The latest changes of the period that moved points, newest first, in few words."""
        found = []
        for change in self._view.recent.get(self.key.period, ())[: -RECENT_SHOWN - 1 : -1]:
            before = change["before"]["points"] if change["before"] else 0
            modules = dict.fromkeys(move["module"] for move in change["moved"])
            found.append({
                "agency": change["agency"], "at": change["at"], "modules": list(modules),
                "delta": round(change["after"]["points"] - before, 2),
            })  # fmt: skip
        return found

    def _emit(self, frame: dict[str, Any]) -> None:
        self.version += 1
        self._frames.append((self.version, encode({**frame, "v": self.version})))

    # ------------------------------------------------------------------ keeping current

    async def refresh(self, agencies: list[dict[str, Any]], today: date) -> bool:
        """Bring the table up to date. True when something changed. Faults become the board's state."""
        # Cleared before reading: what moves while an answer is on its way marks the board again.
        self.dirty = False
        try:
            scores = await self._scores()
            if scores is None:
                self.dirty = True
                return False
            self.before = await self._before(today)
        except UpstreamError as error:
            self.dirty = True
            return self._show("stale" if self.rows else "error", error.detail)
        named = [named_on(agency, self.key.window.last) for agency in agencies]
        return self._take(league.rows(named, scores, self.before))

    def _take(self, table: list[league.Row]) -> bool:
        moved, gone = league.changed(self.rows, table)
        state = "ready" if table else "empty"
        if not moved and not gone:
            return self._show(state, "")
        self.rows = {row["agency"]: row for row in table}
        self.state, self.note = state, ""
        self._emit({
            "t": "delta", "state": state, "rows": moved, "gone": gone, "distribution": self.distribution(),
            "recent": self._recent(),
        })  # fmt: skip
        return True

    def _show(self, state: str, note: str) -> bool:
        if (self.state, self.note) == (state, note):
            return False
        self.state, self.note = state, note
        self._emit({"t": "state", "state": state, "note": note})
        return True

    async def _scores(self) -> dict[str, Any] | None:
        """Agency → score. The whole period comes from the topic; a cut-off is asked for, None: not yet."""
        if self.key.cut_off is None and self.key.period in self._view.scores:
            return self._view.scores[self.key.period]
        if time.monotonic() - self._asked_at < WINDOW_SECONDS:
            return None
        self._asked_at = time.monotonic()
        answer = await self._upstream.get("scoring", path("scores"), self.key.query())
        return {score["agency"]: score for score in listed("scoring", answer, "scores")}

    async def _before(self, today: date) -> dict[str, Any]:
        window = window_before(self.key, today)
        earlier = parse_period(self.key.period).year_before
        if window == earlier.window and earlier.name in self._view.scores:
            return self._view.scores[earlier.name] if self._view.recorded(earlier.name) else {}
        if self._before_window != window:
            found = await self._ask_before(window)
            self._before_window, self._before_at = window, time.monotonic()
            return found
        if time.monotonic() - self._before_at >= EARLIER_FRESH_SECONDS:
            # Asked again beside: an earlier year hardly moves, and the table must not wait for it.
            self._before_at = time.monotonic()
            self._asking_before = asyncio.create_task(self._renew_before(window))
        return self.before

    async def _ask_before(self, window: Window) -> dict[str, Any]:
        try:
            answer = await self._upstream.get(
                "scoring", path("scores"), _days(window), fresh_s=EARLIER_FRESH_SECONDS
            )
        except UpstreamError as error:
            if error.away:
                raise
            return {}  # Nothing is known of that year; the column stays empty.
        if not figures.recorded(await self._indicators(window, EARLIER_FRESH_SECONDS)):
            return {}  # Nobody recorded that time: points for nothing are nothing to compare with.
        return {score["agency"]: score for score in listed("scoring", answer, "scores")}

    async def _renew_before(self, window: Window) -> None:
        try:
            self.before = await self._ask_before(window)
            self.dirty = True
        except UpstreamError as error:
            log.info("the year before is not renewed", problem=error.detail, period=self.key.period)

    # ------------------------------------------------------------------ figures and trend

    async def refresh_figures(self, agencies: Collection[dict[str, Any]], today: date) -> bool:
        """The opening figures (every few seconds at most) and the trend (every few minutes)."""
        now = time.monotonic()
        if now - self._figures_at < FIGURES_SECONDS:
            return False
        self._figures_at = now
        self.figures_dirty = False
        try:
            found = await self._headline(agencies, today)
            if now - self._trend_at >= TREND_SECONDS:
                self._trend_at = now
                trend = await self._trend(today)
            else:
                trend = self.trend
        except UpstreamError as error:
            self.figures_dirty = True
            log.info("figures not available", problem=error.detail, period=self.key.period)
            return False
        if found == self.figures and trend == self.trend:
            return False
        self.figures, self.trend = found, trend
        self._emit({"t": "figures", "figures": found, "trend": trend})
        return True

    async def _headline(self, agencies: Collection[dict[str, Any]], today: date) -> dict[str, Any]:
        now = await self._indicators(self.key.window, 0)
        before = await self._indicators(window_before(self.key, today), EARLIER_FRESH_SECONDS)
        reports = sum(1 for _, period in self._view.reports if period == self.key.period)
        window = self.key.window
        components = {one["agency"] for one in agencies if one["group"] != PROVINCE and existed(one, window)}
        provincial = {one["agency"] for one in agencies if one["group"] == PROVINCE}
        return figures.headline(now, before, components, provincial, reports)

    async def _trend(self, today: date) -> dict[str, Any]:
        steps = weeks(self.key.window, today)
        earlier = weeks(window_before(self.key, today), today)
        found: dict[str, Any] = {"weeks": [step.last for step in steps]}
        now = []
        for step in steps:
            now.append(await self._indicators(step, TREND_SECONDS))
            if self.trend:
                await asyncio.sleep(TREND_REST_SECONDS)
        before = [await self._indicators(step, EARLIER_FRESH_SECONDS) for step in earlier[: len(steps)]]
        for name, indicators in figures.TREND.items():
            found[name] = [figures.total(counts, *indicators) for counts in now]
            found[f"{name}_before"] = [figures.total(counts, *indicators) for counts in before]
        return found

    async def _indicators(self, window: Window, fresh_s: float) -> figures.Indicators:
        answer = await self._upstream.get("scoring", path("indicators"), _days(window), fresh_s=fresh_s)
        await asyncio.sleep(0)
        found: figures.Indicators = listed("scoring", answer, "agencies")
        return found


def existed(agency: Mapping[str, Any], window: Window) -> bool:
    """Whether an agency of the register was there on a day of the window."""
    opened, closed = agency.get("opened"), agency.get("closed")
    return (not opened or date.fromisoformat(opened) <= window.last) and (
        not closed or date.fromisoformat(closed) >= window.first
    )


def _days(window: Window) -> dict[str, str]:
    return {"from": window.first.isoformat(), "to": window.last.isoformat()}
