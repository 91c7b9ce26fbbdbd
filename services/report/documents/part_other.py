"""Parts IV to VI: the portal system, boards, reports, the assessment and the tasks ahead."""

from services.report.documents.outline import Kind, Writer, direction
from services.report.documents.wording import Wording, sentence_case

GROUP_WORDS = {
    "portals.departments": "Cổng TTĐT thành phần các sở, ban, ngành tỉnh",
    "portals.vertical": "Cổng TTĐT cơ quan trung ương ngành dọc đóng trên địa bàn tỉnh và các đơn vị, "
    "tổ chức khác",
    "portals.districts": "Cổng TTĐT thành phần cấp huyện",
    "portals.communes": "Cổng TTĐT thành phần cấp xã",
    "portals.party": "Cổng TTĐT thành phần các cơ quan khối Đảng",
}


def write_other(w: Writer, words: Wording) -> None:
    """The whole of part IV."""
    w.head(Kind.part, "IV. MỘT SỐ NỘI DUNG KHÁC")
    w.head(Kind.section, "1. Phát triển hệ thống Cổng TTĐT tỉnh Lào Cai")
    delta = w.snapshot.number("portals.total.delta")
    moved = (
        f" ({direction(delta)} {{portals.total.delta:two}} Cổng TTĐT so với {words.end_of_last_year})"
        if delta
        else ""
    )
    parts = "; ".join(f"{{{figure}:two}} {name}" for figure, name in GROUP_WORDS.items() if w.has(figure))
    w.say(
        Kind.dash,
        f"Đến ngày {words.last_day}, hệ thống Cổng TTĐT tỉnh Lào Cai có tổng cộng {{portals.total}} Cổng "
        f"TTĐT thành "
        f"phần{moved}. Trong đó có: {parts}.",
    )
    w.place("IV.1.xay-dung", "Cổng TTĐT đang xây dựng, tách, nhập, đổi tên")
    w.head(Kind.section, "2. Thành lập, kiện toàn Ban biên tập Cổng TTĐT thành phần")
    boards = w.snapshot.names("boards")
    since = w.snapshot.windows["boards"].first.year
    if boards:
        w.say(
            Kind.dash,
            f"Tính từ năm {since} đến ngày {words.last_day} có {{boards.established:two}} cơ quan, đơn vị, "
            f"địa phương "
            f"thành lập, kiện toàn Ban biên tập Cổng TTĐT thành phần gồm: {', '.join(boards)}.",
        )
    w.place("IV.2.ban-bien-tap", "Đánh giá việc thành lập, kiện toàn Ban biên tập")
    w.head(Kind.section, "3. Thực hiện chế độ báo cáo")
    reports = w.snapshot.names("reports")
    if reports:
        w.say(
            Kind.dash,
            f"Đến hết ngày {words.last_day} đã có {{reports.received:two}} cơ quan, đơn vị, địa phương gửi "
            f"UBND tỉnh báo "
            f"cáo tình hình hoạt động của Cổng TTĐT thành phần trong {words.name} gồm: {', '.join(reports)}.",
        )
    else:
        w.say(
            Kind.dash,
            f"Đến hết ngày {words.last_day} chưa có cơ quan, đơn vị, địa phương gửi báo cáo {words.name}.",
        )


def write_assessment(w: Writer, words: Wording) -> None:
    """The whole of part V."""
    w.head(Kind.part, "V. ĐÁNH GIÁ CHUNG")
    w.head(Kind.section, "1. Ưu điểm")
    change = w.snapshot.value("system.items.change")
    if change:
        to = "lên" if change > 0 else "xuống"
        w.say(
            Kind.dash,
            f"{sentence_case(words.name)}, số lượng tin, bài, bộ thông tin CSDL do hệ thống Cổng TTĐT tỉnh "
            f"Lào Cai "
            f"cung cấp {direction(change)} {{system.items.change:percent}} so với {words.same_before} (từ "
            f"{{system.items.before}} {to} {{system.items}} tin, bài, bộ thông tin CSDL).",
        )
    w.place("V.1.uu-diem", "Ưu điểm")
    w.head(Kind.section, "2. Khó khăn, hạn chế")
    _silent(w, words)
    w.place("V.2.han-che", "Khó khăn, hạn chế")


def _silent(w: Writer, words: Wording) -> None:
    districts = [
        agency for agency in w.snapshot.agencies.values() if agency.group == "districts" and agency.listed
    ]
    by_district = [
        f"{w.snapshot.name_inside(d.agency)} ({{inactive.{d.agency}:two}}/{{communes.{d.agency}}} Cổng)"
        for d in districts
        if w.has(f"inactive.{d.agency}")
    ]
    agencies = [w.snapshot.name_inside(slug) for slug in w.snapshot.data.selections["silent.agencies"]]
    clauses = []
    if agencies:
        clauses.append(f"{'; '.join(agencies)}")
    if by_district:
        clauses.append(f"nhiều Cổng TTĐT cấp xã thuộc: {', '.join(by_district)}")
    if clauses:
        w.say(
            Kind.dash,
            f"Qua theo dõi, rà soát, thống kê {words.name}, có những Cổng TTĐT thành phần không duy trì "
            f"hoạt động như: "
            f"{'; '.join(clauses)}.",
        )


def write_tasks(w: Writer, words: Wording) -> None:
    """The whole of part VI."""
    w.head(Kind.part, f"VI. PHƯƠNG HƯỚNG, NHIỆM VỤ {words.following_upper}")
    w.place("VI.nhiem-vu", "Phương hướng, nhiệm vụ kỳ tới", Kind.body)
    w.say(
        Kind.body,
        f"Trên đây là Báo cáo tình hình hoạt động Cổng TTĐT tỉnh Lào Cai {words.name}; phương hướng, nhiệm "
        f"vụ "
        f"{words.following}./.",
    )
