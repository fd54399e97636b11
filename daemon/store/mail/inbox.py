"""The inbox: every message as it came, and the state of its processing (B1–B5)."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    Row,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)

from daemon.store import leases
from daemon.store.pending import Pending
from daemon.store.rows import among, record
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
COPY = "copy"  # B3: the outcome of a message that came again, and did nothing
REFUSED = "refused by its sender"  # D1: why a message lies on the shelf that somebody forged
TOGETHER = 20
TOGETHER_BYTES = 4 * 1024**2  # of raw mail in memory at once; a larger mail comes alone


def _instant(name: str) -> BindParameter[dt.datetime]:
    return bindparam(name, type_=Instant())


_NEW = (inbox.c.state == "new", IN_INBOX)
_FIRST = inbox.alias("first")
# B3: a copy waits until the first message has an end
_DECIDED = or_(
    inbox.c.copy_of.is_(None),
    ~exists().where(_FIRST.c.id == inbox.c.copy_of, _FIRST.c.state == "new"),
)
# Made once: building a statement costs more than running it.
# A message still under this very process's lease met a fault of the database that could not even be
# noted: it was no attempt of the message's (B4).
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
        _DECIDED,
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
        inbox.c.identity,
        inbox.c.copy_of,
    )
)
_RAWS = select(inbox_raw).where(among(inbox_raw.c.inbox_id, "ids"), inbox_raw.c.raw.is_not(None))
_FINISH = update(inbox).where(
    inbox.c.id == bindparam("message"),
    inbox.c.state == "new",
    inbox.c.lease_owner == bindparam("me"),
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message for this process to act on, at its `attempts`th attempt."""

    id: int
    received_at: dt.datetime
    attempts: int
    source: str
    envelope_from: str | None
    envelope_to: tuple[str, ...]
    released_by: int | None
    identity: str
    copy_of: int | None


class LeaseLostError(Exception):
    """Another process took over the work of this slow one: none of its effects may be kept."""


def claim(tx: Tx, limit: int = TOGETHER) -> list[Claimed]:
    """Take the oldest unprocessed messages; the attempt is counted before it is made (B4).

    A message with an earlier attempt is taken alone: if this process dies of it, no other message
    pays. If no message is free, the messages of this machine's dead processes are given back first;
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
    """The parameters of `_FREE`: the machine's time, and the latest end of a true lease."""
    wall = leases.wall()
    return {"wall": wall, "beyond": wall + 2 * leases.LEASE}


def _together(waiting: Sequence[Any]) -> list[int]:
    """The first message, and the others of its group."""
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
    """Messages as they came; an erased one is left out (K2)."""
    ids = list(ids)
    if not ids:
        return {}
    return {row.inbox_id: bytes(row.raw) for row in tx.execute(_RAWS, {"ids": ids})}


def raw(tx: Tx, inbox_id: int) -> bytes:
    """The message as it came; KeyError if it has been erased (K2)."""
    text = tx.scalar(select(inbox_raw.c.raw).where(inbox_raw.c.inbox_id == inbox_id))
    if text is None:
        raise KeyError(f"message {inbox_id} has no raw text")
    return bytes(text)


def received(tx: Tx, inbox_id: int) -> dt.datetime:
    """The receipt time of a message (B2)."""
    at: dt.datetime = tx.execute(
        select(inbox.c.received_at).where(inbox.c.id == inbox_id)
    ).scalar_one()
    return at


def outcome(tx: Tx, inbox_id: int) -> str | None:
    """The outcome of a message; None for one that waits."""
    return tx.scalar(select(inbox.c.outcome).where(inbox.c.id == inbox_id))


def note_ticket(tx: Tx, inbox_id: int, ticket_id: int) -> None:
    """Note the ticket of an earlier message, found only now."""
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

    If another process has taken the message over, the transaction ends with a LeaseLostError, and
    none of its effects is kept.
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
    """Note a failed attempt; True if it was the last, and the message is shelved (B4).

    If another process has taken the message over, its attempt counts, and not this one.
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
    """Take back an attempt; it failed by no fault of the message."""
    mine = and_(inbox.c.id == inbox_id, inbox.c.state == "new", leases.is_mine(inbox))
    tx.execute(update(inbox).where(mine).values(attempts=inbox.c.attempts - 1, **leases.FREED))


def given_up(tx: Tx, at: dt.datetime) -> list[int]:
    """Shelve messages without an attempt left, after the third crash, if nobody works on them.

    The rows of dead processes are free by then: `claim` found no message before, and freed them.
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


