"""Rates: over time nobody gets more than the rate, and nobody waits for ever."""

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.access.rate import RateLimits

RATE, BURST = 100.0, 3.0
MOST = 1_000
REQUESTS = st.lists(st.tuples(st.floats(0, 5), st.integers(1, MOST)), max_size=60)


@given(REQUESTS)
def test_over_any_time_a_publisher_gets_its_rate_and_the_burst(requests: list[tuple[float, int]]) -> None:
    limits = RateLimits(RATE, BURST)
    now, taken = 0.0, 0
    for pause, events in requests:
        now += pause
        if limits.wait_seconds("cong", events, None, now) == 0:
            taken += events
        assert taken <= RATE * (now + BURST) + MOST


@given(REQUESTS, st.integers(1, MOST))
def test_who_waits_as_told_is_taken(requests: list[tuple[float, int]], events: int) -> None:
    limits = RateLimits(RATE, BURST)
    now = 0.0
    for pause, count in requests:
        now += pause
        limits.wait_seconds("cong", count, None, now)
    wait = limits.wait_seconds("cong", events, None, now)
    assert wait == 0 or limits.wait_seconds("cong", events, None, now + wait + 1e-6) == 0


def test_one_publisher_s_flood_costs_another_nothing() -> None:
    limits = RateLimits(RATE, BURST)
    while limits.wait_seconds("loud", MOST, None, 0.0) == 0:
        pass
    assert limits.wait_seconds("quiet", 1, None, 0.0) == 0


def test_a_rate_of_its_own_takes_the_place_of_the_default() -> None:
    limits = RateLimits(RATE, BURST)
    assert limits.wait_seconds("slow", 50, 1, 0.0) == 0
    assert limits.wait_seconds("slow", 1, 1, 0.0) == 47.0


def test_what_is_owed_by_nobody_is_forgotten() -> None:
    limits = RateLimits(RATE, BURST)
    for number in range(30_000):
        limits.wait_seconds(f"p{number}", 1, None, number * 1.0)
    assert len(limits._paid_until) <= 10_001
