"""``python -m services.report.documents --scoring-url … --period 2024-Q1 [--to 2024-03-22] --out DIR``"""

import argparse
import json
import sys
from pathlib import Path

from pydantic import ValidationError

from services.report.documents.making import Made, Refused, make_documents
from services.report.documents.prose import ProseError, read_office
from services.report.documents.scoring import ScoringAway
from services.report.documents.snapshot import Unfit
from shared.calendar.periods import parse_day

DEFAULT_URL = "http://127.0.0.1:8004"


def main(arguments: list[str] | None = None) -> int:
    """0 when all documents are written; 1 when the check refused them; 2 when they could not be made."""
    options = _parser().parse_args(arguments)
    try:
        last = parse_day(options.to) if options.to else None
        office = read_office(options.office) if options.office else None
        made = make_documents(
            options.scoring_url, options.period, options.out, last, pdf=not options.no_pdf, office=office
        )
    except Refused as refused:
        for refusal in refused.checked.refusals:
            print(f"TỪ CHỐI / REFUSED: {refusal.reason}\n    « {refusal.where} »", file=sys.stderr)
        return 1
    except (ScoringAway, Unfit, ProseError, ValidationError, ValueError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 2
    _tell(made, as_json=options.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.report.documents",
        description="Xuất báo cáo, phụ biểu và số liệu của một kỳ. "
        "Write a period's report, annexes and data.",
    )
    parser.add_argument(
        "--scoring-url", default=DEFAULT_URL, help=f"the scoring service (default {DEFAULT_URL})"
    )
    parser.add_argument("--period", required=True, help="2024-Q1, 2024-H1 or 2024")
    parser.add_argument(
        "--to", help="the last day that counts, for example 2024-03-22; default: the whole period"
    )
    parser.add_argument("--out", required=True, type=Path, help="directory; made when it is not there")
    parser.add_argument(
        "--office", type=Path, help="who sends the report (default: office.yaml of the package)"
    )
    parser.add_argument("--no-pdf", action="store_true", help="write no PDF, also where LibreOffice is there")
    parser.add_argument("--json", action="store_true", help="print the files and notes as JSON")
    return parser


def _tell(made: Made, *, as_json: bool) -> None:
    files = {name: str(path) for name, path in made.files.items()}
    for note in made.notes:
        print(f"lưu ý / note: {note}", file=sys.stderr)
    if as_json:
        answer = {
            "files": files, "notes": made.notes, "numbers_checked": made.checked.numbers,
            "snapshot": made.snapshot.sha256, "state": made.snapshot.state,
        }  # fmt: skip
        print(json.dumps(answer, ensure_ascii=False, indent=1))
        return
    for name, path in files.items():
        print(f"{name:9} {path}")
    print(f"{made.checked.numbers} số đã kiểm, khớp với bản số liệu / numbers checked against the snapshot")


if __name__ == "__main__":
    raise SystemExit(main())
