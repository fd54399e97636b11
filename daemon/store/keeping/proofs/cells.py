"""The cells of rows as they lie in the database, also those that no program of ours wrote."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, Dialect, Integer, LargeBinary, Table, case, cast, func, select
from sqlalchemy import type_coerce as as_type
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from daemon.store.session import Tx

CHUNK = 500  # rows that are read at a time

Cells = dict[str, Any]
Reader = Callable[[Any], Any]  # a stored value → the column's; a ValueError for a foreign one


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
    if tx.dialect.name != "sqlite":
        names = [column.name for column in columns]
        return [(raw[0], dict(zip(names, raw[1:], strict=True))) for raw in tx.execute(query)]
    readers = [(column.name, _reader(tx.dialect, column)) for column in columns]
    return [(raw[0], _cells(readers, raw[1:])) for raw in tx.execute(query)]


def _bare(tx: Tx, column: Column[Any]) -> ColumnElement[Any]:
    """A cell as it lies there: on SQLite text may be any bytes, and a number may be text."""
    if tx.dialect.name != "sqlite":
        return column
    if isinstance(column.type, Integer):
        return as_type(column, NullType())
    kept = func.typeof(column).in_(["integer", "real", "null"])
    return case((kept, as_type(column, NullType())), else_=cast(column, LargeBinary))


def _cells(readers: Sequence[tuple[str, Reader]], raw: Sequence[Any]) -> Cells | str:
    cells: Cells = {}
    for (name, read), value in zip(readers, raw, strict=True):
        try:
            cells[name] = None if value is None else read(value)
        except (ValueError, TypeError, AttributeError):
            return name
    return cells


@lru_cache(maxsize=512)
def _reader(dialect: Dialect, column: Column[Any]) -> Reader:
    """The function that reads a column's stored values."""
    if isinstance(column.type, Integer):
        return _whole_number
    kind = column.type.dialect_impl(dialect)
    read, write = kind.result_processor(dialect, None), kind.bind_processor(dialect)
    if read is None and write is None:
        return _text

    def value_of(raw: Any) -> Any:
        stored = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        value = read(stored) if read else stored
        again = write(value) if write else value
        if value is None or again != stored or type(again) is not type(stored):
            raise ValueError(f"{stored!r} is not written like this")
        return value

    return value_of


def _whole_number(raw: Any) -> int:
    if not isinstance(raw, int):
        raise ValueError(f"{raw!r} is no number")  # noqa: TRY004  a stored value, not an argument
    return raw


def _text(raw: Any) -> Any:
    return raw.decode("utf-8") if isinstance(raw, bytes) else raw
