"""Access to a company's books: client credentials, else a rotating refresh token (facts.md 2)."""

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import httpx

from daemon.domain.invoice import AccountingError, Fault
from integrations.fortnox.errors import LOGIN, parse_json, read_refusal
from integrations.fortnox.pacing import Pacer
from integrations.fortnox.retries import lost
from integrations.fortnox.settings import FortnoxSettings

_USED = 0.75  # renew when three quarters of the life are gone: 45 min of 60


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; in the fall-back with the one refresh token that renews it."""

    access: str = field(repr=False)
    obtained_at: dt.datetime
    lifetime: int  # seconds
    refresh: str | None = field(default=None, repr=False)
    tenant: int | None = None  # the company of its books, if known

    def opens(self, tenant: int | None) -> bool:
        """True if it opens the books named by the settings; None: the settings name none."""
        return tenant is None or self.tenant == tenant

    def is_fresh(self, now: dt.datetime) -> bool:
        """True if it may be used without renewal."""
        return now < self.obtained_at + dt.timedelta(seconds=self.lifetime * _USED)


class TokenStore(Protocol):
    """A place for the token, encrypted at rest, shared by every process of the installation.

    `lock` lets one renewer at a time through, among threads and processes. `save` is durable on
    return and ends a pending state. `mark_pending` is durable before a refresh token is used: an
    answer lost after this moment has spent the token (reliability.md 5).
    """

    def lock(self) -> AbstractContextManager[None]:
        """Hold the right to renew."""

    def load(self) -> Token | None:
        """The token last saved."""

    def save(self, token: Token) -> None:
        """Replace the token, durably."""

    def mark_pending(self, at: dt.datetime) -> None:
        """Note, durably, that the stored refresh token is being used."""

    def pending_since(self) -> dt.datetime | None:
        """The beginning of a renewal whose answer was never saved."""

    def drop(self) -> None:
        """Forget the token: consent is needed."""


class MemoryTokenStore:
    """A token for the life of the process: for tests, the demonstration and one command."""

    def __init__(self, token: Token | None = None) -> None:
        """Begin with a token, or with none."""
        self._token = token
        self._pending: dt.datetime | None = None
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Let one thread at a time renew."""
        with self._lock:
            yield

    def load(self) -> Token | None:
        """The token last saved."""
        return self._token

    def save(self, token: Token) -> None:
        """Replace the token."""
        self._token, self._pending = token, None

    def mark_pending(self, at: dt.datetime) -> None:
        """Note that the refresh token is being used."""
        self._pending = at

    def pending_since(self) -> dt.datetime | None:
        """The beginning of a renewal that was never saved."""
        return self._pending

    def drop(self) -> None:
        """Forget the token."""
        self._token = None


