"""Review meetings: their times, and the answers to their invitations (J4)."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, or_, select, update

from daemon.store.rows import insert, record
from daemon.store.schema.tables import customers, meetings, outbox, outgoing
from daemon.store.session import Tx


@dataclass(frozen=True, slots=True)
class Meeting:
    """A review meeting; without a time it is not planned yet."""

    id: int
    customer_id: int
    period: str
    uid: str
    sequence: int
    starts_at: dt.datetime | None
    ends_at: dt.datetime | None
    state: str  # planned, unplanned, cancelled
    replies: Mapping[str, Any] = field(default_factory=dict)  # by address

    @property
    def stands(self) -> bool:
        """True if people are to meet."""
        return self.state == "planned"


def _meeting(row: Row[Any]) -> Meeting:
    return record(Meeting, row, replies=row.replies or {})


def plan(tx: Tx, **values: Any) -> Meeting | None:
    """Make a period's meeting; None if there is one."""
    row = tx.execute(
        insert(tx, meetings)
        .values(replies={}, **values)
        .on_conflict_do_nothing(index_elements=["customer_id", "period"])
        .returning(meetings)
    ).one_or_none()
    return None if row is None else _meeting(row)


def change(tx: Tx, meeting_id: int, **values: Any) -> Meeting:
    """Set columns of a meeting, and give its new state."""
    row = tx.execute(
        update(meetings).where(meetings.c.id == meeting_id).values(values).returning(meetings)
    ).one()
    return _meeting(row)


def by_id(tx: Tx, meeting_id: int) -> Meeting:
    """The meeting with this id; it must exist."""
    return _meeting(tx.execute(select(meetings).where(meetings.c.id == meeting_id)).one())


def by_uid(tx: Tx, uid: str) -> Meeting | None:
    """The meeting with this UID (RFC 5545, 3.8.4.7)."""
    row = tx.execute(select(meetings).where(meetings.c.uid == uid)).one_or_none()
    return None if row is None else _meeting(row)


def of_customer(tx: Tx, customer_id: int) -> list[Meeting]:
    """A customer's meetings, the oldest first."""
    query = select(meetings).where(meetings.c.customer_id == customer_id).order_by(meetings.c.id)
    return [_meeting(row) for row in tx.execute(query)]


def invited(tx: Tx, key: str) -> list[str]:
    """The addresses of the invitation with this key."""
    query = select(outbox.c.recipient).join(outgoing).where(outgoing.c.key == key)
    return list(tx.scalars(query.order_by(outbox.c.id)))


def known(tx: Tx) -> set[tuple[int, str]]:
    """Customers and periods with a meeting in any state."""
    rows = tx.execute(select(meetings.c.customer_id, meetings.c.period))
    return {(row.customer_id, row.period) for row in rows}


def taken(
    tx: Tx, manager_ids: Collection[int], *, unmanaged: bool = False
) -> Sequence[tuple[dt.datetime, dt.datetime]]:
    """The times of planned review meetings of any of these managers, with any customer.

    `unmanaged`: with those of customers without an account manager of their own.
    """
    named = customers.c.manager_id.in_(manager_ids)
    theirs = or_(named, customers.c.manager_id.is_(None)) if unmanaged else named
    query = (
        select(meetings.c.starts_at, meetings.c.ends_at)
        .join(customers, customers.c.id == meetings.c.customer_id)
        .where(theirs, meetings.c.state == "planned")
        .order_by(meetings.c.starts_at)
    )
    return [(row.starts_at, row.ends_at) for row in tx.execute(query)]
