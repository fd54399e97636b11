"""The cells of rows as they lie in the database, also those that no program of ours wrote."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Dialect, Integer, LargeBinary, Table, case, cast, func, select
from sqlalchemy import type_coerce as as_type
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from daemon.store.session import Tx

CHUNK = 500  # rows that are read at a time

Cells = dict[str, Any]


def read_rows(
    tx: Tx,
    table: Table,
    columns: Sequence[Column[Any]],
    where: ColumnElement[bool],
    limit: int | None = None,
) -> list[tuple[int, Cells | str]]:
    """Rows in order of their key: their cells, or the name of a cell that cannot be read."""
    (order,) = table.primary_key
    query = select(as_type(order, NullType()), *(_bare(tx, each) for each in columns))
    query = query.select_from(table).where(where).order_by(order).limit(limit)
    return [(raw[0], _cells(tx.dialect, columns, raw[1:])) for raw in tx.execute(query)]


def _bare(tx: Tx, column: Column[Any]) -> ColumnElement[Any]:
    """A cell as it lies there: on SQLite text may be any bytes, and a number may be text."""
    if tx.dialect.name != "sqlite":
        return column
    if isinstance(column.type, Integer):
        return as_type(column, NullType())
    kept = func.typeof(column).in_(["integer", "real", "null"])
    return case((kept, as_type(column, NullType())), else_=cast(column, LargeBinary))


def _cells(dialect: Dialect, columns: Sequence[Column[Any]], raw: Sequence[Any]) -> Cells | str:
    if dialect.name != "sqlite":
        return {each.name: value for each, value in zip(columns, raw, strict=True)}
    found: Cells = {}
    for column, value in zip(columns, raw, strict=True):
        try:
            found[column.name] = _cell(dialect, column, value)
        except (ValueError, TypeError, AttributeError):
            return column.name
    return found


def _cell(dialect: Dialect, column: Column[Any], value: Any) -> Any:
    """A cell's value; a ValueError for one that would not be written like this."""
    if value is None:
        return None
    if isinstance(column.type, Integer):
        return _checked(value, value if isinstance(value, int) else None)
    stored = value.decode("utf-8") if isinstance(value, bytes) else value
    read, write = _processors(dialect, column)
    found = read(stored) if read else stored
    again = write(found) if write else found
    return _checked(found, found if again == stored and type(again) is type(stored) else None)


def _processors(dialect: Dialect, column: Column[Any]) -> tuple[Any, Any]:
    kind = column.type.dialect_impl(dialect)
    return kind.result_processor(dialect, None), kind.bind_processor(dialect)


def _checked(value: Any, right: Any) -> Any:
    if right is None:
        raise ValueError(f"{value!r} is not written like this")
    return value
