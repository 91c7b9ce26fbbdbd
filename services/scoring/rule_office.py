"""Rule changes in the database: what is in force, what waits, and how officers decide.

The rules that scores are worked out with are those that stand here, not those of the files: the files of the
first start are taken in, and what a later version brings is a proposal like any other. When a change comes
into force every scoring process ends, and is started again with the new rules.
"""

import asyncio
import difflib
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from services.scoring import rule_life
from services.scoring.period_life import RefusedError
from services.scoring.rule_life import RELEASE, RuleChange
from services.scoring.ruleset import RuleSet, read_rule_set
from services.scoring.scorer import Book, digest_of
from shared.calendar.datafile import DataFileError
from shared.calendar.local import iso
from shared.runtime import audit_trail, logs
from shared.runtime.audit_trail import Deed
from shared.runtime.clock import Clock
from shared.runtime.life import Beat, Life
from shared.runtime.postgres import Connection, Pool, Record, persistently
from shared.runtime.problem import ProblemError

LOOK_SECONDS = 1.0
_COLUMNS = """
    number, name, sha256, state, proposed_by, proposed_at, reason, decided_by, decided_at, decision, adopted
"""

log = logs.get(__name__)


class RulesChangedError(Exception):
    """Other rules came into force: the process starts again with them."""


# ------------------------------------------------------------------------------- what is in force


async def adopt_shipped(connection: Connection, shipped: Sequence[RuleSet], clock: Clock) -> None:
    """Take in the files of the first start; what a later version brings becomes a proposal."""
    async with connection.transaction():
        await _alone(connection)
        known = {row["sha256"] for row in await connection.fetch("SELECT sha256 FROM rule_change")}
        new = [one for one in shipped if _sha256(one.text) not in known]
        for rule_set in sorted(new, key=lambda one: (one.valid_from, one.name)):
            first = not known
            number = await _insert(connection, rule_set, RELEASE, "comes with this version", clock)
            if first:
                await _decide(connection, number, "in_force", RELEASE, None, clock)
            else:
                log.warning("rules of this version wait for an officer", name=rule_set.name, change=number)
            after = {"state": "in_force" if first else "proposed", "sha256": _sha256(rule_set.text)}
            deed = Deed("scoring", RELEASE, "rules.shipped", rule_set.name, "", None, after)
            await audit_trail.append(connection, deed)


async def adopted(connection: Connection) -> list[RuleSet]:
    """Every rule set that was adopted, in order. Their texts were checked when they were proposed."""
    rows = await connection.fetch(
        "SELECT name, text FROM rule_change WHERE state = 'in_force' ORDER BY adopted"
    )
    return [read_rule_set(row["text"], row["name"]) for row in rows]


async def book_in_force(pool: Pool, shipped: Book, clock: Clock) -> tuple[Book, int]:
    """The book with the rules in force, and its edition: how many changes were adopted."""
    if any(not rule_set.text for rule_set in shipped.rules.rule_sets):
        return shipped, 0  # Made in memory, by a test: there is no text to keep.

    async def read() -> list[RuleSet]:
        async with pool.acquire() as connection:
            await adopt_shipped(connection, shipped.rules.rule_sets, clock)
            return await adopted(connection)

    sets = await persistently(read)
    rules = rule_life.in_force(sets)
    return replace(shipped, rules=rules, digest=digest_of(rules, shipped.agencies)), len(sets)


def watch(life: Life, pool: Pool, edition: int) -> None:
    """End the process when another edition of the rules comes into force."""

    async def look(beat: Beat) -> None:
        while not life.stopping.is_set():
            beat.touch()
            now = await persistently(lambda: _edition(pool))
            if now != edition:
                raise RulesChangedError(f"edition {now} of the rules is in force; starting again with it")
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await life.stopping.wait()
            except TimeoutError:
                continue

    if edition:
        life.spawn("rules", look)


async def _edition(pool: Pool) -> int:
    async with pool.acquire() as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM rule_change WHERE state = 'in_force'")
    return count


# --------------------------------------------------------------------------------- what officers do


