"""Whether the outgoing server can be reached; if not, since when: for whoever watches the desk.

What waits for a server is tried again every few minutes, so that none of it is overdue for long;
but nothing goes out, and no mail can tell.
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
    """Since when the server has been out of reach, and what it or the network said first."""

    since: dt.datetime
    reply: str


def away(tx: Tx) -> Away | None:
    """How it was found last; None where it can be reached."""
    kept = rows.fact(tx, _FACT)
    if not kept:
        return None
    since, reply = json.loads(kept)
    return Away(dt.datetime.fromisoformat(since), reply)


def lost(store: Store, reply: str, now: dt.datetime) -> None:
    """Note that the server was out of reach."""
    with store.writing() as tx:
        if not rows.fact_to_change(tx, _FACT):
            rows.keep_fact(tx, _FACT, json.dumps([now.isoformat(), storable(reply)]))


def held(store: Store) -> None:
    """The server spoke with us: so it can be reached, whichever process had found it away."""
    with store.reading() as tx:
        if away(tx) is None:
            return
    with store.writing() as tx:
        rows.keep_fact(tx, _FACT, "")
