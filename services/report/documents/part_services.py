"""Parts II and III: questions and answers, and online public services."""

from services.report.documents.outline import Kind, Writer
from services.report.documents.part_content import band_words, scale_words
from services.report.documents.wording import Wording, sentence_case


def write_questions(w: Writer, words: Wording) -> None:
    """The whole of part II."""
    w.head(Kind.part, f"II. THỰC HIỆN CHUYÊN MỤC HỎI - ĐÁP {words.upper}")
    w.head(Kind.section, "1. Tình hình thực hiện")
    span = f" (tính từ ngày {words.span})" if words.span else ""
    moved = w.moved("qa.received", "câu hỏi", words.same_before, "two")
    w.say(
        Kind.dash,
        f"Trong {words.name}{span}, chuyên mục Hỏi - Đáp đã nhận được {{qa.received}} câu hỏi của các tổ "
        f"chức, cá nhân "
        "gửi tới",
        f"; {moved}" if moved else "",
        ".",
        _inner_questions(w),
    )
    _faults(w)
    w.place("II.1.noi-dung", "Nội dung, lĩnh vực và đối tượng hỏi")
    asked = w.snapshot.names("most_asked")
    if asked:
        w.say(
            Kind.dash,
            f"Các cơ quan, đơn vị, địa phương nhận được nhiều câu hỏi như: {', '.join(asked)}.",
        )
    _question_scores(w)


def _inner_questions(w: Writer) -> str:
    if not w.has("qa.received"):
        return ""
    clauses = [
        "{qa.eligible:two} câu hỏi đủ điều kiện tiếp nhận và trả lời (chiếm {qa.eligible.share:percent} "
        "tổng số "
        "câu hỏi)"
    ]
    if w.has("qa.eligible"):
        clauses.append("đã trả lời {qa.answered:two}/{qa.eligible:two} câu hỏi")
        clauses.append("chờ tiếp nhận, chờ trả lời {qa.waiting:two}/{qa.eligible:two} câu hỏi")
    if w.has("qa.deleted"):
        clauses.append(
            "xóa {qa.deleted:two} câu hỏi (do vi phạm quy chế, có nội dung trùng nhau hoặc đã được chuyển "
            "đến cơ quan, "
            "đơn vị chuyên trách trả lời)"
        )
    return f" Trong đó: {'; '.join(clauses)}."


def _faults(w: Writer) -> None:
    if not w.has("qa.answered"):
        return
    clauses = ["trả lời đúng hạn {qa.answered_on_time:two} câu hỏi"]
    clauses += [
        template
        for figure, template in (
            ("qa.answered_late", "trả lời chậm so với thời gian quy định {qa.answered_late:two} câu hỏi"),
            ("qa.wrong_title", "người trả lời chưa đúng chức danh {qa.wrong_title:two} câu hỏi"),
            ("qa.overdue", "quá hạn chưa trả lời {qa.overdue:two} câu hỏi"),
        )
        if w.has(figure)
    ]
    w.say(Kind.dash, f"Về chất lượng trả lời: {'; '.join(clauses)}.")


def _question_scores(w: Writer) -> None:
    if not w.has("qa.agencies"):
        return
    w.head(Kind.section, f"2. Đánh giá, chấm điểm chuyên mục Hỏi - Đáp {scale_words('qa')}")
    w.say(
        Kind.body,
        "Tổng số có {qa.agencies} cơ quan, đơn vị, địa phương tham gia thực hiện đánh giá, chấm điểm "
        "chuyên mục Hỏi - "
        "Đáp trên Cổng TTĐT tỉnh Lào Cai. Kết quả chấm điểm cụ thể như sau:",
    )
    of = "/{qa.agencies} cơ quan, đơn vị, địa phương"
    if w.has("qa.score.above"):
        w.say(
            Kind.dash,
            f"{{qa.score.above:two}}{of} thực hiện tốt nhất chuyên mục Hỏi - Đáp, đạt "
            f"{band_words(w, 'qa.score.above')}.",
        )
    if w.has("qa.score.base"):
        inner = (
            " (trong đó {qa.score.base.no_question:two} cơ quan, đơn vị không nhận được câu hỏi của tổ "
            "chức, cá nhân)"
            if w.has("qa.score.base.no_question")
            else ""
        )
        w.say(
            Kind.dash,
            f"{{qa.score.base:two}}{of} thực hiện chuyên mục Hỏi - Đáp đạt "
            f"{{qa.score.base.highest:points}} điểm{inner}.",
        )
    if w.has("qa.score.below"):
        w.say(
            Kind.dash,
            f"{{qa.score.below:two}}{of} thực hiện chuyên mục Hỏi - Đáp đạt "
            f"{band_words(w, 'qa.score.below')}.",
        )
    if w.has("qa.score.zero"):
        w.say(
            Kind.dash,
            f"{{qa.score.zero:two}}{of} chưa thực hiện tiếp nhận, chưa trả lời câu hỏi trên chuyên mục Hỏi "
            f"- Đáp, chấm "
            "{qa.score.zero.highest:points} điểm.",
        )
    w.say(Kind.annex_note, "<(Phụ biểu số 02 kèm theo)>")


def write_services(w: Writer, words: Wording) -> None:
    """The whole of part III."""
    w.head(Kind.part, f"III. CUNG CẤP DỊCH VỤ CÔNG TRỰC TUYẾN {words.upper}")
    w.head(Kind.section, "1. Tình hình thực hiện")
    _procedures(w, words)
    if w.has("dossier.received") or w.has("dossier.resolved"):
        _dossiers(w, words)
    _dossier_scores(w, words)


