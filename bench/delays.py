"""How far readers are behind, from what was changed when and what they were shown when. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

Shown = tuple[float, str, int]
"""At this instant a reader was shown this revision of this agency's score."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What one reader saw of the changes."""

    seconds: Sequence[float]
    missed: int


def behind(changes: Mapping[tuple[str, int], float], shown: Iterable[Shown]) -> Behind:
    """For each change, how long after it the reader was shown its revision or a later one.

    `changes` are instants by (agency, revision). A revision that was passed over counts as shown with the
    later one that replaced it, for until then the reader looked at old numbers.
    """
    waiting: dict[str, list[tuple[int, float]]] = {}
    for (agency, revision), at in changes.items():
        waiting.setdefault(agency, []).append((revision, at))
    for revisions in waiting.values():
        revisions.sort(reverse=True)
    seconds = []
    for at, agency, revision in shown:
        left = waiting.get(agency)
        while left and left[-1][0] <= revision:
            seconds.append(at - left.pop()[1])
    return Behind(seconds, sum(map(len, waiting.values())))


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """The middle, the slowest hundredth and the worst."""
    if len(seconds) < 2:
        return {}
    ordered = sorted(seconds)
    return {
        "p50_ms": round(median(ordered) * 1000, 1),
        "p99_ms": round(quantiles(ordered, n=100)[98] * 1000, 1),
        "worst_ms": round(ordered[-1] * 1000, 1),
    }


def of_all(readers: Sequence[Behind], limit_s: float) -> dict[str, Any]:
    """All readers together, and how many of them were ever further behind than `limit_s`."""
    together = [one for reader in readers for one in reader.seconds]
    worst = sorted(max(reader.seconds, default=0.0) for reader in readers)
    return {
        "readers": len(readers),
        "changes_shown": len(together),
        "changes_missed": sum(reader.missed for reader in readers),
        **milliseconds(together),
        "best_reader_worst_ms": round(worst[0] * 1000, 1) if worst else None,
        f"readers_ever_over_{limit_s:g}_s": sum(one > limit_s for one in worst),
    }
