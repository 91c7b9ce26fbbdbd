"""Showing how far long work is: bars with rate and time left on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_LINE_SECONDS = 5.0

Clock = Callable[[], float]


@dataclass(slots=True)
class Stage:
    """One stage of the work: what was done when it was first and last heard of."""

    name: str
    begun: float
    first: int
    done: int
    total: int

    def heard(self, now: float, done: int, total: int) -> None:
        self.done, self.total = done, max(total, done)
        if done < self.first:
            # Work that is counted down, or begun again, is measured from here.
            self.begun, self.first = now, done

    def rate(self, now: float) -> float:
        """Done per second since the stage began; 0 when nothing can be said yet."""
        seconds = now - self.begun
        return (self.done - self.first) / seconds if seconds > 0.2 else 0.0

    def seconds_left(self, now: float) -> float | None:
        """How long the rest takes at the rate so far."""
        rate = self.rate(now)
        return (self.total - self.done) / rate if rate > 0 else None

    def line(self, now: float) -> str:
        """`send 120,000 of 261,427 (45%), 8,200/s, 17 s left`."""
        if self.total <= 1:
            return self.name
        told = f"{self.name} {self.done:,} of {self.total:,} ({100 * self.done // self.total}%)"
        rate, left = self.rate(now), self.seconds_left(now)
        if rate > 0:
            told += f", {rate:,.0f}/s" if rate >= 10 else f", {rate:.1f}/s"
        if left is not None and self.done < self.total:
            told += f", {left:.0f} s left"
        return told


class Stages:
    """Call it with (stage, done, total) as the work goes on; it shows one line or bar per stage."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._stage: Stage | None = None
        self._told_at = -1.0
        self._task = TaskID(0)
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, name: str, done: int, total: int) -> None:
        now = self._clock()
        stage = self._stage
        if stage is None or stage.name != name:
            if stage is not None:
                self._bars.update(self._task, completed=1, total=1)
            stage = self._stage = Stage(name, now, done, done, max(total, done))
            self._task = self._bars.add_task(name, total=None)
            self._told_at = -1.0
        stage.heard(now, done, total)
        known = stage.total if stage.total > 1 else None
        self._bars.update(self._task, description=stage.line(now), completed=stage.done, total=known)
        # Work that cannot say how far it is has one line, at its beginning.
        again = total > 1 and (now - self._told_at > _LINE_SECONDS or done == total)
        if not self._console.is_terminal and (self._told_at < 0 or again):
            self._told_at = now
            self._console.print(stage.line(now), markup=False)
