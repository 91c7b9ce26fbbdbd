"""Agencies that ended: what is said about them after their last day counts for their heir. Pure.

The day a thing counts on (its cohort) decides: an article published, a question received, a dossier resolved
after the last day counts for the heir; what lies before stays with the old agency, also when it is corrected
or answered later. A dossier that is open over the last day is passed on, so that nobody's stock is one short.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from services.scoring import flows
from shared.calendar.local import day_number
from shared.register.register import Register

Mark = tuple[str, str, int, int, int]
"""Agency, flow, cohort day, effective day, amount."""


class _Stock(NamedTuple):
    """What begins a stock and what ends it, and the flows that say so at the handing over."""

    begins: tuple[str, ...]
    ends: tuple[str, ...]
    taken: str
    given: str


_STOCKS: Final = (
    _Stock(flows.DOSSIER_BEGINS, flows.DOSSIER_ENDS, flows.TAKEN_OVER, flows.PASSED_ON),
    _Stock(
        ("dossier.overdue.begun",),
        ("dossier.overdue.ended",),
        "dossier.overdue.begun",
        "dossier.overdue.ended",
    ),
)


class Ending(NamedTuple):
    """The last day of an agency, and who takes over."""

    last: int
    heir: str


Endings = Mapping[str, Ending]
NO_ENDINGS: Final[Endings] = MappingProxyType({})


def endings_of(register: Register) -> dict[str, Ending]:
    """The agencies that ended and have an heir, the earliest first: an heir comes after whom it follows.

    The others' later facts stay in their own book.
    """
    found = {
        one.slug: Ending(day_number(one.closed), one.heir)
        for one in register.agencies.values()
        if one.closed is not None and one.heir is not None
    }
    return dict(sorted(found.items(), key=lambda item: item[1].last))


def passed_on(marks: list[Mark], endings: Endings) -> list[Mark]:
    """The marks of one entity, each for whoever answers for it on its cohort day."""
    if not endings or not any(mark[0] in endings for mark in marks):
        return marks
    for slug, ending in endings.items():
        if any(mark[0] == slug for mark in marks):
            marks = _handed_over(marks, slug, ending)
    return _summed(marks)


def _handed_over(marks: Iterable[Mark], slug: str, ending: Ending) -> list[Mark]:
    """What lies after the last day is the heir's, and so is what stands open over it."""
    found: list[Mark] = []
    open_: dict[_Stock, int] = {}
    for mark in marks:
        agency, flow, cohort, effective, amount = mark
        if agency == slug and cohort > ending.last:
            found.append((ending.heir, flow, cohort, effective, amount))
            continue
        found.append(mark)
        if agency == slug:
            for stock in _STOCKS:
                sign = (flow in stock.begins) - (flow in stock.ends)
                open_[stock] = open_.get(stock, 0) + sign * amount
    day = ending.last + 1
    for stock, amount in open_.items():
        if amount:
            found.append((slug, stock.given, day, day, amount))
            found.append((ending.heir, stock.taken, day, day, amount))
    return found


def _summed(marks: Iterable[Mark]) -> list[Mark]:
    """One mark for each place: a question passed between two agencies may end at one and the same."""
    sums: dict[tuple[str, str, int, int], int] = {}
    for agency, flow, cohort, effective, amount in marks:
        place = (agency, flow, cohort, effective)
        sums[place] = sums.get(place, 0) + amount
    return [(*place, amount) for place, amount in sums.items() if amount]
