"""The token address of the Fortnox double: consent, client credentials, rotation (facts.md 2)."""

import base64
import binascii
import datetime as dt
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from integrations.fortnox.double.answers import Answer, oauth_refusal, written

LIFETIME = 3600  # seconds
REFRESH_LIFETIME = dt.timedelta(days=45)
CODE_LIFETIME = dt.timedelta(minutes=10)
ALL_SCOPES = frozenset(
    {
        *("invoice", "customer", "article", "companyinformation", "settings"),
        *("archive", "connectfile", "profile"),
    }
)


@dataclass(slots=True)
class Tokens:
    """The tokens that give access; `consented` False: the company has no service account."""

    now: Callable[[], dt.datetime]
    client_id: str = "double"
    client_secret: str = field(default="double-secret", repr=False)
    tenant_id: int = 123456
    scopes: set[str] = field(default_factory=lambda: set(ALL_SCOPES))
    consented: bool = True
    access: dict[str, dt.datetime] = field(default_factory=dict, repr=False)
    refresh: dict[str, dt.datetime] = field(default_factory=dict, repr=False)
    codes: dict[str, dt.datetime] = field(default_factory=dict, repr=False)
    issued: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_valid(self, authorization: str) -> bool:
        """True if the header carries a valid bearer."""
        word, _, bearer = authorization.partition(" ")
        end = self.access.get(bearer)
        return word == "Bearer" and end is not None and self.now() < end

    def new_refresh(self) -> str:
        """A refresh token, as from a consent."""
        token = secrets.token_hex(20)
        self.refresh[token] = self.now() + REFRESH_LIFETIME
        return token

    def consent(self, query: Mapping[str, str]) -> Answer:
        """The consent page: the administrator says yes at once, and the browser goes back."""
        code = secrets.token_hex(10)
        self.codes[code] = self.now() + CODE_LIFETIME
        self.consented = True
        back = urlencode({"code": code, "state": query.get("state", "")})
        return Answer(302, headers={"Location": f"{query.get('redirect_uri', '')}?{back}"})

    def answer(self, headers: Mapping[str, str], form: Mapping[str, str]) -> Answer:
        """The token address."""
        if not self._is_client(headers.get("Authorization", "")):
            return oauth_refusal(
                "invalid_client",
                "The client credentials are invalid",
                401,
                "text/plain;charset=UTF-8",
            )
        with self._lock:
            grant = form.get("grant_type")
            if grant == "client_credentials":
                return self._by_credentials(headers.get("TenantId", ""))
            if grant == "refresh_token":
                return self._by_refresh(form.get("refresh_token", ""))
            if grant == "authorization_code":
                return self._by_code(form.get("code", ""))
        return _refused("unsupported_grant_type", "The grant type is not supported")

    def _by_credentials(self, tenant: str) -> Answer:
        if not self.consented or tenant != str(self.tenant_id):
            return _refused("invalid_grant", "No consent for the tenant")
        return self._granted()

    def _by_refresh(self, token: str) -> Answer:
        end = self.refresh.pop(token, None)
        if end is None or self.now() >= end:
            return _refused("invalid_grant", "Invalid refresh token")
        return self._granted(self.new_refresh())

    def _by_code(self, code: str) -> Answer:
        end = self.codes.pop(code, None)
        if end is None or self.now() >= end:
            return _refused(
                "invalid_grant", "Authorization code doesn't exist or is invalid for the client"
            )
        return self._granted(self.new_refresh())

    def _granted(self, refresh: str | None = None) -> Answer:
        bearer = f"eyJ0{secrets.token_urlsafe(40)}"
        self.access[bearer] = self.now() + dt.timedelta(seconds=LIFETIME)
        self.issued += 1
        told = {"access_token": bearer, "expires_in": LIFETIME, "token_type": "bearer"}
        told["scope"] = " ".join(sorted(self.scopes))
        return written({**told, "refresh_token": refresh} if refresh else told)

    def _is_client(self, authorization: str) -> bool:
        word, _, encoded = authorization.partition(" ")
        try:
            decoded = base64.b64decode(encoded).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return word == "Basic" and decoded == f"{self.client_id}:{self.client_secret}"


def _refused(error: str, description: str) -> Answer:
    return oauth_refusal(error, description, 400, "text/html; charset=UTF-8")
