"""The audit on sentences of other reports: it reads, it does not know this one by heart."""

import pytest

from services.report.audit import Relation, audit_text

CLEAN = {
    "parts in a bracket with shares": (
        "Tổng số hồ sơ tiếp nhận trong kỳ là 12.450 hồ sơ (trong đó: trực tuyến 8.120 hồ sơ, chiếm 65,2%; "
        "trực tiếp 4.330 hồ sơ, chiếm 34,8%). Đã giải quyết 11.900 hồ sơ, trong đó đúng hạn 11.780 hồ sơ "
        "(đạt 98,99%), quá hạn 120 hồ sơ (chiếm 1,01%). Đang giải quyết 550 hồ sơ."
    ),
    "bodies of several levels": "Tổng số 52 cơ quan, đơn vị, gồm: "
    "22 sở, ban, ngành; 09 huyện; 21 đơn vị khác.",
    "overlapping attributes": (
        "Có 10/15 xã đạt tiêu chí giao thông, 12/15 xã đạt tiêu chí điện, 15/15 xã đạt tiêu chí y tế."
    ),
    "things of different kinds": "Có 10/15 xã đạt chuẩn nông thôn mới và 12/15 trường đạt chuẩn quốc gia.",
    "one part is the whole": (
        "Đã nhận được 5 câu hỏi của tổ chức, cá nhân. Trong đó: 05 câu hỏi đủ điều kiện (chiếm 100% tổng số "
        "câu hỏi); đã trả lời 03/05 câu hỏi; chờ trả lời 02/05 câu hỏi."
    ),
    "names that hold 'và', and one without a head": (
        "Đã có 03 cơ quan gửi báo cáo gồm: Văn phòng Đoàn ĐBQH và HĐND tỉnh, Chuyển đổi số, Sở Y tế."
    ),
    "turned away at the door": (
        "Tồn kỳ trước 20 hồ sơ. Tiếp nhận 100 hồ sơ. Số hồ sơ từ chối tiếp nhận là 7 hồ sơ. Đã giải quyết "
        "90 hồ sơ. Số hồ sơ đã tiếp nhận nhưng sau đó bị từ chối là 5 hồ sơ. Đang giải quyết 25 hồ sơ."
    ),
    "rank": "Chỉ số CCHC đạt 87,5 điểm, xếp thứ 12/63 tỉnh, thành phố; năm trước xếp thứ 20/63, tăng 8 bậc.",
    "change of a percentage": (
        "Tiếp nhận 500 hồ sơ, tăng 50 hồ sơ so với cùng kỳ; tỷ lệ đúng hạn đạt 98,5% (tăng 1,2% so với "
        "cùng kỳ)."
    ),
    "change of another thing": "Tiếp nhận 500 hồ sơ, "
    "tăng 50 hồ sơ; doanh thu dịch vụ tăng 12% so với cùng kỳ.",
    "share of a plan": "Đã giải quyết 850 hồ sơ trong "
    "tổng số 1.000 hồ sơ tiếp nhận; thu phí đạt 76% kế hoạch.",
    "share of a plan of resolved": "Tiếp nhận 1.000 hồ sơ. Đã giải quyết 850 hồ sơ, đạt 70% kế hoạch năm.",
    "examples in an open list": (
        "Đã đăng 900 tin, bài. Trong đó, nổi bật như: 120 tin, bài về nông thôn mới; 80 tin, bài về y tế..."
    ),
    "parts of parts, flat": (
        "Nhận được 100 câu hỏi. Trong đó: 86 câu hỏi đủ điều kiện; 69 câu hỏi đã trả lời; 17 câu hỏi chờ "
        "trả lời; "
        "xóa 14 câu hỏi."
    ),
    "an inner list in the first clause": (
        "Có 10 hồ sơ, trong đó 08 hồ sơ đúng hạn, 02 hồ sơ quá hạn; ngoài ra còn 05 hồ sơ của năm trước."
    ),
    "different units behind 'trong đó'": "Tổ chức 05 lớp tập huấn (trong đó có 350 học viên là nữ).",
    "documents listed with commas": (
        "Ban hành 02 văn bản: Quyết định số 12/QĐ-UBND ngày 05/02/2024 về quy chế, nội quy; Kế hoạch số "
        "45/KH-UBND."
    ),
    "offices with 'và' and commas in the name": (
        "Đã có 04 cơ quan gửi báo cáo gồm: Sở Văn hóa, Thể thao và Du lịch, Sở Lao động - Thương binh và "
        "Xã hội, "
        "Sở Y tế và Sở Nội vụ."
    ),
    "two fields of work": (
        "Lĩnh vực đất đai: tiếp nhận 100 hồ sơ, tồn 10 hồ sơ, đã giải quyết 90 hồ sơ, đang giải quyết 20 "
        "hồ sơ. "
        "Lĩnh vực hộ tịch: tiếp nhận 50 hồ sơ, tồn 5 hồ sơ, đã giải quyết 50 hồ sơ, đang giải quyết 5 hồ sơ."
    ),
    "dates, years and references": (
        "Theo Quyết định số 766/QĐ-TTg ngày 23/6/2022 và Điều 7 Nghị định 42/2022/NĐ-CP, từ 01/01 - "
        "31/3/2024, "
        "dịp 08/3, 30/4 và năm học 2024 - 2025, lúc 8h30 (ĐT: 0214.3840.034), khoản 2, mức độ 4."
    ),
    "rounded numbers": "Đạt 1,88 triệu lượt, trong đó: máy tính 0,94 triệu lượt; điện thoại 0,94 triệu lượt.",
    "from and to": "Số hồ sơ tăng từ 120 hồ sơ lên 150 hồ sơ (tăng 25%) so với cùng kỳ.",
    "a percentage with from and to behind it": (
        "Số lượng tin, bài, CSDL tăng 28,4% so với cùng kỳ (từ 8.138 lên 10.449 tin, bài, CSDL)."
    ),
    "a whole of which one part has no past": (
        "Cổng tỉnh đăng 2 tin, bài, CSDL.\nCác Cổng thành phần đăng 3 tin, bài, CSDL; tăng 1 tin, bài, "
        "CSDL so với "
        "cùng kỳ.\nToàn hệ thống: số lượng tin, bài, CSDL tăng 150% so với cùng kỳ."
    ),
    "earlier value given": "Tiếp nhận 120 hồ sơ (cùng kỳ năm 2023 là 100 hồ sơ), tăng 20 hồ sơ (tăng 20%).",
}

