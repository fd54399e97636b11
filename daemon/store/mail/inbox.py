"""The inbox: every message as it came, and how far it has got (B1–B5)."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Row, and_, bindparam, case, func, or_, select, update

from daemon.store import leases
from daemon.store.pending import Pending
from daemon.store.rows import ENGINES, among, record
from daemon.store.schema.tables import (
    IN_INBOX,
    events,
    inbox,
    inbox_deliveries,
    inbox_raw,
    outbox,
    outgoing,
    tickets,
)
from daemon.store.schema.types import Instant
from daemon.store.session import Tx

ATTEMPTS = 3  # B4: then the shelf
TOGETHER = 20
TOGETHER_BYTES = 4 * 1024**2  # of raw mail in memory at once; a larger mail comes alone


def _instant(name: str) -> BindParameter[dt.datetime]:
    return bindparam(name, type_=Instant())


_NEW = (inbox.c.state == "new", IN_INBOX)
# Made once: building a statement costs more than running it.
_KEEP_RAW = inbox_raw.insert()
_NOTE_TAKEN = inbox_deliveries.insert()
# What this very process held until its lease ran out ended with the database's fault, which could
# not be noted: no attempt of the message's (B4).
_OURS = inbox.c.lease_owner == bindparam("me")
_FREE = or_(
    inbox.c.lease_owner.is_(None),
    ~inbox.c.lease_until.between(_instant("wall"), _instant("beyond")),  # as `leases.ran_out`
)
_WAITING = (
    select(inbox.c.id, inbox.c.attempts, inbox.c.size)
    .where(
        *_NEW,
        _FREE,
        or_(inbox.c.attempts < ATTEMPTS, _OURS),
    )
    .order_by(inbox.c.received_at, inbox.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TAKE = (
    update(inbox)
    .where(among(inbox.c.id, "ids"))
    .values(
        attempts=inbox.c.attempts + case((_OURS, 0), else_=1),
        lease_owner=bindparam("me"),
        lease_until=_instant("until"),
    )
    .returning(
        inbox.c.id,
        inbox.c.received_at,
        inbox.c.attempts,
        inbox.c.source,
        inbox.c.envelope_from,
        inbox.c.envelope_to,
        inbox.c.released_by,
    )
)
_RAWS = select(inbox_raw).where(among(inbox_raw.c.inbox_id, "ids"), inbox_raw.c.raw.is_not(None))
_FINISH = update(inbox).where(
    inbox.c.id == bindparam("message"),
    inbox.c.state == "new",
    inbox.c.lease_owner == bindparam("me"),
)
_ONLY_NEW = {
    name: engine.insert(inbox)
    .on_conflict_do_nothing(index_elements=["identity"])
    .returning(inbox.c.id, inbox.c.identity)
    for name, engine in ENGINES.items()
}
_NOTE_FETCHED = {
    name: engine.insert(inbox_deliveries).on_conflict_do_nothing()
    for name, engine in ENGINES.items()
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of one message by one door; `received_at` is our own server's (B2)."""

    raw: bytes
    identity: str
    received_at: dt.datetime
    source: str
    message_id: str | None = None
    envelope_from: str | None = None
    envelope_to: tuple[str, ...] = ()
    mailbox: str | None = None
    uidvalidity: int | None = None
    uid: int | None = None
    state: str = "new"
    unfit: str | None = None  # why it has no attempt to begin with: `given_up` shelves it (B4)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that this process is to act on, for the `attempts`th time."""

    id: int
    received_at: dt.datetime
    attempts: int
    source: str
    envelope_from: str | None
    envelope_to: tuple[str, ...]
    released_by: int | None


class LeaseLostError(Exception):
    """Another process took the work over while this one was slow: nothing of it may be kept."""


def accept(tx: Tx, deliveries: Sequence[Delivery]) -> list[int | None]:
    """Keep deliveries; gives the id of each new message, None where it was known (B3)."""
    if not deliveries:
        return []
    first: dict[str, dict[str, Any]] = {}
    for delivery in deliveries:
        first.setdefault(delivery.identity, _message(delivery))
    rows = tx.execute(_ONLY_NEW[tx.dialect.name], list(first.values()))
    fresh = {row.identity: row.id for row in rows}
    new: list[int | None] = []
    raws: list[dict[str, Any]] = []
    taken: list[dict[str, Any]] = []
    fetched: list[dict[str, Any]] = []  # from a mailbox, where the same UID may come again
    for delivery in deliveries:
        number = fresh.pop(delivery.identity, None)
        new.append(number)
        if number is not None:
            raws.append({"inbox_id": number, "raw": delivery.raw})
        (taken if delivery.mailbox is None else fetched).append(_note(tx, delivery, number))
    for statement, kept in (
        (_KEEP_RAW, raws),
        (_NOTE_TAKEN, taken),
        (_NOTE_FETCHED[tx.dialect.name], fetched),
    ):
        if kept:
            tx.execute(statement, kept)
    return new


