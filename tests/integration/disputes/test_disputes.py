"""An agency contests, the office decides, and what it corrects is a fact like any other."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import pytest

from deploy.local.events import as_event
from shared.calendar.local import parse_instant
from shared.calendar.working import vietnam
from tests.whole_system import RunningSystem

pytestmark = pytest.mark.system
AGENCY = "so-y-te"
NAME = "so-y-te-van-thu"
_numbers = count(1)


class Agency:
    """An agency's own system, with a grant for disputes and articles."""

    def __init__(self, system: RunningSystem) -> None:
        self.system = system
        self.key = system.add_publisher(NAME, agencies=AGENCY, types="dispute.*,ruling.*,article.*")

    def send(self, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        """Send one fact; the event as sent."""
        event = as_event({"type": kind, "data": {"agency": AGENCY, **data}}, NAME)
        (result,) = self.system.send([event], self.key)
        assert result["status"] == "accepted", result
        return event

    def article(self) -> dict[str, Any]:
        """An article that was published a minute ago."""
        name = f"bai-{time.time_ns()}"
        return self.send("article.published", {
            "article_id": name, "title": "Tin", "url": f"https://soyte.example/{name}", "kind": "news",
            "published_at": now(),
        })  # fmt: skip

    def contest(self, **about: Any) -> str:
        """Submit a dispute; answers its id."""
        name = f"kn-{next(_numbers)}"
        self.send("dispute.submitted", {"dispute_id": name, "claim": "sai", "submitted_at": now(), **about})
        return name

    def contest_fact(self) -> tuple[str, dict[str, Any]]:
        """A dispute about an article of its own, and that article's event."""
        event = self.article()
        fact = {"source": event["source"], "id": event["id"]}
        return self.contest(about="fact", module="content", fact=fact), event


def now() -> str:
    return (datetime.now(UTC) - timedelta(minutes=1)).isoformat(timespec="seconds")


@pytest.fixture(scope="module")
def agency(system: RunningSystem) -> Agency:
    return Agency(system)


Step = Callable[..., httpx.Response]


@pytest.fixture
def step(system: RunningSystem) -> Step:
    """A step of the office over HTTP."""

    def post(dispute: str, action: str, **body: Any) -> httpx.Response:
        url = f"{system.url('content')}/v1/disputes/{AGENCY}/{dispute}/{action}"
        return httpx.post(url, json={"officer": "Lan", **body}, timeout=30)

    return post


def problem(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["type"]).rpartition(":")[2]


def test_an_upheld_dispute_takes_its_fact_back_and_names_the_dispute(
    system: RunningSystem, agency: Agency, step: Step
) -> None:
    dispute, contested = agency.contest_fact()
    (known,) = [
        one for one in system.get("content", "/v1/disputes", agency=AGENCY)["disputes"]
        if one["dispute"] == dispute
    ]  # fmt: skip
    assert known["status"] == "submitted"
    submitted = parse_instant(known["submitted_at"])
    assert parse_instant(known["due_at"]) == vietnam().add_working_days(submitted, 10)

    opened = step(dispute, "take-up").json()
    assert (opened["status"], opened["taken_up_by"], opened["settled"]) == ("taken_up", "Lan", True)
    retraction = {"type": "fact.retracted", "data": {"retracts": known["fact"]}}
    ended = step(dispute, "decide", ruling="upheld", reason="đúng là sai", corrections=[retraction]).json()
    assert (ended["status"], ended["ruled_by"], ended["settled"]) == ("upheld", "Lan", True)
    correction, ruling = ended["sent"]
    assert correction["id"] == f"dispute/{AGENCY}/{dispute}/2.1/1"
    assert ended["corrections"] == [correction]

    system.settle()
    fact = system.get("content", "/v1/facts", source=contested["source"], id=contested["id"])
    assert fact["retracted_by"] == [correction]
    for reference in (correction, ruling):
        kept = system.get("content", "/v1/facts", **reference)
        assert (kept["publisher"], kept["entrance"]) == ("scoring-office", "kafka")
    (kind, entity) = contested["subject"].split("/")
    state = system.get("content", f"/v1/entities/{kind}/{entity}", agency=AGENCY)
    assert state["state"]["status"] == "unopened"
    assert state["causes"] == [correction]
    causes = [
        cause
        for change in system.get("scoring", f"/v1/scores/{AGENCY}/changes")["changes"]
        for cause in change["causes"]
    ]
    assert correction in causes, "the score's change names the dispute"
    deeds = system.json("audit-trail", "list", "--subject", f"{AGENCY}/{dispute}")["entries"]
    assert [(deed["actor"], deed["action"]) for deed in deeds] == [
        ("Lan", "dispute.taken_up"),
        ("Lan", "dispute.upheld"),
    ]
    assert deeds[-1]["after"]["facts"] == [correction["id"], ruling["id"]]


def test_nothing_follows_the_end_of_a_dispute(system: RunningSystem, agency: Agency, step: Step) -> None:
    dispute = agency.contest(about="score", period="2024-Q1")
    dismissed = step(dispute, "decide", ruling="dismissed", reason="không có căn cứ")
    assert dismissed.json()["status"] == "dismissed"
    again = step(dispute, "decide", ruling="upheld", reason="xin lỗi")
    assert (again.status_code, problem(again)) == (409, "dispute-state")
    assert step(dispute, "take-up").status_code == 409
    # What is dated after the end has no effect; what is dated before it would have been the end.
    late = datetime.now(UTC).isoformat()
    agency.send("dispute.withdrawn", {"dispute_id": dispute, "withdrawn_at": late})
    kept = system.get("content", f"/v1/disputes/{AGENCY}/{dispute}")
    assert (kept["status"], kept["set_aside"][-1]["type"]) == ("dismissed", "dispute.withdrawn")


def test_two_officers_cannot_decide_the_same_dispute(agency: Agency, step: Step) -> None:
    dispute, _ = agency.contest_fact()
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda officer: step(
                    dispute, "decide", officer=officer, ruling="dismissed", reason=f"của {officer}"
                ),
                ("An", "Bình", "Chi", "Dũng"),
            )
        )
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200, 409, 409, 409], [answer.text for answer in answers]
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert won["ruling_reason"] == f"của {won['ruled_by']}"


