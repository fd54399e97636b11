"""Deliveries become durable together, and one message has one place (B1–B5)."""

import datetime as dt
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from daemon.intake.accept import Arrival, accept, message_id
from daemon.store import session
from daemon.store.mail import inbox
from daemon.store.schema import tables
from daemon.store.session import StoreError, open_store

T0 = dt.datetime(2026, 11, 23, 8, 0, 1, tzinfo=dt.UTC)
MAIL = (
    b"From: bo@acme.se\r\nTo: support@example.se\r\nSubject: Hej\r\n"
    b"Date: Mon, 23 Nov 2026 09:00:00 +0100\r\nMessage-ID: <1@acme.se>\r\n\r\nHej!\r\n"
)
BARE = b"From: cron@acme.se\r\nSubject: disk\r\n\r\nfull\r\n"


def arrival(raw=MAIL, source="smtp", delivery="1", **rest):
    return Arrival(raw, T0, source, delivery, **rest)


def test_a_delivery_is_kept_as_it_came_with_its_receipt_time_and_envelope_b1_b2(any_store):
    given = arrival(envelope_from="bo@acme.se", envelope_to=("support@example.se",))
    (number,) = accept(any_store, [given], go_live=None)
    with any_store.reading() as tx:
        assert inbox.raw(tx, number) == MAIL
        (row,) = inbox.listing(tx)
    assert (row.received_at, row.state, row.source) == (T0, "new", "smtp")
    assert (row.envelope_from, row.envelope_to) == ("bo@acme.se", ["support@example.se"])
    assert (row.message_id, row.size) == ("<1@acme.se>", len(MAIL))


def test_the_same_message_by_two_doors_is_one_message_with_two_deliveries_b3(any_store):
    first = accept(any_store, [arrival()], go_live=None)
    by_imap = b"Received: from mx by mail; today\r\nX-Spam-Score: 0\r\n" + MAIL
    second = accept(
        any_store,
        [arrival(by_imap, "imap", "2", mailbox="INBOX", uidvalidity=7, uid=1)],
        go_live=None,
    )
    assert first != [None]
    assert second == [None]
    with any_store.reading() as tx:
        rows = tx.execute(select(tables.inbox).order_by(tables.inbox.c.id)).all()
        assert [(row.copy_of, row.state) for row in rows] == [(None, "new"), (1, "new")]
        assert [inbox.raw(tx, row.id) for row in rows] == [MAIL, by_imap]
        assert [row.id for row in inbox.listing(tx)] == [1]
        sources = tx.scalars(select(tables.inbox_deliveries.c.source)).all()
    assert sorted(sources) == ["imap", "smtp"]


def test_the_same_message_twice_in_one_commit_is_one_message_b3(any_store):
    assert accept(any_store, [arrival(), arrival(delivery="2")], go_live=None) == [1, None]


def copies_of(store):
    with store.reading() as tx:
        return tx.scalars(select(tables.inbox.c.copy_of).order_by(tables.inbox.c.id)).all()


def test_a_reused_message_id_on_a_mail_of_another_date_is_another_message_b3(any_store):
    other = MAIL.replace(b"Hej!", b"Hej igen!").replace(b"09:00:00", b"09:00:01")
    assert accept(any_store, [arrival(), arrival(other)], go_live=None) == [1, 2]
    assert copies_of(any_store) == [None, None]


def test_the_same_message_id_sender_and_date_is_the_same_message_whatever_its_text_b3(any_store):
    """A list adds its footer, and another list rewrites the Message-ID of that."""
    footer = MAIL + b"-- \r\nlista@acme.se\r\n"
    renamed = footer.replace(b"<1@acme.se>", b"<2@lista.se>")
    assert accept(any_store, [arrival(footer)], go_live=None) == [1]
    assert accept(any_store, [arrival()], go_live=None) == [None]
    plain = MAIL.replace(b"Message-ID", b"X-Message-ID")
    assert accept(any_store, [arrival(renamed), arrival(plain)], go_live=None) == [None, None]
    assert copies_of(any_store) == [None, 1, 1, 1]


