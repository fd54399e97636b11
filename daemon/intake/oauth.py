"""Access tokens for mailboxes of Microsoft 365 and Google (OAuth 2.0, RFC 6749)."""

import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import httpx

EARLY_SECONDS = 300.0  # a token is renewed before it runs out in the middle of something
TIMEOUT_SECONDS = 30.0


class OAuth2Settings(Protocol):
    """What `[….oauth2]` says; with a refresh token that flow, else client credentials."""

    @property
    def token_url(self) -> str:
        """Where tokens are had."""

    @property
    def client_id(self) -> str:
        """Who we are to the provider."""

    @property
    def client_secret(self) -> str | None:
        """And its secret."""

    @property
    def refresh_token(self) -> str | None:
        """What a consent once gave."""

    @property
    def scope(self) -> str:
        """Of what access is asked; empty: as the provider has it."""


class OAuthError(Exception):
    """No token to be had; `permanent` where the provider refuses us and a person must mend it."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        """Keep what the provider said."""
        super().__init__(message)
        self.permanent = permanent


class AccessToken:
    """Gives a valid token when called, and fetches a new one only when the old runs out."""

    def __init__(self, settings: OAuth2Settings) -> None:
        """Fetches nothing yet."""
        self._settings = settings
        self._refresh_token = settings.refresh_token
        self._token = ""
        self._until = 0.0

    def __call__(self) -> str:
        """The token, valid for five minutes at least; raises OAuthError."""
        if time.monotonic() >= self._until:
            self._fetch()
        return self._token

    def forget(self) -> None:
        """Fetch a new one next time: the server did not take this one."""
        self._until = 0.0

    def _fetch(self) -> None:
        import httpx

        try:
            answer = httpx.post(
                self._settings.token_url, data=self._question(), timeout=TIMEOUT_SECONDS
            )
        except httpx.HTTPError as error:
            raise OAuthError(f"no access token: {error!r}", permanent=False) from error
        self._keep(answer)

    def _question(self) -> dict[str, str]:
        asked = {"client_id": self._settings.client_id, "grant_type": "client_credentials"}
        if self._settings.client_secret:
            asked["client_secret"] = self._settings.client_secret
        if self._refresh_token:
            asked |= {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
        if self._settings.scope:
            asked["scope"] = self._settings.scope
        return asked

    def _keep(self, answer: "httpx.Response") -> None:
        try:
            said = answer.json()
        except ValueError:
            said = {}
        token = said.get("access_token") if isinstance(said, dict) else None
        if not answer.is_success or not isinstance(token, str):
            raise OAuthError(_refusal(answer.status_code, said), permanent=_is_ours(answer))
        lasts = float(said.get("expires_in") or 3600)
        self._token, self._until = token, time.monotonic() + max(lasts - EARLY_SECONDS, 0)
        self._refresh_token = said.get("refresh_token") or self._refresh_token


def _is_ours(answer: "httpx.Response") -> bool:
    return 400 <= answer.status_code < 500 and answer.status_code != 429


def _refusal(status: int, said: object) -> str:
    """The provider's words (RFC 6749 section 5.2), never what we sent."""
    keys = ("error", "error_description")
    words = [said.get(key) for key in keys] if isinstance(said, dict) else []
    told = ": ".join(str(word)[:300] for word in words if word)
    return f"no access token ({status}){': ' if told else ''}{told}"
