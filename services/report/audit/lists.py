"""Named lists: '06 xã: A, B, C …' names as many as it says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from services.report.audit.figures import Reading
from services.report.audit.findings import Relation, Severity
from services.report.audit.layout import Block
from services.report.audit.notebook import Notebook, Why
from services.report.audit.quantities import Kind, Part, Quantity
from services.report.audit.written import Fit, fold

LONGEST_LIST = 300
MOST_WORDS_OF_A_NAME = 8
_HEAD = re.compile(
    r"(?:so|ban|hoi|cuc|chi cuc|trung tam|huyen|thi xa|thanh pho|thi tran|xa(?! hoi)|phuong|cong an|uy "
    r"ban|dang uy|"
    r"lien (?:minh|doan|hiep)|vuon|hoi dong|tinh doan|bao|dai|van phong|ngan hang|kho bac|buu "
    r"dien|truong|benh vien|"
    r"bo chi huy|vien|toa an|chi nhanh|cong ty|doan|quy|doi|ubnd|hdnd|mttq|ub|pho|to)(?![a-z])"
)
_COUNCIL = re.compile(r"(?:hdnd|ubnd|hoi dong nhan dan|uy ban nhan dan)(?![a-z])")
"""Bodies whose office often serves another one too, and has both in its name."""
_EXAMPLES = re.compile(r"(?:như|điển hình|tiêu biểu|nổi bật|ví dụ)(?: là)?\s*$", re.IGNORECASE)
_ENDLESS = re.compile(r"(?:\.\.\.|…|v\.v)\s*[.;]?\s*$")


@dataclass(frozen=True, slots=True)
class NamedList:
    """A count and the names after the colon. `named` has several numbers where a comma or 'và' may join a
    name.

    `sure` is false for free text after the colon: then commas need not separate what is counted.
    """

    count: Quantity
    named: frozenset[int]
    sure: bool
    open: bool


def check_lists(notebook: Notebook) -> None:
    for block in notebook.reading.blocks:
        for named in _lists(notebook.reading, block):
            _check(notebook, named)


def _lists(reading: Reading, block: Block) -> Iterator[NamedList]:
    quantities = [q for q in reading.quantities if q.block == block.index]
    for position, character in enumerate(block.text):
        if character != ":" or block.bracket_at(position) is not None:
            continue
        start, end = block.sentence_at(position)
        names = block.text[position + 1 : end].strip()
        before = [q for q in quantities if start <= q.start < position and q.bracket is None]
        if not names or not before or any(position < q.start < end for q in quantities):
            continue
        count = before[-1]
        if (
            count.kind is not Kind.plain
            or count.part is not Part.value
            or not 0 < count.value <= LONGEST_LIST
        ):
            continue
        if ";" in block.text[count.end : position] or not count.unit.terms:
            continue
        counted, sure = _count_names(names)
        examples = bool(_EXAMPLES.search(block.text[count.end : position])) or bool(_ENDLESS.search(names))
        yield NamedList(count, counted, sure, examples)


def _count_names(names: str) -> tuple[frozenset[int], bool]:
    """The numbers of names the list can be read as, and whether they are names beyond doubt."""
    text = re.sub(r"\([^()]*\)", "", names).rstrip(" .;…")
    pieces = [p.strip() for p in re.split(r"[;,]", text) if p.strip()]
    if not pieces:
        return frozenset(), False
    headed = [bool(_HEAD.match(fold(p))) for p in pieces]
    if headed[0] and sum(headed) * 2 > len(headed):
        return _count_headed(pieces, headed), True
    counts = {len(pieces)}
    if re.search(r"\s+và\s+", pieces[-1]):
        counts.add(len(pieces) + 1)
    if ";" in text:
        counts.add(len([p for p in text.split(";") if p.strip()]))
    proper = all(p[0].isupper() and len(p.split()) <= MOST_WORDS_OF_A_NAME for p in pieces)
    return frozenset(counts), proper and len(pieces) >= 2


def _count_headed(pieces: list[str], headed: list[bool]) -> frozenset[int]:
    """Names of offices begin with Sở, Ban, huyện …; a piece that does not is the rest of the name before it,
    or, with a capital letter, perhaps a name of its own: Chuyển đổi số.

    Only before the last name does 'và' join two for sure: Đoàn ĐBQH và HĐND tỉnh is one office.
    """
    certain = possible = 0
    for position, (piece, has_head) in enumerate(zip(pieces, headed, strict=True)):
        rest = re.sub(r"^và\s+", "", piece)
        if not has_head and rest == piece:
            possible += piece[0].isupper()
            continue
        certain += 1
        for part in re.split(r"\s+và\s+", rest)[1:]:
            if _HEAD.match(fold(part)):
                joins = position == len(pieces) - 1 and not _COUNCIL.match(fold(part))
                certain, possible = certain + joins, possible + (not joins)
    return frozenset(range(certain, certain + possible + 1))


def _check(notebook: Notebook, named: NamedList) -> None:
    stated = named.count.value
    formula = " / ".join(str(n) for n in sorted(named.named))
    if not named.named:
        return
    if stated in named.named:
        if named.sure:
            notebook.holds(Relation.named_list, (named.count,), f"{formula} = {named.count.shown}")
        return
    most = max(named.named)
    softened = named.count.hedge is not None and named.count.fits(Decimal(most)) is not Fit.no
    if not named.sure and (named.open or most > stated):
        return
    weak = not named.sure or (named.open and most < stated) or softened
    why = Why(
        f"Nêu {named.count.written} nhưng kể tên {formula}.",
        f"The text says {named.count.written} and names {formula}.",
        "Danh sách mở (“như”, “…”) nên có thể không kể hết." if named.open else "",
        "The list is open (“như”, “…”), so it may not name all." if named.open else "",
    )
    notebook.fails(
        Relation.named_list, (named.count,), f"{formula} = {named.count.shown}", formula, why,
        severity=Severity.note if weak else Severity.alarm,
    )  # fmt: skip
