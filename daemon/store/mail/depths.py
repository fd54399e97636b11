"""The queues' lengths and ages: the figures of `/health` and `/metrics`."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, func, select

from daemon.store import leases
from daemon.store.mail import mailboxes
from daemon.store.mail.inbox import REFUSED
from daemon.store.mail.mailboxes import Polled
from daemon.store.schema.tables import IN_INBOX, IN_OUTBOX, alarms, inbox, invoices, outbox
from daemon.store.session import Tx

_UNREAD = inbox.c.reason.is_distinct_from(REFUSED)  # a refused forgery is nobody's work


@dataclass(frozen=True, slots=True)
class Depth:
    """The number of entries in a queue, and the time of its oldest."""

    count: int
    oldest: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Depths:
    """One look at all queues."""

    inbox: Depth
    outbox: Depth  # deliveries due now, without those waiting for a later attempt
    waiting: int  # every delivery that has not ended
    unclear: int
    shelved: int
    held: int
    alarms: int
    invoices: Mapping[str, int]  # by state
    mailboxes: tuple[Polled, ...]
    clock_off: float  # as `leases.clock_off`


def look(tx: Tx, now: dt.datetime) -> Depths:
    """Count the queues at an instant."""
    due = IN_OUTBOX & (outbox.c.state == "pending") & (outbox.c.next_at <= now)
    states = select(invoices.c.state, func.count()).group_by(invoices.c.state)
    return Depths(
        inbox=_depth(tx, inbox.c.received_at, IN_INBOX & (inbox.c.state == "new")),
        outbox=_depth(tx, outbox.c.next_at, due),
        waiting=_count(tx, outbox, IN_OUTBOX & outbox.c.state.in_(["pending", "sending"])),
        unclear=_count(tx, outbox, IN_OUTBOX & (outbox.c.state == "unclear")),
        shelved=_count(tx, inbox, IN_INBOX & (inbox.c.state == "shelved") & _UNREAD),
        held=_count(tx, inbox, IN_INBOX & (inbox.c.state == "held")),
        alarms=_count(tx, alarms, alarms.c.cleared_at.is_(None)),
        invoices={row[0]: row[1] for row in tx.execute(states)},
        mailboxes=tuple(mailboxes.overview(tx)),
        clock_off=leases.clock_off(tx),
    )


def _depth(tx: Tx, since: ColumnElement[dt.datetime], waits: ColumnElement[bool]) -> Depth:
    count, oldest = tx.execute(select(func.count(), func.min(since)).where(waits)).one()
    return Depth(count, oldest)


def _count(tx: Tx, table: Table, which: ColumnElement[bool]) -> int:
    return tx.scalar(select(func.count()).select_from(table).where(which)) or 0
