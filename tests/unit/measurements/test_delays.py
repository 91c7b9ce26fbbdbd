"""How far a reader is behind, and the traffic that the readers are measured by."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bench.delays import behind, of_all
from bench.traffic import MODULES, fact, scored_agencies
from shared.contracts.facts import FACTS_OF_MODULE

CHANGES = {("so-y-te", 1): 10.0, ("so-y-te", 2): 11.0, ("so-tu-phap", 7): 10.5}


def test_a_reader_is_behind_until_the_revision_is_shown() -> None:
    found = behind(CHANGES, [(10.2, "so-y-te", 1), (11.5, "so-y-te", 2), (11.5, "so-tu-phap", 7)])
    assert sorted(found.seconds) == [10.2 - 10.0, 0.5, 1.0]
    assert found.missed == 0


def test_a_revision_that_was_passed_over_was_shown_with_the_next() -> None:
    assert sorted(behind(CHANGES, [(12.0, "so-y-te", 5)]).seconds) == [1.0, 2.0]


def test_what_was_never_shown_is_told() -> None:
    found = behind(CHANGES, [(12.0, "so-y-te", 1)])
    assert (len(found.seconds), found.missed) == (1, 2)
    assert of_all([found, behind(CHANGES, [])], 1.5) == {
        "readers": 2, "changes_shown": 1, "changes_missed": 5, "best_reader_worst_ms": 0.0,
        "readers_ever_over_1.5_s": 1,
    }  # fmt: skip


@given(
    st.dictionaries(st.tuples(st.sampled_from("abc"), st.integers(1, 30)), st.floats(0, 100), max_size=60),
    st.lists(st.tuples(st.floats(0, 200), st.sampled_from("abcd"), st.integers(0, 40)), max_size=60),
)
def test_every_change_is_shown_or_missed_and_none_twice(
    changes: dict[tuple[str, int], float], shown: list[tuple[float, str, int]]
) -> None:
    found = behind(changes, sorted(shown))
    assert len(found.seconds) + found.missed == len(changes)
    last = {agency: max((r for _, a, r in shown if a == agency), default=-1) for agency in "abc"}
    assert found.missed == sum(revision > last[agency] for agency, revision in changes)


def test_the_traffic_is_facts_of_the_contract_each_about_an_agency_that_is_scored_on_it() -> None:
    scored = scored_agencies()
    sent: Counter[tuple[str, str]] = Counter()
    for number in range(len(scored)):
        module, event = fact(number, scored)
        short = event["type"].removeprefix("vn.laocai.").removesuffix(".v1")
        FACTS_OF_MODULE[module][short].model_validate(event["data"])
        sent[module, event["data"]["agency"]] += 1
    assert sent == dict.fromkeys(scored, 1)
    assert {module for module, _ in scored} == set(MODULES)
