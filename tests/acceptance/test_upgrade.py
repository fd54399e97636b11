"""A desk of an earlier release is upgraded: every row is kept, proves itself, and work goes on."""

import os
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, inspect, select, text

from daemon.cli.main import run
from daemon.desk.context import Desk
from daemon.desk.upkeep import verify
from daemon.domain.money import total
from daemon.domain.opening_hours import Calendar
from daemon.intake.accept import Arrival, accept
from daemon.store import health, migrations
from daemon.store.money import register, statements
from daemon.store.schema import tables
from daemon.store.session import Store, open_store
from parsers.identity import marks
from tests.builders import (
    SETTINGS,
    ADesk,
    a_mail,
    an_engineers_mail,
    header_of,
    instant,
    settings_in,
)
from tests.desk.month.billing_stories import Books
from tests.store.compared import COMPARED
from tests.store.released_desk import FOLDER, KEY, read

DUMPS = sorted(FOLDER.glob("*.sql.gz"))
NOT_COMPARED = {"alembic_version"}
MUCH_LATER = "2027-02-10 10:00"
COMPUTED_ANEW = {("inbox", "identity")}  # B3


def put_back(dump: Path, place: Path, request: pytest.FixtureRequest) -> str:
    """A database as the dump has it; gives its URL."""
    if ".sqlite." in dump.name:
        with closing(sqlite3.connect(place / "avtald.db")) as connection:
            connection.executescript(read(dump))
        return f"sqlite:///{place}/avtald.db"
    postgresql = request.getfixturevalue("postgresql")
    name = f"released_{os.getpid()}_{time.monotonic_ns()}"
    postgresql.run(f"CREATE DATABASE {name} TEMPLATE template0")
    request.addfinalizer(lambda: postgresql.run(f"DROP DATABASE {name} WITH (FORCE)"))
    url = postgresql.url(name)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(read(dump))
    return url


@pytest.fixture(params=DUMPS, ids=lambda dump: dump.name.removesuffix(".sql.gz"))
def url(request, tmp_path) -> str:
    """The URL of a database of an earlier release."""
    return put_back(request.param, tmp_path, request)


@pytest.fixture
def released(url):
    opened = open_store(url)
    yield opened
    opened.close()


def contents(store: Store) -> dict[str, list[dict]]:
    """Every table's rows by value."""
    with store.engine.connect() as connection:
        tables = set(inspect(connection).get_table_names()) - NOT_COMPARED
        return {
            table: [
                dict(r) for r in connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()
            ]
            for table in tables
        }


def in_order(rows: list[dict], columns: Iterable[str]) -> list[str]:
    """The values of these columns, row by row, in an order that both sides of a comparison have."""
    names = sorted(columns)
    return sorted(repr([row[name] for name in names]) for row in rows)


def guards(store: Store) -> set[str]:
    """The triggers that keep money append-only."""
    query = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        if store.is_sqlite
        else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    )
    with store.engine.connect() as connection:
        return set(connection.exec_driver_sql(query).scalars())


def a_desk_of(store: Store, folder: Path) -> ADesk:
    """The desk that goes on with it."""
    settings = settings_in(folder, SETTINGS)
    return ADesk(Desk(store, settings, Calendar(settings.calendar), KEY))


def test_there_is_a_dump_of_each_engine_for_the_first_release():
    assert {"0001.postgresql.sql.gz", "0001.sqlite.sql.gz"} <= {dump.name for dump in DUMPS}


def test_a_dump_has_rows_in_every_table(released):
    assert [table for table, rows in contents(released).items() if not rows] == []


def test_an_upgrade_keeps_every_row_by_value(released):
    before, guarded = contents(released), guards(released)
    migrations.upgrade(released)
    after = contents(released)
    for table, rows in before.items():
        kept = {column for column in rows[0] if (table, column) not in COMPUTED_ANEW}
        assert in_order(after[table], kept) == in_order(rows, kept), table
    assert guarded <= guards(released)


def test_an_upgrade_computes_the_new_identity_of_every_kept_mail_B3(released):
    migrations.upgrade(released)
    with released.reading() as tx:
        rows = tx.execute(select(tables.inbox, tables.inbox_raw.c.raw).join(tables.inbox_raw)).all()
    assert rows
    for row in rows:
        if row.raw is not None:
            found = marks(bytes(row.raw), delivery="")
            assert (row.identity, row.hint, row.copy_of) == (found.identity, found.hint, None)


def test_a_copy_of_a_mail_from_before_the_upgrade_is_known_B3(released, tmp_path):
    migrations.upgrade(released)
    desk = a_desk_of(released, tmp_path)
    with released.reading() as tx:
        rows = tx.execute(select(tables.inbox_raw).join(tables.inbox)).all()
        tickets = tx.scalar(select(func.count()).select_from(tables.tickets))
    again = [b"List-ID: <x>\r\n" + bytes(row.raw) for row in rows if row.raw is not None]
    at = instant(MUCH_LATER)
    assert again
    accept(released, [Arrival(raw, at, "lmtp", "another") for raw in again], go_live=None)
    desk.work(at)
    with released.reading() as tx:
        assert tx.scalar(select(func.count()).select_from(tables.tickets)) == tickets


