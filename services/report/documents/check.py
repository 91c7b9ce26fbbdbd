"""The checker: reads a finished document back and refuses what does not follow from its snapshot.

``python -m services.report.documents.check REPORT.docx SNAPSHOT.json [--prose FILE]``
"""

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from docx import Document
from docx.oxml.ns import qn

from services.report.audit import Severity, audit_file
from services.report.audit.layout import blocks_of
from services.report.audit.quantities import Kind as QuantityKind
from services.report.audit.quantities import Quantity, quantities_of
from services.report.audit.sources import paragraph_text
from services.report.audit.units import is_known
from services.report.audit.written import Fit
from services.report.documents.annexes import Annex, annexes
from services.report.documents.body import written_row
from services.report.documents.controls import (
    EMPTY_PREFIX,
    PROSE,
    bound_numbers,
    control_tag,
    loose_text,
    prose_places,
)
from services.report.documents.exports import read_json
from services.report.documents.figures import write
from services.report.documents.outline import Paragraph
from services.report.documents.prose import Office, Prose, read_office, read_prose
from services.report.documents.report import outline
from services.report.documents.snapshot import Snapshot, misfits

HIDDEN_NUMBER = "\u25a1"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason not to hand the document in. `where` quotes the text around."""

    reason: str
    where: str


@dataclass(slots=True)
class Checked:
    """What the check found. The document may be signed when there is no refusal."""

    refusals: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    numbers: int = 0

    @property
    def passed(self) -> bool:
        return not self.refusals

    def refuse(self, reason: str, where: str) -> None:
        self.refusals.append(Refusal(reason, where))


def check_document(
    path: Path, snapshot: Snapshot, office: Office | None = None, prose: Prose | None = None
) -> Checked:
    """Check a .docx against its snapshot. Raises Unreadable for a file that is no Word document."""
    checked = Checked()
    for misfit in misfits(snapshot):
        checked.refuse(f"bản số liệu không tự khớp / the snapshot contradicts itself: {misfit}", "")
    audit = audit_file(path)
    body = Document(str(path)).element.body
    _bound(checked, body, snapshot)
    _loose(checked, body, snapshot, office or read_office())
    _tables(checked, body, annexes(snapshot))
    _prose(checked, body, snapshot, prose or Prose())
    for finding in audit.findings:
        words = f"{finding.why_vi} / {finding.why_en} ({finding.formula})"
        if finding.severity is Severity.alarm:
            checked.refuse(f"rà soát: {words}", finding.sentence)
        else:
            checked.notes.append(f"rà soát: {words} « {finding.sentence[:160]} »")
    return checked


def _bound(checked: Checked, body: Any, snapshot: Snapshot) -> None:
    """Each number in a control is its figure's value in the control's form."""
    for bound in bound_numbers(body):
        checked.numbers += 1
        figure = snapshot.figures.get(bound.figure)
        if figure is None or figure.value is None:
            checked.refuse(f"số không có trong bản số liệu / not in the snapshot: {bound.figure}", bound.text)
            continue
        try:
            expected = write(figure.value, bound.form)
        except KeyError:
            checked.refuse(f"dạng số không biết / unknown form of a number: {bound.form}", bound.text)
            continue
        if expected != bound.text:
            checked.refuse(
                f"{bound.figure}: ghi “{bound.text}”, bản số liệu cho “{expected}” / "
                f"written “{bound.text}”, the snapshot gives “{expected}” ({figure.formula_text})",
                bound.text,
            )


def _loose(checked: Checked, body: Any, snapshot: Snapshot, office: Office) -> None:
    """Outside of controls, prose and annexes no number may stand that the program did not write itself."""
    report = outline(snapshot, office)
    own = {_squeezed(_expected(paragraph)) for paragraph in report.paragraphs}
    own |= {_squeezed(report.basis), _squeezed(report.subject)}
    for paragraph in _computed_paragraphs(body):
        text = loose_text(paragraph)
        if _squeezed(text.removeprefix("- ").removeprefix("+ ")) in own:
            continue
        for quantity in _quantities([text.replace(HIDDEN_NUMBER, "")]):
            checked.refuse(
                f"số “{quantity.written}” không gắn với bản số liệu / a number bound to no figure",
                paragraph_text(paragraph)[:200],
            )


def _expected(paragraph: Paragraph) -> str:
    return "".join(HIDDEN_NUMBER if piece.figure else piece.text for piece in paragraph.pieces)


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _computed_paragraphs(body: Any) -> Iterator[Any]:
    """Paragraphs of the body and of tables that are no annex; those of prose places are left out."""
    for paragraph in body.iter(qn("w:p")):
        ancestors = list(paragraph.iterancestors())
        in_prose = any(a.tag == qn("w:sdt") and control_tag(a).startswith(PROSE) for a in ancestors)
        in_annex = any(a.tag == qn("w:tbl") and _annex_of(a) for a in ancestors)
        if not in_prose and not in_annex:
            yield paragraph


def _annex_of(table: Any) -> str:
    caption = table.find(f"{qn('w:tblPr')}/{qn('w:tblCaption')}")
    words = caption.get(qn("w:val")) if caption is not None else ""
    return words.removeprefix("annex:") if words.startswith("annex:") else ""


def _tables(checked: Checked, body: Any, expected: Iterable[Annex]) -> None:
    """Every cell of every annex is what the snapshot gives."""
    found = {_annex_of(table): table for table in body.iter(qn("w:tbl"))}
    for annex in expected:
        table = found.get(annex.id)
        if table is None:
            checked.refuse(f"thiếu phụ biểu / the annex is missing: {annex.id}", "")
            continue
        lines = [[column.title for column in annex.columns]]
        lines += [written_row(annex, row) for row in (*annex.rows, annex.totals)]
        rows = [
            [paragraph_text(cell).strip() for cell in row.iter(qn("w:tc"))] for row in table.iter(qn("w:tr"))
        ]
        if len(rows) != len(lines):
            checked.refuse(f"phụ biểu {annex.id}: {len(rows)} dòng, đúng ra {len(lines)} / rows", "")
        for line, row in zip(lines, rows, strict=False):
            checked.numbers += len(row)
            if [_squeezed(c) for c in row] != [_squeezed(c) for c in line]:
                checked.refuse(
                    f"phụ biểu {annex.id}: dòng không khớp / a row differs: {line}", " | ".join(row)
                )


def _prose(checked: Checked, body: Any, snapshot: Snapshot, prose: Prose) -> None:
    """Numbers of the officer's prose in units of the report are figures of the snapshot, or vouched for."""
    for place, texts in prose_places(body).items():
        if not texts:
            checked.notes.append(f"chưa soạn / still empty: {place}")
        for quantity in _quantities(texts):
            phrase = _phrase(quantity)
            if any(own in phrase or phrase.startswith(own) for own in prose.own_numbers):
                continue
            if quantity.kind is not QuantityKind.percent and not any(map(is_known, quantity.unit.terms)):
                checked.notes.append(f"số riêng của phần lời / the prose's own number: {phrase} ({place})")
            elif not _is_figure(quantity, snapshot):
                checked.refuse(
                    f"phần lời {place}: “{phrase}” không có trong bản số liệu; sửa lại hoặc ghi vào "
                    f"own_numbers / "
                    "not in the snapshot: put it right, or vouch for it under own_numbers",
                    phrase,
                )


