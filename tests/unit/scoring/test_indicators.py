"""Tally to indicators: windows, cut-offs, weeks, stocks and the names made of them."""

from datetime import date
from itertools import pairwise

import pytest

from services.scoring import flows
from services.scoring.indicators import (
    TallyRow,
    answer,
    elapsed,
    flows_of,
    for_rules,
    indicators,
    onward_flows,
    probes,
    span_of,
    span_of_period,
    week_of,
)
from shared.calendar.local import day_number
from shared.calendar.periods import Window, iso_week, parse_period, parse_window

Q1 = span_of_period(parse_period("2024-Q1"))
CUT = span_of(parse_window("2024-01-01", "2024-03-22"))


def row(flow: str, cohort: str, effective: str = "", n: int = 1) -> TallyRow:
    """One row of the tally."""
    return flow, D(cohort), D(effective or cohort), n


def D(text: str) -> int:
    """A day's number."""
    return day_number(date.fromisoformat(text))


def of(rows: list[TallyRow], span: object = Q1) -> dict[str, int]:
    """The indicators of some rows."""
    wanted = {flow for flow, *_ in rows}
    return indicators(answer(rows, probes(span, wanted), span.cut))  # type: ignore[arg-type, attr-defined]


def test_weeks_are_numbered_like_iso_weeks() -> None:
    days = [date.fromordinal(date(2023, 12, 25).toordinal() + n) for n in range(400)]
    for one, other in pairwise(days):
        same = iso_week(one) == iso_week(other)
        assert (week_of(day_number(one)) == week_of(day_number(other))) is same


def test_items_are_articles_and_datasets_by_week() -> None:
    rows = [
        row("content.articles", "2024-01-01"),
        row("content.datasets", "2024-01-07"),
        row("content.articles", "2024-01-08"),
        row("content.articles", "2024-01-08", n=-1),
        row("content.articles", "2024-04-01"),
    ]
    found = of(rows)
    assert (found["content.items"], found["content.articles"], found["content.datasets"]) == (2, 1, 1)
    assert found["content.active_weeks"] == 1


def test_a_cut_off_leaves_out_what_happened_later() -> None:
    rows = [
        row("qa.received", "2024-03-20"),
        row("qa.answered", "2024-03-20", "2024-03-25"),
        row("qa.overdue", "2024-03-20", "2024-03-23"),
        row("qa.overdue", "2024-03-20", "2024-03-25", -1),
    ]
    assert of(rows, CUT) == {"qa.received": 1, "qa.eligible": 1, "qa.waiting": 1}
    assert of(rows) == {"qa.received": 1, "qa.eligible": 1, "qa.answered": 1}


def test_a_window_to_the_end_of_a_quarter_has_no_cut_off() -> None:
    rows = [row("qa.received", "2024-03-20"), row("qa.answered", "2024-03-20", "2024-05-02")]
    assert of(rows, span_of(parse_window("2024-02-01", "2024-03-31")))["qa.answered"] == 1


def test_stocks_are_what_stands_open_at_the_edges() -> None:
    rows = [
        row("dossier.received.online", "2023-12-30", n=5),
        row("dossier.received.online", "2024-01-02", n=3),
        row("dossier.resolved.on_time", "2023-12-31", n=1),
        row("dossier.resolved.late", "2024-01-05", n=2),
        row("dossier.withdrawn", "2024-03-30", n=1),
        row("dossier.overdue.begun", "2024-01-04", n=2),
        row("dossier.overdue.ended", "2024-01-05", n=1),
    ]
    found = of(rows)
    assert (found["dossier.carried_over"], found["dossier.in_progress"]) == (4, 4)
    assert (found["dossier.received"], found["dossier.resolved"], found["dossier.overdue"]) == (3, 2, 1)
    assert of(rows, CUT)["dossier.in_progress"] == 5


def test_what_was_turned_away_at_the_door_leaves_the_balance_as_it_was() -> None:
    rows = [
        row("dossier.received.online", "2024-01-02", n=9),
        row("dossier.resolved.on_time", "2024-01-05", n=4),
        row("dossier.refused_unreceived", "2024-01-05", n=2),
        row("dossier.rejected", "2024-01-05", n=3),
    ]
    found = of(rows)
    assert (found["dossier.rejected"], found["dossier.rejected.received"]) == (3, 1)
    gone = found["dossier.resolved"] + found["dossier.rejected.received"]
    assert found["dossier.in_progress"] == found["dossier.received"] - gone == 4


