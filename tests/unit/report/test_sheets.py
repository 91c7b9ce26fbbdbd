"""The annexes: one definition, three forms, and formulas that give what stands in the report."""

import re
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook
from openpyxl.utils import column_index_from_string

from services.report.documents.annexes import Annex, annexes
from services.report.documents.making import Made
from services.report.documents.sheets import FIRST_ROW
from services.report.documents.snapshot import Snapshot, Unfit
from tests.unit.report.spreadsheet import Evaluator

IDS = ("01.1", "01.2", "02", "03")


@pytest.fixture(scope="module")
def book(made: Made) -> Any:
    return load_workbook(made.files["xlsx"])


@pytest.fixture(scope="module")
def tables(snapshot: Snapshot) -> dict[str, Annex]:
    return {annex.id: annex for annex in annexes(snapshot)}


def test_there_is_a_sheet_for_each_annex_and_one_for_all_figures(book: Any) -> None:
    assert book.sheetnames == [*IDS, "Số liệu"]


@pytest.mark.parametrize("annex", IDS)
def test_sums_are_live(book: Any, tables: dict[str, Annex], annex: str) -> None:
    sheet = book[annex]
    formulas = [str(c.value) for row in sheet.iter_rows() for c in row if str(c.value).startswith("=")]
    rows = len(tables[annex].rows)
    assert sum(f.startswith("=SUM(") for f in formulas) >= rows
    total = FIRST_ROW + rows
    assert sheet.cell(row=total, column=2).value == "Cộng"
    assert re.fullmatch(rf"=SUM\(C{FIRST_ROW}:C{total - 1}\)", sheet.cell(row=total, column=3).value)


@pytest.mark.parametrize("annex", IDS)
def test_formulas_give_what_the_documents_say(book: Any, tables: dict[str, Annex], annex: str) -> None:
    sheet, table = book[annex], tables[annex]
    evaluator = Evaluator(sheet)
    for offset, row in enumerate((*table.rows, table.totals)):
        for index, column in enumerate(table.columns, start=1):
            expected = row[column.key]
            found = evaluator.value(index, FIRST_ROW + offset)
            if isinstance(expected, Decimal):
                assert found is not None
                assert abs(Decimal(str(found)) - expected) < Decimal("0.0001"), (column.key, row["name"])


def test_counts_below_the_table_are_figures_of_the_report(
    book: Any, tables: dict[str, Annex], snapshot: Snapshot
) -> None:
    tried = 0
    for annex, table in tables.items():
        evaluator = Evaluator(book[annex])
        for offset, tally in enumerate(table.tallies, start=2):
            row = FIRST_ROW + len(table.rows) + offset
            assert book[annex].cell(row=row, column=2).value == tally.label
            assert evaluator.value(3, row) == snapshot.number(tally.figure)
            tried += 1
    assert tried == 9


def test_totals_of_annexes_are_figures_of_the_report(tables: dict[str, Annex], snapshot: Snapshot) -> None:
    pairs = {
        ("02", "qa.received"): "qa.received",
        ("02", "eligible"): "qa.eligible",
        ("02", "waiting"): "qa.waiting",
        ("02", "qa.answered"): "qa.answered",
        ("02", "qa.deleted"): "qa.deleted",
        ("03", "received"): "dossier.received",
        ("03", "resolved"): "dossier.resolved",
        ("03", "open"): "dossier.in_progress",
        ("03", "on_time"): "dossier.resolved.on_time.share",
        ("03", "dossier.carried_over"): "dossier.carried_over",
    }
    for (annex, column), figure in pairs.items():
        assert tables[annex].totals[column] == snapshot.value(figure), (annex, column)


def test_all_figures_stand_in_the_last_sheet(book: Any, snapshot: Snapshot) -> None:
    rows = {row[0]: row[2] for row in book["Số liệu"].iter_rows(min_row=2, values_only=True)}
    assert set(rows) == set(snapshot.figures)
    assert rows["dossier.resolved"] == 52157


def test_agencies_stand_in_the_order_of_their_points(tables: dict[str, Annex]) -> None:
    for table in tables.values():
        points = [row["points"] for row in table.rows if isinstance(row["points"], Decimal)]
        assert points == sorted(points, reverse=True)


def test_points_that_are_not_the_sum_of_their_criteria_are_refused(snapshot: Snapshot) -> None:
    agency = snapshot.data.selections["scored.qa"][0]
    score = snapshot.data.scores[agency]["qa"]
    wrong = score.model_copy(update={"points": score.points + 1})
    scores = snapshot.data.scores | {agency: snapshot.data.scores[agency] | {"qa": wrong}}
    changed = snapshot.model_copy(update={"data": snapshot.data.model_copy(update={"scores": scores})})
    with pytest.raises(Unfit, match=agency):
        annexes(changed)


def test_what_unscored_agencies_received_stands_in_one_row(snapshot: Snapshot) -> None:
    now = snapshot.data.counts["now"]
    other = next(s for s in snapshot.agencies if s not in snapshot.data.selections["scored.qa"])
    counts = snapshot.data.counts | {"now": now | {other: {"qa.received": 4, "qa.deleted": 1}}}
    changed = snapshot.model_copy(update={"data": snapshot.data.model_copy(update={"counts": counts})})
    table = next(a for a in annexes(changed) if a.id == "02")
    assert table.rows[-1]["name"] == "Cơ quan, đơn vị khác (không chấm điểm)"
    assert table.rows[-1]["eligible"] == 3
    assert table.rows[-1]["points"] is None
    assert table.totals["qa.received"] == 104


def test_columns_are_wide_enough_for_their_letters(book: Any) -> None:
    for annex in IDS:
        for letter, dimension in book[annex].column_dimensions.items():
            assert dimension.width >= 4, (annex, letter)
            assert column_index_from_string(letter) <= 20
