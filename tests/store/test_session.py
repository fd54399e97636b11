"""Transactions: no update is lost, nothing of a look is kept, faults are told apart."""

import contextlib
import os
import random
import socket
import sqlite3
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from daemon.store import rows
from daemon.store.schema.types import Instant
from daemon.store.session import StoreError, open_store, wal_is_safe


def test_four_threads_lose_no_update(any_store):
    def count():
        for _ in range(25):
            with any_store.writing() as tx:
                rows.count_up(tx, "n")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with any_store.reading() as tx:
        assert rows.fact(tx, "n") == "100"


def test_what_a_look_writes_is_not_kept(any_store):
    with any_store.reading() as tx:
        rows.keep_fact(tx, "a", "b")
    with any_store.reading() as tx:
        assert rows.fact(tx, "a") is None


def test_an_exception_leaves_nothing_of_its_transaction(any_store):
    def fail():
        with any_store.writing() as tx:
            rows.keep_fact(tx, "a", "b")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        fail()
    with any_store.reading() as tx:
        assert rows.fact(tx, "a") is None


def test_a_database_out_of_reach_is_a_temporary_fault(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'missing' / 'x.db'}")
    with pytest.raises(StoreError, match="cannot be used now"), store.writing():
        pass


def test_no_connection_left_is_a_temporary_fault_and_no_messages_own_B4(any_store, monkeypatch):
    """A server that is frozen keeps every connection: whoever comes last gets none."""
    pool = any_store.engine.pool
    monkeypatch.setattr(pool, "_timeout", 0.05)
    with contextlib.ExitStack() as held:
        for _ in range(pool.size() + pool._max_overflow):
            held.enter_context(any_store.engine.connect())
        with pytest.raises(StoreError, match="cannot be used now"), any_store.writing():
            pass


def test_a_text_too_large_for_an_index_is_no_fault_of_the_server_B4(pg_store):
    """Else its message would be given back for ever, and all others with it."""
    with pytest.raises(DBAPIError, match="index row"), pg_store.writing() as tx:
        rows.keep_fact(tx, random.Random(4).randbytes(9000).hex(), "")


@pytest.mark.parametrize("wrong", ["SELECT abs(-9223372036854775807 - 1)", "SELECT nothing"])
def test_a_statement_that_can_never_be_run_is_no_fault_of_the_database_B4(any_store, wrong):
    with pytest.raises(DBAPIError), any_store.writing() as tx:
        tx.exec_driver_sql(wrong)


def test_a_server_that_only_reads_is_a_temporary_fault(pg_store):
    def write():
        with pg_store.writing() as tx:
            tx.execute(text("SET TRANSACTION READ ONLY"))
            rows.keep_fact(tx, "a", "b")

    with pytest.raises(StoreError, match="read-only"):
        write()


def test_a_server_that_vanishes_without_a_word_is_noticed_within_a_minute(pg_store):
    with pg_store.reading() as tx:
        number = tx.connection.driver_connection.pgconn.socket
        with socket.socket(fileno=os.dup(number)) as line:
            wanted = ("KEEPIDLE", "KEEPINTVL", "KEEPCNT", "USER_TIMEOUT")
            found = [
                line.getsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_{name}"))
                for name in wanted
            ]
    assert found == [30, 10, 3, 60_000]


def test_a_password_beside_sqlite_does_no_harm(tmp_path):
    """Contract 1: its own example has both."""
    store = open_store(f"sqlite:///{tmp_path / 'x.db'}", password="secret")
    with store.writing() as tx:
        assert tx.scalar(text("SELECT 1")) == 1
    store.close()


def test_the_journal_is_durable_on_the_library_at_hand(store):
    safe = wal_is_safe(sqlite3.sqlite_version_info)
    with store.writing() as tx:
        assert tx.scalar(text("PRAGMA journal_mode")) == ("wal" if safe else "persist")
        assert tx.scalar(text("PRAGMA synchronous")) == (2 if safe else 3)
        assert tx.scalar(text("PRAGMA foreign_keys")) == 1


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 6), True),
        ((3, 44, 5), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 0), True),
    ],
)
def test_only_a_mended_library_gets_a_write_ahead_log(version, safe):
    assert wal_is_safe(version) is safe


def test_an_instant_without_zone_is_refused_A1(store):
    import datetime as dt

    with pytest.raises(ValueError, match="naive"):
        Instant().process_bind_param(dt.datetime(2026, 11, 20), store.engine.dialect)  # noqa: DTZ001


def test_whoever_writes_next_gets_the_pages_that_the_last_writer_kept(store):
    """What one connection of SQLite writes empties the cache of every other."""
    with store.writing() as tx:
        wrote = tx.connection.driver_connection
        with store.reading() as look:
            assert look.connection.driver_connection is not wrote
    with store.writing() as tx:
        assert tx.connection.driver_connection is wrote
