"""Where an audited text comes from: plain text or a Word document."""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docx import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn

LARGEST_FILE_BYTES = 50 * 1024 * 1024
_BULLETS = ("- ", "+ ", "* ")
_ROMAN = ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))


class Unreadable(ValueError):
    """The file cannot be read as a report; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """Paragraphs in reading order and tables as rows of cell texts."""

    lines: list[str]
    tables: list[list[list[str]]]


def read_source(path: Path) -> Source:
    """Read a .docx, or any other file as UTF-8 text. Raises Unreadable."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise Unreadable(
            f"{path}: cannot be opened ({error.strerror}); give the path of a .docx or text file"
        ) from error
    if size > LARGEST_FILE_BYTES:
        raise Unreadable(f"{path}: {size} bytes is more than an audit reads ({LARGEST_FILE_BYTES})")
    data = path.read_bytes()
    if data[:2] == b"PK" or path.suffix.lower() == ".docx":
        return _word(path)
    try:
        return Source(data.decode("utf-8-sig").splitlines(), [])
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path}: is neither .docx nor UTF-8 text; save it as one of the two") from error


def _word(path: Path) -> Source:
    try:
        document = Document(str(path))
    except (PackageNotFoundError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise Unreadable(
            f"{path}: is not a Word document (.docx); open it in Word and save it as .docx"
        ) from error
    numbering = _Numbering(document)
    lines: list[str] = []
    tables: list[list[list[str]]] = []
    for element in _body_elements(document.element.body):
        if element.tag == qn("w:p"):
            lines.extend(_paragraph_lines(element, numbering))
        else:
            tables.append(_rows(element))
    return Source(lines, tables)


def _body_elements(container: Any) -> Iterator[Any]:
    """Paragraphs and tables in order, through content controls, which python-docx would pass over."""
    for element in container:
        if element.tag in (qn("w:p"), qn("w:tbl")):
            yield element
        elif element.tag == qn("w:sdt"):
            content = element.find(qn("w:sdtContent"))
            if content is not None:
                yield from _body_elements(content)
        elif element.tag in (qn("w:ins"), qn("w:customXml"), qn("w:smartTag")):
            yield from _body_elements(element)


def paragraph_text(element: Any) -> str:
    """The visible text of a paragraph, through links, fields and content controls; deletions left out."""
    pieces: list[str] = []
    for node in element.iter():
        if node.tag == qn("w:t") and not _is_hidden(node, element):
            pieces.append(node.text or "")
        elif node.tag == qn("w:tab") and node.getparent().tag == qn("w:r"):
            pieces.append(" ")
        elif node.tag in (qn("w:br"), qn("w:cr")):
            pieces.append("\n")
        elif node.tag == qn("w:noBreakHyphen"):
            pieces.append("-")
    return "".join(pieces)


def _is_hidden(node: Any, top: Any) -> bool:
    """Deleted text, and the fallback that repeats a drawing's text for old programs."""
    fallback = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
    parent = node.getparent()
    while parent is not None and parent is not top:
        if parent.tag in (qn("w:del"), fallback):
            return True
        parent = parent.getparent()
    return False


def _paragraph_lines(element: Any, numbering: "_Numbering") -> list[str]:
    prefix = numbering.prefix(element)
    text = paragraph_text(element)
    return [prefix + line if index == 0 else line for index, line in enumerate(text.split("\n"))]


def _rows(table: Any) -> list[list[str]]:
    """Rows of cells; a cell over several columns is repeated so that columns stay aligned."""
    rows: list[list[str]] = []
    for row in table.iter(qn("w:tr")):
        cells: list[str] = []
        for cell in row.iter(qn("w:tc")):
            text = " ".join(paragraph_text(p).strip() for p in cell.iter(qn("w:p"))).strip()
            span = cell.find(f"{qn('w:tcPr')}/{qn('w:gridSpan')}")
            width = int(span.get(qn("w:val"))) if span is not None else 1
            cells.extend([re.sub(r"\s+", " ", text)] * width)
        rows.append(cells)
    return rows


class _Numbering:
    """Word's automatic bullets and numbers, written out as the reader sees them."""

    def __init__(self, document: Any) -> None:
        self._formats: dict[tuple[str, str], str] = {}
        self._counts: dict[tuple[str, int], int] = {}
        for relation in document.part.rels.values():
            if relation.reltype.endswith("/numbering"):
                self._read(relation.target_part.element)

    def _read(self, root: Any) -> None:
        abstract: dict[str, dict[str, str]] = {}
        for definition in root.iter(qn("w:abstractNum")):
            levels = {}
            for level in definition.iter(qn("w:lvl")):
                form = level.find(qn("w:numFmt"))
                levels[level.get(qn("w:ilvl"))] = form.get(qn("w:val")) if form is not None else "decimal"
            abstract[definition.get(qn("w:abstractNumId"))] = levels
        for number in root.iter(qn("w:num")):
            link = number.find(qn("w:abstractNumId"))
            for level, form in abstract.get(link.get(qn("w:val")) if link is not None else "", {}).items():
                self._formats[number.get(qn("w:numId")), level] = form

    def prefix(self, paragraph: Any) -> str:
        properties = paragraph.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
        if properties is None:
            return ""
        number, level = properties.find(qn("w:numId")), properties.find(qn("w:ilvl"))
        if number is None:
            return ""
        depth = level.get(qn("w:val")) if level is not None else "0"
        form = self._formats.get((number.get(qn("w:numId")), depth), "bullet")
        if form in ("bullet", "none"):
            return _BULLETS[min(int(depth), len(_BULLETS) - 1)]
        key = (number.get(qn("w:numId")), int(depth))
        self._counts[key] = self._counts.get(key, 0) + 1
        return f"{_numeral(self._counts[key], form)} "


def _numeral(count: int, form: str) -> str:
    if form == "upperRoman":
        text, rest = "", count
        for value, letters in _ROMAN:
            while rest >= value:
                text, rest = text + letters, rest - value
        return f"{text}."
    if form == "lowerLetter":
        return f"{chr(ord('a') + (count - 1) % 26)})"
    return f"{count}."
