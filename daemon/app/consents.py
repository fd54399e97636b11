"""Consents to use mail servers; the newest refresh token of each outlives the process."""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import structlog

from daemon.intake.oauth import AccessToken, Kept
from daemon.settings.mail import Login
from daemon.store.health import legible
from daemon.store.migrations import SchemaError
from daemon.store.session import Store, StoreError
from daemon.store.token_records import TokenRecord

log = structlog.get_logger("avtald.consents")

_PURPOSE: Final = b"avtald mail consent 1"
_FAULTS: Final = (StoreError, SchemaError)


def access_token(login: Login, store: Store) -> AccessToken | None:
    """The source of a login's access tokens; None for a login by password."""
    if login.auth != "oauth2" or login.oauth2 is None:
        return None
    given = login.oauth2.refresh_token
    return AccessToken(login.oauth2, KeptConsent(store, given) if given else None)


class KeptConsent(Kept):
    """The newest refresh token in the database, for every process of the desk.

    The consent's first token names and seals the record. A new consent thus begins anew, and a
    backup opens only beside the settings' files. When the database fails, mail goes on with the
    token in memory, and the log says so once.
    """

    def __init__(self, store: Store, given: str) -> None:
        """Nothing is read yet."""
        from integrations.seal import Seal

        self._record = TokenRecord(store, f"consent:{hashlib.sha256(given.encode()).hexdigest()}")
        self._seal = Seal(given, _PURPOSE)
        self._told = False

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the right to renew; without a database nobody does, and all may try."""
        with ExitStack() as held:
            try:
                with legible():
                    held.enter_context(self._record.lock())
            except _FAULTS as fault:
                self._tell(fault)
            yield

    def load(self) -> str | None:
        """Give the last saved token; None also for an unreadable one."""
        try:
            with legible():
                sealed = self._record.read()
            return self._seal.open(sealed).decode() if sealed is not None else None
        except _FAULTS as fault:
            self._tell(fault)
        except ValueError as fault:
            log.warning("the kept refresh token is damaged: back to the given", error=str(fault))
        return None

    def save(self, newest: str) -> bool:
        """Replace it, sealed; durable on return."""
        try:
            with legible():
                self._record.write(self._seal.close(newest.encode()))
        except _FAULTS as fault:
            self._tell(fault)
            return False
        self._told = False
        return True

    def _tell(self, fault: Exception) -> None:
        if not self._told:
            log.warning(
                "the newest refresh token lives in memory only: a restart may lose it",
                error=str(fault),
            )
        self._told = True
