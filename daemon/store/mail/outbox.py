"""The outbox: every mail that leaves, one row a recipient, and the state of its delivery."""

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from sqlalchemy import and_, bindparam, case, func, or_, select, update

from daemon.domain.delivery import NEVER_REPEATED, PAUSES, longest_wait
from daemon.store import leases
from daemon.store.memo import once
from daemon.store.pending import Pending
from daemon.store.rows import ENGINES, among, record
from daemon.store.schema.tables import IN_OUTBOX, outbox, outgoing
from daemon.store.schema.types import Instant
from daemon.store.session import Tx

TOGETHER = 20
TOGETHER_BYTES = 2 * 1024**2  # of mail text in memory at once; a larger mail comes alone
LEASE = dt.timedelta(minutes=10)  # longer than a group may take; `renew` holds on to slow ones

_PENDING = (outbox.c.state == "pending", IN_OUTBOX)
_ONCE = {
    name: engine.insert(outgoing)
    .on_conflict_do_nothing(index_elements=["key"])
    .returning(outgoing.c.id, outgoing.c.key)
    for name, engine in ENGINES.items()
}
_TO_EACH = outbox.insert()
_TAKE = (
    update(outbox)
    .where(among(outbox.c.id, "ids"))
    .values(
        state="sending",
        attempts=outbox.c.attempts + 1,
        lease_owner=bindparam("me"),
        lease_until=bindparam("until", type_=Instant()),
    )
)
_WHOLE = (
    select(
        outbox,
        outgoing.c.kind,
        outgoing.c.ticket_id,
        outgoing.c.inbox_id,
        func.length(outgoing.c.raw).label("size"),
    )
    .join(outgoing)
    .order_by(outbox.c.next_at, outbox.c.id)
)
_THESE = _WHOLE.where(among(outbox.c.id, "ids"))
_DUE = (
    _WHOLE.where(*_PENDING, outbox.c.next_at <= bindparam("now"))
    .limit(bindparam("most"))
    .with_for_update(of=outbox, skip_locked=True)
)
_DUE_OF_PEOPLE = _DUE.where(outbox.c.answer.is_(False))
_DUE_ANSWERS = _DUE.where(outbox.c.answer.is_(True))
_LATEST = case(
    *(
        (outbox.c.attempts <= tried, bindparam(f"after_{tried}", type_=Instant()))
        for tried in range(len(PAUSES))
    ),
    else_=bindparam(f"after_{len(PAUSES)}", type_=Instant()),
)
_BRING_FORWARD = (
    update(outbox)
    .where(
        *_PENDING,
        outbox.c.next_at > bindparam("now", type_=Instant()),
        outbox.c.next_at > _LATEST,
    )
    .values(next_at=_LATEST)
)
_RAWS = select(outgoing.c.id, outgoing.c.raw).where(
    among(outgoing.c.id, "ids"), outgoing.c.raw.is_not(None)
)
_MINE = (
    select(outbox.c.id)
    .where(
        among(outbox.c.id, "ids"),
        outbox.c.state == "sending",
        outbox.c.lease_owner == bindparam("me"),
    )
    .with_for_update()
)
_SENT = (
    update(outbox)
    .where(outbox.c.id == bindparam("delivery"))
    .values(
        state="sent",
        reply=bindparam("said"),
        sent_at=bindparam("at", type_=Instant()),
        **leases.FREED,
    )
)
_ANSWERS = (
    select(outbox.c.recipient, func.count())
    .where(
        among(outbox.c.recipient, "to"),
        outbox.c.answer.is_(True),
        outbox.c.created_at > bindparam("since"),
    )
    .group_by(outbox.c.recipient)
)


