"""Documents of other periods: whole and sealed, half a year, and one in which nothing happened."""

from datetime import date
from pathlib import Path

from services.report.audit import audit_file
from services.report.audit.sources import read_source
from services.report.documents.building import build, doubts
from services.report.documents.making import write_documents
from services.report.documents.scoring import Scoring, ask
from services.report.documents.snapshot import Snapshot
from shared.calendar.periods import Window
from tests.unit.report.scoring_answers import Answers, serve


def _snapshot(answers: Answers, period: str) -> Snapshot:
    with serve(answers) as url, Scoring(url) as scoring:
        return build(ask(scoring, period))


def test_a_closed_quarter_is_sealed(tmp_path: Path) -> None:
    answers = Answers(window=Window(date(2024, 1, 1), date(2024, 3, 31)))
    answers.state = {"period": "2024-Q1", "state": "closed", "sha256": "ab" * 32}
    snapshot = _snapshot(answers, "2024-Q1")
    assert (snapshot.state, snapshot.seal) == ("sealed", "ab" * 32)
    assert snapshot.windows["before"].last == date(2023, 3, 31)
    made = write_documents(snapshot, tmp_path, pdf=False)
    text = "\n".join(read_source(made.files["docx"]).lines)
    assert "Trong quý I năm 2024, chuyên mục Hỏi - Đáp đã nhận được 100 câu hỏi" in text
    assert "Đến ngày 31/3/2024, hệ thống" in text


def test_a_half_year_speaks_of_months(tmp_path: Path) -> None:
    answers = Answers(window=Window(date(2024, 1, 1), date(2024, 6, 30)))
    made = write_documents(_snapshot(answers, "2024-H1"), tmp_path, pdf=False)
    text = "\n".join(read_source(made.files["docx"]).lines)
    assert "I. HOẠT ĐỘNG CUNG CẤP THÔNG TIN 6 THÁNG ĐẦU NĂM 2024" in text
    assert "VI. PHƯƠNG HƯỚNG, NHIỆM VỤ 6 THÁNG CUỐI NĂM 2024" in text
    assert audit_file(made.files["docx"]).alarms == []


def test_a_period_without_a_fact_has_a_report_too(tmp_path: Path) -> None:
    answers = Answers(window=Window(date(2024, 1, 1), date(2024, 3, 31)))
    for counts in answers.counts.values():
        counts.clear()
    answers.scores.clear()
    made = write_documents(_snapshot(answers, "2024-Q1"), tmp_path, pdf=False)
    text = "\n".join(read_source(made.files["docx"]).lines)
    assert "đã cung cấp 0 tin, bài" in text
    assert "chưa có cơ quan, đơn vị, địa phương gửi báo cáo" in text
    assert made.checked.passed


def test_flows_that_do_not_balance_are_told_and_refused() -> None:
    answers = Answers(window=Window(date(2024, 1, 1), date(2024, 3, 31)))
    answers.put("now", "so-y-te", "dossier.in_progress", 32)
    snapshot = _snapshot(answers, "2024-Q1")
    assert any("2445" in doubt and "2477" in doubt for doubt in doubts(snapshot))


def test_unknown_judgements_are_told() -> None:
    answers = Answers(window=Window(date(2024, 1, 1), date(2024, 3, 31)))
    answers.incomplete.add("so-y-te")
    assert any("Sở Y tế" in doubt for doubt in doubts(_snapshot(answers, "2024-Q1")))
