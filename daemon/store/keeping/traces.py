"""The database's own files, written anew: no byte of a replaced or deleted row stays (K2).

SQLite keeps old bytes in free pages, between the rows of a page and in its journal; PostgreSQL in
dead rows, in the statistics of its planner, and in its write-ahead log.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import DBAPIError

from daemon.store.session import Store, StoreError

CHECKPOINT = "checkpoint"
_PATIENCE = 60.0  # seconds for whoever else uses the database
_NOT_ALLOWED = frozenset({"42501"})
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND xact_start < CAST(%s AS timestamptz)"
)


def wipe(store: Store) -> tuple[str, ...]:
    """Write the files anew; gives the places with old bytes outside of our reach.

    It can be done any number of times. Raises StoreError after a long wait for others: the caller
    tries again later.
    """
    return _wipe_sqlite(store) if store.is_sqlite else _wipe_postgresql(store)


# --- SQLite -------------------------------------------------------------------------------------


def _wipe_sqlite(store: Store) -> tuple[str, ...]:
    """VACUUM writes every page anew; the journal of it has the old ones, and goes."""
    file = store.engine.url.database or ""
    try:
        with store.turn(), closing(sqlite3.connect(file, timeout=_PATIENCE)) as connection:
            connection.isolation_level = None
            connection.execute("PRAGMA secure_delete = ON")
            _settle_search(connection)
            connection.execute("VACUUM")
            if _is_wal(connection):
                _empty_wal(connection)
            else:
                _remove_journal(connection)
    except sqlite3.Error as error:
        raise StoreError(f"the database's files cannot be written anew now: {error}") from error
    return ()


def _settle_search(connection: sqlite3.Connection) -> None:
    """Merge the index of a full-text search: a deleted word is in it until then."""
    fts = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%fts5%'"
    for (name,) in connection.execute(fts).fetchall():
        connection.execute(f'INSERT INTO "{name}" ("{name}") VALUES (\'optimize\')')  # noqa: S608


def _is_wal(connection: sqlite3.Connection) -> bool:
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    return bool(mode == "wal")


def _empty_wal(connection: sqlite3.Connection) -> None:
    """Move the log into the file, and cut it off, after a wait for its last readers."""
    until = time.monotonic() + _PATIENCE
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > until:
            raise sqlite3.OperationalError("somebody reads from its write-ahead log")
        time.sleep(0.1)


def _remove_journal(connection: sqlite3.Connection) -> None:
    """End a transaction in the journal-deleting mode; the next writer makes a new journal."""
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE facts SET value = value WHERE name = ''")
    connection.execute("COMMIT")


# --- PostgreSQL ---------------------------------------------------------------------------------


def _wipe_postgresql(store: Store) -> tuple[str, ...]:
    """VACUUM FULL writes each table and index anew, ANALYZE the samples of the planner."""
    left = []
    with _alone(store) as server:
        _wait_for_others(server)
        for name in sorted(inspect(server).get_table_names()):
            server.exec_driver_sql(f'VACUUM (FULL, ANALYZE) "{name}"')
        if not _may(server, "VACUUM FULL pg_catalog.pg_statistic") or not _may(
            server, "CHECKPOINT"
        ):
            left.append(CHECKPOINT)
    return tuple(left)


@contextmanager
def _alone(store: Store) -> Iterator[Any]:
    """A connection outside any transaction, with our patience for locks."""
    engine = create_engine(store.engine.url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"SET lock_timeout = '{_PATIENCE:.0f}s'")
            yield connection
    except DBAPIError as error:
        says = str(error.orig).strip().splitlines()[0]
        raise StoreError(f"the database's files cannot be written anew now: {says}") from error
    finally:
        engine.dispose()


def _wait_for_others(server: Any) -> None:
    """Wait for older transactions: PostgreSQL keeps a dead row for their eyes."""
    now = server.exec_driver_sql("SELECT clock_timestamp()::text").scalar_one()
    until = time.monotonic() + _PATIENCE
    while server.exec_driver_sql(_OTHERS, (now,)).scalar_one():
        if time.monotonic() > until:
            raise StoreError("a long transaction still sees the rows of before: try again later")
        time.sleep(0.1)


def _may(server: Any, statement: str) -> bool:
    """Run a statement for the server's owner; False if our role may not."""
    try:
        server.exec_driver_sql(statement)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _NOT_ALLOWED:
            raise
        return False
    return True
