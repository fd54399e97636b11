"""The databases that the tests get: fresh, with the schema, on each engine."""

from sqlalchemy import func, select

from daemon.store import rows
from daemon.store.schema import tables


def test_every_test_gets_a_fresh_database_on_either_engine(any_store):
    with any_store.writing() as tx:
        assert tx.scalar(select(func.count()).select_from(tables.facts)) == 0
        rows.keep_fact(tx, "seen", "1")


def test_the_engines_are_what_they_say(store, pg_store):
    assert store.is_sqlite
    assert not pg_store.is_sqlite
    with pg_store.reading() as tx:
        assert rows.fact(tx, "seen") is None
