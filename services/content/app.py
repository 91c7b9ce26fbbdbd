"""The content service: its lifecycle on the shared engine, and the disputes that it keeps."""

from typing import Any

from services.content.disputes_api import disputes_of
from services.content.lifecycle import lifecycle
from services.content.settings import ContentSettings
from shared.register.register import shipped_register
from shared.runtime.ledger import service


def run() -> int:
    """Run until asked to stop; answers the exit code. Raises pydantic.ValidationError for bad settings."""
    register = shipped_register()
    return service.run(ContentSettings(), lifecycle(), register, disputes_of(register))


def describe_api() -> dict[str, Any]:
    """The OpenAPI document; nothing is connected to."""
    return service.describe("content", disputes_of(()))
