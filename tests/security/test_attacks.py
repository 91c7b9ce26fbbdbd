"""Every attack on identity, twice: with its guard it fails; with only that guard taken out it gets through.

The second half is what makes the first worth something: an attack that would fail for another reason, or a
guard that guards nothing, shows here.
"""

import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from shared.runtime import signature
from shared.runtime.access import cache, limit_publisher, revoke_publisher, rotate_publisher
from shared.runtime.access.grants import Grant
from shared.runtime.access.rate import RateLimits
from shared.runtime.ledger import http, records, statements, store, verify
from shared.runtime.ledger.decode import Envelope
from shared.runtime.ledger.lifecycle import EntityRef
from tests.integration.ledger.conftest import event, retraction
from tests.security.entrance import Entrance, Key, entrance

pytestmark = pytest.mark.anyio
Patch = pytest.MonkeyPatch

RECEIVED = "2024-01-10T08:00"


def fact(
    id_: str, code: str = "D1", kind: str = "received", source: str = "cong", **data: Any
) -> dict[str, Any]:
    """A dossier fact of a publisher."""
    made = event(kind, code, id_, "2024-01-12T08:00" if kind == "resolved" else RECEIVED, **data)
    return {**made, "source": f"/publishers/{source}"}


def status(answer: Any) -> str:
    """What the sender is told of a request's first event: its status, or the problem's code."""
    document = answer.json()
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        return str(document["type"].rpartition(":")[2])
    result = document["results"][0]
    return str(result["problem"]["type"].rpartition(":")[2] if "problem" in result else result["status"])


# ------------------------------------------------------------------------------------- the attacks
# Each answers what became of it: the reason of its refusal, or "through".


async def forged_request(at: Entrance) -> str:
    await at.publisher("cong")
    return _through(status(await at.post([fact("f")], Key("cong", b"x" * 32))))


async def forged_record(at: Entrance) -> str:
    await at.publisher("cong")
    value = json.dumps(fact("f")).encode()
    return _through(await at.take(value, Key("cong", b"x" * 32).headers(value)))


async def altered_request(at: Entrance) -> str:
    key = await at.publisher("cong")
    honest = json.dumps([fact("f")]).encode()
    return _through(status(await at.post([fact("f", channel="one_stop")], key, key.headers(honest))))


async def altered_record(at: Entrance) -> str:
    key = await at.publisher("cong")
    honest = json.dumps(fact("f")).encode()
    return _through(await at.take(honest.replace(b"online", b"one_stop"), key.headers(honest)))


async def overheard_request(at: Entrance) -> str:
    """An honest request of an hour ago, kept by somebody on the way and never delivered."""
    key = await at.publisher("cong")
    body = json.dumps([fact("f")]).encode()
    return _through(status(await at.post([fact("f")], key, key.headers(body, seconds_ago=3_600))))


async def replayed_request(at: Entrance) -> str:
    key = await at.publisher("cong")
    body = json.dumps([fact("f")]).encode()
    headers = key.headers(body)
    await at.post([fact("f")], key, headers)
    again = status(await at.post([fact("f")], key, headers))
    return "through" if await at.facts() > 1 else again


async def replayed_record(at: Entrance) -> str:
    key = await at.publisher("cong")
    value = json.dumps(fact("f")).encode()
    headers = key.headers(value)
    await at.take(value, headers)
    again = await at.take(value, headers)
    return "through" if await at.facts() > 1 else again


async def record_under_another_id(at: Entrance) -> str:
    """Binary mode: a signed value sent again with another ce_id, which the signature does not cover."""
    key = await at.publisher("cong")
    honest = fact("f")
    value = json.dumps(honest["data"]).encode()
    names = ("specversion", "source", "type", "subject", "time")
    attributes = {f"ce_{name}": honest[name] for name in names}
    signed = key.headers(value, "f")
    await at.take(value, {**attributes, **signed, "ce_id": "f"})
    again = await at.take(value, {**attributes, **signed, "ce_id": "f-2"})
    return "through" if await at.facts() > 1 else again


async def fact_about_another_agency(at: Entrance) -> str:
    key = await at.publisher("cong", agencies="so-noi-vu")
    return _through(status(await at.post([fact("f")], key)))


async def record_about_another_agency(at: Entrance) -> str:
    key = await at.publisher("cong", agencies="so-noi-vu")
    value = json.dumps(fact("f")).encode()
    return _through(await at.take(value, key.headers(value)))


async def fact_of_another_type(at: Entrance) -> str:
    key = await at.publisher("cong", types="dossier.received")
    return _through(status(await at.post([fact("f", kind="resolved")], key)))


