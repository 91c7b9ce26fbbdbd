"""Scores as they leave: the documents of `scores`, `score.changes` and `periods`, and when a score is new."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from services.scoring.score import Document, Result, moved, score_document
from shared.calendar.local import iso
from shared.calendar.periods import Period
from shared.contracts.envelope import STRUCTURED
from shared.contracts.topics import partition_of
from shared.contracts.words import full_type
from shared.runtime import outbox

SOURCE = "/services/scoring"
MAX_CAUSES_SENT = 2_000
"""Causes in one record of `score.changes`; the rest of them is one request away (`causes_total` tells)."""

_HEADERS = outbox.encode_headers({"content-type": STRUCTURED})


def canonical(document: Document) -> str:
    """One text for one content: sorted keys, no spaces."""
    return msgspec.json.encode(document, order="sorted").decode()


def content_of(result: Result, period: Period) -> Document:
    """A score without what says when and how often it was worked out."""
    document = score_document(result)
    del document["group"]
    return {
        "agency": document["agency"],
        "period": period.name,
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "total": document["total"],
        "modules": document["modules"],
        "complete": document["complete"],
    }


@dataclass(frozen=True, slots=True)
class Published:
    """What was last said about an agency's score in a period."""

    revision: int
    as_of: datetime
    content: str

    def document(self) -> Document:
        """The score as it stands on the topic."""
        found: Document = msgspec.json.decode(self.content)
        return {**found, "as_of": iso(self.as_of), "revision": self.revision}


def following(before: Published | None, content: str, now: datetime) -> Published:
    """What is said next: the same as before when the content is, else the next revision."""
    if before is not None and before.content == content:
        return before
    return Published(before.revision + 1 if before else 1, now, content)


def change_document(before: Published | None, after: Published, calendar: str) -> Document:
    """One change of a score, without its causes."""
    old = before.document() if before else None
    new = after.document()
    return {
        "agency": new["agency"],
        "period": new["period"],
        "revision": after.revision,
        "at": iso(after.as_of),
        "before": old["total"] if old else None,
        "after": new["total"],
        "moved": moved(old, new),
        "rulesets": {name: module["ruleset"] for name, module in new["modules"].items()},
        "calendar": calendar,
    }


def with_causes(document: Document, causes: Sequence[str], limit: int = MAX_CAUSES_SENT) -> Document:
    """A change with its causes, `limit` of them at most, and how many there are."""
    return {**document, "causes": [cause_of(text) for text in causes[:limit]], "causes_total": len(causes)}


def cause_of(text: str) -> dict[str, str]:
    """`<source> <id>` as a reference."""
    source, _, identifier = text.partition(" ")
    return {"source": source, "id": identifier}


def score_record(published: Published, partitions: int) -> outbox.Record:
    """The record for `scores`."""
    document = published.document()
    key = f"{document['agency']}|{document['period']}"
    value = _event(
        f"score:{key}:{published.revision}", "score.published", f"score/{key}", document["as_of"], document
    )
    return _record("scores", document["agency"], key, value, partitions)


def change_record(document: Document, causes: Sequence[str], partitions: int) -> outbox.Record:
    """The record for `score.changes`."""
    key = f"{document['agency']}|{document['period']}"
    identifier = f"score-change:{key}:{document['revision']}"
    data = with_causes(document, causes)
    value = _event(identifier, "score.changed", f"score/{key}", document["at"], data)
    return _record("score.changes", document["agency"], document["agency"], value, partitions)


def period_record(document: Document, partitions: int) -> outbox.Record:
    """The record for `periods`."""
    period, state, at = document["period"], document["state"], document["at"]
    value = _event(f"period:{period}:{state}:{at}", f"period.{state}", f"period/{period}", at, document)
    return _record("periods", period, period, value, partitions)


def _record(topic: str, place: str, key: str, value: bytes, partitions: int) -> outbox.Record:
    return outbox.Record(topic, partition_of(place, partitions), key.encode(), value, _HEADERS)


def _event(identifier: str, short: str, subject: str, time: str, data: Any) -> bytes:
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "id": identifier,
            "source": SOURCE,
            "type": full_type(short),
            "subject": subject,
            "time": time,
            "datacontenttype": "application/json",
            "data": data,
        }
    )
