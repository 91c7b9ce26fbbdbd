"""What is counted: the nouns after a number, brought to one form.

Reports list several nouns for one count (``tin, bài, bộ thông tin CSDL``; ``cơ quan, đơn vị, địa phương``),
so a unit is a set of terms. A part of a total may name fewer of them. Nouns that are not in the list below
still work: their first word is the term.
"""

import re
from dataclasses import dataclass
from functools import cache

from services.report.audit.written import fold

# (family, term, spellings without diacritics). Only terms of one family are joined into one unit.
_LEXICON: tuple[tuple[str, str, str], ...] = (
    ("items", "csdl", r"(?:bo )?(?:thong tin )?(?:co so du lieu(?: \(csdl\))?|csdl)"),
    ("items", "csdl", r"bo thong tin|bo du lieu"),
    ("items", "ban tin", r"ban tin"),
    ("items", "ban tin", r"thong cao bao chi"),
    ("items", "tin", r"tin van|tin(?! nhan| hoc)"),
    ("items", "bai", r"bai viet|bai dang|bai"),
    ("items", "su kien", r"su kien"),
    ("items", "video", r"video|media"),
    ("questions", "cau hoi", r"cau hoi"),
    ("questions", "y kien", r"y kien|kien nghi|phan anh"),
    ("dossiers", "ho so", r"(?:bo )?ho so"),
    ("procedures", "tthc", r"(?:bo )?(?:tthc|thu tuc hanh chinh|thu tuc)"),
    ("decisions", "quyet dinh", r"quyet dinh"),
    ("documents", "van ban", r"van ban"),
    (
        "portals",
        "cong",
        r"(?:cac )?cong (?:ttdt|thong tin dien tu)(?: thanh phan)?|cong(?= thanh phan|\)|,|;|\.|$)",
    ),
    ("portals", "trang", r"trang (?:ttdt|thong tin dien tu)"),
    ("visits", "luot", r"luot(?: nguoi| truy cap| xem| tiep can)?"),
    ("people", "nguoi", r"nguoi|can bo|hoc vien"),
    ("points", "diem", r"diem"),
    ("agencies", "co quan", r"co quan|don vi|dia phuong|to chuc|so|ban|nganh"),
    ("districts", "huyen", r"huyen|thi xa|thanh pho"),
    ("communes", "xa", r"xa|phuong|thi tran"),
    ("channels", "kenh", r"kenh thong tin|kenh"),
    ("money", "dong", r"(?:trieu |ty )?dong"),
)
_JOIN = re.compile(r"\s*,\s*(?:va )?|\s+va\s+|\s*/\s*|\s+")
_WORD = re.compile(r"\s*([a-z]+)")
_NOT_A_UNIT = frozenset(
    (
        "va",
        "cua",
        "den",
        "tai",
        "trong",
        "so",
        "theo",
        "la",
        "voi",
        "tu",
        "duoc",
        "da",
        "thi",
        "hoac",
        "nham",
        "do",
    )
)


@dataclass(frozen=True, slots=True)
class Unit:
    """Terms in canonical form, and where the words end in the text. No terms: nothing recognisable
    follows."""

    terms: frozenset[str]
    end: int

    def covers(self, other: "Unit") -> bool:
        """Whether `other` can be a part of a count in this unit. Districts and communes are bodies too."""
        if not self.terms or not other.terms:
            return True
        return other.terms <= self.terms or ("co quan" in self.terms and other.terms <= _BODIES)

    def meets(self, other: "Unit") -> bool:
        return not self.terms or not other.terms or bool(self.terms & other.terms)


_BODIES = frozenset(("co quan", "huyen", "xa"))
NO_UNIT = Unit(frozenset(), 0)


@cache
def _patterns() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    return tuple((f, t, re.compile(rf"(?:{p})(?![a-z])")) for f, t, p in _LEXICON)


def unit_after(folded: str, position: int, limit: int) -> Unit:
    """The unit in the words of `folded` (lower case, no diacritics) from `position` on, not beyond
    `limit`."""
    start = position
    while start < limit and folded[start] == " ":
        start += 1
    terms: list[str] = []
    family = ""
    cursor, end = start, position
    while cursor < limit:
        hit = _term_at(folded, cursor, limit, family)
        if hit is None:
            break
        family, term, end = hit
        terms.append(term)
        join = _JOIN.match(folded, end, limit)
        if join is None:
            break
        cursor = join.end()
    if terms:
        return Unit(frozenset(terms), end)
    word = _WORD.match(folded, position, limit)
    if word and word.group(1) not in _NOT_A_UNIT:
        return Unit(frozenset((word.group(1),)), word.end())
    return Unit(frozenset(), position)


def _term_at(folded: str, position: int, limit: int, family: str) -> tuple[str, str, int] | None:
    for its_family, term, pattern in _patterns():
        if family and its_family != family:
            continue
        match = pattern.match(folded, position, limit)
        if match:
            return its_family, term, match.end()
    return None


def is_known(term: str) -> bool:
    return any(term == t for _, t, _ in _LEXICON)


def same_words(text: str, position: int, count: int) -> str:
    """The next `count` words in folded form, or '' when punctuation comes first."""
    words: list[str] = []
    for token in re.finditer(r"\S+", text[position:]):
        word = token.group()
        bare = word.strip(".,;:()")
        if not bare or not bare[0].isalpha():
            return ""
        words.append(fold(bare))
        if len(words) == count:
            return " ".join(words)
        if word != bare:
            return ""
    return ""
