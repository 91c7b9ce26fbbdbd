"""Holds what the services say against the independent count: every indicator, agency by agency."""

from collections.abc import Mapping
from typing import NamedTuple

Counts = Mapping[str, Mapping[str, int]]

KNOWN_ONLY_THERE = frozenset({"window.weeks", "window.days"})
"""What a service may tell beside the indicators."""


class Difference(NamedTuple):
    agency: str
    indicator: str
    expected: int
    found: int


def differences(expected: Counts, found: Counts) -> list[Difference]:
    """Every indicator on which both do not agree; what is absent counts as zero."""
    nothing: Mapping[str, int] = {}
    return [
        Difference(agency, name, mine.get(name, 0), theirs.get(name, 0))
        for agency in sorted(expected.keys() | found.keys())
        for mine, theirs in [(expected.get(agency, nothing), found.get(agency, nothing))]
        for name in sorted((mine.keys() | theirs.keys()) - KNOWN_ONLY_THERE)
        if mine.get(name, 0) != theirs.get(name, 0)
    ]
