"""The body of the report in Word: paragraphs with bound numbers, prose places, annex tables."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from docx.enum.section import WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from services.report.audit.written import vietnamese
from services.report.documents import word
from services.report.documents.annexes import Annex, Cell, Column
from services.report.documents.controls import EMPTY_PREFIX, Controls
from services.report.documents.outline import Item, Kind, Paragraph, Piece, Place
from services.report.documents.prose import Prose

_STYLE = {
    Kind.part: "BC Phần", Kind.section: "BC Mục", Kind.subsection: "BC Tiểu mục", Kind.body: "BC Nội dung",
    Kind.dash: "BC Nội dung", Kind.plus: "BC Nội dung", Kind.annex_note: "BC Ghi chú",
}  # fmt: skip
_MARK = {Kind.dash: "- ", Kind.plus: "+ "}
TABLE_POINTS, HEAD_POINTS = 10, 9


class Body:
    """Writes items into a document."""

    def __init__(self, document: Any, prose: Prose) -> None:
        self._document = document
        self._prose = prose
        self._controls = Controls()
        self.empty_places: list[str] = []

    def write(self, items: Sequence[Item]) -> None:
        for item in items:
            if isinstance(item, Place):
                self._place(item)
            else:
                self._paragraph(item)

    def _new(self, kind: Kind) -> Any:
        return self._document.add_paragraph(style=_STYLE[kind])

    def _paragraph(self, item: Paragraph) -> None:
        paragraph = self._new(item.kind)
        if item.kind in _MARK:
            paragraph.add_run(_MARK[item.kind])
        for piece in item.pieces:
            self.piece(paragraph, piece)

    def piece(self, paragraph: Any, piece: Piece) -> None:
        """Add a stretch of text; a figure's number goes into its control."""
        run = paragraph.add_run(piece.text)
        if piece.italic:
            run.italic = True
            run.bold = False
        if piece.figure is not None and piece.form is not None:
            parent, element = run._r.getparent(), run._r
            position = parent.index(element)
            parent.insert(position, self._controls.figure(element, piece.figure, piece.form))

    def _place(self, place: Place) -> None:
        texts = self._prose.text(place.id)
        paragraphs = []
        for text in texts:
            paragraph = self._new(place.kind)
            paragraph.add_run(_MARK.get(place.kind, "") + text)
            paragraphs.append(paragraph._p)
        if not texts:
            self.empty_places.append(place.id)
            paragraph = self._new(place.kind)
            run = paragraph.add_run(f"{EMPTY_PREFIX}{place.hint}]")
            run.italic = True
            run.font.highlight_color = 7
            paragraphs.append(paragraph._p)
        anchor = paragraphs[0]
        parent = anchor.getparent()
        position = parent.index(anchor)
        parent.insert(position, self._controls.prose(place.id, place.hint, paragraphs))

    def annex(self, annex: Annex, period: str, subtitle: str, note: str) -> None:
        """An annex on pages of its own."""
        section = self._document.add_section(WD_SECTION.NEW_PAGE)
        word.set_page(section, landscape=annex.landscape)
        section.different_first_page_header_footer = False
        word.line(self._document, f"PHỤ BIỂU SỐ {annex.id}", 14, bold=True)
        word.line(self._document, annex.title, 13, bold=True)
        word.line(self._document, period, 13, bold=True)
        word.line(self._document, subtitle, 13, italic=True)
        width = word.PAGE_MM[1 if annex.landscape else 0] - word.LEFT_MM - word.RIGHT_MM
        word.rule(self._document, width, 0.25)
        self._table(annex, width)
        word.line(self._document, note, 11, italic=True, alignment=WD_ALIGN_PARAGRAPH.LEFT, before=6)

    def _table(self, annex: Annex, width_mm: float) -> None:
        lines = [[column.title for column in annex.columns]]
        lines += [written_row(annex, row) for row in (*annex.rows, annex.totals)]
        table = self._document.add_table(rows=len(lines), cols=len(annex.columns))
        table.style = "Table Grid"
        table.autofit = False
        table.alignment = WD_TABLE_ALIGNMENT.CENTER
        scale = width_mm / sum(column.width_mm for column in annex.columns)
        for column, table_column in zip(annex.columns, table.columns, strict=True):
            table_column.width = Mm(column.width_mm * scale)
        _name_table(table, annex)
        for number, (texts, row) in enumerate(zip(lines, table.rows, strict=True)):
            bold = number in (0, len(lines) - 1)
            for text, column, cell in zip(texts, annex.columns, row.cells, strict=True):
                cell.width = Mm(column.width_mm * scale)
                _cell(cell, text, column, bold=bold or column.key == "points", head=number == 0)
            _keep_row(row, head=number == 0)


def written_row(annex: Annex, row: dict[str, Cell]) -> list[str]:
    """A row as the document writes it."""
    return [written_cell(column, row[column.key]) for column in annex.columns]


def written_cell(column: Column, cell: Cell) -> str:
    if not isinstance(cell, Decimal):
        return cell or ""
    return vietnamese(cell, 1) if column.kind == "percent" else vietnamese(cell)


def _name_table(table: Any, annex: Annex) -> None:
    """The annex's number as the table's description, by which the checker finds it."""
    caption = OxmlElement("w:tblCaption")
    caption.set(qn("w:val"), f"annex:{annex.id}")
    table._tbl.tblPr.append(caption)
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        edge = OxmlElement(f"w:{side}")
        edge.set(qn("w:w"), "40")
        edge.set(qn("w:type"), "dxa")
        margins.append(edge)
    look = table._tbl.tblPr.find(qn("w:tblLook"))
    if look is not None:
        look.addprevious(margins)
    else:
        caption.addprevious(margins)


def _cell(cell: Any, text: str, column: Column, *, bold: bool, head: bool) -> None:
    cell.vertical_alignment = 1
    paragraph = cell.paragraphs[0]
    left = column.kind == "text" and not head
    paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT if left else WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(0.5)
    run = paragraph.add_run(text)
    run.font.size, run.bold = Pt(HEAD_POINTS if head else TABLE_POINTS), bold


def _keep_row(row: Any, *, head: bool) -> None:
    properties = row._tr.get_or_add_trPr()
    properties.append(OxmlElement("w:cantSplit"))
    if head:
        properties.append(OxmlElement("w:tblHeader"))
