"""The balance of a flow: carried over + received − resolved − withdrawn or refused = still open."""

from services.report.audit.figures import Figure, Flow
from services.report.audit.findings import Relation
from services.report.audit.notebook import Notebook, Why
from services.report.audit.written import vietnamese

_BALANCED = (Flow.received, Flow.carried_over, Flow.resolved, Flow.open)


def check_flows(notebook: Notebook) -> None:
    reading = notebook.reading
    sections = dict.fromkeys(block.section for block in reading.blocks)
    for section in sections:
        figures = [f for f in reading.figures if not f.is_fraction and reading.section(f.quantity) == section]
        for terms in dict.fromkeys(f.quantity.unit.terms for f in figures if f.quantity.unit.terms):
            same = [f for f in figures if f.quantity.unit.terms == terms and f.quantity.bracket is None]
            _check_balance(notebook, same)


def _check_balance(notebook: Notebook, figures: list[Figure]) -> None:
    found = {flow: _only(figures, flow) for flow in _BALANCED}
    received, resolved = found[Flow.received], found[Flow.resolved]
    still_open, carried = found[Flow.open], found[Flow.carried_over]
    if received is None or resolved is None or still_open is None or carried is None:
        return
    dropped = [f for f in figures if f.flow is Flow.dropped and f.part_of is None]
    gone = [resolved.quantity, *(f.quantity for f in dropped)]
    computed = carried.quantity.value + received.quantity.value - sum(q.value for q in gone)
    numbers = (still_open.quantity, received.quantity, carried.quantity, *gone)
    formula = (
        f"{received.quantity.shown} + {carried.quantity.shown} − {' − '.join(q.shown for q in gone)} = "
        f"{vietnamese(computed)}"
    )
    if computed == still_open.quantity.value:
        notebook.holds(Relation.flow_balance, numbers, formula)
        return
    written = still_open.quantity.written
    why = Why(
        f"Tiếp nhận cộng tồn trừ đã giải quyết còn {vietnamese(computed)}, không phải {written}.",
        f"Received plus carried over less resolved leaves {vietnamese(computed)}, not {written}.",
    )
    notebook.fails(Relation.flow_balance, numbers, formula, vietnamese(computed), why)


def _only(figures: list[Figure], flow: Flow) -> Figure | None:
    """The one figure of this flow that is not part of another of it. Two mean two fields of work: no
    balance."""
    own = [f for f in figures if f.flow is flow and (f.part_of is None or f.part_of.flow is not flow)]
    return own[0] if len(own) == 1 else None
