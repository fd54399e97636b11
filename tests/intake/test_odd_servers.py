"""The IMAP door before odd, slow and hostile servers: nothing lost, nobody in another's way."""

import dataclasses
import datetime as dt
import threading

import pytest

from daemon.intake import mailbox
from daemon.intake.imap import ImapDoor
from daemon.settings.mail import Imap
from daemon.settings.values import Secret
from daemon.store.mail import inbox
from tests.odd_imap import DROP, LATER, Patience, odd_imap

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)


def mail(number=1):
    return b"Date: x\r\nMessage-ID: <%d@acme.se>\r\nSubject: Hej\r\n\r\nHej!\r\n" % number


@pytest.fixture
def odd():
    with odd_imap() as server:
        yield server


@pytest.fixture
def door(store, odd, tmp_path):
    table = Imap(
        host="127.0.0.1",
        port=odd.port,
        tls="none",
        username="u",
        poll=dt.timedelta(seconds=1),
        password_file=Secret(tmp_path / "password", "hemligt"),
    )
    opened = ImapDoor(table, store, timeout=0.5)
    yield opened
    opened.close()


def kept(store):
    with store.reading() as tx:
        return sorted(inbox.raw(tx, row.id) for row in inbox.listing(tx, limit=1000))


@pytest.mark.parametrize("verb", ["SIZES", "BODIES"])
@pytest.mark.parametrize(
    "words",
    [
        b"NO [UNAVAILABLE] try later",
        b"NO [LIMIT] UID FETCH Rate limit hit.",
        b"NO Server Unavailable. 15",
        b"BAD Request is throttled. Suggested Backoff Time: 92415 milliseconds",
        b"NO [OVERQUOTA] Account exceeded command or bandwidth limits.",
    ],
)
def test_a_server_that_has_no_time_for_us_shelves_no_mail_and_takes_no_receipt_time_b2_b4(
    odd, door, store, verb, words
):
    """RFC 5530: the server's own trouble, and temporary; it is no message that is at fault."""
    odd.put(mail(1), mail(2))
    odd.twist[verb] = lambda tag, _usual: tag + b" " + words + b"\r\n"
    for _ in range(5):
        assert not door.step(NOW)
        assert door.fault is not None
    odd.twist.clear()
    assert door.step(NOW)
    with store.reading() as tx:
        rows = inbox.listing(tx)
    assert [row.reason for row in rows] == [None, None]
    assert {row.received_at for row in rows} == {dt.datetime(2026, 11, 23, 7, 30, tzinfo=dt.UTC)}
    assert kept(store) == [mail(1), mail(2)]


def test_a_server_may_tell_of_other_things_before_it_idles(odd, door):
    """RFC 9051 section 7: untagged answers come at any time."""
    news = b"* 5 EXISTS\r\n* 2 FETCH (FLAGS (\\Seen))\r\n"
    odd.twist["IDLE"] = lambda _tag, usual: news + usual
    door.step(NOW)
    door.wait(threading.Event())
    assert door.fault is None
    assert odd.said("DONE") == 1


def test_a_server_that_offers_idle_and_refuses_it_is_polled_over_the_same_connection(odd, door):
    odd.twist["IDLE"] = lambda tag, _usual: tag + b" NO not here\r\n"
    patience = Patience()
    for _ in range(4):
        door.step(NOW)
        door.wait(patience)
    assert (odd.connections, odd.said("IDLE")) == (1, 1)
    assert patience.waited == [1.0] * 4  # intake.imap.poll


@pytest.mark.parametrize("verb", ["IDLE", "DONE"])
def test_a_server_that_cannot_idle_is_not_logged_in_to_without_end(odd, door, verb):
    """Each poll goes well, and each wait breaks the connection: the pauses grow all the same."""
    odd.twist[verb] = lambda *_: DROP
    door.settings = dataclasses.replace(door.settings, poll=dt.timedelta(seconds=0.1))
    patience = Patience()
    for _ in range(6):
        door.step(NOW)
        door.wait(patience)
    assert patience.waited == [1, 5, 15, 30, 60, 60]


def test_a_line_that_comes_in_pieces_while_we_idle_is_no_fault(odd, door):
    odd.twist["IDLE"] = lambda _tag, usual: usual + LATER + b"* 5 EXI"
    odd.twist["DONE"] = lambda _tag, usual: b"STS\r\n" + usual
    door.step(NOW)
    door.wait(threading.Event())
    assert door.fault is None


def test_news_without_end_leaves_the_server_in_peace_between_two_looks(odd, door):
    odd.twist["IDLE"] = lambda _tag, usual: usual + LATER + b"* OK Still here\r\n"
    patience = Patience()
    for _ in range(3):
        door.step(NOW)
        door.wait(patience)
    assert patience.waited == [0.5] * 2  # the first news is looked for at once


def test_mail_that_is_told_of_beside_something_else_is_looked_for_before_the_next_idle(odd, door):
    """IDLE would not tell of it again: it came after the search (notes/ecosystem.md 1)."""
    odd.put(mail(1))
    odd.twist["MOVE"] = lambda _tag, usual: b"* 1 EXISTS\r\n" + usual
    patience = Patience()
    door.step(NOW)
    door.wait(patience)
    assert (patience.waited, odd.said("IDLE")) == ([0.5], 0)
    door.step(NOW)
    door.wait(patience)
    assert (patience.waited, odd.said("IDLE")) == ([0.5], 1)


