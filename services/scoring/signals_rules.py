"""What counts as a signal: dated thresholds with their provenance and texts, read from `signals.yaml`."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.scoring.ruleset import Bilingual, Provenance
from shared.calendar.datafile import read_data_file
from shared.contracts.facts import CONTENT_FACTS, DOSSIER_FACTS, QA_FACTS

MODULE_OF: Mapping[str, str] = {
    **dict.fromkeys(CONTENT_FACTS, "content"),
    **dict.fromkeys(QA_FACTS, "qa"),
    **dict.fromkeys(DOSSIER_FACTS, "dossier"),
}
"""The domain service that keeps facts of a type."""

FILE = Path(__file__).with_name("signals.yaml")


def _share(value: object) -> Fraction:
    if not isinstance(value, str):
        raise ValueError('write a share in quotes, as "0.40", so that it stays exact')
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{value!r} is not a number") from None


Share = Annotated[Fraction, BeforeValidator(_share), Field(gt=0, le=1)]


def _sent(fact_type: str) -> str:
    if fact_type not in MODULE_OF:
        raise ValueError(f"{fact_type} is no type that publishers send; see docs/CONTRACT.md")
    return fact_type


Least = Annotated[int, Field(ge=1, le=100_000)]
FactType = Annotated[str, AfterValidator(_sent)]


class _Row(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, arbitrary_types_allowed=True
    )


class _Kind(_Row):
    """What every kind of signal has: its name, and why it may mean nothing."""

    title: Bilingual
    innocent: Bilingual


class Bulk(_Kind):
    days: int = Field(ge=1, le=90)
    at_least: Least
    share: Share


class Titles(_Kind):
    similarity: Share
    at_least: int = Field(ge=2, le=100_000)
    within_days: int = Field(ge=1, le=366)


class Backdated(_Kind):
    days: int = Field(ge=1, le=3_660)
    at_least: Least
    types: list[FactType] = Field(min_length=1, max_length=20)


class Paused(_Kind):
    working_hours: int = Field(ge=1, le=800)
    at_least: Least
    share: Share


class SignalRules(_Row):
    """The thresholds that hold from a day on, until the next entry."""

    first: date = Field(alias="from")
    provenance: Provenance
    bulk_before_cutoff: Bulk
    near_identical_titles: Titles
    backdated: Backdated
    paused_before_due: Paused


KINDS: tuple[str, ...] = ("bulk_before_cutoff", "near_identical_titles", "backdated", "paused_before_due")


class SignalBook(_Row):
    """Every entry, by day."""

    rules: list[SignalRules] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _rising(self) -> Self:
        days = [entry.first for entry in self.rules]
        if days != sorted(set(days)):
            raise ValueError("the entries must rise by `from`, each different from the one before")
        return self

    def on(self, day: date) -> SignalRules:
        """The thresholds in force on a day; before the first entry, those of the first."""
        return max((e for e in self.rules if e.first <= day), key=lambda e: e.first, default=self.rules[0])


def read_signal_rules(path: Path = FILE) -> SignalBook:
    """The file's entries. Raises DataFileError with file, line and reason."""
    return read_data_file(path, SignalBook)[0]


@cache
def shipped_signal_rules() -> SignalBook:
    """The thresholds that ship with the service."""
    return read_signal_rules()