def test_mails_that_were_two_before_keep_what_they_did_B3(url, tmp_path):
    """A list's copy had opened a ticket of its own; the next one points at the first."""
    store = open_store(url)
    migrations.upgrade(store, "0008")
    with store.engine.begin() as connection:
        one = connection.execute(text("SELECT inbox_id, raw FROM inbox_raw ORDER BY 1")).first()
        connection.execute(
            text(
                "INSERT INTO inbox (identity, received_at, source, size, raw_sha256, state)"
                " VALUES ('of old', '2026-11-20T08:00:00Z', 'smtp', 1, 'x', 'done')"
            )
        )
        number = connection.scalar(text("SELECT max(id) FROM inbox"))
        connection.execute(
            text("INSERT INTO inbox_raw VALUES (:id, :raw)"),
            {"id": number, "raw": b"List-ID: <x>\n" + bytes(one.raw)},
        )
    migrations.upgrade(store)
    with store.reading() as tx:
        copies = tx.execute(
            select(tables.inbox.c.id, tables.inbox.c.copy_of).where(
                tables.inbox.c.copy_of.is_not(None)
            )
        ).all()
    assert copies == [(number, one.inbox_id)]
    store.close()


def test_an_upgraded_database_has_the_schema_of_a_new_one(released):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from daemon.store.schema.tables import metadata

    migrations.upgrade(released)
    assert health.look(released).faults == ()
    with released.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=COMPARED)
        assert compare_metadata(context, metadata) == []


def test_ledger_statements_and_mail_prove_themselves_afterwards_H5(released):
    migrations.upgrade(released)
    with released.reading() as tx:
        proven = verify.prove(tx)
    assert proven.faults == []
    assert min(proven.counted.values()) > 0


def test_the_desk_goes_on_where_it_was(released, tmp_path):
    """Old mails are answered, old time is undone or let through, and no month is closed twice."""
    migrations.upgrade(released)
    desk, books = a_desk_of(released, tmp_path), Books()
    desk.close("2027-01-05 08:00", books)
    assert books.made == []
    reply = a_mail(subject="SV: ärende", text="Den står igen.", reply_to=old(desk, 1, "bo@acme.se"))
    desk.get(reply, "2027-01-05 09:00")
    assert "[#1001]" in header_of(desk.mailer.to("anna@example.se")[-1], "Subject")
    told = answer(desk, "[tid: 10h]", old(desk, 8), "2027-01-05 10:00")
    answer(desk, "[ångra]", told, "2027-01-05 10:05")
    answer(desk, "[time: 2h]", old(desk, 10), "2027-01-05 10:10")
    answer(desk, "OK", old(desk, 16), "2027-01-05 10:15")
    desk.close("2027-02-01 06:00", books)
    nets = {each.reference: each.net for each in books.made}
    assert str(nets["AVT-beta-2027-01"]) == "3000.00"
    assert str(nets["AVT-delta-2027-01"]) == "1960.00"
    # acme's held time had stopped its months: three fees, and 1 920 min less a bank of 900
    assert str(total(net for key, net in nets.items() if "acme" in key)) == "38850.00"


def answer(desk: ADesk, said: str, to: bytes, at: str) -> bytes:
    """An engineer's answer; gives its receipt."""
    desk.get(an_engineers_mail(f"{said}\n", reply_to=to), at)
    return desk.mailer.to("anna@example.se")[-1]


def old(desk: ADesk, inbox: int, recipient: str = "anna@example.se") -> bytes:
    """The mail from before that told somebody of that mail in the inbox."""
    query = (
        "SELECT raw FROM outgoing JOIN outbox ON outbox.outgoing_id = outgoing.id "
        "WHERE inbox_id = :inbox AND recipient = :recipient"
    )
    with desk.desk.store.reading() as tx:
        found = tx.execute(text(query), {"inbox": inbox, "recipient": recipient})
        return bytes(found.scalar_one())


def test_a_frozen_statement_is_the_same_as_before_H5(released):
    migrations.upgrade(released)
    with released.reading() as tx:
        beta = register.customer_by_key(tx, "beta").id
        november, december = statements.listing(tx, customer_id=beta)
    assert (november.reference, str(november.net)) == ("AVT-beta-2026-11", "5910.30")
    assert (december.reference, str(december.net)) == ("AVT-beta-2026-12", "5670.00")


def test_the_commands_lead_from_the_old_to_the_new(url, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("AVTALD_CONFIG", raising=False)
    Path("avtald.toml").write_text(f'{SETTINGS}\n[database]\nurl = "{url}"\n', encoding="utf-8")
    if migrations.newest() != "0001":
        assert run(["tickets"]) == 2
        assert "avtald db upgrade" in capsys.readouterr().err
        assert run(["backup", "before"]) == 0
    assert run(["db", "upgrade"]) == 0
    for words in (["db", "check"], ["verify"], ["backup", "copy"], ["restore-test", "copy"]):
        assert run(words) == 0, capsys.readouterr()
    assert run(["tick", "--now", "2027-01-05T08:00:00+01:00"]) == 0
