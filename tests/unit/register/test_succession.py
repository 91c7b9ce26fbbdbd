"""Agencies merge, split and change their names: the register says when, and who carries on."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest

from shared.register.register import AgencyRow, Register, RegisterError, shipped_register

END = date(2024, 6, 30)
AFTER = date(2024, 7, 1)


def row(slug: str, **more: Any) -> AgencyRow:
    """A department, open from 2015 on unless told otherwise."""
    told: dict[str, Any] = {
        "slug": slug, "name": slug, "name_en": slug, "group": "departments", "opened": date(2015, 1, 1),
        "provenance": "assumed",
    }  # fmt: skip
    return AgencyRow(**(told | more))


def register(*rows: AgencyRow) -> Register:
    """A register of these agencies, whom nobody scores."""
    return Register(rows, (), (), ())


def merged(slug: str, into: str, **more: Any) -> AgencyRow:
    """An agency that was merged into another at the end of June 2024."""
    return row(slug, **({"closed": END, "ending": "merged", "successors": (into,), "heir": into} | more))


def test_an_agency_answers_for_itself_until_its_last_day_and_its_heir_from_then_on() -> None:
    found = register(merged("a", "b"), row("b"))
    assert found.agency_on("a", END) == "a"
    assert found.agency_on("a", AFTER) == "b"
    assert found.agency_on("b", AFTER) == "b"
    assert found.agency_on("nobody", AFTER) == "nobody"
    assert found.agency_on("b", date(2000, 1, 1)) == "b"


def test_an_heir_may_have_an_heir() -> None:
    found = register(
        merged("a", "b"),
        merged("b", "c", closed=date(2025, 6, 30), ending="replaced"),
        row("c", opened=date(2025, 7, 1)),
    )
    assert [found.agency_on("a", day) for day in (END, AFTER, date(2025, 7, 1))] == ["a", "b", "c"]


def test_after_a_split_without_an_heir_nobody_answers() -> None:
    old = row("old", closed=END, ending="split", successors=("x", "y"))
    found = register(old, row("x", opened=AFTER), row("y", opened=AFTER))
    assert found.agency_on("old", AFTER) is None
    shipped = shipped_register()
    assert shipped.agency_on("so-giao-thong-van-tai-xay-dung", date(2024, 1, 1)) is None


def test_an_old_name_holds_for_the_days_before_the_renaming() -> None:
    names = (
        {"name": "Sở A", "name_en": "A", "until": date(2018, 12, 31)},
        {"name": "Sở B", "name_en": "B", "until": date(2021, 12, 31)},
    )
    found = register(row("a", name="Sở C", name_en="C", former_names=names)).agencies["a"]
    days = (date(2016, 1, 1), date(2018, 12, 31), date(2019, 1, 1), date(2021, 12, 31), date(2022, 1, 1))
    assert [found.name_on(day)[1] for day in days] == ["A", "A", "B", "B", "C"]
    assert found.name_on(days[0]) == ("Sở A", "A")


def test_a_register_holds_its_slugs() -> None:
    found = register(row("a"), row("b"))
    assert list(found) == ["a", "b"]
    assert len(found) == 2
    assert "a" in found
    assert "c" not in found


NAME = {"name": "x", "name_en": "x", "until": date(2020, 1, 1)}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([merged("a", "z"), row("b")], "names z, which is not in the file"),
        ([row("a", successors=("b",), ending="merged"), row("b")], "has successors but no last day"),
        ([row("a", closed=END, successors=("b",)), row("b")], "say both how it ended"),
        ([row("a", closed=END, ending="merged"), row("b")], "say both how it ended"),
        ([merged("a", "b", ending="split"), row("b")], "was split, and names 1 successors"),
        (
            [merged("a", "b", successors=("b", "c")), row("b"), row("c")],
            "was merged, and names 2 successors",
        ),
        ([merged("a", "b", heir="c"), row("b"), row("c")], "its heir c is none of its successors"),
        ([merged("a", "b", ending="replaced"), row("b")], "their days overlap"),
        ([merged("a", "b"), row("b", opened=date(2024, 8, 1))], "b is not open on 2024-07-01"),
        ([merged("a", "b"), row("b", closed=END)], "b is not open on 2024-07-01"),
        (
            [merged("a", "b"), merged("b", "a", closed=date(2025, 1, 1))],
            "a follows itself, by way of its successors",
        ),
        ([merged("a", "a")], "a follows itself"),
        ([row("a", former_names=(NAME, NAME))], "its former names overlap"),
        ([row("a", former_names=({**NAME, "until": date(2000, 1, 1)},))], "lies outside of its days"),
        (
            [row("a", closed=END, former_names=({**NAME, "until": END},))],
            "lies outside of its days",
        ),
    ],
)
def test_a_succession_that_cannot_be_is_refused(rows: Iterable[AgencyRow], message: str) -> None:
    with pytest.raises(RegisterError, match=message):
        register(*rows)
