"""Fractions: a of n, b of n … of the same group fill it, and groups of one list speak of the same size."""

import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from services.report.audit.figures import Figure, Flow, Reading, flow_of
from services.report.audit.findings import Relation
from services.report.audit.layout import Block
from services.report.audit.notebook import Notebook, Why
from services.report.audit.quantities import Quantity
from services.report.audit.written import vietnamese

_REST = re.compile(r"còn lại|chưa|không", re.IGNORECASE)


def check_fractions(notebook: Notebook) -> None:
    for figure in notebook.reading.figures:
        if figure.is_fraction:
            _check_bound(notebook, figure.quantity)
    for block in notebook.reading.blocks:
        loose = _loose(notebook.reading, block)
        if len(loose) >= 2:
            _check_paragraph(notebook, block, loose)
        _check_list(notebook, block)


def _loose(reading: Reading, block: Block) -> list[Quantity]:
    """Fractions that the sentence is about; one in a bracket only describes the name before it."""
    figures = [f for f in reading.figures_in(block.index) if f.is_fraction]
    return [f.quantity for f in figures if f.quantity.bracket is None]


def _size(quantity: Quantity) -> Decimal:
    return quantity.other if quantity.other is not None else Decimal(0)


def _check_bound(notebook: Notebook, quantity: Quantity) -> None:
    size = _size(quantity)
    formula = f"{quantity.shown} ≤ {vietnamese(size)}"
    if quantity.value <= size:
        notebook.holds(Relation.part_within_total, (quantity,), formula)
        return
    why = Why(f"{quantity.written}: tử số lớn hơn mẫu số.", f"{quantity.written}: more than there are.")
    notebook.fails(Relation.part_within_total, (quantity,), formula, f"≤ {vietnamese(size)}", why)


def _check_paragraph(notebook: Notebook, block: Block, fractions: Sequence[Quantity]) -> None:
    sizes = Counter(_size(q) for q in fractions)
    if len(sizes) == 1:
        for same in _by_unit(fractions):
            _check_fill(notebook, same, certain=_is_partition(block, same))
        return
    stated = _stated_sizes(notebook.reading, block)
    unknown = [q for q in fractions if _size(q) not in stated]
    if not unknown:
        for size, count in sizes.items():
            if count >= 2:
                same = [q for q in fractions if _size(q) == size]
                _check_fill(notebook, same, certain=_is_partition(block, same))
        return
    odd = min(unknown, key=lambda q: sizes[_size(q)])
    _conflict(notebook, odd, [q for q in fractions if q is not odd])


def _by_unit(fractions: Sequence[Quantity]) -> list[list[Quantity]]:
    """Two or more fractions each of things of one kind; 10/15 xã and 12/15 trường fill nothing together."""
    kinds: dict[frozenset[str], list[Quantity]] = {}
    for quantity in fractions:
        kinds.setdefault(quantity.unit.terms, []).append(quantity)
    return [same for same in kinds.values() if len(same) >= 2]


def _is_partition(block: Block, fractions: Sequence[Quantity]) -> bool:
    """Whether the words show that nobody is counted twice: bands of points, the rest, done and still open."""
    clauses = [block.text[slice(*block.clause_at(q.start))] for q in fractions]
    if any(_REST.search(clause) for clause in clauses) or all("điểm" in clause for clause in clauses):
        return True
    flows = {flow_of(q) for q in fractions}
    return Flow.open in flows and len(flows) > 1


def _stated_sizes(reading: Reading, block: Block) -> set[Decimal]:
    section = block.section
    plain = (f for f in reading.figures if not f.is_fraction)
    return {f.quantity.value for f in plain if reading.section(f.quantity) == section}


def _conflict(notebook: Notebook, odd: Quantity, others: Sequence[Quantity]) -> None:
    sizes = " và ".join(sorted({vietnamese(_size(q)) for q in others}))
    why = Why(
        f"Mẫu số {vietnamese(_size(odd))} khác với {sizes} ở cùng danh sách, và không nêu ở nơi khác.",
        f"The group size {vietnamese(_size(odd))} differs from {sizes} in the same list and is stated "
        f"nowhere else.",
    )
    formula = f"{vietnamese(_size(odd))} = {sizes}"
    notebook.fails(Relation.same_group_size, (odd, *others), formula, sizes, why)


