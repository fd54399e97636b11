"""The running parts put together: what uses an outside thing is what closes it."""

import threading

import pytest

from daemon.app import accounting, steps
from daemon.desk.incoming import receive
from daemon.desk.outgoing.sending import Sending
from daemon.desk.tickets import delivered
from daemon.loop import Step
from daemon.store.migrations import NewerSchemaError
from tests.builders import a_desk, a_mail, an_engineers_mail, instant, text_of

NOW = instant("2026-11-23 10:00")


class SlowPost:
    """A mailer whose server takes its time; closing it in the middle of a mail spoils the mail."""

    def __init__(self):
        self.sending, self.answer = threading.Event(), threading.Event()
        self.closed_by = []
        self.spoilt = False

    def send(self, envelope_from, recipient, raw):
        self.sending.set()
        self.answer.wait(10)
        self.sending.clear()
        return "250 2.0.0 queued"

    def close(self):
        self.closed_by.append(threading.current_thread().name)
        self.spoilt |= self.sending.is_set()

    def abort(self):
        self.answer.set()


@pytest.fixture
def slow(store, tmp_path, monkeypatch):
    """A running desk whose mailer is in the middle of a mail."""
    asked = threading.Event()
    monkeypatch.setattr(steps, "asked_to_stop", lambda: asked)
    made, post = a_desk(store, tmp_path), SlowPost()
    made.receive(a_mail(), NOW)
    books = accounting.accounting_of(made.desk)
    sending = Sending(made.desk, lambda: post, delivered)
    supervisor = steps.supervisor(made.desk, sending, books, lambda: NOW)
    running = threading.Thread(target=supervisor.run)
    running.start()
    assert post.sending.wait(10)
    yield post, supervisor, asked, running
    post.answer.set()
    asked.set()
    for thread in [running, *(each for each in threading.enumerate() if each.name == "send")]:
        thread.join(30)  # its last note needs the database


def test_a_stop_does_not_speak_to_the_outgoing_server_in_the_middle_of_a_mail(slow):
    """A QUIT there would become a line of the mail, or take the server's reply to it."""
    post, supervisor, asked, running = slow
    supervisor.patience = 0.3
    asked.set()
    running.join(10)
    assert not running.is_alive()
    assert not post.spoilt


def test_the_connection_is_ended_politely_by_whoever_sent_over_it(slow):
    post, _, asked, running = slow
    asked.set()
    post.answer.set()
    running.join(30)
    assert post.closed_by == ["send"]


def test_what_an_accepted_mail_sets_off_and_fails_is_told_to_operators_and_the_mail_goes_once(
    store, tmp_path, monkeypatch
):
    """E1: the mail is the customer's already, whatever our fault is."""
    made = a_desk(store, tmp_path)
    made.receive(a_mail(), NOW)
    made.work(NOW)
    made.receive(an_engineers_mail(subject="SV: [#1001] Hjälp", text="Klart."), NOW)

    def fails(_tx, _desk, delivery, _now):
        if delivery.kind == "relay":
            raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(delivered, "accepted", fails)
    while receive.step(made.desk, NOW):
        pass
    send = steps.send_step(made.sending)
    with pytest.raises(ZeroDivisionError):
        send.run(NOW)
    while send.run(NOW):
        pass
    assert len([sent for sent in made.mailer.to("bo@acme.se") if "Klart." in text_of(sent)]) == 1
    (alarm,) = made.mailer.to("drift@example.se")
    said = text_of(alarm)
    assert "ZeroDivisionError: a fault of ours" in said
    assert "avtald ticket 1001" in said
    assert "bo@acme.se" in said


def test_the_steps_of_a_running_daemon_rest_beside_a_newer_schema(store, monkeypatch):
    done = []
    step = Step("x", lambda now: bool(done.append(now)))
    guarded = steps._while_schema_is_ours(store, step)
    at = instant("2026-11-23 10:00")
    guarded.run(at)
    with store.writing() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    monkeypatch.setattr(steps, "_SCHEMA_SECONDS", 0.0)
    with pytest.raises(NewerSchemaError, match="restart avtald"):
        guarded.run(at)
    assert done == [at]
