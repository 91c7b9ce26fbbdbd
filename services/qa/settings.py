"""Settings of the qa service: those that every domain service has."""

from shared.runtime.ledger.settings import LedgerSettings


class QaSettings(LedgerSettings):
    """Environment variables with the prefix `BUS_`."""