@dataclass(frozen=True, slots=True)
class Mail:
    """A finished mail; `key` names its cause: the same cause never mails twice."""

    key: str
    kind: str
    message_id: str  # with its angle brackets, fixed before the first attempt
    raw: bytes  # with CRLF line ends
    recipients: tuple[str, ...]
    envelope_from: str  # "" for mail that must never bounce back
    ticket_id: int | None = None
    inbox_id: int | None = None
    about: str | None = None
    answer: bool = False  # J2: counts against the limit of automatic answers
    customer_side: frozenset[str] = frozenset()  # E1: recipients whose acceptance stops a clock
    return_paths: Mapping[str, str] = field(default_factory=dict)  # E1: the sender, by recipient


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to hand one mail to the outgoing server, for one recipient."""

    id: int
    outgoing_id: int
    size: int  # of the mail, in bytes; 0 where it has been erased
    recipient: str
    envelope_from: str
    kind: str
    attempts: int
    repeats: int
    created_at: dt.datetime
    ticket_id: int | None
    inbox_id: int | None
    customer_side: bool
    answer: bool = False  # J2
    in_doubt: bool = False  # it ended with an unknown outcome


def put(tx: Tx, mail: Mail, at: dt.datetime) -> int | None:
    """Queue a mail in the transaction of its cause; None if this cause has mailed already."""
    _count_anew(tx, mail)
    return _write(tx, [(mail, at)]).get(mail.key)


def put_later(tx: Tx, mail: Mail, at: dt.datetime) -> None:
    """Queue a mail as `put` does, together with others of this transaction."""
    _count_anew(tx, mail)
    _QUEUED.add(tx, (mail, at))


def _write(tx: Tx, queued: Sequence[tuple[Mail, dt.datetime]]) -> dict[str, int]:
    """Write mails, the first of each cause, with a delivery for each recipient; gives new ids."""
    first: dict[str, tuple[Mail, dt.datetime]] = {}
    for mail, at in queued:
        first.setdefault(mail.key, (mail, at))
    rows = tx.execute(_ONCE[tx.dialect.name], [_outgoing(mail, at) for mail, at in first.values()])
    new = {row.key: row.id for row in rows}
    to_each = [
        delivery
        for mail, at in first.values()
        if mail.key in new
        for delivery in _deliveries_of(mail, new[mail.key], at)
    ]
    if to_each:
        tx.execute(_TO_EACH, to_each)
    return new


_QUEUED = Pending(frozenset({"outgoing", "outbox"}), _write)


def _outgoing(mail: Mail, at: dt.datetime) -> dict[str, Any]:
    return {
        "key": mail.key,
        "kind": mail.kind,
        "message_id": mail.message_id,
        "ticket_id": mail.ticket_id,
        "inbox_id": mail.inbox_id,
        "about": mail.about,
        "created_at": at,
        "answer": mail.answer,
        "raw": mail.raw,
        "raw_sha256": hashlib.sha256(mail.raw).hexdigest(),
    }


def _deliveries_of(mail: Mail, outgoing_id: int, at: dt.datetime) -> list[dict[str, Any]]:
    return [
        {
            "outgoing_id": outgoing_id,
            "recipient": recipient,
            "envelope_from": mail.return_paths.get(recipient, mail.envelope_from),
            "created_at": at,
            "next_at": at,
            "answer": mail.answer,
            "customer_side": recipient in mail.customer_side,
        }
        for recipient in dict.fromkeys(mail.recipients)
    ]


def claim(
    tx: Tx, now: dt.datetime, limit: int = TOGETHER, *, answers: int = TOGETHER
) -> list[Delivery]:
    """Take the deliveries due by now, and mark them as being sent; the attempt counts before it is
    made.

    A mail that must not be repeated, or has been once, is taken alone: if this process dies, only
    one such delivery is in doubt. At most `answers` automatic answers are taken: the others wait
    (J2).
    """
    due = _DUE if answers else _DUE_OF_PEOPLE
    group = _together(tx.execute(due, {"now": now, "most": limit}).all(), answers)
    if not group:
        return []
    lease = {"me": leases.owner(), "until": leases.wall() + LEASE}
    tx.execute(_TAKE, {"ids": [row.id for row in group]} | lease)
    return [_delivery(row, row.attempts + 1) for row in group]


def _together(due: Sequence[Any], answers: int) -> list[Any]:
    """The first delivery, and the others of its group."""
    group: list[Any] = []
    texts: dict[int, int] = {}  # their sizes: each is there once, however many it goes to
    for row in due:
        texts[row.outgoing_id] = row.size or 0
        large = len(texts) > 1 and sum(texts.values()) > TOGETHER_BYTES
        alone = row.repeats > 0 or row.kind in NEVER_REPEATED
        if (group and (alone or large)) or (row.answer and not answers):
            break
        group.append(row)
        answers -= row.answer
        if alone:
            break
    return group


def renew(tx: Tx, ids: Sequence[int]) -> None:
    """Go on holding deliveries whose server has not answered yet."""
    mine = and_(outbox.c.id.in_(ids), outbox.c.state == "sending", leases.is_mine(outbox))
    tx.execute(update(outbox).where(mine).values(**leases.taken(LEASE)))


def answers_wait(tx: Tx, now: dt.datetime) -> bool:
    """True if automatic answers are due and have not gone out (J2)."""
    return tx.execute(_DUE_ANSWERS, {"now": now, "most": 1}).first() is not None


def take_over(tx: Tx) -> list[Delivery]:
    """Take the deliveries of a dead process, or of a lost lease: their outcome is unknown."""
    being_sent = (
        select(outbox.c.id, outbox.c.lease_owner, outbox.c.lease_until)
        .where(outbox.c.state == "sending", IN_OUTBOX)
        .with_for_update(skip_locked=True)
    )
    left = [
        row.id
        for row in tx.execute(being_sent)
        if row.lease_owner is None
        or leases.ran_out(row.lease_until, LEASE)
        or leases.is_dead(row.lease_owner)
    ]
    if not left:
        return []
    tx.execute(update(outbox).where(outbox.c.id.in_(left)).values(**leases.taken(LEASE)))
    return [_delivery(row, row.attempts) for row in tx.execute(_THESE, {"ids": left})]


def bring_forward(tx: Tx, now: dt.datetime) -> bool:
    """Let no delivery wait longer than its pause from now on: a later time came from a wrong clock.

    A clock that is set back holds no mail up: a mail without an attempt is due at once.
    """
    latest = {f"after_{n}": now + longest_wait(n) for n in range(len(PAUSES) + 1)}
    return bool(tx.execute(_BRING_FORWARD, {"now": now, **latest}).rowcount)


def _delivery(row: Any, attempts: int) -> Delivery:
    return record(Delivery, row, size=row.size or 0, attempts=attempts, in_doubt=False)


def raws(tx: Tx, outgoing_ids: Iterable[int]) -> dict[int, bytes]:
    """The mails as they leave, with CRLF line ends; an erased one is left out (K2)."""
    rows = tx.execute(_RAWS, {"ids": list(set(outgoing_ids))})
    return {row.id: bytes(row.raw) for row in rows}


def give_back(tx: Tx, ids: Sequence[int]) -> None:
    """Return claimed deliveries without an attempt made: the attempt does not count."""
    if not ids:
        return
    mine = and_(outbox.c.id.in_(ids), outbox.c.state == "sending", leases.is_mine(outbox))
    back = {"state": "pending", "attempts": outbox.c.attempts - 1, **leases.FREED}
    tx.execute(update(outbox).where(mine).values(back))


def held(tx: Tx, ids: Collection[int]) -> set[int]:
    """The deliveries still held by this process; nobody else ends them now."""
    if not ids:
        return set()
    return set(tx.scalars(_MINE, {"ids": list(ids), "me": leases.owner()}))


def settle_sent(tx: Tx, replies: Mapping[int, str], at: dt.datetime) -> set[int]:
    """Note accepted deliveries with the server's replies; gives those this process still held."""
    settled = held(tx, replies)
    if settled:
        tx.execute(
            _SENT,
            [
                {"delivery": number, "said": replies[number][:500], "at": at}
                for number in sorted(settled)
            ],
        )
    return settled


