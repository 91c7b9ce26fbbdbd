"""Settings of the three domain services."""

from pathlib import Path

from pydantic import Field

from shared.runtime.access.rate import DEFAULT_EVENTS_PER_SECOND
from shared.runtime.settings import ServiceSettings


class LedgerSettings(ServiceSettings):
    """What a domain service needs beside the common settings."""

    master_key_file: Path = Field(description="Base64 of the 32 bytes that publishers' keys are sealed with.")
    batch_records: int = Field(default=2_000, ge=1, le=10_000, description="Records of one transaction.")
    publisher_events_per_second: int = Field(
        default=DEFAULT_EVENTS_PER_SECOND,
        ge=1,
        le=1_000_000,
        description="What a publisher without a rate of its own may send over HTTP to this process.",
    )
