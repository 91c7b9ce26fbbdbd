"""What a person of an agency contests on the dashboard: a fact that the dashboard signs.

For that the dashboard is a publisher like any agency's system, with a key and a grant for `dispute.*` of its
own; it is not the publisher that rules. The key lies in a file as `./run publisher add` keeps it; without the
file the dashboard takes no disputes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from services.report.upstream import Upstream, UpstreamError, listed
from shared.calendar.local import iso
from shared.contracts.envelope import STRUCTURED
from shared.contracts.words import full_type
from shared.runtime.access.sealing import SealError, read_key
from shared.runtime.signature import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign

Event = dict[str, Any]


class _KeyFile(msgspec.Struct):
    publisher: str
    key: str


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who signs, and with what."""

    name: str
    key: bytes


def publisher_of(file: Path | None) -> Publisher | None:
    """The publisher whose key lies in `file`; None while there is none that can be read."""
    if file is None:
        return None
    try:
        found = msgspec.json.decode(file.read_bytes(), type=_KeyFile)
        return Publisher(found.publisher, read_key(found.key))
    except (OSError, SealError, msgspec.MsgspecError):
        return None


@dataclass(frozen=True, slots=True)
class Contest:
    """What the form says. An empty criterion contests the whole score; a fact goes before a score."""

    agency: str
    dispute: str
    claim: str
    period: str
    criterion: str = ""
    """`module/criterion`."""

    fact: Mapping[str, str] | None = None
    fact_module: str | None = None
    evidence_url: str = ""


def submitted(publisher: str, contest: Contest, now: datetime) -> Event:
    """The fact of submitting a dispute."""
    module, _, criterion = contest.criterion.partition("/")
    about: dict[str, Any]
    if contest.fact is not None:
        about = {"about": "fact", "fact": dict(contest.fact), "module": contest.fact_module}
    else:
        about = {"about": "score", "period": contest.period}
        if criterion:
            about |= {"module": module, "criterion": criterion}
    data = {"claim": contest.claim.strip(), "submitted_at": iso(now), **about}
    if contest.evidence_url.strip():
        data["evidence_url"] = contest.evidence_url.strip()
    return _event(publisher, "dispute.submitted", contest.agency, contest.dispute, data, now)


def withdrawn(publisher: str, agency: str, dispute: str, now: datetime) -> Event:
    """The fact of taking a dispute back."""
    return _event(publisher, "dispute.withdrawn", agency, dispute, {"withdrawn_at": iso(now)}, now)


def _event(
    publisher: str, short: str, agency: str, dispute: str, data: Mapping[str, Any], now: datetime
) -> Event:
    return {
        "specversion": "1.0",
        "id": f"{short}/{agency}/{dispute}",
        "source": f"/publishers/{publisher}",
        "type": full_type(short),
        "subject": f"dispute/{dispute}",
        "time": iso(now),
        "data": {"agency": agency, "dispute_id": dispute, **data},
    }


async def send(upstream: Upstream, publisher: Publisher, event: Event, now: datetime) -> None:
    """Send a fact through the front door. Raises UpstreamError when it is not accepted."""
    body = msgspec.json.encode(event)
    message, stamp = event["id"], int(now.timestamp())
    headers = {
        "content-type": STRUCTURED,
        ID_HEADER: message,
        TIMESTAMP_HEADER: str(stamp),
        SIGNATURE_HEADER: sign(publisher.key, message, stamp, body),
    }
    answer = await upstream.post_signed("content", "/v1/events", body, headers)
    result = listed("content", answer, "results")[0]
    if result["status"] == "rejected":
        problem = result["problem"]
        errors = [f"{one['pointer']}: {one['detail']}" for one in problem.get("errors", ())]
        raise UpstreamError("content", problem["status"], problem["detail"], errors)
