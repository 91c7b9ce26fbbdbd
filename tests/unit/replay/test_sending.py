"""How messages are made ready to travel: signatures that the bus verifies, requests within its limits."""

from collections.abc import Mapping

import msgspec
import pytest

from deploy.replay.generate import Message
from deploy.replay.http_way import requests
from deploy.replay.keyring import grants
from deploy.replay.outbound import key_of, record
from deploy.replay.target import from_environment
from shared.contracts.words import MAX_EVENTS_PER_REQUEST
from shared.register import shipped_register
from shared.runtime.ledger.decode import Refusal
from shared.runtime.ledger.records import Opened, open_record
from shared.runtime.signature import SignatureError, verify

KEYS: Mapping[str, bytes] = {name: (name.encode() * 40)[:32] for name in grants(shipped_register())}
STAMP = 1_700_000_000


def _some(messages: list[Message], via: str, count: int = 300) -> list[Message]:
    chosen = [m for m in messages if m.via == via and m.expect == "accepted"]
    return chosen[:: max(1, len(chosen) // count)]


@pytest.mark.parametrize("via", ["kafka", "kafka-binary"])
def test_records_open_to_the_same_event_and_their_signature_holds(messages: list[Message], via: str) -> None:
    for message in _some(messages, via):
        value, headers = record(message, key_of(message, KEYS), STAMP)
        opened = open_record(value, headers)
        assert isinstance(opened, Opened)
        verify([KEYS[message.publisher]], opened.signature, value)
        told = msgspec.json.decode(opened.event)
        meant = msgspec.json.decode(message.event)
        assert {name: told[name] for name in ("id", "source", "type", "subject", "time", "data")} == {
            name: meant[name] for name in ("id", "source", "type", "subject", "time", "data")
        }


def test_a_forged_record_does_not_verify(messages: list[Message]) -> None:
    for message in (m for m in messages if m.forged and m.via == "kafka"):
        value, headers = record(message, key_of(message, KEYS), STAMP)
        opened = open_record(value, headers)
        assert isinstance(opened, Opened)
        with pytest.raises(SignatureError):
            verify([KEYS[message.publisher]], opened.signature, value)


def test_a_broken_record_is_refused_when_opened(messages: list[Message]) -> None:
    for message in (m for m in messages if m.why == "not-json" and m.via == "kafka"):
        value, headers = record(message, key_of(message, KEYS), STAMP)
        assert isinstance(open_record(value, headers), Refusal)


def test_requests_hold_one_publisher_and_service_and_at_most_a_thousand_events(
    messages: list[Message],
) -> None:
    over_http = [m for m in messages if m.via == "http"]
    made = requests(over_http)
    assert sum(len(request.messages) for request in made) == len(over_http)
    for request in made:
        assert len({(m.publisher, m.module) for m in request.messages}) == 1
        assert len(request.messages) <= MAX_EVENTS_PER_REQUEST
        assert request.lone == any(m.forged or m.raw is not None for m in request.messages)
        assert not request.lone or len(request.messages) == 1
    order: dict[tuple[str, str, bool], int] = {}
    for request in made:
        place = (request.messages[0].publisher, request.messages[0].module, request.lone)
        assert order.get(place, -1) < request.messages[0].n
        order[place] = request.messages[-1].n


def test_every_publisher_of_the_replay_has_a_grant(messages: list[Message]) -> None:
    assert {m.publisher for m in messages} <= grants(shipped_register()).keys()


def test_the_target_of_a_container_is_named_by_its_settings() -> None:
    settings = {
        "BUS_ADMIN_DATABASE": "postgresql://admin:pw@postgres:5432/postgres",
        "BUS_MASTER_KEY_FILE": "/run/secrets/master.key",
        "BUS_KAFKA": "kafka:9092",
        **{
            f"BUS_{name}_URL": f"http://{name.lower()}:1/" for name in ("CONTENT", "QA", "DOSSIER", "SCORING")
        },
    }
    target = from_environment(None, settings)
    assert target is not None
    assert target.admin_database == "postgresql://admin:pw@postgres:5432/scorebus"
    assert target.urls["qa"] == "http://qa:1"
    assert from_environment(None, {**settings, "BUS_KAFKA": ""}) is None
