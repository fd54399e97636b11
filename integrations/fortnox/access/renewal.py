"""A valid token for each request: client credentials, else rotating refresh tokens (facts.md 2)."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx

from daemon.domain.invoice import AccountingError, Fault
from integrations.fortnox.access.sealing import TokenStore
from integrations.fortnox.access.token import ConsentError, NoAccessError, Token
from integrations.fortnox.errors import parse_json, read_refusal
from integrations.fortnox.pacing import EvenPacer
from integrations.fortnox.retries import lost
from integrations.fortnox.settings import FortnoxSettings


class TokenSource:
    """Gives a valid access token; callers at the same time share one renewal."""

    def __init__(
        self,
        settings: FortnoxSettings,
        store: TokenStore,
        http: httpx.Client,
        pacer: EvenPacer,
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
