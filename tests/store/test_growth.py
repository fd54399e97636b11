"""What years of tickets must not slow down: no everyday statement reads a table from end to end."""

import pytest
from sqlalchemy import event

from daemon.desk.reminders import warnings
from daemon.desk.shown import tickets as tickets_shown
from daemon.desk.upkeep import backups
from daemon.store.mail import depths, inbox
from daemon.store.money import ledger
from daemon.store.schema import tables
from daemon.store.tickets import events, mornings, tickets
from tests import years
from tests.builders import a_desk, a_mail, an_engineers_mail, instant

GROWING = {
    "clocks",
    "events",
    "inbox",
    "inbox_deliveries",
    "inbox_raw",
    "ledger",
    "outbox",
    "outgoing",
    "participants",
    "ticket_messages",
    "tickets",
}
FEW = {  # indexes that hold only what waits for somebody
    index.name
    for table in tables.metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}


@pytest.fixture(params=["as it grew", "after ANALYZE"])
def desk(request, store, tmp_path):
    """A desk that has closed two thousand tickets; an operator may have run ANALYZE."""
    desk = a_desk(store, tmp_path)
    years.fill(store, 2000, instant("2026-11-20 09:00"))
    if request.param == "after ANALYZE":
        with store.writing() as tx:
            tx.exec_driver_sql("ANALYZE")
    store.engine.dispose()  # statistics are read when a database is opened
    return desk


@pytest.fixture
def asked(desk):
    """The statements that the desk made, with their values."""
    found = {}

    def note(_tx, _cursor, statement, values, *_):
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            found[statement] = values[0] if isinstance(values, list) else values

    event.listen(desk.desk.store.engine, "before_cursor_execute", note)
    return found


def read_whole(desk, asked):
    """Tables that grow, and that a statement reads from end to end, with that statement."""
    found = []
    with desk.desk.store.reading() as tx:
        for statement, values in list(asked.items()):
            plan = tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            for line in (row.detail for row in plan.all()):
                verb, table, *way = line.split()
                if verb == "SCAN" and table in GROWING and not FEW & set(way):
                    found.append((line, statement))
    return found


def test_the_daily_round_reads_no_table_that_grows_from_end_to_end(desk, asked):
    desk.get(a_mail(subject="Skrivaren står still"), "2026-11-20 09:10")
    notice = desk.mailer.to("anna@example.se")[-1]
    desk.get(an_engineers_mail("[tid: 1h] Går den nu?\n", reply_to=notice), "2026-11-20 09:30")
    desk.get(an_engineers_mail("[tid: -30m] [klar]\n", reply_to=notice), "2026-11-20 09:40")
    receipt = desk.mailer.to("anna@example.se")[-1]
    desk.get(an_engineers_mail("[ångra]\n", reply_to=receipt), "2026-11-20 09:50")
    warnings.warn_engineers(desk.desk, instant("2026-11-20 10:00"))
    assert "UPDATE inbox" in " ".join(asked)
    assert read_whole(desk, asked) == []


def test_what_is_looked_at_reads_no_table_that_grows_from_end_to_end(desk, asked):
    assert len(tickets_shown.listing(desk.desk, only_open=True)) == years.LIVING
    assert tickets_shown.whole(desk.desk, 1500).messages
    with desk.desk.store.reading() as tx:
        assert inbox.way(tx, 1500).mails
        assert inbox.listing(tx, states=["shelved"]) == []
        assert depths.look(tx, instant("2026-11-20 10:00")).waiting == 0
        assert len(tickets.running_tickets(tx)) == years.LIVING
    assert read_whole(desk, asked) == []


def test_the_morning_reads_no_table_that_grows_from_end_to_end(desk, asked):
    """What the digest and the bank's notices ask, and what a closing asks of every customer."""
    since, until = instant("2026-11-19 07:00"), instant("2026-11-20 07:00")
    with desk.desk.store.reading() as tx:
        assert len(mornings.time_noted(tx, since))
        assert mornings.answers(tx, since, until) == []  # nobody's own message said them
        assert mornings.thanked(tx, since, until) == []
        assert len(ledger.sealed_since(tx, 1790)) == 10
        assert ledger.earliest(tx, range(1, 3))
        assert ledger.registered(tx) == {}
        assert ledger.reversal_rows(tx, 1) == []
        assert ledger.minutes_of_day(tx, 1, since.date())
        assert events.latest(tx, "customer_ended", [1, 2]) == {}
    assert read_whole(desk, asked) == []


def test_a_backup_looks_for_no_damage_in_the_file_that_it_copies(store, tmp_path):
    """It proves its copy; to read all of a large file first keeps writers waiting."""
    asked = []
    event.listen(
        store.engine,
        "before_cursor_execute",
        lambda _tx, _cursor, statement, *_: asked.append(statement),
    )
    backups.make(store, tmp_path, instant("2026-11-20 09:00"))
    assert asked
    assert not [each for each in asked if "check" in each]
