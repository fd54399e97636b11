"""`avtald verify` names every money row that is not as it was written (G1, H5, B1)."""

import contextlib
import datetime as dt
import hashlib
import random
import shutil
from dataclasses import replace

import pytest
from sqlalchemy import BigInteger, Boolean, Integer, text

from daemon.desk.upkeep import verify
from daemon.domain.wording import speaker
from daemon.store.money import ledger as ledgers
from daemon.store.money import register
from daemon.store.schema.tables import chain, ledger, statement_rows, statements
from daemon.store.session import open_store
from tests.builders import a_desk, instant
from tests.desk.month.billing_stories import Books, answer, book

TABLES = {"ledger": ledger, "statement": statements, "row": statement_rows, "link": chain}
FREE_TEXT = {"note"}  # may be replaced when a person is erased (K2)


def adjust(store):
    """An adjustment that stands in the register."""
    at = instant("2026-12-02 10:00")
    with store.writing() as tx:
        ledgers.adjust(
            tx,
            register.customer_by_key(tx, "beta").id,
            minutes=-15,
            day=at.date(),
            at=at,
            reason="Kulans",
            key="2026-12-kulans",
        )


@pytest.fixture(scope="module")
def template(sqlite_template, tmp_path_factory):
    """Two closed months with use, a correction of a closed month, and time that is not billed."""
    folder = tmp_path_factory.mktemp("closed")
    file = folder / "avtald.db"
    shutil.copyfile(sqlite_template, file)
    store = open_store(f"sqlite:///{file}")
    desk, books = a_desk(store, folder), Books()
    notice = book(desk, "a\n[tid: 5h; mötet]\n", "2026-11-20 09:00")
    book(desk, "b\n[tid: 2h ej deb]\n", "2026-11-21 09:00", sender="eve@delta.se")
    desk.close("2026-12-01 06:00", books)
    answer(desk, "c\n[tid: -30m 2026-11-20]\n", "2026-12-02 09:00", notice)
    adjust(store)
    desk.close("2027-01-01 06:00", books)
    store.close()
    return desk, file


@pytest.fixture
def closed(template, tmp_path):
    """A copy of it for each test."""
    desk, file = template
    shutil.copyfile(file, tmp_path / "avtald.db")
    store = open_store(f"sqlite:///{tmp_path}/avtald.db")
    yield replace(desk, desk=replace(desk.desk, store=store))
    store.close()


def faults(desk):
    with desk.desk.store.reading() as tx:
        return verify.prove(tx).faults


def named(desk):
    """What is named now."""
    return named_by(faults(desk))


def named_by(found):
    """What faults name, as (kind, id): an altered row with the link that does not prove it."""
    links = {("link", int(each.detail)) for each in found if each.code == "altered" and each.detail}
    return {(each.kind, each.row_id) for each in found} | links


def unguarded(tx, table):
    """An attacker's way past the triggers, and past the foreign keys."""
    for verb in ("delete", "update"):
        on = "" if tx.dialect.name == "sqlite" else f" ON {table}"
        tx.execute(text(f"DROP TRIGGER {table}_no_{verb}{on}"))


def test_what_is_as_it_was_written_is_proven_whole_G1(closed):
    with closed.desk.store.reading() as tx:
        proven = verify.prove(tx)
    assert proven.faults == []
    assert proven.counted["ledger"] == 4
    assert proven.counted["statement"] == 6
    assert proven.counted["mail"] >= 5
    assert proven.links == sum(proven.counted[kind] for kind in ("ledger", "statement", "row"))


