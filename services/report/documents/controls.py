"""Word content controls: a number bound to its figure, and a place for prose. Written and read here only.

A figure's control is locked, so that a number cannot be retyped by accident in Word. Its tag says which
figure it is and in which form; a prose place's tag names the place.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from services.report.audit.sources import paragraph_text

LONGEST_TAG = 64
"""Word accepts no longer tag."""
FIGURE = "figure:"
PROSE = "prose:"
EMPTY_PREFIX = "[Phần cán bộ soạn: "


@dataclass(frozen=True, slots=True)
class Bound:
    """A number found in a document: the figure and form its control names, and the text it shows."""

    figure: str
    form: str
    text: str


class Controls:
    """Makes controls; numbers them in order, so that one snapshot always makes one document."""

    def __init__(self) -> None:
        self._made = 0

    def figure(self, run: Any, figure: str, form: str) -> Any:
        """Wrap a run's element in a control bound to a figure."""
        return self._control(f"{FIGURE}{figure}:{form}", figure, [run], lock="contentLocked")

    def prose(self, place: str, hint: str, paragraphs: Iterable[Any]) -> Any:
        """Wrap paragraphs in the control of a prose place."""
        return self._control(f"{PROSE}{place}", f"Phần lời: {hint}", list(paragraphs))

    def _control(self, tag: str, alias: str, content: list[Any], lock: str | None = None) -> Any:
        if len(tag) > LONGEST_TAG:
            raise ValueError(f"the tag {tag} is longer than Word allows ({LONGEST_TAG})")
        self._made += 1
        control, properties = OxmlElement("w:sdt"), OxmlElement("w:sdtPr")
        named = (
            ("w:alias", alias[:LONGEST_TAG]),
            ("w:tag", tag),
            ("w:id", str(self._made)),
            ("w:lock", lock),
        )
        for name, value in named:
            if value is not None:
                child = OxmlElement(name)
                child.set(qn("w:val"), value)
                properties.append(child)
        body = OxmlElement("w:sdtContent")
        for element in content:
            body.append(element)
        control.append(properties)
        control.append(body)
        return control


def control_tag(control: Any) -> str:
    tag = control.find(f"{qn('w:sdtPr')}/{qn('w:tag')}")
    return str(tag.get(qn("w:val"))) if tag is not None else ""


def bound_numbers(root: Any) -> Iterator[Bound]:
    """Every number bound to a figure, in reading order."""
    for control in root.iter(qn("w:sdt")):
        tag = control_tag(control)
        if tag.startswith(FIGURE):
            figure, _, form = tag.removeprefix(FIGURE).rpartition(":")
            yield Bound(figure, form, paragraph_text(control))


def prose_places(root: Any) -> dict[str, tuple[str, ...]]:
    """The paragraphs of every prose place as they stand; a place that still shows its hint is empty."""
    found: dict[str, tuple[str, ...]] = {}
    for control in root.iter(qn("w:sdt")):
        tag = control_tag(control)
        if tag.startswith(PROSE):
            texts = [paragraph_text(p).strip() for p in control.iter(qn("w:p"))]
            kept = [_without_bullet(t) for t in texts if not t.startswith(EMPTY_PREFIX)]
            found[tag.removeprefix(PROSE)] = tuple(t for t in kept if t)
    return found


def _without_bullet(text: str) -> str:
    return text[1:].strip() if text[:2].strip() in ("-", "+", "–") else text


def loose_text(paragraph: Any) -> str:
    """A paragraph's text with every bound number taken out: what remains may not hold an unexplained
    number."""
    return "".join("\u25a1" if _in_figure(node) else node.text or "" for node in paragraph.iter(qn("w:t")))


def _in_figure(node: Any) -> bool:
    return any(a.tag == qn("w:sdt") and control_tag(a).startswith(FIGURE) for a in node.iterancestors())


def fingerprint(text: str) -> str:
    """A short mark of a paragraph, to tell the computed ones from those that an officer added."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]
