"""Totals and their parts: who is said to be part of whom.

A total is followed by its parts after ``Trong đó``, ``gồm``, ``bao gồm``, ``chia ra`` in the same sentence,
in the bullets of the list it announces, or in a bracket right behind it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from services.report.audit.figures import OPEN_LIST, Figure, Reading
from services.report.audit.layout import Block
from services.report.audit.quantities import Kind

_MARKER = re.compile(
    r"(?<!\w)(?:[Tt]rong (?:đó|số (?:này|đó))|(?:bao )?gồm(?: có)?|chia ra|[Cc]ụ thể(?: như sau)?|phân "
    r"theo[^:;.]{0,30})"
    r"(?!\w)\s*(?:có\s*)?:?"
)
_INCLUDES = re.compile(r"(?:bao )?gồm cả", re.IGNORECASE)
_ENDLESS = re.compile(r"(?:\.\.\.|…|v\.v\.?)\s*[.;]?\s*$")


@dataclass(slots=True)
class Group:
    """Parts of a total. An open group names examples only, so its parts need not reach the total.

    `narrow` holds only the parts up to the next semicolon, where the sentence can be read either way.
    `strangers` says that the list also counts things in units that do not fit the total.
    """

    total: Figure
    parts: list[Figure]
    open: bool
    narrow: list[Figure] = field(default_factory=list)
    strangers: bool = False


def groups_of(reading: Reading) -> list[Group]:
    """Every group, outer before inner, with `part_of` and `parts` of the figures set on the way."""
    found: list[Group] = []
    for block in reading.blocks:
        if block.heading:
            continue
        # Lazily: a later marker asks what the groups before it made of the figures.
        for group in chain(_marked(reading, block), _bracketed(reading, block)):
            if not group.parts or any(p is group.total for p in group.parts):
                continue
            found.append(group)
            group.total.parts = group.parts
            for part in group.parts:
                part.part_of = part.part_of or group.total
    return found


def _marked(reading: Reading, block: Block) -> Iterator[Group]:
    markers = [m for m in _MARKER.finditer(block.text) if not _INCLUDES.match(block.text, m.start())]
    markers = [m for m in markers if block.bracket_at(m.start()) is None]
    taken: list[tuple[int, int]] = []
    for index, marker in enumerate(markers):
        last = index == len(markers) - 1
        total = _total_before(reading, block, marker.start(), taken)
        if total is None:
            continue
        tail = block.text[marker.end() :].strip(" :;.")
        if last and not tail:
            parts = [
                p for child in reading.children(block.index) for p in _part_of_bullet(reading, child, total)
            ]
            yield Group(total, parts, _is_open(block.text[marker.start() :]))
            continue
        start, end = _reach(block, marker, markers[index + 1] if not last else None)
        taken.append((start, end))
        parts = _parts_between(reading, block, total, start, end)
        clause_end = block.clause_at(marker.end())[1]
        narrow = [p for p in parts if p.quantity.start < clause_end]
        strangers = any(not _can_be_part(f, total) for f in _plain_between(reading, block, start, end))
        yield Group(total, parts, _is_open(block.text[start:end]), narrow, strangers)


def _reach(block: Block, marker: re.Match[str], following: re.Match[str] | None) -> tuple[int, int]:
    """From the marker to the end of its sentence; of its clause when it stands inside one; not past the
    next."""
    sentence = block.sentence_at(marker.start())
    inside = block.text[marker.start()].islower() and bool(
        re.search(r"\w", block.text[sentence[0] : marker.start()])
    )
    start, end = marker.end(), sentence[1]
    if inside and _only_clause(block, marker.start()):
        end = block.clause_at(marker.start())[1]
    if following is not None and following.start() < end and following.group()[0].isupper():
        end = following.start()
    return start, end


def _only_clause(block: Block, position: int) -> bool:
    """Whether the marker stands in a later clause of its sentence, and so speaks of that clause only."""
    return block.clause_at(position)[0] > block.sentence_at(position)[0]


def _total_before(
    reading: Reading, block: Block, position: int, taken: list[tuple[int, int]]
) -> Figure | None:
    """The last value before a marker. Within a list of parts that is a part; after the list, the list's
    total."""
    sentence = block.sentence_at(position)
    candidates = [f for f in reading.figures_in(block.index) if f.quantity.start < position]
    candidates = [f for f in candidates if f.quantity.bracket is None]
    if not candidates:
        return None
    nearest = candidates[-1]
    same_sentence = nearest.quantity.start >= sentence[0]
    in_list = any(start <= nearest.quantity.start < end for start, end in taken)
    if in_list and not same_sentence and nearest.part_of is not None:
        return nearest.part_of
    return nearest


def _plain_between(reading: Reading, block: Block, start: int, end: int) -> list[Figure]:
    figures = [f for f in reading.figures_in(block.index) if start <= f.quantity.start < end]
    return [f for f in figures if f.quantity.bracket is None and not f.is_fraction]


def _parts_between(reading: Reading, block: Block, total: Figure, start: int, end: int) -> list[Figure]:
    figures = [f for f in reading.figures_in(block.index) if start <= f.quantity.start < end]
    figures = [f for f in figures if f.quantity.bracket is None and _can_be_part(f, total)]
    return _without_inner_lists(block, figures, start, end)


def _without_inner_lists(block: Block, figures: list[Figure], start: int, end: int) -> list[Figure]:
    """Leave out what an inner 'trong đó' counts inside one clause: those are parts of a part."""
    inner: list[tuple[int, int]] = []
    for marker in _MARKER.finditer(block.text, start, end):
        if block.bracket_at(marker.start()) is None and not _INCLUDES.match(block.text, marker.start()):
            inner.append((marker.end(), block.clause_at(marker.start())[1]))
    return [f for f in figures if not any(a <= f.quantity.start < b for a, b in inner)]


def _can_be_part(figure: Figure, total: Figure) -> bool:
    if figure.is_fraction:
        return figure.quantity.other == total.quantity.value and figure.quantity.kind is Kind.fraction
    return total.quantity.unit.covers(figure.quantity.unit)


def _part_of_bullet(reading: Reading, child: Block, total: Figure) -> list[Figure]:
    figures = [f for f in reading.figures_in(child.index) if f.quantity.bracket is None]
    return next(([f] for f in figures if _can_be_part(f, total)), [])


def _bracketed(reading: Reading, block: Block) -> Iterator[Group]:
    """``1.885 TTHC (cấp tỉnh 1.462 TTHC, cấp huyện 291 TTHC, …)``: two or more values right behind a
    total."""
    for bracket in block.brackets:
        inside = [f for f in reading.figures_in(block.index) if f.quantity.bracket == bracket]
        before = [f for f in reading.figures_in(block.index) if f.quantity.end <= bracket[0]]
        before = [f for f in before if f.quantity.bracket is None]
        if not inside or not before:
            continue
        text = block.text[bracket[0] : bracket[1]]
        marked = _MARKER.search(text) is not None and not _INCLUDES.search(text)
        total = before[-1]
        if marked:
            covering = [
                f for f in before if f.quantity.unit.terms and f.quantity.unit.covers(inside[0].quantity.unit)
            ]
            total = covering[-1] if covering else total
        words_between = block.text[total.quantity.end : bracket[0]]
        if re.search(r"[;.:]", words_between) or (not marked and len(inside) < 2):
            continue
        parts = [f for f in inside if not f.is_fraction and _same_count(f, total, marked)]
        if len(parts) >= 2 or marked:
            yield Group(total, parts, _is_open(text[:-1] if text.endswith(")") else text))


def _same_count(figure: Figure, total: Figure, marked: bool) -> bool:
    if figure.quantity.unit.terms and total.quantity.unit.terms:
        return total.quantity.unit.covers(figure.quantity.unit)
    return marked or not figure.quantity.unit.terms


def _is_open(text: str) -> bool:
    return bool(_ENDLESS.search(text) or OPEN_LIST.search(text[:60]))
