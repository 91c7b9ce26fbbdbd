"""The checker: a finished document is refused as soon as one number does not follow from its snapshot."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn

from services.report.audit.sources import paragraph_text
from services.report.documents.check import Checked, check_document
from services.report.documents.controls import FIGURE, control_tag
from services.report.documents.making import Made
from services.report.documents.prose import Prose
from services.report.documents.snapshot import Snapshot

ROOT = Path(__file__).resolve().parents[3]
Tamper = Callable[[Any], None]


def _checked(made: Made, tmp_path: Path, tamper: Tamper, prose: Prose | None = None) -> Checked:
    document = Document(str(made.files["docx"]))
    tamper(document)
    path = tmp_path / "tampered.docx"
    document.save(str(path))
    return check_document(path, made.snapshot, prose=prose)


def _controls(document: Any, figure: str) -> list[Any]:
    wanted = f"{FIGURE}{figure}:"
    return [c for c in document.element.body.iter(qn("w:sdt")) if control_tag(c).startswith(wanted)]


def _paragraph(document: Any, words: str) -> Any:
    return next(p for p in document.element.body.iter(qn("w:p")) if words in paragraph_text(p))


def _retype(element: Any, old: str, new: str) -> None:
    node = next(t for t in element.iter(qn("w:t")) if old in (t.text or ""))
    node.text = node.text.replace(old, new, 1)


def test_the_document_as_made_passes(made: Made) -> None:
    assert made.checked.passed
    assert made.checked.numbers > 1000
    checked = check_document(made.files["docx"], made.snapshot)
    assert checked.refusals == []


@pytest.mark.parametrize(
    "figure",
    ["components.items", "qa.eligible", "dossier.resolved.share", "portals.total", "system.items.change",
     "scale.qa.max", "inactive.huyen-bat-xat", "content.party.full", "dossier.in_progress"],
)  # fmt: skip
def test_a_tampered_number_is_caught(made: Made, tmp_path: Path, figure: str) -> None:
    def tamper(document: Any) -> None:
        text = next(t for t in _controls(document, figure)[0].iter(qn("w:t")))
        text.text = re.sub(r"\d(?!.*\d)", lambda m: str((int(m.group()) + 1) % 10), text.text)

    checked = _checked(made, tmp_path, tamper)
    assert any(figure in refusal.reason for refusal in checked.refusals)


def test_a_number_typed_over_its_control_is_caught(made: Made, tmp_path: Path) -> None:
    def tamper(document: Any) -> None:
        control = _controls(document, "components.items")[0]
        run = control.find(f"{qn('w:sdtContent')}/{qn('w:r')}")
        _retype(run, "9.506", "9.605")
        control.addprevious(run)
        control.getparent().remove(control)

    checked = _checked(made, tmp_path, tamper)
    assert any("9.605" in refusal.reason for refusal in checked.refusals)


def test_a_number_added_to_a_computed_sentence_is_caught(made: Made, tmp_path: Path) -> None:
    def tamper(document: Any) -> None:
        paragraph = _paragraph(document, "123 Cổng TTĐT thành phần cấp xã do")
        _retype(paragraph, "chấm điểm.", "chấm điểm; đã xong 120 Cổng.")

    checked = _checked(made, tmp_path, tamper)
    assert any("120" in refusal.reason for refusal in checked.refusals)


def test_words_may_be_mended_without_touching_numbers(made: Made, tmp_path: Path) -> None:
    def tamper(document: Any) -> None:
        _retype(
            _paragraph(document, "chấm điểm theo Bộ tiêu chí"), "cụ thể như sau", "kết quả cụ thể như sau"
        )

    assert _checked(made, tmp_path, tamper).passed


@pytest.mark.parametrize(("annex", "row", "column"), [(2, 5, 2), (3, 37, 4), (4, 3, 9), (5, 30, 8)])
def test_a_tampered_annex_is_caught(made: Made, tmp_path: Path, annex: int, row: int, column: int) -> None:
    def tamper(document: Any) -> None:
        cell = document.tables[annex].rows[row].cells[column]
        run = cell.paragraphs[0].runs[0]
        run.text = "7" + run.text

    checked = _checked(made, tmp_path, tamper)
    assert any("phụ biểu" in refusal.reason for refusal in checked.refusals)


def test_a_missing_annex_is_caught(made: Made, tmp_path: Path) -> None:
    def tamper(document: Any) -> None:
        table = document.tables[3]._tbl
        table.getparent().remove(table)

    checked = _checked(made, tmp_path, tamper)
    assert [r.reason for r in checked.refusals] == ["thiếu phụ biểu / the annex is missing: 01.2"]


def _into_prose(text: str) -> Tamper:
    def tamper(document: Any) -> None:
        paragraph = _paragraph(document, "Nội dung thông tin trên Cổng TTĐT tỉnh Lào Cai và các Cổng")
        _retype(paragraph, "phong phú", text)

    return tamper


def test_a_number_of_the_prose_must_be_a_figure_too(made: Made, tmp_path: Path) -> None:
    checked = _checked(made, tmp_path, _into_prose("đạt 9.507 tin, bài, phong phú"))
    assert any("9.507" in refusal.reason for refusal in checked.refusals)
    assert _checked(made, tmp_path, _into_prose("đạt 9.506 tin, bài, phong phú")).passed
    assert _checked(made, tmp_path, _into_prose("tăng 31% so với cùng kỳ, phong phú")).passed
    assert not _checked(made, tmp_path, _into_prose("tăng 35% so với cùng kỳ, phong phú")).passed


def test_the_officer_may_vouch_for_a_number_or_count_other_things(made: Made, tmp_path: Path) -> None:
    tamper = _into_prose("có 12 văn bản mới, phong phú")
    assert not _checked(made, tmp_path, tamper).passed
    assert _checked(made, tmp_path, tamper, Prose(own_numbers=["12 văn bản mới"])).passed
    other = _checked(made, tmp_path, _into_prose("nhân dịp 94 năm thành lập Đảng, phong phú"))
    assert other.passed
    assert any("94 năm" in note for note in other.notes)


def test_a_contradiction_within_the_prose_is_caught_by_the_audit(made: Made, tmp_path: Path) -> None:
    words = "đạt 943 tin, bài, trong đó 692 tin và 250 bài, phong phú"
    prose = Prose(own_numbers=["250 bài"])
    checked = _checked(made, tmp_path, _into_prose(words), prose)
    assert any("942" in refusal.reason for refusal in checked.refusals)


def test_a_snapshot_that_does_not_follow_from_its_data_is_refused(made: Made, tmp_path: Path) -> None:
    data = json.loads(made.snapshot.model_dump_json(by_alias=True))
    data["figures"]["portal.items"]["value"] = 944
    changed = Snapshot.model_validate(data)
    checked = check_document(made.files["docx"], changed)
    assert any("contradicts itself" in refusal.reason for refusal in checked.refusals)
    assert any("portal.items" in refusal.reason and "944" in refusal.reason for refusal in checked.refusals)


def test_the_command_says_what_is_wrong(made: Made, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "services.report.documents.check"]
    good = [*command, str(made.files["docx"]), str(made.files["json"]), "--prose", str(made.files["prose"])]
    assert subprocess.run(good, cwd=ROOT, capture_output=True, check=False).returncode == 0
    document = Document(str(made.files["docx"]))
    _retype(_controls(document, "qa.answered")[0], "69", "96")
    document.save(str(tmp_path / "bad.docx"))
    bad = [*command, str(tmp_path / "bad.docx"), str(made.files["json"])]
    result = subprocess.run(bad, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "qa.answered: ghi “96”, bản số liệu cho “69”" in result.stderr
