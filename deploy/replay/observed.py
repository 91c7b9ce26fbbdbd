"""What the scoring service's public API says: agencies, indicators of a few windows, scores. Nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import httpx
import stamina

from deploy.replay.target import ReplayError

Answer = TypeVar("Answer")
Days = tuple[date, date]
Counts = Mapping[str, Mapping[str, int]]

QUARTER: Days = (date(2024, 1, 1), date(2024, 3, 22))
YEAR_BEFORE: Days = (date(2023, 1, 1), date(2023, 3, 22))
END_OF_2023: Days = (date(2023, 10, 1), date(2023, 12, 31))
SINCE_OPENING: Days = (date(2015, 1, 1), date(2024, 3, 22))
"""Long enough for every portal but the provincial one, whose older visits are an opening balance."""

TIMEOUT_SECONDS = 30.0
"""Much longer than any of these answers takes; an instance whose machine is gone is given up after it."""
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Listed:
    """An agency as the API lists it."""

    slug: str
    group: str
    parent: str | None
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """One module of one agency's score."""

    points: float
    base_max: float
    bonus_max: float
    ruleset: str


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything the check looks at. `scores` are those of the quarter, agency to module to points."""

    agencies: Mapping[str, Listed]
    quarter: Counts
    year_before: Counts
    end_of_2023: Counts
    since_opening: Counts
    scores: Mapping[str, Mapping[str, Module]]


class _BusyError(Exception):
    """The service answers that it cannot answer yet."""


class ScoringClient:
    """Reads the public API. Raises ReplayError when it cannot."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS)

    def close(self) -> None:
        self._client.close()

    def agencies(self) -> dict[str, Listed]:
        """All agencies, closed ones too."""

        def read(answer: Any) -> dict[str, Listed]:
            return {
                row["agency"]: Listed(row["agency"], row["group"], row.get("parent"), tuple(row["modules"]))
                for row in answer["agencies"]
            }

        return self._get("/v1/agencies", {"ended": "true"}, read)

    def indicators(self, days: Days) -> dict[str, dict[str, int]]:
        """Every agency's indicators over a window."""

        def read(answer: Any) -> dict[str, dict[str, int]]:
            return {agency: dict(counts) for agency, counts in answer["agencies"].items()}

        return self._get("/v1/indicators", _window(days), read)

    def scores(self, days: Days) -> dict[str, dict[str, Module]]:
        """Every agency's modules over a window."""

        def read(answer: Any) -> dict[str, dict[str, Module]]:
            return {row["agency"]: read_modules(row["modules"]) for row in answer["scores"]}

        return self._get("/v1/scores", _window(days), read)

    def _get(self, path: str, query: Mapping[str, str], read: Callable[[Any], Answer]) -> Answer:
        try:
            answer = self._answer(path, query)
            if answer.status_code != 200:
                raise ReplayError(f"{answer.url} answers {answer.status_code}: {answer.text[:300]}")
            return read(answer.json())
        except (httpx.TransportError, _BusyError) as error:
            raise ReplayError(f"The scoring service cannot be reached: {error!r}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ReplayError(f"{path} does not answer as the contract says: {error!r}") from error

    @stamina.retry(
        on=(_BusyError, httpx.TransportError), attempts=None, timeout=PATIENCE_SECONDS, wait_max=2.0
    )
    def _answer(self, path: str, query: Mapping[str, str]) -> httpx.Response:
        """Asks again while the service starts, reads the bus again, or another instance takes over."""
        answer = self._client.get(path, params=dict(query))
        if answer.status_code == 503:
            raise _BusyError(answer)
        return answer


def _window(days: Days) -> dict[str, str]:
    return {"from": days[0].isoformat(), "to": days[1].isoformat()}


def read_modules(modules: Any) -> dict[str, Module]:
    """The modules of one score as the contract writes them."""
    return {
        name: Module(row["points"], row["base_max"], row["bonus_max"], row["ruleset"])
        for name, row in modules.items()
    }


def observe(client: ScoringClient) -> Observed:
    """Ask for everything the check needs."""
    return Observed(
        client.agencies(),
        client.indicators(QUARTER),
        client.indicators(YEAR_BEFORE),
        client.indicators(END_OF_2023),
        client.indicators(SINCE_OPENING),
        client.scores(QUARTER),
    )
