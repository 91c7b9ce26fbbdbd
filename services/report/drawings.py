"""Markup drawn once for everybody who looks at the same thing.

Two hundred officers may have the same list open. What was drawn for one of them serves the others until
something moves on the bus, and for a second at most.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

FRESH_SECONDS = 1.0

Draw = Callable[[], Awaitable[str]]


class Drawings:
    """Drawings under way and just made, by what they show. `moved` counts what moved since the start."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: OrderedDict[Hashable, tuple[int, float, asyncio.Future[str]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    async def drawn(self, what: Hashable, moved: int, draw: Draw) -> str:
        """The markup of `what`. Raises what `draw` raises, to everybody who waits for it."""
        now = self._clock()
        while self._known:
            oldest = next(iter(self._known))
            if now - self._known[oldest][1] < FRESH_SECONDS:
                break
            del self._known[oldest]
        known = self._known.get(what)
        if known is None or known[0] != moved:
            # A reader who leaves does not take the drawing away from the others.
            known = (moved, now, asyncio.ensure_future(draw()))
            self._known[what] = known
            self._known.move_to_end(what)
        return await asyncio.shield(known[2])
