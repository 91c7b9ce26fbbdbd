"""Digits that are not quantities: dates, legal references, addresses, annex numbers, years.

They are named, not just removed, so that the coverage of an audit can say why a number was left alone.
"""

import re
from dataclasses import dataclass

_MONTH = r"(?:0?[1-9]|1[0-2])"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_YEAR = r"(?:19|20)\d{2}"
_DATE = rf"{_DAY}[/.-]{_MONTH}(?:[/.-]{_YEAR})?"
_QUARTER = r"(?:[IVX]+|[1-4])"

# Order matters: the first pattern to claim a stretch of text keeps it.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    # Headings write periods in capitals.
    (name, re.compile(pattern, re.IGNORECASE if name == "period" else 0))
    for name, pattern in (
        ("address", r"<?https?://[^\s>]+>?|www\.\S+|\S+@\S+\.\S+"),
        (
            "reference",
            r"(?<![\w,.])\d+(?:/\d{4})?/[A-ZĐ][\w-]*(?:-[A-ZĐ][\w]*)*|"
            r"(?<![\w,.])\d+-[A-ZĐ]{2,}[\w/-]*",
        ),
        ("reference", r"(?:Điều|điều|Khoản|khoản|Chương|chương|(?<!\w )(?:Mục|mục))\s+\d+(?![\d.,]*\d)"),
        (
            "reference",
            r"(?:Quyết định|Nghị quyết|Nghị định|Thông tư|Công văn|Kế hoạch|Chỉ thị|Tờ trình|"
            r"Báo cáo|Văn bản|Luật|Thông báo|Hướng dẫn)\s+số\s*:?\s*\d+(?![\d.,]*\d)",
        ),
        ("ordinal", r"(?:thứ|hạng|vị trí(?: thứ)?)\s+\d+(?:/\d+)?"),
        ("ordinal", r"(?:mức độ|đợt|bước|phiên bản|cấp độ|giai đoạn)\s+\d{1,2}(?![\d.,/]*\d|\s*%)"),
        ("ordinal", r"\(\d{1,2}\)"),
        (
            "annex",
            r"(?:[Pp]hụ biểu|PHỤ BIỂU|[Pp]hụ lục|PHỤ LỤC|[Bb]iểu|[Mm]ẫu)(?:\s+(?:số|SỐ))?\s+\d+(?:\.\d+)*"
            r"(?:(?:,\s*|\s+và\s+)(?:(?:Phụ biểu|phụ lục|biểu)(?:\s+số)?\s+)?\d+(?:\.\d+)*)*",
        ),
        (
            "period",
            r"\d+\s+(?:tháng|quý|năm|tuần|ngày)\s+"
            r"(?:đầu|cuối|qua|tới|liên tiếp)(?:\s+năm)?(?:\s+\d{4})?",
        ),
        ("period", rf"[Qq]uý\s+{_QUARTER}\s*(?:/|-|năm\s+)\s*{_YEAR}|[Qq]uý\s+{_QUARTER}\b"),
        ("period", rf"[Tt]háng\s+{_MONTH}(?:\s*/\s*|\s+năm\s+){_YEAR}|[Tt]háng\s+{_MONTH}\b"),
        ("period", rf"(?:năm học|giai đoạn|nhiệm kỳ|niên độ)\s+{_YEAR}\s*[-–]\s*{_YEAR}"),
        ("period", rf"(?:[Nn]ăm|[Kk]ỳ|[Tt]ết)\s+{_YEAR}|{_YEAR}\s*[-–]\s*{_YEAR}"),
        ("date", rf"{_DATE}\s*[-–]\s*{_DATE}(?![\w/])"),
        ("date", rf"(?<![\w/.,]){_DAY}/{_MONTH}/{_YEAR}(?!\w)"),
        ("date", rf"[Nn]gày\s+{_DATE}(?![\w/])|[Nn]gày\s+{_DAY}(?=\s+tháng)"),
        ("clock", r"(?<!\w)\d{1,2}\s*(?:giờ|h)\s*(?:\d{1,2}(?:\s*phút)?)?(?!\w)|(?<!\w)\d{1,2}:\d{2}(?!\w)"),
        ("ordinal", r"lần thứ\s+(?:[IVX]+|\d+)|thứ\s+\d+|khóa\s+(?:[IVX]+|\d+)|số\s+0\d+(?=\s*[-/])"),
        ("identifier", r"[A-Za-zĐđ]+\d[\w.-]*|(?<![\w.,/])\d+[A-Za-zĐđ][\w-]*|(?<![\w.,/])0\d{3,}(?:\.\d+)*"),
    )
)
# A day and month without 'ngày' looks like a share ('05/3' and '05/16'); what follows decides.
_BARE_DATE = re.compile(rf"(?<![\w/.,]){_DAY}/{_MONTH}(?![\w/%])")
_COUNT_FOLLOWS = re.compile(
    r"\s+(?:c[aá]c\s+)?(?:cổng|công|cơ quan|đơn vị|địa phương|sở|huyện|xã|phường|câu hỏi|bộ|hồ sơ|tthc|thủ "
    r"tục|tin|bài|"
    r"trang|kênh|người|điểm|văn bản|nhiệm vụ|chỉ tiêu|tiêu chí|trường|thôn|hộ|dự án|đại biểu|phiếu)(?!\w)",
    re.IGNORECASE,
)
_COUNT_PRECEDES = re.compile(r"(?:trả lời|đạt|có|giải quyết|xử lý|hoàn thành|tiếp nhận)\s+$", re.IGNORECASE)
_BARE_YEAR = re.compile(rf"(?<![\w.,/]){_YEAR}(?=\s*[;,.)…]|\s*$|\s+(?:và|là|so|của|đến|trên|tại|với)\b)")


@dataclass(frozen=True, slots=True)
class Citation:
    """A stretch of text with digits that count nothing."""

    start: int
    end: int
    kind: str


def citations(text: str) -> list[Citation]:
    taken: list[Citation] = []

    def claim(start: int, end: int, kind: str) -> None:
        if all(end <= c.start or c.end <= start for c in taken):
            taken.append(Citation(start, end, kind))

    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            if re.search(r"\d", match.group()):
                claim(match.start(), match.end(), kind)
    for match in _BARE_DATE.finditer(text):
        counted = _COUNT_FOLLOWS.match(text, match.end()) or _COUNT_PRECEDES.search(text[: match.start()])
        if not counted:
            claim(match.start(), match.end(), "date")
    for match in _BARE_YEAR.finditer(text):
        claim(match.start(), match.end(), "period")
    return sorted(taken, key=lambda c: c.start)


def without_citations(text: str, found: list[Citation]) -> str:
    """The same text, same length, with every citation blanked."""
    characters = list(text)
    for citation in found:
        characters[citation.start : citation.end] = "\u00b7" * (citation.end - citation.start)
    return "".join(characters)
