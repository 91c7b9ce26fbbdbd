"""Comparison: like with like, percent of the earlier value, peers that are peers."""

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.comparison import (
    FILE,
    among,
    band_of,
    change_of,
    median,
    per_portal,
    read_scales,
    spans_of,
    standings,
    thresholds,
)
from services.scoring.indicators import span_of, span_of_period
from shared.calendar.datafile import DataFileError
from shared.calendar.periods import Window, parse_period

Q1 = span_of_period(parse_period("2024-Q1"))


@pytest.mark.parametrize(
    ("before", "after", "change", "percent"),
    [
        # The report's party bloc: 363 fewer than 1,352 is 26.8%; its 36.7% divides by this year's 989.
        (1352, 989, -363, -26.8),
        # Its districts, which it has right.
        (1822, 2490, 668, 36.7),
        (0, 5, 5, None),
        (0, 0, 0, None),
        (8, 8, 0, 0.0),
        (None, 5, None, None),
        (5, None, None, None),
        (13.5, 14, 0.5, 3.7),
        (200, 201, 1, 0.5),
        (2000, 1999, -1, -0.1),
    ],
)
def test_a_change_in_number_and_in_percent_of_the_earlier_value(
    before: float | None, after: float | None, change: float | None, percent: float | None
) -> None:
    assert change_of(before, after) == {
        "before": before, "after": after, "change": change, "percent": percent,
    }  # fmt: skip


@given(before=st.integers(1, 10**6), after=st.integers(0, 10**6))
def test_the_percentage_leads_from_the_earlier_value_to_the_later_one(before: int, after: int) -> None:
    found = change_of(before, after)
    assert found["before"] + found["change"] == after
    assert abs(Fraction(str(found["percent"])) * before / 100 - found["change"]) <= Fraction(before, 2000)


def test_per_portal_only_where_their_number_changed() -> None:
    assert per_portal(400, 490, (196, 196)) is None
    found = per_portal(1820, 1960, (182, 196))
    assert found is not None
    assert (found["before"], found["after"], found["change"], found["percent"]) == (10, 10, 0, 0.0)
    assert per_portal(5, 5, (0, 2)) == {"before": None, "after": 2.5, "change": None, "percent": None}


@pytest.mark.parametrize(
    ("today", "windows"),
    [
        (date(2024, 3, 22), ("2024-01-01", "2024-03-22", "2023-01-01", "2023-03-22")),
        (date(2024, 2, 29), ("2024-01-01", "2024-02-29", "2023-01-01", "2023-02-28")),
        (date(2024, 1, 1), ("2024-01-01", "2024-01-01", "2023-01-01", "2023-01-01")),
        (date(2024, 3, 31), ("2024-01-01", "2024-03-31", "2023-01-01", "2023-03-31")),
        (date(2026, 11, 24), ("2024-01-01", "2024-03-31", "2023-01-01", "2023-03-31")),
    ],
)
def test_a_running_period_is_compared_with_the_same_part_of_the_year_before(
    today: date, windows: tuple[str, ...]
) -> None:
    now, then = spans_of(Q1, today)
    found = (now.window.first, now.window.last, then.window.first, then.window.last)
    assert tuple(day.isoformat() for day in found) == windows
    # Both are cut off alike, or neither is.
    assert (now.cut >= now.last + 1) == (then.cut >= then.last + 1)


def test_a_window_asked_for_stays_that_window() -> None:
    span = span_of(Window(date(2024, 1, 1), date(2024, 3, 22)))
    now, then = spans_of(span, date(2026, 11, 24))
    assert now == span
    assert then.window == Window(date(2023, 1, 1), date(2023, 3, 22))


volumes = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=4), st.integers(0, 50), min_size=1, max_size=30
)


@given(volumes, st.sampled_from(read_scales().on(date(2024, 1, 1))))
def test_bands_part_everybody_and_more_volume_is_never_a_lower_band(
    found: dict[str, int], scale: object
) -> None:
    cuts = [Fraction(1, 4), Fraction(1, 2), Fraction(3, 4)]
    limits = thresholds(found.values(), cuts)
    bands = {name: band_of(volume, limits) for name, volume in found.items()}
    for one, volume in found.items():
        assert (bands[one] == 0) == (volume == 0)
        for other, more in found.items():
            assert volume > more or bands[one] <= bands[other]
    active = [volume for volume in found.values() if volume]
    for cut, limit in zip(cuts, limits, strict=False):
        assert sum(volume <= limit for volume in active) >= cut * len(active)


def test_a_band_tells_its_words_its_bounds_and_who_is_in_it() -> None:
    scale = next(one for one in read_scales().on(date(2024, 1, 1)) if one.module == "dossier")
    found = {"a": 0, "b": 10, "c": 20, "d": 30, "e": 5000}
    band, members = scale.band("c", found)
    assert (band["number"], band["of"], band["above"], band["up_to"]) == (2, 4, 10, 20)
    assert (band["vi"], band["provenance"], members) == ("Dưới trung bình", "assumed", ["c"])
    band, members = scale.band("e", found)
    assert (band["number"], band["up_to"], members) == (4, None, ["e"])
    band, members = scale.band("a", found)
    assert (band["number"], band["en"], members) == (0, "No dossier", ["a"])


def test_the_place_among_peers_is_by_share_of_the_maximum() -> None:
    found = among("b", standings({"a": (50, 100), "b": (27.5, 55), "c": (40, 100), "d": (0, 0)}))
    assert (found["place"], found["of"], found["share"], found["median_share"]) == (1, 3, 50.0, 50.0)
    assert [row["agency"] for row in found["agencies"]] == ["a", "b", "c"]
    assert among("z", standings({"a": (1, 2)}))["place"] is None


@given(st.lists(st.fractions(0, 1), min_size=1, max_size=20))
def test_the_median_has_as_many_above_as_below(values: list[Fraction]) -> None:
    middle = median(values)
    assert sum(v < middle for v in values) <= len(values) / 2
    assert sum(v > middle for v in values) <= len(values) / 2


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("indicator: qa.received", "indicator: qa.recieved", "is not an indicator"),
        ('cuts: ["0.50"]', 'cuts: ["0.50", "0.25"]', "must rise"),
        ('cuts: ["0.50"]', 'cuts: ["0.50", "0.60"]', "make 3 bands, not 2"),
        ('cuts: ["0.50"]', "cuts: [0.5]", "in quotes"),
    ],
)
def test_a_wrong_scale_is_refused_with_file_line_and_reason(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "comparison.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataFileError, match=rf"comparison.yaml:\d+:.*{reason}"):
        read_scales(file)
