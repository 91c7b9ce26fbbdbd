"""An officer's prose: drafts, a file beside the report, and what was written in the last edition in Word.

The file holds, for each place, the paragraphs to put in (`text`) and those that the last edition put in
(`written`). Whoever changed theirs since then wins: Word before the file, the file before the draft. What
loses is kept under `superseded`. So a new edition with new numbers keeps every word of the officer.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

HERE = Path(__file__).parent
LONGEST_PARAGRAPH = 20_000
MOST_PARAGRAPHS = 200

Text = tuple[str, ...]
"""Paragraphs, without bullets."""


class ProseError(ValueError):
    """The prose file cannot be used; the message names it and says what to repair."""


class Place(BaseModel):
    """One place in the file. `written` is None before the first edition."""

    model_config = ConfigDict(extra="forbid")

    text: Text = Field(default=(), max_length=MOST_PARAGRAPHS)
    written: Text | None = None
    superseded: list[Text] = Field(default_factory=list)


class Prose(BaseModel):
    """The prose file. `own_numbers` are numbers in the prose that the officer answers for, as written
    there."""

    model_config = ConfigDict(extra="forbid")

    places: dict[str, Place] = Field(default_factory=dict)
    own_numbers: list[str] = Field(default_factory=list)
    computed: list[str] = Field(default_factory=list, description="fingerprints of the computed paragraphs")
    strays: list[str] = Field(default_factory=list, description="paragraphs found outside of any place")

    def text(self, place: str) -> Text:
        return self.places[place].text if place in self.places else ()


class Office(BaseModel):
    """Who sends the report: office.yaml."""

    model_config = ConfigDict(extra="forbid")

    provenance: str
    authority: tuple[str, ...]
    place: str
    symbol: str
    title: str
    signs_for: str
    signer_title: str
    signer_name: str
    recipients: tuple[str, ...]
    basis: str


def read_office(path: Path | None = None) -> Office:
    """The office that sends. Raises ProseError naming the file."""
    chosen = path or HERE / "office.yaml"
    try:
        return Office.model_validate(yaml.safe_load(chosen.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ProseError(f"{chosen}: {error}; compare it with office.yaml of the package") from error


def drafts() -> dict[str, Text]:
    """The first drafts that come with the package."""
    found = yaml.safe_load((HERE / "prose.yaml").read_text(encoding="utf-8"))
    return {place: tuple(paragraphs) for place, paragraphs in found.items()}


def read_prose(path: Path) -> Prose:
    """The prose file, or an empty one where there is none. Raises ProseError."""
    if not path.exists():
        return Prose()
    try:
        return Prose.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ProseError(f"{path}: {error}; repair it, or move it away to begin with the drafts") from error


def merge(prose: Prose, in_word: Mapping[str, Text] | None, places: Iterable[str]) -> Prose:
    """The prose for a new edition. `in_word` is what the last edition holds now, None when there is none."""
    first = drafts()
    merged: dict[str, Place] = {}
    for place in dict.fromkeys([*places, *prose.places]):
        before = prose.places.get(place)
        here = in_word.get(place) if in_word is not None else None
        merged[place] = _merged(before, here, first.get(place, ()))
    return Prose(places=merged, own_numbers=prose.own_numbers, computed=prose.computed, strays=prose.strays)


def _merged(before: Place | None, here: Text | None, draft: Text) -> Place:
    if before is None:
        return Place(text=here if here else draft)
    superseded = list(before.superseded)
    changed_in_word = here is not None and before.written is not None and here != before.written
    if changed_in_word and here is not None:
        if before.text not in (before.written, here) and before.text:
            superseded.append(before.text)
        return Place(text=here, written=before.written, superseded=superseded)
    return Place(text=before.text, written=before.written, superseded=superseded)


def as_written(prose: Prose, computed: Iterable[str]) -> Prose:
    """The prose after an edition was saved: what was put in is remembered."""
    places = {
        name: Place(text=place.text, written=place.text, superseded=place.superseded)
        for name, place in prose.places.items()
    }
    return Prose(places=places, own_numbers=prose.own_numbers, computed=list(computed), strays=prose.strays)


_HEAD = """\
# Phần lời của báo cáo. Sửa `text` ở đây hoặc sửa ngay trong tệp Word; lần xuất sau giữ nguyên lời đã sửa.
# The officer's prose. Change `text` here or write in Word; the next edition keeps it. `own_numbers`:
# numbers in the
# prose that you answer for, as written ("03 chương trình").
"""


def write_prose(prose: Prose, path: Path) -> None:
    """Save the prose file."""
    data = prose.model_dump(mode="json", exclude_defaults=False)
    text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=110)
    path.write_text(_HEAD + text, encoding="utf-8")
