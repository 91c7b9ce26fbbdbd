"""The services' cores, fed the generated facts, give what the independent count says, agency by agency."""

from datetime import date, timedelta
from random import Random

import pytest

from deploy.replay.compare import differences
from deploy.replay.generate import Message
from deploy.replay.oracle import Oracle
from services.scoring.indicators import span_of
from shared.calendar.periods import Window
from tests.unit.replay.core import NOW, Tally, count, days, fold_all


@pytest.fixture(scope="module")
def tally(messages: list[Message]) -> Tally:
    return fold_all(messages)


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
def test_every_indicator_of_every_agency(tally: Tally, oracle: Oracle, window: tuple[date, date]) -> None:
    expected = oracle.count(*window, NOW)
    found = count(tally, span_of(Window(*window)))
    assert differences(expected, found) == []
