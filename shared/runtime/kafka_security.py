"""How a client proves to Kafka who it is: SASL/SCRAM over TLS where the settings say so, else nothing.

BUS_KAFKA_USER       name of the SCRAM user; without it the connection is plain
BUS_KAFKA_PASSWORD   its password
BUS_KAFKA_CA_FILE    PEM of the broker's authority; without it those that the system trusts
"""

import ssl
from pathlib import Path
from typing import Any

from faststream.security import SASLScram512
from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MECHANISM = "SCRAM-SHA-512"


class KafkaSecurity(BaseSettings):
    """The settings, read from the environment."""

    model_config = SettingsConfigDict(env_prefix="BUS_KAFKA_", frozen=True, extra="ignore")

    user: str | None = Field(default=None, min_length=1)
    password: SecretStr | None = None
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _complete(self) -> "KafkaSecurity":
        if (self.user is None) != (self.password is None):
            raise ValueError("BUS_KAFKA_USER and BUS_KAFKA_PASSWORD belong together")
        return self

    def context(self) -> ssl.SSLContext:
        """A TLS context that checks the broker's certificate and name. Raises OSError without the CA file."""
        return ssl.create_default_context(cafile=self.ca_file)


def client_options() -> dict[str, Any]:
    """What an aiokafka client needs beside its servers; nothing for a plain connection."""
    settings = KafkaSecurity()
    if settings.user is None or settings.password is None:
        return {}
    return {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": MECHANISM,
        "sasl_plain_username": settings.user,
        "sasl_plain_password": settings.password.get_secret_value(),
        "ssl_context": settings.context(),
    }


def broker_security() -> SASLScram512 | None:
    """The same for FastStream's broker."""
    settings = KafkaSecurity()
    if settings.user is None or settings.password is None:
        return None
    return SASLScram512(
        settings.user, settings.password.get_secret_value(), ssl_context=settings.context(), use_ssl=True
    )
