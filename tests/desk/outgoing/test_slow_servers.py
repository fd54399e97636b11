"""A server may take ten minutes for its word on a mail; nothing else waits (RFC 5321, 4.5.3.2)."""

import datetime as dt
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from daemon.desk.outgoing import lanes, pace
from daemon.desk.outgoing import sending as senders
from daemon.desk.outgoing.sending import Sending
from daemon.desk.ports import SendError
from daemon.store import leases, rows
from daemon.store.mail import outbox
from daemon.store.schema import tables
from integrations.mailer import Patience, SmtpMailer, SmtpServer
from tests.desk.outgoing.senders import Notes, a_sender
from tests.scripted_smtp import DROP, sink
from tests.servers import wait_for

T0 = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


class Slow:
    """A server that has no word on some recipients' mail until it is told to."""

    def __init__(self, *slow):
        self.taken, self.closed = [], 0
        self.words = {address: threading.Event() for address in slow}
        self.cut = False

    def send(self, _from, recipient, _raw):
        self.taken.append(recipient)
        word = self.words.get(recipient)
        if word is not None and not (word.wait(20) and not self.cut):
            raise SendError("lost after the final dot", unclear=True)
        return "250 2.0.0 at last"

    def close(self):
        self.closed += 1

    def abort(self):
        self.cut = True
        for word in self.words.values():
            word.set()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(senders, "SLOW_SECONDS", 0.05)
    monkeypatch.setattr(senders, "STOP_SECONDS", 0.1)


def queue(store, *recipients, key="k"):
    with store.writing() as tx:
        outbox.put(tx, outbox.Mail(key, "relay", f"<{key}@x>", b"x\r\n", recipients, "s@x.se"), T0)


def states(store):
    with store.reading() as tx:
        query = select(tables.outbox.c.recipient, tables.outbox.c.state)
        return {row.recipient: row.state for row in tx.execute(query)}


def all_of(sending, now=T0):
    while sending.step(now):
        pass


def landed(sending, store, *recipients, now=T0):
    """Go on until these have ended."""

    def ended():
        sending.step(now)
        return all(states(store)[each] != "sending" for each in recipients)

    wait_for(ended, "they have ended")


def test_other_mail_goes_on_while_one_waits_for_its_server_s_word(any_store):
    queue(any_store, "anna@a.se", "bo@b.se")
    queue(any_store, "eva@e.se", key="later")
    server, notes = Slow("anna@a.se"), Notes()
    sending = a_sender(any_store, server, notes)
    all_of(sending)
    assert states(any_store) == {"anna@a.se": "sending", "bo@b.se": "sent", "eva@e.se": "sent"}
    server.words["anna@a.se"].set()
    landed(sending, any_store, "anna@a.se")
    assert notes.told == [("sent", "bo@b.se"), ("sent", "eva@e.se"), ("sent", "anna@a.se")]
    assert sorted(server.taken) == ["anna@a.se", "bo@b.se", "eva@e.se"]
    wait_for(lambda: server.closed == 1, "its connection is ended")


def test_no_second_daemon_takes_over_a_mail_that_waits_for_its_server_s_word(
    any_store, monkeypatch
):
    queue(any_store, "anna@a.se")
    server, other, clock = Slow("anna@a.se"), Slow(), [leases.wall()]
    monkeypatch.setattr(leases, "wall", lambda: clock[0])
    sending, second = a_sender(any_store, server), a_sender(any_store, other)
    for _ in range(40):
        sending.step(T0)
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(leases, "owner", lambda: "elsewhere:1:1")
            all_of(second)
        clock[0] += MINUTE
    server.words["anna@a.se"].set()
    landed(sending, any_store, "anna@a.se")
    assert (server.taken, other.taken) == (["anna@a.se"], [])
    assert states(any_store) == {"anna@a.se": "sent"}


def test_a_mail_in_the_air_counts_in_every_minute_until_a_minute_after_its_end(
    any_store, monkeypatch
):
    """The server counts it when it pleases: so the desk's rate holds all the time."""
    clock = [T0]
    monkeypatch.setattr(leases, "wall", lambda: clock[0])
    queue(any_store, "anna@a.se", *(f"k{number}@a.se" for number in range(40)))
    server = Slow("anna@a.se")
    sending = a_sender(any_store, server, outgoing="per_minute = 3")
    for second in range(0, 300, 5):
        clock[0] = T0 + dt.timedelta(seconds=second)
        if second == 200:
            server.words["anna@a.se"].set()
            time.sleep(0.1)
        all_of(sending)
        with any_store.reading() as tx:
            assert sum(n for _, n, _ in pace._groups(rows.fact(tx, "outgoing-minute"))) <= 3
    assert states(any_store)["anna@a.se"] == "sent"
    # Two in each of four minutes beside the slow one, and three in the last.
    assert 9 <= len(server.taken) <= 13


def test_no_more_connections_wait_than_the_setting_allows(any_store):
    slow = [f"k{number}@a.se" for number in range(5)]
    queue(any_store, *slow)
    server = Slow(*slow)
    sending = a_sender(any_store, server, outgoing="connections = 2")
    all_of(sending)
    assert sorted(states(any_store).values()) == ["pending"] * 3 + ["sending"] * 2
    assert len(server.taken) == 2
    for word in server.words.values():
        word.set()
    landed(sending, any_store, *slow)
    all_of(sending)
    assert sorted(server.taken) == slow
    assert set(states(any_store).values()) == {"sent"}


