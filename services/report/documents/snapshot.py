"""One snapshot of a period: what the scoring service said, and every figure that the documents write."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.report.documents.figures import Data, Figure, Formula

_PLACES = ("Huyện ", "Thị xã ", "Thành phố ", "Thị trấn ", "Xã ", "Phường ")


class Unfit(ValueError):
    """The snapshot's figures do not follow from its data."""


class Days(BaseModel):
    """A window of local days, both included, and the address its counts came from."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    first: date = Field(alias="from")
    last: date = Field(alias="to")
    source: str


class Agency(BaseModel):
    """An agency as the register of the scoring service lists it."""

    model_config = ConfigDict(frozen=True)

    agency: str
    name: str
    group: str
    bloc: str
    parent: str | None
    modules: tuple[str, ...]
    listed: bool = Field(description="whether its portal was open at the end of the window")


class NamedList(BaseModel):
    """Agencies that the report names, with the rule that chose them."""

    model_config = ConfigDict(frozen=True)

    id: str
    rule: str
    agencies: tuple[str, ...]


class Snapshot(BaseModel):
    """Everything the documents are made of. `state` is sealed when the period was closed, with its hash."""

    model_config = ConfigDict(frozen=True)

    schema_: Literal["snapshot.v1"] = Field(default="snapshot.v1", alias="schema")
    period: str
    state: Literal["live", "sealed"]
    seal: str | None = None
    as_of: datetime
    windows: dict[str, Days]
    agencies: dict[str, Agency]
    rulesets: tuple[str, ...]
    titles: dict[str, str] = Field(description="`<rule set>@<version>/<criterion>` → its title in Vietnamese")
    incomplete: tuple[str, ...] = Field(description="agencies with a criterion that nobody has judged yet")
    drifted: tuple[str, ...] = Field(description="agencies whose counts moved against their scores")
    data: Data
    figures: dict[str, Figure]
    lists: dict[str, NamedList]

    @property
    def sha256(self) -> str:
        """Of the canonical JSON: two snapshots with one hash make the same documents."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    def canonical(self) -> str:
        return self.model_dump_json(by_alias=True)

    @property
    def last_day(self) -> date:
        return self.windows["now"].last

    def value(self, figure: str) -> Decimal | None:
        """A figure's value. Raises KeyError for a figure that was never defined."""
        return self.figures[figure].value

    def number(self, figure: str) -> Decimal:
        """A figure's value, 0 where it does not exist."""
        return self.figures[figure].value or Decimal(0)

    def name(self, agency: str) -> str:
        return self.agencies[agency].name

    def name_inside(self, agency: str) -> str:
        """A name within a sentence: huyện Bát Xát, xã Đồng Tuyển (thành phố Lào Cai)."""
        row = self.agencies[agency]
        name = _inside(row.name)
        if row.group == "communes" and row.parent in self.agencies:
            return f"{name} ({_inside(self.agencies[row.parent].name)})"
        return name

    def names(self, list_id: str) -> list[str]:
        """The names of a list as they stand within a sentence."""
        return [self.name_inside(agency) for agency in self.lists[list_id].agencies]


def _inside(name: str) -> str:
    """Kinds of places are written small within a sentence; names of offices keep their capital."""
    return name[:1].lower() + name[1:] if name.startswith(_PLACES) else name


class Ledger:
    """Defines figures one by one; each sees those before it."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.figures: dict[str, Figure] = {}
        self._values: dict[str, Decimal | None] = {}

    def define(self, figure: str, label: str, unit: str, formula: Formula, sources: Sequence[str]) -> None:
        """Add a figure. Raises Unfit when its id is taken: a figure appears once."""
        if figure in self.figures:
            raise Unfit(f"the figure {figure} is defined twice")
        value = formula.work_out(self.data, self._values)
        self._values[figure] = value
        self.figures[figure] = Figure(
            id=figure, label=label, unit=unit, value=value, formula=formula, formula_text=formula.text,
            sources=tuple(sources),
        )  # fmt: skip

    def value(self, figure: str) -> Decimal | None:
        return self._values[figure]


def misfits(snapshot: Snapshot) -> Iterator[str]:
    """Figures whose stored value is not what their formula gives: none in a snapshot that nobody touched."""
    known: dict[str, Decimal | None] = {}
    for figure in snapshot.figures.values():
        try:
            value = figure.formula.work_out(snapshot.data, known)
        except KeyError as missing:
            yield f"{figure.id}: its formula names {missing}, which is not there"
            continue
        known[figure.id] = value
        if not _same(value, figure.value):
            yield f"{figure.id}: stored as {figure.value}, its formula gives {value}"


def _same(worked_out: Decimal | None, stored: Decimal | None) -> bool:
    """Percentages pass through JSON as floating numbers; nothing is written finer than two places."""
    if worked_out is None or stored is None:
        return worked_out is stored
    return abs(worked_out - stored) < Decimal("0.000001")
