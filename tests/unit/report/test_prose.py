"""An officer's prose survives a new edition, wherever it was written."""

from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn

from services.report.audit.sources import paragraph_text
from services.report.documents.building import build
from services.report.documents.controls import control_tag, prose_places
from services.report.documents.making import Made, Refused, write_documents
from services.report.documents.prose import Place, Prose, ProseError, drafts, merge, read_prose, write_prose
from services.report.documents.scoring import Scoring, ask
from services.report.documents.snapshot import Snapshot
from tests.unit.report.conftest import LAST
from tests.unit.report.scoring_answers import Answers, published, serve

OWN = "Hoạt động thăm hỏi, tặng quà dịp Tết Nguyên đán; công tác phòng cháy, chữa cháy rừng."


@pytest.fixture
def edition(snapshot: Snapshot, tmp_path: Path) -> Made:
    return write_documents(snapshot, tmp_path, pdf=False)


@pytest.fixture(scope="module")
def later() -> Snapshot:
    """The same quarter, after two more questions were answered."""
    figures = published() | {"qa.answered": "71"}
    with serve(Answers(figures)) as url, Scoring(url) as scoring:
        return build(ask(scoring, "2024-Q1", LAST))


def _control(document: Any, place: str) -> Any:
    return next(c for c in document.element.body.iter(qn("w:sdt")) if control_tag(c) == f"prose:{place}")


def _write_in_word(path: Path, place: str, *paragraphs: str) -> None:
    """As an officer does: type over the first paragraph of a place, and add others below it."""
    document = Document(str(path))
    content = _control(document, place).find(qn("w:sdtContent"))
    existing = list(content.iter(qn("w:p")))
    for extra in existing[1:]:
        content.remove(extra)
    model = existing[0]
    for text in reversed(paragraphs):
        new = document.add_paragraph(f"- {text}", style="BC Nội dung")._p
        model.addnext(new)
    content.remove(model)
    document.save(str(path))


def _places(made: Made) -> dict[str, tuple[str, ...]]:
    return prose_places(Document(str(made.files["docx"])).element.body)


def test_empty_places_say_what_belongs_there(edition: Made) -> None:
    text = "\n".join(
        paragraph_text(p) for p in Document(str(edition.files["docx"])).element.body.iter(qn("w:p"))
    )
    assert "[Phần cán bộ soạn: Nội dung thông tin chủ yếu trên Cổng TTĐT tỉnh trong kỳ]" in text
    assert _places(edition)["I.1.noi-dung"] == ()
    assert any("I.1.noi-dung" in note for note in edition.notes)


def test_drafts_stand_in_their_places(edition: Made) -> None:
    found = _places(edition)
    for place, texts in drafts().items():
        assert found[place] == texts


def test_words_written_in_word_survive_new_numbers(edition: Made, later: Snapshot, tmp_path: Path) -> None:
    _write_in_word(edition.files["docx"], "I.1.noi-dung", OWN, "Đoạn thứ hai của cán bộ.")
    _write_in_word(edition.files["docx"], "V.2.han-che", "Hạn chế do cán bộ viết lại.")
    again = write_documents(later, tmp_path, pdf=False)
    found = _places(again)
    assert found["I.1.noi-dung"] == (OWN, "Đoạn thứ hai của cán bộ.")
    assert found["V.2.han-che"] == ("Hạn chế do cán bộ viết lại.",)
    text = "\n".join(
        paragraph_text(p) for p in Document(str(again.files["docx"])).element.body.iter(qn("w:p"))
    )
    assert "đã trả lời 71/86 câu hỏi" in text
    assert "chưa soạn / still empty: I.1.noi-dung" not in again.notes


def test_and_survive_a_third_edition_untouched(edition: Made, later: Snapshot, tmp_path: Path) -> None:
    _write_in_word(edition.files["docx"], "I.1.noi-dung", OWN)
    write_documents(later, tmp_path, pdf=False)
    third = write_documents(edition.snapshot, tmp_path, pdf=False)
    assert _places(third)["I.1.noi-dung"] == (OWN,)


def test_words_written_in_the_file_are_taken(edition: Made, later: Snapshot, tmp_path: Path) -> None:
    path = edition.files["prose"]
    prose = read_prose(path)
    prose.places["I.2.du-luan"].text = (OWN,)
    write_prose(prose, path)
    assert _places(write_documents(later, tmp_path, pdf=False))["I.2.du-luan"] == (OWN,)


def test_word_wins_over_the_file_and_the_file_is_kept(edition: Made, later: Snapshot, tmp_path: Path) -> None:
    path = edition.files["prose"]
    prose = read_prose(path)
    prose.places["I.2.du-luan"].text = ("Lời trong tệp.",)
    write_prose(prose, path)
    _write_in_word(edition.files["docx"], "I.2.du-luan", "Lời trong Word.")
    again = write_documents(later, tmp_path, pdf=False)
    assert _places(again)["I.2.du-luan"] == ("Lời trong Word.",)
    assert read_prose(path).places["I.2.du-luan"].superseded == [("Lời trong tệp.",)]


def test_words_outside_of_any_place_are_kept_and_told(edition: Made, later: Snapshot, tmp_path: Path) -> None:
    document = Document(str(edition.files["docx"]))
    _control(document, "I.1.noi-dung").addprevious(
        document.add_paragraph("- Một đoạn cán bộ chèn giữa các đoạn.", style="BC Nội dung")._p
    )
    document.save(str(edition.files["docx"]))
    again = write_documents(later, tmp_path, pdf=False)
    assert read_prose(again.files["prose"]).strays == ["Một đoạn cán bộ chèn giữa các đoạn."]
    assert any("Một đoạn cán bộ chèn" in note for note in again.notes)


def test_a_refused_edition_leaves_the_last_one_and_the_words(
    edition: Made, later: Snapshot, tmp_path: Path
) -> None:
    _write_in_word(edition.files["docx"], "I.1.noi-dung", "Đã đăng 999 tin, bài.")
    held = edition.files["docx"].read_bytes()
    with pytest.raises(Refused, match="999"):
        write_documents(later, tmp_path, pdf=False)
    assert edition.files["docx"].read_bytes() == held
    assert read_prose(edition.files["prose"]).places["I.1.noi-dung"].text == ("Đã đăng 999 tin, bài.",)
    assert list(tmp_path.glob("*.tmp.docx")) == []


def test_clearing_a_place_in_word_clears_it(edition: Made, later: Snapshot, tmp_path: Path) -> None:
    _write_in_word(edition.files["docx"], "IV.2.ban-bien-tap", "")
    assert _places(write_documents(later, tmp_path, pdf=False))["IV.2.ban-bien-tap"] == ()


def test_merging_without_a_document_keeps_the_file() -> None:
    prose = Prose(places={"VI.nhiem-vu": Place(text=("của cán bộ",), written=("bản trước",))})
    assert merge(prose, None, ["VI.nhiem-vu"]).text("VI.nhiem-vu") == ("của cán bộ",)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "PHAN-LOI.yaml"
    path.write_text("places: [", encoding="utf-8")
    with pytest.raises(ProseError, match=r"PHAN-LOI\.yaml"):
        read_prose(path)
