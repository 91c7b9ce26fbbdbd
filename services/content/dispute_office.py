"""Disputes in the ledger, and the office's steps on them.

A step is one transaction: it looks at the dispute, makes the facts of the publisher `scoring-office`, signs
each with that publisher's key, and puts them into the outbox for the ordinary inboxes. From there on they are
facts like any other: verified, granted, kept, folded.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from services.content.dispute_ruling import (
    Dispute,
    Outgoing,
    RefusedError,
    check_open,
    decided,
    taken_up,
)
from shared.calendar.local import iso
from shared.contracts.envelope import STRUCTURED
from shared.contracts.topics import partition_of
from shared.runtime import audit_trail, outbox
from shared.runtime.access.cache import Publisher, PublisherCache
from shared.runtime.access.office import OFFICE, OFFICE_TYPES
from shared.runtime.access.sealing import Sealer
from shared.runtime.audit_trail import Deed
from shared.runtime.clock import Clock
from shared.runtime.ledger import reading
from shared.runtime.ledger.folding import emitted
from shared.runtime.outbox import Record
from shared.runtime.postgres import Connection, Pool
from shared.runtime.postgres import Record as Row
from shared.runtime.problem import ProblemError
from shared.runtime.signature import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

WAIT_SECONDS = 3.0
"""How long an answer waits for the step to stand in the ledger."""

AGAIN_AFTER = timedelta(seconds=60)
"""A step whose facts have not come back after so long was refused at the inbox, and may be tried again."""

_LIST = """
SELECT entity, agency, version, record, changed_at, key FROM entity
WHERE kind = 'dispute' AND ($1::text IS NULL OR agency = $1)
  AND ($2::text IS NULL OR convert_from(record, 'UTF8')::jsonb #>> '{data,state,status}' = $2)
  AND ($3::timestamptz IS NULL OR (changed_at, key) < ($3, $4))
ORDER BY changed_at DESC, key DESC LIMIT $5
"""

_ONE = """
SELECT entity, agency, version, record, changed_at, key FROM entity
WHERE entity = $1 AND kind = 'dispute' AND scope = $2
"""

_STEP = """
INSERT INTO office_step AS s (kind, entity, scope, version, attempt, at, officer)
VALUES ('dispute', $1, $2, $3, 1, $4, $5)
ON CONFLICT (entity, kind, scope, version) DO UPDATE
SET attempt = s.attempt + 1, at = excluded.at, officer = excluded.officer
WHERE s.at < $6
RETURNING attempt
"""

Correction = tuple[str, str | None, dict[str, Any]]
"""Type, module, data."""


class DisputeOffice:
    """Lists disputes and takes the officers' steps."""

    def __init__(
        self, pool: Pool, master_key: Path, partitions: int, register: Collection[str], clock: Clock
    ) -> None:
        self._pool = pool
        self._partitions = partitions
        self._register = register
        self._clock = clock
        self._publishers = PublisherCache(pool, Sealer.from_file(master_key))

    # ------------------------------------------------------------------------------------- reading

    async def page(
        self, agency: str | None, status: str | None, after: str | None, limit: int
    ) -> dict[str, Any]:
        """Disputes, those that moved last first; `next` continues the list."""
        place = reading.read_cursor(after) if after else None
        moved, key = (datetime.fromisoformat(place[0]), place[1]) if place else (None, "")
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(_LIST, agency, status, moved, key, limit)
        following = None
        if len(rows) == limit:
            following = reading.make_cursor(rows[-1]["changed_at"].isoformat(), rows[-1]["key"])
        return {"disputes": [_shown(row) for row in rows], "next": following}

    async def one(self, agency: str, dispute: str) -> dict[str, Any]:
        """One dispute with its history. Raises ProblemError 404."""
        async with self._pool.acquire() as connection:
            return _shown(await _found(connection, agency, dispute), whole=True)

    # --------------------------------------------------------------------------------------- steps

    async def take_up(self, agency: str, dispute: str, officer: str) -> dict[str, Any]:
        """Take a dispute up. Raises ProblemError 404, 409."""
        return await self._step(agency, dispute, officer, None, "", ())

    async def decide(
        self,
        agency: str,
        dispute: str,
        officer: str,
        ruling: str,
        reason: str,
        corrections: Sequence[Correction],
    ) -> dict[str, Any]:
        """Uphold or dismiss a dispute. Raises ProblemError 404, 409, 422."""
        return await self._step(agency, dispute, officer, ruling, reason, corrections)

    async def _step(
        self,
        agency: str,
        dispute: str,
        officer: str,
        ruling: str | None,
        reason: str,
        corrections: Sequence[Correction],
    ) -> dict[str, Any]:
        office = await self._office()
        now = self._clock()
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                row = await _found(connection, agency, dispute)
                known = Dispute(row["agency"], row["entity"], row["version"], _state(row))
                check_open(known, now, taking_up=ruling is None)
                attempt = await self._attempt(connection, known, officer, now)
                if ruling is None:
                    facts = taken_up(known, attempt, officer, now)
                else:
                    facts = decided(known, attempt, officer, ruling, reason, corrections, now)
                self._check_granted(office, facts)
                await outbox.add(connection, [self._signed(office, one, now) for one in facts])
                await audit_trail.append(connection, _deed(known, officer, ruling, reason, facts))
        except RefusedError as refused:
            status = 422 if refused.errors else 409
            raise ProblemError(status, refused.code, refused.detail, errors=refused.errors) from None
        sent = [{"source": one.event["source"], "id": one.event["id"]} for one in facts]
        return await self._settled(known, sent)

    async def _office(self) -> Publisher:
        """The publisher who signs. Raises ProblemError 409 that says which command is missing."""
        await self._publishers.refresh()
        office = self._publishers.get(OFFICE)
        if office is None:
            command = f"publisher add {OFFICE} --agencies '*' --types '{','.join(OFFICE_TYPES)}'"
            raise ProblemError(
                409,
                "no-office",
                f"Rulings are signed by the publisher {OFFICE}, which is not there: {command}",
            )
        return office

    async def _attempt(self, connection: Connection, dispute: Dispute, officer: str, now: datetime) -> int:
        attempt: int | None = await connection.fetchval(
            _STEP, dispute.entity, dispute.agency, dispute.version, now, officer, now - AGAIN_AFTER
        )
        if attempt is None:
            raise RefusedError(
                "dispute-under-way",
                f"A step on {dispute.agency}/{dispute.entity} is under way; look at it again in a moment.",
            )
        return attempt

    def _check_granted(self, office: Publisher, facts: Sequence[Outgoing]) -> None:
        for one in facts:
            agency = one.event["data"]["agency"]
            if not office.grant.allows_type(one.short) or not office.grant.allows_agency(
                agency, self._register
            ):
                raise RefusedError(
                    "office-grant",
                    f"The publisher {OFFICE} has no grant for {one.short} of {agency}: an operator extends "
                    f"it with `publisher grants {OFFICE}`.",
                )

    def _signed(self, office: Publisher, one: Outgoing, now: datetime) -> Record:
        """A fact as an agency's system would put it onto the inbox."""
        value = msgspec.json.encode(one.event)
        message, stamp = one.event["id"], int(now.timestamp())
        headers = {
            "content-type": STRUCTURED,
            ID_HEADER: message,
            TIMESTAMP_HEADER: str(stamp),
            SIGNATURE_HEADER: sign(office.keys[0], message, stamp, value),
        }
        place = partition_of(one.key, self._partitions)
        return Record(f"{one.module}.inbox", place, one.key.encode(), value, outbox.encode_headers(headers))

    async def _settled(self, before: Dispute, sent: list[dict[str, str]]) -> dict[str, Any]:
        """The dispute once the step stands in the ledger; as it was, when that takes longer."""
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while True:
            async with self._pool.acquire() as connection:
                row = await _found(connection, before.agency, before.entity)
            settled = row["version"] > before.version
            if settled or asyncio.get_running_loop().time() > deadline:
                return {**_shown(row, whole=True), "sent": sent, "settled": settled}
            await asyncio.sleep(0.05)


async def _found(connection: Connection, agency: str, dispute: str) -> Row:
    row = await connection.fetchrow(_ONE, dispute, agency)
    if row is None:
        raise ProblemError(404, "not-found", f"{agency} has no dispute {dispute}; see GET /v1/disputes.")
    return row


def _deed(before: Dispute, officer: str, ruling: str | None, reason: str, facts: Sequence[Outgoing]) -> Deed:
    """The step as the audit trail keeps it: who decided what about which version, and the facts sent."""
    after = {"status": ruling or "taken_up", "facts": [one.event["id"] for one in facts]}
    state = {"status": before.state["status"], "version": before.version}
    subject = f"{before.agency}/{before.entity}"
    return Deed("content", officer, f"dispute.{after['status']}", subject, reason, state, after)


def _state(row: Row) -> dict[str, Any]:
    state: dict[str, Any] = emitted(row["record"])["data"]["state"]
    return state


def _shown(row: Row, *, whole: bool = False) -> dict[str, Any]:
    """A dispute; `whole` adds its history and what was set aside."""
    state = _state(row)
    if not whole:
        del state["history"], state["set_aside"]
    return {
        "agency": row["agency"],
        "dispute": row["entity"],
        "version": row["version"],
        "changed_at": iso(row["changed_at"]),
        **state,
    }
