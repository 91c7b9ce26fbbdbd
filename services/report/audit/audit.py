"""The audit of one text: read it, try every relation, say what holds, what does not and what stands alone."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from services.report.audit.changes import check_changes
from services.report.audit.figures import Reading
from services.report.audit.findings import BOUNDS, Audit, Coverage, Number, Result, Severity, Summary
from services.report.audit.flows import check_flows
from services.report.audit.fractions import check_fractions
from services.report.audit.groups import groups_of
from services.report.audit.layout import blocks_of
from services.report.audit.lists import check_lists
from services.report.audit.notebook import Notebook
from services.report.audit.quantities import Quantity, quantities_of
from services.report.audit.repeats import check_repeats
from services.report.audit.scales import check_scales
from services.report.audit.shares import check_shares
from services.report.audit.sources import read_source
from services.report.audit.sums import check_sums
from services.report.audit.tables import check_tables

# A report has some hundred lines; more than this is not a report but an accident.
MOST_LINES = 20_000
LONGEST_LINE = 20_000


class TooLarge(ValueError):
    """The text is beyond what an audit reads."""


def audit_text(text: str, source: str = "") -> Audit:
    """Audit a report's text, one paragraph a line. Raises TooLarge beyond the limits above."""
    return audit_lines(text.splitlines(), source)


def audit_file(path: Path) -> Audit:
    """Audit a .docx or a text file. Raises Unreadable or TooLarge."""
    source = read_source(path)
    return audit_lines(source.lines, path.name, source.tables)


def audit_lines(lines: Iterable[str], source: str = "", tables: Sequence[list[list[str]]] = ()) -> Audit:
    """Audit paragraphs in order, and tables as rows of cell texts. Raises TooLarge beyond the limits
    above."""
    read = list(lines)
    if len(read) > MOST_LINES or any(len(line) > LONGEST_LINE for line in read):
        raise TooLarge(f"an audit reads at most {MOST_LINES} paragraphs of {LONGEST_LINE} characters")
    blocks = blocks_of(read)
    quantities, cited = quantities_of(blocks)
    reading = Reading(blocks, quantities)
    notebook = Notebook(reading)
    groups = groups_of(reading)
    check_sums(notebook, groups)
    check_changes(notebook, groups)
    check_shares(notebook)
    check_fractions(notebook)
    check_flows(notebook)
    check_scales(notebook)
    check_lists(notebook)
    check_repeats(notebook)
    numbers = tuple(_number(reading, q, notebook.results) for q in quantities)
    left_out = Counter(c.kind for block in cited.values() for c in block)
    return _audit(source, [*notebook.results, *check_tables(list(tables))], numbers, dict(left_out))


def _audit(
    source: str, results: list[Result], numbers: tuple[Number, ...], left_out: dict[str, int]
) -> Audit:
    findings = sorted(
        (r for r in results if not r.holds), key=lambda r: (r.severity != Severity.alarm, r.line)
    )
    checks = tuple(r for r in results if r.holds)
    counted = Counter(n.coverage for n in numbers)
    summary = Summary(
        numbers=len(numbers), recomputed=counted[Coverage.recomputed],
        contradicted=counted[Coverage.contradicted],
        bounded=counted[Coverage.bounded], unchecked=counted[Coverage.unchecked], left_out=left_out,
        checks_held=len(checks), alarms=sum(1 for f in findings if f.severity is Severity.alarm),
        notes=sum(1 for f in findings if f.severity is Severity.note),
    )  # fmt: skip
    return Audit(source=source, summary=summary, findings=tuple(findings), checks=checks, numbers=numbers)


def _number(reading: Reading, quantity: Quantity, results: list[Result]) -> Number:
    block = reading.blocks[quantity.block]
    involved = [r for r in results if quantity.id in r.numbers]
    return Number(
        id=quantity.id, section=block.section, line=block.line, written=quantity.written,
        value=quantity.value,
        unit=block.quote(quantity.end, max(quantity.unit.end, quantity.end)), part=str(quantity.part),
        coverage=_coverage(quantity, involved),
        relations=tuple(dict.fromkeys(r.relation for r in involved)),
        context=block.quote(max(0, quantity.start - 40), min(len(block.text), quantity.end + 40)),
    )  # fmt: skip


def _coverage(quantity: Quantity, involved: list[Result]) -> Coverage:
    """A number is contradicted when an alarm quotes it first or no other relation vouches for it."""
    alarms = [r for r in involved if r.severity is Severity.alarm]
    vouched = [r for r in involved if r.holds and r.relation not in BOUNDS]
    if any(r.numbers[0] == quantity.id for r in alarms) or (alarms and not vouched):
        return Coverage.contradicted
    if vouched:
        return Coverage.recomputed
    return Coverage.bounded if any(r.holds for r in involved) else Coverage.unchecked
