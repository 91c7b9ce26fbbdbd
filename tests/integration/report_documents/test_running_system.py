"""The documents of a running system: facts in, `./run report`, a document that follows from them."""

import json
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn

from deploy.local.events import as_event
from services.report.audit.sources import paragraph_text
from services.report.documents.exports import read_json
from services.report.documents.prose import read_prose, write_prose
from services.report.documents.snapshot import Snapshot
from tests.whole_system import RunningSystem

pytestmark = pytest.mark.system

PUBLISHER = "documents"
PERIOD, LAST = "2022-Q2", "2022-05-20"
PORTAL, HEALTH = "cong-ttdt-tinh", "so-y-te"


def _at(day: str, hour: int = 9) -> str:
    return f"{day}T{hour:02d}:00:00+07:00"


def _article(number: int, agency: str, day: str, kind: str = "news") -> dict[str, Any]:
    data = {
        "article_id": f"tl-{number}",
        "agency": agency,
        "title": f"Tin {number}",
        "kind": kind,
        "url": f"https://{agency}.laocai.example/{number}",
        "published_at": _at(day),
        "category": "introduction",
    }
    return {"type": "article.published", "data": data}


def _question(number: int, day: str, *, answered: str | None, deleted: bool = False) -> list[dict[str, Any]]:
    named = {"question_id": f"tl-q{number}", "agency": HEALTH}
    facts = [{"type": "question.received", "data": {**named, "received_at": _at(day)}}]
    if deleted:
        told = {"deleted_at": _at(day, 15), "reason": "duplicate"}
        return [*facts, {"type": "question.deleted", "data": {**named, **told}}]
    facts.append({"type": "question.accepted", "data": {**named, "accepted_at": _at(day, 14)}})
    if answered:
        told = {"answered_at": _at(answered), "answerer_title": "Giám đốc Sở"}
        facts.append({"type": "question.answered", "data": {**named, **told}})
    return facts


def _dossier(number: int, received: str, channel: str, resolved: str | None) -> list[dict[str, Any]]:
    named = {"dossier_code": f"TL-{number}", "agency": HEALTH}
    told = {
        "procedure_code": "1.000001",
        "channel": channel,
        "received_at": _at(received),
        "due_at": _at("2022-05-10"),
    }
    facts = [{"type": "dossier.received", "data": {**named, **told}}]
    if resolved:
        told = {"resolved_at": _at(resolved), "outcome": "approved"}
        facts.append({"type": "dossier.resolved", "data": {**named, **told}})
    return facts


def _facts() -> list[dict[str, Any]]:
    days = ("2022-04-04", "2022-04-20", "2022-05-20")
    facts = [_article(i, HEALTH, day) for i, day in enumerate(days)]
    facts += [_article(10 + i, HEALTH, day) for i, day in enumerate(("2021-04-05", "2021-05-20"))]
    # The day after the cut-off a year before is not compared with.
    facts += [_article(20, HEALTH, "2021-05-21"), _article(21, HEALTH, "2022-05-21")]
    facts += [_article(30, PORTAL, "2022-04-06"), _article(31, PORTAL, "2022-04-07", "dataset")]
    facts += _question(1, "2022-04-11", answered="2022-04-13") + _question(2, "2022-04-12", answered=None)
    facts += _question(3, "2022-04-12", answered=None, deleted=True) + _question(
        4, "2022-05-18", answered="2022-05-23"
    )
    facts += _dossier(1, "2022-03-25", "online", "2022-04-05") + _dossier(
        2, "2022-04-08", "online", "2022-05-12"
    )
    facts += _dossier(3, "2022-04-11", "one_stop", "2022-04-20") + _dossier(4, "2022-05-04", "online", None)
    return facts


EXPECTED = {
    "portal.items": 2, "portal.articles": 1, "portal.datasets": 1,
    "components.departments.items": 3, "components.departments.items.before": 2,
    "components.departments.items.change": 50, "system.items": 5,
    "qa.received": 4, "qa.deleted": 1, "qa.eligible": 3, "qa.answered": 1, "qa.waiting": 2,
    "dossier.received": 3, "dossier.received.online": 2, "dossier.carried_over": 1, "dossier.resolved": 3,
    "dossier.resolved.on_time": 2, "dossier.resolved.late": 1, "dossier.in_progress": 1, "dossier.balance": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def key(system: RunningSystem) -> bytes:
    key = system.add_publisher(PUBLISHER)
    results = system.send([as_event(fact, PUBLISHER) for fact in _facts()], key)
    assert {result["status"] for result in results} == {"accepted"}
    system.settle()
    return key


@pytest.fixture(scope="module")
def out(system: RunningSystem, key: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory: Path = tmp_path_factory.mktemp("report")
    _report(system, directory)
    return directory


def _report(system: RunningSystem, out: Path) -> Snapshot:
    words = ("report", "--period", PERIOD, "--to", LAST, "--out", str(out), "--json", "--no-pdf")
    told = json.loads(system.run(*words).stdout)
    return read_json(Path(told["files"]["json"]))


def _lines(out: Path) -> list[str]:
    body = Document(str(out / f"BAO-CAO-{PERIOD}.docx")).element.body
    return [paragraph_text(p) for p in body.iter(qn("w:p"))]


def test_figures_are_what_was_sent(out: Path) -> None:
    snapshot = read_json(out / f"SO-LIEU-{PERIOD}.json")
    assert {name: snapshot.value(name) for name in EXPECTED} == EXPECTED
    assert snapshot.state == "live"


def test_the_document_says_them(out: Path) -> None:
    text = "\n".join(_lines(out))
    assert (
        "đã đăng tải mới 3 tin, bài, CSDL; tăng 1 tin, bài, CSDL (tăng 50,0%) so với cùng kỳ năm 2021."
        in text
    )
    assert "đã trả lời 01/03 câu hỏi; chờ tiếp nhận, chờ trả lời 02/03 câu hỏi" in text
    assert "Số hồ sơ đã giải quyết là 3 hồ sơ (bao gồm cả hồ sơ tồn từ trước), đạt 75,0%." in text


def test_the_audit_command_finds_nothing(system: RunningSystem, out: Path) -> None:
    audit = system.json("audit", str(out / f"BAO-CAO-{PERIOD}.docx"))
    assert audit["summary"]["alarms"] == 0
    assert audit["summary"]["checks_held"] > 20


def test_a_new_edition_has_new_numbers_and_the_same_prose(
    system: RunningSystem, key: bytes, out: Path
) -> None:
    path = out / f"PHAN-LOI-{PERIOD}.yaml"
    prose = read_prose(path)
    prose.places["II.1.noi-dung"].text = ("Các câu hỏi tập trung vào lĩnh vực y tế.",)
    write_prose(prose, path)
    answer = _question(2, "2022-04-12", answered="2022-04-14")[-1]
    assert system.send([as_event(answer, PUBLISHER)], key)[0]["status"] == "accepted"
    system.settle()
    snapshot = _report(system, out)
    assert snapshot.value("qa.answered") == 2
    assert snapshot.value("qa.waiting") == 1
    text = "\n".join(_lines(out))
    assert "đã trả lời 02/03 câu hỏi" in text
    assert "- Các câu hỏi tập trung vào lĩnh vực y tế." in text
