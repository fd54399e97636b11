"""One request to Fortnox: paced, with a valid token, repeated only if that is harmless."""

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from daemon.domain.invoice import AccountingError, Fault
from integrations.fortnox import mapping
from integrations.fortnox.access.renewal import TokenSource
from integrations.fortnox.access.sealing import TokenStore
from integrations.fortnox.access.token import ConsentError
from integrations.fortnox.errors import error_of, parse_json, read_refusal
from integrations.fortnox.pacing import HOLD_OFF, EvenPacer
from integrations.fortnox.retries import NOT_SENT, lost, not_sent, repeated
from integrations.fortnox.settings import FortnoxSettings

_LOG = logging.getLogger(__name__)
_CONNECT_SECONDS, _READ_SECONDS = 10.0, 30.0  # a write gets the setting's longer time
_LONGEST_HOLD_OFF = 60.0
# A creation asked for so long ago is not sent: the machine slept, and another may have taken over.
# The time is shorter than the desk's claim on an invoice with a request under way.
_STALE = dt.timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Call:
    """A request: `what` names it for people, `upload` is a file's name and content."""

    method: str
    path: str
    what: str
    params: Mapping[str, str] | None = None
    body: Any = None
    upload: tuple[str, bytes] | None = None

    @property
    def harmless(self) -> bool:
        """True if doing it twice does no more than doing it once."""
        return self.method == "GET"


class Transport:
    """Sends calls; every failure becomes an AccountingError."""

    def __init__(
        self,
        settings: FortnoxSettings,
        store: TokenStore,
        pacer: EvenPacer,
        *,
        clock: Callable[[], dt.datetime],
        sleep: Callable[[float], None],
    ) -> None:
        """Open no connection yet."""
        self._settings = settings
        self._pacer = pacer
        self._sleep = sleep
        self._clock = clock
        loopback = httpx.URL(settings.api_url).host in {"127.0.0.1", "localhost", "::1"}
        self._timeouts = {
            harmless: httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))
            for harmless, seconds in (
                (False, settings.timeout),
                (True, min(settings.timeout, _READ_SECONDS)),
            )
        }
        self._http = httpx.Client(timeout=self._timeouts[True], trust_env=not loopback)
        self._tokens = TokenSource(settings, store, self._http, pacer, clock=clock)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, call: Call) -> Any:
        """The answer's JSON, or None if it is empty."""
        until = self._clock() + _STALE
        return repeated(lambda: self._attempt(call, until), self._sleep)

    def _attempt(self, call: Call, until: dt.datetime) -> Any:
        access = self._tokens.access()
        response = self._exchange(call, access, until)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            access = self._tokens.renew(access)
            response = self._exchange(call, access, until)
        if not response.is_success:
            raise self._refused(call, response)
        if not response.content:
            return None
        try:
            return parse_json(response.content)
        except ValueError as error:
            raise lost(call.what, error, harmless=call.harmless) from None

    def _exchange(self, call: Call, access: str, until: dt.datetime) -> httpx.Response:
        request = self._request(call, access)
        self._pacer.wait_turn()
        if not call.harmless and self._clock() > until:
            raise not_sent(call.what, TimeoutError())
        try:
            response = self._http.send(request)
        except NOT_SENT as error:
            raise not_sent(call.what, error) from None
        except httpx.RequestError as error:
            raise lost(call.what, error, harmless=call.harmless) from None
        uid = response.headers.get("X-Uid", "-")
        _LOG.info("%s %s %s x-uid=%s", call.method, call.path, response.status_code, uid)
        return response

    def _request(self, call: Call, access: str) -> httpx.Request:
        headers = {"Authorization": f"Bearer {access}", "Accept": "application/json"}
        content = None
        if call.body is not None:
            content = mapping.encode(call.body)
            headers["Content-Type"] = "application/json"
        files = {"file": (*call.upload, "application/pdf")} if call.upload else None
        try:
            return self._http.build_request(
                call.method,
                self._settings.api_url.rstrip("/") + call.path,
                params=call.params,
                headers=headers,
                content=content,
                files=files,
                timeout=self._timeouts[call.harmless],
            )
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            message = f"Fortnox: {call.what}: adressen går inte att använda ({error})"
            raise AccountingError(Fault.BUG, message, remedy="Kontrollera api_url.") from None

    def _refused(self, call: Call, response: httpx.Response) -> AccountingError:
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            self._pacer.hold_off(_hold_off(response))
        refusal = read_refusal(response)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            return ConsentError(f"Fortnox: {call.what}: {refusal.message} (HTTP 401)")
        return error_of(refusal, call.what, harmless=call.harmless)


def _hold_off(response: httpx.Response) -> float:
    """At least 5 s, and more if the answer asks for it, within reason (facts.md 3.1)."""
    asked = response.headers.get("Retry-After", "")
    return min(max(HOLD_OFF, float(asked) if asked.isdigit() else 0.0), _LONGEST_HOLD_OFF)
