"""Holds what the services say against the independent count: every indicator, agency by agency."""

from collections.abc import Mapping
from typing import NamedTuple

Counts = Mapping[str, Mapping[str, int]]

COUNTED = frozenset(
    {
        *(
            f"content.{name}"
            for name in (
                "items",
                "articles",
                "datasets",
                "english",
                "spokesperson",
                "press_digest",
                "active_weeks",
                "visits",
                "board.established",
                "channel.opened",
                "report.received",
            )
        ),
        *(f"portal.{name}" for name in ("opened", "closed")),
        *(
            f"qa.{name}"
            for name in (
                "received",
                "eligible",
                "accepted",
                "answered",
                "answered_on_time",
                "answered_late",
                "answered_without_fault",
                "wrong_title",
                "waiting",
                "overdue",
                "deleted",
            )
        ),
        *(
            f"dossier.{name}"
            for name in (
                "received",
                "received.online",
                "received.one_stop",
                "resolved",
                "resolved.on_time",
                "resolved.late",
                "resolved.no_due",
                "withdrawn",
                "rejected",
                "rejected.received",
                "carried_over",
                "in_progress",
                "overdue",
            )
        ),
        *(f"procedure.{name}" for name in ("published", "abolished", "decisions")),
    }
)
FAMILIES = ("content.category.", "content.social.", "content.reach.", "content.followers.")
"""What the independent count counts: the contract's indicators and ours. A service may tell more."""


class Difference(NamedTuple):
    agency: str
    indicator: str
    expected: int
    found: int


def differences(expected: Counts, found: Counts) -> list[Difference]:
    """Every indicator on which both do not agree; what is absent counts as zero.

    Only indicators that the independent count knows are compared.
    """
    nothing: Mapping[str, int] = {}
    return [
        Difference(agency, name, mine.get(name, 0), theirs.get(name, 0))
        for agency in sorted(expected.keys() | found.keys())
        for mine, theirs in [(expected.get(agency, nothing), found.get(agency, nothing))]
        for name in sorted(mine.keys() | theirs.keys())
        if name in COUNTED or name.startswith(FAMILIES)
        if mine.get(name, 0) != theirs.get(name, 0)
    ]