WRONG = {
    "sum in a bracket": (
        "Tổng số 120 người, trong đó nam 60 người, nữ 50 người.", Relation.sum_of_parts, "120", "110"),
    "sum over bullets": (
        "Tiếp nhận 300 văn bản. Trong đó:\n- Cấp tỉnh: 100 văn bản.\n- Cấp huyện: 150 văn bản.\n"
        "- Cấp xã: 60 văn bản.", Relation.sum_of_parts, "300", "310"),
    "percent of the earlier value": (
        "Đăng 240 tin, bài, tăng 40 tin, bài (tăng 16,7%) so với cùng kỳ.",
        Relation.change_percent, "16,7%", "20,0%"),
    "from and to": (
        "Số hồ sơ giảm từ 150 hồ sơ xuống còn 120 hồ sơ (giảm 25%) so với cùng kỳ.",
        Relation.change_percent, "25%", "20,0%"),
    "from and to behind the percentage": (
        "Số lượng tin, bài, CSDL tăng 33% so với cùng kỳ (từ 8.138 lên 10.449 tin, bài, CSDL).",
        Relation.change_percent, "33%", "28,4%"),
    "direction": (
        "Đăng 240 tin, bài, tăng 40 tin, bài (giảm 20%) so với cùng kỳ.",
        Relation.change_percent, "20%", "20,0%"),
    "share": (
        "Tiếp nhận 200 hồ sơ, trong đó trực tuyến 150 hồ sơ (chiếm 70%), trực tiếp 50 hồ sơ.",
        Relation.share_of_total, "70%", "75,0%"),
    "share of what the words name": (
        "Tiếp nhận 400 hồ sơ. Đã giải quyết 300 hồ sơ. Số hồ sơ đúng hạn là 285 hồ sơ, đạt 71,3% tổng số "
        "hồ sơ "
        "đã giải quyết.", Relation.share_of_total, "71,3%", "95,0%"),
    "share of a fraction": (
        "Đã trả lời 45/60 câu hỏi (đạt 80%).", Relation.share_of_total, "80%", "75,0%"),
    "fractions in points": (
        "Có 05/16 cơ quan đạt 95 điểm; 10/16 cơ quan đạt 90 điểm.",
        Relation.fractions_fill_group, "05/16; 10/16", "15"),
    "group size in bullets": (
        "Có 29 đơn vị tham gia. Trong đó:\n- 27/29 đơn vị đạt 27 điểm.\n- 02/28 đơn vị đạt 25 điểm.",
        Relation.same_group_size, "02/28", "29"),
    "more than there are": ("Có 12/10 xã đạt chuẩn.", Relation.part_within_total, "12/10", "≤ 10"),
    "flow": (
        "Tồn kỳ trước 20 hồ sơ. Tiếp nhận 100 hồ sơ. Đã giải quyết 90 hồ sơ. Đang giải quyết 25 hồ sơ.",
        Relation.flow_balance, "25", "30"),
    "scale": ("Thang điểm 40, cộng thêm 5 điểm, tối đa 50 điểm.", Relation.scale_sum, "50", "45"),
    "points beyond the scale": (
        "1. Chấm điểm (thang điểm 15, cộng thêm 3 điểm, tối đa 18 điểm)\nKết quả:\n- Sở Y tế đạt 19 điểm.",
        Relation.points_within_scale, "19", "18"),
    "named list": ("Gồm 04 xã: Cao Sơn, La Pan Tân, Tả Thàng.", Relation.named_list, "04", "3"),
    "more named than said": (
        "Có 02 cơ quan chưa gửi báo cáo như: Sở Y tế, Sở Nội vụ, Sở Tài chính.",
        Relation.named_list, "02", "3"),
    "negative past": (
        "Đăng 40 tin, bài, tăng 50 tin, bài so với cùng kỳ.", Relation.earlier_value, "50", "≤ 40"),
    "difference of two periods": (
        "Tiếp nhận 120 hồ sơ (cùng kỳ năm 2023 là 100 hồ sơ), tăng 25 hồ sơ.",
        Relation.change_percent, "25", "20"),
}  # fmt: skip


