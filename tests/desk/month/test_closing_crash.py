"""A close that is killed at every step, or run twice at once: one statement, unchanged (H1, H5)."""

import datetime as dt
import os
import sys
import threading
import time
import traceback
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.desk.month import closing, finance_mail
from daemon.desk.upkeep import verify
from daemon.store import leases
from daemon.store.money import ledger
from daemon.store.schema import tables as schema
from daemon.store.session import open_store
from tests.builders import ADesk, a_desk, instant
from tests.desk.month.billing_stories import book

CLOSE, LATER = instant("2026-12-01 06:00"), instant("2026-12-01 06:10")
FROZEN = ("statements", "statement_rows", "invoices", "chain", "closings")


def in_child(work):
    """Run something in a process of its own; gives its exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = work() or 0
        except BaseException:  # noqa: BLE001  the parent sees the code, a reader the reason
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    return pid


def ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def again(desk, url):
    """The same desk with connections of its own."""
    return ADesk(replace(desk.desk, store=open_store(url)))


def close(desk, now):
    """Close what is due, then tell finance as if pushing had taken its whole time."""
    while closing.close_due_month(desk.desk, now):
        pass
    while finance_mail.mail_finance(desk.desk, now + dt.timedelta(hours=1)):
        pass


def die_at_commit(store, number):
    """Kill this process right before its commit of that number."""
    commit, left = store.engine.dialect.do_commit, [number]

    def counted(connection):
        left[0] -= 1
        if left[0] == 0:
            os._exit(9)
        commit(connection)

    store.engine.dialect.do_commit = counted


def kept(store, *tables):
    with store.reading() as tx:
        return {
            name: [tuple(row) for row in tx.execute(schema.metadata.tables[name].select())]
            for name in tables
        }


def statements_of(store):
    """What a customer is billed, without the numbers and times of our own rows."""
    with store.reading() as tx:
        found = tx.execute(schema.statements.select().order_by(schema.statements.c.reference))
        return [(row.reference, row.net_ore, row.hash, row.cut_at) for row in found]


def mails_of(store, kind="close"):
    with store.reading() as tx:
        query = schema.outgoing.select().where(schema.outgoing.c.kind == kind)
        return len(tx.execute(query).all())


@pytest.fixture
def worked(store, tmp_path, monkeypatch):
    """Three customers with time, each in a transaction of its own when a month closes."""
    monkeypatch.setattr(closing, "_BATCH", 1)
    desk = a_desk(store, tmp_path)
    for sender, hours in (("bo@acme.se", 20), ("cia@beta.se", 5), ("eve@delta.se", 2)):
        for hour in range(0, hours, 10):
            at = f"2026-11-{10 + hour:02} 09:00"
            book(desk, f"a\n[tid: {min(10, hours - hour)}h]\n", at, sender=sender)
    return desk


def test_a_close_that_is_killed_at_any_commit_ends_in_one_statement_unchanged_H5(
    worked, sqlite_url, tmp_path
):
    number, expected = 0, None
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    worked.desk.store.close()
    before = file.read_bytes()
    while True:
        number += 1
        file.write_bytes(before)

        def killed(number=number):
            child = again(worked, sqlite_url)
            die_at_commit(child.desk.store, number)
            close(child, CLOSE)

        code = ended(in_child(killed))
        desk = again(worked, sqlite_url)
        frozen = kept(desk.desk.store, *FROZEN[:2])
        close(desk, LATER)
        after = kept(desk.desk.store, *FROZEN[:2])
        for table, rows in frozen.items():
            assert set(map(repr, rows)) <= set(map(repr, after[table])), (number, table)
        with desk.desk.store.reading() as tx:
            assert verify.prove(tx).faults == [], number
        found = statements_of(desk.desk.store)
        expected = expected or found
        assert found == expected, number
        assert [each[0] for each in found] == [
            "AVT-acme-2026-11",
            "AVT-beta-2026-11",
            "AVT-delta-2026-11",
        ]
        assert len(kept(desk.desk.store, "invoices")["invoices"]) == 3
        assert mails_of(desk.desk.store) == 1, number
        desk.desk.store.close()
        if code == 0:
            break
        assert code == 9
    assert number > 8  # it was killed at every one of these


@pytest.mark.parametrize("leased", [True, False], ids=["with the lease", "as if it had failed"])
def test_two_processes_close_the_same_month_at_once_one_set_of_statements_H1(
    pg_store, pg_url, tmp_path, monkeypatch, leased
):
    monkeypatch.setattr(closing, "_BATCH", 2)
    desk = a_desk(pg_store, tmp_path, register=many(30))
    pg_store.close()
    start = time.monotonic() + 0.5

    def closer():
        mine = again(desk, pg_url)
        if not leased:
            leases.take = lambda tx, name, length=leases.LEASE: True
        time.sleep(max(0.0, start - time.monotonic()))
        until = time.monotonic() + 20
        while time.monotonic() < until:
            closing.close_due_month(mine.desk, CLOSE)
            if kept(mine.desk.store, "closings")["closings"]:
                return 0
        return 3

    codes = [ended(pid) for pid in [in_child(closer), in_child(closer)]]
    assert codes == [0, 0]
    store = open_store(pg_url)
    found = kept(store, *FROZEN)
    assert len(found["statements"]) == 30
    assert len(found["invoices"]) == 30
    assert len(found["closings"]) == 1
    with store.reading() as tx:
        assert verify.prove(tx).faults == []
    store.close()


def many(count):
    return "\n".join(
        f'[[customers]]\nkey = "c{n}"\nname = "C {n}"\naccounting_number = "{n}"\n'
        f"[[customers.agreements]]\nplan = 'attend'\nfrom = 2026-11-01\n"
        for n in range(count)
    )


def test_two_writers_make_one_chain_without_a_gap_G1(any_store, tmp_path):
    desk = a_desk(any_store, tmp_path)
    faults = []

    def writer(customer):
        try:
            for day in range(1, 26):
                with desk.desk.store.writing() as tx:
                    ledger.adjust(
                        tx,
                        customer,
                        minutes=day,
                        day=instant(f"2026-11-{day:02} 09:00").date(),
                        at=CLOSE,
                        reason="a reason",
                    )
        except Exception as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=writer, args=(customer,)) for customer in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with any_store.reading() as tx:
        proven = verify.prove(tx)
    assert (proven.faults, proven.links) == ([], 50)


def test_a_process_that_lost_its_lease_freezes_nothing_H1(worked, monkeypatch):
    held = iter([True])
    monkeypatch.setattr(leases, "take", lambda tx, name: next(held, False))
    assert not closing.close_due_month(worked.desk, CLOSE)
    assert kept(worked.desk.store, "statements", "closings") == {"statements": [], "closings": []}