def test_nobody_rules_on_his_own_dispute_nor_takes_the_offices_ruling_back(
    system: RunningSystem, agency: Agency, step: Step
) -> None:
    dispute = agency.contest(about="score", period="2024-Q1", module="qa", criterion="acceptance")
    agency.send("ruling.given", {
        "dispute_id": dispute, "given_at": now(), "officer": "tôi", "ruling": "upheld", "reason": "tôi đúng",
    })  # fmt: skip
    kept = system.get("content", f"/v1/disputes/{AGENCY}/{dispute}")
    assert (kept["status"], kept["set_aside"][0]["code"]) == ("submitted", "own_case")
    (ruling,) = step(dispute, "decide", ruling="dismissed", reason="không").json()["sent"]
    thief = system.add_publisher("rut-lai", agencies=AGENCY, types="fact.retracted")
    event = as_event(
        {"type": "fact.retracted", "time": now(), "subject": f"dispute/{dispute}",
         "data": {"agency": AGENCY, "retracts": ruling, "reason": "x"}}, "rut-lai",
    )  # fmt: skip
    (result,) = system.send([event], thief)
    assert result["status"] == "rejected"
    assert "taken back only by who gave it" in result["problem"]["detail"]


def test_what_cannot_be_sent_is_refused_before_anything_is(
    system: RunningSystem, agency: Agency, step: Step
) -> None:
    dispute = agency.contest(about="score", period="2024-Q1", module="qa", criterion="acceptance")

    def decide(*corrections: dict[str, Any]) -> httpx.Response:
        return step(dispute, "decide", ruling="upheld", reason="đúng", corrections=list(corrections))

    wrong = decide({"type": "assessment.recorded", "data": {"period": "2024-Q1", "criterion": "x"}})
    assert wrong.status_code == 422
    assert wrong.json()["errors"] == [{"pointer": "/corrections/0/data/points", "detail": "Field required"}]
    resolved = {"article_id": "x", "reason": "y"}
    refused = decide({"type": "article.removed", "data": resolved})
    assert (refused.status_code, problem(refused)) == (409, "office-grant")
    assert "publisher grants scoring-office" in refused.json()["detail"]
    url = f"{system.url('content')}/v1/disputes/{AGENCY}/khong-co"
    assert httpx.get(url).status_code == 404
    kept = system.get("content", f"/v1/disputes/{AGENCY}/{dispute}")
    assert (kept["status"], kept["version"]) == ("submitted", 1)
    judged = {"period": "2024-Q1", "criterion": "qa/acceptance", "points": "2"}
    assert decide({"type": "assessment.recorded", "data": judged}).json()["status"] == "upheld"


