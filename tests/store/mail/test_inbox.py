"""The inbox: known once, claimed once, three attempts, then the shelf (B1, B3, B4)."""

import datetime as dt
import os
import subprocess
import sys

import pytest
from sqlalchemy import select

from daemon.store import leases
from daemon.store.mail import arrivals, inbox, mailboxes
from daemon.store.mail.arrivals import Delivery
from daemon.store.mail.inbox import LeaseLostError
from tests.builders import instant

AT = instant("2026-11-20 09:00")


def a_delivery(identity="a", **more):
    return Delivery(b"Subject: x\r\n\r\nhej\r\n", identity, AT, "smtp", **more)


def keep(tx, delivery):
    (number,) = arrivals.accept(tx, [delivery])
    return number


def test_the_same_message_by_two_doors_is_one_B3(any_store):
    with any_store.writing() as tx:
        first = keep(tx, a_delivery())
        again = keep(tx, a_delivery(mailbox="m", uidvalidity=1, uid=7))
        assert first is not None
        assert again is None
        assert set(mailboxes.kept(tx, "m", 1, [6, 7, 8])) == {7}


def test_any_number_of_messages_is_filed_at_once_B1(any_store):
    """A done folder mended after months: more than a statement can name (SQLite, psycopg)."""
    with any_store.writing() as tx:
        for uid in (1, 70_000):
            keep(tx, a_delivery(mailbox="m", uidvalidity=1, uid=uid))
        mailboxes.filed(tx, "m", 1, range(1, 70_001))
        assert mailboxes.kept(tx, "m", 1, [1, 2, 70_000]) == {1: True, 70_000: True}


def test_a_claimed_message_is_nobody_elses(any_store):
    with any_store.writing() as tx:
        keep(tx, a_delivery())
    with any_store.writing() as tx:
        (claimed,) = inbox.claim(tx)
    with any_store.writing() as tx:
        assert inbox.claim(tx) == []
        inbox.finish(tx, claimed.id, at=AT, outcome="opened")
    with pytest.raises(LeaseLostError), any_store.writing() as tx:
        inbox.finish(tx, claimed.id, at=AT, outcome="opened")


def test_the_third_failure_shelves_and_a_replay_keeps_the_receipt_time_B4(any_store):
    with any_store.writing() as tx:
        keep(tx, a_delivery())
    shelved = []
    for _ in range(3):
        with any_store.writing() as tx:
            (claimed,) = inbox.claim(tx)
            shelved.append(inbox.fail(tx, claimed.id, "ValueError: no", AT))
    assert shelved == [False, False, True]
    with any_store.writing() as tx:
        assert inbox.claim(tx) == []
        assert inbox.reopen(tx, claimed.id)
        (again,) = inbox.claim(tx)
    assert (again.attempts, again.received_at) == (1, AT)


def test_a_lease_that_ran_out_while_nobody_took_over_ends_as_any_other_B3(any_store):
    from daemon.store.schema.tables import inbox as table

    with any_store.writing() as tx:
        number = keep(tx, a_delivery())
        inbox.claim(tx)
        tx.execute(table.update().values(lease_until=leases.wall() - leases.LEASE))
    with any_store.writing() as tx:
        inbox.finish(tx, number, at=AT, outcome="opened")
    with any_store.reading() as tx:
        assert [row.state for row in inbox.listing(tx)] == ["done"]


@pytest.mark.parametrize("ahead", [-dt.timedelta(seconds=1), dt.timedelta(hours=2)])
def test_what_a_machine_far_away_held_is_free_when_its_lease_cannot_be_true(any_store, ahead):
    """It ran out; or lasts longer than any: taken by a clock ahead, or ours was set back since."""
    from daemon.store.schema.tables import inbox as table

    with any_store.writing() as tx:
        keep(tx, a_delivery())
        (claimed,) = inbox.claim(tx)
        elsewhere = {"lease_owner": "elsewhere:1:1"}
        tx.execute(table.update().values(elsewhere))
        assert inbox.claim(tx) == []
        tx.execute(table.update().values(lease_until=leases.wall() + ahead))
        assert [(each.id, each.attempts) for each in inbox.claim(tx)] == [(claimed.id, 2)]


def test_a_database_that_goes_away_whenever_a_message_is_acted_on_shelves_nothing_B4(
    any_store, monkeypatch
):
    """Not even where the attempt cannot be given back: this process lives, so nothing killed it."""
    clock = [leases.wall()]
    monkeypatch.setattr(leases, "wall", lambda: clock[0])
    with any_store.writing() as tx:
        keep(tx, a_delivery())
    for _ in range(7):
        with any_store.writing() as tx:
            ((number, attempts),) = [(each.id, each.attempts) for each in inbox.claim(tx)]
            assert attempts == 1
            assert inbox.given_up(tx, AT) == []
        clock[0] += leases.LEASE + dt.timedelta(seconds=1)
    with any_store.writing() as tx:
        assert inbox.fail(tx, number, "ValueError: no", AT) is False


def test_a_slow_failure_takes_nothing_from_whoever_took_the_message_over_B4(any_store):
    from daemon.store.schema.tables import inbox as table

    with any_store.writing() as tx:
        number = keep(tx, a_delivery())
        inbox.claim(tx)
        tx.execute(table.update().values(lease_owner="another-host:1:1", attempts=3))
    with any_store.writing() as tx:
        assert not inbox.fail(tx, number, "ValueError: late", AT)
    with any_store.reading() as tx:
        row = tx.execute(select(table)).one()
    assert (row.state, row.lease_owner, row.reason) == ("new", "another-host:1:1", None)


def test_what_a_dead_process_held_is_free_at_once(any_store):
    dead = subprocess.run(
        [sys.executable, "-c", "from daemon.store.leases import owner; print(owner())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert leases.is_dead(dead)
    assert not leases.is_dead(leases.owner())
    assert not leases.is_dead(f"another-host:{os.getpid()}:1")
    with any_store.writing() as tx:
        keep(tx, a_delivery())
        inbox.claim(tx)
        from daemon.store.schema.tables import inbox as table

        tx.execute(table.update().values(lease_owner=dead))
    with any_store.writing() as tx:
        assert [claimed.attempts for claimed in inbox.claim(tx)] == [2]


def test_a_message_that_stops_the_program_three_times_is_shelved_B4(any_store):
    with any_store.writing() as tx:
        keep(tx, a_delivery())
    for _ in range(3):
        with any_store.writing() as tx:
            assert inbox.given_up(tx, AT) == []
            inbox.claim(tx)
        with any_store.writing() as tx:
            from daemon.store.schema.tables import inbox as table

            tx.execute(table.update().values(leases.FREED))
    with any_store.writing() as tx:
        assert len(inbox.given_up(tx, AT)) == 1


@pytest.mark.parametrize("ahead", [-dt.timedelta(seconds=1), dt.timedelta(hours=2)])
def test_the_third_attempt_of_a_machine_far_away_is_shelved_when_its_lease_cannot_be_true_B4(
    any_store, ahead
):
    """A clock that was set back keeps no message waiting that nobody is to try again."""
    from daemon.store.schema.tables import inbox as table

    with any_store.writing() as tx:
        number = keep(tx, a_delivery())
        inbox.claim(tx)
        tx.execute(table.update().values(lease_owner="elsewhere:1:1", attempts=3))
        assert inbox.claim(tx) == []
        assert inbox.given_up(tx, AT) == []
        tx.execute(table.update().values(lease_until=leases.wall() + ahead))
        assert inbox.claim(tx) == []
        assert inbox.given_up(tx, AT) == [number]
