"""A running system: a forecast comes true, judgements stand side by side, corrections show both versions."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

from deploy.local.events import as_event
from shared.calendar.local import local_day
from shared.calendar.periods import quarter_of
from tests.whole_system import RunningSystem

pytestmark = pytest.mark.system

PUBLISHER = "standing"
AGENCY, ENDED = "so-tai-chinh", "so-giao-thong-van-tai-xay-dung"
_numbers = count(1)


def minutes_ago(minutes: int = 1) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="seconds")


class Office:
    """Sends facts about one agency, now, and reads what becomes of its score."""

    def __init__(self, system: RunningSystem) -> None:
        self.system = system
        self.key = system.add_publisher(PUBLISHER)
        self.period = quarter_of(local_day(datetime.now(UTC))).name

    def send(self, *facts: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        events = [as_event({"type": kind, "data": data}, PUBLISHER) for kind, data in facts]
        return self.system.send(events, self.key)

    def tell(self, *facts: tuple[str, dict[str, Any]]) -> None:
        assert {one["status"] for one in self.send(*facts)} == {"accepted"}

    def article(self, **more: Any) -> str:
        name = f"st-a{next(_numbers)}"
        data = {"article_id": name, "agency": AGENCY, "title": name, "kind": "news",
                "url": "https://x.laocai.example/1", "published_at": minutes_ago(5)}  # fmt: skip
        self.tell(("article.published", data | more))
        return name

    def question(self, *, accepted: bool, days_ago: int = 0) -> str:
        name, before = f"st-q{next(_numbers)}", days_ago * 24 * 60
        named = {"question_id": name, "agency": AGENCY}
        self.tell(("question.received", {**named, "received_at": minutes_ago(before + 90)}))
        if accepted:
            self.tell(("question.accepted", {**named, "accepted_at": minutes_ago(before + 80)}))
        return name

    def answer(self, question: str) -> None:
        told = {"answered_at": minutes_ago(), "answerer_title": "Giám đốc"}
        self.tell(("question.answered", {"question_id": question, "agency": AGENCY, **told}))

    def get(self, path: str, **query: str) -> Any:
        return self.system.get("scoring", f"/v1/scores/{AGENCY}/{path}", period=self.period, **query)

    def points(self) -> Decimal:
        self.system.settle()
        found = self.system.get("scoring", f"/v1/scores/{AGENCY}", period=self.period)
        return Decimal(str(found["total"]["points"]))

    def way(self, act: str) -> dict[str, Any]:
        self.system.settle()
        found = self.get("forecast")
        assert Decimal(str(found["total"]["points"])) == self.points()
        ways: list[dict[str, Any]] = [one for one in found["ways"] if one["act"] == act]
        assert ways, [one["act"] for one in found["ways"]]
        return ways[0]


@pytest.fixture(scope="module")
def office(system: RunningSystem) -> Office:
    return Office(system)


def test_doing_what_the_forecast_says_gives_exactly_what_it_promised(office: Office) -> None:
    office.article()
    # One is long overdue: without it nothing would be lost yet, and nothing to be gained by answering.
    office.question(accepted=True, days_ago=30)
    for accepted in (True, True, True, False):
        office.question(accepted=accepted)

    way, before = office.way("answer-on-time"), office.points()
    assert 1 <= way["units"] <= 3
    assert [one["kind"] for one in way["items"]] == ["question"] * way["units"]
    assert way["by"] == way["items"][-1]["due_at"]
    assert "Trả lời" in way["text"]["vi"]
    for one in way["items"]:
        office.answer(one["entity"])
    assert office.points() == before + Decimal(str(way["points"]))

    way, before = office.way("publish-articles"), office.points()
    for _ in range(way["units"]):
        office.article()
    assert office.points() == before + Decimal(str(way["points"]))

    way, before = office.way("cover-categories"), office.points()
    for name in [one for one in way["adds"] if one.startswith("content.category.")]:
        office.article(category=name.removeprefix("content.category."))
    assert office.points() == before + Decimal(str(way["points"]))


def test_a_self_assessment_after_a_verified_one_moves_nothing_and_all_is_shown(office: Office) -> None:
    before = office.points()
    told = {"agency": AGENCY, "period": office.period, "criterion": "regularity"}

    def judged(points: str, by: str, ago: int) -> tuple[str, dict[str, Any]]:
        return "assessment.recorded", {**told, "points": points, "assessed_by": by,
                                       "assessed_at": minutes_ago(ago)}  # fmt: skip

    office.tell(judged("15", "Sở Tài chính", 30), judged("12.5", "Hội đồng", 20), judged("14", AGENCY, 10))
    assert office.points() == before
    page = office.get("judgements")
    row = next(one for one in page["criteria"] if one["id"] == "regularity")
    assert (row["self_assessed"], row["verified"], row["counted"]) == (14, 12.5, "computed")
    assert row["computed"] == row["points"]
    assert [(one["points"], one["self_assessed"]) for one in row["history"]] == [
        ("15.00", True), ("12.50", False), ("14.00", True),
    ]  # fmt: skip
    explained = office.get("explanation")["modules"]["content"]["criteria"]
    assert next(one for one in explained if one["id"] == "regularity")["judgements"]["verified"] == 12.5
    shown = office.system.json("judgements", AGENCY, "--period", office.period)
    assert [one["id"] for one in shown["criteria"]] == [one["id"] for one in page["criteria"]]


def test_a_correction_shows_both_versions_in_the_evidence(office: Office) -> None:
    name = office.article(title="Tên cũ")
    corrected = {"article_id": name, "agency": AGENCY, "title": "Tên mới", "corrected_at": minutes_ago()}
    office.tell(("article.corrected", corrected))
    office.system.settle()
    page: dict[str, Any] = {"next": ""}
    found: list[dict[str, Any]] = []
    while page["next"] is not None:
        page = office.get("evidence", criterion="content/volume", after=page["next"])
        found += page["entities"]
    one = next(one for one in found if one["entity"] == name)
    assert [fact["fate"] for fact in one["facts"]] == ["counts", "corrects"]
    assert one["facts"][1]["changes"] == [{"field": "title", "before": "Tên cũ", "after": "Tên mới"}]
    assert one["agency"] == AGENCY


def test_something_new_about_an_agency_that_ended_is_refused_with_its_successors(office: Office) -> None:
    named = {"dossier_code": "000.00.40.H38-261123-9001", "agency": ENDED}
    told = {"procedure_code": "1.000001", "channel": "online", "received_at": minutes_ago(5)}
    (result,) = office.send(("dossier.received", {**named, **told}))
    assert result["status"] == "rejected"
    assert "so-giao-thong-van-tai or so-xay-dung" in json.dumps(result["problem"])


def test_a_running_quarter_is_compared_with_as_many_days_of_the_year_before(office: Office) -> None:
    office.system.settle()
    words = ("compare", "--period", office.period, "--agency", AGENCY, "--indicator", "content.items")
    found = office.system.json(*words, "--indicator", "points")
    assert found["to"] == local_day(datetime.now(UTC)).isoformat()
    assert found["before"]["to"][4:] == found["to"][4:]
    (row,) = found["agencies"]
    items = row["indicators"]["content.items"]
    assert (items["before"], items["percent"]) == (0, None)
    assert items["change"] == items["after"] > 0
    assert Decimal(str(row["points"]["after"])) == office.points()
    sums = [one["totals"][0] for one in found["groups"].values()]
    assert sum(one["after"] for one in sums) == found["totals"][0]["after"] >= items["after"]
    assert sum(one["portals"]["after"] for one in found["groups"].values()) == found["portals"]["after"]
    group = found["peers"]["group"]
    assert (group["group"], group["of"]) == ("departments", 22)
    assert {one["module"] for one in found["peers"]["volume"]} == {"content", "qa", "dossier"}
    office.system.run("compare", "--period", office.period)
    office.system.run("forecast", AGENCY, "--period", office.period)


def test_points_are_not_compared_with_a_year_of_which_nothing_was_recorded(office: Office) -> None:
    """Rules were in force, so nothing would score 15 of 15 for no question; that says nothing."""
    found = office.system.json("compare", "--period", "2022-Q3", "--agency", AGENCY)
    assert found["before"]["period"] == "2021-Q3"
    (row,) = found["agencies"]
    assert row["points"]["after"] is not None
    assert (row["points"]["before"], row["points"]["change"]) == (None, None)


def test_the_commands_say_what_moved_a_score_and_the_facts_behind_it(office: Office) -> None:
    question = office.question(accepted=True)
    office.answer(question)
    office.system.settle()
    told = office.system.run("changes", AGENCY, "--period", office.period).stdout
    found = office.get("changes", limit="500")["changes"]
    assert str(found[0]["number"]) in told
    total = sum(Decimal(str(one["delta"])) for row in found for one in row["moved"])
    assert total == office.points()
    words = ("--criterion", "qa/timeliness", "--period", office.period)
    shown = office.system.run("evidence", AGENCY, *words).stdout
    assert f"question/{question}" in shown
    assert "question.answered" in shown
