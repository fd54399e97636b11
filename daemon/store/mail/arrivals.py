"""Keeping deliveries: a new message, or a copy of one that is known (B1, B3)."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, func, or_, select, text, union_all

from daemon.store.mail.inbox import ATTEMPTS
from daemon.store.rows import ENGINES, among
from daemon.store.schema.tables import inbox, inbox_deliveries, inbox_raw
from daemon.store.session import Tx

_KEEPING = 7237  # PostgreSQL's locks for the marks of messages that are being kept
_LINE_UP = text(
    "SELECT pg_advisory_xact_lock(:lock, hashtext(mark))"
    " FROM unnest(CAST(:marks AS text[])) AS mark"
)
# Made once: building a statement costs more than running it.
_KEEP = inbox.insert().returning(inbox.c.id, inbox.c.identity)
_KEEP_RAW = inbox_raw.insert()
_NOTE_TAKEN = inbox_deliveries.insert()
_NOTE_FETCHED = {
    name: engine.insert(inbox_deliveries).on_conflict_do_nothing()
    for name, engine in ENGINES.items()
}
_FIRST = inbox.alias("first")
_KNOWN = union_all(  # one index each: an OR of all would read the table
    *(
        select(
            _FIRST.c.id,
            _FIRST.c.state,
            column.label("mark"),
            inbox_raw.c.raw.is_(None).label("erased"),
        )
        .select_from(inbox)
        .join(_FIRST, _FIRST.c.id == func.coalesce(inbox.c.copy_of, inbox.c.id))
        .join(inbox_raw, inbox_raw.c.inbox_id == _FIRST.c.id)
        .where(among(column, "marks"), *condition)
        for column, *condition in (
            (inbox.c.identity, inbox.c.copy_of.is_(None)),
            (inbox.c.identity, inbox.c.copy_of.is_not(None)),
            (inbox.c.hint,),
        )
    )
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of one message by one door; `received_at` is our own server's (B2)."""

    raw: bytes
    identity: str
    received_at: dt.datetime
    source: str
    hint: str | None = None
    message_id: str | None = None
    envelope_from: str | None = None
    envelope_to: tuple[str, ...] = ()
    mailbox: str | None = None
    uidvalidity: int | None = None
    uid: int | None = None
    state: str = "new"
    unfit: str | None = None  # why it has no attempt to begin with: `given_up` shelves it (B4)

    @property
    def marks(self) -> tuple[str, ...]:
        """The identity, and the hint where there is one: a copy shares one of them."""
        return (self.identity, self.hint) if self.hint else (self.identity,)


@dataclass(frozen=True, slots=True)
class _First:
    """A message that came first."""

    id: int
    state: str
    erased: bool = False


def accept(tx: Tx, deliveries: Sequence[Delivery]) -> list[int | None]:
    """Keep deliveries; gives the id of each new message, None for a copy (B3).

    A copy becomes a message of its own that points at the first: the desk decides on it later.
    """
    known = _known(tx, deliveries) if deliveries else {}
    seen = set(known)
    fresh: dict[int, Delivery] = {}
    for place, delivery in enumerate(deliveries):
        if seen.isdisjoint(delivery.marks):
            fresh[place] = delivery
        seen.update(delivery.marks)
    new = _keep_new(tx, fresh)
    for place, delivery in enumerate(deliveries):
        if place in new:
            first = _First(new[place], delivery.state)
        else:
            first = next(known[mark] for mark in delivery.marks if mark in known)
            _keep_copy(tx, delivery, first)
        known |= dict.fromkeys(delivery.marks, first)
    return [new.get(place) for place in range(len(deliveries))]


def _known(tx: Tx, deliveries: Sequence[Delivery]) -> dict[str, _First]:
    """Give the first message of each known mark, once nobody else is keeping one of these marks."""
    marks = sorted({mark for delivery in deliveries for mark in delivery.marks})
    if tx.dialect.name == "postgresql":
        tx.execute(_LINE_UP, {"lock": _KEEPING, "marks": marks})
    rows = sorted(tx.execute(_KNOWN, {"marks": marks}), key=lambda row: row.id, reverse=True)
    return {row.mark: _First(row.id, row.state, row.erased) for row in rows}


def _keep_new(tx: Tx, fresh: dict[int, Delivery]) -> dict[int, int]:
    """Keep messages that nobody knows; gives their ids by their places."""
    if not fresh:
        return {}
    rows = tx.execute(_KEEP, [_message(delivery) for delivery in fresh.values()])
    by_identity = {row.identity: row.id for row in rows}
    ids = {place: by_identity[delivery.identity] for place, delivery in fresh.items()}
    tx.execute(_KEEP_RAW, [{"inbox_id": ids[at], "raw": fresh[at].raw} for at in ids])
    taken = [_note(fresh[at], ids[at]) for at in ids if fresh[at].mailbox is None]
    fetched = [_note(fresh[at], ids[at]) for at in ids if fresh[at].mailbox is not None]
    if taken:
        tx.execute(_NOTE_TAKEN, taken)
    if fetched:  # the same UID may come again
        tx.execute(_NOTE_FETCHED[tx.dialect.name], fetched)
    return ids


def _keep_copy(tx: Tx, delivery: Delivery, first: _First) -> None:
    """Keep a copy, with the first message's place in the archive (B5).

    The delivery alone is noted where the first has been erased (K2), and where a mailbox gives the
    same bytes once more.
    """
    number = first.id if first.erased else _seen(tx, delivery, first.id)
    if number is None:
        archived = "archived" if first.state == "archived" else delivery.state
        values = _message(delivery) | {"copy_of": first.id, "state": archived}
        number = tx.execute(_KEEP, values).one().id
        tx.execute(_KEEP_RAW, {"inbox_id": number, "raw": delivery.raw})
    tx.execute(_NOTE_FETCHED[tx.dialect.name], _note(delivery, number))


def _seen(tx: Tx, delivery: Delivery, first_id: int) -> int | None:
    """Give the message that the same mailbox has given before, byte for byte."""
    if delivery.mailbox is None:
        return None
    given = exists().where(
        inbox_deliveries.c.inbox_id == inbox.c.id, inbox_deliveries.c.mailbox == delivery.mailbox
    )
    query = select(inbox.c.id).where(
        or_(inbox.c.id == first_id, inbox.c.copy_of == first_id),
        inbox.c.raw_sha256 == hashlib.sha256(delivery.raw).hexdigest(),
        given,
    )
    seen: int | None = tx.scalar(query.order_by(inbox.c.id).limit(1))
    return seen


def _message(delivery: Delivery) -> dict[str, Any]:
    return {
        "identity": delivery.identity,
        "hint": delivery.hint,
        "received_at": delivery.received_at,
        "source": delivery.source,
        "envelope_from": delivery.envelope_from,
        "envelope_to": list(delivery.envelope_to),
        "size": len(delivery.raw),
        "raw_sha256": hashlib.sha256(delivery.raw).hexdigest(),
        "message_id": delivery.message_id,
        "state": delivery.state,
        "attempts": 0 if delivery.unfit is None else ATTEMPTS,
        "reason": delivery.unfit,
    }


def _note(delivery: Delivery, inbox_id: int) -> dict[str, Any]:
    return {
        "inbox_id": inbox_id,
        "source": delivery.source,
        "mailbox": delivery.mailbox,
        "uidvalidity": delivery.uidvalidity,
        "uid": delivery.uid,
        "received_at": delivery.received_at,
    }
