"""Quantities: each number of a text with its unit, precision and the part it plays in the sentence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.report.audit.citations import Citation, citations, without_citations
from services.report.audit.layout import Block
from services.report.audit.units import NO_UNIT, Unit, unit_after
from services.report.audit.written import (
    HEDGE,
    HEDGES,
    MULTIPLIER,
    MULTIPLIERS,
    NUMBER,
    Fit,
    Hedge,
    fit,
    number_step,
    number_value,
    vietnamese,
)


class Kind(StrEnum):
    """`fraction` is a/b; `span` is a range like 83 - 94."""

    plain = "plain"
    percent = "percent"
    fraction = "fraction"
    span = "span"


class Part(StrEnum):
    """The part a quantity plays: itself, a change, a share, a value of an earlier period, or a scale's
    number."""

    value = "value"
    change = "change"
    share = "share"
    earlier = "earlier"
    scale = "scale"
    bonus = "bonus"
    maximum = "maximum"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One written number. `value` is signed for changes; `other` is the denominator or the upper end."""

    id: int
    block: int
    start: int
    end: int
    written: str
    kind: Kind
    part: Part
    value: Decimal
    other: Decimal | None
    step: Decimal
    hedge: Hedge | None
    unit: Unit
    bracket: tuple[int, int] | None
    before: str
    after: str

    def fits(self, computed: Decimal) -> Fit:
        """Whether the computed value is what is written, in the written precision. Signs of changes count."""
        sign = -1 if self.value < 0 else 1
        return fit(self.value * sign, self.step, self.hedge, computed * sign)

    @property
    def shown(self) -> str:
        return vietnamese(abs(self.value))


_QUANTITY = re.compile(
    rf"(?<![\w.,/·])(?P<hedge>(?:{HEDGE})\s+)?(?P<a>{NUMBER})(?P<apct>\s?%)?"
    rf"(?:\s?(?P<slash>/)\s?(?P<b>{NUMBER})|\s?(?P<dash>[-–]|đến)\s?(?P<c>{NUMBER}))?(?P<pct>\s?%)?"
    rf"(?:\s+(?P<multiplier>{MULTIPLIER})(?!\w))?(?![\d/]|[.,]\d)",
    re.IGNORECASE,
)
_UP = r"(?:tăng|cao hơn|nhiều hơn|vượt)"
_DOWN = r"(?:giảm|thấp hơn|ít hơn)"
_CHANGE = re.compile(
    rf"(?:(?P<up>{_UP})|(?P<down>{_DOWN}))(?:\s+(?:thêm|bớt|đi|được))?"
    r"(?:\s+so với[^;.()\d·]{0,30}·*[^;.()\d·]{0,10}?(?:\s+là)?)?\s*[:(]?\s*$",
    re.IGNORECASE,
)
_EARLIER = re.compile(
    r"(?:cùng kỳ|kỳ trước|quý trước|năm trước)[^;.)\d]{0,25}?(?:là|đạt|:|có)?\s*$", re.IGNORECASE
)
# What was left from an earlier period is counted in this one; 'từ … lên …' is paired in figures.py.
_CARRIED = re.compile(r"(?<!\w)tồn|chuyển|(?<!\w)từ\s*$", re.IGNORECASE)
_SHARE = re.compile(
    r"(?:chiếm|đạt|bằng|tỷ lệ|tỉ lệ|tương đương|tương ứng)"
    r"(?:\s+(?:tỷ lệ|tỉ lệ|khoảng|là|với|trên))*\s*[:(]?\s*$|\(\s*$",
    re.IGNORECASE,
)
_SCALE = re.compile(r"thang điểm\s*(?:là|:)?\s*$", re.IGNORECASE)
_BONUS = re.compile(r"(?:cộng thêm|thưởng thêm|điểm thưởng|điểm cộng)\s*(?:tối đa)?\s*$", re.IGNORECASE)
_MAXIMUM = re.compile(r"tối đa\s*(?:là|:|đạt)?\s*$", re.IGNORECASE)


def quantities_of(blocks: list[Block]) -> tuple[list[Quantity], dict[int, list[Citation]]]:
    """Every quantity in reading order, and per block what was not taken for one."""
    found: list[Quantity] = []
    left: dict[int, list[Citation]] = {}
    for block in blocks:
        cited = citations(block.text)
        left[block.index] = cited
        masked = without_citations(block.text, cited)
        for match in _matches(masked):
            found.append(_quantity(len(found), block, masked, match))
    return found, left


def _matches(masked: str) -> Iterator[re.Match[str]]:
    position = 0
    while match := _QUANTITY.search(masked, position):
        yield match
        position = match.end()


def _quantity(number: int, block: Block, masked: str, match: re.Match[str]) -> Quantity:
    hedge_word = re.sub(r"\s+", " ", (match.group("hedge") or "").strip().lower())
    hedge = HEDGES.get(hedge_word)
    power = MULTIPLIERS.get((match.group("multiplier") or "").lower(), 0)
    percent = bool(match.group("pct") or match.group("apct"))
    kind = Kind.percent if percent else Kind.plain
    other: Decimal | None = None
    if match.group("slash"):
        kind, other = Kind.fraction, number_value(match.group("b"))
    elif match.group("dash"):
        kind, other = Kind.span, number_value(match.group("c")).scaleb(power)
    value = number_value(match.group("a")).scaleb(power)
    start = match.start("a")
    clause_start, clause_end = block.clause_at(start)
    before = masked[clause_start : match.start()]
    part = _part(before, kind)
    if part is Part.change and _CHANGE.search(before).group("down"):  # type: ignore[union-attr]
        value = -value
    unit = NO_UNIT if percent else unit_after(block.folded, match.end(), clause_end)
    if part in (Part.scale, Part.bonus, Part.maximum):
        unit = Unit(frozenset(("diem",)), match.end())
    return Quantity(
        id=number, block=block.index, start=start, end=match.end(),
        written=block.text[start : match.end()].strip(), kind=kind, part=part, value=value, other=other,
        step=_step(match.group("a"), power, percent, hedge is not None), hedge=hedge, unit=unit,
        bracket=block.bracket_at(start), before=before, after=masked[match.end() : clause_end],
    )  # fmt: skip


def _step(text: str, power: int, percent: bool, hedged: bool) -> Decimal:
    step = number_step(text, power, hedged)
    return Decimal(1) if percent and step == 0 else step


def _part(before: str, kind: Kind) -> Part:
    if kind in (Kind.fraction, Kind.span):
        return Part.value
    if _CHANGE.search(before):
        return Part.change
    if kind is Kind.percent:
        return Part.share if _SHARE.search(before) else Part.value
    if _EARLIER.search(before) and not _CARRIED.search(before):
        return Part.earlier
    if _SCALE.search(before):
        return Part.scale
    if _BONUS.search(before):
        return Part.bonus
    if _MAXIMUM.search(before):
        return Part.maximum
    return Part.value
