"""What the scoring service emits and answers: scores, their changes, periods.

Points are decimals with at most two places. In JSON they are numbers.
"""

from datetime import date as Date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from shared.contracts.facts import FactReference, Moment
from shared.contracts.words import Agency, Period

Status = Literal["scored", "not_applicable", "unknown", "not_eligible"]


def _number(value: Decimal) -> float | int:
    """A decimal of two places as the JSON number that prints the same: 14, 13.5, 13.33."""
    return int(value) if value == value.to_integral_value() else float(value)


Points = Annotated[
    Decimal, PlainSerializer(_number, return_type=float, when_used="json"), Field(decimal_places=2)
]


class CriterionScore(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    points: Points | None = Field(description="None while unknown.")
    max: Points
    bonus: bool
    status: Status
    indicators: dict[str, int | None] = Field(description="The counts that went into the formula.")


class ModuleScore(BaseModel):
    model_config = ConfigDict(frozen=True)

    points: Points = Field(description="Includes the bonus.")
    bonus: Points
    max: Points = Field(description="Base and bonus together.")
    base_max: Points
    bonus_max: Points
    ruleset: str = Field(description="`<rule set id>@<version>`")
    criteria: list[CriterionScore]


class Total(BaseModel):
    model_config = ConfigDict(frozen=True)

    points: Points
    max: Points


class Score(BaseModel):
    """The whole score of one agency in one window."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    agency: Agency
    period: Period | None
    from_: Date = Field(alias="from")
    to: Date
    as_of: Moment
    revision: int = Field(ge=0, description="Only grows; 0 for a window that is worked out on demand.")
    total: Total
    modules: dict[str, ModuleScore]
    complete: bool


class CriterionMove(BaseModel):
    """One criterion that moved: its points before and after, None where it did not exist or was unknown."""

    model_config = ConfigDict(frozen=True)

    module: str
    criterion: str
    before: Points | None
    after: Points | None
    delta: Points


class ScoreChange(BaseModel):
    """One change of a score, never rewritten. The changes of a period add up to the score."""

    model_config = ConfigDict(frozen=True)

    agency: Agency
    period: Period
    revision: int
    at: Moment
    before: Total | None
    after: Total
    moved: list[CriterionMove]
    causes: list[FactReference]
    rulesets: dict[str, str] = Field(description="Rule set and version per module.")
    calendar: str


class ProposalState(BaseModel):
    """What one officer proposed and another has yet to confirm."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["close", "accept"]
    officer: str
    reason: str
    at: Moment
    cut_off: Moment | None = Field(default=None, description="Of a close: from then on nothing changes.")
    numbers: list[int] = Field(default_factory=list, description="The adjustments that are to count.")


class ScopeState(BaseModel):
    """What may move in a reopened period; an empty list means every one."""

    model_config = ConfigDict(frozen=True)

    agencies: list[Agency]
    modules: list[str]
    criteria: list[str] = Field(description="`qa/acceptance`, or `acceptance` in any module.")


class PeriodState(BaseModel):
    """A period on the topic `periods`."""

    model_config = ConfigDict(frozen=True)

    period: Period
    state: Literal["open", "closing", "closed", "reopened"]
    at: Moment
    cut_off: Moment | None = None
    seal: int | None = Field(default=None, description="Number of the newest seal.")
    sha256: str | None = Field(default=None, description="Of the canonical JSON of all sealed scores.")
    officer: str | None = None
    confirmed_by: str | None = Field(default=None, description="The second officer of the newest seal.")
    reason: str | None = None
    proposal: ProposalState | None = None
    scope: ScopeState | None = None
    until: Moment | None = Field(default=None, description="Until when the scope may move.")
