"""What a poll does with a server that refuses, and how its answers are read."""

import datetime as dt
import imaplib
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.intake import imap, mailbox
from daemon.intake.imap import ImapDoor, Poll, Trouble
from daemon.intake.mailbox import FAULTS, Listed, Mailbox, _bodies, _listed, internal_date
from daemon.store.mail import inbox, mailboxes

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
SETTINGS = SimpleNamespace(
    folder="INBOX", done_folder="Avtald", max_size=1000, name="u@h/INBOX", username="u"
)


class Box:
    """A mailbox that behaves: `refuse` and `cut` name the UIDs that make trouble."""

    uidvalidity = 7
    can_move = True

    def __init__(self, *sizes, refuse=(), cut=(), gone=()):
        self.messages = dict(enumerate(sizes, start=1))
        self.refuse, self.cut, self.gone = set(refuse), set(cut), set(gone)
        self.fetched = []

    def select(self, folder):
        assert folder == "INBOX"

    def search(self, criteria="ALL"):
        return [] if criteria == "DELETED" else list(self.messages)

    def sizes(self, uids):
        return [Listed(uid, self.messages[uid], NOW) for uid in reversed(uids)]

    def bodies(self, uids):
        self.fetched.append(list(uids))
        if self.cut & set(uids):
            raise imaplib.IMAP4.abort("socket error: EOF")
        if self.refuse & set(uids):
            raise imaplib.IMAP4.error("NO cannot read it")
        return {uid: b"Subject: %d\r\n\r\n" % uid for uid in uids if uid not in self.gone}

    def headers(self, uid):
        if uid in self.refuse and uid % 2:
            raise imaplib.IMAP4.error("NO not even those")
        return b"Subject: headers of %d\r\n\r\n" % uid

    def move(self, uids, folder):
        assert folder == "Avtald"
        for uid in uids:
            del self.messages[uid]


def take(box, store, trouble=None):
    return Poll(box, store, SETTINGS, NOW, trouble=trouble or Trouble()).run()


def test_a_fetch_is_bounded_in_number_and_in_bytes(store, monkeypatch):
    monkeypatch.setattr(imap, "TOGETHER", 3)
    monkeypatch.setattr(imap, "TOGETHER_BYTES", 500)
    box = Box(10, 10, 10, 10, 400, 200, 700, 10, 5000)
    assert take(box, store) == 9
    assert box.fetched == [[1, 2, 3], [4, 5], [6], [7], [8]]
    assert box.messages == {}


def test_a_message_that_the_server_refuses_stands_in_nobody_s_way_and_is_shelved_b4(store):
    box, trouble = Box(10, 10, 10, 10, refuse=[2, 3]), Trouble()
    assert take(box, store, trouble) == 2
    assert box.messages.keys() == {2, 3}
    assert take(box, store, trouble) == take(box, store, trouble) == 0
    assert take(box, store, trouble) == 2
    assert box.messages == {}
    with store.writing() as tx:
        assert len(inbox.given_up(tx, NOW)) == 2
        rows = inbox.listing(tx, states=["shelved"])
        assert [inbox.raw(tx, row.id) for row in rows] == [b"", b"Subject: headers of 2\r\n\r\n"]
    assert all(row.reason.startswith("the mail server refused 3 times") for row in rows)


def test_a_message_that_breaks_the_connection_comes_last_and_alone_and_is_never_shelved(store):
    box, trouble = Box(10, 10, 10, cut=[2]), Trouble()
    with pytest.raises(imaplib.IMAP4.abort):
        take(box, store, trouble)
    assert box.messages.keys() == {1, 2, 3}
    box.messages[4] = 10
    for _ in range(5):
        with pytest.raises(imaplib.IMAP4.abort):
            take(box, store, trouble)
    assert box.messages.keys() == {2}
    assert box.fetched[:6] == [[1, 2, 3], [4], [1], [2], [3], [2]]
    box.cut.clear()
    assert take(box, store, trouble) == 1


