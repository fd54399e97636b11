"""Operators hear once of a mailbox that cannot be read, and of the next time as well."""

import datetime as dt

import pytest

from daemon.desk.upkeep import mailbox_watch
from daemon.store import known_faults
from daemon.store.mail import mailboxes
from tests.builders import a_desk_with_a_mailbox, instant, text_of

T0 = instant("2026-11-23 10:00")
MINUTE = dt.timedelta(minutes=1)
REFUSED = "AccessError: AUTHENTICATE failed, the secret has expired"


@pytest.fixture
def desk(any_store, tmp_path):
    return a_desk_with_a_mailbox(any_store, tmp_path)


def note(desk, **what):
    (table,) = desk.desk.settings.intake.imap
    with desk.desk.store.writing() as tx:
        mailboxes.note(tx, table.name, **what)


def told(desk, at):
    """How many mails the operators have by then."""
    while mailbox_watch.step(desk.desk, at):
        pass
    desk.work(at)
    return len(desk.mailer.to("drift@example.se"))


def test_a_mailbox_that_lets_us_in_no_more_is_told_once_with_the_servers_words(desk):
    note(desk, polled_at=T0, uidvalidity=1)
    note(desk, error=REFUSED)
    assert [told(desk, T0 + minutes * MINUTE) for minutes in (5, 15, 16, 60, 600)] == [
        0,
        0,
        1,
        1,
        1,
    ]
    said = text_of(desk.mailer.to("drift@example.se")[0])
    assert "går inte att läsa" in said
    assert "the secret has expired" in said


def test_the_next_time_is_told_again(desk):
    note(desk, polled_at=T0, uidvalidity=1)
    note(desk, error=REFUSED)
    assert told(desk, T0 + 20 * MINUTE) == 1
    note(desk, polled_at=T0 + 30 * MINUTE, uidvalidity=1)
    assert told(desk, T0 + 31 * MINUTE) == 1
    with desk.desk.store.reading() as tx:
        assert known_faults.standing(tx) == []
    note(desk, error=REFUSED)
    assert [told(desk, T0 + minutes * MINUTE) for minutes in (32, 46)] == [1, 2]


def test_a_mailbox_that_never_let_us_in_is_told_at_once(desk):
    note(desk, error=REFUSED)
    assert told(desk, T0) == 1


def test_a_desk_that_was_off_for_days_is_no_fault_of_its_mailbox(desk):
    note(desk, polled_at=T0, uidvalidity=1)
    assert told(desk, T0 + 9999 * MINUTE) == 0


def test_what_is_no_mailbox_of_ours_any_more_is_nobodys_concern(desk):
    with desk.desk.store.writing() as tx:
        mailboxes.note(tx, "an earlier mailbox", error=REFUSED)
    assert told(desk, T0) == 0


def test_a_fault_that_was_told_ends_with_the_mailbox(desk):
    """Taken out of the settings, it can never be read again: the fault would stand for ever."""
    with desk.desk.store.writing() as tx:
        known_faults.raise_once(tx, "mailbox:an earlier mailbox", "lost", T0)
    told(desk, T0 + MINUTE)
    with desk.desk.store.reading() as tx:
        assert known_faults.standing(tx) == []
