"""The annexes as a spreadsheet with live sums: an officer changes a cell, and the totals follow."""

import re
from decimal import Decimal
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from services.report.documents.annexes import Annex, Cell, Column
from services.report.documents.snapshot import Snapshot
from services.report.documents.wording import sentence_case, wording

FONT = "Times New Roman"
FIRST_ROW = 6
"""Rows 1 to 3 hold the titles, 5 the heads of the columns."""
_FORMATS = {"count": "#,##0", "points": "0.##", "percent": "0.0", "text": "General"}
_THIN = Side(style="thin")
_GRID = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_MM_PER_WIDTH = 2.0


def write_workbook(snapshot: Snapshot, annexes: list[Annex], path: Path) -> None:
    """One sheet for each annex, and one with every figure, its formula and its source."""
    book = Workbook()
    book.remove(book.active)  # type: ignore[arg-type]
    for annex in annexes:
        _annex(book.create_sheet(annex.id), snapshot, annex)
    _figures(book.create_sheet("Số liệu"), snapshot)
    book.calculation.fullCalcOnLoad = True
    book.properties.title = f"Phụ biểu báo cáo {snapshot.period}"
    book.properties.identifier = snapshot.sha256
    book.save(path)


def _annex(sheet: Worksheet, snapshot: Snapshot, annex: Annex) -> None:
    words = wording(snapshot)
    width = len(annex.columns)
    titles = (
        f"PHỤ BIỂU SỐ {annex.id}",
        annex.title,
        f"{sentence_case(words.name)} (số liệu đến {words.last_day})",
    )
    for row, text in enumerate(titles, start=1):
        sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=width)
        cell = sheet.cell(row=row, column=1, value=text)
        cell.font = Font(name=FONT, size=13, bold=row < 3, italic=row == 3)
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
    sheet.row_dimensions[2].height = 34
    for index, column in enumerate(annex.columns, start=1):
        cell = sheet.cell(row=FIRST_ROW - 1, column=index, value=column.title)
        cell.font = Font(name=FONT, size=11, bold=True)
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
        cell.border = _GRID
        sheet.column_dimensions[get_column_letter(index)].width = column.width_mm / _MM_PER_WIDTH
    sheet.row_dimensions[FIRST_ROW - 1].height = 80
    for offset, row_values in enumerate(annex.rows):
        _row(sheet, annex, FIRST_ROW + offset, row_values)
    total_row = FIRST_ROW + len(annex.rows)
    _total_row(sheet, annex, total_row)
    _tallies(sheet, annex, total_row)
    _page(sheet, annex)


def _row(sheet: Worksheet, annex: Annex, row: int, values: dict[str, Cell]) -> None:
    for index, column in enumerate(annex.columns, start=1):
        value = values[column.key]
        # A row without points (agencies that are not scored) gets no formula for them.
        if column.formula and not (column.kind == "points" and value is None):
            _write(sheet, row, index, column, _formula(annex, column.formula, row))
        else:
            _write(sheet, row, index, column, _plain(value))


def _plain(value: Cell) -> str | int | float | None:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _formula(annex: Annex, template: str, row: int) -> str:
    def address(match: re.Match[str]) -> str:
        return f"{_letter(annex, match.group(1))}{row}"

    return re.sub(r"\{([^{}]+)\}", address, template)


def _letter(annex: Annex, key: str) -> str:
    index = next(i for i, column in enumerate(annex.columns, start=1) if column.key == key)
    return get_column_letter(index)


def _write(
    sheet: Worksheet,
    row: int,
    index: int,
    column: Column,
    value: str | int | float | None,
    *,
    bold: bool = False,
) -> None:
    cell = sheet.cell(row=row, column=index, value=value)
    cell.font = Font(name=FONT, size=11, bold=bold or column.key == "points")
    cell.border = _GRID
    cell.number_format = _FORMATS[column.kind]
    side = "left" if column.kind == "text" else "center"
    cell.alignment = Alignment(horizontal=side, vertical="center", wrap_text=column.kind == "text")


def _total_row(sheet: Worksheet, annex: Annex, row: int) -> None:
    last = row - 1
    for index, column in enumerate(annex.columns, start=1):
        value: str | None = None
        letter = get_column_letter(index)
        if column.key == "name":
            value = "Cộng"
        elif column.total == "sum":
            value = f"=SUM({letter}{FIRST_ROW}:{letter}{last})"
        elif column.total == "formula" and column.formula:
            value = _formula(annex, column.formula, row)
        _write(sheet, row, index, column, value, bold=True)


def _tallies(sheet: Worksheet, annex: Annex, total_row: int) -> None:
    letter = _letter(annex, "points")
    points = f"{letter}{FIRST_ROW}:{letter}{total_row - 1}"
    for offset, tally in enumerate(annex.tallies, start=2):
        row = total_row + offset
        sheet.cell(row=row, column=2, value=tally.label).font = Font(name=FONT, size=11)
        formula = f'=COUNTIFS({points},">={_plain(tally.low)}",{points},"<={_plain(tally.high)}")'
        sheet.cell(row=row, column=3, value=formula).font = Font(name=FONT, size=11, bold=True)


def _page(sheet: Worksheet, annex: Annex) -> None:
    sheet.freeze_panes = f"C{FIRST_ROW}"
    sheet.print_title_rows = f"{FIRST_ROW - 1}:{FIRST_ROW - 1}"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.orientation = "landscape" if annex.landscape else "portrait"
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True  # type: ignore[union-attr]
    footer = sheet.oddFooter
    if footer is not None and footer.center is not None:
        footer.center.text = "&P/&N"


def _figures(sheet: Worksheet, snapshot: Snapshot) -> None:
    sheet.append(["Mã", "Nội dung", "Giá trị", "Đơn vị", "Công thức", "Nguồn"])
    for head in sheet[1]:
        head.font = Font(name=FONT, size=11, bold=True)
    for figure in snapshot.figures.values():
        sheet.append(
            [
                figure.id, figure.label, _plain(figure.value), figure.unit, figure.formula_text,
                "; ".join(figure.sources),
            ]
        )  # fmt: skip
    for letter, width in zip("ABCDEF", (38, 44, 14, 16, 60, 60), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A2"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True  # type: ignore[union-attr]