def _message(delivery: Delivery) -> dict[str, Any]:
    return {
        "identity": delivery.identity,
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


def _note(tx: Tx, delivery: Delivery, inbox_id: int | None) -> dict[str, Any]:
    if inbox_id is None:
        inbox_id = tx.scalar(select(inbox.c.id).where(inbox.c.identity == delivery.identity))
    return {
        "inbox_id": inbox_id,
        "source": delivery.source,
        "mailbox": delivery.mailbox,
        "uidvalidity": delivery.uidvalidity,
        "uid": delivery.uid,
        "received_at": delivery.received_at,
    }


def claim(tx: Tx, limit: int = TOGETHER) -> list[Claimed]:
    """Take the oldest unprocessed messages; the attempt is counted before it is made (B4).

    What was tried before is taken alone: if this process dies of it, no other message pays. Where
    nothing else waits, what processes of this machine held when they died is given back as well;
    a lease that ran out is free anyway.
    """
    values = {"most": limit, "me": leases.owner(), **_now()}
    ids = _together(tx.execute(_WAITING, values).all())
    if not ids and leases.free_dead(tx, inbox, and_(*_NEW)):
        ids = _together(tx.execute(_WAITING, values).all())
    if not ids:
        return []
    rows = tx.execute(_TAKE, {"ids": ids, "me": leases.owner(), "until": leases.until()})
    claimed = [record(Claimed, row, envelope_to=tuple(row.envelope_to or ())) for row in rows]
    return sorted(claimed, key=lambda message: (message.received_at, message.id))


def _now() -> dict[str, dt.datetime]:
    """What `_FREE` asks: the machine's time, and beyond what instant no true lease lasts."""
    wall = leases.wall()
    return {"wall": wall, "beyond": wall + 2 * leases.LEASE}


def _together(waiting: Sequence[Any]) -> list[int]:
    """The first of them, and what may share its group."""
    if waiting and waiting[0].attempts:
        return [waiting[0].id]
    group: list[int] = []
    size = 0
    for row in waiting:
        size += row.size
        if group and (row.attempts or size > TOGETHER_BYTES):
            break
        group.append(row.id)
    return group


def raws(tx: Tx, ids: Iterable[int]) -> dict[int, bytes]:
    """Messages as they came; one that has been erased is left out (K2)."""
    ids = list(ids)
    if not ids:
        return {}
    return {row.inbox_id: bytes(row.raw) for row in tx.execute(_RAWS, {"ids": ids})}


def raw(tx: Tx, inbox_id: int) -> bytes:
    """The message as it came; a KeyError where it has been erased (K2)."""
    found = tx.scalar(select(inbox_raw.c.raw).where(inbox_raw.c.inbox_id == inbox_id))
    if found is None:
        raise KeyError(f"message {inbox_id} has no raw text")
    return bytes(found)


def received(tx: Tx, inbox_id: int) -> dt.datetime:
    """When a message was received (B2)."""
    found: dt.datetime = tx.execute(
        select(inbox.c.received_at).where(inbox.c.id == inbox_id)
    ).scalar_one()
    return found


def note_ticket(tx: Tx, inbox_id: int, ticket_id: int) -> None:
    """Note on which ticket an earlier message ended up after all."""
    tx.execute(update(inbox).where(inbox.c.id == inbox_id).values(ticket_id=ticket_id))


def finish(
    tx: Tx,
    inbox_id: int,
    *,
    at: dt.datetime,
    outcome: str,
    kind: str = "person",
    sender: str | None = None,
    ticket_id: int | None = None,
    state: str = "done",
    reason: str | None = None,
) -> None:
    """End the work on a claimed message, in the transaction of its effects (B3).

    Where another process has taken one over, that transaction ends with a LeaseLostError, and
    none of the effects is kept.
    """
    values = {
        "message": inbox_id,
        "state": state,
        "outcome": outcome,
        "kind": kind,
        "sender": sender,
        "ticket_id": ticket_id,
        "reason": reason,
        "processed_at": at,
    }
    _FINISHED.add(tx, values | leases.FREED)


def _finish(tx: Tx, ends: Sequence[dict[str, Any]]) -> None:
    held = {"me": leases.owner()}
    if tx.execute(_FINISH, [end | held for end in ends]).rowcount != len(ends):
        raise LeaseLostError(f"one of {[end['message'] for end in ends]}")


_FINISHED = Pending(frozenset({"inbox"}), _finish)


def fail(tx: Tx, inbox_id: int, reason: str, at: dt.datetime) -> bool:
    """Note a failed attempt; True where it was the last, and the message is shelved (B4).

    Where another process has taken the message over, its attempt counts, and not this one.
    """
    mine = and_(inbox.c.id == inbox_id, inbox.c.state == "new", leases.is_mine(inbox))
    attempts: int | None = tx.scalar(select(inbox.c.attempts).where(mine).with_for_update())
    if attempts is None:
        return False
    shelved = attempts >= ATTEMPTS
    values = {"reason": reason, **leases.FREED}
    if shelved:
        values |= {"state": "shelved", "processed_at": at}
    tx.execute(update(inbox).where(mine).values(values))
    return shelved


def give_back(tx: Tx, inbox_id: int) -> None:
    """Take an attempt back that failed by no fault of the message."""
    mine = and_(inbox.c.id == inbox_id, inbox.c.state == "new", leases.is_mine(inbox))
    tx.execute(update(inbox).where(mine).values(attempts=inbox.c.attempts - 1, **leases.FREED))


def given_up(tx: Tx, at: dt.datetime) -> list[int]:
    """Shelve what a crash stopped for the third time: no attempt is left, nobody works on it.

    What the dead held is free by then: `claim`, which found nothing to do, has seen to it.
    """
    stuck = and_(*_NEW, inbox.c.attempts >= ATTEMPTS, _FREE)
    reason = func.coalesce(inbox.c.reason, "the program stopped while it worked on this message")
    rows = tx.execute(
        update(inbox)
        .where(stuck)
        .values(state="shelved", reason=reason, processed_at=at, **leases.FREED)
        .returning(inbox.c.id),
        _now(),
    )
    return [row.id for row in rows]


def reopen(tx: Tx, inbox_id: int, *, released_by: int | None = None) -> bool:
    """Put a shelved or held message back in line, with its original receipt time (B4, D1)."""
    values: dict[str, object] = {"state": "new", "attempts": 0, "reason": None, **leases.FREED}
    if released_by is not None:
        values["released_by"] = released_by
    held = and_(inbox.c.id == inbox_id, inbox.c.state.in_(["shelved", "held"]))
    return bool(tx.execute(update(inbox).where(held).values(values)).rowcount)


def unprocessed_before(tx: Tx, instant: dt.datetime) -> int:
    """How many messages received before an instant still wait to be acted on (H1)."""
    waiting = and_(*_NEW, inbox.c.received_at < instant)
    return tx.scalar(select(func.count()).select_from(inbox).where(waiting)) or 0


@dataclass(frozen=True, slots=True)
class Way:
    """A message's way through the desk: its row, its deliveries, what it did, what it sent."""

    message: Row[Any]
    deliveries: Sequence[Row[Any]]
    events: Sequence[Row[Any]]
    mails: Sequence[Row[Any]]  # one for each recipient


def way(tx: Tx, inbox_id: int) -> Way | None:
    """Everything that is known of a message; None where there is none of that number."""
    query = (
        select(inbox, tickets.c.number.label("ticket_number"))
        .outerjoin(tickets, tickets.c.id == inbox.c.ticket_id)
        .where(inbox.c.id == inbox_id)
    )
    message = tx.execute(query).one_or_none()
    if message is None:
        return None
    came = select(inbox_deliveries).where(inbox_deliveries.c.inbox_id == inbox_id)
    did = select(events).where(
        events.c.cause == f"inbox:{inbox_id}", events.c.ticket_id == message.ticket_id
    )
    sent = (
        select(outgoing.c.kind, outbox)
        .join(outbox, outbox.c.outgoing_id == outgoing.c.id)
        .where(outgoing.c.inbox_id == inbox_id)
    )
    return Way(
        message,
        tx.execute(came.order_by(inbox_deliveries.c.id)).all(),
        tx.execute(did.order_by(events.c.id)).all(),
        tx.execute(sent.order_by(outbox.c.id)).all(),
    )


def listing(tx: Tx, *, states: Sequence[str] | None = None, limit: int = 200) -> Sequence[Row[Any]]:
    """The newest messages, with how each ended and on which ticket."""
    query = (
        select(inbox, tickets.c.number.label("ticket_number"))
        .outerjoin(tickets, tickets.c.id == inbox.c.ticket_id)
        .order_by(inbox.c.id.desc())
        .limit(limit)
    )
    if states is not None:
        query = query.where(inbox.c.state.in_(states))
        if "done" not in states:
            query = query.where(IN_INBOX)
    return tx.execute(query).all()
