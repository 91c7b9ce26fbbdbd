"""Rule sets: dated, versioned data that turns counts into points. Read from YAML, checked as a whole.

A file that contradicts itself is refused with file, line and reason before it scores anybody.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from services.scoring import criteria, flows
from services.scoring.expression import Condition, Expression, parse, parse_condition
from shared.calendar.datafile import DataFileError, Lines, Problem, parse_data
from shared.calendar.periods import Window

RULESETS = Path(__file__).parent / "rulesets"
MAX_FILES = 500

PUBLISHED = frozenset({"provincial", "communes"})
"""Families whose scores are published: what the province scores, and what districts score of their communes.
No agency is scored in both. Any other family is worked out when somebody asks (docs/decisions/0091)."""

Provenance = Literal["report", "source", "assumed"]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(?:[.-][a-z0-9]+)*$", max_length=60)]


def _exact(value: object) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError('write a number with decimals in quotes, as "0.25", so that it stays exact')
    try:
        return Fraction(Decimal(value))
    except ArithmeticError:
        raise ValueError(f"{value!r} is not a number") from None


def _known(expression: Expression) -> Expression:
    for name in expression.names:
        if not flows.is_indicator(name):
            raise ValueError(f"{name} is not an indicator; see docs/CONTRACT.md, or name it input.…")
    return expression


def _expression(value: object) -> Expression:
    return _known(parse(value if isinstance(value, str) else str(value)))


def _condition(value: object) -> Condition:
    condition = parse_condition(str(value))
    _known(condition.left)
    return condition


Number = Annotated[Fraction, BeforeValidator(_exact)]
Positive = Annotated[Number, Field(gt=0)]
Sum = Annotated[Expression, BeforeValidator(_expression)]
Comparison = Annotated[Condition, BeforeValidator(_condition)]


class _Row(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, arbitrary_types_allowed=True
    )


class Bilingual(_Row):
    """A text in Vietnamese and in English."""

    vi: str = Field(min_length=1, max_length=1_000)
    en: str = Field(min_length=1, max_length=1_000)


class CappedRatioRow(_Row):
    kind: Literal["capped_ratio"]
    of: Sum
    over: Sum
    target: Positive = Fraction(1)
    zero_below: Number = Fraction(0)

    def formula(self, _id: str, _maximum: Fraction) -> criteria.Formula:
        return criteria.CappedRatio(self.of, self.over, self.target, self.zero_below)


class BandRow(_Row):
    from_: Number = Field(alias="from")
    points: Number = Field(ge=0)


class BandsRow(_Row):
    kind: Literal["bands"]
    of: Sum
    over: Sum | None = None
    bands: list[BandRow] = Field(min_length=1, max_length=50)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        starts = [band.from_ for band in self.bands]
        if starts != sorted(set(starts)):
            raise ValueError("the bands must rise by `from`, each different from the one before")
        return self

    def formula(self, _id: str, maximum: Fraction) -> criteria.Formula:
        if any(band.points > maximum for band in self.bands):
            raise ValueError("a band gives more than the criterion's max")
        return criteria.Bands(
            self.of, self.over, tuple(criteria.Band(band.from_, band.points) for band in self.bands)
        )


class PerItemRow(_Row):
    kind: Literal["per_item"]
    of: Sum
    each: Positive

    def formula(self, _id: str, _maximum: Fraction) -> criteria.Formula:
        return criteria.PerItem(self.of, self.each)


class CoverageRow(_Row):
    kind: Literal["coverage"]
    prefix: str = ""
    items: list[str] = Field(min_length=1, max_length=100)
    at_least: int = Field(default=1, ge=1)
    target: Positive = Fraction(1)

    @model_validator(mode="after")
    def _listed(self) -> Self:
        if len(set(self.items)) != len(self.items):
            raise ValueError("the list names an item twice")
        for item in self.items:
            if not flows.is_indicator(self.prefix + item):
                raise ValueError(f"{self.prefix}{item} is not an indicator")
        if self.target > 1:
            raise ValueError("the target is a share of the list: 1 at most")
        return self

    def formula(self, _id: str, _maximum: Fraction) -> criteria.Formula:
        return criteria.Coverage(tuple(self.prefix + item for item in self.items), self.at_least, self.target)


class DeductionRow(_Row):
    kind: Literal["deduction"]
    of: Sum
    each: Positive
    floor: Number = Field(default=Fraction(0), ge=0)

    def formula(self, _id: str, maximum: Fraction) -> criteria.Formula:
        if self.floor > maximum:
            raise ValueError("the floor lies above the criterion's max")
        return criteria.Deduction(self.of, self.each, self.floor)


class JudgedRow(_Row):
    kind: Literal["judged"]

    def formula(self, identifier: str, _maximum: Fraction) -> criteria.Formula:
        return criteria.Judged(flows.JUDGED + identifier, flows.JUDGED_HUNDREDTHS + identifier)


class ConstantRow(_Row):
    kind: Literal["constant"]
    points: Number = Field(ge=0)

    def formula(self, _id: str, maximum: Fraction) -> criteria.Formula:
        if self.points > maximum:
            raise ValueError("gives more than the criterion's max")
        return criteria.Constant(self.points)


FormulaRow = Annotated[
    CappedRatioRow | BandsRow | PerItemRow | CoverageRow | DeductionRow | JudgedRow | ConstantRow,
    Field(discriminator="kind"),
]


class Eligible(_Row):
    """Who a rule set (or one criterion) is for. Every attribute that is given must fit."""

    module: Literal["content", "qa", "dossier"] | None = None
    blocs: list[Literal["party", "government", "none"]] | None = None
    groups: list[str] | None = None
    parents: list[str] | None = None
    agencies: list[str] | None = None
    except_: list[str] = Field(default_factory=list, alias="except")

    def admits(self, agency: "Scored") -> bool:
        """Whether an agency is meant."""
        if agency.agency in self.except_:
            return False
        return all(
            (
                self.module is None or self.module in agency.modules,
                self.blocs is None or agency.bloc in self.blocs,
                self.groups is None or agency.group in self.groups,
                self.parents is None or agency.parent in self.parents,
                self.agencies is None or agency.agency in self.agencies,
            )
        )


class VolumeRow(_Row):
    of: Sum
    at_least: int = Field(ge=1)


class CriterionRow(_Row):
    """One criterion as the file writes it."""

    id: Slug
    max: Positive
    bonus: bool = False
    provenance: Provenance
    title: Bilingual
    rule: Bilingual
    note: Bilingual | None = None
    """What of it is known from where, and what was filled in."""
    formula: FormulaRow
    nothing: criteria.Nothing = "zero"
    zero_when: list[Comparison] = Field(default_factory=list, max_length=10)
    minimum_volume: VolumeRow | None = None
    eligible: Eligible | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self.formula.formula(self.id, self.max)
        return self


class Scale(_Row):
    base: Positive
    bonus: Number = Field(ge=0)
    provenance: Provenance


class RuleSetRow(_Row):
    """A rule set as the file writes it."""

    id: Slug
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
    family: Slug
    owner: Slug | None = None
    """The district whose rule set it is: it scores the communes of that district and nobody else."""
    module: Literal["content", "qa", "dossier", "index"]
    valid_from: date
    valid_to: date | None = None
    title: Bilingual
    legal_basis: list[Bilingual] = Field(min_length=1, max_length=20)
    scale: Scale
    eligible: Eligible
    criteria: list[CriterionRow] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _owned(self) -> Self:
        if (self.family == "communes") != (self.owner is not None):
            raise ValueError("a rule set of the family communes, and no other, names its district as `owner`")
        return self


@dataclass(frozen=True, slots=True)
class Scored:
    """What scoring needs to know of an agency."""

    agency: str
    group: str
    bloc: str
    parent: str | None
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion, ready to work out."""

    id: str
    max: Fraction
    bonus: bool
    provenance: Provenance
    title: Bilingual
    rule: Bilingual
    formula: criteria.Formula
    kind: str
    policies: criteria.Policies
    eligible: Eligible | None
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """The counts it looks at."""
    known: dict[tuple[int | None, ...], criteria.Outcome] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )
    """Outcomes that were worked out, by the values of `names` (score.py)."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", criteria.names_of(self.formula, self.policies))


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A checked rule set."""

    id: str
    version: str
    family: str
    module: str
    valid_from: date
    valid_to: date | None
    base: Fraction
    bonus: Fraction
    eligible: Eligible
    criteria: tuple[Criterion, ...]
    row: RuleSetRow
    text: str = ""
    """The file as it was read: kept with a seal, so that the points can be worked out again."""
    lines: Lines = field(default_factory=lambda: Lines("rulesets", {}), repr=False, compare=False)
    """Where each place of the file stands: a later check names the line too."""

    @property
    def owner(self) -> str | None:
        """The district whose rule set it is; None when it is the province's."""
        return self.row.owner

    def admits(self, agency: "Scored") -> bool:
        """Whether it scores an agency: a district's own rule set only its own communes."""
        return (self.owner is None or agency.parent == self.owner) and self.eligible.admits(agency)

    @property
    def name(self) -> str:
        """`<id>@<version>`, as scores cite it."""
        return f"{self.id}@{self.version}"

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def names(self) -> frozenset[str]:
        """The counts that any of its criteria looks at."""
        return frozenset(name for criterion in self.criteria for name in criterion.names)


