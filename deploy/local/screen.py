"""What commands show: results on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
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


@contextmanager
def progress(unit: str) -> Iterator[Progress]:
    """Bars with rates and time left on a terminal; nothing where there is none (see `PlainProgress`)."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]} " + unit),
        TimeRemainingColumn(),
        console=notes,
        disable=not notes.is_terminal,
    ) as bars:
        yield bars
