"""The dossiers: the report's sums shared out over agencies, and one life for each."""

from dataclasses import dataclass

from deploy.replay.assumptions import Assumptions
from deploy.replay.drafts import Book, apportion
from deploy.replay.figures import Figures
from deploy.replay.lives import AFTER_LAST, Clerk, Fate
from deploy.replay.procedures import Catalogue
from deploy.replay.worktime import day, working_index
from shared.register import Register

FIRST, LAST = working_index(day("2024-01-02")), working_index(day("2024-03-22"))
FIRST_BEFORE, LAST_BEFORE = working_index(day("2023-01-03")), working_index(day("2023-03-22"))
FIRST_CARRIED, LAST_CARRIED = working_index(day("2023-11-13")), working_index(day("2023-12-28"))
CARRIED_DONE = 25
"""What was carried over is resolved within so many working days of the new year."""

LATE_CARRIED = 0.25
"""Share of an agency's late ones that it had carried over, as far as there are so many."""
PAUSED, EXTENDED = 0.022, 0.008
OPEN_OVERDUE, OPEN_PAUSED, NEVER_ENDED = 0.02, 0.03, 0.03
ONE_STOP_BEFORE, WITHDRAWN, REJECTED, NO_DUE, LATE_BEFORE = 0.25, 0.007, 0.006, 0.01, 0.035
"""Shares of the year before, which the report does not give."""
RECEIVED_AFTER = 1_500
PHANTOMS, PHANTOMS_FIRST = 60, 20
TURNED_AWAY = 90
"""Dossiers beside the figures: sent by mistake, some of them taken back before they arrive; refused at the
door."""


@dataclass(frozen=True, slots=True)
class Share:
    """One agency's part of the quarter."""

    received: int
    one_stop: int
    carried: int
    open: int
    late: int

    @property
    def resolved(self) -> int:
        return self.received + self.carried - self.open


def share_dossiers(assumed: Assumptions, figures: Figures, closed_before: set[str]) -> dict[str, Share]:
    """The quarter's sums per agency, exactly. Agencies in `closed_before` are too young to carry any over."""
    agencies = assumed.dossiers.agencies
    weights = {slug: share.weight for slug, share in agencies.items()}
    received = apportion(figures.count("dossier.received"), weights)
    carried = apportion(
        figures.count("dossier.carried_over"),
        {s: 0.0 if s in closed_before else w for s, w in weights.items()},
    )
    stay = sum(received.values()) + sum(carried.values()) - figures.count("dossier.resolved")
    still_open = apportion(stay, {slug: float(count) for slug, count in received.items()})
    one_stop = apportion(
        figures.count("dossier.received.one_stop"),
        {slug: count * (0.5 + index % 7 / 6) for index, (slug, count) in enumerate(received.items())},
    )
    resolved = {slug: received[slug] + carried[slug] - still_open[slug] for slug in agencies}
    late = _share_late(figures.count("dossier.resolved.late"), resolved, assumed)
    return {
        slug: Share(received[slug], one_stop[slug], carried[slug], still_open[slug], late[slug])
        for slug in agencies
    }


def _share_late(total: int, resolved: dict[str, int], assumed: Assumptions) -> dict[str, int]:
    """The agency with the lowest share exactly as stated, the others in proportion."""
    agencies = assumed.dossiers.agencies
    lowest = {slug: round(resolved[slug] * share.late) for slug, share in agencies.items() if share.lowest}
    others = {slug: resolved[slug] * share.late for slug, share in agencies.items() if not share.lowest}
    return lowest | apportion(total - sum(lowest.values()), others)


def write_dossiers(
    book: Book, register: Register, assumed: Assumptions, figures: Figures, catalogue: Catalogue
) -> None:
    """The year before, what was carried over, the quarter, and how it went on."""
    clerk = Clerk(book, register, catalogue)
    young = {slug for slug in assumed.dossiers.agencies if register.agencies[slug].opened.year == 2024}
    split = assumed.dossiers.split
    before: dict[str, float] = {}
    for slug, share in assumed.dossiers.agencies.items():
        owner = split if slug in young else slug
        before[owner] = before.get(owner, 0.0) + share.weight
    for slug, count in apportion(figures.before("dossier.received"), before).items():
        _year_before(clerk, slug, count)
    for slug, part in share_dossiers(assumed, figures, young).items():
        _carried(clerk, slug, part)
        _quarter(clerk, slug, part)
    weights = {slug: share.weight for slug, share in assumed.dossiers.agencies.items()}
    for slug, count in apportion(RECEIVED_AFTER, weights).items():
        _afterwards(clerk, slug, count)
    _beside(clerk, list(assumed.dossiers.agencies))


