"""Every cell of an SQLite database has a second copy, a hash or a place in the chain (R26)."""

import pytest
from sqlalchemy import text

from daemon.desk.upkeep import verify
from daemon.store import migrations
from daemon.store.keeping.proofs import packing, second_copies
from daemon.store.money import ledger
from daemon.store.schema.tables import metadata
from daemon.store.session import open_store


def columns_in_index(store, table):
    with store.reading() as tx:
        rows = tx.execute(text(f'PRAGMA index_info("proof_{table.name}")'))
        return {row.name for row in rows}


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_each_column_is_repeated_hashed_or_chained_R26(store, table):
    proven = columns_in_index(store, table)
    if table in second_copies.HASHED:
        proven |= {column.name for column in table.columns}
    proven |= {column.name for column in second_copies.MAILS if column.table is table}
    assert {column.name for column in table.columns} == proven


def test_the_chain_seals_all_of_the_tables_that_have_no_second_copy():
    assert {table.name for table in second_copies.HASHED} == {
        "chain",
        "statements",
        "statement_rows",
    }
    assert {column.name for column in ledger.ledger.c} >= {column.name for column in ledger.SEALED}


def test_no_query_uses_a_second_copy(store):
    with store.reading() as tx:
        for table in metadata.sorted_tables:
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            for query in (
                f'SELECT {names} FROM "{table.name}"',
                f'SELECT count(*) FROM "{table.name}"',
            ):
                plan = str(tx.execute(text(f"EXPLAIN QUERY PLAN {query}")).all())
                assert second_copies.PREFIX not in plan


def test_a_schema_that_somebody_changed_is_named_R26(store):
    with store.writing() as tx:
        tx.execute(text("CREATE TABLE extra (x TEXT)"))
    with store.reading() as tx:
        assert [each.code for each in verify.prove(tx).faults] == ["schema"]


def test_on_postgresql_there_are_none(pg_store):
    with pg_store.reading() as tx:
        rows = tx.scalars(text("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'"))
        assert not [name for name in rows if name.startswith(second_copies.PREFIX)]
        assert verify.prove(tx).faults == []


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "avtald.db"
    store = open_store(f"sqlite:///{path}")
    migrations.upgrade(store)
    store.close()
    return path


def test_a_file_is_packed_once_and_again_after_a_change(file):
    assert packing.pack(file)
    assert not packing.pack(file)
    assert list(packing.differences(file)) == []
    store = open_store(f"sqlite:///{file}")
    with store.writing() as tx:
        tx.execute(text("INSERT INTO facts VALUES ('a', 'b')"))
    store.close()
    assert not packing.is_packed(file.read_bytes()[:100])
    assert packing.pack(file)
    assert list(packing.differences(file)) == []


def test_a_file_that_somebody_uses_is_left_alone(file):
    store = open_store(f"sqlite:///{file}")
    with store.writing():
        assert not packing.pack(file)
    store.close()


def test_every_unused_byte_of_a_packed_file_is_proven_R26(file):
    packing.pack(file)
    whole = file.read_bytes()
    empty = whole.index(bytes(3000)) + 1500
    for bit in range(8):
        data = bytearray(whole)
        data[empty] ^= 1 << bit
        file.write_bytes(data)
        with packing.look(file) as child:
            assert child.result() == ([], [empty // 4096 + 1])