class TokenSource:
    """Gives a valid access token; callers at the same time share one renewal."""

    def __init__(
        self,
        settings: FortnoxSettings,
        store: TokenStore,
        http: httpx.Client,
        pacer: Pacer,
        *,
        clock: Callable[[], dt.datetime],
    ) -> None:
        """Take the time from `clock` (aware); a request for a token waits its turn, too."""
        self._settings = settings
        self._store = store
        self._http = http
        self._pacer = pacer
        self._clock = clock
        self._token: Token | None = None

    def access(self) -> str:
        """A token for the next request."""
        token = self._token
        return token.access if token and token.is_fresh(self._clock()) else self._renewed(None)

    def renew(self, refused: str) -> str:
        """Another token than this one: the API refused it with 401."""
        return self._renewed(refused)

    def _renewed(self, refused: str | None) -> str:
        with self._store.lock():
            stored = self._loaded()
            if not stored or not stored.is_fresh(self._clock()) or stored.access == refused:
                stored = self._obtain(stored)
                self._store.save(stored)
            self._token = stored
            return stored.access

    def _loaded(self) -> Token | None:
        """The stored token, unless it opens other books than the settings name now.

        A token that cannot be opened counts only if nothing else gives access.
        """
        try:
            stored = self._store.load()
        except NoAccessError:
            if self._settings.tenant_id is None:
                raise
            return None
        return stored if stored and stored.opens(self._settings.tenant_id) else None

    def _obtain(self, stored: Token | None) -> Token:
        refresh = stored.refresh if stored else None
        tenant = self._settings.tenant_id
        if tenant is None:
            return replace(self._rotate(refresh), tenant=stored.tenant if stored else None)
        try:
            token = self._by_client_credentials(tenant)
        except ConsentError:
            if refresh is None:
                self._store.drop()
                raise
            return replace(self._rotate(refresh), tenant=tenant)
        return replace(token, refresh=refresh, tenant=tenant)

    def _by_client_credentials(self, tenant: int) -> Token:
        return self._ask({"grant_type": "client_credentials"}, {"TenantId": str(tenant)})

    def _rotate(self, refresh: str | None) -> Token:
        if refresh is None:
            raise ConsentError("Fortnox: åtkomsten är inte godkänd")
        before = self._store.pending_since()
        self._store.mark_pending(self._clock())
        try:
            token = self._ask({"grant_type": "refresh_token", "refresh_token": refresh}, {})
        except ConsentError as error:
            self._store.drop()
            lost_at = (
                f"; svaret på förnyelsen {before:%Y-%m-%d %H:%M} gick förlorat" if before else ""
            )
            raise ConsentError(f"{error}{lost_at}") from error
        return token

    def _ask(self, form: dict[str, str], headers: dict[str, str]) -> Token:
        self._pacer.wait_turn()
        return ask_for_token(self._http, self._settings, form, headers, now=self._clock())


class NoAccessError(AccountingError):
    """All access is gone, not only the right to one register."""

    def __init__(self, message: str, *, remedy: str = LOGIN) -> None:
        """Keep the failure and its remedy."""
        super().__init__(Fault.ACCESS, message, remedy=remedy)


class ConsentError(NoAccessError):
    """The company's consent is missing, withdrawn or spent: a person must log in again."""


def ask_for_token(
    http: httpx.Client,
    settings: FortnoxSettings,
    form: dict[str, str],
    headers: dict[str, str],
    *,
    now: dt.datetime,
) -> Token:
    """One request to the token address; its errors hold neither secret nor token."""
    try:
        response = http.post(
            settings.token_url,
            data=form,
            headers={"Accept": "application/json", **headers},
            auth=(settings.client_id, settings.client_secret),
        )
    except (httpx.RequestError, httpx.InvalidURL) as error:
        raise lost("hämta åtkomst", error, harmless=True) from None
    if response.status_code != httpx.codes.OK:
        raise _refused(response)
    try:
        return _token_of(parse_json(response.content), now)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise AccountingError(Fault.TEMPORARY, "Fortnox: svaret med åtkomst är oläsligt") from None


def _token_of(answer: Any, now: dt.datetime) -> Token:
    access = answer["access_token"]
    if not isinstance(access, str) or not access:
        raise ValueError("no access_token")
    refresh = answer.get("refresh_token")
    return Token(access, now, int(answer.get("expires_in") or 3600), refresh and str(refresh))


def _refused(response: httpx.Response) -> AccountingError:
    refusal = read_refusal(response)
    if refusal.status == httpx.codes.TOO_MANY_REQUESTS or refusal.status >= 500:
        return AccountingError(Fault.TEMPORARY, f"Fortnox: ingen åtkomst nu: HTTP {refusal.status}")
    if "invalid_client" in refusal.message:
        return NoAccessError(
            "Fortnox: client_id eller client_secret är fel",
            remedy="Kontrollera client_id och client_secret_file mot Fortnox utvecklarportal.",
        )
    return ConsentError(f"Fortnox: åtkomst nekades: {refusal.message} (HTTP {refusal.status})")
