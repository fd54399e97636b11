"""/health and /metrics tell how the desk is, from the database."""

import dataclasses
import datetime as dt
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from prometheus_client.parser import text_string_to_metric_families

from daemon.app import steps, watch
from daemon.app.watch import Watcher, Window
from daemon.desk.outgoing.reach import away, lost
from daemon.desk.ports import SendError
from daemon.loop import Failing, Step, Worker
from daemon.settings import load
from daemon.settings.values import Listen
from daemon.settings.watch import Watch
from daemon.store import leases
from daemon.store.mail import mailboxes, outbox
from daemon.store.session import StoreError, open_store
from tests.builders import (
    SETTINGS,
    a_desk,
    a_desk_with_a_mailbox,
    a_mail,
    instant,
    settings_in,
)
from tests.servers import wait_for

T0 = instant("2026-11-23 10:00")
MINUTE = dt.timedelta(minutes=1)
# All that a process can tell while no database answers.
AWAY = {("avtald_up",): 0, ("avtald_disk_full",): 0, ("avtald_steps_failing",): 0}


@contextmanager
def window(desk, now=T0, **of_the_process):
    table = Watch(listen=Listen("127.0.0.1", 0))
    opened = Window(Watcher(desk, table, lambda: now, **of_the_process), "127.0.0.1", 0)
    opened.start()
    try:
        yield lambda path: get(opened.port, path)
    finally:
        opened.stop()


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def figures(text):
    return {
        (each.name, *each.labels.values()): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


@pytest.fixture
def desk(any_store, tmp_path):
    return a_desk(any_store, tmp_path)


def test_a_desk_at_rest_is_well(desk):
    with window(desk.desk) as ask:
        status, body = ask("/health")
        assert (status, json.loads(body)["faults"]) == (200, [])
        found = figures(ask("/metrics")[1])
    assert found["avtald_up",] == 1
    assert found["avtald_inbox",] == found["avtald_outbox",] == found["avtald_shelved",] == 0


def test_mail_that_nobody_acts_on_is_a_fault_with_its_age(desk):
    desk.receive(a_mail(), T0)
    with window(desk.desk, T0 + 4 * MINUTE) as ask:
        assert ask("/health")[0] == 200
    with window(desk.desk, T0 + 6 * MINUTE) as ask:
        status, body = ask("/health")
        assert status == 503
        assert "1 mails wait to be acted on" in body
        found = figures(ask("/metrics")[1])
    assert (found["avtald_inbox",], found["avtald_inbox_age_seconds",]) == (1, 360)


def test_mail_that_does_not_go_out_is_a_fault(desk):
    desk.receive(a_mail(), T0)
    from daemon.desk.incoming import receive

    while receive.step(desk.desk, T0):
        pass
    with window(desk.desk, T0 + 31 * MINUTE) as ask:
        status, body = ask("/health")
        found = figures(ask("/metrics")[1])
    assert (status, found["avtald_outbox",]) == (503, 3)
    assert "wait to go out" in body


def test_an_outgoing_server_out_of_reach_is_a_fault_also_where_little_waits(desk):
    """One mail waits, and is tried every few minutes: it is never overdue for long."""

    def refuse(*_mail):
        raise SendError("535 5.7.8 the secret has expired", unreachable=True)

    whole, desk.mailer.send = desk.mailer.send, refuse
    send = steps.send_step(desk.sending)
    with desk.desk.store.writing() as tx:
        outbox.put(tx, outbox.Mail("k", "notice", "<k@x>", b"x\r\n", ("a@b.se",), "s@x.se"), T0)
    for minutes in range(32):
        assert not send.run(T0 + minutes * MINUTE)
    with window(desk.desk, T0 + 31 * MINUTE) as ask:
        status, body = ask("/health")
        assert (status, "535 5.7.8 the secret has expired" in body) == (503, True)
        assert figures(ask("/metrics")[1])["avtald_outgoing_away_seconds",] == 31 * 60
    desk.mailer.send = whole
    assert send.run(T0 + 40 * MINUTE)
    with window(desk.desk, T0 + 40 * MINUTE) as ask:
        assert ask("/health")[0] == 200


def test_what_an_earlier_process_found_away_is_forgotten_once_a_mail_goes(desk):
    lost(desk.desk.store, "nobody listens", T0)
    with desk.desk.store.writing() as tx:
        outbox.put(tx, outbox.Mail("k", "notice", "<k@x>", b"x\r\n", ("a@b.se",), "s@x.se"), T0)
    assert steps.send_step(desk.sending).run(T0)
    with desk.desk.store.reading() as tx:
        assert away(tx) is None


def test_a_server_that_one_process_lost_is_found_by_another_that_sends(desk):
    """Also where it has spoken with the server before, and the one that lost it is no more."""
    send = steps.send_step(desk.sending)
    for number in range(2):
        with desk.desk.store.writing() as tx:
            mail = outbox.Mail(f"{number}", "notice", f"<{number}@x>", b"x\r\n", ("a@b.se",), "s@x")
            outbox.put(tx, mail, T0)
        assert send.run(T0)
        with desk.desk.store.reading() as tx:
            assert away(tx) is None
        lost(desk.desk.store, "nobody listens", T0)


def test_a_mailbox_without_a_good_poll_is_a_fault(store, tmp_path):
    desk = a_desk_with_a_mailbox(store, tmp_path)
    (table,) = desk.desk.settings.intake.imap
    with store.writing() as tx:
        mailboxes.note(tx, table.name, polled_at=T0, uidvalidity=1)
        mailboxes.note(tx, table.name, error="OSError: timed out")
        mailboxes.note(tx, "an earlier mailbox", polled_at=T0 - 9999 * MINUTE, uidvalidity=1)
    with window(desk.desk, T0 + 5 * MINUTE) as ask:
        assert ask("/health")[0] == 200
    with window(desk.desk, T0 + 6 * MINUTE) as ask:
        status, body = ask("/health")
        found = figures(ask("/metrics")[1])
    assert status == 503
    assert "timed out" in body
    assert found["avtald_mailbox_poll_age_seconds", table.name] == 360


def test_a_mailbox_whose_last_poll_lies_ahead_has_had_none_since_the_clock_was_set_back(
    store, tmp_path
):
    desk = a_desk_with_a_mailbox(store, tmp_path)
    (table,) = desk.desk.settings.intake.imap
    with store.writing() as tx:
        mailboxes.note(tx, table.name, polled_at=T0, uidvalidity=1)
    with window(desk.desk, T0 - 60 * MINUTE) as ask:
        assert ask("/health")[0] == 503
        found = figures(ask("/metrics")[1])
    assert found["avtald_mailbox_poll_age_seconds", table.name] == 3600


def test_a_mailbox_that_never_let_us_in_is_a_fault(store, tmp_path):
    desk = a_desk_with_a_mailbox(store, tmp_path)
    (table,) = desk.desk.settings.intake.imap
    with store.writing() as tx:
        mailboxes.note(tx, table.name, error="AccessError: wrong password")
    with window(desk.desk) as ask:
        status, body = ask("/health")
    assert (status, "no good poll ever (AccessError: wrong password)" in body) == (503, True)


def test_a_database_that_is_away_is_told_and_not_raised(tmp_path, store):
    desk = a_desk(store, tmp_path).desk
    away = dataclasses.replace(desk, store=open_store("postgresql+psycopg://x@127.0.0.1:1/x"))
    with window(away) as ask:
        status, body = ask("/health")
        assert (status, json.loads(body)["ok"]) == (503, False)
        assert figures(ask("/metrics")[1]) == AWAY


def test_a_frozen_database_is_told_in_time_and_well_again_when_it_goes_on(
    pg_store, tmp_path, monkeypatch
):
    """Its kernel acknowledges every byte, so that no timeout of the network ever ends the look."""
    monkeypatch.setattr(watch, "_PATIENCE", 0.3)
    with pg_store.reading() as tx:  # the connection that the window's look will get
        frozen = tx.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    with window(a_desk(pg_store, tmp_path).desk) as ask:
        os.kill(frozen, signal.SIGSTOP)
        try:
            for _ in range(20):  # each would hold one of fifteen connections
                status, body = ask("/health")
                assert (status, "the database has not answered" in body) == (503, True)
            assert figures(ask("/metrics")[1]) == AWAY
        finally:
            os.kill(frozen, signal.SIGCONT)
        wait_for(lambda: ask("/health")[0] == 200, "well again")
        assert pg_store.engine.pool.checkedout() == 0


def test_a_disk_below_its_reserve_is_a_fault_for_no_mail_is_taken(desk):
    """The database can still be read: nothing else would tell."""
    room = []
    with window(desk.desk, has_room=lambda: bool(room)) as ask:
        status, body = ask("/health")
        assert (status, "make room" in body) == (503, True)
        assert figures(ask("/metrics")[1])["avtald_disk_full",] == 1
        room.append(1)
        assert ask("/health")[0] == 200
        assert figures(ask("/metrics")[1])["avtald_disk_full",] == 0


@pytest.mark.parametrize("fault", [KeyError("ours"), StoreError("attempt to write")])
def test_a_step_that_keeps_failing_is_a_fault_until_it_goes_well(desk, monkeypatch, fault):
    """A fault of ours in the month's close, a database that can only be read: no figure tells."""
    monkeypatch.setattr(watch, "_FAILING_SECONDS", 0.0)
    mended, failed = threading.Event(), threading.Event()

    def close(_now):
        if not mended.is_set():
            failed.set()
            raise fault
        return False

    worker = Worker("month", [Step("close", close)], every=9.0, clock=lambda: T0)
    thread = threading.Thread(target=worker.run, daemon=True)
    with window(desk.desk, workers=[worker]) as ask:
        assert ask("/health")[0] == 200
        thread.start()
        assert failed.wait(10)
        wait_for(lambda: ask("/health")[0] == 503, "it is told")
        _, body = ask("/health")
        assert "the step close has failed since 2026-11-23T" in body
        assert f"({type(fault).__name__}): see the log" in body
        assert figures(ask("/metrics")[1])["avtald_steps_failing",] == 1
        mended.set()
        wait_for(lambda: ask("/health")[0] == 200, "well again")
        worker.stop()
        thread.join(10)


def test_a_step_that_failed_just_now_is_no_fault_yet(desk):
    worker = Worker("month", [], every=9.0, clock=lambda: T0)
    worker.failing["close"] = Failing("close", time.monotonic() - 10, StoreError("restarted"))
    with window(desk.desk, workers=[worker]) as ask:
        assert ask("/health")[0] == 200
        worker.failing["close"] = Failing("close", time.monotonic() - 50, StoreError("away"))
        assert ask("/health")[0] == 503


@pytest.mark.parametrize(("off", "says"), [(300, "300 s ahead of"), (-300, "300 s behind")])
def test_a_clock_apart_from_the_databases_is_a_fault_for_leases_follow_it(
    pg_store, tmp_path, monkeypatch, off, says
):
    """Two machines whose clocks differ by more than a lease take each other's work."""
    desk, wall = a_desk(pg_store, tmp_path).desk, leases.wall
    with window(desk) as ask:
        assert ask("/health")[0] == 200
        monkeypatch.setattr(leases, "wall", lambda: wall() + dt.timedelta(seconds=off))
        status, body = ask("/health")
        assert (status, says in body, "timedatectl" in body) == (503, True, True)
        assert abs(figures(ask("/metrics")[1])["avtald_clock_off_seconds",] - off) < 30


def test_there_is_nothing_else_to_see(desk):
    with window(desk.desk) as ask:
        assert ask("/")[0] == 404


def test_only_this_machine_may_look(tmp_path):
    with pytest.raises(load.MistakesError, match=r"watch\.listen"):
        settings_in(tmp_path, SETTINGS + '\n[watch]\nlisten = "0.0.0.0:9464"\n')


def with_a_newer_schema(store):
    with store.writing() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")


def test_a_newer_schema_is_a_fault(desk):
    with_a_newer_schema(desk.desk.store)
    with window(desk.desk) as ask:
        status, body = ask("/health")
    assert status == 503
    assert "schema 9999, newer than this program" in json.loads(body)["faults"][0]
