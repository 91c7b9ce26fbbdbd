"""Warnings on the topic `alerts`: given once, in the transaction in which the clock speaks, and held while
the office is closed where the policy says so.

A held warning leaves at the next opening, if the entity still waits for the same due instant; otherwise it
was overtaken, and nobody hears it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from shared.calendar.dated import Dated
from shared.calendar.local import iso, local_day
from shared.calendar.working import WorkingCalendar, vietnam
from shared.contracts.alerts import Word
from shared.contracts.envelope import STRUCTURED
from shared.contracts.topics import partition_of
from shared.contracts.words import full_type
from shared.runtime import outbox
from shared.runtime.ledger.alert_policy import Policy, leaves_at, read_policies
from shared.runtime.ledger.folding import EntityRow, state_of
from shared.runtime.outbox import Record
from shared.runtime.postgres import Connection, Pool

_BATCH = 200
_HEADERS = outbox.encode_headers({"content-type": STRUCTURED})

_NOTE = """
INSERT INTO alert (key, word, due_at, at, leaves_at, fate, settled_at)
SELECT key, word, due_at, at, leaves_at, CASE WHEN leaves_at <= $6 THEN 'sent' END,
       CASE WHEN leaves_at <= $6 THEN $6::timestamptz END
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
     AS w (key, word, due_at, at, leaves_at)
ORDER BY key, word, due_at
ON CONFLICT (key, word, due_at) DO NOTHING
RETURNING key, word, due_at, at, fate
"""

_HELD = """
SELECT a.key, a.word, a.due_at, a.at, e.kind, e.entity, e.agency, e.record, e.due_at AS waits_for
FROM alert a JOIN entity e USING (key)
WHERE a.fate IS NULL AND a.leaves_at <= $1
ORDER BY a.leaves_at, a.key LIMIT $2 FOR UPDATE OF a SKIP LOCKED
"""

_SETTLE = """
UPDATE alert a SET fate = s.fate, settled_at = CASE WHEN s.fate IS NOT NULL THEN $6::timestamptz END,
                   leaves_at = s.leaves_at
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::timestamptz[])
     AS s (key, word, due_at, fate, leaves_at)
WHERE (a.key, a.word, a.due_at) = (s.key, s.word, s.due_at)
"""


class Said(NamedTuple):
    """A word of the clock about an entity, with the instants that it is about."""

    row: EntityRow
    word: Word
    at: datetime
    due_at: datetime


class _State(msgspec.Struct, gc=False):
    status: str | None = None
    calendar: str | None = None


_decode_state = msgspec.json.Decoder(_State).decode


class Alerts:
    """The warnings of one module."""

    def __init__(
        self,
        module: str,
        partitions: int,
        policies: Dated[Policy] | None = None,
        calendar: WorkingCalendar | None = None,
    ) -> None:
        self._module = module
        self._partitions = partitions
        self._policies = policies or read_policies()
        self._own_calendar = calendar

    @property
    def _calendar(self) -> WorkingCalendar:
        # A module without deadlines never reads it.
        return self._own_calendar or vietnam()

    async def give(self, connection: Connection, said: Sequence[Said], now: datetime) -> list[Record]:
        """Note warnings in the open transaction; answers the records of those that may leave at once."""
        wanted = {(one.row.key, one.word, one.due_at): one for one in said if self._is_told(one.word, now)}
        if not wanted:
            return []
        rows = await connection.fetch(
            _NOTE,
            [key for key, _, _ in wanted],
            [word for _, word, _ in wanted],
            [due_at for _, _, due_at in wanted],
            [one.at for one in wanted.values()],
            [self._leaves_at(now)] * len(wanted),
            now,
        )
        found = []
        for row in rows:
            one = wanted[row["key"], row["word"], row["due_at"]]
            if row["fate"] == "sent":
                found.append(self._record(one, now, held=False))
        return found

    async def release(self, pool: Pool, now: datetime) -> int:
        """Let held warnings go whose time has come; answers how many rows were settled or put off."""
        async with pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(_HELD, now, _BATCH)
            if not rows:
                return 0
            again = self._leaves_at(now)
            records: list[Record] = []
            fates: list[str | None] = []
            for row in rows:
                if not _still_waits(row["record"], row["word"], row["due_at"], row["waits_for"], now):
                    fates.append("overtaken")
                elif again > now:
                    # The service was away at the opening, and the office has closed meanwhile.
                    fates.append(None)
                else:
                    entity = EntityRow(
                        row["kind"], row["entity"], "", row["key"], row["agency"], 0, b"", row["record"]
                    )
                    said = Said(entity, row["word"], row["at"], row["due_at"])
                    records.append(self._record(said, now, held=True))
                    fates.append("sent")
            await connection.execute(
                _SETTLE,
                [row["key"] for row in rows],
                [row["word"] for row in rows],
                [row["due_at"] for row in rows],
                fates,
                [again] * len(rows),
                now,
            )
            await outbox.add(connection, records)
        return len(rows)

    def _is_told(self, word: Word, now: datetime) -> bool:
        return word in self._policies.on(local_day(now)).words

    def _leaves_at(self, now: datetime) -> datetime:
        return leaves_at(self._calendar, self._policies.on(local_day(now)), now)

    def _record(self, said: Said, now: datetime, *, held: bool) -> Record:
        row, due = said.row, said.due_at
        calendar = self._calendar
        left = calendar.working_time_between(now, due) if due > now else None
        late = calendar.working_time_between(due, now) if due <= now else None
        value = msgspec.json.encode(
            {
                "specversion": "1.0",
                "id": f"alert/{said.word}/{row.key}/{iso(due)}",
                "source": f"/services/{self._module}",
                "type": full_type(f"alert.{said.word}"),
                "subject": f"{row.kind}/{row.entity}",
                "time": iso(now),
                "datacontenttype": "application/json",
                "data": {
                    "agency": row.agency,
                    "module": self._module,
                    "kind": row.kind,
                    "entity": row.entity,
                    "word": said.word,
                    "at": iso(said.at),
                    "due_at": iso(due),
                    "sent_at": iso(now),
                    "held": held,
                    "left_seconds": int(left.total_seconds()) if left else 0,
                    "late_by_seconds": int(late.total_seconds()) if late else 0,
                    "calendar": _decode_state(state_of(row.record)).calendar,
                },
            }
        )
        place = partition_of(row.agency, self._partitions)
        return Record("alerts", place, row.key.encode(), value, _HEADERS)


def _still_waits(
    record: bytes, word: str, due_at: datetime, waits_for: datetime | None, now: datetime
) -> bool:
    """Whether a warning is still true. One ahead of the breach is none any more once the breach is there."""
    if word == "due_soon":
        return waits_for == due_at and now < due_at
    # A dispute that nobody decided has ended by its own due instant; whoever answers for it should know.
    return waits_for == due_at or _decode_state(state_of(record)).status == "expired"


def said_of(rows: Sequence[tuple[EntityRow, str, EntityRow | None]]) -> Iterator[Said]:
    """What was said, of (row as it was, word, row as it is): only words that were new."""
    for row, word, after in rows:
        if after is None or row.due_at is None:
            continue
        if word == "due_soon":
            yield Said(after, "due_soon", row.soon_at or row.due_at, row.due_at)
        else:
            yield Said(after, "overdue", row.due_at, row.due_at)
