"""Changes: percent of the earlier value, the earlier value itself, and the change of a whole."""

import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations

from services.report.audit.figures import Figure
from services.report.audit.findings import Relation
from services.report.audit.groups import Group
from services.report.audit.notebook import Notebook, Why
from services.report.audit.quantities import Kind, Part, Quantity
from services.report.audit.units import Unit, unit_after
from services.report.audit.written import Fit, vietnamese

# At most this many totals are tried together as the whole that a percentage speaks of.
MOST_TOTALS_TRIED = 8
_WHOLE = re.compile(r"hệ thống|toàn tỉnh|toàn bộ|toàn hệ thống|tổng|chung|cả nước|toàn ngành", re.IGNORECASE)


def check_changes(notebook: Notebook, groups: Sequence[Group]) -> None:
    for figure in notebook.reading.figures:
        if figure.is_fraction:
            continue
        if figure.change is not None:
            _check_earlier(notebook, figure, figure.change)
        if figure.percent is not None:
            _check_percent(notebook, figure, figure.percent)
        if figure.earlier is not None and figure.change is not None:
            _check_difference(notebook, figure, figure.earlier, figure.change)
    for orphan in notebook.reading.orphans:
        if orphan.kind is Kind.percent and orphan.part is Part.change and _stands_alone(notebook, orphan):
            _check_whole(notebook, orphan)


def _stands_alone(notebook: Notebook, percent: Quantity) -> bool:
    """Whether the sentence gives no number that the percentage could be a change of."""
    start, _ = notebook.reading.sentence_of(percent)
    return not any(
        q.block == percent.block and start <= q.start < percent.start for q in notebook.reading.quantities
    )


def _check_earlier(notebook: Notebook, figure: Figure, change: Quantity) -> None:
    value = figure.quantity
    earlier = value.value - change.value
    formula = f"{value.shown} {'−' if change.value >= 0 else '+'} {change.shown} = {vietnamese(earlier)}"
    if earlier >= 0:
        notebook.holds(Relation.earlier_value, (change, value), formula)
        return
    why = Why(
        f"Tăng {change.shown} nhưng nay chỉ có {value.shown}: số cùng kỳ sẽ là số âm.",
        f"An increase of {change.shown} on what is now {value.shown} would make the earlier value negative.",
    )
    notebook.fails(Relation.earlier_value, (change, value), formula, f"≤ {value.shown}", why)


def _check_difference(notebook: Notebook, figure: Figure, earlier: Quantity, change: Quantity) -> None:
    value = figure.quantity
    computed = value.value - earlier.value
    formula = f"{value.shown} − {earlier.shown} = {vietnamese(computed)}"
    if change.fits(computed) in (Fit.exact, Fit.rounded):
        notebook.holds(Relation.earlier_value, (change, value, earlier), formula)
        return
    why = Why(
        f"Chênh lệch giữa hai kỳ là {vietnamese(computed)}, không phải {vietnamese(change.value)}.",
        f"The two periods differ by {vietnamese(computed)}, not {vietnamese(change.value)}.",
    )
    notebook.fails(Relation.change_percent, (change, value, earlier), formula, vietnamese(computed), why)


def _check_percent(notebook: Notebook, figure: Figure, percent: Quantity) -> None:
    value = figure.quantity
    earlier = figure.earlier.value if figure.earlier is not None else None
    numbers = [percent, value]
    if figure.change is not None:
        numbers.append(figure.change)
        change = figure.change.value
        earlier = value.value - change if earlier is None else earlier
    elif earlier is not None:
        change = value.value - earlier
    else:
        return
    if earlier <= 0:
        return
    computed = change * 100 / earlier
    formula = f"{vietnamese(abs(change))} / {vietnamese(earlier)} = {vietnamese(abs(computed), 1)}%"
    verdict = percent.fits(computed)
    if verdict in (Fit.exact, Fit.rounded):
        notebook.holds(Relation.change_percent, numbers, formula)
        return
    why = _percent_why(percent, value, change, earlier, computed)
    notebook.fails(Relation.change_percent, numbers, formula, f"{vietnamese(abs(computed), 1)}%", why)


def _percent_why(
    percent: Quantity, value: Quantity, change: Decimal, earlier: Decimal, computed: Decimal
) -> Why:
    shown = vietnamese(abs(computed), 1)
    base, difference, stated = vietnamese(earlier), vietnamese(abs(change)), percent.written
    vi = f"So với kỳ trước ({base}), {difference} là {shown}%, không phải {stated}."
    en = f"Of the earlier value ({base}), {difference} is {shown}%, not {stated}."
    if computed * percent.value < 0:
        return Why(vi, en, "Chiều tăng, giảm trái ngược nhau.", "One says up, the other down.")
    if value.value and percent.fits(change * 100 / value.value) in (Fit.exact, Fit.rounded):
        return Why(
            vi, en,
            f"{percent.written} là kết quả chia cho số kỳ này ({value.shown}).",
            f"{percent.written} comes from dividing by this period's value ({value.shown}).",
        )  # fmt: skip
    return Why(vi, en)