def read_rule_set(text: str, file: str) -> RuleSet:
    """A rule set from its text; `file` is for the messages. Raises DataFileError with every mistake."""
    row, lines = parse_data(text, file, RuleSetRow)
    problems = list(_mistakes(row, lines))
    if problems:
        raise DataFileError(problems)
    return RuleSet(
        row.id,
        row.version,
        row.family,
        row.module,
        row.valid_from,
        row.valid_to,
        row.scale.base,
        row.scale.bonus,
        row.eligible,
        tuple(_criterion(criterion) for criterion in row.criteria),
        row,
        text,
        lines,
    )


def _criterion(row: CriterionRow) -> Criterion:
    volume = row.minimum_volume
    policies = criteria.Policies(
        row.nothing, tuple(row.zero_when), volume.of if volume else None, volume.at_least if volume else 0
    )
    return Criterion(
        row.id,
        row.max,
        row.bonus,
        row.provenance,
        row.title,
        row.rule,
        row.formula.formula(row.id, row.max),
        row.formula.kind,
        policies,
        row.eligible,
    )


def _mistakes(row: RuleSetRow, lines: Lines) -> Iterable[Problem]:
    seen: set[str] = set()
    for position, criterion in enumerate(row.criteria):
        if criterion.id in seen:
            yield lines.problem(("criteria", position, "id"), f"{criterion.id} stands here twice")
        seen.add(criterion.id)
        if (criterion.max * 100).denominator != 1:
            yield lines.problem(("criteria", position, "max"), "points have two decimals at most")
    for name, bonus in (("base", False), ("bonus", True)):
        stated: Fraction = row.scale.bonus if bonus else row.scale.base
        found = sum((c.max for c in row.criteria if c.bonus is bonus), Fraction(0))
        if found != stated:
            yield lines.problem(
                ("scale", name), f"says {float(stated):g}, but the {name} criteria add up to {float(found):g}"
            )
    if row.valid_to is not None and row.valid_to < row.valid_from:
        yield lines.problem(("valid_to",), "lies before valid_from")


