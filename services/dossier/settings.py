"""Settings of the dossier service: those that every domain service has."""

from shared.runtime.ledger.settings import LedgerSettings


class DossierSettings(LedgerSettings):
    """Environment variables with the prefix `BUS_`."""
