"""Which titles are nearly the same: the share of three-letter pieces that two titles have in common.

The measure is the Jaccard index of the sets of trigrams, the same idea as PostgreSQL's pg_trgm. It is exact
and needs no library; a prefix filter keeps it from comparing every pair.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from math import ceil

MAX_TITLES = 20_000
"""Titles of one agency that are compared; more are cut off, the last ones first."""


def trigrams(title: str) -> frozenset[str]:
    """The three-letter pieces of a title, whatever its case, its blanks and how its accents are encoded."""
    plain = " ".join(unicodedata.normalize("NFC", title).casefold().split())
    padded = f"  {plain} "
    return frozenset(padded[place : place + 3] for place in range(len(padded) - 2))


def similarity(one: str, other: str) -> Fraction:
    """1 for titles with the same pieces, 0 for titles with none in common."""
    return _share(trigrams(one), trigrams(other))


def _share(one: frozenset[str], other: frozenset[str]) -> Fraction:
    common = len(one & other)
    return Fraction(common, len(one) + len(other) - common)


def alike(titles: Sequence[str], least: Fraction) -> list[list[int]]:
    """Groups of two or more places whose titles hang together by pairs that are at least so similar.

    Sets that share that much share one of their rarest pieces: only those with one in common are compared.
    """
    pieces = [trigrams(title) for title in titles[:MAX_TITLES]]
    often = Counter(piece for one in pieces for piece in one)
    groups = list(range(len(pieces)))
    seen: dict[str, list[int]] = {}
    # Equal titles are one: a bulletin of a thousand issues is compared once.
    first: dict[frozenset[str], int] = {}
    for place, one in enumerate(pieces):
        if one in first:
            _join(groups, place, first[one])
            continue
        first[one] = place
        rarest = sorted(one, key=lambda piece: (often[piece], piece))
        prefix = rarest[: len(one) - ceil(least * len(one)) + 1]
        for other in {candidate for piece in prefix for candidate in seen.get(piece, ())}:
            if _share(one, pieces[other]) >= least:
                _join(groups, place, other)
        for piece in prefix:
            seen.setdefault(piece, []).append(place)
    return _collected(groups)


def _root(groups: list[int], place: int) -> int:
    while groups[place] != place:
        groups[place] = groups[groups[place]]
        place = groups[place]
    return place


def _join(groups: list[int], one: int, other: int) -> None:
    low, high = sorted((_root(groups, one), _root(groups, other)))
    groups[high] = low


def _collected(groups: list[int]) -> list[list[int]]:
    found: dict[int, list[int]] = {}
    for place in range(len(groups)):
        found.setdefault(_root(groups, place), []).append(place)
    return [group for group in found.values() if len(group) > 1]