def _check_fill(notebook: Notebook, fractions: Sequence[Quantity], *, certain: bool) -> None:
    """Try whether fractions fill their group. Uncertain ones may overlap: only near misses are told then."""
    computed = sum((q.value for q in fractions), Decimal(0))
    size = _size(fractions[0])
    formula = " + ".join(q.shown for q in fractions) + f" = {vietnamese(computed)}"
    if computed == size:
        notebook.holds(Relation.fractions_fill_group, fractions, formula)
        return
    overlapping = any(q.value == size for q in fractions) or abs(computed - size) * 4 > size
    if not certain and overlapping:
        return
    elsewhere = _same_value(notebook.reading, fractions, computed)
    why = Why(
        f"Cộng lại là {vietnamese(computed)}, mẫu số lại là {vietnamese(size)}.",
        f"They add up to {vietnamese(computed)}, the group is given as {vietnamese(size)}.",
        f"Cùng đoạn có “{elsewhere}”: mẫu số có lẽ là {vietnamese(computed)}." if elsewhere else "",
        f"The same paragraph has “{elsewhere}”: the group is probably {vietnamese(computed)}."
        if elsewhere
        else "",
    )
    published = "; ".join(q.written for q in fractions)
    notebook.fails(
        Relation.fractions_fill_group, fractions, formula, vietnamese(computed), why, published=published
    )


def _same_value(reading: Reading, fractions: Sequence[Quantity], value: Decimal) -> str:
    block = reading.blocks[fractions[0].block]
    for figure in reading.figures_in(block.index):
        quantity = figure.quantity
        if not figure.is_fraction and quantity.value == value:
            return block.quote(quantity.start, max(quantity.unit.end, quantity.end))
    return ""


def _check_list(notebook: Notebook, parent: Block) -> None:
    """Bullets that open with a fraction are one group; bullets with a filled group each are parts of the
    parent."""
    children = notebook.reading.children(parent.index)
    loose = [_loose(notebook.reading, child) for child in children]
    single = [fractions[0] for fractions in loose if len(fractions) == 1]
    several = [fractions for fractions in loose if len(fractions) > 1]
    total = _total_of(notebook.reading, parent)
    if len(single) >= 2 and not several:
        _check_single(notebook, single, total)
    elif len(several) >= 2 and not single and total is not None:
        _check_sizes(notebook, several, total.quantity)


def _total_of(reading: Reading, parent: Block) -> Figure | None:
    plain = [f for f in reading.figures_in(parent.index) if not f.is_fraction and f.quantity.bracket is None]
    return plain[-1] if plain and not parent.heading else None


def _check_single(notebook: Notebook, fractions: Sequence[Quantity], total: Figure | None) -> None:
    sizes = Counter(_size(q) for q in fractions)
    if total is not None and len(sizes) == len(fractions) and sum(sizes) == total.quantity.value:
        numbers = (total.quantity, *fractions)
        formula = " + ".join(vietnamese(_size(q)) for q in fractions) + f" = {total.quantity.shown}"
        notebook.holds(Relation.group_sizes_sum, numbers, formula)
        return
    size, count = sizes.most_common(1)[0]
    if total is not None and total.quantity.value in sizes:
        size = total.quantity.value
    elif count == 1:
        return
    for odd in (q for q in fractions if _size(q) != size):
        _conflict(notebook, odd, [q for q in fractions if _size(q) == size])
    same = [q for q in fractions if _size(q) == size]
    if len(same) == len(fractions):
        announced = total is not None and total.quantity.value == size
        _check_fill(
            notebook, fractions, certain=announced or all("diem" in _words(notebook, q) for q in fractions)
        )
    if total is not None and total.quantity.step == 0:
        _check_stated(notebook, total.quantity, same)


def _words(notebook: Notebook, quantity: Quantity) -> str:
    return notebook.reading.blocks[quantity.block].folded


def _check_stated(notebook: Notebook, total: Quantity, fractions: Sequence[Quantity]) -> None:
    size = _size(fractions[0])
    formula = f"{total.shown} = {vietnamese(size)}"
    if total.value == size:
        notebook.holds(Relation.same_group_size, (total, *fractions), formula)
        return
    why = Why(
        f"Câu mở đầu nêu {total.written}, danh sách lại tính trên {vietnamese(size)}.",
        f"The opening sentence says {total.written}, the list counts out of {vietnamese(size)}.",
    )
    notebook.fails(Relation.same_group_size, (total, *fractions), formula, vietnamese(size), why)


def _check_sizes(notebook: Notebook, several: Sequence[Sequence[Quantity]], total: Quantity) -> None:
    sizes = [{_size(q) for q in fractions} for fractions in several]
    if any(len(s) != 1 for s in sizes):
        return
    each = [next(iter(s)) for s in sizes]
    computed = sum(each, Decimal(0))
    numbers = (total, *(q for fractions in several for q in fractions))
    formula = " + ".join(vietnamese(n) for n in each) + f" = {vietnamese(computed)}"
    if computed == total.value:
        notebook.holds(Relation.group_sizes_sum, numbers, formula)
        return
    why = Why(
        f"Các nhóm cộng lại là {vietnamese(computed)}, câu mở đầu nêu {total.written}.",
        f"The groups add up to {vietnamese(computed)}, the opening sentence says {total.written}.",
    )
    notebook.fails(Relation.group_sizes_sum, numbers, formula, vietnamese(computed), why)
