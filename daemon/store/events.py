"""The record of every change: when, what, by whom, because of what (K1)."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from daemon.store.schema import events
from daemon.store.session import Tx


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
        "at": at, "kind": kind, "actor": actor, "cause": cause, "ticket_id": ticket_id,
        "customer_id": customer_id, "data": None if data is None else dict(data),
    }  # fmt: skip
    tx.execute(events.insert().values(values))
