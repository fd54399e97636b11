"""The database, and the transactions in which everything happens."""

import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeftError

from daemon.store import pending

# A transaction as the desk hands it on; only this room looks inside.
Tx = Connection

# Older SQLite releases can corrupt a WAL database when two connections checkpoint at once (fixed in
# 3.51.3, with back-ports to two older lines).
_WAL_FIXED = (3, 51, 3)
_WAL_BACKPORTS = {(3, 44): 6, (3, 50): 7}

BUSY_SECONDS = 30
# A vanished server says nothing: without these a statement waits two hours for its answer.
_ALIVE = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
_ACTING, _ANSWERING = 7235, 7236  # PostgreSQL's locks for acts on the desk
_SILENT_SECONDS = 60  # the longest silence of a lock's holder, frozen or cut off
_ACT = {
    alone: text(
        f"SELECT {lock}({_ACTING}),"
        f" set_config('idle_in_transaction_session_timeout', '{_SILENT_SECONDS}s', true)"
    )
    for alone, lock in (
        (True, "pg_advisory_xact_lock"),
        (False, "pg_advisory_xact_lock_shared"),
    )
}
_ANSWER = text(
    "SELECT pg_advisory_xact_lock(:lock, hashtext(each))"
    " FROM unnest(CAST(:addresses AS text[])) AS each"
)
_JOURNAL_BYTES = 4 * 1024**2
# Pages kept by a connection. With a million tickets, SQLite's own 2 MB have no room for the ends of
# all the indexes touched by a mail: they were read again for every group of messages.
_CACHE_KIB = 6000


class StoreError(Exception):
    """The database is out of reach, locked or full: a temporary fault (exit code 75)."""


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """True if this SQLite library has the WAL-reset fix."""
    patch = _WAL_BACKPORTS.get(version[:2])
    return version >= _WAL_FIXED or (patch is not None and version[2] >= patch)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Durable commits, foreign keys, and transactions begun by ourselves."""
    connection.isolation_level = None
    wal = wal_is_safe(sqlite3.sqlite_version_info)
    for pragma in (
        f"busy_timeout = {BUSY_SECONDS * 1000}",
        # PERSIST syncs its zeroed head where DELETE syncs the folder and TRUNCATE the file's end,
        # and changes the size of nothing: on a busy disk a commit takes a sixth less than with
        # TRUNCATE, and with DELETE it once took 20 ms more. After a large transaction it shrinks.
        f"journal_mode = {'WAL' if wal else 'PERSIST'}",
        f"journal_size_limit = {_JOURNAL_BYTES}",
        f"synchronous = {'FULL' if wal else 'EXTRA'}",
        "foreign_keys = ON",
        "secure_delete = ON",  # a deleted byte is a zero (K2), and so `verify` knows unused bytes
        "trusted_schema = OFF",
        "cell_size_check = ON",
        f"cache_size = -{_CACHE_KIB}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock first: read, decide and write then see one state (no lost updates)."""
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