def test_a_mail_of_which_the_server_tells_nothing_is_fetched_all_the_same_b4(odd, door, store):
    """Left out where sizes are listed, it would lie there for ever, and nobody would be told."""
    odd.put(mail(1), mail(2))
    odd.twist["SIZES"] = lambda _tag, usual: usual[usual.index(b"* 2 FETCH") :]
    assert door.step(NOW)
    assert kept(store) == [mail(1), mail(2)]
    assert odd.mails == {}


def test_mail_that_cannot_be_moved_keeps_no_new_mail_out(odd, door, store):
    """The server hangs up over a move: what is new is taken before what is left over is moved."""
    odd.twist["MOVE"] = lambda *_: DROP
    odd._move = lambda _rest: b""
    for number in range(1, 5):
        odd.put(mail(number))
        door.step(NOW)
    assert kept(store) == [mail(number) for number in range(1, 5)]


def test_another_uidvalidity_makes_each_uid_another_mail_which_was_never_refused_b4(
    odd, door, store
):
    odd.put(mail(1))
    odd.twist["BODIES"] = lambda tag, _usual: tag + b" NO cannot read it\r\n"
    for _ in range(3):
        door.step(NOW)
    odd.twist.clear()
    odd.uidvalidity, odd.mails = b"8", {1: mail(2)}
    assert door.step(NOW)
    assert kept(store) == [mail(2)]


def test_what_is_gone_from_the_folder_is_no_longer_counted(odd, door):
    odd.put(mail(1), mail(2))
    odd.twist["BODIES"] = lambda tag, _usual: tag + b" NO cannot read it\r\n"
    door.step(NOW)
    del odd.mails[1]
    door.step(NOW)
    assert door._trouble.refused == {2: 2}


@pytest.mark.parametrize(
    ("verb", "twist"),
    [
        ("SELECT", lambda _tag, usual: usual.replace(b"(\\Seen \\Deleted \\*)", b"(\xe5 \\*)")),
        ("SELECT", lambda _tag, usual: usual.replace(b"PERMANENTFLAGS", b"NONE")),
        ("LOGIN", lambda _tag, usual: b"* CAPABILITY IMAP4rev1\r\n" + usual),
        ("LOGIN", lambda tag, _usual: tag + b" OK [CAPABILITY IMAP4rev1] in\r\n"),
    ],
    ids=["flags in no charset", "no flags told", "capability untagged", "capability in the code"],
)
def test_what_a_server_says_beside_the_matter_keeps_no_mail_out(odd, door, store, verb, twist):
    odd.put(mail(1))
    odd.twist[verb] = twist
    assert door.step(NOW)
    assert (kept(store), odd.mails) == ([mail(1)], {})


@pytest.mark.parametrize("verb", ["LOGIN", "SEARCH", "DONE"])
def test_a_server_that_asks_for_patience_without_end_is_given_up(odd, door, monkeypatch, verb):
    """Each word of it begins the time-out anew."""
    monkeypatch.setattr(mailbox, "ANSWER_SECONDS", 0.3)
    odd.twist[verb] = lambda _tag, usual: (b"* OK Still here\r\n" + LATER) * 10 + usual
    assert not door.step(NOW)
    if door.fault is None:
        door.wait(Patience())
    assert "no end of an answer" in door.fault


def test_a_uidvalidity_that_changes_in_the_middle_of_a_poll_moves_no_mail_unread_b1(
    odd, door, store
):
    """By its UID another mail would be moved, which nobody has fetched: it would be lost."""

    def restore(_tag, usual):
        if odd.said("SEARCH") != 2:  # the one before the move
            return usual
        odd.uidvalidity, odd.mails = b"8", {1: mail(2)}
        return b"* OK [UIDVALIDITY 8] restored\r\n" + usual

    odd.put(mail(1))
    odd.twist["SEARCH"] = restore
    door.step(NOW)
    assert odd.mails == {1: mail(2)}
    assert door.step(NOW)
    assert kept(store) == [mail(1), mail(2)]


def test_handled_mail_is_moved_below_the_prefix_that_the_server_keeps_folders_under(
    odd, door, store
):
    """RFC 2342: Cyrus, Courier and many a web host know no folder beside INBOX, but below it."""
    odd.prefix, odd.capability = b"INBOX.", b"IMAP4rev1 MOVE NAMESPACE"
    for number in (1, 2):
        odd.put(mail(number))
        door.step(NOW)
    assert (odd.mails, len(odd.moved)) == ({}, 2)
    assert (odd.said("CREATE"), odd.said("MOVE")) == (2, 4)  # once found, it is known


def test_a_done_folder_that_is_full_is_asked_for_below_no_prefix_that_it_has(odd, door, store):
    odd.prefix, odd.capability = b"INBOX.", b"IMAP4rev1 MOVE NAMESPACE"
    door.settings = dataclasses.replace(door.settings, done_folder="INBOX.Avtald")
    odd.twist["MOVE"] = lambda tag, _usual: tag + b" NO [OVERQUOTA] full\r\n"
    odd._move = lambda _rest: b""
    odd.put(mail(1))
    assert door.step(NOW)
    assert (odd.said("CREATE"), odd.said("MOVE")) == (1, 2)


def test_the_operators_read_the_server_s_own_words(odd, door, store):
    odd.twist["SELECT"] = lambda tag, _usual: tag + b" NO [NOPERM] ask your postmaster\r\n"
    door.step(NOW)
    assert door.fault == "MailboxFolderSelectError: [NOPERM] ask your postmaster"