def test_a_mail_that_cannot_be_kept_comes_last_and_alone_and_blocks_no_other(store, monkeypatch):
    def accept(database, arrivals, *, go_live):
        if 2 in [arrival.uid for arrival in arrivals]:
            raise KeyError("a fault of ours")
        return accept_all(database, arrivals, go_live=go_live)

    accept_all = imap.accept
    monkeypatch.setattr(imap, "accept", accept)
    box, trouble = Box(10, 10, 10), Trouble()
    for _ in range(3):
        with pytest.raises(KeyError, match="a fault of ours"):
            take(box, store, trouble)
    assert box.messages.keys() == {2}
    monkeypatch.undo()
    assert take(box, store, trouble) == 1


def test_a_fault_of_ours_ends_the_connection_and_is_told_as_any_other(store, monkeypatch):
    """Else nobody is told, and a connection that is out of step is used for ever."""
    box, ended = Box(10), []
    box.hang_up = lambda: ended.append("hung up")
    box.search = lambda *_: int("what no library told of")
    monkeypatch.setattr(imap.mailbox, "open_mailbox", lambda *_, **__: box)
    settings = SimpleNamespace(**vars(SETTINGS), auth="password", oauth2=None)
    door = ImapDoor(settings, store)
    assert not door.step(NOW)
    with store.reading() as tx:
        (polled,) = mailboxes.overview(tx)
    assert (ended, polled.error) == (["hung up"], door.fault)
    assert door.fault.startswith("ValueError")


def test_a_message_that_is_taken_away_meanwhile_is_no_fault(store):
    box = Box(10, 10, gone=[1])
    assert take(box, store) == 1
    assert box.messages.keys() == {1}


@pytest.mark.parametrize("given", [{}, {1: b""}], ids=["no text", "NIL"])
def test_a_mail_that_is_listed_and_not_given_is_never_taken_for_an_empty_one_b4(store, given):
    box, trouble = Box(10, 10), Trouble()
    whole = box.bodies
    box.bodies = lambda uids: {uid: raw for uid, raw in whole(uids).items() if uid != 1} | given
    assert [take(box, store, trouble) for _ in range(3)] == [1, 0, 0]
    assert box.messages.keys() == {1}
    assert take(box, store, trouble) == 1
    with store.writing() as tx:
        assert len(inbox.given_up(tx, NOW)) == 1
        (row,) = inbox.listing(tx, states=["shelved"])
        assert inbox.raw(tx, row.id) == b"Subject: headers of 1\r\n\r\n"


def test_a_mail_without_a_single_octet_is_kept_as_it_is_b4(store):
    box = Box(0)
    box.bodies = lambda uids: dict.fromkeys(uids, b"")
    assert take(box, store) == 1
    assert box.messages == {}


def test_a_uid_without_uidvalidity_may_be_another_mail_s_b3(store):
    box = Box(10)
    box.uidvalidity = 0
    box.can_move, box.mark = False, lambda _uids: True
    assert take(box, store) == 1
    assert take(box, store) == 0  # nothing new: the loop may wait
    box.bodies = lambda uids: dict.fromkeys(uids, b"Subject: another\r\n\r\n")
    assert take(box, store) == 1


def test_a_mail_whose_size_is_refused_stands_in_nobody_s_way_b4():
    def fetch(_command, uids, _parts):
        if "2" in uids.split(","):
            return "NO", [b"cannot be converted"]
        return "OK", [b"1 (UID %s RFC822.SIZE 12)" % uid.encode() for uid in uids.split(",")]

    client = SimpleNamespace(
        capability=lambda: ("OK", [b"IMAP4rev1"]), uid=fetch, error=imaplib.IMAP4.error
    )
    box = Mailbox(SimpleNamespace(client=client))
    assert box.sizes([1, 2, 3]) == [Listed(1, 12, None), Listed(2, 1, None), Listed(3, 12, None)]


def test_the_lease_is_renewed_for_every_fetch(store, monkeypatch):
    monkeypatch.setattr(imap, "TOGETHER", 1)
    renewed = []
    Poll(Box(10, 10, 10), store, SETTINGS, NOW, renew=lambda: renewed.append(1)).run()
    assert len(renewed) == 3


