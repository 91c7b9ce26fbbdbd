"""The entrance takes nothing new for an agency that ended without an heir."""

from datetime import date, datetime
from typing import Any

import pytest

from shared.calendar.local import LOCAL
from shared.register.register import AgencyRow, Register, shipped_register
from shared.runtime.ledger.decode import Candidate
from shared.runtime.ledger.lifecycle import Fact
from shared.runtime.ledger.standing import check_standing

ENDED = "so-giao-thong-van-tai-xay-dung"


def said(type_: str, day: date, agency: str = ENDED, **data: Any) -> Candidate:
    """A fact about an agency on a day."""
    at = datetime(day.year, day.month, day.day, 8, tzinfo=LOCAL)
    fact = Fact("/publishers/cong", "f-1", type_, at, agency, {"agency": agency, **data})
    return Candidate(fact, None, b"", b"")


def test_something_new_is_refused_with_the_names_of_who_is_meant_now() -> None:
    found = check_standing(said("dossier.received", date(2024, 1, 1)), shipped_register())
    assert found is not None
    assert found.code == "agency_ended"
    assert "so-giao-thong-van-tai or so-xay-dung" in found.detail
    assert found.errors[0][0] == "/data/agency"


def test_nothing_is_forwarded_to_an_agency_that_ended() -> None:
    forwarded = said("question.forwarded", date(2024, 1, 1), "so-y-te", to_agency=ENDED)
    found = check_standing(forwarded, shipped_register())
    assert found is not None
    assert found.errors[0][0] == "/data/to_agency"


@pytest.mark.parametrize(
    ("type_", "day", "agency"),
    [
        ("dossier.received", date(2023, 12, 31), ENDED),
        ("dossier.resolved", date(2024, 1, 5), ENDED),
        ("article.corrected", date(2024, 1, 5), ENDED),
        ("fact.retracted", date(2024, 1, 5), ENDED),
        ("report.received", date(2024, 1, 5), ENDED),
        ("dossier.received", date(2024, 1, 5), "so-y-te"),
        ("dossier.received", date(2024, 1, 5), "not-in-the-register"),
    ],
)
def test_what_continues_something_older_and_what_is_about_others_comes_in(
    type_: str, day: date, agency: str
) -> None:
    assert check_standing(said(type_, day, agency), shipped_register()) is None


def test_an_heir_takes_in_what_is_said_about_whom_it_follows() -> None:
    rows = (
        AgencyRow(slug="a", name="a", name_en="a", group="departments", opened=date(2015, 1, 1),
                  closed=date(2024, 6, 30), ending="merged", successors=("b",), heir="b",
                  provenance="assumed"),
        AgencyRow(slug="b", name="b", name_en="b", group="departments", opened=date(2015, 1, 1),
                  provenance="assumed"),
    )  # fmt: skip
    register = Register(rows, (), (), ())
    assert check_standing(said("dossier.received", date(2024, 7, 1), "a"), register) is None


def test_a_plain_list_of_slugs_knows_of_no_ending() -> None:
    assert check_standing(said("dossier.received", date(2024, 7, 1)), [ENDED]) is None
