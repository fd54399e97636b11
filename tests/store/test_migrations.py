"""The schema: set up on both engines, equal to its description, refused when it is another."""

import pytest
from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from daemon.store import migrations
from daemon.store.money import ledger
from daemon.store.schema.tables import metadata
from daemon.store.session import open_store
from tests.builders import instant
from tests.store.compared import COMPARED


def test_an_empty_database_is_set_up_by_the_first_use(tmp_path):
    store = open_store(f"sqlite:///{tmp_path / 'new.db'}")
    migrations.ensure(store)
    with store.reading() as tx:
        assert migrations.current(tx) == migrations.newest()
    store.close()


def test_the_migrations_make_the_schema_that_the_code_describes(any_store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with any_store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=COMPARED)
        assert compare_metadata(context, metadata) == []


def test_a_migration_down_leaves_nothing_behind(any_store):
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations.scripts()))
    config.set_main_option("path_separator", "os")
    with any_store.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        connection.commit()
        assert set(inspect(connection).get_table_names()) == {"alembic_version"}
    migrations.upgrade(any_store)
    with any_store.reading() as tx:
        assert migrations.current(tx) == migrations.newest()


def test_on_postgresql_mail_is_compressed_by_lz4(pg_store):
    mail = b"Hej!\r\n" * 2000
    with pg_store.writing() as tx:
        (number,) = tx.execute(
            text(
                "INSERT INTO inbox"
                " (identity, received_at, source, size, raw_sha256, state, attempts)"
                " VALUES ('a', now(), 'lmtp', 1, 'b', 'done', 1) RETURNING id"
            )
        ).one()
        tx.execute(text("INSERT INTO inbox_raw VALUES (:n, :raw)"), {"n": number, "raw": mail})
    with pg_store.reading() as tx:
        row = tx.execute(text("SELECT raw, pg_column_compression(raw) FROM inbox_raw"))
        assert row.one() == (mail, "lz4")


@pytest.mark.parametrize(("revision", "says"), [("0000", "db upgrade"), ("9999", "newer")])
def test_another_schema_is_refused_with_what_to_do(store, revision, says):
    with store.writing() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})
    with pytest.raises(migrations.SchemaError, match=says):
        migrations.ensure(store)


def an_adjustment(store, key=None):
    with store.writing() as tx:
        tx.execute(
            text(
                "INSERT INTO customers (key, name, reports_to, active) "
                "VALUES ('acme', 'Acme AB', '[]', true)"
            )
        )
        at = instant("2026-11-20 09:00")
        return ledger.adjust(tx, 1, minutes=60, day=at.date(), at=at, reason="goodwill", key=key)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM ledger",
        "UPDATE ledger SET billable = 0",
        "UPDATE ledger SET worked_on = '2026-01-01'",
        "UPDATE ledger SET key = 'another'",
        "DELETE FROM chain",
        "UPDATE chain SET hash = 'x'",
    ],
)
def test_the_ledger_is_append_only_G1(any_store, statement):
    an_adjustment(any_store)
    with (
        pytest.raises((DatabaseError, IntegrityError), match="append-only"),
        any_store.writing() as tx,
    ):
        tx.execute(text(statement))


def test_a_customer_has_the_key_of_an_adjustment_once_G1(any_store):
    row = "INSERT INTO ledger SELECT {} FROM ledger"
    an_adjustment(any_store, key="a")
    with any_store.reading() as tx:
        names = [each["name"] for each in inspect(tx).get_columns("ledger")]
    copied = ", ".join("id + 1" if name == "id" else name for name in names)
    with pytest.raises(IntegrityError), any_store.writing() as tx:
        tx.execute(text(row.format(copied)))


def test_a_note_may_be_replaced_when_a_person_is_erased_K2(any_store):
    an_adjustment(any_store)
    with any_store.writing() as tx:
        tx.execute(text("UPDATE ledger SET note = '–'"))
        assert tx.scalar(text("SELECT note FROM ledger")) == "–"
