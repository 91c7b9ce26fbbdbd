"""What an operator does about rejections: look, repair, replay, drop."""

import base64
import hashlib
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

import msgspec

from shared.calendar.local import iso
from shared.runtime import audit_trail
from shared.runtime.access.cache import PublisherCache
from shared.runtime.audit_trail import Deed
from shared.runtime.ledger.decode import Candidate, Refusal, Vocabulary, open_event
from shared.runtime.ledger.items import Item, Origin, decode_headers, problem_of
from shared.runtime.ledger.records import open_record
from shared.runtime.ledger.verify import check_grant, check_signature
from shared.runtime.postgres import Pool, Record
from shared.runtime.problem import ProblemError

Submit = Callable[[list[Item]], Any]

_COLUMNS = """
    number, reason, detail, errors, source, id, type, publisher, entrance, topic, partition, "offset",
    first_seen, last_seen, count, state, settled_by, settled_at, note
"""

_CHOSEN = """($1::text IS NULL OR publisher = $1) AND ($2::text IS NULL OR reason = $2)
             AND ($3::text IS NULL OR state = $3)"""
COUNTED_AT_MOST = 100_000
"""A count that says this much has said enough, and takes some hundredths of a second."""


class Rejections:
    """The list of rejections of one module."""

    def __init__(
        self,
        pool: Pool,
        vocabulary: Vocabulary,
        cache: PublisherCache,
        register: Collection[str],
        submit: Submit,
        clock: Callable[[], datetime],
    ) -> None:
        self._pool = pool
        self._vocabulary = vocabulary
        self._cache = cache
        self._register = register
        self._submit = submit
        self._clock = clock

    async def list(
        self,
        publisher: str | None,
        reason: str | None,
        state: str | None,
        after: int,
        limit: int,
        newest_first: bool = False,
    ) -> dict[str, Any]:
        """Rejections by number, either way; `next` continues the list (0 begins it), `total` counts what is
        asked for, up to COUNTED_AT_MOST."""
        chosen = (publisher, reason, state)
        way, beyond = ("DESC", "number < $4 OR $4 = 0") if newest_first else ("ASC", "number > $4")
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                f"""SELECT {_COLUMNS} FROM rejection WHERE {_CHOSEN} AND ({beyond})
                    ORDER BY number {way} LIMIT $5""",
                *chosen, after, limit,
            )  # fmt: skip
            total = await connection.fetchval(
                f"""SELECT count(*)
                    FROM (SELECT FROM rejection WHERE {_CHOSEN} LIMIT {COUNTED_AT_MOST}) AS chosen""",
                *chosen,
            )
        return {
            "rejections": [_show(row) for row in rows],
            "next": rows[-1]["number"] if len(rows) == limit else None,
            "total": total,
        }

    async def one(self, number: int) -> dict[str, Any]:
        """One rejection with the original. Raises ProblemError 404."""
        row = await self._find(number)
        shown = _show(row)
        payload: bytes = row["payload"]
        try:
            shown["payload"] = payload.decode()
        except UnicodeDecodeError:
            shown["payload_base64"] = base64.b64encode(payload).decode()
        shown["headers"] = msgspec.json.decode(row["headers"])
        return shown

    async def drop(self, number: int, by: str, note: str | None) -> dict[str, Any]:
        """Settle a rejection without taking anything in."""
        row = await self._parked(number)
        await self._settle(row, "dropped", by, note)
        return await self.one(number)

    async def replay(self, number: int, by: str, note: str | None) -> dict[str, Any]:
        """Take the original in again, unchanged: a grant, a key or the contract may have changed since."""
        row = await self._parked(number)
        await self._cache.refresh()
        origin = Origin(row["entrance"], row["topic"], row["partition"], row["offset"])
        headers = decode_headers(row["headers"]) if row["entrance"] == "kafka" else []
        content = (
            self._read_record(row["payload"], headers)
            if row["entrance"] == "kafka"
            else self._read_event(row["payload"], row["publisher"])
        )
        item = Item(origin, row["publisher"], row["payload"], headers, content)
        await self._take(item)
        await self._settle(row, "replayed", by, note)
        return await self.one(number)

    async def repair(self, number: int, event: dict[str, Any], by: str, note: str | None) -> dict[str, Any]:
        """Take in a corrected event instead. The operator answers for it; the grants still hold."""
        row = await self._parked(number)
        await self._cache.refresh()
        payload = msgspec.json.encode(event)
        content = self._read_event(payload, row["publisher"])
        publisher = row["publisher"] or _publisher_in(content)
        await self._take(Item(Origin("http"), publisher, payload, (), content))
        await self._settle(row, "repaired", by, note, payload)
        return await self.one(number)

    # ---------------------------------------------------------------------------------------------

    async def _take(self, item: Item) -> None:
        """Store one item. Raises ProblemError 422 when it is refused (again); nothing is kept then."""
        if isinstance(item.content, Candidate):
            await self._submit([item])
        if isinstance(item.content, Refusal):
            problem = problem_of(item.content)
            raise ProblemError(
                422, item.content.code, f"Still refused: {item.content.detail}",
                errors=problem.get("errors", ()),
            )  # fmt: skip

    def _read_record(self, value: bytes, headers: Any) -> Candidate | Refusal:
        opened = open_record(value, headers)
        if isinstance(opened, Refusal):
            return opened
        envelope = opened.envelope
        publisher = self._cache.get(envelope.publisher or "")
        refused = check_signature(publisher, opened.signature, value)
        if refused is not None or publisher is None:
            return Refusal("signature", refused or "", (), envelope.source, envelope.id, envelope.type)
        content = self._vocabulary.read(envelope, opened.event, self._clock())
        if isinstance(content, Refusal):
            return content
        return check_grant(content, publisher, self._register) or content

    def _read_event(self, event: bytes, name: str | None) -> Candidate | Refusal:
        envelope = open_event(event)
        if isinstance(envelope, Refusal):
            return envelope
        publisher = self._cache.get(envelope.publisher or "")
        if publisher is None or (name is not None and publisher.name != name):
            detail = "the source must be /publishers/ and the live publisher whose event this is"
            return Refusal("source", detail, (("/source", detail),), envelope.source, envelope.id)
        content = self._vocabulary.read(envelope, event, self._clock())
        if isinstance(content, Refusal):
            return content
        return check_grant(content, publisher, self._register) or content

    async def _find(self, number: int) -> Record:
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(
                f"SELECT {_COLUMNS}, payload, headers FROM rejection WHERE number = $1", number
            )
        if row is None:
            raise ProblemError(404, "not-found", f"There is no rejection {number}.")
        return row

    async def _parked(self, number: int) -> Record:
        row = await self._find(number)
        if row["state"] != "parked":
            raise ProblemError(409, "settled", f"Rejection {number} is {row['state']} already.")
        return row

    async def _settle(
        self, row: Record, state: str, by: str, note: str | None, event: bytes | None = None
    ) -> None:
        """Write down how a rejection ended, and who ended it."""
        number: int = row["number"]
        async with self._pool.acquire() as connection, connection.transaction():
            settled = await connection.execute(
                """UPDATE rejection SET state = $2, settled_by = $3, settled_at = $4, note = $5
                   WHERE number = $1 AND state = 'parked'""",
                number, state, by, self._clock(), note,
            )  # fmt: skip
            if settled != "UPDATE 0":
                await audit_trail.append(connection, self._deed(row, state, by, note, event))

    def _deed(self, row: Record, state: str, by: str, note: str | None, event: bytes | None) -> Deed:
        before = {name: row[name] for name in ("state", "reason", "publisher", "source", "id", "type")}
        before["payload_sha256"] = hashlib.sha256(row["payload"]).hexdigest()
        after: dict[str, Any] = {"state": state}
        if event is not None:
            after["event"] = msgspec.json.decode(event)
        module = self._vocabulary.module
        return Deed(module, by, f"rejection.{state}", f"rejection/{row['number']}", note or "", before, after)


def _publisher_in(content: Candidate | Refusal) -> str | None:
    return content.fact.source.rpartition("/")[2] if isinstance(content, Candidate) else None


def _show(row: Record) -> dict[str, Any]:
    shown = dict(row)
    shown.pop("payload", None)
    shown.pop("headers", None)
    shown["errors"] = msgspec.json.decode(row["errors"])
    for name in ("first_seen", "last_seen", "settled_at"):
        shown[name] = iso(row[name]) if row[name] is not None else None
    return shown
