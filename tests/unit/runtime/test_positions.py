"""Where to begin reading, and how much is left."""

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from shared.runtime.positions import lag_of, starting_points

P = TopicPartition("dossier.inbox", 0)
OFFSETS = st.integers(0, 100)


@given(st.none() | OFFSETS, st.none() | OFFSETS, OFFSETS)
def test_reading_begins_where_nothing_can_be_missing(
    stored: int | None, committed: int | None, beginning: int
) -> None:
    start = starting_points([P], {} if stored is None else {P: stored}, {P: committed}, {P: beginning})[P]
    assert start >= beginning
    assert start <= max(beginning, min(stored or 0, committed or 0))


def test_a_bus_made_anew_is_read_from_its_beginning() -> None:
    assert starting_points([P], {P: 50}, {P: None}, {P: 0}) == {P: 0}


def test_a_restored_database_reads_again() -> None:
    assert starting_points([P], {P: 20}, {P: 50}, {P: 0}) == {P: 20}


@given(OFFSETS, OFFSETS)
def test_lag_is_never_negative(end: int, position: int) -> None:
    lag, beyond = lag_of({P: end}, {P: position})
    assert lag == max(0, end - position)
    assert bool(beyond) == (position > end)
