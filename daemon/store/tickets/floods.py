"""The new tickets of an address, and of a mail domain, in the last hours (J2)."""

import datetime as dt
from collections.abc import Collection

from sqlalchemy import and_, select

from daemon.store.memo import once
from daemon.store.schema.tables import events, tickets
from daemon.store.session import Tx

_LAST = 500  # tickets without customer to look at: a domain's limit is far below

Opened = list[tuple[str, dt.datetime]]  # the sender of a new ticket, and its time


def foresee(tx: Tx, addresses: Collection[str], since: dt.datetime) -> None:
    """Read with two statements, for coming calls of `by_address` and `by_domain`."""
    of_these = once(tx, "floods", "addresses", dict[str, Opened])
    unknown = [each for each in addresses if each not in of_these]
    of_these.update({each: [] for each in unknown})
    if unknown:
        mine = and_(events.c.ticket_id == tickets.c.id, events.c.kind == "opened")
        query = (
            select(tickets.c.requester, tickets.c.opened_at)
            .join(events, and_(mine, events.c.actor == tickets.c.requester))
            .where(tickets.c.requester.in_(unknown), tickets.c.opened_at > since)
        )
        for address, at in tx.execute(query):
            of_these[address].append((address, at))
    _strangers(tx)


def _strangers(tx: Tx) -> Opened:
    def read() -> Opened:
        query = select(tickets.c.requester, tickets.c.opened_at).where(
            tickets.c.customer_id.is_(None)
        )
        rows = tx.execute(query.order_by(tickets.c.id.desc()).limit(_LAST))
        return [(row.requester, row.opened_at) for row in rows]

    return once(tx, "floods", "strangers", read)


def by_address(tx: Tx, address: str, since: dt.datetime) -> int:
    """The number of tickets that an address opened by its own mail after an instant."""
    foresee(tx, [address], since)
    opened = once(tx, "floods", "addresses", dict[str, Opened])[address]
    return sum(at > since for _, at in opened)


def by_domain(tx: Tx, domain: str, since: dt.datetime) -> int:
    """The number of tickets without customer from a mail domain after an instant."""
    end = f"@{domain}"
    return sum(at > since and address.endswith(end) for address, at in _strangers(tx))


def opened(tx: Tx, address: str, at: dt.datetime, *, stranger: bool) -> None:
    """Count a ticket that is being opened."""
    once(tx, "floods", "addresses", dict[str, Opened]).setdefault(address, []).append((address, at))
    if stranger:
        _strangers(tx).append((address, at))
