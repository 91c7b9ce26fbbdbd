"""Making all documents of a period in a directory."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from services.report.documents.annexes import annexes
from services.report.documents.building import build, doubts
from services.report.documents.check import Checked, check_document
from services.report.documents.exports import write_annex_csv, write_figures_csv, write_json
from services.report.documents.pdf import NoPdf, convert
from services.report.documents.prose import Office, as_written, merge, read_office, read_prose, write_prose
from services.report.documents.report import computed_marks, outline, read_last_edition, write_word
from services.report.documents.scoring import Scoring, ask_settled
from services.report.documents.sheets import write_workbook
from services.report.documents.snapshot import Snapshot


class Refused(RuntimeError):
    """The finished document does not follow from its snapshot. `checked` says where."""

    def __init__(self, checked: Checked) -> None:
        super().__init__("; ".join(refusal.reason for refusal in checked.refusals[:5]))
        self.checked = checked


@dataclass(slots=True)
class Made:
    """The files that were written, by what they are, and what the officer should know before signing."""

    snapshot: Snapshot
    files: dict[str, Path] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    checked: Checked = field(default_factory=Checked)


def make_documents(
    scoring_url: str, period: str, out: Path, last: date | None = None, *, pdf: bool = True,
    office: Office | None = None,
) -> Made:  # fmt: skip
    """Ask the scoring service and write everything. Raises ScoringAway, ValueError, ProseError or Refused."""
    with Scoring(scoring_url) as scoring:
        snapshot = build(ask_settled(scoring, period, last))
    return write_documents(snapshot, out, pdf=pdf, office=office)


def write_documents(snapshot: Snapshot, out: Path, *, pdf: bool = True, office: Office | None = None) -> Made:
    """Write everything of a snapshot into `out`. A document that fails its check is removed. Raises
    Refused."""
    out.mkdir(parents=True, exist_ok=True)
    chosen = office or read_office()
    made = Made(snapshot, notes=list(doubts(snapshot)))
    made.files = _paths(snapshot, out)
    tables = annexes(snapshot)
    write_json(snapshot, made.files["json"])
    write_figures_csv(snapshot, made.files["csv"])
    for annex in tables:
        made.files[f"csv {annex.id}"] = out / f"PHU-BIEU-{annex.id}-{snapshot.period}.csv"
        write_annex_csv(annex, made.files[f"csv {annex.id}"])
    write_workbook(snapshot, tables, made.files["xlsx"])
    report = outline(snapshot, chosen)
    before = read_prose(made.files["prose"])
    last_edition = read_last_edition(made.files["docx"], before)
    prose = merge(before, last_edition.places if last_edition else None, report.places)
    if last_edition and last_edition.strays:
        prose.strays = list(dict.fromkeys([*prose.strays, *last_edition.strays]))
        made.notes += [
            f"đoạn ngoài vùng soạn, giữ ở strays / outside of any place: {t}" for t in last_edition.strays
        ]
    # What the officer wrote is safe on disk before the old document is replaced.
    write_prose(prose, made.files["prose"])
    draft = made.files["docx"].with_suffix(".tmp.docx")
    write_word(snapshot, report, tables, chosen, prose, draft)
    made.checked = check_document(draft, snapshot, chosen, prose)
    if not made.checked.passed:
        draft.unlink()
        raise Refused(made.checked)
    draft.replace(made.files["docx"])
    write_prose(as_written(prose, computed_marks(report)), made.files["prose"])
    made.notes += made.checked.notes
    _pdf(made, out, pdf)
    return made


def _paths(snapshot: Snapshot, out: Path) -> dict[str, Path]:
    period = snapshot.period
    return {
        "docx": out / f"BAO-CAO-{period}.docx", "xlsx": out / f"PHU-BIEU-{period}.xlsx",
        "json": out / f"SO-LIEU-{period}.json", "csv": out / f"SO-LIEU-{period}.csv",
        "prose": out / f"PHAN-LOI-{period}.yaml",
    }  # fmt: skip


def _pdf(made: Made, out: Path, wanted: bool) -> None:
    if not wanted:
        return
    try:
        made.files["pdf"] = convert(made.files["docx"], "pdf", out)
    except NoPdf as reason:
        made.notes.append(f"không có PDF / no PDF: {reason}")
