"""Tables: a row called 'Tổng', 'Cộng' or 'Tổng cộng' holds the sums of the columns above it."""

import re
from decimal import Decimal

from services.report.audit.findings import Relation, Result, Severity
from services.report.audit.written import number_value, vietnamese

# Exactly these words: "Công an tỉnh" would begin with one of them without diacritics.
_TOTAL = re.compile(r"(?:tổng cộng|tổng số|tổng|cộng)\s*:?", re.IGNORECASE)
_NO_SUM = re.compile(r"%|tỷ lệ|tỉ lệ|trung bình|bình quân", re.IGNORECASE)


def check_tables(tables: list[list[list[str]]]) -> list[Result]:
    """Try every total row of every table; `line` of a result is the row, `section` names the table."""
    results: list[Result] = []
    for index, rows in enumerate(tables, start=1):
        for row_number, row in enumerate(rows):
            label = next((c for c in row if c and _number(c) is None), "")
            if row_number and _TOTAL.fullmatch(label.strip()):
                results.extend(_check_row(index, rows, row_number))
    return results


def _check_row(table: int, rows: list[list[str]], total_row: int) -> list[Result]:
    results: list[Result] = []
    for column, written in enumerate(rows[total_row]):
        stated = _number(written)
        if stated is None or (len(rows[0]) > column and _NO_SUM.search(rows[0][column])):
            continue
        above = [_number(row[column]) for row in rows[:total_row] if len(row) > column and not _is_total(row)]
        values = [v for v in above if v is not None]
        if len(values) >= 2:
            results.append(_result(table, rows, total_row, column, stated, sum(values, Decimal(0))))
    return results


def _is_total(row: list[str]) -> bool:
    return any(_TOTAL.fullmatch(cell.strip()) for cell in row[:2])


def _result(
    table: int, rows: list[list[str]], row: int, column: int, stated: Decimal, computed: Decimal
) -> Result:
    holds = stated == computed
    shown = vietnamese(computed)
    return Result(
        relation=Relation.table_total, holds=holds, severity=None if holds else Severity.alarm,
        section=f"bảng {table}", line=row + 1, published=rows[row][column], computed=shown,
        formula=f"Σ {rows[0][column] if len(rows[0]) > column else column + 1} = {shown}",
        sentence=" | ".join(dict.fromkeys(rows[row])),
        why_vi="" if holds else f"Cột cộng lại là {shown}, không phải {rows[row][column]}.",
        why_en="" if holds else f"The column adds up to {shown}, not {rows[row][column]}.",
    )  # fmt: skip


def _number(text: str) -> Decimal | None:
    try:
        return number_value(text.strip())
    except ValueError:
        return None