def flips(closed, seed):
    """A stored cell of a money row chosen at random, with one bit of it turned."""
    chance = random.Random(seed)
    kind = chance.choice(list(TABLES))
    table = TABLES[kind]
    key = next(iter(table.primary_key)).name
    names = [c for c in table.columns if c.name not in FREE_TEXT | {key}]
    with closed.desk.store.reading() as tx:
        rows = tx.execute(text(f"SELECT * FROM {table.name}")).mappings().all()
    row = chance.choice(rows)
    column = chance.choice([c for c in names if row[c.name] not in (None, "")])
    value = row[column.name]
    if isinstance(column.type, Integer | Boolean):
        bit = 1 << chance.randrange(7, 12)  # far enough to hit no other row's unique key
        return kind, table.name, key, row[key], column.name, value ^ bit
    raw = bytearray(str(value).encode())
    at = chance.randrange(len(raw))
    raw[at] ^= 1 << chance.randrange(8)
    return kind, table.name, key, row[key], column.name, bytes(raw)


@pytest.mark.parametrize(
    "seed", [*range(20), *(pytest.param(n, marks=pytest.mark.long) for n in range(20, 400))]
)
def test_a_flipped_bit_of_a_money_row_is_named_H5(closed, seed):
    kind, table, key, row_id, column, value = flips(closed, seed)
    new = "CAST(:value AS TEXT)" if isinstance(value, bytes) else ":value"
    with closed.desk.store.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql("BEGIN")
        unguarded(connection, table)
        changed = text(f"UPDATE {table} SET {column} = {new} WHERE {key} = :id")
        assert connection.execute(changed, {"value": value, "id": row_id}).rowcount == 1
        connection.commit()
        connection.exec_driver_sql("PRAGMA foreign_keys = ON")
    found = named(closed)
    assert (kind, row_id) in found, (table, row_id, column, value, found)


