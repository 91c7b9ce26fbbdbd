"""``python -m services.report.audit FILE [--json] [--strict]``: audit a report that exists."""

import argparse
import sys
from pathlib import Path

from services.report.audit.audit import TooLarge, audit_file
from services.report.audit.findings import Audit, Coverage, Result, Severity
from services.report.audit.sources import Unreadable


def main(arguments: list[str] | None = None) -> int:
    """Print the audit; the exit code is 2 for a file that cannot be read and, with --strict, 1 for an
    alarm."""
    options = _parser().parse_args(arguments)
    try:
        audit = audit_file(options.file)
    except (Unreadable, TooLarge) as problem:
        print(problem, file=sys.stderr)
        return 2
    if options.json:
        sys.stdout.write(audit.model_dump_json(indent=2) + "\n")
    else:
        sys.stdout.write(render(audit, every_check=options.checks))
    return 1 if options.strict and audit.alarms else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.report.audit",
        description="Đọc một báo cáo và tính lại các số trong đó. "
        "Read a report and recompute its sums, shares and changes.",
    )
    parser.add_argument("file", type=Path, help=".docx or UTF-8 text")
    parser.add_argument("--json", action="store_true", help="the whole audit as JSON on standard output")
    parser.add_argument("--checks", action="store_true", help="list also the relations that hold")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when something does not recompute")
    return parser


def render(audit: Audit, *, every_check: bool = False) -> str:
    """The audit as plain text, Vietnamese first."""
    summary = audit.summary
    lines = [
        f"Rà soát số liệu / Audit: {audit.source}",
        f"  {summary.numbers} số / numbers · {summary.recomputed} tính lại khớp / recomputed · "
        f"{summary.contradicted} mâu thuẫn / contradicted · {summary.bounded} trong giới hạn / bounded · "
        f"{summary.unchecked} không có gì để đối chiếu / standing alone",
        f"  {summary.checks_held} phép đối chiếu khớp / relations hold · {summary.alarms} không khớp / "
        f"alarms · "
        f"{summary.notes} lưu ý / notes",
        "",
    ]
    for number, finding in enumerate(audit.findings, start=1):
        lines.extend(_finding(number, finding))
    if every_check:
        lines.append("Khớp / Holds:")
        lines.extend(f"  [{c.section}] {c.relation}: {c.formula}" for c in audit.checks)
        lines.append("")
    alone = [n for n in audit.numbers if n.coverage is Coverage.unchecked]
    if alone:
        lines.append("Không có gì trong văn bản để đối chiếu / Nothing in the text vouches for:")
        lines.extend(f"  [{n.section}] {n.written} {n.unit}".rstrip() for n in alone)
    return "\n".join(lines) + "\n"


def _finding(number: int, finding: Result) -> list[str]:
    label = "KHÔNG KHỚP / ALARM" if finding.severity is Severity.alarm else "LƯU Ý / NOTE"
    lines = [
        f"{number}. {label} · mục {finding.section or '-'}, dòng / line {finding.line} · {finding.relation}",
        f"   ghi / published: {finding.published}    tính / computed: {finding.computed}    "
        f"({finding.formula})",
        f"   {finding.why_vi} {finding.hint_vi}".rstrip(),
        f"   {finding.why_en} {finding.hint_en}".rstrip(),
        f"   « {finding.sentence} »",
    ]
    lines.extend(f"     « {other} »" for other in finding.also)
    return [*lines, ""]


if __name__ == "__main__":
    raise SystemExit(main())
