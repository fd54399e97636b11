"""The IMAP door against a real Dovecot: nothing lost, nothing twice, nothing foreign touched."""

import datetime as dt
import os
import signal
import threading
import time
import uuid

import pytest
from sqlalchemy import func, select

from daemon.intake import imap, mailbox
from daemon.intake.accept import Arrival, accept
from daemon.intake.imap import ImapDoor
from daemon.settings.mail import Imap
from daemon.settings.values import Secret
from daemon.store import leases
from daemon.store.mail import inbox, mailboxes
from daemon.store.schema import tables
from tests.cut_proxy import cut_proxy
from tests.odd_imap import Patience
from tests.servers import wait_for

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
RECEIVED = '"23-Nov-2026 08:30:00 +0100"'


def mail(number=1, body="Hej!\r\n"):
    return (
        f"From: bo@acme.se\r\nSubject: Hej {number}\r\nDate: Mon, 23 Nov 2026 08:29:00 +0100\r\n"
        f"Message-ID: <{number}@acme.se>\r\n\r\n{body}"
    ).encode()


@pytest.fixture
def user():
    return f"u{uuid.uuid4().hex[:10]}"


@pytest.fixture
def table(imap_server, user, tmp_path):
    def make(**changes):
        given = {
            "host": "127.0.0.1",
            "port": imap_server.port,
            "tls": "none",
            "username": user,
            "password_file": Secret(tmp_path / "password", imap_server.password),
            "poll": dt.timedelta(seconds=30),
        }
        return Imap(**given | changes)

    return make


@pytest.fixture
def open_door(store, table):
    opened = []

    def make(database=store, *, has_room=lambda: True, **changes):
        own = {"timeout": 10} | {
            name: changes.pop(name) for name in ("go_live", "timeout", "context") if name in changes
        }
        door = ImapDoor(table(**changes), database, has_room=has_room, **own)
        opened.append(door)
        return door

    yield make
    for door in opened:
        door.close()


def kept(store):
    with store.reading() as tx:
        return sorted(inbox.raw(tx, row.id) for row in inbox.listing(tx, limit=1000))


def seen(server, user, name):
    return server.uids(user, name, "SEEN")


def test_new_mail_is_kept_as_it_is_and_moved_unseen_with_the_server_s_receipt_time_b1_b2(
    any_store, open_door, imap_server, user
):
    odd = b"From: x@y.se\r\nSubject: =?utf-8?q?r=C3?=\r\n =?utf-8?q?=A5d?=\r\nX: \xff\r\n\r\nx \r\n"
    imap_server.put(user, mail(), odd, at=RECEIVED)
    door = open_door(any_store)
    assert door.step(NOW)
    assert kept(any_store) == sorted([mail(), odd])
    with any_store.reading() as tx:
        rows = inbox.listing(tx)
        assert {(row.source, row.state) for row in rows} == {("imap", "new")}
        assert {row.received_at for row in rows} == {
            dt.datetime(2026, 11, 23, 7, 30, tzinfo=dt.UTC)
        }
        (polled,) = mailboxes.overview(tx)
    assert (polled.polled_at, polled.error) == (NOW, None)
    assert imap_server.uids(user) == []
    assert len(imap_server.uids(user, "Avtald")) == 2
    assert seen(imap_server, user, "Avtald") == []
    assert not door.step(NOW)


def test_mail_that_a_person_has_read_is_work_all_the_same(store, open_door, imap_server, user):
    imap_server.put(user, mail())
    with imap_server.opened(user) as client:
        client.store("1", "+FLAGS", r"(\Seen)")
    assert open_door().step(NOW)
    assert kept(store) == [mail()]


def test_the_same_mail_in_two_mailboxes_and_over_smtp_is_one_message_b3(
    any_store, open_door, imap_server, user
):
    other = user + "b"
    imap_server.put(user, mail(), mail())
    imap_server.put(other, b"Delivered-To: other\r\n" + mail())
    accept(any_store, [Arrival(mail(), NOW, "smtp", "1")], go_live=None)
    open_door(any_store).step(NOW)
    open_door(any_store, username=other).step(NOW)
    assert len(kept(any_store)) == 1
    with any_store.reading() as tx:
        assert tx.scalar(select(func.count()).select_from(tables.inbox_deliveries)) == 4
    assert imap_server.uids(user) == imap_server.uids(other) == []


