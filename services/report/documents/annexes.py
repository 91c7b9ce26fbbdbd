"""The annexes as tables: rows of agencies, columns with live formulas, and what each formula gives.

One definition makes the Word tables, the spreadsheet and the CSV files, so they cannot differ.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from services.report.documents.figures import Criterion, ModulePoints
from services.report.documents.snapshot import Snapshot, Unfit

CellKind = Literal["text", "count", "points", "percent"]
Cell = str | Decimal | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `formula` is a spreadsheet formula with ``{key}`` for cells of the same row.

    `work_out` does the same here. `total` says what stands below: a sum, the formula again, or nothing.
    """

    key: str
    title: str
    kind: CellKind
    width_mm: float
    formula: str | None = None
    work_out: Callable[[dict[str, Cell]], Cell] | None = None
    total: Literal["sum", "formula", "none"] = "none"


@dataclass(frozen=True, slots=True)
class Tally:
    """A line below the table: how many rows have a total of points in a band, as a COUNTIFS and as a
    number."""

    label: str
    low: Decimal
    high: Decimal
    figure: str


@dataclass(slots=True)
class Annex:
    """One annex. `rows` hold a value for every column, formulas worked out."""

    id: str
    title: str
    columns: list[Column]
    rows: list[dict[str, Cell]]
    tallies: list[Tally] = field(default_factory=list)
    landscape: bool = False

    @property
    def totals(self) -> dict[str, Cell]:
        """The row called Cộng."""
        row: dict[str, Cell] = {"number": None, "name": "Cộng"}
        for column in self.columns:
            if column.total == "sum":
                row[column.key] = sum((amount(r[column.key]) for r in self.rows), Decimal(0))
        for column in self.columns:
            if column.total == "formula" and column.work_out is not None:
                row[column.key] = column.work_out(row)
            row.setdefault(column.key, None)
        return row


def amount(cell: Cell) -> Decimal:
    """A cell as a number, 0 when it is empty or words."""
    return cell if isinstance(cell, Decimal) else Decimal(0)


def annexes(snapshot: Snapshot) -> list[Annex]:
    """Phụ biểu 01.1, 01.2, 02 and 03. Raises Unfit when points are not the sum of their criteria."""
    return [
        _content(snapshot, "01.1", "party"),
        _content(snapshot, "01.2", "government"),
        _questions(snapshot),
        _services(snapshot),
    ]


def _adding(*keys: str, minus: Sequence[str] = ()) -> Callable[[dict[str, Cell]], Cell]:
    def work_out(row: dict[str, Cell]) -> Cell:
        added = sum((amount(row[key]) for key in keys), Decimal(0))
        return added - sum((amount(row[key]) for key in minus), Decimal(0))

    return work_out


def _count(key: str, title: str, width_mm: float = 16) -> Column:
    return Column(key, title, "count", width_mm, total="sum")


def _sum(
    key: str, title: str, plus: Sequence[str], minus: Sequence[str] = (), width_mm: float = 16
) -> Column:
    formula = "=" + "+".join(f"{{{k}}}" for k in plus) + "".join(f"-{{{k}}}" for k in minus)
    return Column(key, title, "count", width_mm, formula, _adding(*plus, minus=minus), "sum")


def _frame(name_title: str, name_width: float) -> list[Column]:
    return [Column("number", "TT", "count", 9), Column("name", name_title, "text", name_width)]


def _points_columns(
    snapshot: Snapshot, agencies: Iterable[str], module: str, width_mm: float
) -> list[Column]:
    """A column for each criterion that any of these agencies has, and their sum."""
    found: dict[str, Column] = {}
    for agency in agencies:
        score = snapshot.data.scores[agency][module]
        for criterion in (*_of(score, bonus=False), *_of(score, bonus=True)):
            key = f"points.{criterion.id}"
            title = snapshot.titles.get(f"{score.ruleset}/{criterion.id}", criterion.id)
            label = f"{title} ({'+' if criterion.bonus else ''}{_plain(criterion.max)})"
            found.setdefault(key, Column(key, label, "points", width_mm))
    keys = list(found)
    total = Column(
        "points", "Tổng điểm", "points", width_mm, "=SUM({" + "},{".join(keys) + "})" if keys else None,
        _adding(*keys),
    )  # fmt: skip
    return [*found.values(), total]


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}".replace(".", ",")


