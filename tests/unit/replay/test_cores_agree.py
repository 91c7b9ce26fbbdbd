"""The services' cores, fed the generated facts, give what the independent count says, agency by agency."""

from datetime import date, timedelta
from random import Random

import pytest

from deploy.replay.compare import differences
from deploy.replay.generate import Message
from deploy.replay.oracle import Oracle, gather
from services.scoring.indicators import span_of
from shared.calendar.periods import Window
from shared.register import shipped_register
from tests.unit.replay.core import NOW, Tally, count, days, fold_all

DOSSIERS_OF = (b"000.00.46.", b"000.00.20.", b"000.00.40.", b"000.00.27.")
"""The dossiers of four agencies stand for all: folding every one would take most of a minute."""


@pytest.fixture(scope="module")
def chosen(messages: list[Message]) -> list[Message]:
    return [m for m in messages if m.module != "dossier" or any(c in bytes(m.event) for c in DOSSIERS_OF)]


@pytest.fixture(scope="module")
def tally(chosen: list[Message]) -> Tally:
    return fold_all(chosen)


@pytest.fixture(scope="module")
def counted(chosen: list[Message]) -> Oracle:
    return gather(chosen, shipped_register())


def _some_windows() -> list[tuple[date, date]]:
    chance = Random(7)
    start = date(2022, 12, 1)
    windows = []
    for _ in range(4):
        first = start + timedelta(days=chance.randrange(450))
        windows.append((first, first + timedelta(days=chance.randrange(1, 120))))
    return windows


WINDOWS = [
    days("2024-01-01", "2024-03-22"),
    days("2023-01-01", "2023-03-22"),
    days("2024-01-01", "2024-03-31"),
    days("2015-01-01", "2024-03-22"),
    days("2024-02-10", "2024-02-10"),
    *_some_windows(),
]


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_every_indicator_of_every_agency(tally: Tally, counted: Oracle, window: tuple[date, date]) -> None:
    expected = counted.count(*window, NOW)
    found = count(tally, span_of(Window(*window)))
    assert differences(expected, found) == []