class RuleBook:
    """All rule sets over time, and which one an agency is scored under.

    `families` are those that score here: the published ones unless another is asked for with `only`.
    """

    def __init__(self, rule_sets: Sequence[RuleSet], families: Collection[str] = PUBLISHED) -> None:
        self.rule_sets = tuple(rule_sets)
        self.scoring = frozenset(families)
        self.by_name = {rule_set.name: rule_set for rule_set in self.rule_sets}

    def families(self) -> tuple[str, ...]:
        """Every family that has a rule set, in order."""
        return tuple(sorted({rule_set.family for rule_set in self.rule_sets}))

    def only(self, family: str) -> "RuleBook":
        """The same rule sets, of which only one family scores."""
        return RuleBook(self.rule_sets, (family,))

    def live(self) -> tuple[RuleSet, ...]:
        """Every rule set of the families that score here, whatever the day."""
        return tuple(r for r in self.rule_sets if r.family in self.scoring)

    def on(self, day: date) -> tuple[RuleSet, ...]:
        """The rule sets that score here and are in force on a day."""
        return tuple(r for r in self.live() if r.holds_on(day))

    def of(self, agency: Scored, window: Window) -> tuple[RuleSet, ...]:
        """What an agency is scored under in a window: the rules in force on its first day.

        A rule set that changes within a quarter takes effect with the next one, so that nobody is measured
        by two yardsticks at once.
        """
        return tuple(r for r in self.on(window.first) if r.admits(agency))

    def check(self, agencies: Iterable[Scored]) -> None:
        """Raises DataFileError, with file and line, when two rule sets would score one agency in one module
        on one day, and when a rule set's owner is no district with communes.
        """
        named = list(agencies)
        parents = {agency.parent for agency in named if agency.group == "communes"}
        problems = [
            rule_set.lines.problem(("owner",), f"{rule_set.owner} has no communes in the register")
            for rule_set in self.rule_sets
            if rule_set.owner is not None and rule_set.owner not in parents
        ]
        for position, one in enumerate(self.rule_sets):
            for other in self.rule_sets[position + 1 :]:
                if _meet(one, other):
                    both = [a.agency for a in named if one.admits(a) and other.admits(a)]
                    reason = f"{one.name} and {other.name} would both score %s in {one.module}"
                    problems += [other.lines.problem(("eligible",), reason % name) for name in both[:1]]
        if problems:
            raise DataFileError(problems)


def _meet(one: RuleSet, other: RuleSet) -> bool:
    """Whether two rule sets score the same module at the same time in one score."""
    together = one.family == other.family or {one.family, other.family} <= PUBLISHED
    return together and one.module == other.module and _overlap(one, other)


def _overlap(one: RuleSet, other: RuleSet) -> bool:
    last = date.max
    return one.valid_from <= (other.valid_to or last) and other.valid_from <= (one.valid_to or last)


def read_rule_book(directory: Path = RULESETS) -> RuleBook:
    """Every `*.yaml` of a directory, by file name. Raises DataFileError with every mistake of every file."""
    files = sorted(directory.glob("*.yaml"))
    if not 1 <= len(files) <= MAX_FILES:
        raise DataFileError([Problem(str(directory), 1, "", f"holds {len(files)} rule sets")])
    rule_sets: list[RuleSet] = []
    problems: list[Problem] = []
    for file in files:
        try:
            rule_sets.append(read_rule_set(file.read_text(encoding="utf-8"), str(file)))
        except DataFileError as error:
            problems += error.problems
    names = [rule_set.name for rule_set in rule_sets]
    problems += [
        Problem(str(directory), 1, "id", f"{name} is used by two files")
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    if problems:
        raise DataFileError(problems)
    return RuleBook(rule_sets)
