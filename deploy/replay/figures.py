"""The 104 figures of the report, read as data by their id."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

FIGURES_FILE = Path(__file__).with_name("figures-2024-q1.csv")
Recomputes = Literal["yes", "NO", "given"]
"""yes: follows from other figures; given: stands alone; NO: the report contradicts itself on it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One published figure. `value` is its text as published: a number, or a scale such as `90+5`."""

    id: str
    section: str
    what: str
    value: str
    unit: str
    recomputes: Recomputes
    note: str


class Figures(Mapping[str, Figure]):
    """All figures by id, in the report's order."""

    def __init__(self, rows: Mapping[str, Figure]) -> None:
        self._rows = dict(rows)

    def __getitem__(self, key: str) -> Figure:
        return self._rows[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def count(self, key: str) -> int:
        """The figure as a whole number. Raises ValueError when it is none."""
        return int(self._rows[key].value)

    def before(self, key: str, delta: str | None = None) -> int:
        """The same figure a year before: this year's less the published change."""
        return self.count(key) - self.count(delta or f"{key}.delta")


def read_figures(path: Path = FIGURES_FILE) -> Figures:
    """Read the figures. Raises ValueError when an id stands twice or a column is missing."""
    rows: dict[str, Figure] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            try:
                figure = Figure(
                    row["id"],
                    row["section"],
                    row["what"],
                    row["value"],
                    row["unit"],
                    cast(Recomputes, row["recomputes"]),
                    row["note"] or "",
                )
            except KeyError as error:
                raise ValueError(f"{path.name}: the column {error} is missing") from error
            if figure.id in rows:
                raise ValueError(f"{path.name}: {figure.id} stands there twice")
            rows[figure.id] = figure
    return Figures(rows)
