"""Evidence shows both versions: what a fact said, and what took its place."""

from typing import Any

from services.scoring.versions import with_versions
from shared.calendar.local import parse_instant


def fact(number: int, type_: str, *, gone: bool = False, recorded: int = 0, **data: Any) -> dict[str, Any]:
    """A fact as a ledger shows it; facts are numbered in the order they happened."""
    return {
        "source": "/publishers/cong",
        "id": f"f-{number}",
        "type": type_,
        "agency": "so-y-te",
        "time": f"2024-03-{number:02d}T08:00:00+07:00",
        "recorded_at": f"2024-04-{recorded or number:02d}T08:00:00+07:00",
        "entrance": "http",
        "effective": not gone,
        "retracted_by": [{"source": "/publishers/cong", "id": "r"}] if gone else [],
        "event": {"data": {"agency": "so-y-te", **data}},
    }


def test_a_correction_shows_what_it_found_and_what_it_left() -> None:
    found = with_versions(
        [
            fact(1, "article.published", article_id="a", title="Cũ", category="contacts"),
            fact(2, "article.corrected", article_id="a", title="Mới", corrected_at="x"),
            fact(3, "article.corrected", article_id="a", title="Mới nữa", category="contacts"),
        ]
    )
    assert [one["fate"] for one in found] == ["counts", "corrects", "corrects"]
    assert found[1]["changes"] == [{"field": "title", "before": "Cũ", "after": "Mới"}]
    assert found[2]["changes"] == [{"field": "title", "before": "Mới", "after": "Mới nữa"}]
    assert found[0]["event"]["data"]["title"] == "Cũ"


def test_what_opens_comes_first_at_one_and_the_same_instant() -> None:
    corrected = fact(1, "article.corrected", article_id="a", title="Mới")
    published = fact(2, "article.published", article_id="a", title="Cũ") | {"time": corrected["time"]}
    found = with_versions([corrected, published])
    assert [one["fate"] for one in found] == ["counts", "corrects"]
    assert found[1]["changes"] == [{"field": "title", "before": "Cũ", "after": "Mới"}]


def test_a_retracted_correction_changes_nothing() -> None:
    found = with_versions(
        [
            fact(1, "article.published", article_id="a", title="Cũ"),
            fact(2, "article.corrected", gone=True, article_id="a", title="Sai"),
            fact(3, "article.corrected", article_id="a", title="Mới"),
        ]
    )
    assert [one["fate"] for one in found] == ["counts", "retracted", "corrects"]
    assert found[2]["changes"] == [{"field": "title", "before": "Cũ", "after": "Mới"}]


def test_the_last_measurement_counts_and_names_the_one_before() -> None:
    found = with_versions(
        [
            fact(1, "audience.measured", channel="portal", date="2024-03-01", visits=5, reach=2),
            fact(2, "audience.measured", channel="portal", date="2024-03-01", visits=7),
        ]
    )
    assert [one["fate"] for one in found] == ["superseded", "counts"]
    assert found[0]["superseded_by"] == {"source": "/publishers/cong", "id": "f-2"}
    assert found[1]["changes"] == [
        {"field": "reach", "before": 2, "after": None},
        {"field": "visits", "before": 5, "after": 7},
    ]


def test_a_self_assessment_supersedes_no_verified_judgement() -> None:
    found = with_versions(
        [
            fact(1, "assessment.recorded", points="4", assessed_by="Sở Y tế"),
            fact(2, "assessment.recorded", points="3", assessed_by="Sở Nội vụ"),
            fact(3, "assessment.recorded", points="5", assessed_by="Sở Y tế"),
        ]
    )
    assert [one["fate"] for one in found] == ["superseded", "counts", "counts"]
    assert found[2]["changes"] == [{"field": "points", "before": "4", "after": "5"}]


def test_a_forward_shows_both_agencies_and_an_extension_both_due_days() -> None:
    (one,) = with_versions([fact(1, "question.forwarded", question_id="q", to_agency="so-noi-vu")])
    assert one["fate"] == "reassigns"
    assert one["changes"] == [{"field": "agency", "before": "so-y-te", "after": "so-noi-vu"}]
    found = with_versions(
        [
            fact(1, "dossier.received", dossier_code="d", due_at="2024-03-10T17:00:00+07:00"),
            fact(2, "dossier.extended", dossier_code="d", new_due_at="2024-03-15T17:00:00+07:00"),
            fact(3, "dossier.extended", dossier_code="d", new_due_at="2024-03-20T17:00:00+07:00"),
        ]
    )
    days = [(c["before"][8:10], c["after"][8:10]) for one in found for c in one["changes"]]
    assert days == [("10", "15"), ("15", "20")]


def test_what_arrives_after_the_close_is_late() -> None:
    closed = parse_instant("2024-04-05T17:00:00+07:00")
    facts = [
        fact(1, "dossier.received", dossier_code="d", recorded=5),
        fact(2, "dossier.resolved", dossier_code="d", recorded=6),
    ]
    assert [one["late"] for one in with_versions(facts, closed)] == [False, True]
    assert [one["late"] for one in with_versions(facts)] == [False, False]


def test_the_clock_and_a_retraction_say_what_they_are() -> None:
    clock = fact(1, "dossier.overdue") | {"entrance": "clock", "effective": False}
    retraction = fact(2, "fact.retracted") | {"effective": False}
    assert [one["fate"] for one in with_versions([clock, retraction])] == ["clock", "retracts"]