def settle(
    tx: Tx,
    delivery_id: int,
    state: str,
    *,
    reply: str,
    next_at: dt.datetime | None = None,
    **counts: int,
) -> bool:
    """Note a failed attempt; False if another process took the delivery over meanwhile.

    `counts` are new values of the row's `attempts` and `repeats`.
    """
    values: dict[str, object] = {"state": state, "reply": reply[:500], **counts, **leases.FREED}
    if next_at is not None:
        values["next_at"] = next_at
    mine = and_(outbox.c.id == delivery_id, outbox.c.state == "sending", leases.is_mine(outbox))
    return bool(tx.execute(update(outbox).where(mine).values(values)).rowcount)


def waits_until(tx: Tx) -> dt.datetime | None:
    """The time of the next delivery; None if none waits."""
    waiting = and_(outbox.c.state.in_(["pending", "sending"]), IN_OUTBOX)
    next_at: dt.datetime | None = tx.scalar(select(func.min(outbox.c.next_at)).where(waiting))
    return next_at


def answers_since(tx: Tx, recipient: str, since: dt.datetime) -> int:
    """The number of automatic answers to an outside address after an instant (J2)."""
    counted = _answers(tx)
    if (recipient, since) not in counted:
        foresee_answers(tx, [recipient], since)
    return counted[recipient, since]