@dataclass(frozen=True, slots=True)
class Store:
    """The database; `writing` and `reading` are its only doors."""

    engine: Engine
    # SQLite has one writer: this process's threads line up here, and wake at once, where
    # SQLite's own waiting is sleep and luck. Other processes wait for BUSY_SECONDS as ever.
    _line: threading.RLock = field(default_factory=threading.RLock)

    def turn(self) -> AbstractContextManager[object]:
        """Wait until nobody else here writes; the holder's next transaction begins at once."""
        return self._line if self.is_sqlite else nullcontext()

    @contextmanager
    def writing(self) -> Iterator[Tx]:
        """One transaction: committed at the end, rolled back by any exception."""
        with _told_apart(), self.turn(), self.engine.begin() as connection:
            connection.info.pop("memo", None)  # read by an earlier transaction (memo.py)
            yield connection
            pending.write_all(connection)

    @contextmanager
    def acting(self) -> Iterator[Tx]:
        """`writing` for acts on the desk: one at a time, in all processes and machines.

        A limit counts all answers (J2), a fact read is still true when its result is written, and
        no two acts wait for each other's tickets crosswise. SQLite has one writer anyway.
        """
        with self.writing() as tx:
            act(tx)
            yield tx

    @contextmanager
    def reading(self) -> Iterator[Tx]:
        """One consistent look; no change inside is kept."""
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with _told_apart(), self.engine.connect() as connection:
            look = connection.execution_options(reading=True, **options)
            with look.begin() as transaction:
                look.info.pop("memo", None)
                yield look
                transaction.rollback()

    @property
    def is_sqlite(self) -> bool:
        """True if the database is one file (one writer at a time, one machine)."""
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def act(tx: Tx, *, answering: Collection[str] | None = None) -> None:
    """Wait for others acting on the desk, as `Store.acting` does.

    With `answering`, the transaction will only open tickets of these addresses. Others may open
    tickets beside it: only transactions for the same address wait for each other. Facts read before
    are read anew: another transaction may have changed them during the wait.
    """
    if tx.dialect.name == "sqlite":
        return
    tx.execute(_ACT[answering is None])
    if answering:
        # In one order, or two would wait crosswise.
        tx.execute(_ANSWER, {"lock": _ANSWERING, "addresses": sorted(answering)})
    tx.info.pop("memo", None)


@contextmanager
def _told_apart() -> Iterator[None]:
    """Turn the server's absence into a StoreError; a violated constraint stays: it is our fault."""
    try:
        yield
    except DBAPIError as error:
        if not _is_the_servers(error):
            raise
        raise StoreError(_sentence(error)) from error
    except NoConnectionLeftError as error:  # all of them wait for a silent server
        raise StoreError(f"the database cannot be used now: {error}") from error


def _is_the_servers(error: DBAPIError) -> bool:
    """True if the same statement can succeed another time, and is not at fault itself.

    Such are an ended connection of whatever name, deadlocks, and a read-only server. A text too
    large for an index (class 54) is too large for ever, and SQLITE_ERROR is of the statement
    itself.
    """
    state = getattr(error.orig, "sqlstate", None) or ""
    if isinstance(error, OperationalError | InterfaceError):
        code = getattr(error.orig, "sqlite_errorcode", None)
        return not state.startswith("54") and code != sqlite3.SQLITE_ERROR
    return error.connection_invalidated or state == "25006"


def _sentence(error: DBAPIError) -> str:
    return f"the database cannot be used now: {str(error.orig).strip().splitlines()[0]}"


def open_store(url: str, *, password: str | None = None) -> Store:
    """Open `sqlite:///…` or `postgresql+psycopg://…`; connects at the first transaction.

    SQLite has no use for a password. Raises ValueError for another kind of URL.
    """
    parsed = make_url(url)
    options: dict[str, Any] = {"hide_parameters": True}  # an error is told in logs and mails
    if parsed.get_backend_name() == "sqlite":
        options["connect_args"] = {"timeout": BUSY_SECONDS, "check_same_thread": False}
        # A writer gets the connection that wrote last: another's writing empties a cache.
        options["pool_use_lifo"] = True
    elif parsed.drivername == "postgresql+psycopg":
        parsed = parsed if password is None else parsed.set(password=password)
        options["connect_args"] = {"connect_timeout": 10, **_ALIVE}
        options["pool_pre_ping"] = True
    else:
        raise ValueError("database.url must begin with sqlite:/// or postgresql+psycopg://")
    engine = create_engine(parsed, **options)
    event.listen(engine, "before_cursor_execute", pending.before_statement)
    event.listen(engine, "rollback", pending.forget)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:  # many rows are one statement; psycopg's executemany sends one for each
        engine.dialect.use_insertmanyvalues_wo_returning = True
    return Store(engine)
