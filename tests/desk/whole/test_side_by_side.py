"""Two daemons act on one PostgreSQL at the same time: limits hold, nobody waits crosswise (J2)."""

import dataclasses
import datetime as dt
import itertools
import threading
from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import func, select, text

from daemon.desk.context import Desk
from daemon.desk.incoming import receive
from daemon.desk.reminders import gathered_notices
from daemon.domain.register import Contact, Person
from daemon.store.mail import inbox
from daemon.store.money import register
from daemon.store.schema import tables
from daemon.store.session import StoreError, open_store
from daemon.store.tickets import tickets
from tests.builders import SETTINGS, a_desk, a_mail, an_engineers_mail, instant

T0 = instant("2026-11-23 10:00")


@pytest.fixture
def desks(pg_store, pg_url, tmp_path):
    """The same desk twice, each with connections of its own."""
    often = SETTINGS.replace("[desk]", "[desk]\ntickets_of_address = 1000")
    first = a_desk(pg_store, tmp_path, settings=often)
    other = open_store(pg_url)
    yield (
        first,
        type(first)(
            Desk(other, first.desk.settings, first.desk.calendar, first.desk.key), first.mailer
        ),
    )
    other.close()


def at_once(*acts: Callable[[], object]) -> list[Exception]:
    """Run all side by side; gives what they raised."""
    begin, faults = threading.Barrier(len(acts)), []

    def run(act):
        begin.wait(20)
        try:
            act()
        except Exception as fault:  # noqa: BLE001  given to the test
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return faults


def claimed(desk, most):
    """Some messages in one daemon's hands, as `receive.step` has them before it acts."""
    with desk.desk.store.writing() as tx:
        group = inbox.claim(tx, most)
        return group, inbox.raws(tx, [each.id for each in group])


def acting(desk, hands):
    return lambda: receive._together(desk.desk, *hands, T0, lambda: None)


def answers_to(desk, address):
    table = tables.outbox
    mine = table.c.answer.is_(True) & (table.c.recipient == address)
    with desk.desk.store.reading() as tx:
        return tx.scalar(select(func.count()).select_from(table).where(mine))


def test_a_burst_that_two_daemons_share_gets_ten_answers_and_one_alarm_J2(desks):
    one, other = desks
    for number in range(40):
        one.receive(a_mail("Bo Ek <bo@acme.se>", f"Fel {number}", message_id=f"<{number}@x>"), T0)
    hands = [claimed(desk, 20) for desk in desks]
    assert [len(group) for group, _ in hands] == [20, 20]
    assert at_once(acting(one, hands[0]), acting(other, hands[1])) == []
    assert answers_to(one, "bo@acme.se") == 10
    with one.desk.store.reading() as tx:
        assert tx.scalar(select(func.count()).select_from(tables.alarms)) == 1


def test_tickets_that_two_daemons_act_on_crosswise_are_no_deadlock(desks):
    """Each group has tickets and time that the other has too, in the opposite order."""
    one, other = desks
    for number in range(10):
        one.receive(a_mail(subject=f"Fel {number}", message_id=f"<{number}@x>"), T0)
    one.work(T0)
    serial = itertools.count()
    for number in (*range(1001, 1011), *range(1010, 1000, -1)):
        one.receive(
            an_engineers_mail(
                "[tid: 1m]\nJag kommer.\n",
                subject=f"SV: [#{number}]",
                message_id=f"<{next(serial)}@y>",
            ),
            T0,
        )
    hands = [claimed(desk, 10) for desk in desks]
    assert at_once(acting(one, hands[0]), acting(other, hands[1])) == []
    with one.desk.store.reading() as tx:
        assert {row.attempts for row in inbox.listing(tx)} == {1}


def in_the_middle_of(monkeypatch, desk, other, hands):
    """Whether another daemon gets its work done while one is in the middle of acting on its own."""
    act, done = receive._outcome, []

    def meanwhile(turn, *args, **more):
        if turn.desk is desk.desk and not done:
            waiting = threading.Thread(target=acting(other, hands))
            waiting.start()
            waiting.join(2)
            done.append((not waiting.is_alive(), waiting))
        return act(turn, *args, **more)

    monkeypatch.setattr(receive, "_outcome", meanwhile)
    desk.work(T0)
    ((finished, waiting),) = done
    waiting.join(60)
    return finished


@pytest.mark.parametrize(
    ("second", "finished"),
    [
        (a_mail("Eva Alm <eva@acme.se>", "Annat fel", message_id="<2@x>"), True),
        (a_mail("Bo Ek <bo@acme.se>", "Annat fel", message_id="<2@x>"), False),
        (a_mail("Eva Alm <eva@acme.se>", "SV: [#1001] Fel", message_id="<2@x>"), False),
        (an_engineers_mail("Jag kommer.\n", subject="SV: [#1001]", message_id="<2@x>"), False),
    ],
    ids=["another sender", "the same sender", "a reply", "an engineer"],
)
def test_only_new_tickets_of_other_senders_are_opened_side_by_side_J2(
    desks, monkeypatch, second, finished
):
    one, other = desks
    one.receive(a_mail("Bo Ek <bo@acme.se>", "Fel", message_id="<1@x>"), T0)
    one.work(T0)
    one.receive(second, T0)
    hands = claimed(other, 1)
    one.receive(a_mail("Bo Ek <bo@acme.se>", "Nytt fel", message_id="<3@x>"), T0)
    assert in_the_middle_of(monkeypatch, one, other, hands) is finished
    with one.desk.store.reading() as tx:
        assert {row.state for row in inbox.listing(tx)} == {"done"}


