"""Gathered notices to our own people, and the count of all notices (J2).

A row stays when its mail is made: it names the messages with words in that mail (K2). Its remarks
go then, for they may hold an address.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, delete, func, or_, select, update

from daemon.store.memo import once
from daemon.store.rows import grouped, insert
from daemon.store.schema.tables import notices, outbox, outgoing
from daemon.store.session import Tx

KIND = "notice"  # of a mail about one ticket
Waiting = Row[Any]
_WAITS = notices.c.outgoing_id.is_(None)


@dataclass(frozen=True, slots=True)
class Reader:
    """One of our own people: the number of the person, and the address of the mail."""

    person_id: int
    address: str


def told_since(tx: Tx, readers: Collection[Reader], since: dt.datetime) -> dict[int, int]:
    """The number of notices to each person after an instant, sent and gathered; by person."""
    counted = _counts(tx, since)
    unknown = {each.address: each.person_id for each in readers if each.person_id not in counted}
    if unknown:
        counted.update(dict.fromkeys(unknown.values(), 0))
        for address, count in tx.execute(_sent(unknown, since)):
            counted[unknown[address]] += count
        for person_id, count in tx.execute(_gathered(unknown.values(), since)):
            counted[person_id] += count
    return {each.person_id: counted[each.person_id] for each in readers}


def count(tx: Tx, person_ids: Collection[int], since: dt.datetime) -> None:
    """Count a notice that is on its way to these people; `told_since` has counted before it."""
    counted = _counts(tx, since)
    for person_id in person_ids:
        counted[person_id] += 1


def _counts(tx: Tx, since: dt.datetime) -> dict[int, int]:
    """The counts known to this transaction."""
    return once(tx, "notices", since, dict[int, int])


def _sent(addresses: Collection[str], since: dt.datetime) -> Any:
    return (
        select(outbox.c.recipient, func.count())
        .join(outgoing)
        .where(
            outbox.c.recipient.in_(addresses),
            outbox.c.answer.is_(False),
            outbox.c.created_at > since,
            outgoing.c.kind == KIND,
        )
        .group_by(outbox.c.recipient)
    )


def _gathered(person_ids: Collection[int], since: dt.datetime) -> Any:
    mine = and_(notices.c.person_id.in_(person_ids), notices.c.at > since)
    return select(notices.c.person_id, func.count()).where(mine).group_by(notices.c.person_id)


def wait(tx: Tx, person_ids: Sequence[int], **values: Any) -> None:
    """Let a notice wait for the mail that gathers it; the same `key` waits once for a person."""
    rows = [{"person_id": each, **values} for each in person_ids]
    if rows:
        tx.execute(insert(tx, notices).values(rows).on_conflict_do_nothing())


def due(tx: Tx, now: dt.datetime, within: dt.timedelta) -> dict[int, list[Waiting]]:
    """The waiting notices by person, for those whose first has waited long enough.

    A time far ahead came from a wrong clock, and is due too.
    """
    long = or_(notices.c.at <= now - within, notices.c.at > now + within)
    people = select(notices.c.person_id).where(_WAITS, long)
    query = select(notices).where(_WAITS, notices.c.person_id.in_(people))
    return grouped((row.person_id, row) for row in tx.execute(query.order_by(notices.c.id)))


def told(tx: Tx, ids: Sequence[int], outgoing_id: int | None) -> None:
    """Note the mail that gathers these notices; without one, nobody can get them."""
    these = notices.c.id.in_(ids)
    if outgoing_id is None:
        tx.execute(delete(notices).where(these))
    else:
        tx.execute(update(notices).where(these).values(outgoing_id=outgoing_id, remarks=[]))
