"""Traces between the fold and the score: which replica scores is open, so they wait in a table.

Only facts whose sender asked for a trace have a row, and only for a day.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.scoring.publish import Published
from shared.runtime import logs, outbox, tracing
from shared.runtime.postgres import Connection

KEPT = timedelta(days=1)
_HEADER = tracing.HEADER

log = logs.get(__name__)


def traceparent_of(record: Any) -> str | None:
    """The trace in a record's headers."""
    for name, value in getattr(record, "headers", None) or ():
        if name == _HEADER and value is not None:
            return tracing.parse(value.decode("ascii", errors="replace"))
    return None


async def keep(connection: Connection, traces: Mapping[str, str], now: datetime) -> None:
    """Keep the traces of a batch in the transaction that folds it."""
    began = time.time_ns()
    steps = {cause: tracing.child(parent, f"fold {cause}") for cause, parent in traces.items()}
    await connection.execute("DELETE FROM trace WHERE at < $1", now - KEPT)
    await connection.execute(
        """INSERT INTO trace (cause, traceparent, at)
           SELECT cause, traceparent, $3 FROM unnest($1::text[], $2::text[]) AS n (cause, traceparent)
           ORDER BY cause ON CONFLICT (cause) DO NOTHING""",
        list(steps), list(steps.values()), now,
    )  # fmt: skip
    for cause, step in steps.items():
        log.info("change counted", trace_id=tracing.trace_id(step), cause=cause)
        tracing.consumed(step, traces[cause], "fold", began, cause=cause)


async def of_causes(connection: Connection, causes: Iterable[str]) -> dict[str, str]:
    """The traces of those causes that have one."""
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM trace)"):
        return {}
    rows = await connection.fetch("SELECT cause, traceparent FROM trace WHERE cause = ANY ($1)", list(causes))
    return {row["cause"]: row["traceparent"] for row in rows}


def tell(after: Published, causes: Sequence[str], known: Mapping[str, str], began: int) -> str | None:
    """Say in the log which traces a changed score belongs to; answers the one that its records carry."""
    found = {tracing.trace_id(known[cause]): known[cause] for cause in causes if cause in known}
    if not found:
        return None
    document = after.document()
    step = f"score {document['agency']}|{document['period']} {after.revision}"
    last = ""
    for identifier, parent in found.items():
        last = tracing.child(parent, step)
        log.info(
            "score changed", trace_id=identifier, agency=document["agency"], period=document["period"],
            revision=after.revision, points=document["total"]["points"],
        )  # fmt: skip
        tracing.done(last, parent, "score", began, agency=document["agency"], period=document["period"])
    return last


def carried(records: Iterable[outbox.Record], traceparent: str | None) -> list[outbox.Record]:
    """The records with the trace in their headers."""
    if traceparent is None:
        return list(records)
    return [
        msgspec.structs.replace(record, headers=tracing.with_trace(record.headers, traceparent))
        for record in records
    ]
