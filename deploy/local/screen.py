"""What commands show: results on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

notes = Console(stderr=True, highlight=False, soft_wrap=True)
# Wide enough for whole names when the output goes to a file or another program.
results = Console(highlight=False, width=None if sys.stdout.isatty() else 160)


def note(line: str) -> None:
    """One line about what is going on."""
    notes.print(line, markup=False)


def print_json(content: object) -> None:
    """The result for a program: JSON, nothing else, on standard output."""
    sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    sys.stdout.flush()


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """The result for a person. Columns that hold only numbers are right-aligned."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        numeric = bool(rows) and all(
            isinstance(row[number], int | float) for row in rows if row[number] is not None
        )
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    results.print(table)
