"""Fuzzing what strangers reach before anything is known of them: the decoder and the signature check.

`one_input` is what runs for each input: `test_fuzz.py` drives it by hypothesis, `by_coverage.py` by atheris.
"""

import json
from datetime import UTC, datetime
from typing import Any

from services.dossier.lifecycle import lifecycle
from shared.runtime.access.cache import Publisher
from shared.runtime.access.grants import make_grant
from shared.runtime.ledger.decode import Candidate, Envelope, Refusal, Vocabulary, open_event
from shared.runtime.ledger.http import split_events
from shared.runtime.ledger.items import HTTP, Item, decode_headers, encode_headers
from shared.runtime.ledger.personal import without_asker
from shared.runtime.ledger.records import Opened, open_record
from shared.runtime.ledger.verify import check_grant, check_signature
from shared.runtime.problem import ProblemError
from shared.runtime.signature import SignatureHeaders, sign

NOW = datetime(2024, 3, 22, 5, 0, tzinfo=UTC)
SECRET = b"k" * 32
PUBLISHER = Publisher("cong", (SECRET,), make_grant(["so-y-te"], ["dossier.*"]))
VOCABULARY = Vocabulary(lifecycle())
EVENT: dict[str, Any] = {
    "specversion": "1.0", "id": "f-1", "source": "/publishers/cong", "type": "vn.laocai.dossier.received.v1",
    "subject": "dossier/D1", "time": "2024-01-15T08:30:00+07:00",
    "data": {
        "dossier_code": "D1", "agency": "so-y-te", "procedure_code": "1.004379", "channel": "online",
        "received_at": "2024-01-15T08:30:00+07:00",
    },
}  # fmt: skip
HONEST = json.dumps(EVENT).encode()
SIGNED = {
    "webhook-id": b"f-1",
    "webhook-timestamp": b"1700000000",
    "webhook-signature": sign(SECRET, "f-1", 1_700_000_000, HONEST).encode(),
}


def one_input(data: bytes) -> None:
    """Everything that is done with bytes of strangers. Raises AssertionError for what must not be."""
    _event(data)
    _request(data)
    cut = data[0] % (len(data)) if data else 0
    _record(data[cut:], _headers(data[:cut]))
    _altered(data)


def one_input_planted(data: bytes) -> None:
    """`one_input` with a break put in, which a fuzzer has to find: no event may open."""
    one_input(data)
    assert isinstance(open_event(data), Refusal), "planted: an event opened"


def _event(data: bytes) -> None:
    opened = open_event(data)
    if isinstance(opened, Refusal):
        _told(opened, data)
        return
    assert isinstance(opened, Envelope)
    content = VOCABULARY.read(opened, data, NOW)
    if isinstance(content, Candidate):
        refused = check_grant(content, PUBLISHER, frozenset({"so-y-te"}))
        assert refused is not None or content.fact.agency == "so-y-te"
    else:
        _told(content, data)


def _told(refusal: Refusal, payload: bytes) -> None:
    """A refusal can be answered and kept."""
    result = Item(HTTP, None, payload, (), refusal).result()
    json.dumps(result)
    assert result["status"] == "rejected"
    assert "\x00" not in json.dumps([refusal.source, refusal.id, refusal.type], ensure_ascii=False)
    without_asker(payload)


def _request(data: bytes) -> None:
    try:
        events = split_events("application/cloudevents-batch+json", data)
    except ProblemError:
        return
    for event in events:
        open_event(event)


def _record(value: bytes, headers: list[tuple[str, bytes | None]]) -> None:
    opened = open_record(value, headers)
    if isinstance(opened, Opened):
        assert check_signature(PUBLISHER, opened.signature, value) is not None, "nobody signed this"
    assert decode_headers(encode_headers(headers)) == headers


def _headers(data: bytes) -> list[tuple[str, bytes | None]]:
    pairs: list[tuple[str, bytes | None]] = []
    for line in data.split(b"\n")[:20]:
        name, mark, value = line.partition(b":")
        pairs.append((name.decode("latin-1"), value if mark else None))
    return pairs


def _altered(data: bytes) -> None:
    """The honest record with some bytes of it replaced: signed it was, so nothing else may pass."""
    if len(data) < 3:
        return
    place = int.from_bytes(data[:2], "big") % len(HONEST)
    changed = HONEST[:place] + data[2:] + HONEST[place + len(data) - 2 :]
    opened = open_record(changed, list(SIGNED.items()))
    if isinstance(opened, Opened) and changed != HONEST:
        assert check_signature(PUBLISHER, opened.signature, changed) is not None
    texts = [value.decode() for value in SIGNED.values()]
    which = data[0] % 3
    texts[which] = texts[which][:-1] + data[2:].decode("latin-1")
    verified = check_signature(PUBLISHER, SignatureHeaders(*texts), HONEST) is None
    assert (
        not verified
        or texts[which].startswith(SIGNED["webhook-signature"].decode())
        or texts == [value.decode() for value in SIGNED.values()]
    )
