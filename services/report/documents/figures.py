"""Figures and the formulas that make them: every number of the documents, once.

A formula is data: it is stored beside its value, can be read by a person, and is worked out again when a
finished document is checked. Values are whole numbers, points of two places, or percentages that keep their
full precision until they are written.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from services.report.audit.written import vietnamese

HUNDRED = Decimal(100)


def plain_number(value: Decimal) -> int | float:
    """A decimal as the JSON number that prints the same."""
    return int(value) if value == value.to_integral_value() else float(value)


Amount = Annotated[Decimal, PlainSerializer(plain_number, return_type=float, when_used="json")]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Criterion(_Frozen):
    """One criterion of a module's score. `points` is None while nobody has judged it."""

    id: str
    points: Amount | None
    max: Amount
    bonus: bool
    status: str


class ModulePoints(_Frozen):
    """An agency's points in one module; `points` includes the bonus, `max` is base and bonus together."""

    points: Amount
    bonus: Amount
    base_max: Amount
    bonus_max: Amount
    max: Amount
    ruleset: str
    complete: bool = True
    criteria: tuple[Criterion, ...] = ()


class Data(_Frozen):
    """What the scoring service answered: counts per window and agency, points per agency and module."""

    counts: dict[str, dict[str, dict[str, int]]]
    scores: dict[str, dict[str, ModulePoints]]
    selections: dict[str, tuple[str, ...]] = Field(description="name → agencies, in the register's order")

    def count(self, window: str, agency: str, indicators: Sequence[str]) -> int:
        counts = self.counts.get(window, {}).get(agency, {})
        return sum(counts.get(name, 0) for name in indicators)

    def points(self, selection: str, module: str) -> list[ModulePoints]:
        scores = (self.scores.get(agency, {}).get(module) for agency in self.selections[selection])
        return [score for score in scores if score is not None]


class Sum(_Frozen):
    """The sum of indicators over agencies and windows. `None` windows were not asked for."""

    kind: Literal["sum"] = "sum"
    indicators: tuple[str, ...]
    minus: tuple[str, ...] = ()
    over: str
    windows: tuple[str, ...] = ("now",)

    def work_out(self, data: Data, known: Mapping[str, Decimal | None]) -> Decimal | None:
        total = 0
        for window in self.windows:
            for agency in data.selections[self.over]:
                total += data.count(window, agency, self.indicators)
                total -= data.count(window, agency, self.minus)
        return Decimal(total)

    @property
    def text(self) -> str:
        less = f" - {' - '.join(self.minus)}" if self.minus else ""
        return f"sum of {' + '.join(self.indicators)}{less} over {self.over}, {' + '.join(self.windows)}"


class Members(_Frozen):
    """How many agencies a selection holds."""

    kind: Literal["members"] = "members"
    of: str

    def work_out(self, data: Data, known: Mapping[str, Decimal | None]) -> Decimal | None:
        return Decimal(len(data.selections[self.of]))

    @property
    def text(self) -> str:
        return f"number of agencies in {self.of}"


class Band(_Frozen):
    """How many agencies of a selection have points in a module from `low` to `high`, both included."""

    kind: Literal["band"] = "band"
    of: str
    module: str
    low: Amount
    high: Amount

    def work_out(self, data: Data, known: Mapping[str, Decimal | None]) -> Decimal | None:
        points = (score.points for score in data.points(self.of, self.module))
        return Decimal(sum(1 for p in points if self.low <= p <= self.high))

    @property
    def text(self) -> str:
        return f"agencies of {self.of} with {self.low} to {self.high} points in {self.module}"


class Extreme(_Frozen):
    """The lowest or highest points in a module among a selection, within a band."""

    kind: Literal["extreme"] = "extreme"
    of: str
    module: str
    low: Amount
    high: Amount
    end: Literal["lowest", "highest"]

    def work_out(self, data: Data, known: Mapping[str, Decimal | None]) -> Decimal | None:
        points = [s.points for s in data.points(self.of, self.module) if self.low <= s.points <= self.high]
        if not points:
            return None
        return min(points) if self.end == "lowest" else max(points)

    @property
    def text(self) -> str:
        return f"{self.end} points in {self.module} among {self.of} from {self.low} to {self.high}"


