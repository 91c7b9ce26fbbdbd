"""A spreadsheet's formulas worked out without a spreadsheet program: the few that the annexes use."""

import re
from decimal import Decimal
from typing import Any

from openpyxl.utils import column_index_from_string

_CELL = r"([A-Z]{1,2})(\d+)"


class Evaluator:
    """Works out cells of one sheet: SUM, COUNTIFS, IF on zero, and sums, differences and ratios of cells."""

    def __init__(self, sheet: Any) -> None:
        self._sheet = sheet

    def value(self, column: int, row: int) -> Decimal | str | None:
        held = self._sheet.cell(row=row, column=column).value
        if isinstance(held, str) and held.startswith("="):
            return self._formula(held[1:])
        return Decimal(str(held)) if isinstance(held, int | float) else held

    def _number(self, letter: str, row: str) -> Decimal:
        value = self.value(column_index_from_string(letter), int(row))
        return value if isinstance(value, Decimal) else Decimal(0)

    def _formula(self, text: str) -> Decimal | str:
        guarded = re.fullmatch(rf'IF\({_CELL}=0,"",(.+)\)', text)
        if guarded:
            return self._formula(guarded[3]) if self._number(guarded[1], guarded[2]) else ""
        counted = re.fullmatch(r'COUNTIFS\(([A-Z]+\d+:[A-Z]+\d+),">=([\d.]+)",\1,"<=([\d.]+)"\)', text)
        if counted:
            low, high = Decimal(counted[2]), Decimal(counted[3])
            return Decimal(sum(1 for v in self._range(counted[1]) if low <= v <= high))
        summed = re.fullmatch(r"SUM\((.+)\)", text)
        if summed:
            return sum((self._many(part) for part in summed[1].split(",")), Decimal(0))
        ratio = re.fullmatch(rf"{_CELL}/{_CELL}\*100", text)
        if ratio:
            return self._number(ratio[1], ratio[2]) / self._number(ratio[3], ratio[4]) * 100
        signs = re.findall(rf"([+-]?){_CELL}", text)
        assert "".join(f"{s}{c}{r}" for s, c, r in signs) == text, f"an unknown formula: {text}"
        return sum((self._number(c, r) * (-1 if s == "-" else 1) for s, c, r in signs), Decimal(0))

    def _many(self, part: str) -> Decimal:
        if ":" in part:
            return sum(self._range(part), Decimal(0))
        cell = re.fullmatch(_CELL, part)
        assert cell is not None, part
        return self._number(cell[1], cell[2])

    def _range(self, text: str) -> list[Decimal]:
        first, last = (re.fullmatch(_CELL, end) for end in text.split(":"))
        assert first is not None
        assert last is not None
        column = column_index_from_string(first[1])
        values = [self.value(column, row) for row in range(int(first[2]), int(last[2]) + 1)]
        return [v for v in values if isinstance(v, Decimal)]
