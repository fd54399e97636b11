"""A change past the program of any row that bears money or authority is named (G1, K1)."""

import datetime as dt
import itertools
import json

import pytest
from sqlalchemy import JSON, Boolean, Date, Integer, text

from daemon.desk.register import erasing, importing
from daemon.desk.register import file as register_file
from daemon.desk.upkeep import verify
from daemon.store import seals as sealing
from daemon.store.money import register
from daemon.store.schema.tables import seals
from daemon.store.schema.types import Instant
from integrations.files.drafts import FileDrafts
from tests.builders import REGISTER, a_desk, an_engineers_mail, instant
from tests.desk.month.billing_stories import Books, book
from tests.desk.upkeep.test_verify import foreign_keys_off


def a_sealed_desk(store, folder):
    """A desk with a row of every sealed kind: its register, a hold, two invoices."""
    desk = a_desk(store, folder, register=REGISTER)
    notice = book(desk, "a\n[tid: 5h]\n", "2026-11-20 09:00")
    desk.get(an_engineers_mail("b\n[tid: 13h]\n", reply_to=notice), "2026-11-20 10:00")
    desk.close("2026-12-01 06:00", Books())
    return desk


def faults(store):
    with store.reading() as tx:
        return list(verify.prove(tx, file=False).faults)


def named(tx):
    return {(each.kind, each.row_id) for each in verify.prove(tx, file=False).faults}


def test_a_desk_of_the_programs_own_making_is_proven_whole(any_store, tmp_path):
    a_sealed_desk(any_store, tmp_path)
    with any_store.reading() as tx:
        proven = verify.prove(tx, file=False)
        counts = {kind: proven.counted[kind] for kind in sealing.KINDS}
    assert proven.faults == []
    assert min(counts.values()) > 0, counts


def other(value, column):
    """Other values that the column takes: another, an empty one, none."""
    if isinstance(column.type, JSON):
        kept = json.loads(value) if isinstance(value, str) else value
        yield json.dumps({"mark": "x"} if isinstance(kept, dict) else ["x"])
        yield json.dumps(kept | {"mark": 1} if isinstance(kept, dict) else [*(kept or []), "y"])
    elif isinstance(column.type, Boolean):
        yield not value
    elif isinstance(column.type, Date):
        yield dt.date(2031, 5, 7)
    elif isinstance(column.type, Instant):
        yield instant("2031-05-07 09:00")
    elif isinstance(column.type, Integer):
        yield (value or 0) + 1
    else:
        yield f"{value or ''}x"
        yield ""
    if column.nullable:
        yield None


@pytest.mark.parametrize("kind", sealing.KINDS)
def test_a_change_of_any_sealed_column_is_named(any_store, tmp_path, kind):
    a_sealed_desk(any_store, tmp_path)
    for column in sealing.KINDS[kind].columns:
        changes_are_named(any_store, kind, column.name)


def changes_are_named(store, kind, name):
    table = sealing.KINDS[kind].table
    column = table.c[name]
    with store.reading() as tx:
        rows = tx.execute(table.select().order_by(table.c.id)).mappings().all()
    tried = 0
    for row, one in itertools.product(rows[:3], (0, 1, 2)):
        values = list(other(row[name], column))
        if one >= len(values) or values[one] == row[name] or (not row[name] and values[one] == ""):
            continue
        value = values[one]
        if isinstance(column.type, JSON) and value is not None:
            value = json.loads(value)
            if value == row[name]:
                continue
        with foreign_keys_off(store) as tx:
            changed = table.update().where(table.c.id == row["id"]).values({name: value})
            assert tx.execute(changed).rowcount == 1
            assert (kind, row["id"]) in named(tx), (name, row[name], value)
        tried += 1
    assert tried


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            """UPDATE agreement_versions SET terms = replace(CAST(terms AS text), '850', '058')
               WHERE id = 1""",
            ("agreement", 1),
        ),
        ("UPDATE people SET roles = '[\"finance\"]' WHERE id = 1", ("person", 1)),
        ("INSERT INTO people_addresses VALUES ('evil@evil.se', 1)", ("person", 1)),
        ("DELETE FROM people_addresses WHERE person_id = 2", ("person", 2)),
        ("UPDATE people_addresses SET person_id = 2 WHERE person_id = 1", ("person", 2)),
        ("UPDATE customers SET accounting_number = '9999' WHERE id = 2", ("customer", 2)),
        ("INSERT INTO customer_domains VALUES ('evil.se', 1)", ("customer", 1)),
        ("UPDATE customer_domains SET customer_id = 2 WHERE customer_id = 1", ("customer", 1)),
        ("UPDATE invoices SET state = 'nothing' WHERE id = 1", ("invoice", 1)),
        (
            """INSERT INTO contacts (id, customer_id, name, email)
               VALUES (77, 1, 'X', 'x@evil.se')""",
            ("contact", 77),
        ),
        ("DELETE FROM contacts WHERE id = 1", ("contact", 1)),
        (
            """INSERT INTO people (id, name, email, roles)
               VALUES (77, 'X', 'x@evil.se', '["engineer"]')""",
            ("person", 77),
        ),
    ],
)
def test_a_row_that_is_slipped_in_changed_or_taken_away_is_named(
    any_store, tmp_path, statement, expected
):
    a_sealed_desk(any_store, tmp_path)
    if not any_store.is_sqlite:
        statement = statement.replace("'058')", "'058')::json")
    with foreign_keys_off(any_store) as tx:
        assert tx.execute(text(statement)).rowcount >= 1
        assert expected in named(tx)


