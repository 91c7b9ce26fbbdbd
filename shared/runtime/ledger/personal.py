"""What a refused fact may leave behind: a question's asker is never stored, not even by mistake. Pure.

The contract has no place for who asked, so a portal that sends a name is refused; but what is refused is
kept with its original, and the name would be in it. So before a refused event about a question is kept,
every field that the contract does not know loses its value. A field that the contract knows keeps it only
when it has the simple form that the contract gives it.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from pydantic import BaseModel

from shared.contracts.facts import FACTS_OF_MODULE, RETRACTED, FactRetracted

REMOVED = "(removed: the contract has no such field for questions)"
_QUESTION_TYPE = "vn.laocai.question."
_ATTRIBUTES = frozenset(
    {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data", "traceparent"}
)
_MODELS: tuple[type[BaseModel], ...] = (*FACTS_OF_MODULE["qa"].values(), FactRetracted)
_FIELDS = frozenset(name for model in _MODELS for name in (*model.model_fields, "source", "id"))
_KNOWN = _ATTRIBUTES | _FIELDS
_HEADERS = ("content-type", "ce_", "webhook-", "traceparent")

Headers = Sequence[tuple[str, bytes | None]]


def may_name_an_asker(module: str, claimed_type: str | None) -> bool:
    """Whether an event is about a question, or came in where those are sent."""
    about = claimed_type or ""
    return module == "qa" or about.startswith(_QUESTION_TYPE) or about == f"vn.laocai.{RETRACTED}.v1"


def without_asker(payload: bytes) -> bytes:
    """The event without what the contract does not know; the very same bytes when there is nothing of it."""
    try:
        event = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        digest = hashlib.sha256(payload).hexdigest()
        return msgspec.json.encode(f"(removed: not JSON; {len(payload)} bytes, SHA-256 {digest})")
    pruned = _pruned(event)
    return payload if pruned == event else msgspec.json.encode(pruned)


def known_headers(headers: Headers) -> Headers:
    """The headers that an event needs; a client may have put anything into others."""
    return [(name, value) for name, value in headers if name.lower().startswith(_HEADERS)]


def _pruned(value: Any) -> Any:
    """An object with its known fields; what stands where an object belongs, and is none, goes whole."""
    if not isinstance(value, dict):
        return REMOVED
    kept = {name: _field(name, inner) for name, inner in value.items() if name in _KNOWN}
    return kept if len(kept) == len(value) else {**kept, "(removed)": REMOVED}


def _field(name: str, value: Any) -> Any:
    if name in ("data", "retracts"):
        return _pruned(value)
    return REMOVED if isinstance(value, dict | list) else value