def test_the_same_bytes_from_the_same_mailbox_are_the_same_mail_seen_again_b1(any_store):
    """After a change of UIDVALIDITY the whole folder comes once more."""
    for uidvalidity in (7, 8):
        found = arrival(source="imap", mailbox="INBOX", uidvalidity=uidvalidity, uid=1)
        accept(any_store, [found], go_live=None)
    accept(
        any_store,
        [arrival(b"X-A: b\r\n" + MAIL, "imap", mailbox="INBOX", uidvalidity=8, uid=2)],
        go_live=None,
    )
    assert copies_of(any_store) == [None, 1]
    with any_store.reading() as tx:
        assert tx.scalar(select(func.count()).select_from(tables.inbox_deliveries)) == 3


def test_a_copy_of_what_was_erased_leaves_no_byte_k2(any_store):
    accept(any_store, [arrival()], go_live=None)
    with any_store.writing() as tx:
        tx.execute(tables.inbox_raw.update().values(raw=None))
    assert accept(any_store, [arrival(b"X-A: b\r\n" + MAIL)], go_live=None) == [None]
    assert copies_of(any_store) == [None]


def test_a_copy_of_archived_mail_is_archived_b5(any_store):
    """It was another system's work, however late it comes again."""
    old = Arrival(MAIL, T0 - dt.timedelta(seconds=1), "imap", "1")
    assert accept(any_store, [old], go_live=T0) == [1]
    assert accept(any_store, [arrival(b"X-A: b\r\n" + MAIL)], go_live=T0) == [None]
    with any_store.writing() as tx:
        assert inbox.claim(tx) == []


def test_mail_without_date_and_message_id_is_one_per_delivery_b3(any_store):
    pair = [arrival(BARE, delivery="1"), arrival(BARE, delivery="2")]
    assert accept(any_store, pair, go_live=None) == [1, 2]
    assert accept(any_store, pair, go_live=None) == [None, None]


def test_mail_from_before_go_live_is_archived_b5(any_store):
    old = Arrival(MAIL, T0 - dt.timedelta(seconds=1), "imap", "1")
    accept(any_store, [old, arrival(BARE)], go_live=T0)
    with any_store.writing() as tx:
        assert [row.state for row in inbox.listing(tx)] == ["new", "archived"]
        assert [message.id for message in inbox.claim(tx)] == [2]


def test_what_nobody_can_act_on_goes_to_the_shelf_with_its_reason_b4(any_store):
    (number,) = accept(any_store, [arrival(shelve="31 MB is too large")], go_live=None)
    with any_store.writing() as tx:
        assert inbox.claim(tx) == []
        assert inbox.given_up(tx, T0) == [number]
        assert inbox.given_up(tx, T0) == []
        (row,) = inbox.listing(tx, states=["shelved"])
    assert row.reason == "31 MB is too large"


def test_a_locked_database_keeps_nothing_and_says_so_b1(sqlite_url, monkeypatch):
    monkeypatch.setattr(session, "BUSY_SECONDS", 0)
    store = open_store(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError):
        accept(store, [arrival()], go_live=None)
    other.execute("ROLLBACK")
    other.close()
    assert accept(store, [arrival()], go_live=None) == [1]
    store.close()


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"Message-ID: <a@b>\r\n\r\nx", "<a@b>"),
        (b"Subject: x\r\nmessage-id:\r\n <a@b>\r\n\r\nx", "<a@b>"),
        (b"Subject: x\n\nMessage-ID: <a@b>\n", None),
        (b"Message-ID: a@b\r\n\r\n", None),
        (b"Message-ID: <\xe5@b>\r\n\r\n", "<\\xe5@b>"),
        (b"Message-ID: <a\x00@b>\r\n\r\n", None),
        (b"X-Message-ID: <a@b>\r\n\r\n", None),
    ],
)
def test_the_message_id_is_found_in_the_header_block_alone(raw, found):
    assert message_id(raw) == found


@given(st.binary(max_size=300))
def test_the_message_id_of_any_bytes_is_text_or_none(raw):
    found = message_id(b"Message-ID: <" + raw)
    assert found is None or found.encode("utf-8")


def test_beside_a_newer_schema_nothing_is_kept_and_nothing_acknowledged_b1(any_store):
    """Another release has been installed and run; the daemon that still runs answers 451."""
    with any_store.writing() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer than this program"):
        accept(any_store, [arrival()], go_live=None)
    assert copies_of(any_store) == []
