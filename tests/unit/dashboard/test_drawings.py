"""What is drawn once for all readers, and when it is drawn again."""

import asyncio

import pytest

from services.report.drawings import FRESH_SECONDS, Drawings

pytestmark = pytest.mark.anyio


class Pencil:
    """Draws its number of drawings so far."""

    def __init__(self) -> None:
        self.drawings = 0
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def __call__(self) -> str:
        self.drawings += 1
        number = self.drawings
        await self.may_end.wait()
        return str(number)


async def test_readers_of_the_same_share_a_drawing_until_something_moves() -> None:
    known, pencil = Drawings(lambda: 0.0), Pencil()
    assert await known.drawn("list", 1, pencil) == "1"
    assert await known.drawn("list", 1, pencil) == "1"
    assert await known.drawn("other", 1, pencil) == "2"
    assert await known.drawn("list", 2, pencil) == "3"


async def test_a_drawing_serves_for_a_second_and_is_forgotten() -> None:
    now = [0.0]
    known, pencil = Drawings(lambda: now[0]), Pencil()
    await known.drawn("list", 1, pencil)
    now[0] = FRESH_SECONDS
    assert await known.drawn("other", 1, pencil) == "2"
    assert len(known) == 1
    assert await known.drawn("list", 1, pencil) == "3"


async def test_a_reader_who_leaves_takes_no_drawing_from_the_others() -> None:
    known, pencil = Drawings(lambda: 0.0), Pencil()
    pencil.may_end.clear()
    leaving = asyncio.create_task(known.drawn("list", 1, pencil))
    staying = asyncio.create_task(known.drawn("list", 1, pencil))
    await asyncio.sleep(0)
    leaving.cancel()
    pencil.may_end.set()
    assert await staying == "1"
    assert pencil.drawings == 1


async def test_a_fault_is_everybody_s_and_gone_with_the_next_move() -> None:
    known, pencil = Drawings(lambda: 0.0), Pencil()

    async def broken() -> str:
        raise ValueError("away")

    for _ in range(2):
        with pytest.raises(ValueError, match="away"):
            await known.drawn("list", 1, broken)
    assert await known.drawn("list", 2, pencil) == "1"
