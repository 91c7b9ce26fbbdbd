"""CSV and JSON of everything."""

import csv
from decimal import Decimal
from pathlib import Path

from services.report.documents.annexes import Annex, Cell
from services.report.documents.figures import plain_number
from services.report.documents.snapshot import Snapshot


def write_json(snapshot: Snapshot, path: Path) -> None:
    """The whole snapshot; it can be read back with `read_json`."""
    path.write_text(snapshot.model_dump_json(by_alias=True, indent=1) + "\n", encoding="utf-8")


def read_json(path: Path) -> Snapshot:
    """A snapshot from its file. Raises pydantic's ValidationError for another form."""
    return Snapshot.model_validate_json(path.read_text(encoding="utf-8"))


def write_figures_csv(snapshot: Snapshot, path: Path) -> None:
    """Every figure, one line each: id, label, value, unit, formula, sources."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "label", "value", "unit", "formula", "sources"])
        for figure in snapshot.figures.values():
            value = "" if figure.value is None else plain_number(figure.value)
            writer.writerow(
                [figure.id, figure.label, value, figure.unit, figure.formula_text, " ".join(figure.sources)]
            )


def write_annex_csv(annex: Annex, path: Path) -> None:
    """An annex with its total row; numbers as programs read them."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.title for column in annex.columns])
        for row in (*annex.rows, annex.totals):
            writer.writerow([_plain(row[column.key]) for column in annex.columns])


def _plain(cell: Cell) -> str | int | float:
    if isinstance(cell, Decimal):
        return plain_number(cell.quantize(Decimal("0.01")))
    return cell or ""
