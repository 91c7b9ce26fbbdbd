"""What a service is told from outside: environment variables with the prefix `BUS_`."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, PostgresDsn, StringConstraints, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contracts.topics import DEFAULT_PARTITIONS

Servers = Annotated[str, StringConstraints(pattern=r"^[^\s,:]+:\d{1,5}(,[^\s,:]+:\d{1,5})*$")]


class ServiceSettings(BaseSettings):
    """Settings that every service understands. A service adds its own in a subclass."""

    model_config = SettingsConfigDict(env_prefix="BUS_", frozen=True, extra="ignore", env_ignore_empty=True)

    kafka: Servers = Field(description="Bootstrap servers, `host:port` joined by commas.")
    database: PostgresDsn = Field(description="PostgreSQL of this service, with its own role.")
    host: str = Field(default="127.0.0.1", description="Address that HTTP listens on.")
    port: int = Field(ge=1, le=65_535, description="Port that HTTP listens on.")
    partitions: int = Field(default=DEFAULT_PARTITIONS, ge=1, le=1_000)
    log: Literal["json", "console"] = "json"
    operator_token: str | None = Field(
        default=None,
        min_length=16,
        description="When set, operator commands over HTTP must carry it as a bearer token.",
    )
    traces: str | None = Field(
        default=None, pattern=r"^https?://", description="An OpenTelemetry collector, http://host:4318."
    )
    database_connections: int = Field(default=6, ge=4, le=50)
    stall_seconds: float = Field(
        default=60.0, gt=1, description="A loop without progress for so long ends the process."
    )

    faults: bool = Field(default=False, description="Tests only: this process may be harmed on purpose.")
    failpoints: Path | None = Field(
        default=None,
        description="Tests only, refused without BUS_FAULTS=1: see shared/runtime/failpoints.py.",
    )

    @model_validator(mode="after")
    def _harm_is_asked_for_twice(self) -> Self:
        if self.failpoints is not None and not self.faults:
            raise ValueError(
                "BUS_FAILPOINTS lets tests kill this process: refused without BUS_FAULTS=1. Take it out."
            )
        return self

    def database_url(self) -> str:
        """The database as the driver takes it."""
        return str(self.database)

    def kafka_servers(self) -> list[str]:
        """The bootstrap servers one by one."""
        return self.kafka.split(",")
