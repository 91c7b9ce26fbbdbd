"""Clients of Kafka are plain without settings, and SCRAM over checked TLS with them."""

import ssl
from pathlib import Path

import pytest
from faststream.kafka.security import parse_security
from pydantic import ValidationError

from shared.runtime.kafka_security import broker_security, client_options


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BUS_KAFKA_USER", "BUS_KAFKA_PASSWORD", "BUS_KAFKA_CA_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_without_settings_a_client_is_plain() -> None:
    assert client_options() == {}
    assert broker_security() is None


def test_with_a_user_both_libraries_get_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUS_KAFKA_USER", "scoring")
    monkeypatch.setenv("BUS_KAFKA_PASSWORD", "for-tests-only")
    options = client_options()
    context = options.pop("ssl_context")
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert options == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "scoring",
        "sasl_plain_password": "for-tests-only",
    }
    parsed = parse_security(broker_security())
    assert {name: value for name, value in parsed.items() if name != "ssl_context"} == options


@pytest.mark.parametrize("name", ["BUS_KAFKA_USER", "BUS_KAFKA_PASSWORD"])
def test_half_an_identity_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "something")
    with pytest.raises(ValidationError, match="belong together"):
        client_options()


def test_a_missing_authority_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BUS_KAFKA_USER", "scoring")
    monkeypatch.setenv("BUS_KAFKA_PASSWORD", "for-tests-only")
    monkeypatch.setenv("BUS_KAFKA_CA_FILE", str(tmp_path / "none.pem"))
    with pytest.raises(FileNotFoundError):
        client_options()