def _procedures(w: Writer, words: Wording) -> None:
    sentences = []
    if w.has("procedures.decisions"):
        sentences.append(
            f"Trong {words.name}, Chủ tịch UBND tỉnh Lào Cai đã ban hành {{procedures.decisions:two}} "
            f"Quyết định công "
            "bố, bãi bỏ danh mục thủ tục hành chính (TTHC) với tổng số {procedures.in_decisions:two} TTHC."
        )
    if w.has("procedures.total"):
        sentences.append("Số TTHC đang có hiệu lực trên địa bàn tỉnh là {procedures.total} TTHC.")
    if sentences:
        w.say(Kind.body, " ".join(sentences))
    w.place("III.1.tthc", "Công khai, cập nhật TTHC; danh mục dịch vụ công trực tuyến", Kind.body)


def _dossiers(w: Writer, words: Wording) -> None:
    moved = w.moved("dossier.received", "hồ sơ", words.same_before)
    opening = f"Từ ngày {words.span}" if words.span else f"Trong {words.name}"
    w.say(
        Kind.body,
        f"{opening}, trên hệ thống thông tin giải quyết TTHC tỉnh Lào Cai, các cơ quan, đơn vị, địa phương "
        f"đã tiếp nhận "
        "{dossier.received} hồ sơ",
        f"; {moved}" if moved else "",
        ". Trong đó, tiếp nhận qua một cửa điện tử {dossier.received.one_stop} bộ hồ sơ; tiếp nhận trực "
        "tuyến "
        "{dossier.received.online} bộ hồ sơ. Hồ sơ tồn từ kỳ trước {dossier.carried_over} hồ sơ. Kết quả "
        "giải quyết:",
    )
    _resolved(w)
    for figure, words_before in (
        ("dossier.withdrawn", "Số hồ sơ rút theo đề nghị của tổ chức, cá nhân là "),
        ("dossier.rejected.received", "Số hồ sơ đã tiếp nhận nhưng sau đó bị từ chối là "),
        ("dossier.turned_away", "Số hồ sơ từ chối tiếp nhận là "),
    ):
        if w.has(figure):
            w.say(Kind.dash, f"{words_before}{{{figure}}} hồ sơ.")
    share = ", chiếm {dossier.in_progress.share:percent} tổng số hồ sơ được tiếp nhận"
    w.say(
        Kind.dash,
        "Số hồ sơ đang được giải quyết là {dossier.in_progress} hồ sơ",
        share if w.has("dossier.in_progress.share") else "",
        " (trong đó {dossier.overdue} hồ sơ đã quá hạn)" if w.has("dossier.overdue") else "",
        ".",
    )


def _resolved(w: Writer) -> None:
    if not w.has("dossier.resolved"):
        return
    clauses = [
        "hồ sơ giải quyết đúng hạn và trước hạn là {dossier.resolved.on_time} hồ sơ, đạt "
        "{dossier.resolved.on_time.share:percent} tổng số hồ sơ đã giải quyết"
    ]
    for name, words_before in (
        ("late", "số hồ sơ đã được giải quyết nhưng trễ hạn là"),
        ("no_due", "số hồ sơ không quy định thời hạn là"),
    ):
        figure = f"dossier.resolved.{name}"
        if w.has(figure):
            clauses.append(f"{words_before} {{{figure}}} hồ sơ, chiếm {{{figure}.share:percent}}")
    w.say(
        Kind.dash,
        "Số hồ sơ đã giải quyết là {dossier.resolved} hồ sơ (bao gồm cả hồ sơ tồn từ trước), đạt "
        "{dossier.resolved.share:percent}. ",
        f"Trong đó, {'; '.join(clauses)}.",
    )


def _dossier_scores(w: Writer, words: Wording) -> None:
    if not w.has("dossier.agencies"):
        return
    w.head(Kind.section, f"2. Đánh giá, chấm điểm dịch vụ công trực tuyến {scale_words('dossier')}")
    w.say(
        Kind.body,
        f"{sentence_case(words.name)} có {{dossier.agencies}} cơ quan, đơn vị, địa phương thực hiện tiếp "
        f"nhận, xử lý và "
        "giải quyết hồ sơ TTHC trực tuyến toàn trình và một phần. Trong đó:",
    )
    of = "/{dossier.agencies} cơ quan, đơn vị, địa phương"
    if w.has("dossier.score.full"):
        figure = "dossier.score.full.on_time"
        low, high = w.snapshot.value(f"{figure}.lowest"), w.snapshot.value(f"{figure}.highest")
        ratio = ""
        if low is not None and high is not None:
            span = f"từ {{{figure}.lowest:percent_bare}} - {{{figure}.highest:percent}}"
            span = span if low != high else f"{{{figure}.highest:percent}}"
            ratio = f" với tỷ lệ giải quyết đúng hạn và trước hạn {span}"
        w.say(
            Kind.dash,
            f"{{dossier.score.full:two}}{of} thực hiện tiếp nhận, giải quyết hồ sơ{ratio}, đạt "
            "{scale.dossier.max:points} điểm.",
        )
    if w.has("dossier.score.rest"):
        w.say(
            Kind.dash,
            f"{{dossier.score.rest:two}}{of} thực hiện tiếp nhận, giải quyết hồ sơ, đạt "
            f"{band_words(w, 'dossier.score.rest')}.",
        )
    if w.has("dossier.score.none"):
        w.say(
            Kind.dash,
            f"{{dossier.score.none:two}}{of} không nhận được hồ sơ TTHC, đạt "
            f"{band_words(w, 'dossier.score.none')}.",
        )
    w.say(Kind.annex_note, "<(Phụ biểu số 03 kèm theo)>")
