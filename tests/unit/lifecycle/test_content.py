"""Articles and the records beside them."""

from typing import Any

import pytest

from services.content.lifecycle import lifecycle
from shared.runtime.ledger.lifecycle import EntityRef, Fact
from tests.unit.lifecycle.cases import AGENCY, CENTRAL, at, fact, without

CONTENT = lifecycle()
NOW = at("06-01 08:00")

PUBLISHED = fact("article.published", "01-15 09:00", category="budget")


def state(kind: str, entity: str, *facts: Fact) -> dict[str, Any]:
    return CONTENT.fold(EntityRef(kind, entity, AGENCY), facts, NOW).state


def article(*facts: Fact) -> dict[str, Any]:
    return state("article", "bai-1", *facts)


def set_aside(known: dict[str, Any]) -> dict[str, str]:
    return {entry["id"]: entry["code"] for entry in known["set_aside"]}


# --------------------------------------------------------------------------------------- articles


def test_what_is_not_said_is_a_vietnamese_article_on_the_portal() -> None:
    known = article(PUBLISHED)
    assert (known["status"], known["language"], known["channel"]) == ("published", "vi", "portal")
    assert known["concerns_date"] is None


def test_a_correction_lays_its_fields_over_and_the_history_keeps_both_versions() -> None:
    corrected = fact("article.corrected", "01-16 09:00", category="legal", published_at=at("01-14 09:00"))
    known = article(PUBLISHED, corrected)
    assert (known["category"], known["title"]) == ("legal", "Tin")
    assert known["published_at"] == "2024-01-14T09:00:00+07:00"
    assert [(step["category"], step["published_at"]) for step in known["history"]] == [
        ("budget", "2024-01-15T09:00:00+07:00"),
        ("legal", "2024-01-14T09:00:00+07:00"),
    ]


def test_corrections_apply_in_the_order_they_were_made_not_in_which_they_arrived() -> None:
    first = fact("article.corrected", "01-16 09:00", title="Hai", category="legal")
    second = fact("article.corrected", "01-17 09:00", title="Ba")
    known = article(second, first, PUBLISHED)
    assert (known["title"], known["category"]) == ("Ba", "legal")


def test_retracting_a_correction_brings_back_what_stood_before() -> None:
    corrected = fact("article.corrected", "01-16 09:00", category="legal")
    assert article(*without([PUBLISHED, corrected], corrected))["category"] == "budget"


def test_a_correction_that_says_nothing_of_a_field_leaves_it() -> None:
    silent = fact("article.corrected", "01-16 09:00", category=None, title="Hai")
    assert article(PUBLISHED, silent)["category"] == "budget"


def test_a_later_publication_replaces_all_of_it() -> None:
    corrected = fact("article.corrected", "01-16 09:00", language="en")
    again = fact("article.published", "01-17 09:00", kind="dataset", title="Bộ dữ liệu")
    known = article(again, corrected, PUBLISHED)
    assert (known["kind"], known["title"], known["category"], known["language"]) == (
        "dataset",
        "Bộ dữ liệu",
        None,
        "vi",
    )


def test_a_removed_article_is_gone_until_it_is_published_again() -> None:
    removed = fact("article.removed", "01-16 09:00")
    too_late = fact("article.corrected", "01-17 09:00", title="Muộn", id="late")
    twice = fact("article.removed", "01-18 09:00", id="twice")
    known = article(PUBLISHED, removed, too_late, twice)
    assert (known["status"], known["removal_reason"]) == ("removed", "sai")
    assert set_aside(known) == {"late": "removed", "twice": "removed"}
    again = article(PUBLISHED, removed, fact("article.published", "01-19 09:00"))
    assert (again["status"], again["removed_at"], again["removal_reason"]) == ("published", None, None)


def test_retracting_the_publication_leaves_it_unopened() -> None:
    corrected = fact("article.corrected", "01-16 09:00", title="Hai", id="corrected")
    known = article(*without([PUBLISHED, corrected], PUBLISHED))
    assert (known["status"], known["title"], known["history"]) == ("unopened", None, [])
    assert set_aside(known) == {"corrected": "not_opened"}


def test_a_correction_dated_before_the_publication_has_nothing_to_correct() -> None:
    early = fact("article.corrected", "01-14 09:00", title="Sớm", id="early")
    assert set_aside(article(PUBLISHED, early)) == {"early": "before_opening"}