def _of(score: ModulePoints, *, bonus: bool) -> list[Criterion]:
    return [c for c in score.criteria if c.bonus is bonus]


def _row(snapshot: Snapshot, columns: list[Column], number: int, agency: str, module: str) -> dict[str, Cell]:
    row: dict[str, Cell] = {"number": Decimal(number), "name": snapshot.name(agency)}
    for column in columns:
        if column.kind == "count" and column.formula is None and column.key != "number":
            row[column.key] = Decimal(snapshot.data.count("now", agency, column.key.split("|")))
    score = snapshot.data.scores[agency][module]
    row |= {f"points.{c.id}": c.points for c in score.criteria}
    for column in columns:
        row.setdefault(column.key, None)
    _fill_formulas(columns, row)
    if score.criteria and row["points"] != score.points:
        raise Unfit(f"{agency}: {module} has {score.points} points, its criteria add up to {row['points']}")
    return row


def _fill_formulas(columns: list[Column], row: dict[str, Cell]) -> None:
    for column in columns:
        if column.work_out is not None:
            row[column.key] = column.work_out(row)


def _rows(
    snapshot: Snapshot, columns: list[Column], agencies: Sequence[str], module: str
) -> list[dict[str, Cell]]:
    """Agencies in the order of their points, the best first; equal ones in the register's order."""
    ordered = sorted(agencies, key=lambda a: -snapshot.data.scores[a][module].points)
    return [_row(snapshot, columns, number, agency, module) for number, agency in enumerate(ordered, start=1)]


def _others(snapshot: Snapshot, columns: list[Column], agencies: Sequence[str]) -> list[dict[str, Cell]]:
    """One row for all that is counted at agencies that are not scored, so that the table holds the whole."""
    rest = [slug for slug in snapshot.agencies if slug not in agencies]
    row: dict[str, Cell] = {"number": None, "name": "Cơ quan, đơn vị khác (không chấm điểm)"}
    for column in columns:
        if column.kind == "count" and column.formula is None and column.key != "number":
            counts = (snapshot.data.count("now", slug, column.key.split("|")) for slug in rest)
            row[column.key] = Decimal(sum(counts))
    if not any(amount(cell) for cell in row.values()):
        return []
    for column in columns:
        row.setdefault(column.key, None)
    _fill_formulas([c for c in columns if c.key != "points"], row)
    return [row]


def _tallies(snapshot: Snapshot, bands: Sequence[tuple[str, str]]) -> list[Tally]:
    found = []
    for label, figure in bands:
        formula = snapshot.figures[figure].formula
        if formula.kind == "band" and snapshot.value(figure):
            found.append(Tally(label, formula.low, formula.high, figure))
    return found


def _content(snapshot: Snapshot, annex: str, bloc: str) -> Annex:
    agencies = snapshot.data.selections[f"scored.content.{bloc}"]
    words = "KHỐI ĐẢNG VÀ CƠ QUAN CHUYÊN NGÀNH ĐẶC THÙ" if bloc == "party" else "KHỐI CHÍNH QUYỀN"
    columns = [
        *_frame("Cơ quan, đơn vị, địa phương", 50),
        _count("content.articles", "Tin, bài", 12.5),
        _count("content.datasets", "Bộ CSDL", 12.5),
        _sum("items", "Tổng số", ("content.articles", "content.datasets"), width_mm=12.5),
        *_points_columns(snapshot, agencies, "content", 15),
    ]
    tallies = _tallies(
        snapshot,
        (("Số Cổng đạt điểm tối đa", f"content.{bloc}.full"), ("Số Cổng còn lại", f"content.{bloc}.rest")),
    )
    title = f"KẾT QUẢ CHẤM ĐIỂM CUNG CẤP THÔNG TIN TRÊN CỔNG TTĐT THÀNH PHẦN {words}"
    return Annex(annex, title, columns, _rows(snapshot, columns, agencies, "content"), tallies)


