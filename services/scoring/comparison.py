"""Comparison that is fair: like with like in time, and with peers of the same group or the same volume. Pure.

A percentage is always of the earlier value, and there is none from zero or from nothing: from 1,352 to 989 is
−26.8% of 1,352, never 36.7% of 989. Where the number of portals changed between the windows, the value per
portal stands beside the sum, because more portals alone make more articles.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.scoring import flows
from services.scoring.indicators import Span, span_of
from shared.calendar.datafile import parse_data
from shared.calendar.periods import Window, window_a_year_before

FILE = Path(__file__).parent / "comparison.yaml"
Document = dict[str, Any]
Value = Decimal | int | float | None


# ------------------------------------------------------------------------------------------ in time


def spans_of(span: Span, today: date) -> tuple[Span, Span]:
    """The span as far as it has elapsed by `today`, and the same part of it a year before.

    2024-Q1 asked on 22 March is 1 January to 22 March of both years; asked in April it is both whole
    quarters. Raises ValueError when the year before lies outside of what can be counted.
    """
    window = span.window
    if window.first <= today < window.last:
        span = span_of(Window(window.first, today))
    return span, span_of(window_a_year_before(span.window))


def percent_of(before: Fraction, change: Fraction) -> Decimal | None:
    """The change in percent of the earlier value, to one decimal, half away from zero; None from zero."""
    if before == 0:
        return None
    share = change * 100 / abs(before)
    return _rounded(share, 1)


def _rounded(value: Fraction, places: int) -> Decimal:
    scaled = abs(value) * 10**places
    whole = (scaled + Fraction(1, 2)).__floor__()
    exact = Decimal(whole).scaleb(-places)
    return (-exact if value < 0 else exact).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def change_of(before: Value, after: Value) -> Document:
    """`before`, `after`, the `change` in number, and in `percent` of the earlier value.

    None before or after means that there was no such value: then there is no change to speak of.
    """
    old, new = _exact(before), _exact(after)
    change = None if old is None or new is None else new - old
    percent = None if old is None or change is None else percent_of(old, change)
    return {
        "before": _number(old),
        "after": _number(new),
        "change": _number(change),
        "percent": None if percent is None else float(percent),
    }


def per_portal(before: Value, after: Value, portals: tuple[int, int]) -> Document | None:
    """The change of the value per portal; None where the number of portals is the same in both windows."""
    old, new = portals
    if old == new:
        return None
    return change_of(_each(before, old), _each(after, new))


def _each(value: Value, portals: int) -> Decimal | None:
    exact = _exact(value)
    return None if exact is None or portals == 0 else _rounded(exact / portals, 2)


def _exact(value: Value) -> Fraction | None:
    return None if value is None else Fraction(str(value))


def _number(value: Fraction | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value.denominator == 1 else float(_rounded(value, 2))


# ----------------------------------------------------------------------------------------- in space


@dataclass(frozen=True, slots=True)
class Standing:
    """One agency among others: its points and how many it could have."""

    agency: str
    points: Fraction
    max: Fraction

    @property
    def share(self) -> Fraction:
        """Points as a share of the maximum; agencies on other scales can be compared by it."""
        return self.points / self.max if self.max else Fraction(0)


def standings(points: Mapping[str, tuple[Value, Value]]) -> list[Standing]:
    """Standings from points and maximum by agency; who has no maximum is left out."""
    return [
        Standing(agency, _exact(given) or Fraction(0), _exact(most) or Fraction(0))
        for agency, (given, most) in points.items()
        if most
    ]


def among(agency: str, peers: Iterable[Standing]) -> Document:
    """Where an agency stands among its peers (itself one of them), by share of the maximum.

    `place` skips after equals (1, 1, 3). Shares are in percent to one decimal.
    """
    ordered = sorted(peers, key=lambda one: (-one.share, one.agency))
    shares = [one.share for one in ordered]
    mine = next((one.share for one in ordered if one.agency == agency), None)
    return {
        "place": None if mine is None else 1 + sum(share > mine for share in shares),
        "of": len(ordered),
        "share": None if mine is None else float(_rounded(mine * 100, 1)),
        "median_share": float(_rounded(median(shares) * 100, 1)) if shares else None,
        "best_share": float(_rounded(shares[0] * 100, 1)) if shares else None,
        "agencies": [
            {
                "agency": one.agency,
                "points": _number(one.points),
                "max": _number(one.max),
                "share": float(_rounded(one.share * 100, 1)),
            }
            for one in ordered
        ],
    }


def median(values: Sequence[Fraction]) -> Fraction:
    """The middle value, or the mean of the two in the middle. Raises ValueError when there is none."""
    if not values:
        raise ValueError("nothing has no middle")
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def thresholds(volumes: Iterable[int], cuts: Sequence[Fraction]) -> tuple[int, ...]:
    """The volumes up to which each band but the last reaches: the smallest ones that at least such a share of
    the agencies with any volume does not exceed."""
    ordered = sorted(volume for volume in volumes if volume > 0)
    if not ordered:
        return ()
    return tuple(ordered[max(0, -(-cut * len(ordered) // 1) - 1)] for cut in cuts)


def band_of(volume: int, limits: Sequence[int]) -> int:
    """The band from 1; 0 for no volume at all. More volume is never a lower band."""
    return 0 if volume <= 0 else 1 + sum(volume > limit for limit in limits)


# ------------------------------------------------------------------------------------------- scales


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Row):
    """A text in both languages."""

    vi: str = Field(min_length=1, max_length=200)
    en: str = Field(min_length=1, max_length=200)


def _share(value: object) -> Fraction:
    if not isinstance(value, str):
        raise ValueError('write a share in quotes, as "0.25", so that it stays exact')
    return Fraction(value)


def _indicator(value: str) -> str:
    if not flows.is_indicator(value):
        raise ValueError(f"{value} is not an indicator; see docs/CONTRACT.md")
    return value


Share = Annotated[Fraction, BeforeValidator(_share), Field(gt=0, lt=1)]
Indicator = Annotated[str, BeforeValidator(_indicator)]


class VolumeScale(_Row):
    """How agencies of one module are divided by volume, from a day on."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    module: Literal["content", "qa", "dossier"]
    indicator: Indicator
    valid_from: date
    provenance: Literal["report", "source", "assumed"]
    cuts: list[Share] = Field(min_length=1, max_length=9)
    nothing: Words
    bands: list[Words]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.cuts != sorted(set(self.cuts)):
            raise ValueError("the cuts must rise, each different from the one before")
        if len(self.bands) != len(self.cuts) + 1:
            raise ValueError(f"{len(self.cuts)} cuts make {len(self.cuts) + 1} bands, not {len(self.bands)}")
        return self

    def band(self, agency: str, volumes: Mapping[str, int]) -> tuple[Document, list[str]]:
        """The band of an agency among the volumes of all, and everybody in it."""
        limits = thresholds(volumes.values(), self.cuts)
        number = band_of(volumes.get(agency, 0), limits)
        words = self.nothing if number == 0 else self.bands[number - 1]
        document = {
            "number": number,
            "of": len(self.bands),
            **words.model_dump(),
            "above": 0 if number <= 1 else limits[number - 2],
            "up_to": 0 if number == 0 else limits[number - 1] if number <= len(limits) else None,
            "provenance": self.provenance,
        }
        return document, sorted(name for name, volume in volumes.items() if band_of(volume, limits) == number)


class Scales(_Row):
    """The data file."""

    shown: list[Indicator] = Field(min_length=1, max_length=50)
    volumes: list[VolumeScale] = Field(max_length=200)

    def on(self, day: date) -> list[VolumeScale]:
        """The newest scale of each module that is in force on a day."""
        found: dict[str, VolumeScale] = {}
        for scale in sorted(self.volumes, key=lambda one: one.valid_from):
            if scale.valid_from <= day:
                found[scale.module] = scale
        return list(found.values())


def read_scales(file: Path = FILE) -> Scales:
    """The shipped scales, or those of another file. Raises DataFileError with every mistake."""
    scales, _ = parse_data(file.read_text(encoding="utf-8"), file.name, Scales)
    return scales
