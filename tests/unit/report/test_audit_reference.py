"""The audit of the real report: what it finds, what it leaves alone, and that no altered number escapes
it."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from docx import Document

from services.report.audit import Audit, Coverage, Relation, audit_file
from tests.unit.report.altered import (
    REFERENCE,
    alterations,
    audited,
    corrected_text,
    reference_text,
)

ROOT = Path(__file__).resolve().parents[3]

# (published, computed, relation, a piece of the sentence): what the figures file marks NO and the text can
# show.
EXPECTED = (
    ("36,7%", "26,8%", Relation.change_percent, "giảm 363 tin, bài, CSDL (giảm 36,7%)"),
    ("45%", "48,0%", Relation.change_percent, "tăng gần 1.158 tin, bài, CSDL (tăng 45%)"),
    ("69/80; 17/80", "86", Relation.fractions_fill_group, "đã trả lời 69/80 câu hỏi"),
    ("1.885", "3.095", Relation.sum_of_parts, "Tổng số TTHC 3 cấp là 1.885 TTHC"),
    ("2.477", "2.445", Relation.flow_balance, "Số hồ sơ đang được giải quyết là 2.477 hồ sơ"),
    ("33%", "28,4%", Relation.change_of_whole, "tăng khoảng 33% so với cùng kỳ năm 2023"),
)


@pytest.fixture(scope="module")
def published() -> Audit:
    return audited(reference_text())


@pytest.fixture(scope="module")
def corrected() -> Audit:
    return audited(corrected_text())


def test_finds_exactly_what_does_not_recompute(published: Audit) -> None:
    found = [(f.published, f.computed, f.relation) for f in published.alarms]
    assert found == [(p, c, r) for p, c, r, _ in EXPECTED]


def test_quotes_the_sentence_and_says_why(published: Audit) -> None:
    for finding, (_, computed, _, words) in zip(published.alarms, EXPECTED, strict=True):
        assert words in finding.sentence
        assert computed.rstrip("%") in finding.why_vi
        assert computed.rstrip("%") in finding.why_en


def test_explains_likely_slips(published: Audit) -> None:
    hints = {f.published: f.hint_en for f in published.alarms}
    assert "dividing by this period's value (989)" in hints["36,7%"]
    assert "86 câu hỏi" in hints["69/80; 17/80"]
    assert hints["1.885"] == "132 in place of 1342 would fit."


def test_weaker_doubts_are_notes(published: Audit) -> None:
    notes = {f.relation: f for f in published.notes}
    assert set(notes) == {Relation.part_equals_total, Relation.named_list}
    assert (notes[Relation.named_list].published, notes[Relation.named_list].computed) == ("20", "17")
    assert notes[Relation.part_equals_total].published == "1.245"


def test_corrected_copy_raises_no_alarm(corrected: Audit) -> None:
    assert corrected.alarms == []


def test_every_altered_number_is_noticed(corrected: Audit) -> None:
    text = corrected_text()
    recomputed = [n for n in corrected.numbers if n.coverage is Coverage.recomputed]
    assert len(recomputed) >= 75
    escaped = [
        (a.number.section, a.number.written, a.to)
        for a in alterations(text, corrected, numbers=recomputed)
        if not audited(a.text).alarms
    ]
    assert escaped == []


def test_covers_every_figure_that_the_figures_file_calls_recomputable(corrected: Audit) -> None:
    """Each value marked yes stands in a relation of its section; scale totals are not in the text."""
    with (REFERENCE / "figures-2024-q1.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["recomputes"] == "yes" and r["section"] != "all"]
    checked = [n for n in corrected.numbers if n.coverage is Coverage.recomputed]
    by_section: dict[str, set[str]] = {}
    for number in checked:
        digits = (
            number.written.rstrip("%").split("/")[0].replace(".", "").replace(",", ".").lstrip("0") or "0"
        )
        by_section.setdefault(number.section, set()).add(digits)
    missing = [r["id"] for r in rows if not _values(r["value"]) <= by_section.get(r["section"], set())]
    # The report rounds 4,8% of a wrong number; the corrected copy says 4,7%.
    assert missing == ["dossier.in_progress.share"]


def _values(written: str) -> set[str]:
    return {part.lstrip("-") for part in written.split("+")}


def test_says_what_is_left_unchecked(published: Audit) -> None:
    alone = {n.written for n in published.numbers if n.coverage is Coverage.unchecked}
    assert {"57.456", "46%", "315", "1.797", "583"} <= alone
    assert published.summary.left_out["date"] >= 10
    assert "42/2022" not in {n.written for n in published.numbers}


def test_reads_the_same_from_word(tmp_path: Path, published: Audit) -> None:
    document = Document()
    for line in reference_text().splitlines():
        document.add_paragraph(line)
    document.save(str(tmp_path / "report.docx"))
    audit = audit_file(tmp_path / "report.docx")
    assert [(f.published, f.computed) for f in audit.alarms] == [
        (f.published, f.computed) for f in published.alarms
    ]


def test_command_prints_the_findings_and_json() -> None:
    command = [sys.executable, "-m", "services.report.audit", str(REFERENCE / "report-2024-q1.vi.txt")]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert text.count("KHÔNG KHỚP / ALARM") == len(EXPECTED)
    data = json.loads(subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, check=True).stdout)
    assert [f["published"] for f in data["findings"] if f["severity"] == "alarm"] == [e[0] for e in EXPECTED]
    assert subprocess.run([*command, "--strict"], cwd=ROOT, capture_output=True, check=False).returncode == 1


def test_command_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    bad = tmp_path / "scan.docx"
    bad.write_bytes(b"PK not a document")
    for path in (bad, tmp_path / "missing.txt"):
        command = [sys.executable, "-m", "services.report.audit", str(path)]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert result.returncode == 2
        assert str(path) in result.stderr