class RatioExtreme(_Frozen):
    """The lowest or highest percentage `part / whole` of single agencies of a selection, where there is a
    whole."""

    kind: Literal["ratio_extreme"] = "ratio_extreme"
    of: str
    part: tuple[str, ...]
    whole: tuple[str, ...]
    end: Literal["lowest", "highest"]

    def work_out(self, data: Data, known: Mapping[str, Decimal | None]) -> Decimal | None:
        ratios = [
            Decimal(data.count("now", agency, self.part)) * HUNDRED / data.count("now", agency, self.whole)
            for agency in data.selections[self.of]
            if data.count("now", agency, self.whole)
        ]
        if not ratios:
            return None
        return min(ratios) if self.end == "lowest" else max(ratios)

    @property
    def text(self) -> str:
        return f"{self.end} of {' + '.join(self.part)} / {' + '.join(self.whole)} among {self.of}"


class Scale(_Frozen):
    """A scale's base, bonus or maximum: the one that all agencies of the selection are scored on."""

    kind: Literal["scale"] = "scale"
    of: str
    module: str
    end: Literal["base_max", "bonus_max", "max"]

    def work_out(self, data: Data, known: Mapping[str, Decimal | None]) -> Decimal | None:
        values = {getattr(score, self.end) for score in data.points(self.of, self.module)}
        return Decimal(max(values)) if values else None

    @property
    def text(self) -> str:
        return f"{self.end} of {self.module} for {self.of}"


class Combination(_Frozen):
    """Figures added and subtracted. Unknown when one of them is."""

    kind: Literal["combination"] = "combination"
    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()

    def work_out(self, data: Data, known: Mapping[str, Decimal | None]) -> Decimal | None:
        added, taken = [known[f] for f in self.plus], [known[f] for f in self.minus]
        if any(value is None for value in (*added, *taken)):
            return None
        return sum((v for v in added if v is not None), Decimal(0)) - sum(
            (v for v in taken if v is not None), Decimal(0)
        )

    @property
    def text(self) -> str:
        less = "".join(f" - {name}" for name in self.minus)
        return " + ".join(self.plus) + less


class Percentage(_Frozen):
    """`part` as a percentage of the sum of `whole`. Unknown without a whole."""

    kind: Literal["percentage"] = "percentage"
    part: str
    whole: tuple[str, ...]

    def work_out(self, data: Data, known: Mapping[str, Decimal | None]) -> Decimal | None:
        part = known[self.part]
        whole = [known[name] for name in self.whole]
        if part is None or any(value is None for value in whole):
            return None
        total = sum((value for value in whole if value is not None), Decimal(0))
        return part * HUNDRED / total if total > 0 else None

    @property
    def text(self) -> str:
        return f"{self.part} / ({' + '.join(self.whole)})"


Formula = Annotated[
    Sum | Members | Band | Extreme | RatioExtreme | Scale | Combination | Percentage,
    Field(discriminator="kind"),
]


class Figure(_Frozen):
    """One number of the documents. `value` is None where it does not exist (no year before, nothing to
    share)."""

    id: str
    label: str = Field(description="what it is, in Vietnamese")
    unit: str
    value: Amount | None
    formula: Formula
    formula_text: str
    sources: tuple[str, ...] = Field(description="addresses at the scoring service")

    @property
    def known(self) -> bool:
        return self.value is not None


class Written(_Frozen):
    """A figure as a document writes it."""

    figure: str
    form: str
    text: str


def write(value: Decimal, form: str) -> str:
    """A value in a form: `count` 9.506 · `two` 05 · `percent` 31,0% · `points` 13,5 · `million` 1,88 triệu.

    Signs are left to the words around (tăng, giảm). Raises KeyError for another form.
    """
    return _FORMS[form](abs(value))


def _two(value: Decimal) -> str:
    return f"{int(value):02d}" if value < 10 else vietnamese(value)


def _million(value: Decimal) -> str:
    return f"{vietnamese((value / 1_000_000).quantize(Decimal('0.01')))} triệu"


_FORMS: dict[str, Callable[[Decimal], str]] = {
    "count": vietnamese,
    "two": _two,
    "percent": lambda value: f"{vietnamese(value, 1)}%",
    "percent_bare": lambda value: vietnamese(value, 1),
    "points": vietnamese,
    "million": _million,
}
