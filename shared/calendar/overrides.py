"""Dated overrides of the holiday package: `overrides/*.yaml`, one file a year.

The package knows the law's holidays and most swaps; a decree or a notice changes some of them every
year. Each override names its legal source and how sure it is, and replaces what the package says.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date as Date
from datetime import time
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.calendar.datafile import DataFileError, Lines, Problem, read_data_file

Provenance = Literal["report", "source", "memory", "assumed"]
DayKind = Literal["off", "worked"]

MAX_RUN_DAYS = 14
"""No run of days off is longer; a wider range is a slip of the pen."""

HERE = Path(__file__).parent
OVERRIDES = HERE / "overrides"
HOURS = HERE / "hours.yaml"


class Bilingual(BaseModel):
    """One text in Vietnamese and English."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vi: str = Field(min_length=1, max_length=200)
    en: str = Field(min_length=1, max_length=200)


class OverrideDay(BaseModel):
    """A day, or a run of days `date`..`to`, that is off or worked whatever the weekday says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: Date
    to: Date | None = None
    kind: DayKind
    swapped_with: Date | None = None
    name: Bilingual
    provenance: Provenance
    legal_source: str = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.to is not None and not self.date < self.to:
            raise ValueError(f"`to` ({self.to}) must be later than `date` ({self.date})")
        if self.to is not None and (self.to - self.date).days >= MAX_RUN_DAYS:
            raise ValueError(f"a run of days off holds at most {MAX_RUN_DAYS} days")
        if self.kind == "worked" and (self.to is not None or self.swapped_with is None):
            raise ValueError(
                "a worked day is one day and names the day off it is exchanged for, `swapped_with`"
            )
        if self.kind == "worked" and self.date.weekday() < 5:
            raise ValueError(f"{self.date} is a weekday; only a Saturday or Sunday is worked in exchange")
        return self

    @property
    def days(self) -> list[Date]:
        """Every day of the run."""
        last = self.to or self.date
        return [Date.fromordinal(o) for o in range(self.date.toordinal(), last.toordinal() + 1)]


class OverrideFile(BaseModel):
    """One year's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    year: int = Field(ge=2000, le=2088)
    days: list[OverrideDay] = Field(min_length=1, max_length=100)


def _clock(value: object) -> object:
    if isinstance(value, int):
        raise ValueError('write the hour in quotes, "08:00"')
    return value


ClockTime = Annotated[time, BeforeValidator(_clock)]


class Interval(BaseModel):
    """An unbroken stretch of work within a day."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    opens: ClockTime = Field(alias="from")
    closes: ClockTime = Field(alias="to")


class HoursOfWork(BaseModel):
    """The hours of one working day, in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provenance: Provenance
    legal_source: str = Field(min_length=1, max_length=500)
    intervals: list[Interval] = Field(min_length=1, max_length=6)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        before: time | None = None
        for interval in self.intervals:
            if interval.closes <= interval.opens:
                raise ValueError(f"work must end ({interval.closes}) after it begins ({interval.opens})")
            if before is not None and interval.opens <= before:
                raise ValueError(
                    f"the stretch from {interval.opens} begins before the one before it has ended"
                )
            before = interval.closes
        return self


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """Why a day is not what its weekday says."""

    day: Date
    kind: DayKind
    name_vi: str
    name_en: str
    swapped_with: Date | None
    provenance: Provenance
    legal_source: str


def read_hours(path: Path = HOURS) -> HoursOfWork:
    """The hours of work. Raises DataFileError."""
    return read_data_file(path, HoursOfWork)[0]


def read_overrides(folder: Path = OVERRIDES) -> dict[Date, SpecialDay]:
    """All overrides, by day. Raises DataFileError with every mistake in every file."""
    found: dict[Date, SpecialDay] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            content, lines = read_data_file(path, OverrideFile)
        except DataFileError as error:
            problems.extend(error.problems)
            continue
        problems.extend(_take(content, lines, found))
    if problems:
        raise DataFileError(problems)
    return found


def _take(content: OverrideFile, lines: Lines, found: dict[Date, SpecialDay]) -> list[Problem]:
    problems = []
    for index, entry in enumerate(content.days):
        for day in entry.days:
            if day.year != content.year:
                problems.append(
                    lines.problem(("days", index, "date"), f"{day} is not in the file's year {content.year}")
                )
            if day in found:
                problems.append(
                    lines.problem(("days", index, "date"), f"{day} stands in the overrides twice")
                )
            found[day] = _special(day, entry)
    problems.extend(_unpaired(content, lines))
    return problems


def _unpaired(content: OverrideFile, lines: Lines) -> Iterable[Problem]:
    """A swap has two sides; one that is missing would give or take a working day unseen."""
    sides = {(entry.date, entry.kind): entry for entry in content.days}
    for index, entry in enumerate(content.days):
        other = entry.swapped_with
        if other is None or other.year != content.year:
            continue
        partner = sides.get((other, "worked" if entry.kind == "off" else "off"))
        if partner is None or partner.swapped_with != entry.date:
            yield lines.problem(
                ("days", index, "swapped_with"),
                f"{entry.date} is exchanged for {other}, but {other} does not say so too",
            )


def _special(day: Date, entry: OverrideDay) -> SpecialDay:
    return SpecialDay(
        day,
        entry.kind,
        entry.name.vi,
        entry.name.en,
        entry.swapped_with,
        entry.provenance,
        entry.legal_source,
    )
