"""Overrides and hours of work: data files that answer a mistake with file, line and reason."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel

from shared.calendar.datafile import MAX_DEPTH, DataFileError, parse_data, read_data_file
from shared.calendar.overrides import HoursOfWork, read_hours, read_overrides
from shared.calendar.working import special_days


class Anything(BaseModel):
    values: list[object]


def write(folder: Path, text: str, name: str = "2030.yaml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


DAY = """\
  - date: {date}
    kind: {kind}
    {more}
    name: {{vi: Nghỉ, en: Free}}
    provenance: assumed
    legal_source: for this test
"""


TOO_MUCH = "\n".join(
    ["k0: &k0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    + [f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 10)}]" for n in range(1, 6)]
)
"""Six short lines that stand for a million values."""


def day(on: str, kind: str = '"off"', more: str = "") -> str:
    return DAY.format(date=on, kind=kind, more=more)


def complaints(folder: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(DataFileError) as caught:
        read_overrides(folder)
    return [(Path(problem.file).name, problem.line, problem.reason) for problem in caught.value.problems]


def test_the_files_that_ship_are_sound_and_name_their_sources() -> None:
    overrides = read_overrides()
    assert all(entry.legal_source for entry in overrides.values())
    assert overrides[date(2024, 5, 4)].swapped_with == date(2024, 4, 29)
    assert overrides[date(2024, 4, 29)].legal_source == "Công văn 2450/VPCP-KGVX, 12/4/2024"


def test_the_holiday_package_agrees_with_the_overrides_where_both_speak() -> None:
    """Written down twice on purpose: a new release of the package cannot move a deadline of these years."""
    package = special_days({})
    ours = read_overrides()
    differ = [day for day, entry in ours.items() if day not in package or package[day].kind != entry.kind]
    assert differ == [date(2026, 1, 2), date(2026, 1, 10)], "the swap that the package does not know"


def test_a_mistake_is_told_with_file_line_and_reason(tmp_path: Path) -> None:
    text = "year: 2030\ndays:\n" + day("2030-05-06") + day("2030-05-07", kind="holiday")
    [(file, line, reason)] = complaints(write(tmp_path, text))
    assert (file, line) == ("2030.yaml", 10)
    assert "'off' or 'worked'" in reason


def test_every_mistake_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "year: 2030\ndays:\n" + day("2031-05-06"))
    write(tmp_path, "year: 2031\ndays: []\n", "2031.yaml")
    write(tmp_path, "year: [2032\n", "2032.yaml")
    assert sorted((file, line) for file, line, _ in complaints(tmp_path)) == [
        ("2030.yaml", 3),
        ("2031.yaml", 2),
        ("2032.yaml", 2),
    ]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (day("2030-05-07", "worked", "swapped_with: 2030-05-04"), "only a Saturday or Sunday"),
        (day("2030-05-04", "worked"), "names the day off"),
        (day("2030-05-06", more="to: 2030-05-05"), "must be later"),
        (day("2030-05-06", more="to: 2030-06-20"), "at most 14 days"),
        (day("2030-05-06", more="to: 2030-05-08") + day("2030-05-07"), "twice"),
        (day("2030-05-06", more="swapped_with: 2030-05-04"), "does not say so too"),
        (day("2030-05-06", more="colour: red"), "Extra inputs"),
        (day("2030-02-30"), "day is out of range"),
        (day("2030-05-06", more="date: 2030-05-07"), "stands here twice"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, entry: str, reason: str) -> None:
    found = complaints(write(tmp_path, "year: 2030\ndays:\n" + entry))
    assert reason in found[0][2]
    assert found[0][1] > 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file is empty"),
        ("year: 2030\ndays:\n  - &a [*a]\n", "nested deeper"),
        (TOO_MUCH, "more than"),
        ("year: !!python/object/apply:os.getcwd []\n", "only plain lists"),
        ("- \x01\n", "not YAML"),
    ],
)
def test_a_file_that_is_a_trap_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DataFileError, match=reason):
        parse_data(text, "trap.yaml", Anything)


def test_depth_is_allowed_up_to_its_limit() -> None:
    depth = MAX_DEPTH - 2
    value, _ = parse_data("values: " + "[" * depth + "]" * depth, "deep.yaml", Anything)
    assert len(value.values) == 1


def test_a_missing_or_foreign_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="cannot be read"):
        read_data_file(tmp_path / "none.yaml", Anything)
    (tmp_path / "latin.yaml").write_bytes("name: \xe9".encode("latin-1"))
    with pytest.raises(DataFileError, match="is not UTF-8"):
        read_data_file(tmp_path / "latin.yaml", Anything)
    (tmp_path / "big.yaml").write_bytes(b"#" * 1_048_577)
    with pytest.raises(DataFileError, match="larger than"):
        read_data_file(tmp_path / "big.yaml", Anything)


def test_the_hours_that_ship_make_eight_hours_and_are_marked_assumed() -> None:
    hours = read_hours()
    assert [(str(i.opens), str(i.closes)) for i in hours.intervals] == [
        ("08:00:00", "12:00:00"),
        ("13:00:00", "17:00:00"),
    ]
    assert hours.provenance == "assumed"


@pytest.mark.parametrize(
    ("intervals", "reason"),
    [
        ('[{from: "08:00", to: "07:00"}]', "must end"),
        ('[{from: "08:00", to: "12:00"}, {from: "11:00", to: "17:00"}]', "before the one before it"),
        ("[{from: 08:00, to: 12:00}]", "in quotes"),
        ("[]", "at least 1"),
    ],
)
def test_hours_that_cannot_be_are_refused(intervals: str, reason: str) -> None:
    text = f"provenance: assumed\nlegal_source: for this test\nintervals: {intervals}\n"
    with pytest.raises(DataFileError, match=reason):
        parse_data(text, "hours.yaml", HoursOfWork)