def explain(tx: Tx, inbox_id: int, reason: str) -> None:
    """Give a held message another reason."""
    held = and_(inbox.c.id == inbox_id, inbox.c.state == "held")
    tx.execute(update(inbox).where(held).values(reason=reason))


def shelve_held(tx: Tx, inbox_id: int, reason: str) -> None:
    """Put a held message on the shelf: it is kept, and nobody waits for it."""
    held = and_(inbox.c.id == inbox_id, inbox.c.state == "held")
    tx.execute(update(inbox).where(held).values(state="shelved", reason=reason))


def reopen(tx: Tx, inbox_id: int, *, released_by: int | None = None) -> bool:
    """Put a shelved or held message back in line, with its original receipt time (B4, D1)."""
    values: dict[str, object] = {"state": "new", "attempts": 0, "reason": None, **leases.FREED}
    if released_by is not None:
        values["released_by"] = released_by
    held = and_(inbox.c.id == inbox_id, inbox.c.state.in_(["shelved", "held"]))
    return bool(tx.execute(update(inbox).where(held).values(values)).rowcount)


def unprocessed_before(tx: Tx, instant: dt.datetime) -> int:
    """The number of messages received before an instant and not processed yet (H1)."""
    waiting = and_(*_NEW, inbox.c.received_at < instant)
    return tx.scalar(select(func.count()).select_from(inbox).where(waiting)) or 0


@dataclass(frozen=True, slots=True)
class Way:
    """A message's way through the desk: its row, its copies, its deliveries, events, and mails."""

    message: Row[Any]
    copies: Sequence[Row[Any]]
    deliveries: Sequence[Row[Any]]  # of its copies, too
    events: Sequence[Row[Any]]
    mails: Sequence[Row[Any]]  # one for each recipient


def way(tx: Tx, inbox_id: int) -> Way | None:
    """Everything known of a message; None for an unknown number."""
    query = (
        select(inbox, tickets.c.number.label("ticket_number"))
        .outerjoin(tickets, tickets.c.id == inbox.c.ticket_id)
        .where(inbox.c.id == inbox_id)
    )
    message = tx.execute(query).one_or_none()
    if message is None:
        return None
    again = select(inbox).where(inbox.c.copy_of == inbox_id).order_by(inbox.c.id)
    copies = tx.execute(again).all()
    ids = [inbox_id, *(copy.id for copy in copies)]
    came = select(inbox_deliveries).where(inbox_deliveries.c.inbox_id.in_(ids))
    did = select(events).where(
        events.c.cause.in_([f"inbox:{number}" for number in ids]),
        events.c.ticket_id == message.ticket_id,
    )
    sent = (
        select(outgoing.c.kind, outbox)
        .join(outbox, outbox.c.outgoing_id == outgoing.c.id)
        .where(outgoing.c.inbox_id.in_(ids))
    )
    return Way(
        message,
        copies,
        tx.execute(came.order_by(inbox_deliveries.c.id)).all(),
        tx.execute(did.order_by(events.c.id)).all(),
        tx.execute(sent.order_by(outbox.c.id)).all(),
    )


def listing(tx: Tx, *, states: Sequence[str] | None = None, limit: int = 200) -> Sequence[Row[Any]]:
    """The newest messages, with their outcome and their ticket; copies without effect left out."""
    query = (
        select(inbox, tickets.c.number.label("ticket_number"))
        .outerjoin(tickets, tickets.c.id == inbox.c.ticket_id)
        .where(
            inbox.c.outcome.is_distinct_from(COPY),
            or_(inbox.c.copy_of.is_(None), inbox.c.state.in_(["done", "held", "shelved"])),
        )
        .order_by(inbox.c.id.desc())
        .limit(limit)
    )
    if states is not None:
        query = query.where(inbox.c.state.in_(states))
        if "done" not in states:
            query = query.where(IN_INBOX)
    return tx.execute(query).all()
