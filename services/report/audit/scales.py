"""Scales of points: base + bonus = maximum, and points awarded stay within the scale in reach."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.report.audit.figures import Reading
from services.report.audit.findings import Relation
from services.report.audit.layout import Block
from services.report.audit.notebook import Notebook, Why
from services.report.audit.quantities import Kind, Part, Quantity
from services.report.audit.written import vietnamese


@dataclass(frozen=True, slots=True)
class Scale:
    """A stated scale. Quantities come from one sentence or bracket."""

    base: Quantity
    bonus: Quantity | None
    maximum: Quantity


def check_scales(notebook: Notebook) -> None:
    by_block = {block.index: list(_scales(notebook.reading, block)) for block in notebook.reading.blocks}
    for scales in by_block.values():
        for scale in scales:
            _check_sum(notebook, scale)
    for block in notebook.reading.blocks:
        in_reach = _scale_in_reach(notebook.reading, block, by_block)
        if in_reach is not None:
            _check_points(notebook, block, in_reach)


def _scales(reading: Reading, block: Block) -> Iterator[Scale]:
    quantities = [q for q in reading.quantities if q.block == block.index]
    for index, quantity in enumerate(quantities):
        if quantity.part is not Part.scale:
            continue
        following = [q for q in quantities[index + 1 : index + 3] if q.bracket == quantity.bracket]
        bonus = next((q for q in following if q.part is Part.bonus), None)
        maximum = next((q for q in following if q.part is Part.maximum), quantity if bonus is None else None)
        if maximum is not None:
            yield Scale(quantity, bonus, maximum)


def _check_sum(notebook: Notebook, scale: Scale) -> None:
    if scale.bonus is None or scale.maximum is scale.base:
        return
    computed = scale.base.value + scale.bonus.value
    numbers = (scale.maximum, scale.base, scale.bonus)
    formula = f"{scale.base.shown} + {scale.bonus.shown} = {vietnamese(computed)}"
    if computed == scale.maximum.value:
        notebook.holds(Relation.scale_sum, numbers, formula)
        return
    why = Why(
        f"Thang điểm {scale.base.written} cộng thêm {scale.bonus.written} là {vietnamese(computed)}, "
        f"không phải {scale.maximum.written}.",
        f"A scale of {scale.base.written} with {scale.bonus.written} more makes {vietnamese(computed)}, "
        f"not {scale.maximum.written}.",
    )
    notebook.fails(Relation.scale_sum, numbers, formula, vietnamese(computed), why)


def _scale_in_reach(reading: Reading, block: Block, by_block: dict[int, list[Scale]]) -> Scale | None:
    """The scale of the block itself, or of the nearest block above it that it belongs to."""
    at: Block | None = block
    while at is not None:
        if by_block[at.index]:
            return by_block[at.index][-1]
        at = reading.blocks[at.parent] if at.parent is not None else None
    return None


def _check_points(notebook: Notebook, block: Block, scale: Scale) -> None:
    own = {id(q) for q in (scale.base, scale.bonus, scale.maximum) if q is not None}
    for quantity in notebook.reading.quantities:
        if quantity.block != block.index or id(quantity) in own or "diem" not in quantity.unit.terms:
            continue
        if quantity.part not in (Part.value, Part.maximum) or quantity.kind not in (Kind.plain, Kind.span):
            continue
        _check_within(notebook, quantity, scale)


def _check_within(notebook: Notebook, quantity: Quantity, scale: Scale) -> None:
    top = quantity.other if quantity.kind is Kind.span and quantity.other is not None else quantity.value
    limit = scale.maximum.value
    exact = quantity.part is Part.maximum
    numbers = (quantity, scale.maximum)
    formula = f"{quantity.written} {'=' if exact else '≤'} {scale.maximum.shown}"
    fits = top == limit if exact else top <= limit and quantity.value <= top
    if fits:
        notebook.holds(Relation.points_within_scale, numbers, formula)
        return
    why = Why(
        f"Thang điểm ở đây tối đa {scale.maximum.shown} điểm, lại ghi {quantity.written} điểm.",
        f"The scale here ends at {scale.maximum.shown} points, the text says {quantity.written}.",
    )
    notebook.fails(Relation.points_within_scale, numbers, formula, scale.maximum.shown, why)
