"""The whole replay as one compressed file: every message in the order of sending, with how it travels.

One JSON object a line: `n` (number), `via`, `publisher`, `module`, `key`, `expect`, `why`, `phase`, `forged`,
and `event` (the CloudEvent itself) or `raw` (base64, when what is sent is not JSON). The same seed always
gives the same bytes.
"""

import base64
import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec

from deploy.replay.articles import Articles
from deploy.replay.assumptions import Assumptions, read_assumptions
from deploy.replay.counts import share_items
from deploy.replay.dossiers import write_dossiers
from deploy.replay.drafts import Book, Draft, Expect, Phase, Via
from deploy.replay.figures import Figures, read_figures
from deploy.replay.organisation import write_organisation
from deploy.replay.procedures import write_procedures
from deploy.replay.questions import QuestionDesk
from deploy.replay.spoils import contradict_some, repeat_some, spoil_some
from shared.register import Register, shipped_register

SEED = 20240322


class Message(msgspec.Struct, frozen=True, omit_defaults=True, tag=False):
    """One line of the file."""

    n: int
    via: Via
    publisher: str
    module: str
    key: str
    expect: Expect = "accepted"
    why: str | None = None
    phase: Phase = "main"
    forged: bool = False
    event: msgspec.Raw = msgspec.Raw()
    raw: str | None = None

    @property
    def body(self) -> bytes:
        """The bytes to send."""
        return base64.b64decode(self.raw) if self.raw is not None else bytes(self.event)


def write_book(
    seed: int = SEED,
    register: Register | None = None,
    figures: Figures | None = None,
    assumed: Assumptions | None = None,
) -> list[Draft]:
    """All messages in the order of sending. Raises ValueError when the assumptions do not fit the figures."""
    register = register or shipped_register()
    figures = figures or read_figures()
    assumed = assumed or read_assumptions()
    book = Book(Random(seed))
    items = share_items(register, figures, assumed, Random(book.random.random()))
    Articles(book, register, figures, assumed).write(items)
    write_organisation(book, register, figures, assumed)
    QuestionDesk(book, register, assumed).write(figures)
    catalogue = write_procedures(book, owners(register), assumed.procedures, figures)
    write_dossiers(book, register, assumed, figures, catalogue)
    repeat_some(book)
    contradict_some(book)
    spoil_some(book)
    return book.in_order()


def owners(register: Register) -> list[str]:
    """The departments with procedures of their own: older than the replay, and deciding on dossiers."""
    return [
        agency.slug
        for agency in register.agencies.values()
        if agency.group == "departments"
        and "dossier" in agency.modules
        and agency.closed is None
        and agency.opened.year < 2023
    ]


def write_file(path: Path, seed: int = SEED) -> int:
    """Write the replay to `path`, all of it or nothing; answers the number of messages."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    drafts = write_book(seed)
    try:
        # Without a name and a time of its own, so that the same seed gives the same bytes.
        with part.open("wb") as raw, gzip.GzipFile("", "wb", 1, raw, mtime=0) as file:
            for number, draft in enumerate(drafts):
                file.write(_line(number, draft))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return len(drafts)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Message)
_BROKEN = {"not-json"}


def _line(number: int, draft: Draft) -> bytes:
    broken = draft.why in _BROKEN
    message = Message(
        number,
        draft.via,
        draft.publisher,
        draft.module,
        draft.key,
        draft.expect,
        draft.why,
        draft.phase,
        draft.forged,
        msgspec.Raw(b"null" if broken else draft.body),
        base64.b64encode(draft.body).decode() if broken else None,
    )
    return _encoder.encode(message) + b"\n"


def read_file(path: Path) -> Iterator[Message]:
    """The messages of a file, one at a time."""
    decode = _decoder.decode
    with gzip.open(path, "rb") as file:
        for line in file:
            yield decode(line)
