"""What travels through the engine: an item per event, with where it came from and what became of it."""

import base64
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from shared.runtime import problem
from shared.runtime.ledger.decode import Candidate, Refusal

Status = Literal["accepted", "duplicate", "rejected"]

_HTTP_STATUS = {
    "signature": 401,
    "unknown_publisher": 401,
    "grant": 403,
    "source": 403,
    "conflict": 409,
    "too_large": 413,
}


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where an event came in. `topic`, `partition`, `offset` and `timestamp` only over Kafka."""

    entrance: Literal["http", "kafka"]
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    timestamp: int = 0


HTTP = Origin("http")


class Item(msgspec.Struct):
    """One event on its way into the ledger.

    `payload` and `headers` are the original, kept when it is refused. After the engine is done, a refused
    item has a Refusal as `content`, and `status` says what became of it.
    """

    origin: Origin
    publisher: str | None
    payload: bytes
    headers: Sequence[tuple[str, bytes | None]]
    content: Candidate | Refusal
    status: Status | None = None

    def refuse(self, refusal: Refusal) -> None:
        self.content = refusal
        self.status = "rejected"

    def result(self) -> dict[str, Any]:
        """The answer to the sender, as the contract has it."""
        content = self.content
        if isinstance(content, Candidate):
            return {"id": content.fact.id, "status": self.status}
        return {"id": content.id, "status": "rejected", "problem": problem_of(content)}


def problem_of(refusal: Refusal) -> dict[str, Any]:
    """A refusal as a problem document."""
    errors = [{"pointer": place, "detail": detail} for place, detail in refusal.errors]
    return problem.document(_HTTP_STATUS.get(refusal.code, 422), refusal.code, refusal.detail, errors)


def encode_headers(headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    """Headers as a rejection keeps them: JSON pairs of name and base64 (null for a header without value)."""
    return msgspec.json.encode(
        [(name, None if value is None else base64.b64encode(value).decode()) for name, value in headers]
    )


def decode_headers(stored: bytes) -> list[tuple[str, bytes | None]]:
    """The reverse of `encode_headers`."""
    pairs = msgspec.json.decode(stored, type=list[tuple[str, str | None]])
    return [(name, None if text is None else base64.b64decode(text)) for name, text in pairs]
