"""The same thing said in several places: bullets that split a stated total, and a count given twice."""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from services.report.audit.figures import Figure, Reading
from services.report.audit.findings import Relation, Severity
from services.report.audit.layout import Block
from services.report.audit.notebook import Notebook, Why
from services.report.audit.units import same_words
from services.report.audit.written import vietnamese

# Words after the number that must agree before two counts are taken for the same thing.
SAME_WORDS = 6
# Smaller counts are shared by chance.
TELLING_COUNT = 20
_TOTAL = re.compile(r"tổng cộng|tổng số|tất cả", re.IGNORECASE)


def check_repeats(notebook: Notebook) -> None:
    totals = [f for f in notebook.reading.figures if _is_total(notebook.reading, f)]
    for siblings in _siblings(notebook.reading):
        _check_siblings(notebook, siblings, totals)
    _check_twice(notebook)
    _check_part_equals_total(notebook)


def _is_total(reading: Reading, figure: Figure) -> bool:
    block = reading.blocks[figure.quantity.block]
    start, _ = block.sentence_at(figure.quantity.start)
    near = block.text[start : figure.quantity.start][-90:]
    return not figure.is_fraction and figure.quantity.bracket is None and bool(_TOTAL.search(near))


def _siblings(reading: Reading) -> Iterator[list[Figure]]:
    """Three or more bullets of one list that all open with a count of the same unit."""
    parents = dict.fromkeys(b.parent for b in reading.blocks if not b.heading and b.parent is not None)
    for parent in parents:
        leading = [_leading(reading, child) for child in reading.children(parent)]
        found = [f for f in leading if f is not None]
        if len(found) >= 3 and len(found) == len(_opened_by_number(reading, parent)):
            units = {f.quantity.unit.terms for f in found}
            if len(units) == 1 and next(iter(units)):
                yield found


def _opened_by_number(reading: Reading, parent: int) -> list[Block]:
    return [c for c in reading.children(parent) if re.match(r"(?:Có\s+)?\d", c.text)]


def _leading(reading: Reading, block: Block) -> Figure | None:
    figures = reading.figures_in(block.index)
    if figures and not figures[0].is_fraction and re.fullmatch(r"\s*(?:Có\s+)?", figures[0].quantity.before):
        return figures[0]
    return None


def _check_siblings(notebook: Notebook, siblings: Sequence[Figure], totals: Sequence[Figure]) -> None:
    computed = sum((f.quantity.value for f in siblings), Decimal(0))
    unit = siblings[0].quantity.unit
    candidates = [t for t in totals if t.quantity.unit.terms == unit.terms and t not in siblings]
    formula = " + ".join(f.quantity.shown for f in siblings) + f" = {vietnamese(computed)}"
    for total in candidates:
        if total.quantity.value == computed:
            numbers = (total.quantity, *(f.quantity for f in siblings))
            notebook.holds(Relation.siblings_sum, numbers, formula)
            return
    for total in candidates:
        if _splits(siblings, total):
            why = Why(
                f"Cộng lại là {vietnamese(computed)}, nơi khác nêu tổng số {total.quantity.written}.",
                f"They add up to {vietnamese(computed)}; the total is given elsewhere as "
                f"{total.quantity.written}.",
            )
            numbers = (*(f.quantity for f in siblings), total.quantity)
            published = "; ".join(f.quantity.written for f in siblings)
            notebook.fails(
                Relation.siblings_sum, numbers, formula, total.quantity.shown, why, published=published
            )
            return


def _splits(siblings: Sequence[Figure], total: Figure) -> bool:
    """Sharing a count with the total's own parts: then the list speaks of the same things."""
    values = {p.quantity.value for p in total.parts if p.quantity.value >= TELLING_COUNT}
    return any(f.quantity.value in values for f in siblings)


def _check_twice(notebook: Notebook) -> None:
    seen: dict[str, Figure] = {}
    for figure in notebook.reading.figures:
        if figure.is_fraction:
            continue
        block = notebook.reading.blocks[figure.quantity.block]
        words = same_words(block.text, figure.quantity.end, SAME_WORDS)
        if not words:
            continue
        first = seen.setdefault(words, figure)
        if first.quantity.block == figure.quantity.block:
            continue
        numbers = (figure.quantity, first.quantity)
        formula = f"{figure.quantity.shown} = {first.quantity.shown}"
        if first.quantity.value == figure.quantity.value:
            notebook.holds(Relation.same_thing_twice, numbers, formula)
            continue
        why = Why(
            f"Cùng một nội dung nhưng nơi thì {first.quantity.written}, nơi thì {figure.quantity.written}.",
            f"The same thing is given as {first.quantity.written} and as {figure.quantity.written}.",
        )
        counted = bool(figure.part_of or first.part_of)
        severity = Severity.alarm if counted else Severity.note
        notebook.fails(
            Relation.same_thing_twice, numbers, formula, first.quantity.shown, why, severity=severity
        )


def _check_part_equals_total(notebook: Notebook) -> None:
    """'tổng số A và B là T … T A': a part as large as the total it shares with others that are not zero."""
    for total in notebook.reading.figures:
        if not _is_total(notebook.reading, total) or total.parts:
            continue
        sentence = notebook.reading.sentence_of(total.quantity)
        same = [
            f for f in notebook.reading.figures_in(total.quantity.block)
            if total.quantity.end <= f.quantity.start < sentence[1] and not f.is_fraction
            and f.quantity.unit.terms == total.quantity.unit.terms and f.quantity.unit.terms
        ]  # fmt: skip
        twins = [f for f in same if f.quantity.value == total.quantity.value]
        others = [f for f in same if 0 < f.quantity.value < total.quantity.value]
        if twins and others:
            _note_twin(notebook, total, twins[0], others)


def _note_twin(notebook: Notebook, total: Figure, twin: Figure, others: Sequence[Figure]) -> None:
    quantity = total.quantity
    smallest = min(others, key=lambda f: f.quantity.value)
    why = Why(
        f"Tổng số {quantity.written} cũng là số của một phần, trong khi còn phần khác (ví dụ "
        f"{smallest.quantity.written}).",
        f"The total {quantity.written} is also given for one part, while there are others (such as "
        f"{smallest.quantity.written}).",
        "Một trong hai số có lẽ không đúng.",
        "One of the two is probably not right.",
    )
    numbers = (quantity, twin.quantity, *(f.quantity for f in others))
    formula = f"{twin.quantity.shown} + … > {quantity.shown}"
    notebook.fails(
        Relation.part_equals_total, numbers, formula, f"> {quantity.shown}", why, severity=Severity.note
    )
