"""Periods, their seals, steps and adjustments in the database. Callers hold the turn where they write."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec

from services.scoring.late import Fate
from services.scoring.period_life import Life, Scope, proposal_of, scope_of
from services.scoring.publish import canonical, period_record
from services.scoring.score import Document
from shared.calendar.local import iso
from shared.calendar.periods import parse_period
from shared.runtime import outbox
from shared.runtime.postgres import Connection, Record

_COLUMNS = """
    period, state, at, cut_off, sha256, officer, reason, seals, proposal, scope, until, confirmed_by
"""


def life_of(row: Mapping[str, Any]) -> Life:
    """A stored period."""
    return Life(
        row["period"],
        row["state"],
        row["at"],
        row["seals"],
        row["cut_off"],
        proposal_of(msgspec.json.decode(row["proposal"])) if row["proposal"] else None,
        scope_of(msgspec.json.decode(row["scope"])) if row["scope"] else Scope(),
        row["until"],
        row["officer"],
        row["confirmed_by"],
        row["reason"],
    )


async def lives(connection: Connection) -> dict[str, Life]:
    """Every period that has scores."""
    rows = await connection.fetch(f"SELECT {_COLUMNS} FROM period_state")
    return {row["period"]: life_of(row) for row in rows}


async def one_life(connection: Connection, period: str) -> Life | None:
    """One period; None when it has no scores."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM period_state WHERE period = $1", period)
    return life_of(row) if row else None


async def save(connection: Connection, life: Life) -> None:
    """Store where a period stands. Its hash is that of its newest seal."""
    await connection.execute(
        """UPDATE period_state
           SET state = $2, at = $3, seals = $4, cut_off = $5, proposal = $6, scope = $7, until = $8,
               officer = $9, confirmed_by = $10, reason = $11,
               sha256 = (SELECT sha256 FROM seal WHERE seal.period = $1 AND seal.number = $4)
           WHERE period = $1""",
        life.period,
        life.state,
        life.at,
        life.seals,
        life.cut_off,
        canonical(life.proposal.document()) if life.proposal else None,
        canonical(life.scope.document()) if life.state == "reopened" or life.until else None,
        life.until,
        life.officer,
        life.confirmed_by,
        life.reason,
    )


async def note_step(connection: Connection, life: Life, action: str, officer: str, detail: Document) -> None:
    """Keep a step for ever."""
    await connection.execute(
        """INSERT INTO period_step (period, at, action, officer, reason, detail)
           VALUES ($1, $2, $3, $4, $5, $6)""",
        life.period, life.at, action, officer, life.reason or "", canonical(detail),
    )  # fmt: skip


# ------------------------------------------------------------------------------------- documents


