"""The polled mailboxes: the time of the last good poll, and the present error."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import and_, select, update

from daemon.store.rows import insert, pieces, record
from daemon.store.schema.tables import inbox_deliveries, mailboxes
from daemon.store.session import Tx


@dataclass(frozen=True, slots=True)
class Polled:
    """A mailbox at its door's last look."""

    name: str
    uidvalidity: int | None
    polled_at: dt.datetime | None
    error: str | None


def note(
    tx: Tx,
    name: str,
    *,
    polled_at: dt.datetime | None = None,
    uidvalidity: int | None = None,
    error: str | None = None,
) -> None:
    """Note a good poll, or the error of a failed one; the last good poll is kept."""
    values: dict[str, object] = {"error": error}
    if polled_at is not None:
        values |= {"polled_at": polled_at, "uidvalidity": uidvalidity}
    tx.execute(
        insert(tx, mailboxes)
        .values(name=name, **values)
        .on_conflict_do_update(index_elements=["name"], set_=values)
    )


def overview(tx: Tx) -> list[Polled]:
    """Every mailbox ever polled, by name."""
    rows = tx.execute(select(mailboxes).order_by(mailboxes.c.name))
    return [record(Polled, row) for row in rows]


def kept(tx: Tx, name: str, uidvalidity: int, uids: Iterable[int]) -> dict[int, bool]:
    """Messages known to the inbox already, with True for the filed ones (B1)."""
    wanted = set(uids)
    if not wanted:
        return {}
    table = inbox_deliveries.c
    rows = tx.execute(
        select(table.uid, table.moved).where(
            table.mailbox == name,
            table.uidvalidity == uidvalidity,
            table.uid.between(min(wanted), max(wanted)),
        )
    )
    return {row.uid: row.moved for row in rows if row.uid in wanted}


def filed(tx: Tx, name: str, uidvalidity: int, uids: Iterable[int]) -> None:
    """Note these messages as moved to the done folder, or as marked."""
    table = inbox_deliveries
    mine = and_(table.c.mailbox == name, table.c.uidvalidity == uidvalidity)
    for some in pieces(uids):
        tx.execute(update(table).where(mine, table.c.uid.in_(some)).values(moved=True))