@pytest.mark.parametrize("sqlstate", ["40P01", "40001"])
def test_a_deadlock_is_no_attempt_of_the_message_B4(pg_store, tmp_path, monkeypatch, sqlstate):
    """However often the database ends the transaction, the message is not to blame."""
    desk = a_desk(pg_store, tmp_path)
    desk.receive(a_mail(), T0)
    act, left = receive._outcome, [None] * 5

    def victim(turn, *args, **more):
        if left:
            left.pop()
            turn.tx.execute(text(f"DO $$ BEGIN RAISE SQLSTATE '{sqlstate}'; END $$"))
        return act(turn, *args, **more)

    monkeypatch.setattr(receive, "_outcome", victim)
    for _ in range(5):
        with pytest.raises(StoreError):
            receive.step(desk.desk, T0)
    assert receive.step(desk.desk, T0)
    with pg_store.reading() as tx:
        (row,) = inbox.listing(tx)
    assert (row.state, row.attempts) == ("done", 1)


def test_a_daemon_that_freezes_while_it_acts_does_not_stop_the_others_B4(desks, monkeypatch):
    """It finds its work taken from it: no attempt of the message's, and the next one does it."""
    one, other = desks
    one.receive(a_mail(), T0)

    def frozen(turn, *_args, **_more):
        turn.tx.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '200ms'")
        assert at_once(lambda: _acts(other)) == []
        turn.tx.scalar(text("SELECT 1"))

    monkeypatch.setattr(receive, "_outcome", frozen)
    with pytest.raises(StoreError, match="idle-in-transaction"):
        receive.step(one.desk, T0)
    monkeypatch.undo()
    one.work(T0)
    with one.desk.store.reading() as tx:
        (row,) = inbox.listing(tx)
    assert (row.state, row.attempts) == ("done", 1)


def test_whoever_acts_may_be_silent_for_a_minute(pg_store):
    with pg_store.acting() as tx:
        assert tx.scalar(text("SHOW idle_in_transaction_session_timeout")) == "1min"
    with pg_store.writing() as tx:
        assert tx.scalar(text("SHOW idle_in_transaction_session_timeout")) == "0"


def _acts(desk):
    with desk.desk.store.acting():
        pass


def test_what_is_imported_while_a_daemon_waits_for_its_turn_is_what_it_acts_on_D1(
    desks, monkeypatch
):
    """The register was looked at before the lock: an import that held it has changed it since."""
    one, other = desks
    one.receive(a_mail("Nils Ny <nils@annan.se>", "Fel", message_id="<1@x>"), T0)
    take = receive.act

    def late(tx, **how):
        if tx.engine is one.desk.store.engine:
            with other.desk.store.acting() as theirs:
                found = register.customer_of_address(theirs, "bo@acme.se")[0]
                register.keep_contact(
                    theirs, Contact(0, found.id, "Nils Ny", "nils@annan.se", active=True)
                )
        take(tx, **how)

    with one.desk.store.reading() as tx:  # known to this process as a stranger
        assert register.customer_of_address(tx, "nils@annan.se") is None
    monkeypatch.setattr(receive, "act", late)
    one.work(T0)
    with one.desk.store.reading() as tx:
        (ticket,) = tickets.listing(tx)
    assert ticket.customer_id is not None


def test_whom_an_import_has_made_an_engineer_meanwhile_acts_alone(desks, monkeypatch):
    """What looked like a stranger's mail, to be acted on beside others, is none any more."""
    one, other = desks
    one.receive(a_mail("Nils Ny <nils@annan.se>", "Fel", message_id="<1@x>"), T0)
    take, taken = receive.act, []

    def late(tx, *, answering=None):
        if not taken:
            with other.desk.store.acting() as theirs:
                new = Person(0, "Nils Ny", "nils@annan.se", roles=frozenset({"engineer"}))
                register.keep_person(theirs, new)
        taken.append(answering)
        take(tx, answering=answering)

    monkeypatch.setattr(receive, "act", late)
    one.work(T0)
    assert taken == [{"nils@annan.se"}, None]
    with one.desk.store.reading() as tx:
        assert [row.state for row in inbox.listing(tx)] == ["held"]


def test_two_daemons_send_gathered_notices_once_J2(desks):
    first, second = desks
    for each in desks:
        table = dataclasses.replace(each.desk.settings.desk, gather_from=5)
        settings = dataclasses.replace(each.desk.settings, desk=table)
        each.desk = dataclasses.replace(each.desk, settings=settings)
    for number in range(12):
        first.get(a_mail(subject=f"Fråga {number}"), T0)
    later = T0 + dt.timedelta(minutes=11)
    faults = at_once(
        *(partial(gathered_notices.send_due, each.desk, later) for each in (first, second) * 3)
    )
    first.work(later)
    assert faults == []
    assert len(first.mailer.to("anna@example.se")) == 5
    assert len(first.mailer.to("erik@example.se")) == 5
