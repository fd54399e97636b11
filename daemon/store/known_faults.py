"""The faults told to people, until they clear."""

import datetime as dt

from sqlalchemy import select, update

from daemon.store.rows import insert
from daemon.store.schema.tables import alarms
from daemon.store.session import Tx


def raise_once(tx: Tx, key: str, message: str, at: dt.datetime) -> str | None:
    """Note a fault; gives a mark of this occurrence, None if the fault is known already."""
    values = {"message": message, "raised_at": at, "cleared_at": None}
    new = insert(tx, alarms).values(key=key, **values)
    only_new = new.on_conflict_do_nothing(index_elements=["key"])
    if tx.scalar(only_new.returning(alarms.c.id)) is None:
        again = update(alarms).where(alarms.c.key == key, alarms.c.cleared_at.is_not(None))
        if not tx.execute(again.values(values)).rowcount:
            return None
    return at.strftime("%Y%m%dT%H%M%S")


def clear(tx: Tx, key: str, at: dt.datetime) -> None:
    """Note the end of a fault."""
    tx.execute(
        update(alarms)
        .where(alarms.c.key == key, alarms.c.cleared_at.is_(None))
        .values(cleared_at=at)
    )


def clear_all(tx: Tx, prefix: str, at: dt.datetime) -> None:
    """Note the end of every fault with a key of this beginning."""
    begins = alarms.c.key.startswith(prefix, autoescape=True)
    tx.execute(update(alarms).where(begins, alarms.c.cleared_at.is_(None)).values(cleared_at=at))


def standing(tx: Tx) -> list[tuple[str, str]]:
    """The faults not cleared, as (key, message)."""
    query = select(alarms).where(alarms.c.cleared_at.is_(None)).order_by(alarms.c.id)
    return [(row.key, row.message) for row in tx.execute(query)]
