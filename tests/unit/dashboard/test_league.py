"""The league table: ranks within a group, by the part of the points that could be reached."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.report import league


def score(points: float, maximum: float = 55, *, complete: bool = True, **modules: float) -> dict[str, Any]:
    found = modules or {"content": points}
    return {
        "total": {"points": points, "max": maximum},
        "modules": {
            name: {"points": value, "max": maximum, "base_max": maximum - 5} for name, value in found.items()
        },
        "complete": complete,
        "revision": 3,
    }


def agency(name: str, group: str = "departments") -> dict[str, Any]:
    return {"agency": name, "name": name.upper(), "name_en": None, "group": group, "parent": None}


def test_the_higher_share_stands_first_whatever_the_bare_points() -> None:
    table = league.rows([agency("a"), agency("b")], {"a": score(60, 100), "b": score(50, 73)}, {})
    assert [(row["agency"], row["rank"]) for row in table] == [("b", 1), ("a", 2)]


def test_equal_shares_share_a_rank_and_the_next_is_skipped() -> None:
    scores = {"a": score(55), "b": score(55), "c": score(50)}
    table = league.rows([agency(name) for name in scores], scores, {})
    assert [row["rank"] for row in table] == [1, 1, 3]


def test_every_group_is_ranked_for_itself() -> None:
    scores = {"a": score(40), "b": score(55), "c": score(30)}
    table = league.rows([agency("a"), agency("b", "party"), agency("c", "party")], scores, {})
    assert {row["agency"]: row["rank"] for row in table} == {"a": 1, "b": 1, "c": 2}


def test_an_agency_without_modules_or_score_has_no_row() -> None:
    unscored = {**score(0), "modules": {}}
    assert league.rows([agency("a"), agency("b")], {"a": unscored}, {}) == []


def test_the_change_is_told_only_where_the_maximum_is_the_same() -> None:
    now = {"a": score(50), "b": score(50), "c": score(50)}
    before = {"a": score(47.5), "b": score(47.5, 73)}
    deltas = {row["agency"]: row["delta"] for row in league.rows(map(agency, now), now, before)}
    assert deltas == {"a": 2.5, "b": None, "c": None}


def test_an_incomplete_score_is_ranked_and_flagged() -> None:
    (row,) = league.rows([agency("a")], {"a": score(10, complete=False)}, {})
    assert row["rank"] == 1
    assert row["complete"] is False


def test_a_module_that_is_not_scored_has_no_points_rather_than_zero() -> None:
    (row,) = league.rows([agency("a")], {"a": score(10, content=10)}, {})
    assert row["content"] == 10
    assert row["qa"] is None


def test_bands_are_parts_of_the_base_maximum() -> None:
    found = [league.band(points, 50) for points in (55, 50, 49.99, 45, 37.5, 25, 0.25, 0)]
    assert found == ["full", "full", "high", "high", "good", "fair", "low", "zero"]


def test_the_distribution_counts_each_scored_module_once() -> None:
    scores = {"a": score(55, content=55, qa=50), "b": score(40, content=40)}
    found = league.distribution(league.rows(map(agency, scores), scores, {}))
    assert sum(found["content"].values()) == 2
    assert sum(found["qa"].values()) == 1
    assert sum(found["dossier"].values()) == 0


def test_only_rows_that_differ_are_told() -> None:
    scores = {"a": score(55), "b": score(50), "c": score(40)}
    old = {row["agency"]: row for row in league.rows(map(agency, scores), scores, {})}
    scores["b"] = score(51)
    del scores["c"]
    moved, gone = league.changed(old, league.rows(map(agency, scores), scores, {}))
    assert [row["agency"] for row in moved] == ["b"]
    assert gone == ["c"]


@given(st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), st.integers(0, 55), max_size=30))
def test_differences_lead_from_any_table_to_any_other(points: dict[str, int]) -> None:
    first = {name: score(value) for name, value in points.items()}
    second = {name: score((value * 7) % 56) for name, value in points.items() if value % 3}
    old = {row["agency"]: row for row in league.rows(map(agency, first), first, {})}
    new = league.rows(map(agency, second), second, {})
    moved, gone = league.changed(old, new)
    followed = {**old, **{row["agency"]: row for row in moved}}
    for name in gone:
        del followed[name]
    assert followed == {row["agency"]: row for row in new}


@given(st.lists(st.integers(0, 55), min_size=1, max_size=40))
def test_a_rank_is_one_more_than_the_number_of_better_ones(points: list[int]) -> None:
    scores = {f"a{n}": score(value) for n, value in enumerate(points)}
    for row in league.rows(map(agency, scores), scores, {}):
        assert row["rank"] == 1 + sum(value > row["total"] for value in points)
