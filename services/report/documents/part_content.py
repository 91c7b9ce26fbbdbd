"""Part I: content on the provincial portal, on social networks and on the component portals."""

from services.report.documents.outline import Kind, Writer, direction
from services.report.documents.wording import Wording, sentence_case

ITEMS = "tin, bài, CSDL"
CLASS_WORDS = {
    "party": "Cổng TTĐT các cơ quan tham mưu giúp việc cho Tỉnh ủy, Ủy ban MTTQ Việt Nam tỉnh, các tổ chức "
    "chính trị - xã hội tỉnh, các cơ quan chuyên ngành đặc thù đã đăng tải mới ",
    "departments": "Các sở, ban, ngành, đơn vị, tổ chức tỉnh đã đăng tải mới ",
    "districts": "{portals.districts:two} huyện, thị xã, thành phố đã đăng tải mới ",
    "communes": "{portals.communes:two} xã, phường, thị trấn có Cổng TTĐT cấp xã đăng tải mới ",
}


def write_content(w: Writer, words: Wording) -> None:
    """The whole of part I."""
    w.head(Kind.part, f"I. HOẠT ĐỘNG CUNG CẤP THÔNG TIN {words.upper}")
    w.head(Kind.section, "1. Cung cấp thông tin trên Cổng TTĐT tỉnh Lào Cai")
    _portal(w, words)
    w.head(Kind.section, "2. Cung cấp thông tin trên mạng xã hội")
    _social(w, words)
    w.head(Kind.section, "3. Cung cấp thông tin trên các Cổng TTĐT thành phần")
    w.head(Kind.subsection, "3.1. Cung cấp thông tin")
    _components(w, words)
    w.head(Kind.subsection, "3.2. Đánh giá, chấm điểm mức độ cung cấp thông tin")
    _scores(w)


def _then(first: str, *rest: str) -> str:
    """Clauses joined by semicolons; empty ones fall away."""
    return "; ".join([first, *(part for part in rest if part)])


def _portal(w: Writer, words: Wording) -> None:
    before = words.same_before
    inner = [
        f"{{portal.articles}} tin, bài sản xuất, biên tập, sưu tầm các lĩnh vực"
        f"{_bracket(w.moved('portal.articles', 'tin, bài', before, percent=False))}",
        "{portal.datasets} bộ thông tin CSDL là văn bản chỉ đạo điều hành, văn bản công bố các thủ tục "
        "hành chính"
        f"{_bracket(w.moved('portal.datasets', 'bộ thông tin CSDL', before, percent=False))}",
    ]
    w.say(
        Kind.dash,
        _then(
            f"{sentence_case(words.name)}, Cổng TTĐT tỉnh Lào Cai đã cung cấp {{portal.items}} tin, bài, "
            f"bộ thông tin "
            "cơ sở dữ liệu (CSDL)",
            w.moved("portal.items", ITEMS, before),
        ),
        f". Trong đó có {inner[0]} và {inner[1]}.",
    )
    if w.has("portal.visits"):
        w.say(
            Kind.dash,
            f"Tổng số lượt truy cập Cổng TTĐT tỉnh Lào Cai trong {words.name} đạt ",
            _then("{portal.visits} lượt", w.moved("portal.visits", "lượt", before)),
            ". Lũy kế đến nay đạt {portal.visits.cumulative} lượt truy cập Cổng TTĐT tỉnh Lào Cai.",
        )
    w.place("I.1.noi-dung", "Nội dung thông tin chủ yếu trên Cổng TTĐT tỉnh trong kỳ")
    if w.has("portal.spokesperson") or w.has("portal.press_digest"):
        w.say(
            Kind.dash,
            "Duy trì cung cấp thông tin cho cơ quan báo chí tại kênh tin “Người phát ngôn tỉnh Lào Cai” "
            "({portal.spokesperson:two} bản tin, thông cáo báo chí); tổng hợp các thông tin về tỉnh Lào "
            "Cai tại kênh "
            "tin “Điểm báo” ({portal.press_digest:two} bản tin).",
        )


def _bracket(text: str) -> str:
    return f" ({text})" if text else ""


def _social(w: Writer, words: Wording) -> None:
    before = words.same_before
    if w.has("facebook.posts"):
        reach = (
            _then(
                "thu hút {facebook.reach} lượt người tiếp cận, tương tác bài viết",
                w.moved("facebook.reach", "lượt người", before),
            )
            if w.has("facebook.reach")
            else ""
        )
        w.say(
            Kind.dash,
            "Fanpage của UBND tỉnh Lào Cai trên Facebook đã đăng tải ",
            _then("{facebook.posts} tin, bài", w.moved("facebook.posts", "tin, bài", before), reach),
            ".",
            _followers(w, words),
        )
    if w.has("zalo.posts"):
        views = _then(
            "thu hút {zalo.views} lượt xem, chia sẻ, đánh giá", w.moved("zalo.views", "lượt", before)
        )
        w.say(
            Kind.dash,
            "Phân hệ tin tức Cổng Hành chính công tỉnh Lào Cai trên Zalo đã cập nhật ",
            _then(
                "{zalo.posts} tin, bài", w.moved("zalo.posts", "tin, bài", before),
                views if w.has("zalo.views") else "",
            ),
            ".",
        )  # fmt: skip
    w.place("I.2.du-luan", "Vấn đề dư luận xã hội quan tâm, theo dõi, tương tác, chia sẻ nhiều")


