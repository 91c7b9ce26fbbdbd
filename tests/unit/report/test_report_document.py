"""The Word document: the form of Decree 30/2020, the structure of the report, numbers from the snapshot."""

import csv
import re
from collections.abc import Iterator
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Pt

from services.report.audit import Relation, audit_file
from services.report.audit.sources import paragraph_text
from services.report.documents.controls import bound_numbers
from services.report.documents.making import Made
from services.report.documents.snapshot import Snapshot
from services.report.documents.wording import period_name, wording
from shared.calendar.periods import parse_period


@pytest.fixture(scope="module")
def document(made: Made) -> Any:
    return Document(str(made.files["docx"]))


@pytest.fixture(scope="module")
def lines(document: Any) -> list[str]:
    return [paragraph_text(p) for p in document.element.body.iter(qn("w:p"))]


def _runs(container: Any) -> Iterator[Any]:
    for paragraph in container.paragraphs:
        yield from paragraph.runs


def test_page_is_a4_with_the_margins_of_the_decree(document: Any) -> None:
    section = document.sections[0]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    assert 30 <= section.left_margin.mm <= 35
    assert 15 <= section.right_margin.mm <= 20
    assert 20 <= section.top_margin.mm <= 25
    assert 20 <= section.bottom_margin.mm <= 25


def test_body_is_times_new_roman_13_to_14(document: Any) -> None:
    normal = document.styles["Normal"]
    assert normal.font.name == "Times New Roman"
    for name in ("BC Nội dung", "BC Mục", "BC Phần"):
        assert Pt(13) <= document.styles[name].font.size <= Pt(14)


def test_header_has_two_columns_and_the_national_name(document: Any) -> None:
    left, right = document.tables[0].rows[0].cells
    assert left.width / (left.width + right.width) == pytest.approx(0.4, abs=0.01)
    assert [p.text for p in left.paragraphs if p.text] == [
        "ỦY BAN NHÂN DÂN",
        "TỈNH LÀO CAI",
        "Số: ........../BC-UBND",
    ]
    name, motto, dated = (next(iter(p.runs)) for p in right.paragraphs if p.text)
    assert name.text == "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
    assert name.bold
    assert Pt(12) <= name.font.size <= Pt(13)
    assert motto.text == "Độc lập - Tự do - Hạnh phúc"
    assert motto.bold
    assert motto.underline
    assert Pt(13) <= motto.font.size <= Pt(14)
    assert dated.text == "Lào Cai, ngày ..... tháng ..... năm 2024"
    assert dated.italic


def test_title_and_subject(lines: list[str]) -> None:
    at = lines.index("BÁO CÁO")
    assert lines[at + 1] == (
        "Tình hình hoạt động Cổng thông tin điện tử tỉnh Lào Cai quý I năm 2024; phương hướng, nhiệm vụ "
        "quý II năm 2024"
    )


def test_parts_one_to_six_in_order(lines: list[str]) -> None:
    heads = [line.split(".")[0] for line in lines if re.match(r"(?:I|II|III|IV|V|VI)\. [A-ZĐĂÂÊÔƠƯ]", line)]
    assert heads == ["I", "II", "III", "IV", "V", "VI"]


def test_recipients_end_with_the_archive(document: Any) -> None:
    left, right = document.tables[1].rows[0].cells
    texts = [p.text for p in left.paragraphs]
    assert texts[0] == "Nơi nhận:"
    assert texts[-1].startswith("- Lưu: VT")
    assert [p.text for p in right.paragraphs if p.text] == [
        "TM. ỦY BAN NHÂN DÂN", "CHỦ TỊCH", "Trịnh Xuân Trường"
    ]  # fmt: skip


def test_pages_are_numbered_from_the_second_on(document: Any) -> None:
    section = document.sections[0]
    assert section.different_first_page_header_footer
    fields = [f.text.strip() for f in section.header._element.iter(qn("w:instrText"))]
    assert fields == ["PAGE"]
    assert section.header.paragraphs[0].alignment == 1


