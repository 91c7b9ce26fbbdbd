"""Parts add up to their total, and changes of parts to the change of the total."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations

from services.report.audit.figures import Figure, Flow
from services.report.audit.findings import Relation, Severity
from services.report.audit.groups import Group
from services.report.audit.notebook import Notebook, Why
from services.report.audit.quantities import Quantity
from services.report.audit.written import Fit, vietnamese

# Structures of parts within parts are searched by trying; more than this many parts are only added up.
MOST_PARTS_SEARCHED = 10


def check_sums(notebook: Notebook, groups: Sequence[Group]) -> None:
    for group in groups:
        if all(p.is_fraction for p in group.parts):
            continue  # fractions.py asks whether they fill their group
        if len(group.parts) == 1 or group.open:
            _check_bound(notebook, group)
        elif not _is_flow(notebook, group):
            _check_sum(notebook, group)


def _check_bound(notebook: Notebook, group: Group) -> None:
    total = group.total.quantity
    for part in group.parts:
        numbers = (part.quantity, total)
        formula = f"{part.quantity.shown} ≤ {total.shown}"
        if part.quantity.value <= total.value:
            notebook.holds(Relation.part_within_total, numbers, formula)
        elif part.quantity.unit.terms:
            why = Why(
                f"Phần ({part.quantity.written}) lớn hơn tổng ({total.written}) mà nó thuộc về.",
                f"The part ({part.quantity.written}) is more than the total ({total.written}) it belongs to.",
            )
            notebook.fails(Relation.part_within_total, numbers, formula, f"≤ {total.shown}", why)


def _is_flow(notebook: Notebook, group: Group) -> bool:
    """Resolved and open dossiers are no parts of those received: some were carried over. flows.py ties
    them."""
    flows = {p.flow for p in group.parts}
    if group.total.flow is not Flow.received or not flows & {Flow.resolved, Flow.open}:
        return False
    section = notebook.reading.section(group.total.quantity)
    return any(
        f.flow is Flow.carried_over and notebook.reading.section(f.quantity) == section
        for f in notebook.reading.figures
    )


def _check_sum(notebook: Notebook, group: Group) -> None:
    total = group.total.quantity
    parts = _adding_parts(group)
    if parts is None and len(group.narrow) >= 2 and _adds_up(group.narrow, group.total):
        parts = group.narrow
    if parts is None:
        _report_sum(notebook, group)
        return
    numbers = (total, *(p.quantity for p in group.parts))
    notebook.holds(Relation.sum_of_parts, numbers, _sum_formula([p.quantity for p in parts], total))
    _check_changes(notebook, group.total, parts)


def _adding_parts(group: Group) -> list[Figure] | None:
    """The parts that add up to the total: all, all but what was carried over, or those with parts of their
    own."""
    if _adds_up(group.parts, group.total):
        return group.parts
    fresh = [p for p in group.parts if p.flow is not Flow.carried_over]
    if group.total.flow is not Flow.carried_over and len(fresh) >= 2 and _adds_up(fresh, group.total):
        return fresh
    if 2 < len(group.parts) <= MOST_PARTS_SEARCHED:
        return _nested(group)
    return None


def _nested(group: Group) -> list[Figure] | None:
    """A subset that makes the total while every other part helps to make up one of the subset.

    It may be a single part: of 5 questions 5 were eligible, 3 answered and 2 waiting.
    """
    for size in range(1, len(group.parts) - 1):
        for chosen in combinations(group.parts, size):
            if not _adds_up(chosen, group.total):
                continue
            rest = [p for p in group.parts if p not in chosen]
            if all(any(_in_subset(p, rest, c) for c in chosen) for p in rest):
                return list(chosen)
    return None


def _in_subset(part: Figure, rest: Sequence[Figure], whole: Figure) -> bool:
    others = [p for p in rest if p is not part]
    return any(
        _adds_up((part, *more), whole)
        for size in range(1, len(others) + 1)
        for more in combinations(others, size)
    )


def _adds_up(parts: Sequence[Figure], total: Figure) -> bool:
    computed = sum((p.quantity.value for p in parts), Decimal(0))
    slack = sum((p.quantity.step / 2 for p in parts), Decimal(0))
    exact_parts = slack == 0
    if exact_parts:
        return total.quantity.fits(computed) in (Fit.exact, Fit.rounded)
    return abs(computed - total.quantity.value) <= slack + total.quantity.step / 2


def _report_sum(notebook: Notebook, group: Group) -> None:
    total = group.total.quantity
    quantities = [p.quantity for p in group.parts]
    computed = sum((q.value for q in quantities), Decimal(0))
    fitting = [_fitting(q, total, computed) for q in quantities]
    nearby = next((f for f in fitting if f), None)
    why = Why(
        f"Các phần cộng lại là {vietnamese(computed)}, không phải {total.written}.",
        f"The parts add up to {vietnamese(computed)}, not {total.written}.",
        f"Nếu {nearby[0]} là {nearby[1]} thì khớp." if nearby else "",
        f"{nearby[1]} in place of {nearby[0]} would fit." if nearby else "",
    )
    formula = " + ".join(q.shown for q in quantities) + f" = {vietnamese(computed)}"
    severity = Severity.note if group.strangers else Severity.alarm
    notebook.fails(
        Relation.sum_of_parts, (total, *quantities), formula, vietnamese(computed), why, severity=severity
    )


def _fitting(part: Quantity, total: Quantity, computed: Decimal) -> tuple[str, str] | None:
    """The value one part would need, when it is one digit more, less or other than written: a likely slip."""
    needed = total.value - (computed - part.value)
    if needed < 0:
        return None
    have, want = str(int(part.value)), str(int(needed))
    if _one_slip(have, want) or _one_slip(want, have):
        return part.written, vietnamese(needed)
    return None


def _one_slip(longer: str, shorter: str) -> bool:
    if len(longer) == len(shorter) + 1:
        return any(longer[:i] + longer[i + 1 :] == shorter for i in range(len(longer)))
    return len(longer) == len(shorter) and sum(a != b for a, b in zip(longer, shorter, strict=True)) == 1


def _check_changes(notebook: Notebook, total: Figure, parts: Sequence[Figure]) -> None:
    changes = [p.change for p in parts if p.change is not None]
    if total.change is None or len(changes) != len(parts):
        return
    computed = sum((c.value for c in changes), Decimal(0))
    numbers = (total.change, *changes)
    formula = (
        " + ".join(_signed(c.value) for c in changes).replace("+ -", "- ") + f" = {vietnamese(computed)}"
    )
    if total.change.fits(computed) in (Fit.exact, Fit.rounded):
        notebook.holds(Relation.sum_of_changes, numbers, formula)
        return
    why = Why(
        f"Mức tăng, giảm của các phần cộng lại là {vietnamese(computed)}, không phải "
        f"{_signed(total.change.value)}.",
        f"The changes of the parts add up to {vietnamese(computed)}, not {_signed(total.change.value)}.",
    )
    notebook.fails(Relation.sum_of_changes, numbers, formula, vietnamese(computed), why)


def _sum_formula(parts: Sequence[Quantity], total: Quantity) -> str:
    return " + ".join(p.shown for p in parts) + f" = {total.shown}"


def _signed(value: Decimal) -> str:
    return vietnamese(value)