def _followers(w: Writer, words: Wording) -> str:
    if not w.has("facebook.followers"):
        return ""
    moved = w.moved("facebook.followers", "người theo dõi", words.end_of_last_year)
    return " Tổng số người theo dõi Fanpage đạt " + _then("{facebook.followers} người", moved) + "."


def _components(w: Writer, words: Wording) -> None:
    before = words.same_before
    w.say(
        Kind.dash,
        f"{sentence_case(words.name)}, các Cổng TTĐT thành phần đã cập nhật ",
        _then("{components.items} tin, bài, bộ thông tin CSDL", w.moved("components.items", ITEMS, before)),
        ". Trong đó:",
    )
    for name, opening in CLASS_WORDS.items():
        figure = f"components.{name}.items"
        w.say(Kind.plus, opening, _then(f"{{{figure}}} {ITEMS}", w.moved(figure, ITEMS, before)), ".")
    _named_portals(w, words)


def _named_portals(w: Writer, words: Wording) -> None:
    snapshot = w.snapshot
    active = [
        f"{snapshot.name_inside(slug)} ({{active.{slug}}} {ITEMS})"
        for slug in snapshot.lists["active"].agencies
    ]
    if active:
        w.say(
            Kind.dash,
            "Một số cơ quan, đơn vị, địa phương duy trì thường xuyên việc đăng tải, cập nhật tin, bài, "
            "CSDL trên Cổng "
            f"TTĐT thành phần như: {'; '.join(active)}.",
        )
    improved = snapshot.names("improved")
    if improved:
        w.say(
            Kind.dash,
            f"Một số cơ quan, đơn vị, địa phương có chuyển biến tích cực so với {words.same_before} trong "
            f"việc cung "
            f"cấp thông tin như: {'; '.join(improved)}.",
        )
    unscored = snapshot.names("unscored_active")
    if unscored:
        w.say(
            Kind.dash,
            "Một số cơ quan, đơn vị tuy không chấm điểm nhưng đã triển khai khá hiệu quả việc cung cấp "
            "thông tin như: "
            f"{'; '.join(unscored)}.",
        )
    channels = snapshot.names("channels")
    if channels:
        w.say(
            Kind.dash,
            "Một số cơ quan, đơn vị, địa phương đã mở chuyên mục, kênh thông tin mới trên Cổng TTĐT thành "
            "phần như: "
            f"{'; '.join(channels)}.",
        )
    w.place("I.3.noi-dung", "Nội dung các Cổng TTĐT thành phần đã tập trung thực hiện; tình hình truy cập")


def _scores(w: Writer) -> None:
    w.say(
        Kind.dash,
        "{portals.by_district} Cổng TTĐT thành phần cấp xã do các huyện, thị xã, thành phố theo dõi, đánh "
        "giá, "
        "chấm điểm.",
    )
    w.say(
        Kind.dash,
        "{portals.not_scored} Cổng TTĐT thành phần hoạt động theo ngành dọc, đặc thù và mới xây dựng nên "
        "không thực "
        "hiện chấm điểm.",
    )
    w.say(
        Kind.dash,
        "{portals.scored} Cổng TTĐT các cơ quan, đơn vị, tổ chức, địa phương thực hiện chấm điểm theo Bộ "
        "tiêu chí quy "
        "định tại Quyết định số 4526/QĐ-HĐBT ngày 14/12/2020; cụ thể như sau:",
    )
    openings = {
        "party": "Cổng TTĐT các cơ quan khối Đảng và cơ quan có Cổng TTĐT thành phần chuyên ngành đặc thù ",
        "government": "Cổng TTĐT các cơ quan khối chính quyền ",
    }
    for bloc, opening in openings.items():
        _bloc(w, bloc, opening)
    w.say(Kind.annex_note, "<(Phụ biểu số 01.1 và 01.2 kèm theo)>")


def scale_words(figure: str) -> str:
    """A template for a scale in brackets: base, bonus, maximum."""
    return (
        f"<(thang điểm {{scale.{figure}.base:points}}, cộng thêm {{scale.{figure}.bonus:points}} điểm "
        f"khuyến khích, "
        f"tối đa {{scale.{figure}.max:points}} điểm)>"
    )


def band_words(w: Writer, figure: str) -> str:
    """A template for the points of a band: `16 điểm`, or `từ 83 - 94 điểm` when they differ."""
    low, high = w.snapshot.value(f"{figure}.lowest"), w.snapshot.value(f"{figure}.highest")
    if low == high:
        return f"{{{figure}.highest:points}} điểm"
    return f"từ {{{figure}.lowest:points}} - {{{figure}.highest:points}} điểm"


def _bloc(w: Writer, bloc: str, opening: str) -> None:
    figure = f"content.{bloc}"
    if not w.has(f"{figure}.agencies"):
        return
    clauses = []
    of = f"/{{{figure}.agencies}} Cổng TTĐT"
    if w.has(f"{figure}.full"):
        clauses.append(f"{{{figure}.full:two}}{of} đạt điểm tối đa {{scale.{figure}.max:points}} điểm")
    if w.has(f"{figure}.rest"):
        clauses.append(f"{{{figure}.rest:two}}{of} đạt {band_words(w, f'{figure}.rest')}")
    w.say(Kind.plus, opening, scale_words(figure), ": Có ", "; ".join(clauses), ".")


def change_word(w: Writer, figure: str) -> str:
    """tăng or giảm, after the sign of a figure."""
    return direction(w.snapshot.number(figure))
