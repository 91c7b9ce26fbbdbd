"""When a warning may leave: never while the office is closed, where so set; and still ahead of the breach."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.calendar.datafile import DataFileError
from shared.calendar.working import vietnam
from shared.runtime.ledger.alert_policy import Policy, leaves_at, read_policies
from tests.unit.lifecycle.cases import at

CALENDAR = vietnam()
POLICY = read_policies().on(date(2024, 3, 1))
AT_ANY_TIME = POLICY.model_copy(update={"only_in_working_hours": False})

seconds = st.integers(0, 60 * 24 * 3600)
instants = seconds.map(lambda n: at("01-29 00:00") + timedelta(seconds=n))
"""Any second of two months that hold Tết and weekends."""


@given(instants)
def test_no_warning_leaves_while_the_office_is_closed(now: datetime) -> None:
    leaves = leaves_at(CALENDAR, POLICY, now)
    assert leaves >= now
    assert CALENDAR.is_working_time(leaves)
    # It waits for nothing else: no working time passes meanwhile.
    assert CALENDAR.working_time_between(now, leaves) == timedelta(0)
    assert leaves_at(CALENDAR, POLICY, leaves) == leaves


@given(instants, st.integers(1, 20))
def test_a_warning_that_was_held_still_comes_ahead_of_the_breach(due: datetime, days: int) -> None:
    """Whatever instant is due, and however late its warning falls due within working time before it."""
    soon = CALENDAR.working_days_before(due, days)
    assert leaves_at(CALENDAR, POLICY, soon) < due


@given(instants)
def test_where_so_set_it_leaves_at_once(now: datetime) -> None:
    assert leaves_at(CALENDAR, AT_ANY_TIME, now) == now


def test_a_warning_at_closing_time_waits_for_the_morning() -> None:
    assert leaves_at(CALENDAR, POLICY, at("01-25 17:00")) == at("01-25 17:00")
    assert leaves_at(CALENDAR, POLICY, at("01-25 17:01")) == at("01-26 08:00")
    assert leaves_at(CALENDAR, POLICY, at("02-07 18:00")) == at("02-15 08:00"), "Tết lies between"
    assert leaves_at(CALENDAR, POLICY, at("01-25 12:30")) == at("01-25 13:00")


def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path) -> None:
    entry = (
        "  - {valid_from: 2024-01-01, only_in_working_hours: true, words: [due_soon], "
        "provenance: assumed, legal_source: x}\n"
    )
    file = tmp_path / "alerts.yaml"
    file.write_text("policies:\n" + entry * 2)
    with pytest.raises(DataFileError, match=r"alerts\.yaml:3: policies\.1\.valid_from: must be later"):
        read_policies(file)
    file.write_text("policies:\n" + entry.replace("due_soon", "soon"))
    with pytest.raises(DataFileError, match="words"):
        read_policies(file)


def test_the_policy_of_a_day_is_the_last_one_before_it() -> None:
    entries = [
        Policy(valid_from=date(2024, 1, 1), only_in_working_hours=True, words=["due_soon"],
               provenance="assumed", legal_source="x"),
        Policy(valid_from=date(2024, 7, 1), only_in_working_hours=False, words=["due_soon", "overdue"],
               provenance="assumed", legal_source="x"),
    ]  # fmt: skip
    policies = type(read_policies())(entries)
    assert policies.on(date(2023, 1, 1)).only_in_working_hours
    assert policies.on(date(2024, 6, 30)).only_in_working_hours
    assert not policies.on(date(2024, 7, 1)).only_in_working_hours
