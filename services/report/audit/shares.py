"""Shares: 'chiếm 1,9%', 'đạt 98,1% tổng số …' of a total that the sentence names or that is in reach."""

import re
from dataclasses import dataclass
from decimal import Decimal

from services.report.audit.figures import Figure, Flow, Reading, flow_in
from services.report.audit.findings import Relation
from services.report.audit.notebook import Notebook, Why
from services.report.audit.quantities import Quantity
from services.report.audit.written import Fit, vietnamese

_BASE = re.compile(r"^\s*(?:trên|của|so với|trong|/)?\s*tổng(?: số)?(?P<what>[^;,.()]*)", re.IGNORECASE)
# Shares of plans and of earlier periods are not shares of a total of the text.
_FOREIGN = re.compile(
    r"^\s*(?:so với\s+|của\s+)?(?:kế hoạch|dự toán|chỉ tiêu|mục tiêu|nhiệm vụ|KH|cùng kỳ|năm|quý|so "
    r"với|định mức)",
    re.IGNORECASE,
)
_WITH_CARRIED = re.compile(r"gồm cả[^()]*tồn|cả[^()]*tồn|kỳ trước", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Base:
    """A candidate for what a share is of."""

    value: Decimal
    numbers: tuple[Quantity, ...]
    formula: str


def check_shares(notebook: Notebook) -> None:
    for figure in notebook.reading.figures:
        if figure.share is None or _FOREIGN.match(figure.share.after):
            continue
        if figure.is_fraction:
            _check_fraction(notebook, figure, figure.share)
        else:
            _check_share(notebook, figure, figure.share)


def _check_fraction(notebook: Notebook, figure: Figure, share: Quantity) -> None:
    value = figure.quantity
    if not value.other:
        return
    _judge(notebook, value, share, [Base(value.other, (), vietnamese(value.other))])


def _check_share(notebook: Notebook, figure: Figure, share: Quantity) -> None:
    bases = _bases(notebook.reading, figure, share)
    if bases:
        _judge(notebook, figure.quantity, share, bases)


def _judge(notebook: Notebook, part: Quantity, share: Quantity, bases: list[Base]) -> None:
    for base in bases:
        computed = part.value * 100 / base.value
        formula = f"{part.shown} / {base.formula} = {vietnamese(computed, 1)}%"
        if share.fits(computed) in (Fit.exact, Fit.rounded):
            notebook.holds(Relation.share_of_total, (share, part, *base.numbers), formula)
            return
    base = bases[0]
    computed = part.value * 100 / base.value
    shown = f"{vietnamese(computed, 1)}%"
    others = [f"{part.shown} / {b.formula} = {vietnamese(part.value * 100 / b.value, 1)}%" for b in bases[1:]]
    why = Why(
        f"{part.written} trên {base.formula} là {shown}, không phải {share.written}.",
        f"{part.written} of {base.formula} is {shown}, not {share.written}.",
        f"Cũng không khớp: {'; '.join(others)}." if others else "",
        f"Nor does {'; '.join(others)}." if others else "",
    )
    formula = f"{part.shown} / {base.formula} = {shown}"
    notebook.fails(Relation.share_of_total, (share, part, *base.numbers), formula, shown, why)


def _bases(reading: Reading, figure: Figure, share: Quantity) -> list[Base]:
    """What the share may be of, the likeliest first. A base named with its verb leaves no choice."""
    named = _BASE.match(share.after)
    if named:
        flow = flow_in(named.group("what"))
        if flow is not Flow.other:
            said = _largest(reading, figure, flow)
            if said is not None:
                return [_base(said)]
    bases: list[Base] = []
    parent = figure.part_of
    if parent is not None and parent.quantity.value and not parent.is_fraction:
        bases.append(_base(parent))
    if figure.flow in (Flow.resolved, Flow.open):
        bases = [*_with_carried(reading, figure), *bases]
    if not bases and named:
        total = _largest(reading, figure, None)
        bases = [_base(total)] if total is not None else []
    return bases


def _base(figure: Figure) -> Base:
    return Base(figure.quantity.value, (figure.quantity,), figure.quantity.shown)


def _in_section(reading: Reading, figure: Figure) -> list[Figure]:
    """Other plain values of the same section whose unit the figure can share."""
    section = reading.section(figure.quantity)
    return [
        f for f in reading.figures
        if f is not figure and reading.section(f.quantity) == section and not f.is_fraction
        and f.quantity.value > 0 and f.quantity.unit.terms & figure.quantity.unit.terms
    ]  # fmt: skip


def _largest(reading: Reading, figure: Figure, flow: Flow | None) -> Figure | None:
    found = [f for f in _in_section(reading, figure) if flow is None or f.flow is flow]
    return max(found, key=lambda f: f.quantity.value, default=None)


def _with_carried(reading: Reading, figure: Figure) -> list[Base]:
    """What was received together with what was carried over: all there was to resolve."""
    received = _largest(reading, figure, Flow.received)
    carried = _largest(reading, figure, Flow.carried_over)
    if received is None or carried is None:
        return []
    a, b = received.quantity, carried.quantity
    base = Base(a.value + b.value, (a, b), f"({a.shown} + {b.shown})")
    if _WITH_CARRIED.search(figure.quantity.after):
        return [base]
    return [base, _base(received)]
