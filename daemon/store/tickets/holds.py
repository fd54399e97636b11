"""Holds: unproven messages, held time, stopped answers and approvals, until a person's word."""

import datetime as dt
import hashlib
from collections.abc import Collection
from typing import Any

from sqlalchemy import Row, select, update

from daemon.store import seals
from daemon.store.rows import add, grouped
from daemon.store.schema.tables import holds
from daemon.store.session import Tx
from daemon.store.tickets.tickets import family

Hold = Row[Any]
_UNPROVEN = (holds.c.kind == "proof", holds.c.settled_at.is_(None))


def _digest(token: str) -> str:
    return hashlib.sha256(token.casefold().encode()).hexdigest()


def hold(tx: Tx, *, kind: str, token: str, **values: Any) -> int:
    """Keep a hold, or open it again for a token that has one; the token is kept as a hash."""
    again = {"settled_at": None, "settled_by": None, "outcome": None, **values}
    known = update(holds).where(holds.c.token == _digest(token)).values(again)
    number: int | None = tx.scalar(known.returning(holds.c.id))
    if number is None:
        number = add(tx, holds, kind=kind, token=_digest(token), **values)
    seals.changed(tx, "hold", [number])
    return number


def open_of(tx: Tx, hold_ids: Collection[int]) -> list[Row[Any]]:
    """Those of some holds that are not settled."""
    query = select(holds).where(holds.c.id.in_(hold_ids), holds.c.settled_at.is_(None))
    return list(tx.execute(query.order_by(holds.c.id)))


def unasked(tx: Tx) -> dict[int, list[Row[Any]]]:
    """The open holds of unproven messages without a request yet, by person."""
    query = select(holds).where(
        *_UNPROVEN, holds.c.asked_at.is_(None), holds.c.person_id.is_not(None)
    )
    return grouped((row.person_id, row) for row in tx.execute(query.order_by(holds.c.id)))


def asked_since(tx: Tx, instant: dt.datetime) -> set[int]:
    """The people with an open request from after an instant."""
    query = select(holds.c.person_id).where(*_UNPROVEN, holds.c.asked_at > instant)
    return set(tx.scalars(query.distinct()))


def note_asked(tx: Tx, hold_ids: Collection[int], at: dt.datetime) -> None:
    """Note the request about unproven messages."""
    tx.execute(update(holds).where(holds.c.id.in_(hold_ids)).values(asked_at=at))


def settle(tx: Tx, hold_id: int, *, at: dt.datetime, by: int | None, outcome: str) -> bool:
    """End a hold, once: False if it was settled before."""
    waiting = holds.c.settled_at.is_(None)
    seals.changed(tx, "hold", [hold_id])
    return bool(
        tx.execute(
            update(holds)
            .where(holds.c.id == hold_id, waiting)
            .values(settled_at=at, settled_by=by, outcome=outcome)
        ).rowcount
    )


def held_time(tx: Tx, before: dt.date) -> list[Row[Any]]:
    """Held entries worked before a date: they stop their customers' statements (H6)."""
    query = select(holds).where(
        holds.c.kind == "entry", holds.c.settled_at.is_(None), holds.c.worked_on < before
    )
    return list(tx.execute(query.order_by(holds.c.id)))


def of_message(tx: Tx, inbox_id: int) -> list[Row[Any]]:
    """The open holds of one message."""
    query = select(holds).where(holds.c.inbox_id == inbox_id, holds.c.settled_at.is_(None))
    return list(tx.execute(query.order_by(holds.c.id)))


def unproven(tx: Tx, reason: str) -> list[Row[Any]]:
    """The open holds of unproven messages with this reason."""
    query = select(holds).where(*_UNPROVEN, holds.c.reason == reason)
    return list(tx.execute(query.order_by(holds.c.id)))


def correct(tx: Tx, hold_id: int, reason: str) -> None:
    """Give a hold another reason."""
    seals.changed(tx, "hold", [hold_id])
    tx.execute(update(holds).where(holds.c.id == hold_id).values(reason=reason))


def minutes_of_day(tx: Tx, person_id: int, day: dt.date) -> int:
    """A person's held minutes of a worked date (C11)."""
    query = select(holds.c.data).where(
        holds.c.kind == "entry",
        holds.c.settled_at.is_(None),
        holds.c.person_id == person_id,
        holds.c.worked_on == day,
    )
    return sum(data["minutes"] for data in tx.scalars(query))


def move_entries(tx: Tx, ticket_id: int, customer_id: int) -> None:
    """Move held time to another customer with its ticket and the tickets merged into it (D7)."""
    moved = (
        update(holds)
        .where(
            holds.c.kind == "entry",
            holds.c.ticket_id.in_(family(tx, ticket_id)),
            holds.c.settled_at.is_(None),
        )
        .values(customer_id=customer_id)
    )
    seals.changed(tx, "hold", tx.scalars(moved.returning(holds.c.id)).all())
