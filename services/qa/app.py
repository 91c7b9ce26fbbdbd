"""The qa service: its lifecycle on the shared engine."""

from typing import Any

from services.qa.lifecycle import lifecycle
from services.qa.settings import QaSettings
from shared.register.register import shipped_register
from shared.runtime.ledger import service


def run() -> int:
    """Run until asked to stop; answers the exit code. Raises pydantic.ValidationError for bad settings."""
    return service.run(QaSettings(), lifecycle(), shipped_register())


def describe_api() -> dict[str, Any]:
    """The OpenAPI document; nothing is connected to."""
    return service.describe("qa")