def _year_before(clerk: Clerk, slug: str, count: int) -> None:
    chance = clerk.random
    for _ in range(count):
        start = chance.randint(FIRST_BEFORE, LAST_BEFORE)
        one_stop = chance.random() < ONE_STOP_BEFORE
        roll = chance.random()
        if roll < WITHDRAWN:
            clerk.write(slug, start, one_stop, Fate("withdrawn", chance.randint(1, 6), 7))
        elif roll < WITHDRAWN + REJECTED:
            clerk.write(slug, start, one_stop, Fate("rejected", 1, 7))
        elif roll < WITHDRAWN + REJECTED + NO_DUE:
            clerk.write(slug, start, one_stop, Fate("resolved", chance.randint(1, 6), None))
        elif roll < WITHDRAWN + REJECTED + NO_DUE + LATE_BEFORE:
            clerk.late(slug, start, one_stop, 40)
        else:
            clerk.on_time(slug, start, one_stop, 40)


def _carried(clerk: Clerk, slug: str, part: Share) -> None:
    late = min(round(part.late * LATE_CARRIED), part.carried // 4)
    chance = clerk.random
    for index in range(part.carried):
        start = chance.randint(FIRST_CARRIED, LAST_CARRIED)
        done = chance.randint(FIRST, FIRST + CARRIED_DONE)
        took = done - start
        term = chance.randint(2, took - 1) if index < late else took + chance.randint(0, 5)
        clerk.write(slug, start, chance.random() < ONE_STOP_BEFORE, Fate("resolved", took, term))


def _quarter(clerk: Clerk, slug: str, part: Share) -> None:
    chance = clerk.random
    desks = [True] * part.one_stop + [False] * (part.received - part.one_stop)
    chance.shuffle(desks)
    late = part.late - min(round(part.late * LATE_CARRIED), part.carried // 4)
    done = part.received - part.open
    for index in range(done):
        one_stop = desks[index]
        if index < late:
            clerk.late(slug, chance.randint(FIRST, LAST - 12), one_stop, 12)
            continue
        roll = chance.random()
        if roll < PAUSED:
            clerk.paused(slug, chance.randint(FIRST, LAST - 12), one_stop)
        elif roll < PAUSED + EXTENDED:
            clerk.extended(slug, chance.randint(FIRST, LAST - 15), one_stop)
        else:
            start = chance.randint(FIRST, LAST)
            clerk.on_time(slug, start, one_stop, LAST - start)
    for index in range(done, part.received):
        _left_open(clerk, slug, desks[index])


def _left_open(clerk: Clerk, slug: str, one_stop: bool) -> None:
    """Open on the evening of 22 March; most are resolved in the weeks after."""
    chance = clerk.random
    roll = chance.random()
    if roll < OPEN_OVERDUE:
        start = chance.randint(LAST - 20, LAST - 10)
        clerk.write(slug, start, one_stop, Fate("resolved", LAST + chance.randint(1, 8) - start, 5))
        return
    if roll < OPEN_OVERDUE + OPEN_PAUSED:
        clerk.waiting(slug, chance.randint(LAST - 6, LAST - 2), one_stop, LAST)
        return
    start = chance.randint(LAST - 12, LAST)
    term = LAST - start + chance.randint(1, 9)
    if roll > 1 - NEVER_ENDED:
        no_due = roll > 1 - NEVER_ENDED / 3
        clerk.write(slug, start, one_stop, Fate("open", 0, None if no_due else term))
        return
    took = LAST - start + chance.randint(1, 10)
    word = "withdrawn" if roll < OPEN_OVERDUE + OPEN_PAUSED + WITHDRAWN else "resolved"
    clerk.write(slug, start, one_stop, Fate(word, took, term))


def _afterwards(clerk: Clerk, slug: str, count: int) -> None:
    chance = clerk.random
    for _ in range(count):
        start = chance.randint(LAST + 1, LAST + 5)
        clerk.on_time(slug, start, chance.random() < 0.1, AFTER_LAST - start)


def _beside(clerk: Clerk, slugs: list[str]) -> None:
    """Dossiers that are none: sent by mistake and taken back, or turned away at the door."""
    for index in range(PHANTOMS):
        start = clerk.random.randint(FIRST, LAST - 5)
        clerk.phantom(clerk.random.choice(slugs), start, first=index < PHANTOMS_FIRST)
    for _ in range(TURNED_AWAY):
        clerk.turned_away(clerk.random.choice(slugs), clerk.random.randint(FIRST, LAST))