def _check_whole(notebook: Notebook, percent: Quantity) -> None:
    """A percentage without a value before it: of 'từ … lên …' behind it, or of the totals of the text.

    Totals with the same unit are tried alone and together; all together when the sentence speaks of the
    whole.
    """
    behind = _from_to_behind(notebook, percent)
    if behind is not None:
        _check_percent(notebook, behind, percent)
        return
    unit = _unit_before(notebook, percent)
    totals = _totals(notebook, unit)
    if not totals:
        return
    sentence = notebook.reading.sentence(percent)
    whole = bool(_WHOLE.search(sentence))
    tried = [tuple(totals)] if whole or len(totals) == 1 else []
    if not whole:
        tried = [c for size in range(1, len(totals) + 1) for c in combinations(totals, size)]
    for chosen in tried:
        change, earlier = _change_and_earlier(chosen)
        if earlier > 0 and percent.fits(change * 100 / earlier) in (Fit.exact, Fit.rounded):
            notebook.holds(Relation.change_of_whole, _numbers(percent, chosen), _whole_formula(chosen))
            return
    change, earlier = _change_and_earlier(totals)
    if earlier <= 0 or _unknown_totals(notebook, unit):
        return
    shown = f"{vietnamese(abs(change * 100 / earlier), 1)}%"
    values = " + ".join(f.quantity.shown for f in totals)
    why = Why(
        f"Cộng các tổng số trong báo cáo ({values}) thì mức tăng, giảm là {shown}, không phải "
        f"{percent.written}.",
        f"The totals of the text together ({values}) changed by {shown}, not {percent.written}.",
    )
    notebook.fails(Relation.change_of_whole, _numbers(percent, totals), _whole_formula(totals), shown, why)


def _unit_before(notebook: Notebook, percent: Quantity) -> Unit | None:
    """The nouns of the lexicon that stand before the percentage in its sentence, the longest run of them."""
    block = notebook.reading.blocks[percent.block]
    start, _ = notebook.reading.sentence_of(percent)
    best: Unit | None = None
    for match in re.finditer(r"(?<!\w)\w", block.folded[start : percent.start]):
        unit = unit_after(block.folded, start + match.start(), percent.start)
        if len(unit.terms) > (len(best.terms) if best else 1):
            best = unit
    return best


def _totals(notebook: Notebook, unit: Unit | None) -> list[Figure]:
    """Figures of exactly this unit with a change that are part of nothing else."""
    if unit is None:
        return []
    figures = [
        f for f in notebook.reading.figures
        if f.quantity.unit.terms == unit.terms and f.change is not None and f.part_of is None
        and f.quantity.bracket is None and not f.is_fraction
    ]  # fmt: skip
    return figures[:MOST_TOTALS_TRIED]


def _from_to_behind(notebook: Notebook, percent: Quantity) -> Figure | None:
    _, end = notebook.reading.sentence_of(percent)
    behind = (f for f in notebook.reading.figures_in(percent.block) if percent.end <= f.quantity.start < end)
    return next((f for f in behind if f.earlier is not None), None)


def _unknown_totals(notebook: Notebook, unit: Unit | None) -> bool:
    """Whether the text gives another total of this unit without a change: then the whole is not known."""
    return unit is not None and any(
        f.quantity.unit.terms == unit.terms
        and f.change is None
        and f.part_of is None
        and f.quantity.bracket is None
        for f in notebook.reading.figures
    )


def _change_and_earlier(figures: Sequence[Figure]) -> tuple[Decimal, Decimal]:
    change = sum((f.change.value for f in figures if f.change is not None), Decimal(0))
    value = sum((f.quantity.value for f in figures), Decimal(0))
    return change, value - change


def _numbers(percent: Quantity, figures: Sequence[Figure]) -> list[Quantity]:
    return [percent, *(q for f in figures for q in (f.quantity, f.change) if q is not None)]


def _whole_formula(figures: Sequence[Figure]) -> str:
    changes = " + ".join(vietnamese(f.change.value) for f in figures if f.change is not None)
    earlier = " + ".join(
        vietnamese(f.quantity.value - f.change.value) for f in figures if f.change is not None
    )
    change, base = _change_and_earlier(figures)
    return f"({changes}) / ({earlier}) = {vietnamese(abs(change * 100 / base), 1)}%" if base else changes