def test_the_command_contests_decides_and_withdraws(system: RunningSystem, agency: Agency) -> None:
    contest = ("disputes", "submit", AGENCY)
    more = ("--period", "2024-Q1", "--claim", "thiếu điểm", "--publisher", NAME)
    system.run(*contest, "lenh-1", *more)
    system.run(*contest, "lenh-2", *more)
    system.run("disputes", "withdraw", AGENCY, "lenh-2", "--reason", "nhầm", "--publisher", NAME)
    system.run("disputes", "take-up", AGENCY, "lenh-1", "--officer", "Lan")
    words = ("disputes", "decide", AGENCY, "lenh-1", "--dismiss", "--reason", "không", "--officer", "Lan")
    assert system.json(*words)["status"] == "dismissed"
    listed = {one["dispute"]: one["status"] for one in system.json("disputes", "list")["disputes"]}
    assert (listed["lenh-1"], listed["lenh-2"]) == ("dismissed", "withdrawn")
    (only,) = [
        one["dispute"]
        for one in system.json("disputes", "list", "--status", "withdrawn")["disputes"]
        if one["dispute"].startswith("lenh")
    ]
    assert only == "lenh-2"
    shown = system.run("disputes", "show", AGENCY, "lenh-1").stdout
    assert "Kết thúc lúc" in shown
    assert "ruling.given" in shown
    late = system.run("disputes", "take-up", AGENCY, "lenh-1", check=False)
    assert (late.returncode, "dismissed" in late.stderr) == (1, True)


def test_a_deadline_is_told_step_by_step(system: RunningSystem, agency: Agency) -> None:
    dispute = agency.contest(about="score", period="2024-Q1")
    told = system.json("deadline", "dispute", dispute)
    assert sum(step["adds_seconds"] for step in told["steps"]) == told["term_seconds"]
    assert (told["conclusion"], told["calendar"]) == ("running", vietnam().version)
    assert "Tổng thời hạn" in system.run("deadline", "dispute", dispute).stdout
    unknown = system.run("deadline", "dispute", "khong-co", check=False)
    assert (unknown.returncode, "no dispute" in unknown.stderr) == (1, True)


def test_disputes_are_read_page_by_page(system: RunningSystem, agency: Agency) -> None:
    names = {agency.contest(about="score", period="2024-Q1") for _ in range(5)}
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = system.get("content", "/v1/disputes", agency=AGENCY, limit="2", **after)
        seen += [one["dispute"] for one in page["disputes"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert names <= set(seen)
    assert len(seen) == len(set(seen))


def test_an_agency_without_the_grant_cannot_contest(system: RunningSystem) -> None:
    key = system.add_publisher("khong-quyen", agencies=AGENCY, types="article.*")
    data = {"dispute_id": "x", "agency": AGENCY, "about": "score", "period": "2024-Q1", "claim": "x"}
    event = as_event({"type": "dispute.submitted", "data": {**data, "submitted_at": now()}}, "khong-quyen")
    (result,) = system.send([event], key)
    assert (result["status"], "no grant" in result["problem"]["detail"]) == ("rejected", True)
    unsigned = httpx.post(
        f"{system.url('content')}/v1/events",
        json=event,
        headers={"content-type": "application/cloudevents+json"},
    )
    assert unsigned.status_code == 401
