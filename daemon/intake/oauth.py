"""Access tokens for mailboxes of Microsoft 365 and Google (OAuth 2.0, RFC 6749)."""

import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from math import isfinite
from typing import TYPE_CHECKING, Any

from daemon.settings.mail import OAuth2

if TYPE_CHECKING:
    import httpx

EARLY_SECONDS = 300.0  # a token is renewed before it runs out in the middle of something
TIMEOUT_SECONDS = 30.0
_AN_HOUR = 3600.0
CONSENT = "consent anew, put the new refresh token in refresh_token_file, restart avtald"


class OAuthError(Exception):
    """No token was given; `permanent` where the provider refuses us and a person must act."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        """Keep the provider's words."""
        super().__init__(message)
        self.permanent = permanent


class SpentError(OAuthError):
    """The provider takes a refresh token no longer: it ran out, was revoked or was used before."""


class Kept:
    """A place for the newest refresh token beyond the process: here, none. No method raises."""

    def lock(self) -> AbstractContextManager[object]:
        """Hold the right to renew, alone."""
        return nullcontext()

    def load(self) -> str | None:
        """The token last saved, by any process."""
        return None

    def save(self, newest: str) -> bool:
        """Replace the token; True if it is durable on return."""
        del newest
        return False


class AccessToken:
    """Gives a valid token when called; fetches a new one only when the old one runs out.

    A provider may send a new refresh token with each access token, in place of the earlier one (RFC
    6749 section 6): it is kept before the access token is used.
    """

    def __init__(self, settings: OAuth2, kept: Kept | None = None) -> None:
        """Fetch nothing yet: the first call does."""
        self._settings = settings
        self._kept = kept or Kept()
        self._newest = settings.refresh_token
        self._is_kept = True
        self._token = ""
        self._until = 0.0
        self._line = threading.Lock()  # several connections log in at once

    def __call__(self) -> str:
        """The token, valid for at least five more minutes; raises OAuthError."""
        with self._line:
            if time.monotonic() >= self._until:
                self._fetch()
            return self._token

    def forget(self) -> None:
        """Fetch a new token at the next call: the server refused this one."""
        self._until = 0.0

    def _fetch(self) -> None:
        if self._settings.refresh_token is None:
            said = self._ask(None)
        else:
            with self._kept.lock():
                said = self._renewed(self._settings.refresh_token, self._kept.load())
        self._token = said["access_token"]
        self._until = time.monotonic() + max(_lasts(said) - EARLY_SECONDS, 0)

    def _renewed(self, given: str, kept: str | None) -> dict[str, Any]:
        """The provider's answer to the newest refresh token, else to the one given by a person."""
        known = (kept, self._newest) if self._is_kept else (self._newest, kept)
        taken, said = self._first_taken([each for each in (*known, given) if each])
        self._newest = str(said.get("refresh_token") or taken)
        self._is_kept = self._newest == (kept or given) or self._kept.save(self._newest)
        return said

    def _first_taken(self, refresh_tokens: Sequence[str]) -> tuple[str, dict[str, Any]]:
        *earlier, last = dict.fromkeys(refresh_tokens)
        for token in earlier:
            with suppress(SpentError):
                return token, self._ask(token)
        return last, self._ask(last)

    def _ask(self, refresh_token: str | None) -> dict[str, Any]:
        import httpx

        try:
            answer = httpx.post(
                self._settings.token_url,
                data=self._question(refresh_token),
                timeout=TIMEOUT_SECONDS,
            )
        except httpx.HTTPError as error:
            raise OAuthError(f"no access token: {error!r}", permanent=False) from error
        return _granted(answer, refresh_token)

    def _question(self, refresh_token: str | None) -> dict[str, str]:
        asked = {"client_id": self._settings.client_id, "grant_type": "client_credentials"}
        if self._settings.client_secret:
            asked["client_secret"] = self._settings.client_secret
        if refresh_token:
            asked |= {"grant_type": "refresh_token", "refresh_token": refresh_token}
        if self._settings.scope:
            asked["scope"] = self._settings.scope
        return asked


def _granted(answer: "httpx.Response", refresh_token: str | None) -> dict[str, Any]:
    """The provider's grant; raises OAuthError for any other answer."""
    try:
        said = answer.json()
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    if answer.is_success and isinstance(said.get("access_token"), str):
        return said
    told = _refusal(answer.status_code, said)
    if refresh_token and said.get("error") == "invalid_grant":
        told = told.replace(refresh_token, "***")
        raise SpentError(f"{told} ({CONSENT})", permanent=True)
    raise OAuthError(told, permanent=_is_ours(answer))


def _lasts(said: dict[str, Any]) -> float:
    """The seconds of a token's validity; an hour where the provider does not tell."""
    try:
        lasts = float(said.get("expires_in") or _AN_HOUR)
    except (TypeError, ValueError, OverflowError):
        return _AN_HOUR
    return lasts if isfinite(lasts) else _AN_HOUR


def _is_ours(answer: "httpx.Response") -> bool:
    return 400 <= answer.status_code < 500 and answer.status_code != 429


def _refusal(status: int, said: dict[str, Any]) -> str:
    """The provider's words (RFC 6749 section 5.2), never those that we sent."""
    words = [said.get(key) for key in ("error", "error_description")]
    told = ": ".join(str(word)[:300] for word in words if word)
    return f"no access token ({status}){': ' if told else ''}{told}"