def _questions(snapshot: Snapshot) -> Annex:
    agencies = snapshot.data.selections["scored.qa"]
    columns = [
        *_frame("Cơ quan, đơn vị, địa phương", 56),
        _count("qa.received", "Câu hỏi nhận được"),
        _count("qa.deleted", "Xóa"),
        _sum("eligible", "Đủ điều kiện", ("qa.received",), ("qa.deleted",)),
        _count("qa.answered", "Đã trả lời"),
        _count("qa.answered_late", "Trả lời chậm"),
        _count("qa.wrong_title", "Chưa đúng chức danh"),
        _sum("waiting", "Chờ tiếp nhận, trả lời", ("eligible",), ("qa.answered",)),
        *_points_columns(snapshot, agencies, "qa", 17),
    ]
    bands = (
        ("Số đơn vị trên điểm chuẩn", "qa.score.above"), ("Số đơn vị đạt điểm chuẩn", "qa.score.base"),
        ("Số đơn vị dưới điểm chuẩn", "qa.score.below"), ("Số đơn vị 0 điểm", "qa.score.zero"),
    )  # fmt: skip
    rows = [*_rows(snapshot, columns, agencies, "qa"), *_others(snapshot, columns, agencies)]
    title = "KẾT QUẢ CHẤM ĐIỂM THỰC HIỆN CHUYÊN MỤC HỎI - ĐÁP"
    return Annex("02", title, columns, rows, _tallies(snapshot, bands), landscape=True)


def _percent_on_time(row: dict[str, Cell]) -> Cell:
    resolved = amount(row["resolved"])
    return amount(row["dossier.resolved.on_time"]) * 100 / resolved if resolved else None


def _services(snapshot: Snapshot) -> Annex:
    agencies = snapshot.data.selections["scored.dossier"]
    dropped = "dossier.withdrawn|dossier.rejected.received"
    columns = [
        *_frame("Cơ quan, đơn vị, địa phương", 48),
        _count("dossier.carried_over", "Tồn kỳ trước", 15),
        _count("dossier.received.online", "Nhận trực tuyến", 16),
        _count("dossier.received.one_stop", "Nhận qua một cửa", 16),
        _sum("received", "Tổng tiếp nhận", ("dossier.received.online", "dossier.received.one_stop")),
        _count("dossier.resolved.on_time", "Đúng hạn, trước hạn", 16),
        _count("dossier.resolved.late", "Trễ hạn", 13),
        _count("dossier.resolved.no_due", "Không có hạn", 13),
        _sum(
            "resolved", "Tổng đã giải quyết",
            ("dossier.resolved.on_time", "dossier.resolved.late", "dossier.resolved.no_due"),
        ),
        _count(dropped, "Rút, từ chối", 13),
        _sum(
            "open", "Đang giải quyết", ("dossier.carried_over", "received"), ("resolved", dropped), 15
        ),
        Column(
            "on_time", "Tỷ lệ đúng hạn (%)", "percent", 14,
            '=IF({resolved}=0,"",{dossier.resolved.on_time}/{resolved}*100)', _percent_on_time, "formula",
        ),
        *_points_columns(snapshot, agencies, "dossier", 15.5),
    ]  # fmt: skip
    tallies = _tallies(snapshot, (("Số đơn vị đạt điểm tối đa", "dossier.score.full"),))
    rows = [*_rows(snapshot, columns, agencies, "dossier"), *_others(snapshot, columns, agencies)]
    title = "KẾT QUẢ CHẤM ĐIỂM CUNG CẤP DỊCH VỤ CÔNG TRỰC TUYẾN"
    return Annex("03", title, columns, rows, tallies, landscape=True)