async def record_of_another_type(at: Entrance) -> str:
    key = await at.publisher("cong", types="dossier.received")
    value = json.dumps(fact("f", kind="resolved")).encode()
    return _through(await at.take(value, key.headers(value)))


async def another_publisher_s_name(at: Entrance) -> str:
    """One's own fact and one in the name of somebody else, in a request that is properly signed."""
    key = await at.publisher("cong")
    await at.publisher("khac")
    answer = await at.post([fact("f"), fact("g", source="khac")], key)
    told = answer.json()["results"][1]
    return "through" if told["status"] == "accepted" else str(told["problem"]["type"].rpartition(":")[2])


async def another_agency_s_dossier(at: Entrance) -> str:
    """Resolving the dossier of another agency, by its code, in one's own name."""
    victim, thief = await at.publisher("nan-nhan", "so-y-te"), await at.publisher("cong", "so-noi-vu")
    await at.post([fact("f", source="nan-nhan")], victim)
    await at.post([fact("g", kind="resolved", agency="so-noi-vu")], thief)
    state = await at.state("D1")
    return "through" if state.get("status") == "resolved" else "untouched"


async def another_agency_s_retraction(at: Entrance) -> str:
    victim, thief = await at.publisher("nan-nhan", "so-y-te"), await at.publisher("cong", "so-noi-vu")
    await at.post([fact("f", source="nan-nhan")], victim)
    back = retraction("g", "f", agency="so-noi-vu")
    back["data"]["retracts"]["source"] = "/publishers/nan-nhan"
    told = status(await at.post([back], thief))
    return "through" if told == "accepted" else told


async def revoked_publisher(at: Entrance) -> str:
    key = await at.publisher("cong")
    assert status(await at.post([fact("before")], key)) == "accepted"
    await revoke_publisher(at.admin, "cong")
    await at.cache.refresh()
    return _through(status(await at.post([fact("f")], key)))


async def rotated_out_key(at: Entrance) -> str:
    """The oldest of three keys: only two live at once."""
    key = await at.publisher("cong")
    await rotate_publisher(at.admin, at.sealer, "cong")
    await rotate_publisher(at.admin, at.sealer, "cong")
    await at.cache.refresh()
    return _through(status(await at.post([fact("f")], key)))


async def the_clock_s_own_voice(at: Entrance) -> str:
    """A fact in the name of a service, whose deadlines nobody signs."""
    key = await at.publisher("cong")
    own = {**fact("f"), "source": "/services/dossier"}
    told = (await at.post([fact("e", "D2"), own], key)).json()["results"][1]
    return "through" if told["status"] == "accepted" else str(told["problem"]["type"].rpartition(":")[2])


async def flood(at: Entrance) -> str:
    key = await at.publisher("cong")
    await limit_publisher(at.admin, "cong", 10)
    await at.cache.refresh()
    for number in range(6):
        answer = await at.post([fact(f"f{number}-{n}", f"F{n}") for n in range(50)], key)
        if answer.status_code == 429:
            assert 1 <= int(answer.headers["retry-after"]) <= 300
            return status(answer)
    return "through"


async def stranger_settles_a_rejection(at: Entrance) -> str:
    key = await at.publisher("cong")
    await at.post([fact("f", channel="post")], key)
    (row,) = await at.refused()
    answer = await at.http.post(f"/v1/rejections/{row['number']}/drop", json={"by": "ai đó"})
    return "through" if answer.status_code == 200 else status(answer)


def _through(told: str) -> str:
    return "through" if told == "accepted" else told


# ------------------------------------------------------------------------------- taking guards out


def without_signatures(patch: Patch) -> None:
    patch.setattr(verify, "verify", lambda *_: None)


def without_age(patch: Patch) -> None:
    patch.setattr(http, "check_age", lambda *_: None)


def without_agency_grants(patch: Patch) -> None:
    patch.setattr(Grant, "allows_agency", lambda *_: True)


def without_type_grants(patch: Patch) -> None:
    patch.setattr(Grant, "allows_type", lambda *_: True)


def without_source_check(patch: Patch) -> None:
    patch.setattr(http, "check_source", lambda *_: None)


def without_ledger_key(patch: Patch) -> None:
    """The ledger takes a (source, id) again; the second time it differs by a blank no reader sees."""
    statement = statements._INSERT_FACTS.replace("ON CONFLICT (source, id) DO NOTHING", "")
    patch.setattr(statements, "_INSERT_FACTS", statement)


def without_revocation(patch: Patch) -> None:
    query = cache._QUERY.replace("AND k.revoked_at IS NULL", "").replace("WHERE p.revoked_at IS NULL", "")
    assert query.count("revoked_at") == 0
    patch.setattr(cache, "_QUERY", query)


def without_retraction_rules(patch: Patch) -> None:
    patch.setattr(store, "_refuse_retraction", lambda *_: None)


