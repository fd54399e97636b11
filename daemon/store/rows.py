"""The few SQL idioms that both engines share."""

from typing import Any

from sqlalchemy import Table, select, update
from sqlalchemy.dialects import postgresql, sqlite

from daemon.store import schema
from daemon.store.session import Tx


def insert(tx: Tx, table: Table) -> Any:
    """An INSERT with ON CONFLICT, as this engine writes it."""
    if tx.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def add(tx: Tx, table: Table, **values: Any) -> int:
    """Insert one row and give its id."""
    return int(tx.execute(table.insert().values(values).returning(table.c.id)).scalar_one())


def count_up(tx: Tx, name: str, first: int = 1) -> int:
    """The next number of a series; two transactions never get the same."""
    facts = schema.facts
    tx.execute(insert(tx, facts).values(name=name, value=str(first - 1)).on_conflict_do_nothing())
    # Read under the row's lock: on SQLite the whole transaction holds it, PostgreSQL locks the row.
    row = tx.execute(facts.select().where(facts.c.name == name).with_for_update()).one()
    number = int(row.value) + 1
    tx.execute(update(facts).where(facts.c.name == name).values(value=str(number)))
    return number


def fact(tx: Tx, name: str) -> str | None:
    """The value kept under that name."""
    facts = schema.facts
    row = tx.execute(facts.select().where(facts.c.name == name)).one_or_none()
    return None if row is None else row.value


def keep_fact(tx: Tx, name: str, value: str) -> None:
    """Keep a value under that name, in place of an earlier one."""
    tx.execute(
        insert(tx, schema.facts)
        .values(name=name, value=value)
        .on_conflict_do_update(index_elements=["name"], set_={"value": value})
    )


def first_fact(tx: Tx, name: str, value: str) -> str:
    """The value kept under that name; the given one where there was none."""
    facts = schema.facts
    tx.execute(insert(tx, facts).values(name=name, value=value).on_conflict_do_nothing())
    return str(tx.scalar(select(facts.c.value).where(facts.c.name == name)))
