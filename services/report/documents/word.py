"""The form of the document: Decree 30/2020 — page, styles, header, title, signature, recipients."""

from datetime import date
from typing import Any

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

from services.report.documents.prose import Office

FONT = "Times New Roman"
PAGE_MM = (210, 297)
LEFT_MM, RIGHT_MM, TOP_MM, BOTTOM_MM = 30.5, 15.5, 20.5, 20.5
TEXT_WIDTH_MM = PAGE_MM[0] - LEFT_MM - RIGHT_MM
HEADER_COLUMNS = (0.4, 0.6)
BODY_POINTS = 14
INDENT_MM = 12.7
CENTER, JUSTIFY, LEFT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.JUSTIFY, WD_ALIGN_PARAGRAPH.LEFT

# name: (points, bold, italic, alignment, first line indented, keep with next)
STYLES: dict[str, tuple[float, bool, bool, Any, bool, bool]] = {
    "BC Phần": (BODY_POINTS, True, False, JUSTIFY, True, True),
    "BC Mục": (BODY_POINTS, True, False, JUSTIFY, True, True),
    "BC Tiểu mục": (BODY_POINTS, True, True, JUSTIFY, True, True),
    "BC Nội dung": (BODY_POINTS, False, False, JUSTIFY, True, False),
    "BC Ghi chú": (BODY_POINTS, False, True, CENTER, False, False),
}


def new_document() -> Any:
    """An empty document with the page, the styles and page numbers from the second page on."""
    document = Document()
    section = document.sections[0]
    set_page(section, landscape=False)
    section.different_first_page_header_footer = True
    _page_number(section.header.paragraphs[0])
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = FONT, Pt(BODY_POINTS)
    _east_asian(normal.element)
    normal.paragraph_format.space_after = Pt(0)
    for name, (points, bold, italic, alignment, indented, keep) in STYLES.items():
        style = document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        style.base_style = normal
        style.font.size, style.font.bold, style.font.italic = Pt(points), bold, italic
        layout = style.paragraph_format
        layout.alignment, layout.keep_with_next = alignment, keep
        layout.first_line_indent = Mm(INDENT_MM) if indented else None
        layout.space_before, layout.space_after = Pt(3), Pt(3)
        layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.MULTIPLE, 1.08
        layout.widow_control = True
    return document


def set_page(section: Any, *, landscape: bool) -> None:
    """A4 with the decree's margins; a turned page keeps its binding edge on the left."""
    width, height = (PAGE_MM[1], PAGE_MM[0]) if landscape else PAGE_MM
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Mm(width), Mm(height)
    section.left_margin, section.right_margin = Mm(LEFT_MM), Mm(RIGHT_MM)
    section.top_margin, section.bottom_margin = Mm(TOP_MM), Mm(BOTTOM_MM)
    section.header_distance = section.footer_distance = Mm(10)


def _east_asian(style: Any) -> None:
    fonts = style.get_or_add_rPr().get_or_add_rFonts()
    for attribute in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
        fonts.set(qn(attribute), FONT)


def _page_number(paragraph: Any) -> None:
    """The number alone, centred in the top margin, as the decree asks."""
    paragraph.alignment = CENTER
    for kind, text in (("begin", None), (None, "PAGE"), ("separate", None), ("text", "2"), ("end", None)):
        run = paragraph.add_run()
        run.font.name, run.font.size = FONT, Pt(13)
        if kind == "text":
            run.text = str(text)
        elif kind is None:
            field = OxmlElement("w:instrText")
            field.set(qn("xml:space"), "preserve")
            field.text = f" {text} "
            run._r.append(field)
        else:
            mark = OxmlElement("w:fldChar")
            mark.set(qn("w:fldCharType"), kind)
            run._r.append(mark)


