"""What an audit says: checks that hold, findings that do not, and what was left unchecked."""

from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Severity(StrEnum):
    """An alarm does not recompute. A note deserves a look, or is weaker than a recomputation."""

    alarm = "alarm"
    note = "note"


class Relation(StrEnum):
    """The arithmetic that ties numbers of a report together."""

    sum_of_parts = "sum_of_parts"
    sum_of_changes = "sum_of_changes"
    change_percent = "change_percent"
    change_of_whole = "change_of_whole"
    earlier_value = "earlier_value"
    share_of_total = "share_of_total"
    fractions_fill_group = "fractions_fill_group"
    same_group_size = "same_group_size"
    group_sizes_sum = "group_sizes_sum"
    part_within_total = "part_within_total"
    flow_balance = "flow_balance"
    scale_sum = "scale_sum"
    points_within_scale = "points_within_scale"
    named_list = "named_list"
    siblings_sum = "siblings_sum"
    same_thing_twice = "same_thing_twice"
    part_equals_total = "part_equals_total"
    table_total = "table_total"


# A number tied only by these is held within bounds or repeated, not recomputed.
BOUNDS = frozenset(
    (
        Relation.earlier_value,
        Relation.part_within_total,
        Relation.points_within_scale,
        Relation.same_thing_twice,
    )
)


class Result(BaseModel):
    """One relation between written numbers, tried.

    `published` is what the text says, `computed` what follows from `numbers` (all as written). `sentence`
    is quoted whole; `also` quotes other places the numbers come from. Numbers are named by their ids in
    `Audit.numbers`.
    """

    model_config = ConfigDict(frozen=True)

    relation: Relation
    holds: bool
    severity: Severity | None = None
    section: str
    line: int
    published: str
    computed: str
    formula: str
    sentence: str
    also: tuple[str, ...] = ()
    why_vi: str = ""
    why_en: str = ""
    hint_vi: str = ""
    hint_en: str = ""
    numbers: tuple[int, ...] = ()


class Coverage(StrEnum):
    """What became of a number: recomputed, contradicted, only bounded, or standing alone."""

    recomputed = "recomputed"
    contradicted = "contradicted"
    bounded = "bounded"
    unchecked = "unchecked"


class Number(BaseModel):
    """A number of the text and whether anything in the text vouches for it."""

    model_config = ConfigDict(frozen=True)

    id: int
    section: str
    line: int
    written: str
    value: Decimal
    unit: str
    part: str
    coverage: Coverage
    relations: tuple[Relation, ...] = ()
    context: str


class Summary(BaseModel):
    """Counts over an audit."""

    numbers: int
    recomputed: int
    contradicted: int
    bounded: int
    unchecked: int
    left_out: dict[str, int] = Field(description="digits that count nothing, by kind: dates, references, …")
    checks_held: int
    alarms: int
    notes: int


class Audit(BaseModel):
    """The whole audit of one text."""

    source: str
    summary: Summary
    findings: tuple[Result, ...]
    checks: tuple[Result, ...]
    numbers: tuple[Number, ...]

    @property
    def alarms(self) -> list[Result]:
        return [f for f in self.findings if f.severity is Severity.alarm]

    @property
    def notes(self) -> list[Result]:
        return [f for f in self.findings if f.severity is Severity.note]
