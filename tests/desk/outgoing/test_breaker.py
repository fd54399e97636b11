"""J2 for the whole desk: beyond the setting automatic answers wait, and everything else goes on."""

import datetime as dt
import threading
from contextlib import contextmanager

from sqlalchemy import select

from daemon.desk.outgoing import settling
from daemon.desk.outgoing.breaker import Breaker, is_open
from daemon.desk.ports import SendError
from daemon.store import known_faults, rows
from daemon.store.schema import tables
from daemon.store.session import Store, StoreError
from tests.builders import SETTINGS, a_desk, a_mail, an_engineers_mail, instant, text_of

T0 = instant("2026-11-23 10:00")
HOUR = dt.timedelta(hours=1)
NARROW = SETTINGS.replace("[identity]", "all_answers = 2\n\n[identity]").replace(
    'operators = ["drift@example.se"]\n\nall_answers',
    'operators = ["drift@example.se"]\nall_answers',
)


def send(desk, now):
    while desk.sending.step(now):
        pass


def five_customers(store, tmp_path):
    desk = a_desk(store, tmp_path, settings=NARROW)
    for number in range(5):
        desk.receive(a_mail(f"Kund <kund{number}@acme.se>", message_id=f"<{number}@acme.se>"), T0)
    process(desk, T0)
    return desk


def process(desk, now):
    from daemon.desk.incoming import receive

    while receive.step(desk.desk, now):
        pass


def answered(desk):
    return [to for to, _ in desk.mailer.sent if to.startswith("kund")]


def opened(desk):
    with desk.desk.store.reading() as tx:
        return is_open(tx)


def test_answers_beyond_the_hours_share_wait_and_notices_go_out_J2(any_store, tmp_path):
    desk = five_customers(any_store, tmp_path)
    send(desk, T0)
    assert answered(desk) == ["kund0@acme.se", "kund1@acme.se"]
    assert len(desk.mailer.to("anna@example.se")) == 5
    assert opened(desk)
    with any_store.reading() as tx:
        waiting = tx.scalars(
            select(tables.outbox.c.recipient).where(tables.outbox.c.state == "pending")
        ).all()
    assert sorted(waiting) == ["kund2@acme.se", "kund3@acme.se", "kund4@acme.se"]


def test_the_operators_are_told_once_J2(any_store, tmp_path):
    desk = five_customers(any_store, tmp_path)
    for minutes in (0, 5, 60, 65):
        send(desk, T0 + dt.timedelta(minutes=minutes))
    assert len(desk.mailer.to("drift@example.se")) == 1
    assert "2 automatiska svar" in text_of(desk.mailer.to("drift@example.se")[0])


def test_the_rest_goes_out_in_the_next_hours_and_the_alarm_clears_J2(any_store, tmp_path):
    desk = five_customers(any_store, tmp_path)
    for hours in range(4):
        send(desk, T0 + hours * HOUR)
    assert sorted(answered(desk)) == [f"kund{number}@acme.se" for number in range(5)]
    assert not opened(desk)
    with any_store.reading() as tx:
        assert known_faults.standing(tx) == []


def test_what_people_write_goes_out_while_the_breaker_is_open_J2(store, tmp_path):
    desk = five_customers(store, tmp_path)
    send(desk, T0)
    notice = desk.mailer.to("anna@example.se")[0]
    desk.receive(an_engineers_mail("Jag kommer.\n", reply_to=notice), T0)
    process(desk, T0)
    send(desk, T0)
    assert opened(desk)
    (answer,) = [raw for to, raw in desk.mailer.sent[-2:] if to.startswith("kund")]
    assert "Jag kommer." in text_of(answer)


def test_the_count_survives_a_restart_J2(store, tmp_path):
    desk = five_customers(store, tmp_path)
    send(desk, T0)
    desk.mailer.sent.clear()
    send(a_desk_again(desk), T0 + dt.timedelta(minutes=1))
    assert answered(desk) == []


def test_what_a_server_that_is_down_did_not_take_is_no_answer_J2(any_store, tmp_path):
    desk = five_customers(any_store, tmp_path)
    whole, desk.mailer.send = desk.mailer.send, refusing
    for minutes in range(20):
        send(desk, T0 + dt.timedelta(minutes=minutes))
    desk.mailer.send = whole
    send(desk, T0 + dt.timedelta(minutes=25))
    assert len(answered(desk)) == 2


def test_two_processes_count_the_same_hour_J2(any_store, tmp_path):
    desk = five_customers(any_store, tmp_path)
    breaker, counted = Breaker(desk.desk), threading.Event()

    def another():
        with any_store.writing() as tx:
            breaker.passed(tx, T0, room=breaker.room(tx, T0), answers=1)
        counted.set()

    with any_store.writing() as tx:  # the first of all times: nothing has been counted yet
        room = breaker.room(tx, T0)
        thread = threading.Thread(target=another)
        thread.start()
        assert not counted.wait(0.3)
        breaker.passed(tx, T0, room=room, answers=1)
    thread.join(20)
    with any_store.reading() as tx:
        assert rows.fact(tx, "answers-of-the-hour") == f"{T0:%Y-%m-%dT%H} 2"


def counted(desk):
    with desk.desk.store.reading() as tx:
        return rows.fact(tx, "answers-of-the-hour").partition(" ")[2]


def test_what_went_nowhere_is_taken_out_once_where_the_word_of_its_commit_is_lost_J2(
    any_store, tmp_path, monkeypatch
):
    """The database noted it, and went away before it said so: the same is noted again."""
    desk, acting = five_customers(any_store, tmp_path), Store.acting
    with any_store.writing() as tx:
        Breaker(desk.desk).passed(tx, T0, room=2, answers=1)
    lost = [True]

    @contextmanager
    def losing(store):
        with acting(store) as tx:
            yield tx
        if lost:
            lost.pop()
            raise StoreError("gone")

    monkeypatch.setattr(Store, "acting", losing)
    monkeypatch.setattr(settling.time, "sleep", lambda _: None)
    desk.mailer.send = refusing
    send(desk, T0)
    assert (lost, counted(desk)) == ([], "1")


def test_what_went_nowhere_leaves_the_count_of_the_next_hour_alone_J2(any_store, tmp_path):
    """Another process is in the next hour while a group of this one's still fails."""
    desk = a_desk(any_store, tmp_path, settings=NARROW)
    breaker = Breaker(desk.desk)
    with any_store.writing() as tx:
        breaker.passed(tx, T0, room=2, answers=1)
        breaker.passed(tx, T0 + HOUR, room=breaker.room(tx, T0 + HOUR), answers=2)
        breaker.went_nowhere(tx, T0, 1)
        assert breaker.room(tx, T0 + HOUR) == 0


def refusing(*_mail):
    raise SendError("nobody listens", unreachable=True)


def a_desk_again(desk):
    """The same database, looked at by another process."""
    return type(desk)(desk.desk, desk.mailer)