def line(
    container: Any,
    text: str,
    points: float,
    *,
    bold: bool = False,
    italic: bool = False,
    underline: bool = False,
    alignment: Any = CENTER,
    after: float = 0,
    before: float = 0,
) -> Any:
    """One paragraph of one run. A cell's first paragraph is used when it is still empty."""
    paragraphs = container.paragraphs
    fresh = len(paragraphs) == 1 and not paragraphs[0].text and not paragraphs[0].runs
    use_first = fresh and hasattr(container, "merge")
    paragraph = paragraphs[0] if use_first else container.add_paragraph()
    paragraph.alignment = alignment
    paragraph.paragraph_format.space_after, paragraph.paragraph_format.space_before = Pt(after), Pt(before)
    run = paragraph.add_run(text)
    run.font.name, run.font.size = FONT, Pt(points)
    run.bold, run.italic, run.underline = bold, italic, underline
    return paragraph


def keep_with_next(paragraph: Any) -> None:
    """The signature never stands alone on a page."""
    paragraph.paragraph_format.keep_with_next = True


def rule(container: Any, width_mm: float, share: float) -> None:
    """A thin line below a centred text, `share` of the width long."""
    paragraph = container.add_paragraph()
    side = Mm(width_mm * (1 - share) / 2)
    paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = side
    paragraph.paragraph_format.line_spacing_rule = WD_LINE_SPACING.EXACTLY
    paragraph.paragraph_format.line_spacing = Pt(4)
    borders, top = OxmlElement("w:pBdr"), OxmlElement("w:top")
    for name, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "000000")):
        top.set(qn(f"w:{name}"), value)
    borders.append(top)
    # The schema wants the border before spacing, indents and alignment.
    properties = paragraph._p.get_or_add_pPr()
    properties.insert_element_before(borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")


def two_columns(
    document: Any, shares: tuple[float, float], width_mm: float = TEXT_WIDTH_MM
) -> tuple[Any, Any]:
    """A table of two cells without borders, of these shares of the width."""
    table = document.add_table(rows=1, cols=2)
    table.autofit = False
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    _no_cell_margins(table)
    for cell, share in zip(table.rows[0].cells, shares, strict=True):
        cell.width = Mm(width_mm * share)
    for column, share in zip(table.columns, shares, strict=True):
        column.width = Mm(width_mm * share)
    left, right = table.rows[0].cells
    return left, right


def _no_cell_margins(table: Any) -> None:
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        edge = OxmlElement(f"w:{side}")
        edge.set(qn("w:w"), "0")
        edge.set(qn("w:type"), "dxa")
        margins.append(edge)
    table._tbl.tblPr.append(margins)


def header(document: Any, office: Office, last: date) -> None:
    """Authority and number on the left, national name, motto and date on the right. Number and day stay
    dotted."""
    left, right = two_columns(document, HEADER_COLUMNS)
    for words in office.authority:
        line(left, words, 13, bold=True)
    rule(left, TEXT_WIDTH_MM * HEADER_COLUMNS[0], 0.3)
    line(left, f"Số: ........../{office.symbol}", 13, before=6)
    line(right, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 12, bold=True)
    line(right, "Độc lập - Tự do - Hạnh phúc", 13, bold=True, underline=True)
    dated = f"{office.place}, ngày ..... tháng ..... năm {last.year}"
    line(right, dated, 13.5, italic=True, before=10)


def title(document: Any, office: Office, subject: str) -> None:
    """The kind of document and what it is about, with the short line below."""
    line(document, office.title, 14, bold=True, before=16)
    line(document, subject, 14, bold=True)
    rule(document, TEXT_WIDTH_MM, 0.3)


def signature(document: Any, office: Office) -> None:
    """Recipients on the left, the signer on the right, kept together on one page."""
    left, right = two_columns(document, (0.5, 0.5))
    line(left, "Nơi nhận:", 12, bold=True, italic=True, alignment=LEFT)
    for recipient in office.recipients:
        line(left, f"- {recipient}", 11, alignment=LEFT)
    line(right, office.signs_for, 14, bold=True)
    line(right, office.signer_title, 14, bold=True)
    for _ in range(4):
        line(right, "", 14)
    line(right, office.signer_name, 14, bold=True)
    row = left._tc.getparent()
    cannot_split = OxmlElement("w:cantSplit")
    row.get_or_add_trPr().append(cannot_split)