def test_a_stop_notes_what_is_in_the_air_as_unclear_and_gives_nothing_else_away(any_store):
    queue(any_store, "anna@a.se", "bo@b.se")
    server = Slow("anna@a.se")
    sending = a_sender(any_store, server)
    all_of(sending)
    started = time.monotonic()
    sending.close(T0)
    assert time.monotonic() - started < 2
    assert states(any_store) == {"anna@a.se": "pending", "bo@b.se": "sent"}
    again = Slow()
    all_of(a_sender(any_store, again), T0 + MINUTE)
    assert again.taken == ["anna@a.se"]


def test_a_tick_waits_for_the_word_on_what_it_has_sent(any_store):
    queue(any_store, "anna@a.se")
    server = Slow("anna@a.se")
    sending = a_sender(any_store, server)
    timer = threading.Timer(0.5, server.words["anna@a.se"].set)
    timer.start()
    while sending.step(T0, patient=True):
        pass
    assert states(any_store) == {"anna@a.se": "sent"}
    timer.join()


def test_a_server_that_keeps_a_mail_for_ever_is_cut_off(store, monkeypatch):
    queue(store, "anna@a.se")
    server = Slow("anna@a.se")
    sending = a_sender(store, server)
    all_of(sending)
    monkeypatch.setattr(senders, "FLIGHT_SECONDS", 0.0)
    landed(sending, store, "anna@a.se")
    assert server.cut
    assert states(store) == {"anna@a.se": "pending"}


def test_a_thread_that_ends_without_a_word_leaves_its_mail_unclear(store, monkeypatch):
    queue(store, "anna@a.se")
    monkeypatch.setattr(lanes, "_try", lambda *_: threading.current_thread().no_such_thing)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    sending = a_sender(store, Slow())
    landed(sending, store, "anna@a.se")
    with store.reading() as tx:
        assert tx.scalar(select(tables.outbox.c.repeats)) == 1


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(said=st.lists(st.sampled_from(["451", "lost", "dead", "away", "cut off"]), max_size=8))
def test_no_mail_is_handed_over_more_than_once_again_however_its_attempts_end(
    make_desk, monkeypatch, said
):
    """Issue 15, 7: at most one repeat of an unclear case, ever."""
    store, taken = make_desk().desk.store, []
    queue(store, "anna@a.se")

    class Moody(Slow):
        def send(self, _from, recipient, _raw):
            word = said.pop(0) if said else "250"
            if word not in {"451", "away"}:
                taken.append(word)
            if word == "451":
                raise SendError("451 later")
            if word == "away":
                raise SendError("connection refused", unreachable=True)
            if word == "dead":
                raise KeyboardInterrupt  # its thread ends, and the process with it
            if word != "250":
                raise SendError("lost after the final dot", unclear=True)
            return "250 2.0.0 taken"

    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    for minutes in range(0, 60 * 24 * 6, 300):
        all_of(a_sender(store, Moody()), T0 + minutes * MINUTE)
        with store.writing() as tx:  # whoever was sending died
            dead = leases.owner().rpartition(":")[0] + ":1"
            held = tables.outbox.c.state == "sending"
            tx.execute(tables.outbox.update().where(held).values(lease_owner=dead))
    assert len(taken) <= 2
    unclear = sum(word != "250" for word in taken)
    assert states(store) == {"anna@a.se": "sent" if unclear < 2 else "unclear"}


SCALE = 1 / 300  # of a second of RFC 5321


def test_a_word_after_75_seconds_is_a_word_and_every_mail_goes_once(store, monkeypatch):
    """In scaled time, over SMTP: every mail went twice within 200 s, and both still waited."""
    monkeypatch.setattr(senders, "SLOW_SECONDS", 2 * SCALE)
    everybody = [f"k{number}@a.se" for number in range(12)]
    queue(store, *everybody)
    with sink() as there:
        there.slow = dict.fromkeys(everybody[:-1], 75 * SCALE)
        server = SmtpServer("127.0.0.1", there.port, "none", patience=Patience().scaled(SCALE))
        model = a_sender(store, None)
        sending = Sending(model.desk, lambda: SmtpMailer(server), Notes())
        started = time.monotonic()
        landed(sending, store, *everybody)
        wait_for(lambda: not sending.step(T0) and set(states(store).values()) == {"sent"}, "all")
        assert time.monotonic() - started < 600 * SCALE
        sending.close(T0)
    assert sorted(mail[1] for mail in there.mails) == sorted(f"TO:<{each}>" for each in everybody)


def test_a_server_that_never_says_a_word_gets_a_mail_twice_and_no_more(store, monkeypatch):
    monkeypatch.setattr(senders, "SLOW_SECONDS", 2 * SCALE)
    queue(store, "anna@a.se", "bo@b.se")
    with sink() as there:
        there.slow = {"anna@a.se": 3600 * SCALE}
        server = SmtpServer("127.0.0.1", there.port, "none", patience=Patience().scaled(SCALE))
        sending = Sending(a_sender(store, None).desk, lambda: SmtpMailer(server), Notes())
        for minutes in (0, 1, 30, 600):
            landed(sending, store, "anna@a.se", now=T0 + minutes * MINUTE)
        sending.close(T0)
    assert states(store) == {"anna@a.se": "unclear", "bo@b.se": "sent"}
    assert sorted(mail[1] for mail in there.mails) == ["TO:<anna@a.se>"] * 2 + ["TO:<bo@b.se>"]


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_a_connection_lost_before_the_text_is_no_unclear_case(store, verb):
    queue(store, "anna@a.se")
    with sink() as there:
        server = SmtpServer("127.0.0.1", there.port, "none")
        sending = Sending(a_sender(store, None).desk, lambda: SmtpMailer(server), Notes())
        there.say(verb, DROP, DROP, DROP)
        for minutes in (0, 1, 10, 60, 300):
            all_of(sending, T0 + minutes * MINUTE)
        sending.close(T0)
    assert states(store) == {"anna@a.se": "sent"}
    assert len(there.mails) == 1
