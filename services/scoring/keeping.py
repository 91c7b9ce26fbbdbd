"""Between counting and publishing: what a period that is not open lets through, and what goes on its list.

The scorer hands over what the counts give; back comes what may be published. The difference, with the facts
that caused it, is an adjustment: it changes nothing until an officer decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import msgspec

from services.scoring import period_store
from services.scoring.late import fate_of, settle
from services.scoring.period_life import Life, counting_day, is_free
from services.scoring.period_store import Arrival
from services.scoring.publish import SOURCE, canonical
from services.scoring.score import Document
from shared.calendar.local import local_day
from shared.runtime.postgres import Connection


def day_of(life: Life | None, now: datetime) -> date:
    """The local day that ends the elapsed part of a period's window."""
    return local_day(now) if life is None else counting_day(life, now)


class Allowed(NamedTuple):
    """What may be published, by agency; and for scores that move, the facts that had been held back."""

    contents: dict[str, str]
    causes: dict[str, list[str]]


async def let_through(
    connection: Connection,
    life: Life | None,
    published: Mapping[str, str],
    would: Mapping[str, str],
    causes: Mapping[str, Sequence[str]],
    now: datetime,
) -> Allowed:
    """What may be published of `would`, by agency (canonical contents on both sides).

    Agencies of which nothing may be published are left out. Writes the list of adjustments; the caller
    holds the turn, and its transaction commits both.
    """
    if life is None or is_free(life, now):
        return Allowed(dict(would), {})
    known = await period_store.counted(connection, life.period)
    contents: dict[str, str] = {}
    arrivals: list[Arrival] = []
    for agency, content in would.items():
        old = published.get(agency)
        settled = _settled(life, old, content, now)
        if settled is not None:
            contents[agency] = settled
        before = known[agency][1] if agency in known else old
        reasons = list(dict.fromkeys(causes.get(agency, ())))
        if before != content or any(not cause.startswith(SOURCE + " ") for cause in reasons):
            fate = fate_of(life, _read(before), msgspec.json.decode(content), _read(settled), now)
            arrivals.append(Arrival(agency, reasons, fate, before, content))
    await period_store.note_counted(connection, life.period, counting_day(life, now), would)
    moving = [name for name, content in contents.items() if content != published.get(name)]
    held = await period_store.held_causes(connection, life.period, moving)
    whole = [name for name in moving if contents[name] == would[name]]
    await period_store.count_pending(connection, life.period, whole)
    await period_store.add_arrivals(connection, life.period, now, arrivals)
    return Allowed(contents, held)


def _settled(life: Life, old: str | None, content: str, now: datetime) -> str | None:
    settled = settle(life, _read(old), msgspec.json.decode(content), now)
    return None if settled is None else canonical(settled)


def _read(content: str | None) -> Document | None:
    return msgspec.json.decode(content) if content is not None else None


async def take_in_again(connection: Connection, period: str) -> None:
    """A period is open as if no cut-off had ever been proposed: its list is counted, and begins anew."""
    await connection.execute(
        "UPDATE adjustment SET state = 'counted' WHERE period = $1 AND state = 'pending'", period
    )
    await connection.execute(
        """UPDATE period_state SET listed_from = coalesce((SELECT max(number) FROM adjustment), 0)
           WHERE period = $1""",
        period,
    )
    await connection.execute("DELETE FROM counted_score WHERE period = $1", period)


async def make_dirty(connection: Connection, quarter: int, agencies: Iterable[int], reason: str) -> None:
    """Have scores worked out again although no fact asks for it."""
    await connection.execute(
        """INSERT INTO dirty (agency, quarter, onward, causes)
           SELECT number, $2, false, $3 FROM unnest($1::smallint[]) AS n (number)""",
        list(agencies), quarter, [f"{SOURCE} {reason}"],
    )  # fmt: skip
