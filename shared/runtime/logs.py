"""Logging: one JSON object per line on standard error, for our own lines and those of libraries."""

import logging
import sys
from typing import Any, Literal, cast

import structlog
from structlog.typing import FilteringBoundLogger, Processor

_QUIET = {
    "aiokafka": logging.WARNING,
    "asyncio": logging.WARNING,
    "uvicorn.access": logging.WARNING,
    "uvicorn.error": logging.WARNING,
    "faststream": logging.WARNING,
}
"""Libraries that would tell every heartbeat; their warnings and errors stay."""


# A command prints its answer on standard output: until a service configures its logs, they go elsewhere.
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


def configure(service: str, style: Literal["json", "console"] = "json", level: int = logging.INFO) -> None:
    """Route everything, also the standard `logging`, through structlog with `service` on every line."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )

    def name_service(_logger: Any, _method: str, event: Any) -> Any:
        event["service"] = service
        return event

    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, name_service],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, quiet_level in _QUIET.items():
        logging.getLogger(name).setLevel(quiet_level)
    structlog.configure(
        processors=[*shared, name_service, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


def quiet() -> None:
    """For commands: what they do is their output; only warnings and faults are told beside it."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def get(name: str) -> FilteringBoundLogger:
    """A logger for the module `name`; call it with an event and keyword facts."""
    return cast(FilteringBoundLogger, structlog.stdlib.get_logger(name))