def altered(value, column):
    """Another value of the same kind; something where there was nothing."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, dt.date):
        return value + dt.timedelta(days=1)
    if isinstance(value, dict):
        return value | {"mark": "x"}
    if isinstance(column.type, Integer | BigInteger):
        return (value or 0) ^ 2048
    return f"{value or ''}x"


def one_of_each_kind(tx):
    """A row of every kind that money rests on: its table, and its cells."""
    for table in TABLES.values():
        (key,) = table.primary_key
        rows = tx.execute(table.select().order_by(key)).mappings().all()
        kinds = {row.get("kind") if table is not chain else None: row for row in rows}
        yield from ((table, row) for row in kinds.values())


class BackError(Exception):
    """Roll back what was tried."""


def test_every_column_of_every_kind_of_money_row_is_proven_on_both_engines_H5(any_store, tmp_path):
    desk, books = a_desk(any_store, tmp_path), Books()
    notice = book(desk, "a\n[tid: 5h; mötet]\n", "2026-11-20 09:00")
    adjust(any_store)
    desk.close("2026-12-01 06:00", books)
    answer(desk, "c\n[tid: -30m 2026-11-20]\n", "2026-12-02 09:00", notice)
    desk.close("2027-01-01 06:00", books)
    with any_store.reading() as tx:
        found = list(one_of_each_kind(tx))
    names = {table: name for name, table in TABLES.items()}
    assert {row.get("kind") for _, row in found} >= {
        "use",
        "reversal",
        "adjustment",
        "fee",
        "overage",
        "text",
    }
    tried = 0
    for table, row in found:
        (key,) = table.primary_key
        for column in table.columns:
            if column is key or column.name in FREE_TEXT:
                continue
            change = table.update().where(key == row[key.name])
            with contextlib.suppress(BackError), foreign_keys_off(any_store) as tx:
                unguarded(tx, table.name)
                tx.execute(change.values({column.name: altered(row[column.name], column)}))
                told = named_by(verify.prove(tx).faults)
                assert (names[table], row[key.name]) in told, (table.name, column.name, told)
                tried += 1
                raise BackError
    assert tried > 80


@contextlib.contextmanager
def foreign_keys_off(store):
    """A transaction in which anything may be written, as by somebody with the file at hand."""
    with store.engine.connect() as connection:
        if store.is_sqlite:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
            connection.exec_driver_sql("BEGIN")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        try:
            yield connection
        finally:
            connection.rollback()
            if store.is_sqlite:
                connection.exec_driver_sql("PRAGMA foreign_keys = ON")
                connection.rollback()


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE ledger SET actual = actual + 1 WHERE id = 1", ("ledger", 1)),
        ("UPDATE statements SET net_ore = net_ore + 1 WHERE id = 1", ("statement", 1)),
        ("UPDATE statement_rows SET amount_ore = 1 WHERE id = 1", ("row", 1)),
        ("UPDATE chain SET hash = replace(hash, 'a', 'b') WHERE seq = 2", ("link", 2)),
        ("DELETE FROM chain WHERE seq = 2", ("link", 2)),
    ],
)
def test_it_names_the_row_on_both_engines_G1(any_store, tmp_path, statement, expected):
    desk, books = a_desk(any_store, tmp_path), Books()
    book(desk, "a\n[tid: 5h]\n", "2026-11-20 09:00")
    desk.close("2026-12-01 06:00", books)
    assert faults(desk) == []
    with any_store.writing() as tx:
        for table in ("ledger", "statements", "statement_rows", "chain"):
            unguarded(tx, table)
        tx.execute(text(statement))
    assert expected in named(desk)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE ledger SET key = '2026-12-kulanr' WHERE id = 2", ("ledger", 2)),
        ("UPDATE ledger SET key = NULL WHERE id = 2", ("ledger", 2)),
        ("UPDATE ledger SET key = '' WHERE id = 2", ("ledger", 2)),
        ("UPDATE ledger SET key = 'x' WHERE id = 1", ("ledger", 1)),
        ("UPDATE ledger SET key = '' WHERE id = 1", ("ledger", 1)),
    ],
)
def test_the_key_of_an_adjustment_is_sealed_on_both_engines_G1(
    any_store, tmp_path, statement, expected
):
    desk = a_desk(any_store, tmp_path)
    book(desk, "a\n[tid: 5h]\n", "2026-11-20 09:00")
    adjust(any_store)
    assert faults(desk) == []
    with any_store.writing() as tx:
        unguarded(tx, "ledger")
        tx.execute(text(statement))
    assert named(desk) >= {expected}


def test_a_row_slipped_in_without_a_link_is_named_G1(closed):
    with closed.desk.store.writing() as tx:
        row = tx.execute(ledger.select().where(ledger.c.id == 1)).one()._asdict()
        tx.execute(ledger.insert().values(row | {"id": 99, "booking": 7}))
    assert ("ledger", 99) in named(closed)


def test_sums_and_references_are_proven_beside_the_hashes_G1(closed):
    with closed.desk.store.writing() as tx:
        row = tx.execute(ledger.select().where(ledger.c.id == 1)).one()._asdict()
        minutes = row["actual"] + 1
        added = {
            "id": 99,
            "kind": "reversal",
            "reverses_id": 1,
            "customer_id": 1,
            "actual": -minutes,
            "billable": -minutes,
        }
        tx.execute(ledger.insert().values(row | added))
    codes = {each.code for each in faults(closed) if each.kind == "ledger"}
    assert codes >= {"below_zero", "reference", "unlinked"}


def test_a_changed_message_is_named_B1(closed):
    with closed.desk.store.writing() as tx:
        tx.execute(text("UPDATE inbox_raw SET raw = x'00' WHERE inbox_id = 2"))
        tx.execute(text("UPDATE inbox_raw SET raw = NULL WHERE inbox_id = 3"))  # erased (K2)
    assert [(each.kind, each.row_id) for each in faults(closed)] == [("mail", 2)]


def test_the_head_of_the_chain_moves_with_every_row_G1(closed):
    with closed.desk.store.reading() as tx:
        before = verify.prove(tx).head
    book(closed, "d\n[tid: 1h]\n", "2027-01-05 09:00")
    with closed.desk.store.reading() as tx:
        after = verify.prove(tx).head
    assert before != after
    assert len(after) == hashlib.sha256().digest_size * 2


def test_every_fault_has_a_sentence_in_both_languages():
    for code in verify._WHY:
        fault = verify.Fault("ledger", 17, code, "x")
        for language in ("sv", "en"):
            assert "17" in verify.told(fault, speaker(language))