def on_the_topic(row: Mapping[str, Any]) -> Document:
    """A period as it stands on the topic `periods`: what is not known is left out."""
    life = life_of(row)
    told: Document = {
        "period": life.period,
        "state": life.state,
        "at": iso(life.at),
        "cut_off": iso(life.cut_off) if life.cut_off else None,
        "seal": life.seals or None,
        "sha256": row["sha256"],
        "officer": life.officer,
        "confirmed_by": life.confirmed_by,
        "reason": life.reason,
        "proposal": life.proposal.document() if life.proposal else None,
        "scope": life.scope.document() if life.until else None,
        "until": iso(life.until) if life.until else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def shown(row: Mapping[str, Any]) -> Document:
    """A period as the API shows it: every key, with its days."""
    period = parse_period(row["period"])
    empty = dict.fromkeys(
        ("cut_off", "seal", "sha256", "officer", "confirmed_by", "reason", "proposal", "scope", "until")
    )
    days = {"from": period.first.isoformat(), "to": period.last.isoformat()}
    return {**days, **empty, **on_the_topic(row)}


async def period_rows(connection: Connection) -> list[Record]:
    """Every period, newest first."""
    found: list[Record] = await connection.fetch(f"SELECT {_COLUMNS} FROM period_state ORDER BY period DESC")
    return found


async def period_document(connection: Connection, period: str) -> Document | None:
    """A period as it stands on the topic; None when it has no scores."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM period_state WHERE period = $1", period)
    return on_the_topic(row) if row else None


async def announce(connection: Connection, period: str, partitions: int) -> Document:
    """Put the period as it stands into the outbox."""
    document = await period_document(connection, period)
    assert document is not None
    await outbox.add(connection, [period_record(document, partitions)])
    return document


# ----------------------------------------------------------------------------------------- seals


async def add_seal(
    connection: Connection,
    life: Life,
    accepted: Sequence[int],
    texts: tuple[str, str],
    hashes: tuple[str, str],
) -> None:
    """Keep a seal: `texts` are document and inputs, `hashes` theirs."""
    await connection.execute(
        """INSERT INTO seal (period, number, at, cut_off, proposed_by, confirmed_by, reason, accepted,
                             document, inputs, sha256, inputs_sha256, listed_from)
           SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, listed_from
           FROM period_state WHERE period = $1""",
        life.period, life.seals, life.at, life.cut_off, life.officer, life.confirmed_by, life.reason or "",
        list(accepted), *texts, *hashes,
    )  # fmt: skip


async def seal(connection: Connection, period: str, number: int | None) -> Record | None:
    """A seal by its number, or the newest."""
    found: Record | None = await connection.fetchrow(
        """SELECT * FROM seal WHERE period = $1 AND ($2::int IS NULL OR number = $2)
           ORDER BY number DESC LIMIT 1""",
        period, number,
    )  # fmt: skip
    return found


async def seals(connection: Connection, period: str) -> list[Document]:
    """Every seal of a period without its texts, oldest first."""
    rows = await connection.fetch("SELECT * FROM seal WHERE period = $1 ORDER BY number", period)
    return [seal_shown(row) for row in rows]


def seal_shown(row: Mapping[str, Any]) -> Document:
    """A seal without its texts."""
    return {
        "period": row["period"],
        "seal": row["number"],
        "at": iso(row["at"]),
        "cut_off": iso(row["cut_off"]),
        "proposed_by": row["proposed_by"],
        "confirmed_by": row["confirmed_by"],
        "reason": row["reason"],
        "accepted": list(row["accepted"]),
        "sha256": row["sha256"],
        "inputs_sha256": row["inputs_sha256"],
    }


# ----------------------------------------------------------------------------------- adjustments


class Arrival(NamedTuple):
    """One row of the list of adjustments."""

    agency: str
    causes: list[str]
    state: Fate
    before: str | None
    after: str


async def add_arrivals(
    connection: Connection, period: str, at: datetime, arrivals: Sequence[Arrival]
) -> None:
    """Put arrivals on the list."""
    await connection.executemany(
        """INSERT INTO adjustment (period, agency, at, causes, state, before, after)
           VALUES ($1, $2, $3, $4, $5, $6, $7)""",
        [(period, a.agency, at, a.causes, a.state, a.before, a.after) for a in arrivals],
    )


async def counted(connection: Connection, period: str) -> dict[str, tuple[date, str]]:
    """What the counts gave when they were last looked at, for each agency of a period that is not open."""
    rows = await connection.fetch("SELECT agency, day, content FROM counted_score WHERE period = $1", period)
    return {row["agency"]: (row["day"], row["content"]) for row in rows}


async def note_counted(connection: Connection, period: str, day: date, contents: Mapping[str, str]) -> None:
    """Keep what the counts give now."""
    await connection.executemany(
        """INSERT INTO counted_score (period, agency, day, content) VALUES ($1, $2, $3, $4)
           ON CONFLICT (period, agency) DO UPDATE SET day = excluded.day, content = excluded.content""",
        [(period, agency, day, content) for agency, content in contents.items()],
    )


async def held_causes(connection: Connection, period: str, agencies: Sequence[str]) -> dict[str, list[str]]:
    """The facts behind what is held back of these agencies' scores."""
    if not agencies:
        return {}
    rows = await connection.fetch(
        """SELECT agency, causes FROM adjustment
           WHERE period = $1 AND agency = ANY ($2) AND state IN ('pending', 'refused')
             AND number > (SELECT listed_from FROM period_state WHERE period = $1)
           ORDER BY number""",
        period, list(agencies),
    )  # fmt: skip
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["agency"], []).extend(row["causes"])
    return found