def test_mail_without_date_and_message_id_is_one_per_delivery_b3(
    store, open_door, imap_server, user
):
    bare = b"Subject: disk\r\n\r\nfull\r\n"
    imap_server.put(user, bare, bare)
    open_door().step(NOW)
    assert kept(store) == [bare, bare]


def test_mail_from_before_go_live_is_archived_b5(store, open_door, imap_server, user):
    imap_server.put(user, mail(), at=RECEIVED)
    open_door(go_live=NOW).step(NOW)
    with store.reading() as tx:
        assert [row.state for row in inbox.listing(tx)] == ["archived"]


def test_a_connection_cut_anywhere_loses_nothing_and_doubles_nothing(
    store, open_door, imap_server, user
):
    mails = [mail(number, "x" * 60_000 + "\r\n") for number in range(3)]
    imap_server.put(user + "0", *mails)
    with cut_proxy(imap_server.port) as proxy:
        open_door(username=user + "0", port=proxy.port).step(NOW)
        whole = proxy.said
        assert len(kept(store)) == 3
        places = [
            1,
            60,
            400,
            2000,
            50_000,
            100_000,
            whole - 400,
            whole - 120,
            whole - 40,
            whole - 1,
        ]
        for number, place in enumerate(places, start=1):
            fresh = [mail(f"{number}.{at}", "x" * 60_000 + "\r\n") for at in range(3)]
            imap_server.put(f"{user}{number}", *fresh)
            door = open_door(username=f"{user}{number}", port=proxy.port)
            proxy.cut_after = place
            door.step(NOW)
            proxy.cut_after = None
            assert seen(imap_server, f"{user}{number}", "INBOX") == []
            while door.step(NOW) or door.fault:
                pass
            assert imap_server.uids(f"{user}{number}") == []
            assert len(imap_server.uids(f"{user}{number}", "Avtald")) == 3
    assert len(kept(store)) == 3 * (1 + len(places))
    with store.reading() as tx:
        assert tx.scalar(select(func.count()).select_from(tables.inbox_deliveries)) == 33


def test_a_crash_between_keeping_and_moving_is_mended_by_the_next_poll(
    store, open_door, imap_server, user, monkeypatch
):
    imap_server.put(user, mail())
    door = open_door()
    move = mailbox.Mailbox.move

    def lost(*_args):
        raise OSError("gone")

    monkeypatch.setattr(mailbox.Mailbox, "move", lost)
    assert not door.step(NOW)
    assert "gone" in door.fault
    assert kept(store) == [mail()]
    assert len(imap_server.uids(user)) == 1
    monkeypatch.setattr(mailbox.Mailbox, "move", move)
    assert not door.step(NOW)
    assert imap_server.uids(user) == []
    assert kept(store) == [mail()]


def test_a_refused_move_is_harmless_and_tried_again(store, open_door, imap_server, user):
    imap_server.put(user, mail())
    assert open_door(done_folder="../somewhere").step(NOW)
    assert kept(store) == [mail()]
    assert len(imap_server.uids(user)) == 1
    mended = open_door()
    assert not mended.step(NOW)
    assert mended.fault is None
    assert imap_server.uids(user) == []


def test_what_somebody_else_marked_as_deleted_is_kept_here_and_left_there(
    store, open_door, imap_server, user
):
    imap_server.put(user, mail(1), mail(2), mail(3))
    with imap_server.opened(user) as client:
        client.store("2", "+FLAGS", r"(\Deleted)")
        door = open_door()
        assert door.step(NOW)
        assert not door.step(NOW)
    assert len(kept(store)) == 3
    assert imap_server.uids(user) == [2]
    assert imap_server.uids(user, criteria="DELETED") == [2]
    assert len(imap_server.uids(user, "Avtald")) == 2


def test_a_server_without_move_gets_a_keyword_and_never_an_expunge(
    store, open_door, imap_server, user, monkeypatch
):
    monkeypatch.setattr(mailbox.Mailbox, "can_move", property(lambda self: False))
    imap_server.put(user, mail(1), mail(2))
    with imap_server.opened(user) as client:
        client.store("2", "+FLAGS", r"(\Deleted)")
    door = open_door()
    door.step(NOW)
    assert not door.step(NOW)
    assert imap_server.uids(user) == [1, 2]
    assert imap_server.uids(user, criteria=f"KEYWORD {mailbox.KEYWORD}") == [1]


