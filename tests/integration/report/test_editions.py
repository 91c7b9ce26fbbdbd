"""Editions of the report made from the dashboard are kept, and the officer's words with them."""

import asyncio
import io
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from docx import Document
from docx.oxml.ns import qn

from services.report.documents.controls import control_tag, prose_places
from services.report.editions import EditionError, Editions, check_edited
from services.report.windows import BoardKey
from shared.runtime.postgres import Pool
from tests.unit.report.scoring_answers import Answers, serve

pytestmark = pytest.mark.anyio

KEY = BoardKey("2024-Q1", date(2024, 3, 22))
WORD = "BAO-CAO-2024-Q1.docx"
PLACE = "I.1.noi-dung"
OWN = "Lời của cán bộ, viết trong Word."


def _clock() -> datetime:
    return datetime(2024, 4, 1, 2, tzinfo=UTC)


async def _made(editions: Editions, edited: bytes | None = None) -> str:
    assert editions.begin(KEY, "an", edited)
    assert not editions.begin(KEY, "binh")
    async with asyncio.timeout(240):
        await editions.settled(KEY)
    return editions.told(KEY)


def _with_words(content: bytes) -> bytes:
    """The document after an officer typed into one of its places."""
    document = Document(io.BytesIO(content))
    control = next(c for c in document.element.body.iter(qn("w:sdt")) if control_tag(c) == f"prose:{PLACE}")
    paragraph = next(control.find(qn("w:sdtContent")).iter(qn("w:p")))
    written = document.add_paragraph(f"- {OWN}", style="BC Nội dung")._p
    paragraph.addnext(written)
    paragraph.getparent().remove(paragraph)
    kept = io.BytesIO()
    document.save(kept)
    return kept.getvalue()


async def test_an_edition_is_kept_and_the_next_one_has_the_officer_s_words(pool: Pool) -> None:
    with serve(Answers()) as url:
        editions = Editions(pool, url, _clock)
        assert await _made(editions) == ""
        names = {one.name for one in await editions.files(KEY)}
        assert {WORD, "PHU-BIEU-2024-Q1.xlsx", "SO-LIEU-2024-Q1.json", "PHAN-LOI-2024-Q1.yaml"} <= names
        assert await editions.files(BoardKey("2024-Q1")) == []
        first = await editions.content(KEY, WORD)
        assert first is not None
        # Another replica makes the next edition, from what the officer hands back.
        assert await _made(Editions(pool, url, _clock), check_edited(_with_words(first))) == ""
        assert await _made(editions) == ""
    third = await editions.content(KEY, WORD)
    assert third is not None
    assert prose_places(Document(io.BytesIO(third)).element.body)[PLACE] == (OWN,)


async def test_what_cannot_be_made_is_told_and_the_last_edition_stays(pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO edition_file VALUES ('2024-Q1', '2024-03-22', 'x.csv', 'x', $1, 'an')", _clock()
    )
    editions = Editions(pool, "http://127.0.0.1:9", _clock)
    assert "127.0.0.1:9" in await _made(editions)
    assert [one.name for one in await editions.files(KEY)] == ["x.csv"]


async def test_at_the_end_of_the_service_nothing_goes_on(pool: Pool) -> None:
    editions = Editions(pool, "http://127.0.0.1:9", _clock)
    editions.begin(KEY, "an")
    await editions.close()
    assert not editions.under_way(KEY)


@pytest.mark.parametrize("name", ["word/document.xml", "xl/workbook.xml"])
def test_only_a_word_document_may_be_handed_back(name: str, tmp_path: Path) -> None:
    file = tmp_path / "handed-in.docx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr(name, b"0" * 1_000)
    if name.startswith("word/"):
        check_edited(file.read_bytes())
        with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as parts:
            parts.writestr("word/media/bomb", b"0" * 60_000_000)
    for wrong in (file.read_bytes(), b"no document", b"P" * 5_000_000):
        with pytest.raises(EditionError):
            check_edited(wrong)
