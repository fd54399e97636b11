"""Logs: one JSON line an event on standard error, with the level as journald reads it."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_LEVELS = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}


def configure(level: int = logging.WARNING) -> None:
    """Write what is at least so grave; no subject, text or address at INFO and above."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
            _for_journald,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _for_journald(_logger: Any, method: str, line: MutableMapping[str, Any] | str) -> str:
    return f"<{_LEVELS.get(method, 6)}>{line}"
