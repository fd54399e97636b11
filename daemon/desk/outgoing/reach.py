"""The reach of the outgoing server: the instant when it was lost, for those who watch the desk.

Each mail is tried again every few minutes, and none is overdue for long. But nothing goes out, and
no mail can tell.
"""

import datetime as dt
import json
from dataclasses import dataclass

from daemon.store import rows
from daemon.store.schema.types import storable
from daemon.store.session import Store, Tx

_FACT = "outgoing-away"


@dataclass(frozen=True, slots=True)
class Away:
    """The instant of the loss, and the first words of the server or the network about it."""

    since: dt.datetime
    reply: str


def away(tx: Tx) -> Away | None:
    """Give the last loss; None if the server can be reached."""
    kept = rows.fact(tx, _FACT)
    if not kept:
        return None
    since, reply = json.loads(kept)
    return Away(dt.datetime.fromisoformat(since), reply)


def lost(store: Store, reply: str, now: dt.datetime) -> None:
    """Note a server out of reach."""
    with store.writing() as tx:
        if not rows.fact_to_change(tx, _FACT):
            rows.keep_fact(tx, _FACT, json.dumps([now.isoformat(), storable(reply)]))


def held(store: Store) -> None:
    """Note a server in reach: it spoke with us, whichever process had lost it."""
    with store.reading() as tx:
        if away(tx) is None:
            return
    with store.writing() as tx:
        rows.keep_fact(tx, _FACT, "")
