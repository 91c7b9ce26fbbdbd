"""From bytes to a fact, or to the reason why not. Pure; `now` is passed in.

The common way runs on msgspec; whatever it refuses is judged again by the contract's pydantic models, which
alone decide and name the fields at fault. A test holds that both accept the same events.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BaseModel, ValidationError

from shared.contracts.envelope import Event
from shared.contracts.facts import FACTS_OF_MODULE, RETRACTED, FactRetracted
from shared.contracts.words import CLOCK_SKEW_DAYS, MAX_EVENT_BYTES, short_type
from shared.runtime import tracing
from shared.runtime.ledger.lifecycle import EntityRef, Fact, Lifecycle
from shared.runtime.problem import pointer

MAX_DEPTH = 12
"""How deep arrays and objects of an event may be nested."""

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
MAX_YEARS_AHEAD = 10
"""How far a due date, or the day that an article is about, may lie ahead."""

_AHEAD_FIELDS = frozenset({"due_at", "new_due_at", "concerns_date"})
_SUBJECT_KINDS = frozenset({"article", "question", "dossier", "procedure", "dispute"})
_PUBLISHERS = "/publishers/"
_MAX_ERRORS = 20


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """Why an event is not taken. `code` is stable; `errors` are (JSON pointer, detail) pairs."""

    code: str
    detail: str
    errors: tuple[tuple[str, str], ...] = ()
    source: str | None = None
    id: str | None = None
    type: str | None = None


class Envelope(msgspec.Struct, gc=False):
    """The attributes of one event with its data still as bytes."""

    specversion: Literal["1.0"]
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
    source: Annotated[str, msgspec.Meta(max_length=120, pattern=r"^/(?:publishers|services)/[a-z0-9._-]+\Z")]
    type: Annotated[str, msgspec.Meta(max_length=120, pattern=r"^vn\.laocai\.[a-z_]+\.[a-z_]+\.v[0-9]+\Z")]
    subject: Annotated[str, msgspec.Meta(max_length=300, pattern=r"^[a-z_]+/[^\n]+\Z")]
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    data: msgspec.Raw
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: str | None = None

    @property
    def publisher(self) -> str | None:
        """The publisher that the source names; None when it names something else."""
        return self.source.removeprefix(_PUBLISHERS) if self.source.startswith(_PUBLISHERS) else None


class Candidate(msgspec.Struct, frozen=True):
    """A well-formed fact that is still to be stored.

    `ref` is None for a retraction, and `retracts` names its target. `event` is the event as sent, `digest`
    tells a repeat from a conflict.
    """

    fact: Fact
    ref: EntityRef | None
    digest: bytes
    event: bytes
    retracts: tuple[str, str] | None = None
    trace: str | None = None
    """The trace that the sender asked for, as a traceparent."""


class _Claims(msgspec.Struct, gc=False):
    source: Any = None
    id: Any = None
    type: Any = None


_decode_envelope = msgspec.json.Decoder(Envelope).decode
_decode_claims = msgspec.json.Decoder(_Claims).decode
_decode_any = msgspec.json.Decoder().decode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def open_event(event: bytes) -> Envelope | Refusal:
    """Read the attributes of one structured event."""
    if len(event) > MAX_EVENT_BYTES:
        return Refusal("too_large", f"an event has at most {MAX_EVENT_BYTES} bytes, not {len(event)}")
    if too_deep(event):
        return Refusal("too_deep", f"an event is nested at most {MAX_DEPTH} deep")
    try:
        envelope = _decode_envelope(event)
        if memoryview(envelope.data)[0] == 0x7B:
            return envelope
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    return _open_by_contract(event)


def _open_by_contract(event: bytes) -> Envelope | Refusal:
    claims = claimed(event)
    try:
        model = Event.model_validate_json(event)
        return Envelope(
            specversion=model.specversion, id=model.id, source=model.source, type=model.type,
            subject=model.subject, time=model.time, data=msgspec.Raw(msgspec.json.encode(model.data)),
        )  # fmt: skip
    except ValidationError as error:
        return Refusal("envelope", "the event is not a CloudEvent of the contract", _errors(error), *claims)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Refusal("malformed", "the event is not JSON that can be kept", (), *claims)


def claimed(event: bytes) -> tuple[str | None, str | None, str | None]:
    """What a refused event says about its source, id and type, cut to a sane length; None when unreadable."""
    try:
        claims = _decode_claims(event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None, None, None
    source, id_, type_ = (
        storable(value)[:200] if isinstance(value, str) else None
        for value in (claims.source, claims.id, claims.type)
    )
    return source, id_, type_


def storable(text: str) -> str:
    """`text` without what PostgreSQL cannot keep."""
    return text.replace("\x00", "�")


def too_deep(event: bytes) -> bool:
    """Whether arrays and objects are nested deeper than allowed. Linear; brackets in text do not count."""
    if event.count(b"{") + event.count(b"[") <= MAX_DEPTH:
        return False
    depth = 0
    inside = escaped = False
    for byte in event:
        if inside:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                inside = False
        elif byte == 0x22:
            inside = True
        elif byte in (0x7B, 0x5B):
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif byte in (0x7D, 0x5D):
            depth -= 1
    return False


class Vocabulary:
    """The facts one module understands, ready for the hot path."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._models: dict[str, type[BaseModel]] = {
            **lifecycle.fact_models, RETRACTED: FactRetracted,
        }  # fmt: skip
        self._elsewhere = {short: module for module, facts in FACTS_OF_MODULE.items() for short in facts}
        self._instants = {short: tuple(_instant_fields(model)) for short, model in self._models.items()}

    @property
    def module(self) -> str:
        """Whose facts these are."""
        return self._lifecycle.module

    def read(self, envelope: Envelope, event: bytes, now: datetime) -> Candidate | Refusal:
        """The fact of an envelope, its data held against the contract."""

        def refuse(code: str, detail: str, errors: tuple[tuple[str, str], ...] = ()) -> Refusal:
            return Refusal(code, detail, errors, envelope.source, envelope.id, envelope.type)

        short = short_type(envelope.type)
        model = self._models.get(short) if short is not None else None
        if short is None or model is None:
            return refuse(*self._unknown(short, envelope.type))
        latest = now + timedelta(days=CLOCK_SKEW_DAYS)
        if not (2000 < envelope.time.year < now.year or EARLIEST <= envelope.time <= latest):
            wrong = _outside(envelope.time, latest)
            return refuse("time", f"time {wrong}", (("/time", wrong),))
        try:
            data = _decode_any(envelope.data)
            valid = model.__pydantic_validator__.validate_python(data)
        except ValidationError as error:
            return refuse("schema", f"data does not fit {short} of the contract", _errors(error, ("data",)))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return refuse("malformed", "data is not JSON that can be kept")
        errors = self._bad_instants(short, valid, now, latest)
        if errors:
            return refuse("time", "an instant of data lies outside what can be meant", errors)
        fact = Fact(envelope.source, envelope.id, short, envelope.time, data["agency"], data)
        digest = content_digest(envelope, data)
        trace = tracing.parse(envelope.traceparent) if envelope.traceparent is not None else None
        if short == RETRACTED:
            target = data["retracts"]
            return Candidate(fact, None, digest, event, (target["source"], target["id"]), trace)
        ref = self._lifecycle.entity_of(short, data, envelope.id)
        if ref.kind in _SUBJECT_KINDS and envelope.subject != f"{ref.kind}/{ref.entity}":
            expected = f"must be {ref.kind}/{ref.entity}, as data says"
            return refuse("subject", f"subject {expected}", (("/subject", expected),))
        return Candidate(fact, ref, digest, event, None, trace)

    def _unknown(self, short: str | None, full: str) -> tuple[str, str]:
        module = self._elsewhere.get(short or "")
        if module is not None:
            return "wrong_module", f"{short} belongs to {module}: send it to the {module} service or inbox"
        return "unknown_type", f"the contract has no type {full}"

    def _bad_instants(
        self, short: str, valid: Any, now: datetime, latest: datetime
    ) -> tuple[tuple[str, str], ...]:
        """Pointers to the instants of data that nobody can mean."""
        bad: tuple[tuple[str, str], ...] = ()
        for name in self._instants[short]:
            value = getattr(valid, name)
            if value is None or 2000 < value.year < now.year:
                continue
            if type(value) is date:
                value = datetime(value.year, value.month, value.day, tzinfo=UTC)
            if EARLIEST <= value <= latest:
                continue
            limit = now + timedelta(days=365 * MAX_YEARS_AHEAD) if name in _AHEAD_FIELDS else latest
            if not EARLIEST <= value <= limit:
                bad += ((f"/data/{name}", _outside(value, limit)),)
        return bad


def content_digest(envelope: Envelope, data: Mapping[str, Any]) -> bytes:
    """16 bytes of what makes two events the same: type, subject, instant and data, however spelt."""
    instant = envelope.time.astimezone(UTC)
    canonical = _encode_sorted((envelope.type, envelope.subject, instant, data))
    return hashlib.blake2b(canonical, digest_size=16).digest()


def _outside(instant: datetime, latest: datetime) -> str:
    return "lies too far in the future" if instant > latest else "lies before the year 2000"


def _instant_fields(model: type[BaseModel]) -> Iterable[str]:
    for name, field in model.model_fields.items():
        if name == "date" or name == "at" or name.endswith(("_at", "_date")):
            yield name
        elif "datetime" in repr(field.annotation):
            raise TypeError(f"{model.__name__}.{name} is an instant: name it …_at")


def _errors(error: ValidationError, prefix: tuple[str, ...] = ()) -> tuple[tuple[str, str], ...]:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return tuple((pointer((*prefix, *item["loc"])), storable(item["msg"])) for item in found[:_MAX_ERRORS])
