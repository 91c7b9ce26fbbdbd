"""Settings of the scoring service."""

from pydantic import Field

from shared.runtime.settings import ServiceSettings


class ScoringSettings(ServiceSettings):
    """What scoring needs beside the common settings."""

    content_url: str = Field(
        default="http://127.0.0.1:8001", description="Where facts about content are looked up."
    )
    qa_url: str = Field(default="http://127.0.0.1:8002", description="Where facts about questions are.")
    dossier_url: str = Field(default="http://127.0.0.1:8003", description="Where facts about dossiers are.")
    batch_records: int = Field(default=10_000, ge=1, le=100_000, description="Records of one transaction.")
    stream_clients: int = Field(default=200, ge=1, le=10_000, description="Streams served at once.")

    def domain_urls(self) -> dict[str, str]:
        """The domain services by module."""
        return {"content": self.content_url, "qa": self.qa_url, "dossier": self.dossier_url}