class RuleOffice:
    """The officers' commands about rules."""

    def __init__(self, pool: Pool, book: Book, clock: Clock) -> None:
        self._pool = pool
        self._book = book
        self._clock = clock

    async def propose(self, text: str, officer: str, reason: str) -> dict[str, Any]:
        """Propose a rule set. Raises ProblemError 422 (it contradicts itself), 409 (it cannot be now)."""
        async with self._step() as connection:
            proposed = read_rule_set(text, "proposal")
            waiting = [_change(row) for row in await self._rows(connection, "proposed")]
            everyone = self._book.agencies.everyone()
            rule_life.check_proposal(proposed, await adopted(connection), waiting, everyone)
            number = await _insert(connection, proposed, officer, reason, self._clock)
            after = {"state": "proposed", "change": number, "sha256": _sha256(text)}
            deed = Deed("scoring", officer, "rules.propose", proposed.name, reason, None, after)
            await audit_trail.append(connection, deed)
            return await self._one(connection, number)

    async def confirm(self, number: int, officer: str) -> dict[str, Any]:
        """Bring a proposal into force: by another officer than the one who made it."""
        async with self._step() as connection:
            row = await self._find(connection, number)
            state = rule_life.confirm(_change(row), officer)
            sets = await adopted(connection)
            proposed = read_rule_set(row["text"], row["name"])
            rule_life.in_force([*sets, proposed]).check(self._book.agencies.everyone())
            await _decide(connection, number, state, officer, None, self._clock)
            before = next((one for one in reversed(sets) if one.id == proposed.id), None)
            deed = Deed(
                "scoring", officer, "rules.confirm", proposed.name, row["reason"],
                {"name": before.name, "sha256": _sha256(before.text)} if before else None,
                {"name": proposed.name, "sha256": row["sha256"], "proposed_by": row["proposed_by"]},
            )  # fmt: skip
            await audit_trail.append(connection, deed)
            return await self._one(connection, number)

    async def refuse(self, number: int, officer: str, reason: str) -> dict[str, Any]:
        """Refuse a proposal, or take one's own back."""
        async with self._step() as connection:
            row = await self._find(connection, number)
            state = rule_life.refuse(_change(row), officer)
            await _decide(connection, number, state, officer, reason, self._clock)
            deed = Deed(
                "scoring", officer, f"rules.{state}", row["name"], reason,
                {"state": "proposed", "change": number}, {"state": state},
            )  # fmt: skip
            await audit_trail.append(connection, deed)
            return await self._one(connection, number)

    async def changes(self, state: str | None) -> list[dict[str, Any]]:
        """Every change, oldest first."""
        async with self._pool.acquire() as connection:
            return [_shown(row) for row in await self._rows(connection, state)]

    async def one(self, number: int) -> dict[str, Any]:
        """One change with its text, and what it changes of the rules in force, line by line."""
        async with self._pool.acquire() as connection:
            return await self._one(connection, number)

    # ------------------------------------------------------------------------------------- inside

    @asynccontextmanager
    async def _step(self) -> AsyncIterator[Connection]:
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                await _alone(connection)
                yield connection
        except RefusedError as refused:
            raise ProblemError(409, refused.code, refused.detail) from None
        except DataFileError as error:
            errors = [
                {"pointer": "/ruleset/" + problem.place.replace(".", "/"), "detail": f"{problem}"}
                for problem in error.problems[:20]
            ]
            raise ProblemError(422, "ruleset", "The rules contradict themselves.", errors=errors) from None

    async def _rows(self, connection: Connection, state: str | None) -> Sequence[Record]:
        found: Sequence[Record] = await connection.fetch(
            f"SELECT {_COLUMNS} FROM rule_change WHERE $1::text IS NULL OR state = $1 ORDER BY number", state
        )
        return found

    async def _find(self, connection: Connection, number: int) -> Record:
        row = await connection.fetchrow(f"SELECT {_COLUMNS}, text FROM rule_change WHERE number = $1", number)
        if row is None:
            raise ProblemError(
                404, "not-found", f"There is no rule change {number}; see GET /v1/rule-changes."
            )
        return row

    async def _one(self, connection: Connection, number: int) -> dict[str, Any]:
        row = await self._find(connection, number)
        same_id = [one for one in await adopted(connection) if one.id == row["name"].partition("@")[0]]
        standing = next((one for one in reversed(same_id) if one.text != row["text"]), None)
        beside = standing if row["state"] == "proposed" else None
        difference = difflib.unified_diff(
            beside.text.splitlines() if beside else [], row["text"].splitlines(),
            beside.name if beside else "nothing", row["name"], lineterm="",
        )  # fmt: skip
        return {**_shown(row), "text": row["text"], "difference": list(difference)}


async def _alone(connection: Connection) -> None:
    await connection.execute("LOCK TABLE rule_change IN SHARE ROW EXCLUSIVE MODE")


async def _insert(connection: Connection, rule_set: RuleSet, officer: str, reason: str, clock: Clock) -> int:
    number: int = await connection.fetchval(
        """INSERT INTO rule_change (name, sha256, text, state, proposed_by, proposed_at, reason)
           VALUES ($1, $2, $3, 'proposed', $4, $5, $6) RETURNING number""",
        rule_set.name, _sha256(rule_set.text), rule_set.text, officer, clock(), reason,
    )  # fmt: skip
    return number


async def _decide(
    connection: Connection, number: int, state: str, officer: str, decision: str | None, clock: Clock
) -> None:
    await connection.execute(
        """UPDATE rule_change SET state = $2, decided_by = $3, decided_at = $4, decision = $5,
                  adopted = CASE WHEN $2 = 'in_force'
                                 THEN (SELECT coalesce(max(adopted), 0) + 1 FROM rule_change) END
           WHERE number = $1""",
        number, state, officer, clock(), decision,
    )  # fmt: skip


def _change(row: Record) -> RuleChange:
    return RuleChange(row["number"], row["name"], row["state"], row["proposed_by"])


def _shown(row: Record) -> dict[str, Any]:
    shown = {name: value for name, value in dict(row).items() if name != "text"}
    for name in ("proposed_at", "decided_at"):
        shown[name] = iso(row[name]) if row[name] is not None else None
    return shown


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