def foresee_answers(tx: Tx, recipients: Collection[str], since: dt.datetime) -> None:
    """Count with one statement, for coming calls of `answers_since` with these addresses."""
    if not recipients:
        return
    none_waits = all(not {*recipients} & {*mail.recipients} for mail, _ in _QUEUED.rows(tx))
    options = {"leaves": _QUEUED} if none_waits else {}
    values = {"to": list(recipients), "since": since}
    counts = {row[0]: row[1] for row in tx.execute(_ANSWERS, values, execution_options=options)}
    _answers(tx).update(((address, since), counts.get(address, 0)) for address in recipients)


def _answers(tx: Tx) -> dict[tuple[str, dt.datetime], int]:
    """The counts that still hold."""
    return once(tx, "outbox", "answers", dict[tuple[str, dt.datetime], int])


def _count_anew(tx: Tx, mail: Mail) -> None:
    """Forget the counts of these recipients: they may get one more answer."""
    counted = _answers(tx)
    for key in [key for key in counted if mail.answer and key[0] in mail.recipients]:
        del counted[key]


@dataclass(frozen=True, slots=True)
class Sent:
    """The subject of one of our mails, for a reply to it (D3)."""

    id: int
    kind: str
    ticket_id: int | None
    inbox_id: int | None
    about: str | None
    created_at: dt.datetime


def by_message_ids(tx: Tx, message_ids: Sequence[str]) -> dict[str, Sent]:
    """Our own mails among these Message-IDs."""
    if not message_ids:
        return {}
    sent = [outgoing.c[field.name] for field in fields(Sent)]
    query = select(outgoing.c.message_id, *sent)
    rows = tx.execute(query.where(outgoing.c.message_id.in_(list(message_ids))))
    return {row.message_id: record(Sent, row) for row in rows}


def recipients(tx: Tx, outgoing_id: int) -> list[str]:
    """The recipients of a mail."""
    query = select(outbox.c.recipient).where(outbox.c.outgoing_id == outgoing_id)
    return list(tx.scalars(query.order_by(outbox.c.id)))


def bounced(tx: Tx, outgoing_id: int, recipient: str, status: str) -> None:
    """Note that an accepted mail came back for good."""
    mine = and_(outbox.c.outgoing_id == outgoing_id, outbox.c.recipient == recipient.casefold())
    tx.execute(update(outbox).where(mine).values(state="failed", reply=f"bounced: {status}"))


def all_failed(tx: Tx, outgoing_id: int) -> bool:
    """True if no recipient of the customer's side has the mail, or may still get it (E1)."""
    states = tx.scalars(
        select(outbox.c.state).where(
            outbox.c.outgoing_id == outgoing_id, outbox.c.customer_side.is_(True)
        )
    ).all()
    return bool(states) and all(state == "failed" for state in states)


def first_accepted(tx: Tx, outgoing_id: int, delivery_id: int) -> bool:
    """True if this is the mail's first delivery accepted by a server for the customer's side.

    Of deliveries noted together, the lowest number is the first.
    """
    taken_at = select(outbox.c.sent_at).where(outbox.c.id == delivery_id).scalar_subquery()
    together = and_(outbox.c.sent_at == taken_at, outbox.c.id < delivery_id)
    others = (
        select(func.count())
        .select_from(outbox)
        .where(
            outbox.c.outgoing_id == outgoing_id,
            outbox.c.customer_side.is_(True),
            or_(outbox.c.sent_at < taken_at, together),
        )
    )
    return not tx.scalar(others)
