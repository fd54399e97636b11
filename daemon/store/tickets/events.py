"""The record of every change: its time, its kind, its actor, its cause (K1)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from daemon.store.memo import forget
from daemon.store.pending import Pending
from daemon.store.schema.tables import events
from daemon.store.session import Tx

_RECORD = events.insert()
_RECORDED = Pending.of("events", lambda _: _RECORD)


@dataclass(frozen=True, slots=True)
class Event:
    """One change, with the person or program behind it and its cause."""

    kind: str
    at: dt.datetime
    actor: str = "avtald"  # an address, "avtald" or "command"
    cause: str = "clock"  # "inbox:17", "command import", "clock"
    customer_id: int | None = None
    ticket_id: int | None = None
    data: Mapping[str, Any] | None = None  # only values of JSON

    @property
    def row(self) -> dict[str, Any]:
        """The values of its row."""
        return {
            "at": self.at,
            "kind": self.kind,
            "actor": self.actor,
            "cause": self.cause,
            "ticket_id": self.ticket_id,
            "customer_id": self.customer_id,
            "data": None if self.data is None else dict(self.data),
        }


def record(tx: Tx, event: Event) -> None:
    """Keep one event, in the transaction of the change itself.

    `actor` is an address, "avtald" or "command"; `cause` is "inbox:17", "command import" or
    "clock"; `data` is JSON.
    """
    _RECORDED.add(tx, event.row)
    forget(tx, "events")


def record_all(tx: Tx, made: Sequence[Event]) -> None:
    """Keep many events at once, each with the arguments of `record`."""
    if made:
        tx.execute(_RECORD, [event.row for event in made])
        forget(tx, "events")


def latest(tx: Tx, kind: str, customer_ids: Sequence[int]) -> dict[int, dt.datetime]:
    """The last event of that kind, by customer; events of tickets do not count."""
    query = (
        select(events.c.customer_id, func.max(events.c.at).label("at"))
        .where(
            events.c.customer_id.in_(customer_ids),
            events.c.ticket_id.is_(None),
            events.c.kind == kind,
        )
        .group_by(events.c.customer_id)
    )
    return {row.customer_id: row.at for row in tx.execute(query)}