def test_without_a_done_folder_mail_stays_and_is_marked_once(
    any_store, open_door, imap_server, user, monkeypatch
):
    imap_server.put(user, mail(1), mail(2))
    door = open_door(any_store, done_folder="")
    assert door.step(NOW)
    assert imap_server.uids(user, criteria=f"KEYWORD {mailbox.KEYWORD}") == [1, 2]
    assert seen(imap_server, user, "INBOX") == []
    monkeypatch.setattr(mailbox.Mailbox, "mark", lambda *_: pytest.fail("marked again"))
    assert not door.step(NOW)
    assert imap_server.uids(user) == [1, 2]


def test_a_server_that_keeps_no_keywords_is_remembered_by_the_database_alone(
    store, open_door, imap_server, user, monkeypatch
):
    monkeypatch.setattr(mailbox.Mailbox, "mark", lambda *_: False)
    imap_server.put(user, mail())
    door = open_door(done_folder="")
    assert door.step(NOW)
    assert not door.step(NOW)
    assert kept(store) == [mail()]


@pytest.mark.parametrize("count", [60, pytest.param(500, marks=pytest.mark.long)])
def test_a_changed_uidvalidity_over_handled_mail_has_no_effect(
    store, open_door, imap_server, user, count
):
    imap_server.put(user, *(mail(number) for number in range(count)))
    door = open_door(done_folder="")
    while door.step(NOW):
        pass
    before = kept(store)
    assert len(before) == count
    with store.reading() as tx:
        (old,) = mailboxes.overview(tx)
    imap_server.renumber(user)
    while door.step(NOW) or door.fault:
        pass
    with store.reading() as tx:
        (new,) = mailboxes.overview(tx)
    assert new.uidvalidity != old.uidvalidity
    assert kept(store) == before


def test_mail_that_is_too_large_is_shelved_by_its_headers_and_moved_b4(
    store, open_door, imap_server, user
):
    large = mail(1, "x" * 70_000 + "\r\n")
    imap_server.put(user, large, mail(2), at=RECEIVED)
    open_door(max_size=50_000).step(NOW)
    with store.writing() as tx:
        (number,) = inbox.given_up(tx, NOW)
        (row,) = inbox.listing(tx, states=["shelved"])
        assert inbox.raw(tx, number) == large.partition(b"x" * 10)[0]
    assert row.reason == (
        "0.1 MB is more than the 0.0 MB that are taken: only its headers are here, "
        f"the mail is in Avtald of {user}"
    )
    assert row.message_id == "<1@acme.se>"
    assert len(imap_server.uids(user, "Avtald")) == 2


def test_a_frozen_server_is_given_up_after_the_time_out_and_found_again(
    store, open_door, imap_server, user
):
    door = open_door(timeout=0.5)
    door.step(NOW)
    imap_server.put(user, mail())
    wait_for(lambda: len(imap_server.imap_processes()) == 1, "earlier sessions are over")
    (served,) = imap_server.imap_processes()
    os.kill(served, signal.SIGSTOP)
    try:
        assert not door.step(NOW)
        assert "imeout" in door.fault or "timed out" in door.fault
    finally:
        os.kill(served, signal.SIGCONT)
    assert door.step(NOW)
    assert kept(store) == [mail()]


def test_a_server_that_freezes_while_we_idle_is_noticed(store, open_door, imap_server, user):
    with cut_proxy(imap_server.port) as proxy:
        door = open_door(port=proxy.port, timeout=0.5, poll=dt.timedelta(seconds=1))
        door.step(NOW)
        proxy.frozen = True
        door.wait(threading.Event())
        assert door.fault is not None
        proxy.frozen = False
        imap_server.put(user, mail())
        assert door.step(NOW)


def test_mail_that_comes_between_search_and_idle_is_handled_within_the_wait(
    store, open_door, imap_server, user
):
    door = open_door(poll=dt.timedelta(seconds=1))
    assert not door.step(NOW)
    imap_server.put(user, mail())  # nobody searches now, and IDLE has not begun
    door.wait(threading.Event())
    assert door.step(NOW)
    assert kept(store) == [mail()]


