"""Copies of a message: the others of its kind, and the one that counts (B3, D1)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, and_, exists, or_, select, update

from daemon.store import leases, seals
from daemon.store.mail.inbox import COPY
from daemon.store.rows import record
from daemon.store.schema.tables import holds, inbox
from daemon.store.session import Tx


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as the inbox has it."""

    id: int
    identity: str
    hint: str | None
    received_at: dt.datetime
    state: str
    kind: str | None
    outcome: str | None
    ticket_id: int | None
    released_by: int | None
    refused: bool  # a person has said that it is not theirs (D1)


def _kept() -> Select[tuple[object, ...]]:
    refusal = exists().where(
        holds.c.inbox_id == inbox.c.id, holds.c.kind == "proof", holds.c.outcome == "refused"
    )
    return select(
        inbox.c.id,
        inbox.c.identity,
        inbox.c.hint,
        inbox.c.received_at,
        inbox.c.state,
        inbox.c.kind,
        inbox.c.outcome,
        inbox.c.ticket_id,
        inbox.c.released_by,
        refusal.label("refused"),
    )


def itself(tx: Tx, inbox_id: int) -> Kept:
    """Give a message."""
    return record(Kept, tx.execute(_kept().where(inbox.c.id == inbox_id)).one())


def family(tx: Tx, first_id: int) -> Sequence[Kept]:
    """Give the first message and its copies, those left out that did nothing."""
    query = _kept().where(
        or_(inbox.c.id == first_id, inbox.c.copy_of == first_id),
        inbox.c.outcome.is_distinct_from(COPY),
    )
    return [record(Kept, row) for row in tx.execute(query.order_by(inbox.c.id))]


def acted_on(tx: Tx, seal: str, *, apart: int) -> Kept | None:
    """Give the message that acted with the same proven text before (D1)."""
    query = _kept().where(inbox.c.seal == seal, inbox.c.id != apart).order_by(inbox.c.id).limit(1)
    row = tx.execute(query).one_or_none()
    return None if row is None else record(Kept, row)


def seal(tx: Tx, inbox_id: int, mark: str) -> None:
    """Note the proven text of a message that acts (D1)."""
    tx.execute(update(inbox).where(inbox.c.id == inbox_id).values(seal=mark))


def receive_as(tx: Tx, inbox_id: int, first: Kept) -> None:
    """Give a copy the receipt time of the first message, in whose place it acts."""
    values = {"received_at": first.received_at}
    tx.execute(update(inbox).where(inbox.c.id == inbox_id).values(values))


def set_aside(tx: Tx, first: Kept, *, by: int, at: dt.datetime, ticket_id: int | None) -> None:
    """End a held or shelved message, in whose place a copy has acted; nobody is asked about it."""
    values = {
        "state": "done",
        "outcome": COPY,
        "reason": None,
        "ticket_id": ticket_id,
        "released_by": by,
        "processed_at": at,
        **leases.FREED,
    }
    tx.execute(update(inbox).where(inbox.c.id == first.id).values(values))
    asked = and_(
        holds.c.inbox_id == first.id, holds.c.kind == "proof", holds.c.settled_at.is_(None)
    )
    settled = {"settled_at": at, "settled_by": by, "outcome": "released"}
    ended = update(holds).where(asked).values(settled).returning(holds.c.id)
    seals.changed(tx, "hold", tx.scalars(ended).all())