async def count_pending(connection: Connection, period: str, agencies: Sequence[str]) -> None:
    """What these agencies' scores held back is published now."""
    if agencies:
        await connection.execute(
            """UPDATE adjustment SET state = 'counted'
               WHERE period = $1 AND agency = ANY ($2) AND state = 'pending'""",
            period, list(agencies),
        )  # fmt: skip


_ADJUSTMENT = "number, agency, at, causes, state, before, after, decided_at, officer, reason"


async def chosen(connection: Connection, period: str, numbers: Sequence[int]) -> list[Record]:
    """These adjustments, in order, as far as the period has them."""
    found: list[Record] = await connection.fetch(
        f"SELECT {_ADJUSTMENT} FROM adjustment WHERE period = $1 AND number = ANY ($2) ORDER BY number",
        period, list(numbers),
    )  # fmt: skip
    return found


async def pending_numbers(connection: Connection, period: str) -> list[int]:
    """Every adjustment that nobody has decided about."""
    rows = await connection.fetch(
        "SELECT number FROM adjustment WHERE period = $1 AND state = 'pending' ORDER BY number", period
    )
    return [row["number"] for row in rows]


async def decide(connection: Connection, period: str, numbers: Sequence[int], fate: Fate, life: Life) -> None:
    """Write down what an officer decided about adjustments."""
    await connection.execute(
        """UPDATE adjustment SET state = $3, decided_at = $4, officer = $5, reason = $6
           WHERE period = $1 AND number = ANY ($2)""",
        period, list(numbers), fate, life.at, life.officer, life.reason,
    )  # fmt: skip


async def page(
    connection: Connection, period: str, state: str | None, agency: str | None, after: int, limit: int
) -> list[Record]:
    """A page of the list, oldest first."""
    found: list[Record] = await connection.fetch(
        f"""SELECT {_ADJUSTMENT} FROM adjustment
            WHERE period = $1 AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR agency = $3)
              AND number > $4
            ORDER BY number LIMIT $5""",
        period, state, agency, after, limit,
    )  # fmt: skip
    return found


async def reached(connection: Connection, period: str, numbers: Sequence[int]) -> dict[str, tuple[int, str]]:
    """For each agency of these adjustments: the last one that then counts, and the score it left."""
    rows = await connection.fetch(
        """SELECT DISTINCT ON (agency) agency, number, after FROM adjustment AS a
           WHERE period = $1 AND after IS NOT NULL
             AND number > (SELECT listed_from FROM period_state WHERE period = $1)
             AND (number = ANY ($2) OR state IN ('counted', 'accepted'))
             AND agency IN (SELECT agency FROM adjustment WHERE period = $1 AND number = ANY ($2))
           ORDER BY agency, number DESC""",
        period, list(numbers),
    )  # fmt: skip
    return {row["agency"]: (row["number"], row["after"]) for row in rows}


async def not_counted_up_to(connection: Connection, period: str, last: Mapping[str, int]) -> list[Record]:
    """The adjustments of each agency up to a number that do not count yet, in order."""
    found: list[Record] = await connection.fetch(
        """SELECT a.number, a.agency, a.causes
           FROM adjustment a JOIN unnest($2::text[], $3::bigint[]) AS n (agency, number)
                ON a.agency = n.agency AND a.number <= n.number
           WHERE a.period = $1 AND a.state IN ('pending', 'refused')
             AND a.number > (SELECT listed_from FROM period_state WHERE period = $1)
           ORDER BY a.number""",
        period, list(last), list(last.values()),
    )  # fmt: skip
    return found


async def chain(connection: Connection, period: str) -> list[Record]:
    """Every arrival since the period stood still for the first time, in order, for walking along."""
    found: list[Record] = await connection.fetch(
        """SELECT number, agency, state, before, after FROM adjustment
           WHERE period = $1 AND after IS NOT NULL
             AND number > (SELECT listed_from FROM period_state WHERE period = $1)
           ORDER BY number""",
        period,
    )
    return found
