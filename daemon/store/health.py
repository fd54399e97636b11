"""The health of the database: its engine, its settings in force, its schema, its integrity."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sqlalchemy import inspect
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError

from daemon.store import leases, migrations
from daemon.store.migrations import SchemaError
from daemon.store.schema.tables import metadata
from daemon.store.session import Store, StoreError, Tx

_DURABLE: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "journal_mode": frozenset({"WAL", "PERSIST", "TRUNCATE", "DELETE"}),
        "synchronous": frozenset({"FULL", "EXTRA"}),
        "fsync": frozenset({"on"}),
        "synchronous_commit": frozenset({"on", "remote_write", "remote_apply", "local"}),
        "server_encoding": frozenset({"UTF8"}),
    }
)


@dataclass(frozen=True, slots=True)
class Health:
    """The result of a look at the database; `settings` have the engine's own names."""

    engine: str  # "SQLite 3.45.1", "PostgreSQL 16.3"
    settings: dict[str, str]
    schema: str | None  # None: empty
    needed: str
    faults: tuple[str, ...]
    clock_off: float = 0.0  # as `leases.clock_off`

    @property
    def unsafe(self) -> tuple[str, ...]:
        """Unsafe settings: a commit may be lost after it is told, or a character of a text."""
        return tuple(
            name
            for name, value in self.settings.items()
            if name in _DURABLE and value not in _DURABLE[name]
        )

    @property
    def is_durable(self) -> bool:
        """True if a commit is safe once it is told, and any text can be kept."""
        return not self.unsafe


@contextmanager
def legible() -> Iterator[None]:
    """Tell a database out of reach (StoreError) from a file that is no database (SchemaError)."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise StoreError(f"the database cannot be used now: {error.orig}") from error
    except DatabaseError as error:
        raise SchemaError(
            f"the database cannot be read: {error.orig}: look at database.url, or restore a backup"
        ) from error


def schema(store: Store) -> str | None:
    """The database's revision alone; faults as in `look`, without reading the whole file."""
    with legible(), store.reading() as tx:
        return migrations.current(tx)


def look(store: Store) -> Health:
    """Look at the database without changing it; StoreError and SchemaError as in `legible`."""
    with legible(), store.reading() as tx:
        revision, needed = migrations.current(tx), migrations.newest()
        faults = _schema_faults(tx, revision, needed)
        engine, settings = _sqlite(tx) if store.is_sqlite else _postgresql(tx)
        if store.is_sqlite:
            faults += _damage(tx)
        off = leases.clock_off(tx)
    return Health(engine, settings, revision, needed, tuple(faults), off)


def _schema_faults(tx: Tx, schema: str | None, needed: str) -> list[str]:
    if schema is None:
        return ["the database is empty: run avtald db upgrade, or any other command"]
    if schema < needed:
        return [f"the schema is {schema}, this program needs {needed}: run avtald db upgrade"]
    if schema > needed:
        return [f"the schema is {schema}, newer than this program: install the newer avtald"]
    missing = sorted(set(metadata.tables) - set(inspect(tx).get_table_names()))
    return [f"tables are missing: {', '.join(missing)}"] if missing else []


_SYNCHRONOUS = ("OFF", "NORMAL", "FULL", "EXTRA")


def _sqlite(tx: Tx) -> tuple[str, dict[str, str]]:
    mode = str(tx.exec_driver_sql("PRAGMA journal_mode").scalar_one()).upper()
    level = int(tx.exec_driver_sql("PRAGMA synchronous").scalar_one())
    settings = {"journal_mode": mode, "synchronous": _SYNCHRONOUS[level]}
    return f"SQLite {sqlite3.sqlite_version}", settings


def _postgresql(tx: Tx) -> tuple[str, dict[str, str]]:
    names = ("server_version", "fsync", "synchronous_commit", "server_encoding")
    settings = {name: str(tx.exec_driver_sql(f"SHOW {name}").scalar_one()) for name in names}
    return f"PostgreSQL {settings.pop('server_version').split()[0]}", settings


def _damage(tx: Tx) -> list[str]:
    """Damage found by SQLite itself in its file, and rows without their parents."""
    lines = [str(row[0]) for row in tx.exec_driver_sql("PRAGMA quick_check(5)")]
    faults = [f"the file is damaged: {line}" for line in lines if line != "ok"]
    orphans = tx.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(1)
    if orphans:
        faults.append(f"a row of {orphans[0][0]} has lost the row of {orphans[0][2]} it belongs to")
    return faults
