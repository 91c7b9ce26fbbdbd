"""Settings of the content service: those that every domain service has."""

from shared.runtime.ledger.settings import LedgerSettings


class ContentSettings(LedgerSettings):
    """Environment variables with the prefix `BUS_`."""