def test_mail_whose_receipt_time_the_server_does_not_tell_is_received_now_b2(store):
    box = Box(10)
    box.sizes = lambda uids: [Listed(1, 10, None)]
    take(box, store)
    with store.reading() as tx:
        assert [row.received_at for row in inbox.listing(tx)] == [NOW]


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ([(b"1 (UID 5 BODY[] {3}", b"abc"), b")"], [(5, b"abc")]),
        ([(b"1 (BODY[] {3}", b"abc"), b" UID 5)"], [(5, b"abc")]),
        ([(b"1 (FLAGS (\\Seen) UID 5 BODY[] {3}", b"abc"), b")", b"1 (FLAGS ())"], [(5, b"abc")]),
        ([b"9 (FLAGS (\\Seen) UID 9)", (b"1 (UID 5 BODY[] {0}", b""), b")"], [(5, b"")]),
        ([b'1 (UID 5 BODY[] "a\\"b")'], [(5, b'a"b')]),
        ([b"1 (UID 5 BODY[] NIL)"], [(5, b"")]),
        ([b"1 (UID 5 BODY[HEADER]<0> NIL)"], [(5, b"")]),
        ([b'1 (BODY[] "see UID 6" UID 5)'], [(5, b"see UID 6")]),
        ([(b"1 (uid 5 body[] {3}", b"abc"), b")"], [(5, b"abc")]),
        ([(b"1 (BODY[] {3}", b"abc"), b")"], []),
        ([(b"1 (UID 5 BODY[] {3}", b"abc"), b"def)"], []),  # the length is not the text's
    ],
)
def test_the_text_of_a_message_is_found_however_the_server_writes_it(told, found):
    assert list(_bodies(told)) == found


def test_a_size_is_read_and_unasked_flags_are_passed_over():
    line = b'1 (UID 5 RFC822.SIZE 12 INTERNALDATE " 3-Nov-2026 08:30:01 -0130")'
    received = dt.datetime(2026, 11, 3, 10, 0, 1, tzinfo=dt.UTC)
    assert _listed(line) == Listed(5, 12, received)
    assert _listed(b"1 (FLAGS (\\Seen) UID 5)") is None
    other = b'1 (Uid 5 rfc822.size 12 InternalDate "3-NOV-2026 08:30:01 -0130")'
    assert _listed(other) == Listed(5, 12, received)


@pytest.mark.parametrize(
    "date",
    ["99-Nov-2026 08:30:01 +0100", "01-Nun-2026 08:30:01 +0100", "01-Jan-0001 00:00:00 +0100"],
)
def test_an_impossible_receipt_time_is_none(date):
    assert internal_date(f'1 (INTERNALDATE "{date}")'.encode()) is None


@given(st.integers(0, 4_000_000_000), st.integers(-14 * 60, 14 * 60))
def test_a_receipt_time_is_read_as_imaplib_writes_it_b2(seconds, minutes):
    moment = dt.datetime.fromtimestamp(seconds, dt.timezone(dt.timedelta(minutes=minutes)))
    written = imaplib.Time2Internaldate(moment)
    assert internal_date(f"1 (INTERNALDATE {written})".encode()) == moment


def test_what_libraries_raise_is_told_from_our_own_faults():
    assert issubclass(TimeoutError, FAULTS)
    assert issubclass(imaplib.IMAP4.abort, FAULTS)
    assert not issubclass(ValueError, FAULTS)


def test_a_large_mail_on_a_slow_line_is_no_answer_without_end(monkeypatch):
    """Each literal that has come begins the time anew; lines alone do not ("* OK Still here")."""
    now = [0.0]
    monkeypatch.setattr(mailbox.time, "monotonic", lambda: now[0])
    client = SimpleNamespace(
        send=lambda _data: None,
        readline=lambda: b"* OK\r\n",
        read=lambda size: b"x" * size,
        abort=imaplib.IMAP4.abort,
    )
    mailbox._bound_answers(client)
    client.send(b"A1 UID FETCH 1 BODY.PEEK[]\r\n")
    for _ in range(3):
        now[0] += mailbox.ANSWER_SECONDS - 1
        assert client.read(3) == b"xxx"
        assert client.readline() == b"* OK\r\n"
    now[0] += mailbox.ANSWER_SECONDS + 1
    with pytest.raises(imaplib.IMAP4.abort, match="no end of an answer"):
        client.readline()
