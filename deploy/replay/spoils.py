"""What a bus must bear: repeats of good messages, and messages that must be refused."""

from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

from deploy.replay.drafts import Book, Draft, Expect, Via, envelope
from deploy.replay.spans import QUARTER
from deploy.replay.titles import PROVINCE
from deploy.replay.worktime import DAY, at, day_text, iso

REPEAT_SHARE = 0.03
BAD_EACH = 40
"""Messages of each bad kind."""
CONFLICTS = 40
FUTURE = "2094-01-01T08:00:00+07:00"
"""Far ahead of any clock that will run this replay."""

Event = dict[str, Any]


def repeat_some(book: Book) -> None:
    """Send 3% of the messages again, the same bytes, seconds to days later and perhaps another way."""
    chance = Random(book.random.random())
    for draft in chance.sample(book.drafts, int(len(book.drafts) * REPEAT_SHARE)):
        via: Via = "kafka" if chance.random() < 0.5 else "http"
        book.extra(_as(draft, draft.send_at + chance.randrange(10, 3 * DAY), "duplicate", "repeat", via=via))


def contradict_some(book: Book) -> None:
    """The same identity with other content, after everything else, so that the first one surely stands.

    Only facts that travel over HTTP are contradicted: their answer says that they have been stored.
    """
    chance = Random(book.random.random())
    sure = [
        d for d in book.drafts if d.via == "http" and d.expect == "accepted" and b".received.v1" in d.body
    ]
    for draft in chance.sample(sure, CONFLICTS):
        event = msgspec.json.decode(draft.body)
        event["time"] = iso(at(QUARTER.first, 3_600 + chance.randrange(DAY)))
        via: Via = "kafka" if chance.random() < 0.5 else "http"
        conflict = _as(draft, draft.send_at, "rejected", "conflict", via=via)
        conflict.body = msgspec.json.encode(event)
        conflict.phase = "after"
        book.extra(conflict)


def _as(draft: Draft, send_at: int, expect: Expect, why: str, *, via: Via) -> Draft:
    return Draft(
        send_at, 0, draft.publisher, draft.module, draft.key, via, draft.body, expect=expect, why=why
    )


def spoil_some(book: Book) -> None:
    """A few hundred messages that must be refused, of every kind, scattered over the quarter."""
    chance = Random(book.random.random())
    for why, make in _KINDS.items():
        for index in range(BAD_EACH):
            _spoil(book, chance, why, make, index)


def _spoil(book: Book, chance: Random, why: str, make: "Spoiler", index: int) -> None:
    when = at(chance.randrange(QUARTER.first, QUARTER.last), chance.randrange(28_800, 61_200))
    number = f"hong-{why}-{index:03d}"
    data: Event = {
        "agency": PROVINCE,
        "article_id": number,
        "title": "Tin hỏng",
        "url": "https://cong-ttdt-tinh.laocai.example/hong",
        "kind": "news",
        "published_at": iso(when),
    }
    body = envelope(f"{number}/published", PROVINCE, "article.published", f"article/{number}", when, data)
    via: Via = "kafka" if index % 2 else "http"
    draft = Draft(when, 0, PROVINCE, "content", number, via, body, expect="rejected", why=why)
    make(draft, msgspec.json.decode(body))
    book.extra(draft)


Spoiler = Callable[[Draft, Event], None]


def _forged(draft: Draft, event: Event) -> None:
    draft.forged = True


def _unknown_type(draft: Draft, event: Event) -> None:
    draft.body = msgspec.json.encode(event | {"type": "vn.laocai.article.liked.v1"})


def _not_json(draft: Draft, event: Event) -> None:
    draft.body = draft.body[: len(draft.body) // 2]


def _foreign_agency(draft: Draft, event: Event) -> None:
    """A portal speaks for another one."""
    draft.publisher = "so-y-te"
    data = event["data"] | {"agency": "so-tai-chinh"}
    draft.body = msgspec.json.encode(event | {"source": "/publishers/so-y-te", "data": data})


def _unknown_agency(draft: Draft, event: Event) -> None:
    draft.publisher = "mot-cua-dien-tu"
    draft.module = "dossier"
    code = f"000.00.99.H38-240105-{int(draft.key[-3:]):04d}"
    data = {
        "agency": "so-khong-co",
        "dossier_code": code,
        "procedure_code": "1.001000",
        "channel": "online",
        "received_at": event["time"],
    }
    changes = {
        "source": "/publishers/mot-cua-dien-tu",
        "type": "vn.laocai.dossier.received.v1",
        "subject": f"dossier/{code}",
        "data": data,
    }
    draft.body = msgspec.json.encode(event | changes)


def _future(draft: Draft, event: Event) -> None:
    data = event["data"] | {"published_at": FUTURE}
    draft.body = msgspec.json.encode(event | {"time": FUTURE, "data": data})


def _missing_field(draft: Draft, event: Event) -> None:
    data = {name: value for name, value in event["data"].items() if name != "kind"}
    draft.body = msgspec.json.encode(event | {"data": data})


def _wrong_word(draft: Draft, event: Event) -> None:
    draft.body = msgspec.json.encode(event | {"data": event["data"] | {"kind": "video"}})


def _naive_time(draft: Draft, event: Event) -> None:
    draft.body = msgspec.json.encode(event | {"time": f"{day_text(QUARTER.first)}T08:00:00"})


def _wrong_subject(draft: Draft, event: Event) -> None:
    draft.body = msgspec.json.encode(event | {"subject": "article/another"})


_KINDS: dict[str, Spoiler] = {
    "forged": _forged,
    "unknown-type": _unknown_type,
    "not-json": _not_json,
    "foreign-agency": _foreign_agency,
    "unknown-agency": _unknown_agency,
    "future": _future,
    "missing-field": _missing_field,
    "wrong-word": _wrong_word,
    "naive-time": _naive_time,
    "wrong-subject": _wrong_subject,
}
