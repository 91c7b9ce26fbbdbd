"""The report as a whole: its items in order, and the finished Word document."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docx import Document

from services.report.audit.sources import paragraph_text
from services.report.documents import word
from services.report.documents.annexes import Annex
from services.report.documents.body import Body
from services.report.documents.controls import fingerprint, prose_places
from services.report.documents.outline import Item, Kind, Paragraph, Place, Writer
from services.report.documents.part_content import write_content
from services.report.documents.part_other import write_assessment, write_other, write_tasks
from services.report.documents.part_services import write_questions, write_services
from services.report.documents.prose import Office, Prose, Text
from services.report.documents.snapshot import Snapshot
from services.report.documents.wording import Wording, wording

SHOWN_HASH = 12


@dataclass(frozen=True, slots=True)
class Report:
    """The outline of a report: items of the body, and the subject under its title."""

    subject: str
    basis: str
    items: tuple[Item, ...]

    @property
    def places(self) -> list[str]:
        return [item.id for item in self.items if isinstance(item, Place)]

    @property
    def paragraphs(self) -> list[Paragraph]:
        return [item for item in self.items if isinstance(item, Paragraph)]


def outline(snapshot: Snapshot, office: Office) -> Report:
    """Everything between the title and the signature."""
    words = wording(snapshot)
    w = Writer(snapshot)
    write_content(w, words)
    write_questions(w, words)
    write_services(w, words)
    write_other(w, words)
    write_assessment(w, words)
    write_tasks(w, words)
    subject = (
        f"Tình hình hoạt động Cổng thông tin điện tử tỉnh Lào Cai {words.name}; phương hướng, nhiệm vụ "
        f"{words.following}"
    )
    return Report(subject, _basis(office, words), tuple(w.items))


def _basis(office: Office, words: Wording) -> str:
    opening = office.basis.strip()
    return f"{opening} {words.name} và phương hướng, nhiệm vụ {words.following} như sau:"


def write_word(
    snapshot: Snapshot, report: Report, annexes: list[Annex], office: Office, prose: Prose, path: Path
) -> list[str]:
    """Save the document; gives the prose places that are still empty."""
    document = word.new_document()
    word.header(document, office, snapshot.last_day)
    word.title(document, office, report.subject)
    body = Body(document, prose)
    body.write([Paragraph(Kind.body, tuple(Writer(snapshot).pieces(report.basis)))])
    body.write(report.items)
    word.keep_with_next(document.paragraphs[-1])
    word.keep_with_next(word.line(document, "", 6))
    word.signature(document, office)
    words = wording(snapshot)
    subtitle = f"(Kèm theo Báo cáo số ........../{office.symbol} của UBND tỉnh Lào Cai)"
    note = f"Số liệu tính đến hết ngày {words.last_day}; bản số liệu “{snapshot.sha256[:SHOWN_HASH]}”."
    for annex in annexes:
        body.annex(annex, words.upper, subtitle, note)
    _properties(document, snapshot, report)
    document.save(str(path))
    return body.empty_places


def _properties(document: Any, snapshot: Snapshot, report: Report) -> None:
    properties = document.core_properties
    properties.title, properties.language = report.subject[:255], "vi-VN"
    properties.author = properties.last_modified_by = "Hệ thống chấm điểm Cổng TTĐT"
    properties.identifier = snapshot.sha256
    properties.created = properties.modified = snapshot.as_of.replace(tzinfo=None, microsecond=0)
    properties.comments = f"{snapshot.period}, {snapshot.state}"


def computed_marks(report: Report) -> list[str]:
    """Fingerprints of the paragraphs that the program wrote."""
    return [fingerprint(text) for text in (report.basis, *(p.text for p in report.paragraphs))]


@dataclass(frozen=True, slots=True)
class LastEdition:
    """What an officer left in the last edition: prose by place, and paragraphs outside of any place."""

    places: dict[str, Text]
    strays: list[str]


def read_last_edition(path: Path, prose: Prose) -> LastEdition | None:
    """The prose of a document that was saved before and perhaps edited in Word since; None when there is
    none."""
    if not path.exists():
        return None
    document = Document(str(path))
    places = prose_places(document.element.body)
    known = set(prose.computed)
    strays = []
    if known:
        for paragraph in document.paragraphs:
            text = paragraph_words(paragraph._p)
            style = paragraph.style.name if paragraph.style is not None else ""
            if text and style in word.STYLES and fingerprint(text) not in known:
                strays.append(text)
    return LastEdition(places, strays)


def paragraph_words(element: Any) -> str:
    """A paragraph's text without its bullet."""
    text = paragraph_text(element).strip()
    return text[2:].strip() if text[:2] in ("- ", "+ ") else text
