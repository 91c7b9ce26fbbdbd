"""What an agency can still do: the acts of forecast.yaml, read and checked, and what each adds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.scoring import flows
from services.scoring.expression import Expression, parse
from shared.calendar.datafile import parse_data

FILE = Path(__file__).parent / "forecast.yaml"
MAX_UNITS = 1_000
"""More of one act than this is no plan for the rest of a quarter."""

Deltas = dict[str, int]
Seen = Mapping[str, int | None]
Kind = Literal["question", "dossier"]
Reason = Literal["judged", "unknown", "deducted", "over", "closed", "nothing"]


def _indicator(value: str) -> str:
    if not flows.is_indicator(value):
        raise ValueError(f"{value} is not an indicator; see docs/CONTRACT.md, or name it input.…")
    return value


def _limit(value: object) -> Expression:
    expression = parse(str(value))
    for name in expression.names:
        _indicator(name)
    return expression


Indicator = Annotated[str, BeforeValidator(_indicator)]
Limit = Annotated[Expression, BeforeValidator(_limit)]


class _Row(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, arbitrary_types_allowed=True
    )


class Words(_Row):
    """A text in both languages, with {n} and the like to fill."""

    vi: str = Field(min_length=1, max_length=500)
    en: str = Field(min_length=1, max_length=500)

    def filled(self, n: int, vi: Mapping[str, str], en: Mapping[str, str]) -> "Words":
        """Both texts with their own words filled in."""
        return Words(vi=self.vi.format(n=n, **vi), en=self.en.format(n=n, **en))


class Once(_Row):
    """What the first unit adds besides, while a count is above zero."""

    while_: Indicator = Field(alias="while")
    adds: dict[Indicator, int]


class Act(_Row):
    """One thing an agency can do some number of times."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    module: Literal["content", "qa", "dossier"]
    running: bool = True
    direct: bool = True
    limit: Limit
    adds: dict[Indicator, int] = Field(min_length=1, max_length=20)
    once: Once | None = None
    cover: str | None = None
    waits: Kind | None = None
    opens: Kind | None = None
    verb: Words

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for text in (self.verb.vi, self.verb.en):
            if "{n}" not in text or ("{listed}" in text) != (self.cover is not None):
                raise ValueError("a verb names {n}, and {listed} exactly where the act covers a list")
        return self

    def names(self) -> Iterable[str]:
        """Every count it looks at or moves; those of a covered list are the rules' own."""
        once = (self.once.while_, *self.once.adds) if self.once else ()
        return (*self.limit.names, *self.adds, *once)


class Acts(_Row):
    """The data file."""

    version: str
    provenance: Literal["report", "source", "assumed"]
    acts: list[Act] = Field(min_length=1, max_length=100)
    by: Words
    reasons: dict[Reason, Words]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        names = [act.id for act in self.acts]
        if len(set(names)) != len(names):
            raise ValueError("an act stands here twice")
        missing = set(get_args(Reason)) - set(self.reasons)
        if missing:
            raise ValueError(f"no words for {', '.join(sorted(missing))}")
        return self


def read_acts(file: Path = FILE) -> Acts:
    """The shipped acts, or those of another file. Raises DataFileError with every mistake."""
    acts, _ = parse_data(file.read_text(encoding="utf-8"), file.name, Acts)
    return acts


@dataclass(frozen=True, slots=True)
class Lever:
    """An act as it stands for one agency now: how many units there can be, and what they add."""

    act: Act
    limit: int
    covered: tuple[str, ...] = ()

    def deltas(self, units: int, counts: Seen) -> Deltas:
        """What this many units add to the counts."""
        found = {name: each * units for name, each in self.act.adds.items()}
        once = self.act.once
        if once is not None and units > 0 and (counts.get(once.while_) or 0) > 0:
            for name, amount in {**once.adds, once.while_: -1}.items():
                found[name] = found.get(name, 0) + amount
        for name in self.covered[:units]:
            found[name] = found.get(name, 0) + 1
        return found

    def listed(self, units: int) -> tuple[str, ...]:
        """What is covered by this many units, each once, without the prefix."""
        prefix = self.act.cover or ""
        return tuple(dict.fromkeys(name.removeprefix(prefix) for name in self.covered[:units]))


def lever_of(act: Act, counts: Seen, wanted: Mapping[str, int], known: int | None = None) -> Lever | None:
    """The act for an agency with these counts; None when nothing of it can be done.

    `wanted` are the entries of required lists with how many of each are asked for. `known` is the number of
    entities that wait within their time, where it was counted: the limit is never above it.
    """
    value = act.limit.value(counts)
    limit = 0 if value is None else min(MAX_UNITS, int(value))
    if known is not None:
        limit = min(limit, known)
    covered: tuple[str, ...] = ()
    if act.cover is not None:
        covered = _missing(act.cover, counts, wanted)
        limit = min(limit, len(covered))
    return Lever(act, limit, covered) if limit > 0 else None


def _missing(prefix: str, counts: Seen, wanted: Mapping[str, int]) -> tuple[str, ...]:
    """Each missing entry as often as it lacks a unit, those that lack least first."""
    lacking = {
        name: at_least - (counts.get(name) or 0)
        for name, at_least in wanted.items()
        if name.startswith(prefix) and (counts.get(name) or 0) < at_least
    }
    ordered = sorted(lacking.items(), key=lambda item: item[1])
    return tuple(name for name, lack in ordered for _ in range(lack))


def added(counts: Seen, deltas: Mapping[str, int]) -> dict[str, int | None]:
    """The counts once it is done. What nobody knows stays unknown."""
    found = dict(counts)
    for name, amount in deltas.items():
        before = found.get(name, 0)
        found[name] = None if before is None else before + amount
    return found


def summed(parts: Sequence[Mapping[str, int]]) -> Deltas:
    """Several acts together."""
    found: Deltas = {}
    for part in parts:
        for name, amount in part.items():
            found[name] = found.get(name, 0) + amount
    return found
