"""What the report service is told from outside: environment variables with the prefix `BUS_`."""

from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from shared.calendar.periods import parse_period
from shared.runtime.settings import ServiceSettings


class ReportSettings(ServiceSettings):
    """Addresses, limits and policy of the dashboard and of the webhooks.

    `reading` open lets everybody read; closed asks every reader to sign in. Actions always need a
    signed-in officer. `cut_offs` names the last day that counts in a period, `2024-Q1=2024-03-22,…`,
    for periods whose report is written before they end.
    """

    content_url: str = "http://127.0.0.1:8001"
    qa_url: str = "http://127.0.0.1:8002"
    dossier_url: str = "http://127.0.0.1:8003"
    scoring_url: str = "http://127.0.0.1:8004"
    master_key_file: Path | None = None
    reading: Literal["open", "closed"] = "open"
    cut_offs: str = ""
    grafana_url: str | None = None
    secure_cookies: bool = False
    feed_days: int = Field(default=400, ge=1, le=4_000)
    webhook_private_targets: bool = False
    dispute_key_file: Path | None = Field(
        default=None, description="The publisher that submits disputes of agencies' people: a kept key."
    )
    public_url: str | None = Field(default=None, description="Where browsers find the dashboard.")
    oidc_issuer: str | None = Field(default=None, description="When set, officers may sign in there.")
    oidc_client_id: str | None = None
    oidc_client_secret_file: Path | None = None
    oidc_role_claim: str = "roles"
    oidc_roles: str = Field(default="", description="`officer=<word of the claim>,approver=<word>`.")

    @field_validator("cut_offs")
    @classmethod
    def _readable(cls, text: str) -> str:
        read_cut_offs(text)
        return text

    @property
    def cut_off_of(self) -> dict[str, date]:
        """The last day that counts, by period."""
        return read_cut_offs(self.cut_offs)


def read_cut_offs(text: str) -> dict[str, date]:
    """`2024-Q1=2024-03-22,2024-Q2=…` as a mapping. Raises ValueError that names the wrong part."""
    found: dict[str, date] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, day_text = part.partition("=")
        try:
            period, day = parse_period(name), date.fromisoformat(day_text)
        except ValueError as error:
            raise ValueError(f"BUS_CUT_OFFS: {part!r}: {error}; write it as 2024-Q1=2024-03-22") from error
        if not period.first <= day <= period.last:
            raise ValueError(f"BUS_CUT_OFFS: {part!r}: the day lies outside of the period")
        found[name] = day
    return found