SENTENCES = (
    "Cổng TTĐT tỉnh Lào Cai đã cung cấp 943 tin, bài, bộ thông tin cơ sở dữ liệu (CSDL); tăng 59 tin, bài, "
    "CSDL "
    "(tăng 6,7%) so với cùng kỳ năm 2023.",
    "các Cổng TTĐT thành phần đã cập nhật 9.506 tin, bài, bộ thông tin CSDL; tăng 2.252 tin, bài, CSDL "
    "(tăng 31,0%)",
    "đã đăng tải mới 989 tin, bài, CSDL; giảm 363 tin, bài, CSDL (giảm 26,8%) so với cùng kỳ năm 2023.",
    "09 huyện, thị xã, thành phố đã đăng tải mới 2.490 tin, bài, CSDL",
    "Có 05/16 Cổng TTĐT đạt điểm tối đa 95 điểm; 11/16 Cổng TTĐT đạt từ 83 - 94 điểm.",
    "đã trả lời 69/86 câu hỏi; chờ tiếp nhận, chờ trả lời 17/86 câu hỏi; xóa 14 câu hỏi",
    "29/39 cơ quan, đơn vị, địa phương thực hiện chuyên mục Hỏi - Đáp đạt 15 điểm (trong đó 16 cơ quan",
    "Số hồ sơ đã giải quyết là 52.157 hồ sơ (bao gồm cả hồ sơ tồn từ trước), đạt 95,5%.",
    "Số hồ sơ đang được giải quyết là 2.445 hồ sơ, chiếm 4,7% tổng số hồ sơ được tiếp nhận.",
    "có tổng cộng 196 Cổng TTĐT thành phần (tăng 01 Cổng TTĐT so với cuối năm 2023).",
    "huyện Bát Xát (11/13 Cổng)",
    "cung cấp tăng 28,4% so với cùng kỳ năm 2023 (từ 8.138 lên 10.449 tin, bài, bộ thông tin CSDL).",
)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_says(lines: list[str], sentence: str) -> None:
    assert any(sentence in line for line in lines)


def test_names_the_agencies(lines: list[str], snapshot: Snapshot) -> None:
    text = "\n".join(lines)
    for list_id in ("boards", "reports", "channels", "unscored_active"):
        names = snapshot.names(list_id)
        assert names
        assert all(name in text for name in names)
    assert "Công an tỉnh (583 tin, bài, CSDL)" in text
    assert "Trung tâm Dịch vụ Đấu giá tài sản tỉnh; Hội Khuyến học tỉnh" in text


def test_every_number_of_the_body_is_bound_to_a_figure(document: Any, snapshot: Snapshot) -> None:
    bound = list(bound_numbers(document.element.body))
    assert len(bound) > 120
    assert {b.figure for b in bound} <= set(snapshot.figures)


def test_the_audit_finds_nothing_and_recomputes_much(made: Made) -> None:
    audit = audit_file(made.files["docx"])
    assert audit.alarms == []
    tried = {check.relation for check in audit.checks}
    assert {
        Relation.sum_of_parts, Relation.change_percent, Relation.share_of_total, Relation.flow_balance,
        Relation.fractions_fill_group, Relation.group_sizes_sum, Relation.named_list, Relation.siblings_sum,
        Relation.scale_sum, Relation.table_total,
    } <= tried  # fmt: skip


def test_annexes_are_tables_on_pages_of_their_own(document: Any, lines: list[str]) -> None:
    heads = [line for line in lines if line.startswith("PHỤ BIỂU SỐ")]
    assert heads == [f"PHỤ BIỂU SỐ {n}" for n in ("01.1", "01.2", "02", "03")]
    rows = [len(table.rows) for table in document.tables[2:]]
    assert rows == [16 + 2, 36 + 2, 39 + 2, 29 + 2]
    assert [s.page_width > s.page_height for s in document.sections] == [False, False, False, True, True]
    assert all(30 <= s.left_margin.mm <= 35 for s in document.sections)


def test_csv_files_hold_figures_and_annexes(made: Made, snapshot: Snapshot) -> None:
    with made.files["csv"].open(encoding="utf-8-sig", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(snapshot.figures)
    assert rows["components.items"]["value"] == "9506"
    assert rows["qa.waiting"]["formula"] == "qa.eligible - qa.answered"
    with made.files["csv 03"].open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.reader(file))
    assert len(table) == 29 + 2
    assert table[-1][1] == "Cộng"
    assert "51761" in table[-1]


def test_periods_in_words(snapshot: Snapshot) -> None:
    words = wording(snapshot)
    assert (words.name, words.following) == ("quý I năm 2024", "quý II năm 2024")
    assert words.span == "01/01 - 22/3/2024"
    names = {p: period_name(parse_period(p)) for p in ("2024-Q4", "2024-H1", "2025")}
    assert names == {"2024-Q4": "quý IV năm 2024", "2024-H1": "6 tháng đầu năm 2024", "2025": "năm 2025"}
