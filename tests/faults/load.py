"""The load and the harm keep pace: a fault spreads what it does over all facts, however many there are."""

import asyncio
from collections.abc import AsyncIterator


class Load:
    """How much of the load may be sent. A fault lets it go on, part by part; the senders wait for that."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self._allowed = 0.0
        self._more = asyncio.Event()

    def let_go(self, share: float = 1.0) -> None:
        """Let the senders go on until this share of their facts is sent."""
        self._allowed = max(self._allowed, share)
        self._more.set()
        self._more = asyncio.Event()

    async def reach(self, share: float) -> None:
        """Wait until this share of the facts may be sent. A sender asks before each piece."""
        while share >= self._allowed and self._allowed < 1.0:
            await self._more.wait()

    async def rounds(self, count: int, *, to_the_end: bool = False) -> AsyncIterator[int]:
        """`count` rounds of harm, each with its equal part of the load; `to_the_end`: more while it lasts."""
        for number in range(count):
            self.let_go((number + 1) / count)
            yield number
        self.let_go()
        while to_the_end and not self.over.is_set():
            yield count
            count += 1