@pytest.mark.parametrize("name", CLEAN)
def test_raises_no_false_alarm(name: str) -> None:
    audit = audit_text(CLEAN[name])
    assert [(f.relation, f.published, f.computed, f.why_en) for f in audit.alarms] == []


@pytest.mark.parametrize("name", WRONG)
def test_finds_the_slip(name: str) -> None:
    text, relation, published, computed = WRONG[name]
    audit = audit_text(text)
    found = [(f.relation, f.published, f.computed) for f in audit.alarms]
    assert (relation, published, computed) in found
    assert len(found) == 1


def test_soft_words_are_taken_at_their_word() -> None:
    list_of_17 = ", ".join(f"Sở Số {name}" for name in "ABCDEFGHIJKLMNOPQ")
    nearly = audit_text(f"Có gần 20 cơ quan gửi báo cáo gồm: {list_of_17}.")
    assert [str(f.severity) for f in nearly.findings] == ["note"]
    exactly = audit_text(f"Có 20 cơ quan gửi báo cáo gồm: {list_of_17}.")
    assert [str(f.severity) for f in exactly.findings] == ["alarm"]


COUNTLESS = (
    "Theo Quyết định số 766/QĐ-TTg ngày 23/6/2022, Nghị quyết số 12 và Điều 7 Nghị định 42/2022/NĐ-CP, "
    "khoản 2.",
    "Từ 01/01 - 31/3/2024, dịp 08/3, 30/4; năm học 2024 - 2025; giai đoạn 2021 - 2025; quý IV/2023; tháng "
    "3/2024.",
    "PHƯƠNG HƯỚNG 6 THÁNG CUỐI NĂM 2024; 6 tháng đầu năm 2024; QUÝ I NĂM 2024; cùng kỳ năm 2023.",
    "Lúc 8h30, ĐT: 0214.3840.034, xem https://laocai.gov.vn/2024/05, Phụ biểu 01.1 và 01.2, dịch vụ công "
    "mức độ 4.",
    "Xếp thứ 12/63, hạng 5; lần thứ 4; đợt 2; (1) Sở A; (2) Sở B; Lưu: VT, TH4, VX1.",
)


@pytest.mark.parametrize("text", COUNTLESS)
def test_digits_that_count_nothing_are_no_numbers(text: str) -> None:
    audit = audit_text(text)
    assert [number.written for number in audit.numbers] == []
    assert audit.summary.left_out


def test_points_and_small_counts_are_numbers() -> None:
    audit = audit_text(
        "Đạt mức 95 điểm; 05/16 Cổng; 5/10 câu hỏi; loại 12 hồ sơ; 1.342 TTHC; gần 20 cơ quan; 2,5 tỷ đồng."
    )
    assert [n.written for n in audit.numbers] == ["95", "05/16", "5/10", "12", "1.342", "20", "2,5 tỷ"]
