"""Access to others' services at rest: sealed records, shared by processes, and a lock to renew."""

import contextlib
import datetime as dt
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator

from sqlalchemy import select

from daemon.store import leases
from daemon.store.rows import insert
from daemon.store.schema.tables import tokens
from daemon.store.session import Store, StoreError, Tx

OK, NEEDS_CONSENT = "ok", "needs_consent"
_RENEWAL = dt.timedelta(minutes=5)  # longer than a request for a token can take
_POLL = 0.1  # seconds
_IN_THIS_PROCESS: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


class TokenRecord:
    """A record of bytes in the table `tokens`, and a lock among threads, processes and machines.

    The bytes are sealed: the store never sees their content.
    """

    def __init__(
        self, store: Store, name: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Keep the record under this name."""
        self._store = store
        self._name = name
        self._sleep = sleep

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the right to renew; that of a dead process is taken over."""
        name = f"token:{self._name}"
        with _IN_THIS_PROCESS[name]:
            while not self._take(name):
                self._sleep(_POLL)
            try:
                yield
            finally:
                with contextlib.suppress(StoreError), self._store.writing() as tx:
                    leases.give_back(tx, name)  # else it runs out

    def _take(self, name: str) -> bool:
        with self._store.writing() as tx:
            return leases.take(tx, name, _RENEWAL)

    def read(self) -> bytes | None:
        """The bytes last written."""
        with self._store.reading() as tx:
            sealed: bytes | None = tx.scalar(
                select(tokens.c.secret).where(tokens.c.name == self._name)
            )
        return sealed

    def write(self, sealed: bytes, *, usable: bool = True) -> None:
        """Replace it; durable on return. Not `usable`: a person must consent (I5)."""
        values = {"secret": sealed, "state": OK if usable else NEEDS_CONSENT}
        with self._store.writing() as tx:
            tx.execute(
                insert(tx, tokens)
                .values(name=self._name, **values)
                .on_conflict_do_update(index_elements=["name"], set_=values)
            )


def state(tx: Tx, name: str) -> str | None:
    """The state of the record with this name, `ok` or `needs_consent`; None: there is none."""
    known: str | None = tx.scalar(select(tokens.c.state).where(tokens.c.name == name))
    return known
