"""The outline of a document: paragraphs whose numbers are figures, and places for an officer's prose."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from services.report.documents.figures import write
from services.report.documents.snapshot import Snapshot


class Kind(StrEnum):
    """How a paragraph looks."""

    part = "part"  # I.
    section = "section"  # 1.
    subsection = "subsection"  # 3.1.
    body = "body"
    dash = "dash"
    plus = "plus"
    annex_note = "annex_note"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text; with a figure it is that figure's number and nothing else."""

    text: str
    figure: str | None = None
    form: str | None = None
    italic: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A computed paragraph: its words are fixed, its numbers come from the snapshot."""

    kind: Kind
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Place:
    """A place for prose. `hint` says what belongs there; `kind` is how its paragraphs look."""

    id: str
    hint: str
    kind: Kind = Kind.dash


@dataclass(frozen=True, slots=True)
class AnnexTable:
    """Where an annex stands in the document."""

    annex: str


Item = Paragraph | Place

_PLACEHOLDER = re.compile(r"\{(?P<figure>[a-z0-9_.\-]+)(?::(?P<form>[a-z_]+))?\}|<(?P<italic>[^<>]*)>")


@dataclass(slots=True)
class Writer:
    """Collects the items of a document. Templates name figures: ``{portal.items}``,
    ``{qa.score.zero:two}``."""

    snapshot: Snapshot
    items: list[Item] = field(default_factory=list)

    def head(self, kind: Kind, text: str) -> None:
        self.items.append(Paragraph(kind, tuple(self.pieces(text))))

    def say(self, kind: Kind, *templates: str) -> None:
        """Add a paragraph of these templates joined as they are; empty ones fall away."""
        text = "".join(t for t in templates if t)
        self.items.append(Paragraph(kind, tuple(self.pieces(text))))

    def place(self, place_id: str, hint: str, kind: Kind = Kind.dash) -> None:
        self.items.append(Place(place_id, hint, kind))

    def pieces(self, template: str, *, italic: bool = False) -> Iterator[Piece]:
        position = 0
        for match in _PLACEHOLDER.finditer(template):
            if match.start() > position:
                yield Piece(template[position : match.start()], italic=italic)
            if match.group("figure"):
                yield self.piece(match.group("figure"), match.group("form") or "count", italic=italic)
            else:
                yield from self.pieces(match.group("italic"), italic=True)
            position = match.end()
        if position < len(template):
            yield Piece(template[position:], italic=italic)

    def piece(self, figure: str, form: str, *, italic: bool = False) -> Piece:
        """A figure written. Raises KeyError for a figure nobody defined, ValueError for one without a
        value."""
        value = self.snapshot.value(figure)
        if value is None:
            raise ValueError(f"the figure {figure} has no value and cannot be written")
        return Piece(write(value, form), figure, form, italic)

    def has(self, figure: str) -> bool:
        """Whether a figure exists and is not zero."""
        return bool(self.snapshot.value(figure))

    def moved(self, figure: str, unit: str, since: str, form: str = "count", *, percent: bool = True) -> str:
        """A template for the change of a figure: ``tăng 59 tin, bài, CSDL (tăng 6,7%) so với …``, ''
        without one."""
        delta, change = self.snapshot.value(f"{figure}.delta"), self.snapshot.value(f"{figure}.change")
        if delta is None or change is None:
            return ""
        if delta == 0:
            return f"bằng {since}"
        word = direction(delta)
        share = f" ({word} {{{figure}.change:percent}})" if percent else ""
        return f"{word} {{{figure}.delta:{form}}} {unit}{share} so với {since}"


def direction(delta: Decimal) -> str:
    return "tăng" if delta > 0 else "giảm"


def enumerate_names(names: list[str]) -> str:
    """Names in a row, as a report lists them."""
    return ", ".join(names)
