"""A period closes by two officers, stands still when closed, and moves again only by a decision."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.scoring.period_life import (
    MAX_AHEAD,
    MAX_REOPENED,
    Life,
    RefusedError,
    Scope,
    confirm,
    counting_day,
    is_free,
    may_publish,
    proposal_of,
    propose_acceptance,
    propose_close,
    reopen,
    scope_of,
    withdraw,
)
from shared.calendar.local import local_day
from tests.unit.scoring_periods.made import T0

HOUR = timedelta(hours=1)
OPEN = Life("2024-Q1", "open", T0)
CLOSING = propose_close(OPEN, "Lan", "hết quý", T0, None)
CLOSED = confirm(CLOSING, "Minh", T0 + HOUR)
ANY = ("so-y-te", "qa", "acceptance")


def test_closing_takes_two_officers() -> None:
    with pytest.raises(RefusedError, match="another officer") as refused:
        confirm(CLOSING, "Lan", T0 + HOUR)
    assert refused.value.code == "two-officers"
    assert CLOSED.state == "closed"
    assert (CLOSED.officer, CLOSED.confirmed_by, CLOSED.reason) == ("Lan", "Minh", "hết quý")


@pytest.mark.parametrize("same", ["lan", " Lan ", "LAN", "Lan\u200b".strip("\u200b")])
def test_the_same_person_written_otherwise_is_no_second_officer(same: str) -> None:
    with pytest.raises(RefusedError):
        confirm(CLOSING, same, T0 + HOUR)


def test_accents_may_be_encoded_either_way() -> None:
    proposed = propose_close(OPEN, "Nguyễn Hà", "hết quý", T0, None)
    with pytest.raises(RefusedError, match="another officer"):
        confirm(proposed, "Nguye\u0302\u0303n Ha\u0300", T0 + HOUR)


def test_until_the_cut_off_everything_moves_and_from_it_on_nothing() -> None:
    closing = propose_close(OPEN, "Lan", "hết quý", T0, T0 + HOUR)
    assert may_publish(closing, *ANY, T0)
    assert may_publish(closing, *ANY, T0 + HOUR - timedelta(microseconds=1))
    assert not may_publish(closing, *ANY, T0 + HOUR)
    assert not may_publish(closing, *ANY, T0 + 1000 * HOUR)


def test_nobody_confirms_before_the_cut_off() -> None:
    closing = propose_close(OPEN, "Lan", "hết quý", T0, T0 + HOUR)
    with pytest.raises(RefusedError, match="after it"):
        confirm(closing, "Minh", T0 + HOUR - timedelta(seconds=1))
    assert confirm(closing, "Minh", T0 + HOUR).state == "closed"


@pytest.mark.parametrize("off", [-timedelta(seconds=1), MAX_AHEAD + timedelta(seconds=1)])
def test_a_cut_off_lies_ahead_but_not_too_far(off: timedelta) -> None:
    with pytest.raises(RefusedError) as refused:
        propose_close(OPEN, "Lan", "hết quý", T0, T0 + off)
    assert refused.value.code == "cut-off"


@pytest.mark.parametrize("reason", ["", "  "])
def test_every_step_has_an_officer_and_a_reason(reason: str) -> None:
    with pytest.raises(RefusedError, match="why"):
        propose_close(OPEN, "Lan", reason, T0, None)
    with pytest.raises(RefusedError, match="which officer"):
        propose_close(OPEN, " ", "hết quý", T0, None)


def test_a_closed_period_lets_nothing_through_whatever_the_time() -> None:
    for hours in (0, 1, 10_000):
        assert not may_publish(CLOSED, *ANY, T0 + hours * HOUR)


def test_a_reopened_period_lets_its_scope_through_until_its_limit() -> None:
    scope = Scope(frozenset({"so-y-te"}), frozenset({"qa"}), frozenset({"qa/acceptance", "timeliness"}))
    life = reopen(CLOSED, "Lan", "khiếu nại", T0 + 2 * HOUR, scope, T0 + 5 * HOUR)
    during, over = T0 + 3 * HOUR, T0 + 5 * HOUR
    assert may_publish(life, "so-y-te", "qa", "acceptance", during)
    assert may_publish(life, "so-y-te", "qa", "timeliness", during)
    assert not may_publish(life, "so-y-te", "qa", "right-title", during)
    assert not may_publish(life, "so-y-te", "dossier", "timeliness", during)
    assert not may_publish(life, "so-noi-vu", "qa", "acceptance", during)
    assert not may_publish(life, "so-y-te", "qa", "acceptance", over)


@pytest.mark.parametrize("limit", [timedelta(0), -HOUR, MAX_REOPENED + HOUR])
def test_reopening_has_a_time_limit_ahead_and_not_too_far(limit: timedelta) -> None:
    with pytest.raises(RefusedError, match="time limit"):
        reopen(CLOSED, "Lan", "khiếu nại", T0 + HOUR, Scope(), T0 + HOUR + limit)


def test_a_scope_stays_while_the_period_closes_again() -> None:
    scope = Scope(agencies=frozenset({"so-y-te"}))
    life = reopen(CLOSED, "Lan", "khiếu nại", T0 + 2 * HOUR, scope, T0 + 50 * HOUR)
    life = propose_close(life, "Lan", "xong", T0 + 3 * HOUR, T0 + 10 * HOUR)
    assert may_publish(life, "so-y-te", "qa", "acceptance", T0 + 4 * HOUR)
    assert not may_publish(life, "so-noi-vu", "qa", "acceptance", T0 + 4 * HOUR)
    closed = confirm(life, "Minh", T0 + 10 * HOUR)
    assert (closed.state, closed.seals, closed.scope, closed.until) == ("closed", 2, Scope(), None)


def test_withdrawing_gives_back_what_was_before() -> None:
    back = withdraw(CLOSING, "Minh", "còn thiếu báo cáo", T0 + HOUR)
    assert (back.state, back.proposal, back.cut_off) == ("open", None, None)
    assert is_free(back, T0 + 2 * HOUR)
    reopened = reopen(CLOSED, "Lan", "khiếu nại", T0 + 2 * HOUR, Scope(), T0 + 9 * HOUR)
    again = propose_close(reopened, "Lan", "xong", T0 + 3 * HOUR, None)
    assert withdraw(again, "Lan", "chưa xong", T0 + 4 * HOUR).state == "reopened"
    asked = propose_acceptance(CLOSED, "Lan", "đúng", T0 + 2 * HOUR, [3, 1, 3])
    assert asked.proposal is not None
    assert asked.proposal.numbers == (1, 3)
    assert withdraw(asked, "Lan", "thôi", T0 + 3 * HOUR).state == "closed"


def test_accepting_takes_two_officers_and_gives_the_next_seal() -> None:
    asked = propose_acceptance(CLOSED, "Lan", "đúng", T0 + 2 * HOUR, [7])
    with pytest.raises(RefusedError, match="another officer"):
        confirm(asked, "Lan", T0 + 3 * HOUR)
    sealed = confirm(asked, "Minh", T0 + 3 * HOUR)
    assert (sealed.state, sealed.seals, sealed.cut_off) == ("closed", 2, CLOSED.cut_off)


def test_the_weeks_of_a_window_stop_with_the_score() -> None:
    early = T0 - timedelta(days=10)
    closing = propose_close(Life("2024-Q1", "open", early), "Lan", "chốt", early, None)
    assert counting_day(closing, T0) == local_day(early)
    assert counting_day(confirm(closing, "Minh", T0), T0 + timedelta(days=400)) == local_day(early)
    assert counting_day(OPEN, T0) == local_day(T0)


@given(
    st.frozensets(st.sampled_from(["so-y-te", "so-noi-vu"])),
    st.frozensets(st.sampled_from(["qa", "content"])),
    st.frozensets(st.sampled_from(["acceptance", "qa/acceptance"])),
)
def test_a_scope_and_a_proposal_survive_their_json(
    agencies: frozenset[str], modules: frozenset[str], criteria: frozenset[str]
) -> None:
    scope = Scope(agencies, modules, criteria)
    assert scope_of(scope.document()) == scope
    for life in (CLOSING, propose_acceptance(CLOSED, "Lan", "đúng", T0, [4])):
        assert life.proposal is not None
        assert proposal_of(life.proposal.document()) == life.proposal


OFFICERS = ("Lan", "Minh", "Hà")


class Lives(RuleBasedStateMachine):
    """Any steps in any order: what was closed moves by decisions only."""

    def __init__(self) -> None:
        super().__init__()
        self.life = OPEN
        self.now: datetime = T0

    @rule(hours=st.integers(0, 400))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(officer=st.sampled_from(OFFICERS), ahead=st.integers(-5, 300))
    def propose(self, officer: str, ahead: int) -> None:
        try:
            after = propose_close(self.life, officer, "hết quý", self.now, self.now + timedelta(hours=ahead))
        except RefusedError:
            return
        assert self.life.state in ("open", "reopened")
        self.life = after

    @rule(officer=st.sampled_from(OFFICERS))
    def confirm(self, officer: str) -> None:
        before = self.life
        try:
            self.life = confirm(before, officer, self.now)
        except RefusedError:
            return
        assert before.proposal is not None
        assert before.proposal.officer != officer
        assert before.proposal.cut_off is None or self.now >= before.proposal.cut_off
        assert self.life.seals == before.seals + 1
        assert self.life.state == "closed"

    @rule(officer=st.sampled_from(OFFICERS))
    def withdraw(self, officer: str) -> None:
        try:
            after = withdraw(self.life, officer, "thôi", self.now)
        except RefusedError:
            assert self.life.proposal is None
            return
        assert after.seals == self.life.seals
        self.life = after

    @rule(officer=st.sampled_from(OFFICERS), numbers=st.lists(st.integers(1, 9), max_size=3))
    def ask_to_accept(self, officer: str, numbers: list[int]) -> None:
        try:
            after = propose_acceptance(self.life, officer, "đúng", self.now, numbers)
        except RefusedError:
            return
        assert after.state == self.life.state == "closed"
        self.life = after

    @precondition(lambda self: self.life.state == "closed")
    @rule(officer=st.sampled_from(OFFICERS), hours=st.integers(1, 200), agency=st.booleans())
    def open_again(self, officer: str, hours: int, agency: bool) -> None:
        scope = Scope(agencies=frozenset({"so-y-te"}) if agency else frozenset())
        try:
            self.life = reopen(
                self.life, officer, "khiếu nại", self.now, scope, self.now + timedelta(hours=hours)
            )
        except RefusedError:
            assert self.life.proposal is not None

    @invariant()
    def what_is_closed_stands_still(self) -> None:
        if self.life.state == "closed":
            assert not may_publish(self.life, *ANY, self.now)
        if self.life.seals and may_publish(self.life, *ANY, self.now):
            assert self.life.until is not None
            assert self.now < self.life.until
            assert self.life.scope.covers(*ANY)

    @invariant()
    def a_sealed_period_is_never_open_again(self) -> None:
        assert (self.life.seals == 0) or self.life.state != "open"
        assert not (self.life.seals and is_free(self.life, self.now))

    @invariant()
    def only_what_waits_has_a_proposal(self) -> None:
        if self.life.state == "closing":
            assert self.life.proposal is not None
        if self.life.state in ("open", "reopened"):
            assert self.life.proposal is None


TestLives = Lives.TestCase
