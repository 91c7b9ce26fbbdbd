"""Compares the independent count with the scoring service: every indicator of every agency, over windows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from deploy.replay.compare import Difference, differences
from deploy.replay.observed import QUARTER, YEAR_BEFORE, Days, ScoringClient
from deploy.replay.oracle import Oracle

RANDOM_WINDOWS = 3
MAX_TOLD = 20


@dataclass(frozen=True, slots=True)
class Verification:
    """The windows compared, how many numbers were held against each other, and where they differ."""

    windows: tuple[Days, ...]
    compared: int
    found: tuple[tuple[Days, Difference], ...]

    def document(self) -> dict[str, Any]:
        """As JSON, with the first differences in full."""
        return {
            "windows": [[first.isoformat(), last.isoformat()] for first, last in self.windows],
            "compared": self.compared,
            "differences": len(self.found),
            "first": [
                {
                    "from": days[0].isoformat(),
                    "to": days[1].isoformat(),
                    "agency": one.agency,
                    "indicator": one.indicator,
                    "expected": one.expected,
                    "found": one.found,
                }
                for days, one in self.found[:MAX_TOLD]
            ],
        }


def windows(seed: int) -> tuple[Days, ...]:
    """The report's two windows, the whole quarter, and a few that the seed chooses."""
    chance = Random(seed)
    some = []
    for _ in range(RANDOM_WINDOWS):
        first = date(2022, 12, 1) + timedelta(days=chance.randrange(440))
        some.append((first, first + timedelta(days=chance.randrange(120))))
    return (QUARTER, YEAR_BEFORE, (date(2024, 1, 1), date(2024, 3, 31)), *some)


def verify(
    oracle: Oracle,
    client: ScoringClient,
    chosen: tuple[Days, ...],
    now: Callable[[], datetime],
    progress: Callable[[str, int, int], None],
) -> Verification:
    """Compare over each window. Raises ReplayError when the service cannot be read."""
    found: list[tuple[Days, Difference]] = []
    compared = 0
    for number, days in enumerate(chosen):
        progress("compare", number, len(chosen))
        expected = oracle.count(*days, now())
        theirs = client.indicators(days)
        compared += sum(len(counts) for counts in expected.values())
        found += [(days, difference) for difference in differences(expected, theirs)]
    progress("compare", len(chosen), len(chosen))
    return Verification(chosen, compared, tuple(found))