def test_of_one_instant_publication_comes_before_correction_before_removal() -> None:
    facts = [fact(f"article.{kind}", "01-15 09:00") for kind in ("removed", "corrected", "published")]
    assert [step["type"] for step in article(*facts)["history"]] == [
        "article.published",
        "article.corrected",
        "article.removed",
    ]


# ---------------------------------------------------------------------------------------- records


def test_the_last_measurement_counts_whole() -> None:
    entity = f"{AGENCY}/portal/2024-01-20"
    first = fact("audience.measured", "01-20 09:00", visits=10, reach=5)
    last = fact("audience.measured", "01-20 18:00", visits=12)
    known = state("audience", entity, last, first)
    assert (known["visits"], known["reach"], known["channel"], known["date"]) == (
        12,
        None,
        "portal",
        "2024-01-20",
    )
    assert known["measured_at"] == "2024-01-20T18:00:00+07:00"
    assert [step["visits"] for step in known["history"]] == [10, 12]


def test_of_two_measurements_of_one_instant_the_same_one_always_counts() -> None:
    entity = f"{AGENCY}/portal/2024-01-20"
    one = fact("audience.measured", "01-20 09:00", visits=1, id="b")
    other = fact("audience.measured", "01-20 09:00", visits=2, id="a", source=CENTRAL)
    assert state("audience", entity, one, other) == state("audience", entity, other, one)


def test_a_portal_opens_and_closes_and_opens_again() -> None:
    opened = fact("portal.opened", "01-10 09:00", url="https://soyte.example")
    closed = fact("portal.closed", "02-10 09:00", reason="sáp nhập")
    known = state("portal", AGENCY, closed, opened)
    assert (known["status"], known["url"], known["reason"]) == ("closed", "https://soyte.example", "sáp nhập")
    again = state("portal", AGENCY, closed, opened, fact("portal.opened", "03-10 09:00"))
    assert (again["status"], again["opened_at"], again["closed_at"]) == (
        "open",
        "2024-03-10T09:00:00+07:00",
        None,
    )


def test_an_older_portal_closes_without_a_known_opening() -> None:
    known = state("portal", AGENCY, fact("portal.closed", "02-10 09:00"))
    assert (known["status"], known["set_aside"]) == ("closed", [])


@pytest.mark.parametrize(("kind", "code"), [("opened", "already_open"), ("closed", "already_closed")])
def test_opening_or_closing_twice_counts_once(kind: str, code: str) -> None:
    twice = [fact(f"portal.{kind}", "02-10 09:00"), fact(f"portal.{kind}", "02-11 09:00", id="twice")]
    assert set_aside(state("portal", AGENCY, *twice)) == {"twice": code}


def test_a_board_established_anew_replaces_the_one_before() -> None:
    first = fact("board.established", "01-10 09:00", decision="01/QĐ")
    second = fact("board.established", "03-10 09:00", decision="02/QĐ")
    known = state("board", AGENCY, second, first)
    assert (known["decision"], len(known["history"])) == ("02/QĐ", 2)


def test_each_opening_of_a_channel_is_its_own_record() -> None:
    opened = fact("channel.opened", "01-10 09:00", id="mo-1", title="Chuyên mục")
    ref = CONTENT.entity_of(opened.type, opened.data, opened.id)
    assert ref.entity == f"{AGENCY}/mo-1"
    known = CONTENT.fold(ref, [opened], NOW).state
    assert (known["status"], known["title"]) == ("open", "Chuyên mục")


def test_a_report_sent_again_keeps_the_day_of_its_first_receipt() -> None:
    first = fact("report.received", "03-20 09:00", document="01/BC")
    again = fact("report.received", "04-02 09:00", document="01a/BC")
    known = state("report", f"{AGENCY}/2024-Q1", again, first)
    assert (known["received_at"], known["document"]) == ("2024-03-20T09:00:00+07:00", "01a/BC")


@pytest.mark.parametrize("points", ["2.5", "2.50", 2.5])
def test_the_last_judgement_counts_whole_and_its_points_have_one_form(points: object) -> None:
    first = fact("assessment.recorded", "03-20 09:00", points="1", note="thiếu")
    last = fact("assessment.recorded", "03-25 09:00", points=points)
    known = state("assessment", f"{AGENCY}/2024-Q1/leaders-schedule", last, first)
    assert (known["points"], known["note"]) == ("2.50", None)
    assert [step["points"] for step in known["history"]] == ["1.00", "2.50"]
