"""The token at rest: one sealed record, opened with a key from a credential (reliability.md 5)."""

import datetime as dt
import json
import secrets
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from integrations.fortnox.access.token import NoAccessError, Token
from integrations.fortnox.errors import LOGIN
from integrations.seal import Seal

_PURPOSE = b"avtald fortnox token 1"


class Record(Protocol):
    """One record of bytes: of this process, or shared by all in a row of the database."""

    def lock(self) -> AbstractContextManager[object]:
        """Hold the right to renew, alone among threads and processes."""

    def read(self) -> bytes | None:
        """The bytes last written."""

    def write(self, sealed: bytes, *, usable: bool = True) -> None:
        """Replace the bytes; durable on return. Not `usable`: a person must consent."""


class MemoryRecord:
    """The record of one process."""

    def __init__(self) -> None:
        """Begin without any bytes."""
        self._lock = threading.Lock()
        self.sealed: bytes | None = None
        self.usable = True

    def lock(self) -> AbstractContextManager[object]:
        """Let one thread at a time renew."""
        return self._lock

    def read(self) -> bytes | None:
        """The bytes last written."""
        return self.sealed

    def write(self, sealed: bytes, *, usable: bool = True) -> None:
        """Replace the bytes."""
        self.sealed, self.usable = sealed, usable


@dataclass(frozen=True, slots=True)
class _Kept:
    token: Token | None = None
    pending: dt.datetime | None = None


class TokenStore:
    """The token in a record, shared by every process of the installation.

    `lock` lets one renewer at a time through, among threads and processes. `save` is durable on
    return and ends a pending state. `mark_pending` is durable before a refresh token is used: an
    answer lost after this moment has spent the token (reliability.md 5). Without the secret, a
    reader of the record learns nothing.
    """

    def __init__(self, record: Record, secret: str) -> None:
        """Seal with the secret, a credential of any length."""
        self._seal = Seal(secret, _PURPOSE)
        self._record = record

    def lock(self) -> AbstractContextManager[object]:
        """Hold the right to renew."""
        return self._record.lock()

    def load(self) -> Token | None:
        """The token last saved; NoAccessError where the record was sealed with another key."""
        return self._kept().token

    def save(self, token: Token) -> None:
        """Replace the token, durably, and end the pending state."""
        self._keep(_Kept(token))

    def mark_pending(self, at: dt.datetime) -> None:
        """Note, durably, that the stored refresh token is being used."""
        self._keep(replace(self._kept(), pending=at))

    def pending_since(self) -> dt.datetime | None:
        """The beginning of a renewal whose answer was never saved."""
        return self._kept().pending

    def drop(self) -> None:
        """Forget the token: consent is needed."""
        self._keep(replace(self._kept(), token=None), usable=False)

    def _kept(self) -> _Kept:
        sealed = self._record.read()
        if not sealed:
            return _Kept()
        try:
            plain = self._seal.open(sealed)
        except ValueError:
            raise NoAccessError(
                "Fortnox: den sparade åtkomsten går inte att öppna med nyckeln",
                remedy=f"Återställ nyckeln som åtkomsten sparades med. Annars: {LOGIN}",
            ) from None
        return _kept_of(json.loads(plain))

    def _keep(self, kept: _Kept, *, usable: bool = True) -> None:
        plain = json.dumps(_plain_of(kept)).encode()
        self._record.write(self._seal.close(plain), usable=usable)


def in_memory(token: Token | None = None) -> TokenStore:
    """A store for the life of the process: for one command, the demonstration and tests."""
    store = TokenStore(MemoryRecord(), secrets.token_hex())
    if token is not None:
        store.save(token)
    return store


def _plain_of(kept: _Kept) -> dict[str, Any]:
    token = kept.token
    return {
        "pending": kept.pending.isoformat() if kept.pending else None,
        "token": token
        and {
            "access": token.access,
            "obtained_at": token.obtained_at.isoformat(),
            "lifetime": token.lifetime,
            "refresh": token.refresh,
            "tenant": token.tenant,
        },
    }


def _kept_of(plain: dict[str, Any]) -> _Kept:
    token, pending = plain["token"], plain["pending"]
    return _Kept(
        token
        and Token(
            token["access"],
            dt.datetime.fromisoformat(token["obtained_at"]),
            token["lifetime"],
            token["refresh"],
            token.get("tenant"),
        ),
        dt.datetime.fromisoformat(pending) if pending else None,
    )
