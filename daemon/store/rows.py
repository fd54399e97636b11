"""The few SQL idioms shared by both engines."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache, lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Boolean, Dialect, Table, Text, any_, bindparam, cast, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from daemon.store.schema import tables
from daemon.store.session import Tx

T = TypeVar("T")

ENGINES: Mapping[str, Any] = MappingProxyType({"postgresql": postgresql, "sqlite": sqlite})


def insert(tx: Tx, table: Table) -> Any:
    """An INSERT with ON CONFLICT, in this engine's form."""
    return ENGINES[tx.dialect.name].insert(table)


@cache
def _add(table: Table) -> ReturningInsert[Any]:
    return table.insert().returning(table.c.id)


def add(tx: Tx, table: Table, **values: Any) -> int:
    """Insert one row and give its id."""
    return int(tx.execute(_add(table), values).scalar_one())


def add_all(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows with the same columns.

    Each column's values are converted in one go: for thousands of rows the ordinary way, row by
    row, takes longer than the database.
    """
    if not rows:
        return
    names = tuple(rows[0])
    statement, order, converted = _many(tx.dialect, table, names)
    columns = {name: [row[name] for row in rows] for name in names}
    for name, convert in converted:
        columns[name] = [convert(value) for value in columns[name]]
    values = list(zip(*(columns[name] for name in order or names), strict=True))
    given: Any = values if order else [dict(zip(names, row, strict=True)) for row in values]
    tx.exec_driver_sql(statement, given)


@lru_cache(maxsize=64)
def _many(dialect: Dialect, table: Table, names: tuple[str, ...]) -> tuple[str, Any, Any]:
    """An INSERT, the order of its values (None: they are named), and the columns' converters."""
    compiled = table.insert().compile(dialect=dialect, column_keys=list(names))
    converters = (
        (name, table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in names
    )
    return str(compiled), compiled.positiontup, [pair for pair in converters if pair[1]]


class _Among(FunctionElement[bool]):
    """The condition made by `among`."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: object = None) -> "_Among":
        """Stay a condition: PostgreSQL would use no index for `(…) = 1`."""
        del against
        return self


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """The condition that a column is one of the values in the list given as `name`.

    PostgreSQL gets an array: the text is the same for every length of list, and is planned once.
    """
    return _Among(column, bindparam(name, type_=column.type))


@compiles(_Among)
def _in_list(element: _Among, compiler: SQLCompiler, **said: Any) -> str:
    column, those = element.clauses
    listed = bindparam(those.key, type_=column.type, expanding=True)
    return compiler.process(column.in_(listed), **said)


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: SQLCompiler, **said: Any) -> str:
    column, those = element.clauses
    listed = bindparam(those.key, type_=postgresql.ARRAY(column.type))
    return compiler.process(column == any_(listed), **said)


def record(kind: type[T], row: Any, **others: Any) -> T:
    """A record made of a row: columns with the names of fields; `others` are given apart."""
    build: Any = kind
    names, columns = _columns(build, tuple(others))
    built: T = build(**dict(zip(names, columns(row), strict=True)), **others)
    return built


@cache
def _columns(kind: Any, others: tuple[str, ...]) -> tuple[list[str], Any]:
    """The names of a record's fields, without some others, and their reader in one go."""
    names = [field.name for field in fields(kind) if field.name not in others]
    return names, attrgetter(*names)


def grouped(pairs: Iterable[Any]) -> dict[Any, list[Any]]:
    """The second values of pairs by their first, in order."""
    groups: dict[Any, list[Any]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


_MOST_IDS = 10_000  # in one statement: SQLite takes 32,766 values, PostgreSQL twice as many


def pieces(ids: Iterable[int]) -> Iterator[list[int]]:
    """Ids in order, in lists short enough for one statement."""
    left = sorted(set(ids))
    for start in range(0, len(left), _MOST_IDS):
        yield left[start : start + _MOST_IDS]


# Under the row's lock on both engines.
_UP = cast(cast(tables.facts.c.value, BigInteger) + 1, Text)
_COUNT_UP = {
    name: engine.insert(tables.facts)
    .on_conflict_do_update(index_elements=["name"], set_={"value": _UP})
    .returning(tables.facts.c.value)
    for name, engine in ENGINES.items()
}


def count_up(tx: Tx, name: str) -> int:
    """The next number of a series, from 1; two transactions never get the same."""
    values = {"name": name, "value": "1"}
    return int(tx.execute(_COUNT_UP[tx.dialect.name], values).scalar_one())


def fact(tx: Tx, name: str) -> str | None:
    """The value kept under this name."""
    value: str | None = tx.scalar(select(tables.facts.c.value).where(tables.facts.c.name == name))
    return value


def fact_to_change(tx: Tx, name: str) -> str:
    """The value kept under this name, "" for none; nobody else changes it before our end."""
    facts = tables.facts
    mine = select(facts.c.value).where(facts.c.name == name).with_for_update()
    value: str | None = tx.scalar(mine)
    if value is None:  # the first ever: a missing row keeps nobody away
        tx.execute(insert(tx, facts).values(name=name, value="").on_conflict_do_nothing())
        value = str(tx.scalar(mine))
    return value


def keep_fact(tx: Tx, name: str, value: str) -> None:
    """Keep a value under this name, in place of an earlier one."""
    tx.execute(
        insert(tx, tables.facts)
        .values(name=name, value=value)
        .on_conflict_do_update(index_elements=["name"], set_={"value": value})
    )


def first_fact(tx: Tx, name: str, value: str) -> str:
    """The value kept under this name; the given one if there was none."""
    facts = tables.facts
    tx.execute(insert(tx, facts).values(name=name, value=value).on_conflict_do_nothing())
    return str(tx.scalar(select(facts.c.value).where(facts.c.name == name)))
