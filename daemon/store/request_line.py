"""One line for the requests to a service, shared by every process and machine of the desk."""

import math
import zlib
from typing import Any

from sqlalchemy import BigInteger, and_, case, cast, extract, func, literal, update

from daemon.store.rows import insert
from daemon.store.schema.tables import requests
from daemon.store.session import Store

_LONGEST = 120_000  # ms: a place further away than this is the work of a clock set back


class RequestLine:
    """The next free place in the line: one row of `requests`, in milliseconds.

    Each change is one statement: nobody gets a place twice. A server's own clock counts, for
    machines differ; processes with a file share their machine's clock.
    """

    def __init__(self, store: Store, channel: str) -> None:
        """Keep the line of that service."""
        self._store = store
        self._channel = channel
        self._id = zlib.crc32(channel.encode())  # the first two to come make the same row

    def take(self, now: float, spacing: float) -> float:
        """Take the next free place; gives its instant by the clock of `now`."""
        step = round(spacing * 1000)
        after, clock = self._move(now, lambda free, _: free + step)
        return now + (after - step - clock) / 1000

    def push(self, until: float, now: float) -> None:
        """Let no free place lie before that instant."""
        wait = math.ceil((until - now) * 1000)
        self._move(now, lambda free, clock: _later(free, clock + wait))

    def _move(self, now: float, moved: Any) -> tuple[float, float]:
        """Move the free place on; gives it, and the time of its clock."""
        with self._store.writing() as tx:
            here = insert(tx, requests).values(id=self._id, channel=self._channel, at_ms=0)
            tx.execute(here.on_conflict_do_nothing(index_elements=["id"]))
            clock = self._clock(now)
            kept = requests.c.at_ms
            free = case((and_(kept >= clock, kept <= clock + _LONGEST), kept), else_=clock)
            row = tx.execute(
                update(requests)
                .where(requests.c.id == self._id)
                .values(at_ms=moved(free, clock))
                .returning(requests.c.at_ms, clock.label("clock"))
            ).one()
        return row.at_ms, row.clock if not self._store.is_sqlite else now * 1000

    def _clock(self, now: float) -> Any:
        if self._store.is_sqlite:
            return literal(math.ceil(now * 1000), BigInteger)
        seconds = extract("epoch", func.clock_timestamp())
        return cast(func.ceil(seconds * 1000), BigInteger)


def _later(one: Any, other: Any) -> Any:
    return case((one > other, one), else_=other)