def _phrase(quantity: Quantity) -> str:
    return f"{quantity.written}{quantity.after[:40]}".strip()


def _is_figure(quantity: Quantity, snapshot: Snapshot) -> bool:
    values = [quantity.value]
    if quantity.other is not None:
        values.append(quantity.other)
    percent = quantity.kind is QuantityKind.percent
    figures = [f for f in snapshot.figures.values() if f.value is not None and (f.unit == "%") is percent]
    if len(values) == 2:
        known = {abs(f.value) for f in figures if f.value is not None}
        return all(value in known for value in values)
    return any(_fits(quantity, f.value) for f in figures if f.value is not None)


def _fits(quantity: Quantity, value: Decimal) -> bool:
    signed = -abs(value) if quantity.value < 0 else abs(value)
    return quantity.fits(signed) in (Fit.exact, Fit.rounded)


def _quantities(texts: Iterable[str]) -> list[Quantity]:
    kept = [text for text in texts if not text.startswith(EMPTY_PREFIX)]
    return quantities_of(blocks_of(kept))[0]


def main(arguments: list[str] | None = None) -> int:
    """0 when the document follows from its snapshot, 1 when it is refused."""
    parser = argparse.ArgumentParser(prog="python -m services.report.documents.check", description=__doc__)
    parser.add_argument("document", type=Path)
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("--prose", type=Path, help="the prose file, for numbers that the officer vouches for")
    parser.add_argument("--office", type=Path)
    options = parser.parse_args(arguments)
    prose = read_prose(options.prose) if options.prose else None
    office = read_office(options.office) if options.office else None
    checked = check_document(options.document, read_json(options.snapshot), office, prose)
    for refusal in checked.refusals:
        print(f"TỪ CHỐI / REFUSED: {refusal.reason}\n    « {refusal.where} »", file=sys.stderr)
    for note in checked.notes:
        print(f"lưu ý / note: {note}", file=sys.stderr)
    print(f"{checked.numbers} số đã kiểm / numbers checked, {len(checked.refusals)} không khớp / refused")
    return 0 if checked.passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
