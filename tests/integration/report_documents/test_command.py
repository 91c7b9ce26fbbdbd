"""The command that an officer runs, against a real HTTP service, and LibreOffice where it is there."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook

from services.report.documents.annexes import annexes
from services.report.documents.exports import read_json
from services.report.documents.pdf import NoPdf, convert, find_libreoffice
from services.report.documents.sheets import FIRST_ROW
from tests.unit.report.scoring_answers import Answers, serve

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve(Answers()) as address:
        yield address


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.report.documents", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def out(url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory: Path = tmp_path_factory.mktemp("out") / "quarter"
    done = _run(
        "--scoring-url", url, "--period", "2024-Q1", "--to", "2024-03-22", "--out", str(directory), "--json"
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["numbers_checked"] > 1000
    assert all(Path(path).exists() for path in told["files"].values())
    assert ("pdf" in told["files"]) is (find_libreoffice() is not None)
    return directory


def test_writes_everything(out: Path) -> None:
    names = {path.name for path in out.iterdir() if path.suffix != ".pdf"}
    assert names == {
        "BAO-CAO-2024-Q1.docx", "PHU-BIEU-2024-Q1.xlsx", "SO-LIEU-2024-Q1.json", "SO-LIEU-2024-Q1.csv",
        "PHAN-LOI-2024-Q1.yaml", "PHU-BIEU-01.1-2024-Q1.csv", "PHU-BIEU-01.2-2024-Q1.csv",
        "PHU-BIEU-02-2024-Q1.csv", "PHU-BIEU-03-2024-Q1.csv",
    }  # fmt: skip


def test_the_finished_document_passes_the_audit_command(out: Path) -> None:
    command = [sys.executable, "-m", "services.report.audit", str(out / "BAO-CAO-2024-Q1.docx"), "--strict"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_libreoffice_computes_the_same_sums(out: Path, tmp_path: Path) -> None:
    """Where LibreOffice is not installed, the answer says so and what to do."""
    source = out / "PHU-BIEU-2024-Q1.xlsx"
    if find_libreoffice() is None:
        with pytest.raises(NoPdf, match="install"):
            convert(source, "xlsx", tmp_path)
        return
    computed = load_workbook(convert(source, "xlsx", tmp_path), data_only=True)
    compared = 0
    for annex in annexes(read_json(out / "SO-LIEU-2024-Q1.json")):
        sheet = computed[annex.id]
        for offset, row in enumerate((*annex.rows, annex.totals)):
            for index, column in enumerate(annex.columns, start=1):
                expected = row[column.key]
                if isinstance(expected, Decimal):
                    found = sheet.cell(row=FIRST_ROW + offset, column=index).value
                    assert found is not None, (annex.id, column.key, offset)
                    assert abs(Decimal(str(found)) - expected) < Decimal("0.0001"), (
                        annex.id,
                        column.key,
                        offset,
                    )
                    compared += 1
        snapshot = read_json(out / "SO-LIEU-2024-Q1.json")
        for offset, tally in enumerate(annex.tallies, start=2):
            row_number = FIRST_ROW + len(annex.rows) + offset
            assert sheet.cell(row=row_number, column=3).value == snapshot.number(tally.figure)
    assert compared > 1200


def test_pdf_shows_what_the_document_says(out: Path) -> None:
    """Read back with pdftotext where both programs are there; without them there is no PDF."""
    pdf = out / "BAO-CAO-2024-Q1.pdf"
    assert pdf.exists() is (find_libreoffice() is not None)
    reader = shutil.which("pdftotext")
    if not pdf.exists() or reader is None:
        return
    text = subprocess.run([reader, str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    squeezed = "".join(text.split())
    for words in ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "9.506 tin, bài", "PHỤ BIỂU SỐ 03", "Lưu: VT"):
        assert "".join(words.split()) in squeezed


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--scoring-url", "http://127.0.0.1:9", "--period", "2024-Q1"), "is the scoring service running"),
        (("--period", "2024-Q5"), "is not a period"),
        (("--period", "2024-Q1", "--to", "2024-04-02"), "lies outside of 2024-Q1"),
        (("--period", "2024-Q1", "--to", "22/3/2024"), "is not a day"),
    ],
)
def test_says_what_to_do_when_it_cannot(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    done = _run(*words, "--out", str(tmp_path / "none"))
    assert done.returncode == 2
    assert told in done.stderr
    assert not (tmp_path / "none").exists()
