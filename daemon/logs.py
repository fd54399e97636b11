"""Logs: one JSON line an event on standard error, with the level in journald's form.

The events of a mail carry its number in the inbox (`inbox`), from the door to the last delivery
caused by it: `journalctl -u avtald -g '"inbox": 17[,}]'` shows its whole way. No line holds a
secret or anybody's address, even if the log was given one.
"""

import contextlib
import logging
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final

import structlog
from structlog.typing import EventDict, Processor

from daemon.settings.load import Settings

_LEVELS: Final = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2, "exception": 3}
_ADDRESS: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+")
_SECRET_NAME: Final = re.compile(r"passw|secret|token|authori[sz]ation|credential", re.IGNORECASE)
_SECRET_SAID: Final = re.compile(
    r"(?i)\b(bearer|basic|xoauth2|refresh_token|access_token|client_secret|password)"
    r"(\s*[=:]\s*|\s+)['\"]?[^\s'\"&,;]+"
)
_LINES: Final = 12  # of a traceback: the last calls
_SHORTEST: Final = 4  # a shorter secret would blank out ordinary words


def configure(level: int = logging.WARNING, settings: Settings | None = None) -> None:
    """Write events of at least this level, ours and the libraries'.

    The settings name the secrets to hide, and the desk's own addresses, which may be shown.
    """
    own = () if settings is None else (*settings.desk.addresses, *_mailboxes(settings))
    secrets = () if settings is None else tuple(settings.secret_texts())
    processors: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _fault,
        without(secrets, own),
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        _for_journald,
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Libraries(level)]
    root.setLevel(logging.WARNING)  # the libraries' INFO is of no use here
    logging.captureWarnings(capture=True)


def _mailboxes(settings: Settings) -> Iterable[str]:
    """The user names of our own mailboxes."""
    return (mailbox.username for mailbox in settings.intake.imap)


class _Lines:
    """Standard error; a line beyond writing is lost, and does no other harm.

    A full disk or a vanished reader must stop no loop, and refuse no durable mail.
    """

    _turn = threading.Lock()  # lines of two threads must not mix

    def msg(self, line: str) -> None:
        """Write one line."""
        faults = (OSError, ValueError, AttributeError)  # full, closed, none at all
        with self._turn, contextlib.suppress(*faults):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = exception = log = msg


class _Libraries(logging.Handler):
    """Hands the libraries' records to the same lines."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a fault of logging itself is nobody's fault."""
        try:
            fault = record.exc_info[1] if record.exc_info else None
            structlog.get_logger(record.name).log(
                record.levelno, record.getMessage(), logger=record.name, exc_info=fault
            )
        except Exception:  # noqa: BLE001  as logging itself does
            self.handleError(record)


def _fault(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """An exception in one line: its kind, its text and its place, never the values of variables."""
    fault = event.pop("exc_info", None)
    if fault is True:
        fault = sys.exc_info()[1]
    if isinstance(fault, tuple):
        fault = fault[1]
    if isinstance(fault, BaseException):
        event["fault"] = f"{type(fault).__name__}: {fault}"
        calls = traceback.extract_tb(fault.__traceback__)[-_LINES:]
        event["where"] = [f"{call.filename}:{call.lineno} {call.name}" for call in calls]
    return event


def without(
    secrets: Iterable[str], own: Iterable[str] = ()
) -> Callable[[Any, str, EventDict], EventDict]:
    """A processor that removes secrets, and every address but the desk's own."""
    hidden = sorted({each for each in secrets if len(each) >= _SHORTEST}, key=len, reverse=True)
    ours = {each.casefold() for each in own}

    def clean(text: str) -> str:
        for secret in hidden:
            text = text.replace(secret, "***")
        text = _SECRET_SAID.sub(lambda said: f"{said[1]}{said[2]}***", text)
        return _ADDRESS.sub(
            lambda named: named[0] if _is_ours(named[0], ours) else "<address>", text
        )

    def processor(_logger: Any, _method: str, event: EventDict) -> EventDict:
        return {name: _cleaned(name, value, clean) for name, value in event.items()}

    return processor


def _is_ours(address: str, ours: Iterable[str]) -> bool:
    return address.casefold() in ours


def _cleaned(name: str, value: Any, clean: Callable[[str], str]) -> Any:
    if _SECRET_NAME.search(name):
        return "***"
    if isinstance(value, bool | int | float | None):
        return value
    if isinstance(value, Mapping):
        return {str(key): _cleaned(str(key), each, clean) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(name, each, clean) for each in value]
    return clean(str(value))


def _for_journald(_logger: Any, method: str, line: MutableMapping[str, Any] | str) -> str:
    return f"<{_LEVELS.get(method, 6)}>{line}"