def test_followers_are_the_last_known_and_zero_is_known() -> None:
    rows = [
        row("content.followers.facebook", "2023-12-01", n=101),
        row("content.followers.zalo", "2024-02-01", n=1),
    ]
    found = of([*rows, row("content.followers.facebook", "2024-05-01", n=201)])
    assert (found["content.followers.facebook"], found["content.followers.zalo"]) == (100, 0)


@pytest.mark.parametrize(
    ("window", "count"),
    [
        (("2024-01-01", "2024-03-22"), 1),
        (("2024-01-01", "2024-06-30"), 3),
        (("2024-04-01", "2024-06-30"), 1),
        (("2024-01-01", "2024-12-31"), 4),
        (("2024-02-01", "2024-03-31"), 0),
    ],
)
def test_reports_are_those_of_the_periods_of_the_window(window: tuple[str, str], count: int) -> None:
    rows = [
        row("content.report.quarter", "2024-01-01", "2024-03-20"),
        row("content.report.quarter", "2024-04-01", "2024-06-20"),
        row("content.report.half", "2024-01-01", "2024-06-20"),
        row("content.report.year", "2024-01-01", "2024-12-20"),
    ]
    assert of(rows, span_of(parse_window(*window))).get("content.report.received", 0) == count


def test_judgements_are_of_the_windows_own_period() -> None:
    rows = [
        row("assessed.quarter/leadership", "2024-01-01", "2024-03-20"),
        row("assessed_points.quarter/leadership", "2024-01-01", "2024-03-20", 750),
        row("assessed.year/leadership", "2024-01-01", "2024-12-20"),
    ]
    found = of(rows)
    assert (found["judged.leadership"], found["judged_hundredths.leadership"]) == (1, 750)
    assert of(rows, span_of(parse_window("2024-02-01", "2024-03-31"))) == {}


def test_elapsed_weeks_stop_at_today() -> None:
    window = parse_period("2024-Q1").window
    assert elapsed(window, date(2024, 12, 31))["window.weeks"] == 13
    assert elapsed(window, date(2024, 1, 10)) == {"window.weeks": 2, "window.days": 10}
    assert elapsed(window, date(2023, 12, 31)) == {"window.weeks": 0, "window.days": 0}
    assert elapsed(Window(date(2024, 1, 1), date(2024, 3, 22)), date(2026, 1, 1))["window.weeks"] == 12


def test_what_nobody_provides_is_unknown_to_rules() -> None:
    seen = for_rules({"qa.received": 2}, Q1.window, date(2025, 1, 1), ["input.paid", "qa.received"])
    assert seen["input.paid"] is None
    assert seen["qa.received"] == 2


def test_every_indicator_of_the_contract_is_known_to_rules() -> None:
    for name in (
        "content.items", "content.active_weeks", "content.category.contacts", "content.social.zalo",
        "content.visits", "content.reach.facebook", "content.followers.zalo", "qa.received", "qa.eligible",
        "qa.answered_on_time", "qa.wrong_title", "qa.waiting", "qa.overdue", "qa.deleted",
        "dossier.received.one_stop", "dossier.resolved.late", "dossier.carried_over", "dossier.overdue",
        "procedure.published", "procedure.decisions",
    ):  # fmt: skip
        assert flows.is_indicator(name), name
        assert all(
            flow in flows.FIXED or flow.startswith(("content.category.", flows.DECISION))
            for flow in flows_of(name)
        )
    assert not flows.is_indicator("dossier.overdue.begun")


def test_only_stocks_and_followers_reach_later_quarters() -> None:
    assert onward_flows(["qa.received", "content.items"]) == frozenset()
    assert "dossier.received.online" in onward_flows(["dossier.in_progress"])


def test_marks_pack_and_unpack() -> None:
    mark = flows.pack(flows.MAX_AGENCY, flows.MAX_FLOW, flows.MAX_DAY, 5)
    assert flows.unpack(mark) == (flows.MAX_AGENCY, flows.MAX_FLOW, flows.MAX_DAY, 5)
    assert 0 < mark < 2**63
    assert len(set(flows.FIXED.values())) == len(flows.FIXED)
