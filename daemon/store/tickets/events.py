"""The record of every change: when, what, by whom, because of what (K1)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from daemon.store.memo import forget
from daemon.store.pending import Pending
from daemon.store.schema.tables import events
from daemon.store.session import Tx

_RECORD = events.insert()
_RECORDED = Pending.of("events", lambda _: _RECORD)


def record(
    tx: Tx,
    *,
    at: dt.datetime,
    kind: str,
    actor: str,
    cause: str,
    ticket_id: int | None = None,
    customer_id: int | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Keep one event, in the transaction of the change itself.

    `actor` is an address, "avtald" or "command"; `cause` is what led to it: "inbox:17",
    "command import", "clock"; `data` is what JSON can hold.
    """
    values = {
        "at": at,
        "kind": kind,
        "actor": actor,
        "cause": cause,
        "ticket_id": ticket_id,
        "customer_id": customer_id,
        "data": None if data is None else dict(data),
    }
    _RECORDED.add(tx, values)
    forget(tx, "events")


def record_all(tx: Tx, found: Sequence[Mapping[str, Any]]) -> None:
    """Keep many events at once, each with what `record` takes."""
    if found:
        nothing = {"ticket_id": None, "customer_id": None, "data": None}
        tx.execute(_RECORD, [nothing | dict(each) for each in found])
        forget(tx, "events")


def latest(tx: Tx, kind: str, customer_ids: Sequence[int]) -> dict[int, dt.datetime]:
    """When an event of that kind last happened to customers; one of no ticket."""
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