def test_idle_hints_at_new_mail_long_before_the_poll(store, open_door, imap_server, user):
    door = open_door(poll=dt.timedelta(seconds=55))
    door.step(NOW)
    waiting = threading.Thread(target=door.wait, args=(threading.Event(),))
    waiting.start()
    time.sleep(0.3)
    imap_server.put(user, mail())
    waiting.join(20)
    assert not waiting.is_alive()
    assert door.step(NOW)


def test_a_stop_ends_the_wait_and_a_dead_server_is_a_fault(store, open_door, imap_server, user):
    door, stop = open_door(), threading.Event()
    door.step(NOW)
    waiting = threading.Thread(target=door.wait, args=(stop,))
    waiting.start()
    stop.set()
    waiting.join(10)
    assert not waiting.is_alive()
    assert door.fault is None
    imap_server.end_sessions()
    door.wait(threading.Event())
    assert door.fault is not None
    assert not door.step(NOW)
    assert door.fault is None


def test_the_pauses_grow_while_the_server_is_away_and_the_fault_is_told(
    store, open_door, imap_server, user
):
    door, patience = open_door(port=1), Patience()
    for _ in range(7):
        assert not door.step(NOW)
        door.wait(patience)
    assert patience.waited == [1, 5, 15, 30, 60, 60, 60]
    with store.reading() as tx:
        (polled,) = mailboxes.overview(tx)
    assert "refused" in polled.error
    assert polled.polled_at is None


def test_a_wrong_password_is_not_tried_again_and_again(store, open_door, tmp_path):
    door, patience = open_door(password_file=Secret(tmp_path / "p", "fel")), Patience()
    assert not door.step(NOW)
    assert "does not let" in door.fault
    door.wait(patience)
    assert patience.waited == [imap.ACCESS_PAUSE]


def test_a_password_may_have_any_letters(store, open_door, tmp_path):
    door = open_door(password_file=Secret(tmp_path / "p", "hemligå"))
    assert not door.step(NOW)
    assert door.fault.startswith("AccessError")


def test_below_the_disk_reserve_mail_stays_on_the_server_and_comes_when_there_is_room(
    store, open_door, imap_server, user
):
    room = [False]
    imap_server.put(user, mail())
    door = open_door(has_room=lambda: room[0])
    assert not door.step(NOW)
    assert "disk_reserve" in door.fault
    assert (kept(store), len(imap_server.uids(user))) == ([], 1)
    room[0] = True
    assert door.step(NOW)
    assert (kept(store), door.fault) == ([mail()], None)


def test_only_one_process_polls_a_mailbox_and_a_dead_one_is_succeeded(
    any_store, open_door, imap_server, user
):
    imap_server.put(user, mail())
    door = open_door(any_store, done_folder="")
    with any_store.writing() as tx:
        leases.take(tx, f"imap:{door.settings.name}")
        tx.execute(tables.leases.update().values(owner="elsewhere:1:1"))
    assert not door.step(NOW)
    assert kept(any_store) == []
    with any_store.writing() as tx:
        dead = leases.owner().rpartition(":")[0] + ":1"
        tx.execute(tables.leases.update().values(owner=dead))
    assert door.step(NOW)


def test_a_closed_door_leaves_the_mailbox_to_others(store, open_door, imap_server, user):
    door = open_door()
    door.step(NOW)
    door.close()
    with store.reading() as tx:
        assert tx.execute(select(tables.leases)).all() == []
    wait_for(lambda: imap_server.imap_processes() == [], "the session is over")


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_the_connection_is_encrypted_and_the_certificate_is_checked(
    store, open_door, imap_server, certificate, user, tls
):
    imap_server.put(user, mail())
    port = imap_server.tls_port if tls == "implicit" else imap_server.port
    strange = open_door(tls=tls, port=port)
    assert not strange.step(NOW)
    assert "certificate verify failed" in strange.fault.lower()
    assert open_door(tls=tls, port=port, context=certificate.client()).step(NOW)
    assert kept(store) == [mail()]


def test_a_long_session_is_renewed_before_its_token_runs_out(
    store, open_door, imap_server, user, monkeypatch
):
    with cut_proxy(imap_server.port) as proxy:
        door = open_door(port=proxy.port)
        door.step(NOW)
        door.step(NOW)
        assert proxy.connections == 1
        monkeypatch.setattr(imap, "SESSION_SECONDS", -1.0)
        door.step(NOW)
        assert proxy.connections == 2