@pytest.mark.parametrize("column", ["kind", "key", "form", "digest", "hash"])
def test_a_seal_that_was_changed_is_named(any_store, tmp_path, column):
    a_sealed_desk(any_store, tmp_path)
    with foreign_keys_off(any_store) as tx:
        on = "" if any_store.is_sqlite else " ON seals"
        tx.execute(text(f"DROP TRIGGER seals_no_update{on}"))
        new = 99 if column == "key" else "x"
        tx.execute(seals.update().where(seals.c.seq == 3).values({column: new}))
        assert {("seal", 3), ("seal", 4)} & named(tx)


def test_seals_are_only_added_to(any_store, tmp_path):
    from sqlalchemy.exc import DatabaseError

    a_sealed_desk(any_store, tmp_path)
    for statement in ("DELETE FROM seals", "UPDATE seals SET digest = 'x'"):
        with pytest.raises(DatabaseError, match="append-only"), any_store.writing() as tx:
            tx.execute(text(statement))


def test_an_import_that_changes_nothing_seals_nothing(any_store, tmp_path):
    desk = a_sealed_desk(any_store, tmp_path)
    before = head(any_store)
    import_again(desk, tmp_path, REGISTER)
    assert head(any_store) == before
    import_again(desk, tmp_path, REGISTER.replace('name = "Beta AB"', 'name = "Beta Nya AB"'))
    assert head(any_store)[0] == before[0] + 1
    assert faults(any_store) == []


def test_a_domain_and_an_address_that_move_are_sealed_on_both_sides(any_store, tmp_path):
    desk = a_sealed_desk(any_store, tmp_path)
    moved = REGISTER.replace('domains = ["acme.se"]', "domains = []")
    moved = moved.replace('domains = ["beta.se"]', 'domains = ["beta.se", "acme.se"]')
    moved = moved.replace('email = "anna@example.se"', 'email = "anna@example.se"\naliases = []')
    import_again(desk, tmp_path, moved)
    with any_store.reading() as tx:
        beta = register.customer_by_key(tx, "beta")
        assert register.domains_of(tx, beta.id) == ("acme.se", "beta.se")
    assert faults(any_store) == []


def head(store):
    with store.reading() as tx:
        return sealing.head(tx)


def import_again(desk, folder, said):
    file = folder / "again.toml"
    file.write_text(said, encoding="utf-8")
    with desk.desk.store.writing() as tx:
        asked = importing.plan(tx, str(file), register_file.read(file), desk.desk.settings)
        importing.apply(tx, asked, instant("2026-12-02 09:00"))


def test_an_erasure_seals_anew_and_forgets_the_earlier_salts_K2(any_store, tmp_path):
    desk = a_sealed_desk(any_store, tmp_path)
    (tmp_path / "var").mkdir(exist_ok=True)
    papers = FileDrafts(tmp_path / "drafts")
    erasing.erase(desk.desk, "bo@acme.se", instant("2027-02-01 09:00"), papers)
    assert faults(any_store) == []
    with any_store.reading() as tx:
        rows = tx.execute(
            seals.select().where(seals.c.kind == "contact").order_by(seals.c.seq)
        ).all()
    assert [row.salt is None for row in rows] == [True, False]
