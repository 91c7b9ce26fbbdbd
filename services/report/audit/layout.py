"""The layout of a report: sections, paragraphs, bullets and who stands under whom.

An administrative report numbers its parts ``I.``, ``1.``, ``3.1.``, ``a)`` and lists with ``-`` and under
it ``+``.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from services.report.audit.written import fold

ROMAN, NUMBERED, SUBNUMBERED, LETTERED, PLAIN, DASH, PLUS, DEEPER = 1, 2, 3, 4, 10, 11, 12, 13
_MARKS = {"-": DASH, "–": DASH, "—": DASH, "•": DASH, "+": PLUS, "*": DEEPER, "o": DEEPER}
_HEADINGS = (
    (re.compile(r"^(?P<n>[IVX]{1,5})\.\s+(?=\S)"), ROMAN),
    (re.compile(r"^(?P<n>\d{1,2}\.\d{1,2}(?:\.\d{1,2})?)\.?\s+(?=\S)"), SUBNUMBERED),
    (re.compile(r"^(?P<n>\d{1,2})\.\s+(?=\S)"), NUMBERED),
    (re.compile(r"^(?P<n>[a-zđ])\)\s+(?=\S)"), LETTERED),
)
_BULLET = re.compile(r"^(?P<mark>[-–—•+]|\*(?=\s)|o(?=\s))\s*(?=\S)")
_SENTENCE_END = re.compile(r"(?:\.{1,3}|[!?…])(?=\s|$)")
_ABBREVIATION = re.compile(r"\b(?:TT|TP|Tp|TX|Tx|ThS|TS|PGS|GS|Q|P|H|X)\.$")


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph or bullet. `text` is without its bullet or number; spans below are positions in it."""

    index: int
    line: int
    level: int
    section: str
    text: str
    folded: str
    parent: int | None
    brackets: tuple[tuple[int, int], ...]
    sentences: tuple[tuple[int, int], ...]

    @property
    def heading(self) -> bool:
        return self.level < PLAIN

    def bracket_at(self, position: int) -> tuple[int, int] | None:
        """The outermost bracket that encloses a position."""
        return next((b for b in self.brackets if b[0] < position < b[1]), None)

    def sentence_at(self, position: int) -> tuple[int, int]:
        return next((s for s in self.sentences if s[0] <= position < s[1]), (0, len(self.text)))

    def clause_at(self, position: int) -> tuple[int, int]:
        """The part of the sentence between semicolons that are not inside a bracket."""
        start, end = self.sentence_at(position)
        for index in range(start, end):
            if self.text[index] == ";" and self.bracket_at(index) is None:
                if index < position:
                    start = index + 1
                else:
                    end = index
                    break
        return start, end

    def quote(self, start: int, end: int) -> str:
        return self.text[start:end].strip()


def plain(text: str) -> str:
    """One spelling for equal characters: composed letters, ordinary spaces, no emphasis marks."""
    composed = unicodedata.normalize("NFC", text)
    for odd in "\u00a0\u2007\u202f\t":
        composed = composed.replace(odd, " ")
    for odd in "\u200b\u200e\u200f\ufeff\u00ad":
        composed = composed.replace(odd, "")
    stripped = composed.strip()
    bullet = "* " if re.match(r"^\*\s", stripped) else ""
    body = stripped[2:] if bullet else stripped
    body = re.sub(r"\*+|(?<!\w)_+|_+(?!\w)", "", body)
    return bullet + re.sub(r" {2,}", " ", body).strip()


def blocks_of(lines: Iterable[str]) -> list[Block]:
    """Read lines into blocks. A blank line separates nothing by itself: each line is a paragraph of its
    own."""
    found: list[Block] = []
    numbers: dict[int, str] = {}
    for line_number, raw in enumerate(lines, start=1):
        text = plain(raw)
        if not text:
            continue
        level, body, number = _classify(text)
        if level < PLAIN:
            numbers = {k: v for k, v in numbers.items() if k < level}
            numbers[level] = number
        found.append(_block(len(found), line_number, level, _section(numbers), body, found))
    return found


def _classify(text: str) -> tuple[int, str, str]:
    for pattern, level in _HEADINGS:
        match = pattern.match(text)
        if match:
            return level, text[match.end() :], match.group("n")
    match = _BULLET.match(text)
    if match:
        return _MARKS[match.group("mark")], text[match.end() :], ""
    return PLAIN, text, ""


def _section(numbers: dict[int, str]) -> str:
    roman = numbers.get(ROMAN, "")
    arabic = numbers.get(SUBNUMBERED) or numbers.get(NUMBERED, "")
    letter = numbers.get(LETTERED, "")
    return ".".join(part for part in (roman, arabic, letter) if part)


def _block(index: int, line: int, level: int, section: str, body: str, before: list[Block]) -> Block:
    brackets = _brackets(body)
    return Block(
        index,
        line,
        level,
        section,
        body,
        fold(body),
        _parent(level, before),
        brackets,
        _sentences(body, brackets),
    )


def _parent(level: int, before: list[Block]) -> int | None:
    """The nearest earlier block of a lower level; a plain paragraph counts only when it announces a list."""
    list_ended = False
    for block in reversed(before):
        if block.level >= level or (list_ended and not block.heading):
            continue
        if block.level == PLAIN and not block.text.endswith(":"):
            list_ended = True
            continue
        return block.index
    return None


def _brackets(text: str) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    depth, start = 0, 0
    for index, character in enumerate(text):
        if character == "(":
            if depth == 0:
                start = index
            depth += 1
        elif character == ")" and depth:
            depth -= 1
            if depth == 0:
                found.append((start, index))
    return tuple(found)


def _sentences(text: str, brackets: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        follower = text[match.end() :].lstrip()[:1]
        if any(b[0] < match.start() < b[1] for b in brackets) or follower.islower():
            continue
        if _ABBREVIATION.search(text[: match.end()]):
            continue
        found.append((start, match.end()))
        start = match.end()
    if start < len(text):
        found.append((start, len(text)))
    return tuple(found)
