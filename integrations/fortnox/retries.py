"""Repeat a request only if that is harmless: TEMPORARY means certainly not carried out."""

from collections.abc import Callable
from typing import TypeVar

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from daemon.domain.invoice import AccountingError, Fault
from integrations.fortnox.pacing import AGAIN

ATTEMPTS = 4

Result = TypeVar("Result")


def repeated(
    call: Callable[[], Result], sleep: Callable[[float], None], *, attempts: int = ATTEMPTS
) -> Result:
    """Call again after a TEMPORARY error, after 1, 2 and 4 s; then the error stands."""
    return Retrying(
        retry=retry_if_exception(_is_temporary),
        stop=stop_after_attempt(attempts),
        wait=wait_exponential(multiplier=1, max=30),
        sleep=sleep,
        reraise=True,
    )(call)


def not_sent(what: str, error: Exception) -> AccountingError:
    """No connection came about: not a byte of the request left us."""
    message = f"Fortnox: {what}: ingen förbindelse ({type(error).__name__})"
    return AccountingError(Fault.TEMPORARY, message, remedy=AGAIN)


def lost(what: str, error: Exception, *, harmless: bool) -> AccountingError:
    """The request left us and no answer came: it may have been carried out."""
    fault = Fault.TEMPORARY if harmless else Fault.UNCLEAR
    return AccountingError(
        fault, f"Fortnox: {what}: inget svar ({type(error).__name__})", remedy=AGAIN
    )


def _is_temporary(error: BaseException) -> bool:
    return isinstance(error, AccountingError) and error.fault is Fault.TEMPORARY


NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
