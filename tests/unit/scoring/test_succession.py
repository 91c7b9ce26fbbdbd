"""What is said about an agency that ended counts for its heir, and nothing is lost or counted twice."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.scoring import flows
from services.scoring.indicators import answer, indicators, probes, span_of
from services.scoring.succession import Ending, Mark, endings_of, passed_on
from shared.calendar.local import day_number, local_day
from shared.calendar.periods import Window
from shared.register.register import shipped_register
from tests.unit.scoring.world import AGENCIES, FIRST, marks_of, world

START = local_day(FIRST)
WHOLE = span_of(Window(START - timedelta(days=30), START + timedelta(days=400)))
HANDING = {flows.TAKEN_OVER, flows.PASSED_ON, "dossier.overdue.begun", "dossier.overdue.ended"}
OLD, HEIR, LAST = AGENCIES[:3]


def counts(marks: list[Mark], agency: str, last: int) -> dict[str, int]:
    """Every indicator of an agency from the first day to `last` days later."""
    rows = [mark[1:] for mark in marks if mark[0] == agency]
    span = span_of(Window(START, START + timedelta(days=last)))
    wanted = {row[0] for row in rows if not row[0].startswith((flows.DECISION, *flows.JUDGEMENTS))}
    return indicators(answer(rows, probes(span, wanted), span.cut))


def test_nobody_of_the_shipped_register_has_an_heir() -> None:
    assert endings_of(shipped_register()) == {}


@given(seed=st.integers(0, 10**6), days=st.integers(0, 100), more=st.integers(0, 60))
def test_each_mark_is_counted_once_by_whoever_answers_on_its_day(seed: int, days: int, more: int) -> None:
    first = day_number(START) + days
    endings = {OLD: Ending(first, HEIR), HEIR: Ending(first + 1 + more, LAST)}
    for entity in world(seed, 4):
        before = marks_of(entity.changes[-1])
        after = passed_on(before, endings)
        assert len({mark[:4] for mark in after}) == len(after)
        for mark in after:
            ending = endings.get(mark[0])
            # Only the handing over itself lies on the day after an agency's last one.
            assert ending is None or mark[2] <= ending.last or mark[1] in HANDING
            assert ending is None or mark[2] <= ending.last + 1
        assert _without_agency(before) == _without_agency(after)


def _without_agency(marks: list[Mark]) -> dict[tuple[str, int, int], int]:
    """The sums over all agencies; the handing over cancels out of the overdue stock, and is left out else."""
    sums: dict[tuple[str, int, int], int] = {}
    for _, flow, cohort, effective, amount in marks:
        if flow in ("dossier.overdue.begun", "dossier.overdue.ended"):
            amount = amount if flow.endswith("begun") else -amount
            flow = "dossier.overdue"
        if flow not in (flows.TAKEN_OVER, flows.PASSED_ON):
            place = (flow, cohort, effective)
            sums[place] = sums.get(place, 0) + amount
    return {place: n for place, n in sums.items() if n}


@given(seed=st.integers(0, 10**6), days=st.integers(0, 100))
def test_what_is_open_at_the_end_is_taken_over_and_no_stock_falls_below_zero(seed: int, days: int) -> None:
    endings = {OLD: Ending(day_number(START) + days, HEIR)}
    before = [mark for entity in world(seed, 6) for mark in marks_of(entity.changes[-1])]
    after = [mark for e in world(seed, 6) for mark in passed_on(marks_of(e.changes[-1]), endings)]
    for last in (days, days + 1, days + 40, 300):
        for name in ("dossier.in_progress", "dossier.overdue"):
            both = [sum(counts(of, one, last).get(name, 0) for one in (OLD, HEIR)) for of in (before, after)]
            assert both[0] == both[1]
            assert counts(after, OLD, last).get(name, 0) >= 0
            assert counts(after, HEIR, last).get(name, 0) >= 0
            assert last <= days or counts(after, OLD, last).get(name, 0) == 0


def test_without_endings_nothing_is_touched() -> None:
    marks: list[Mark] = [("a", "qa.received", 1, 1, 1)]
    assert passed_on(marks, {}) is marks
    assert passed_on(marks, {"b": Ending(0, "c")}) is marks
