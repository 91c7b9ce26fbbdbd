"""The only place that reads the wall clock. Pure code is given `now`."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers an aware instant; tests pass their own."""


def system_clock() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)
