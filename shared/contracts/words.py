"""The words of the contract: names with their limits, written once and used by every model."""

from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

TYPE_PREFIX = "vn.laocai."
TYPE_SUFFIX = ".v1"
CLOCK_SKEW_DAYS = 1
"""A fact may lie at most this many days ahead of the clock of the machine that takes it in."""

MAX_EVENTS_PER_REQUEST = 1_000
MAX_EVENT_BYTES = 256 * 1024
MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_FACTS_PER_ENTITY = 1_000


def full_type(short: str) -> str:
    """`dossier.resolved` → `vn.laocai.dossier.resolved.v1`."""
    return f"{TYPE_PREFIX}{short}{TYPE_SUFFIX}"


def short_type(full: str) -> str | None:
    """`vn.laocai.dossier.resolved.v1` → `dossier.resolved`; None when the name has another form."""
    if full.startswith(TYPE_PREFIX) and full.endswith(TYPE_SUFFIX):
        return full[len(TYPE_PREFIX) : -len(TYPE_SUFFIX)]
    return None


_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
_STORABLE = r"^[^\x00]*$"
"""Checked inside pydantic's core: these run for every fact that comes in."""

Agency = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$", max_length=80)]
"""The slug of an agency: lower-case ASCII words joined by hyphens."""

Identifier = Annotated[str, StringConstraints(max_length=128, pattern=_PRINTABLE)]
"""An id that an agency's system gave: an article, a question, a dossier, a procedure."""

FactId = Annotated[str, StringConstraints(max_length=200, pattern=_PRINTABLE)]
Name = Annotated[str, StringConstraints(max_length=120, pattern=_PRINTABLE)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=1_000, pattern=_STORABLE)]
Text = Annotated[str, StringConstraints(max_length=4_000, pattern=_STORABLE)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=2_000)]
Category = Annotated[str, StringConstraints(max_length=64, pattern=_PRINTABLE)]
Period = Annotated[str, StringConstraints(pattern=r"^\d{4}(?:-(?:Q[1-4]|H[12]))?$")]
"""A quarter `2024-Q1`, a half `2024-H1` or a year `2024`."""

PublisherName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:[._-][a-z0-9]+)*$", max_length=80)]
Source = Annotated[str, StringConstraints(pattern=r"^/(?:publishers|services)/[a-z0-9._-]+$", max_length=120)]
Count = Annotated[int, Field(ge=0, le=10**12, strict=True)]
Instant = AwareDatetime
"""A moment with an offset from UTC, as RFC 3339 writes it."""
Points = Annotated[Decimal, Field(ge=0, le=1_000, max_digits=6, decimal_places=2)]
