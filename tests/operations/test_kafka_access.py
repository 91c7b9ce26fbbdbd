"""Who may do what on the broker of the stricter variant, and the requests that say so."""

import struct
from base64 import b64decode

import pytest

from deploy.compose import kafka_wire
from deploy.compose.kafka_access import publisher, services, subscriber
from deploy.compose.kafka_wire import Operation, Pattern, Resource, Rule, WireError
from shared.contracts.topics import MODULES, TOPICS

RULES = services()


def may(user: str, operation: Operation) -> set[str]:
    return {
        rule.name
        for rule in RULES
        if (rule.user, rule.operation, rule.resource) == (user, operation, Resource.TOPIC)
    }


@pytest.mark.parametrize("module", MODULES)
def test_a_domain_service_writes_its_changes_and_what_it_refused(module: str) -> None:
    own = {f"{module}.events", "rejections", "alerts"}
    # Rulings on disputes are sent by the inboxes, signed, like any other fact.
    inboxes = {f"{one}.inbox" for one in MODULES} if module == "content" else set()
    assert may(module, Operation.WRITE) == own | inboxes
    assert may(module, Operation.READ) == {f"{module}.inbox", *own}


def test_every_topic_has_the_writers_that_its_contract_names() -> None:
    for topic in TOPICS:
        writers = {
            rule.user for rule in RULES if rule.operation is Operation.WRITE and rule.name == topic.name
        }
        declared = {writer.strip() for writer in topic.writer.split(",")}
        assert writers == ({"tools", "content"} if declared == {"publishers"} else declared), topic.name


def test_nobody_but_the_operator_writes_everywhere() -> None:
    assert "*" not in {rule.name for rule in RULES if rule.operation is Operation.WRITE}


def test_a_publisher_writes_to_inboxes_only() -> None:
    assert {(rule.operation, rule.name) for rule in publisher("x1")} == {
        (operation, f"{module}.inbox")
        for module in MODULES
        for operation in (Operation.WRITE, Operation.DESCRIBE)
    }


def test_a_subscriber_reads_in_groups_of_its_own_name() -> None:
    rules = subscriber("kho")
    assert Operation.WRITE not in {rule.operation for rule in rules}
    groups = [rule for rule in rules if rule.resource is Resource.GROUP]
    assert {(rule.name, rule.pattern) for rule in groups} == {("kho", Pattern.PREFIXED)}


def test_rules_are_written_as_the_protocol_says() -> None:
    rule = Rule("a", Operation.WRITE, Resource.TOPIC, "qa.inbox")
    assert kafka_wire.create_rules([rule]) == (
        b"\x00\x00\x00\x01\x02\x00\x08qa.inbox\x03\x00\x06User:a\x00\x01*\x04\x03"
    )
    assert kafka_wire.delete_rules_of("a") == (
        b"\x00\x00\x00\x01\x01\xff\xff\x01\x00\x06User:a\xff\xff\x01\x01"
    )


def test_a_password_becomes_the_credential_of_the_standard() -> None:
    # The salt and password of RFC 7677, section 3, with the hash and the iterations used here.
    made = kafka_wire.credential("user", "pencil", b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    assert len(made.salted) == 64
    assert kafka_wire.alter_users(["b"], [made]).startswith(
        b"\x02\x02b\x02\x00\x02\x05user\x02\x00\x00\x20\x00\x11"
    )
    assert made == kafka_wire.credential("user", "pencil", made.salt)
    assert made != kafka_wire.credential("user", "pencil2", made.salt)


def test_what_the_broker_refuses_is_told() -> None:
    told = struct.pack(">ii", 0, 2) + struct.pack(">hh", 0, -1) + struct.pack(">hh", 87, 3) + b"why"
    assert kafka_wire.rule_faults(told) == ["error 87: why"]
    told = struct.pack(">ii", 0, 1) + struct.pack(">hh", 31, 2) + b"no" + struct.pack(">i", 0)
    assert kafka_wire.deletion_faults(told) == ["error 31: no"]
    told = struct.pack(">i", 0) + b"\x03" + b"\x02a\x00\x00\x00\x00" + b"\x02b\x00\x5b\x03no\x00" + b"\x00"
    assert kafka_wire.user_faults(told) == ["b: error 91: no"]


def test_an_answer_that_ends_too_early_is_no_answer() -> None:
    with pytest.raises(WireError, match="too early"):
        kafka_wire.rule_faults(struct.pack(">ii", 0, 2))
