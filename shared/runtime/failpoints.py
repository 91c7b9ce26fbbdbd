"""A switch for the fault harness (docs/operations/faults.md): where a process dies, a clock that steps.

Off, and free of cost, unless the environment says both BUS_FAULTS=1 and BUS_FAILPOINTS=DIRECTORY. A file of
the directory then stands for one fault:

    content.ledger.3    the process of `content` that next comes past step 3 of its ledger takes the file
                        away and ends by SIGKILL: nothing is rolled back, flushed or told
    content.clock       the seconds in it are added to what the clock of `content` says, while it is there

The steps are numbered where they are taken: shared/runtime/ledger/store.py (ledger), shared/runtime/relay.py
(relay), services/scoring/fold.py and scorer.py (fold, score).
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from shared.runtime import logs
from shared.runtime.clock import Clock

AfterStep = Callable[[int], None]
"""Called with the number of each step that was just taken."""

log = logs.get(__name__)


def nowhere(_step: int) -> None:
    """What is called after a step while the switch is off."""


class Failpoints:
    """The faults of one service. Without a directory there are none."""

    def __init__(self, directory: Path | None, service: str) -> None:
        self._directory = directory
        self._service = service
        if directory is not None:
            log.warning("failpoints are on: this process may be killed on purpose", directory=str(directory))

    def after(self, part: str) -> AfterStep:
        """What to call after each numbered step of `part`."""
        directory = self._directory
        if directory is None:
            return nowhere

        def passed(step: int) -> None:
            try:
                # Of several processes the one that takes the file away is the one that ends.
                (directory / f"{self._service}.{part}.{step}").unlink()
            except FileNotFoundError:
                return
            os.kill(os.getpid(), signal.SIGKILL)

        return passed

    def clock(self, real: Clock) -> Clock:
        """`real`, or what it says put forward or back by the harness."""
        if self._directory is None:
            return real
        file = self._directory / f"{self._service}.clock"

        def stepped() -> datetime:
            now = real()
            with suppress(FileNotFoundError, ValueError):
                now += timedelta(seconds=float(file.read_text(encoding="ascii")))
            return now

        return stepped