def without_scopes(patch: Patch) -> None:
    """Entities are known by kind and id alone, whoever speaks of them."""
    from services.dossier.lifecycle import DossierLifecycle

    original = DossierLifecycle.entity_of

    def unscoped(self: DossierLifecycle, fact_type: str, data: Any, fact_id: str) -> EntityRef:
        return replace(original(self, fact_type, data, fact_id), scope="so-y-te")

    patch.setattr(DossierLifecycle, "entity_of", unscoped)


def without_bound_ids(patch: Patch) -> None:
    """Records whose signature is for another id are taken: the header is believed to be the event's."""
    original = verify.signature_headers

    def blind(headers: dict[str, str]) -> signature.SignatureHeaders:
        return replace(original(headers), message_id=headers.get("ce_id", ""))

    patch.setattr(records, "signature_headers", blind)
    patch.setattr(verify, "verify", _verify_by("f"))


def _verify_by(message_id: str) -> Callable[..., None]:
    def check(keys: Any, headers: signature.SignatureHeaders, payload: bytes) -> None:
        signature.verify(keys, replace(headers, message_id=message_id), payload)

    return check


def without_services_apart(patch: Patch) -> None:
    """`/services/…` is read as if it were the publisher who signed."""
    patch.setattr(Envelope, "publisher", property(lambda self: "cong"))


def without_rates(patch: Patch) -> None:
    patch.setattr(RateLimits, "wait_seconds", lambda *_: 0.0)


def without_the_operator_s_token(patch: Patch) -> None:
    patch.setattr(hmac, "compare_digest", lambda *_: True)


@dataclass(frozen=True, slots=True)
class Case:
    """An attack, how it ends, and the guard that ends it so."""

    attack: Callable[[Entrance], Awaitable[str]]
    ends: str
    guard: Callable[[Patch], None]

    def __str__(self) -> str:
        return self.attack.__name__


CASES = (
    Case(forged_request, "signature", without_signatures),
    Case(forged_record, "signature", without_signatures),
    Case(altered_request, "signature", without_signatures),
    Case(altered_record, "signature", without_signatures),
    Case(overheard_request, "signature", without_age),
    Case(replayed_request, "duplicate", without_ledger_key),
    Case(replayed_record, "duplicate", without_ledger_key),
    Case(record_under_another_id, "signature", without_bound_ids),
    Case(fact_about_another_agency, "grant", without_agency_grants),
    Case(record_about_another_agency, "grant", without_agency_grants),
    Case(fact_of_another_type, "grant", without_type_grants),
    Case(record_of_another_type, "grant", without_type_grants),
    Case(another_publisher_s_name, "source", without_source_check),
    Case(another_agency_s_dossier, "untouched", without_scopes),
    Case(another_agency_s_retraction, "retraction", without_retraction_rules),
    Case(revoked_publisher, "signature", without_revocation),
    Case(rotated_out_key, "signature", without_revocation),
    Case(the_clock_s_own_voice, "source", without_services_apart),
    Case(flood, "rate", without_rates),
    Case(stranger_settles_a_rejection, "operator", without_the_operator_s_token),
)

SHOWN = {"signature", "grant", "source", "retraction"}
"""Refusals of single facts that operators must find on the list of rejections."""

WHOLE_REQUESTS = ("forged_request", "altered_request", "overheard_request", "_publisher", "_key", "flood")
"""Refused as a whole, with nobody who vouches for them: counted, and told by an alert."""


def counted(reason: str) -> float:
    """How many whole requests were refused for a reason."""
    return float(http.REFUSED.labels(reason)._value.get())


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_guard_stops_an_attack_and_nothing_else_does(
    case: Case, empty_postgres_url: str, tmp_path: Path, monkeypatch: Patch
) -> None:
    async with entrance(empty_postgres_url, tmp_path, operator_token="only-the-operator-knows") as at:
        before = counted(case.ends)
        assert await case.attack(at) == case.ends
        if case.attack.__name__.endswith(WHOLE_REQUESTS):
            assert counted(case.ends) > before
        elif case.ends in SHOWN:
            assert case.ends in {row["reason"] for row in await at.refused()}
        await _clean(at)
        case.guard(monkeypatch)
        if case.guard is without_ledger_key:
            await at.pool.execute("ALTER TABLE fact DROP CONSTRAINT fact_pkey")
        assert await case.attack(at) == "through"


async def _clean(at: Entrance) -> None:
    """As before the attack."""
    await at.admin.execute(
        """TRUNCATE fact, entity, rejection, retraction, repeat, outbox, position;
           TRUNCATE access.publisher_key, access.publisher"""
    )
    await at.cache.refresh()
