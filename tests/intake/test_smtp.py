"""The SMTP and LMTP doors over real sockets: 250 means durable, 550 an unknown address alone."""

import datetime as dt
import resource
import smtplib
import socket
import sqlite3
import threading

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from daemon.intake import smtp
from daemon.intake.accept import Arrival, accept
from daemon.intake.reserve import DiskReserve
from daemon.intake.smtp import Door, Policy, Recipients
from daemon.settings.mail import Door as DoorTable
from daemon.settings.values import Listen
from daemon.store import session
from daemon.store.mail import inbox
from daemon.store.schema import tables
from daemon.store.session import open_store
from tests.mail_servers import postfix
from tests.servers import wait_for

US = "support@example.se"
T0 = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)
RECIPIENTS = Recipients.of(US, ["helpdesk@example.se"], "plain")


def mail(number=1, body=b"Hej!\r\n"):
    return (
        b"From: bo@acme.se\r\nSubject: Hej\r\nDate: Mon, 23 Nov 2026 09:00:%02d +0100\r\n"
        b"Message-ID: <%d@acme.se>\r\n\r\n" % (number, number)
    ) + body


@pytest.fixture
def open_door(store):
    opened = []

    def make(database=store, *, lmtp=False, listen=None, max_size=2**20, connections=50, **policy):
        table = DoorTable(
            listen=listen or Listen("127.0.0.1", 0), max_size=max_size, connections=connections
        )
        door = Door(table, database, Policy(**{"recipients": RECIPIENTS} | policy), lmtp=lmtp)
        door.start()
        opened.append(door)
        return door

    yield make
    for door in opened:
        door.stop(grace=5)


class Wire:
    """A client that sees every byte of the dialogue."""

    def __init__(self, door):
        self.socket = socket.create_connection(("127.0.0.1", door.port), timeout=20)
        self.lines = self.socket.makefile("rb")
        self.reply()

    def reply(self):
        while (line := self.lines.readline()) and line[3:4] == b"-":
            pass
        return line.decode().strip()

    def say(self, *lines):
        self.socket.sendall(b"".join(line.encode() + b"\r\n" for line in lines))
        return [self.reply() for _ in lines]

    def begin(self, *recipients, hello="LHLO"):
        self.say(f"{hello} client", "MAIL FROM:<bo@acme.se>")
        replies = self.say(*(f"RCPT TO:<{to}>" for to in recipients))
        assert self.say("DATA")[0].startswith("354")
        return replies

    def close(self):
        self.lines.close()
        self.socket.close()


@pytest.fixture
def wire():
    opened = []

    def connect(door):
        opened.append(Wire(door))
        return opened[-1]

    yield connect
    for client in opened:
        client.close()


def kept(store):
    with store.reading() as tx:
        return [inbox.raw(tx, row.id) for row in reversed(inbox.listing(tx))]


def refused(call, *args):
    with pytest.raises(smtplib.SMTPResponseException) as caught:
        call(*args)
    return caught.value.smtp_code, caught.value.smtp_error.decode()


def test_a_mail_over_smtp_is_in_the_database_when_250_is_said_b1(any_store, open_door):
    door = open_door(any_store, clock=lambda: T0)
    with smtplib.SMTP("127.0.0.1", door.port) as client:
        client.sendmail("bo@acme.se", [US], mail())
        assert kept(any_store) == [mail()]
    with any_store.reading() as tx:
        (row,) = inbox.listing(tx)
    assert (row.source, row.received_at, row.state) == ("smtp", T0, "new")
    assert (row.envelope_from, row.envelope_to) == ("bo@acme.se", [US])


def test_the_same_mail_through_two_doors_is_one_message_b3(any_store, open_door):
    for lmtp, client in ((False, smtplib.SMTP), (True, smtplib.LMTP)):
        with client("127.0.0.1", open_door(any_store, lmtp=lmtp).port) as opened:
            opened.sendmail("bo@acme.se", [US], b"Received: from somewhere\r\n" + mail())
    accept(any_store, [Arrival(mail(), T0, "receive", "1")], go_live=None)
    assert len(kept(any_store)) == 1
    with any_store.reading() as tx:
        deliveries = tx.scalars(select(tables.inbox_deliveries.c.source)).all()
    assert sorted(deliveries) == ["lmtp", "receive", "smtp"]


def test_whoever_processes_mail_is_told_that_there_is_some(store, open_door):
    told = []
    door = open_door(kept=lambda: told.append(len(kept(store))))
    with smtplib.SMTP("127.0.0.1", door.port) as client:
        client.sendmail("bo@acme.se", [US], mail())
    assert told == [1]


def test_mail_from_before_go_live_is_archived_b5(store, open_door):
    door = open_door(clock=lambda: T0, go_live=T0 + dt.timedelta(days=1))
    with smtplib.SMTP("127.0.0.1", door.port) as client:
        client.sendmail("bo@acme.se", [US], mail())
    with store.reading() as tx:
        assert [row.state for row in inbox.listing(tx)] == ["archived"]


def test_a_bounce_has_an_empty_envelope_sender(store, open_door):
    with smtplib.SMTP("127.0.0.1", open_door().port) as client:
        client.sendmail("", [US], mail())
    with store.reading() as tx:
        assert [row.envelope_from for row in inbox.listing(tx)] == [""]


@pytest.mark.parametrize(
    "end", ["250 2.0.0 kept", "552 5.3.4 the message is larger than we take", "451 4.3.0"]
)
def test_lmtp_answers_once_for_each_accepted_recipient(store, open_door, wire, end, monkeypatch):
    door = open_door(lmtp=True, max_size=2000)
    if end.startswith("451"):
        monkeypatch.setattr(door.keeper, "_keep", lambda arrivals: 1 / 0)
    client = wire(door)
    replies = client.begin(US, "nobody@example.se", "helpdesk@example.se")
    assert [reply[:9] for reply in replies] == ["250 2.1.5", "550 5.1.1", "250 2.1.5"]
    text = mail(body=b"x" * (3000 if end.startswith("552") else 10) + b"\r\n")
    client.socket.sendall(text + b".\r\n")
    assert [client.reply().startswith(end) for _ in range(2)] == [True, True]
    assert client.say("NOOP") == ["250 OK"]
    assert len(kept(store)) == (1 if end.startswith("250") else 0)


def test_smtp_answers_once_however_many_recipients(store, open_door, wire):
    client = wire(open_door())
    client.begin(US, "helpdesk@example.se", hello="EHLO")
    client.socket.sendall(mail() + b".\r\n")
    assert client.reply() == "250 2.0.0 kept"
    assert client.say("NOOP") == ["250 OK"]
    assert len(kept(store)) == 1


@pytest.mark.parametrize(
    "address",
    [US, "SUPPORT@Example.SE", "helpdesk@example.se", "postmaster", "Postmaster@example.se"],
)
def test_the_desk_s_own_addresses_and_postmaster_are_taken(address):
    assert RECIPIENTS.take(address)


@pytest.mark.parametrize(
    "address",
    ["", "support", "support@other.se", "support+1@example.se", "x@example.se", "@", "+@"],
)
def test_anything_else_is_an_unknown_recipient(address):
    assert not RECIPIENTS.take(address)


def test_a_reply_id_stands_in_the_address_where_the_host_allows_it_d3():
    plus = Recipients.of(US, ["helpdesk@example.se"], "plus")
    assert plus.take("support+" + "x" * 60 + ".ab=cd@example.se")
    assert plus.take(US)
    assert not plus.take("other+1042@example.se")


def test_a_keyed_return_path_is_an_address_of_the_desk_E1():
    """Else every bounce would itself bounce, and nobody would hear of any."""
    back = Recipients.of(US, ["helpdesk@example.se"], "plain", "bounce@studs.example.se")
    assert back.take("bounce+b1042.aaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbb@studs.example.se")
    assert back.take("Bounce@Studs.example.se")
    assert not back.take("support+b1042.a.b@example.se")
    plus = Recipients.of(US, [], "plus")
    assert plus.take("support+b1042.aaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbb@example.se")


def test_only_an_unknown_recipient_gets_550(store, open_door):
    with smtplib.SMTP("127.0.0.1", open_door().port) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
            client.sendmail("bo@acme.se", ["x@example.se"], mail())
        assert caught.value.recipients["x@example.se"][0] == 550
        assert client.sendmail("bo@acme.se", [US, "x@example.se"], mail()).keys() == {
            "x@example.se"
        }
        assert client.docmd("RSET")[0] == 250
        assert client.docmd("MAIL", "FROM:<>")[0] == 250
        assert client.docmd("RCPT", "TO:<@relay.se:support@example.se>")[0] == 250
        assert client.docmd("RCPT", "TO:<Postmaster>")[0] == 250
        assert client.docmd("RCPT", "TO:<<>")[0] == 553
    assert len(kept(store)) == 1


def test_a_locked_database_is_451_and_the_mail_comes_with_the_next_attempt(
    sqlite_url, open_door, monkeypatch
):
    monkeypatch.setattr(session, "BUSY_SECONDS", 0)
    store = open_store(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    door = open_door(store)
    with smtplib.SMTP("127.0.0.1", door.port) as client:
        other.execute("BEGIN IMMEDIATE")
        code, text = refused(client.sendmail, "bo@acme.se", [US], mail())
        assert (code, text[:5]) == (451, "4.3.0")
        other.execute("ROLLBACK")
        client.sendmail("bo@acme.se", [US], mail())
    other.close()
    assert kept(store) == [mail()]
    store.close()


def test_a_database_out_of_reach_is_451(open_door):
    nowhere = open_store("postgresql+psycopg://avtald@127.0.0.1:1/none")
    with smtplib.SMTP("127.0.0.1", open_door(nowhere).port) as client:
        assert refused(client.sendmail, "bo@acme.se", [US], mail())[0] == 451


def test_a_full_disk_of_the_database_is_451(open_door, sqlite_url):
    store = open_store(sqlite_url)
    with store.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # of this one connection
    with smtplib.SMTP("127.0.0.1", open_door(store).port) as client:
        big = mail(body=b"x" * 50_000)
        assert refused(client.sendmail, "bo@acme.se", [US], big)[0] == 451
    store.close()
    assert kept(store) == []
    store.close()


def test_under_the_disk_reserve_the_door_says_452(store, open_door):
    room = [False]
    with smtplib.SMTP("127.0.0.1", open_door(has_room=lambda: room[0]).port) as client:
        assert refused(client.sendmail, "bo@acme.se", [US], mail()) == (
            452,
            "4.3.1 not enough disk now, try again later",
        )
        room[0] = True
        client.sendmail("bo@acme.se", [US], mail())
    assert len(kept(store)) == 1


def test_the_disk_reserve_is_measured_on_the_disk_of_the_folder(tmp_path):
    assert DiskReserve(tmp_path, 1)()
    assert not DiskReserve(tmp_path, 2**60)()
    assert DiskReserve(tmp_path / "missing", 2**60)()


def test_large_mails_wait_for_memory_and_small_ones_never(store, open_door, wire, monkeypatch):
    """Else fifty at once are more than the unit may have: killed for them, it gets them again."""
    monkeypatch.setattr(smtp, "SMALL", 100_000)
    monkeypatch.setattr(smtp, "MEMORY", 1_900_000)
    door = open_door(max_size=900_000, lmtp=True)
    large = b"x" * 800_000 + b"\r\n"
    held = []
    for number in range(2):
        held.append(wire(door))
        held[-1].begin(US)
        held[-1].socket.sendall(mail(number, large))
        wait_for(lambda: door.memory.held > len(held) * 600_000, "it is held")
    late, small = wire(door), wire(door)
    for client, number, body, says in ((late, 2, large, "452"), (small, 3, b"hej\r\n", "250")):
        client.begin(US)
        client.socket.sendall(mail(number, body) + b".\r\n")
        assert client.reply().startswith(says)
    assert door.memory.held > 1_200_000  # what was refused takes no room
    held[0].close()  # lost in the middle
    wait_for(lambda: door.memory.held < 800_000, "its place is free")
    late.begin(US)
    late.socket.sendall(mail(2, large) + b".\r\n")
    assert late.reply().startswith("250")
    held[1].socket.sendall(b".\r\n")
    assert held[1].reply().startswith("250")
    wait_for(lambda: door.memory.held == 0, "all is free")
    assert kept(store) == [mail(3, b"hej\r\n"), mail(2, large), mail(1, large)]


def test_a_mail_that_announces_too_large_a_size_is_refused_before_it_is_sent(open_door):
    with smtplib.SMTP("127.0.0.1", open_door(max_size=5000).port) as client:
        client.ehlo()
        assert client.esmtp_features["size"] == "5000"
        assert client.docmd("MAIL", "FROM:<bo@acme.se> SIZE=5001")[0] == 552


@pytest.mark.parametrize(("size", "taken"), [(5000, True), (5001, False)])
def test_the_size_limit_is_exact(store, open_door, wire, size, taken):
    client = wire(open_door(max_size=5000))
    client.begin(US, hello="HELO")
    client.socket.sendall(mail().ljust(size - 2, b"x") + b"\r\n.\r\n")
    assert client.reply()[:3] == ("250" if taken else "552")
    assert [len(raw) for raw in kept(store)] == ([size] if taken else [])


@pytest.mark.parametrize("end", [b"x\r\n", b"a\r\nlast\r\n", b"\r\n\r\n", b"....\r\n"])
@pytest.mark.parametrize(("over", "taken"), [(0, True), (1, False), (2, False)])
def test_the_size_is_the_mail_s_without_the_dots_that_smtp_adds(store, open_door, over, taken, end):
    """RFC 1870 section 3: else what was announced as small enough bounces after all."""
    text = mail(body=b".\r\n" * 2000 + b"x" * over + end)
    with smtplib.SMTP("127.0.0.1", open_door(max_size=len(text) - over).port) as client:
        client.helo("x")
        client.mail("bo@acme.se")
        client.rcpt(US)
        assert client.data(text)[0] == (250 if taken else 552)
    assert kept(store) == ([text] if taken else [])


@pytest.mark.parametrize("length", [1001, 70_000, 500_000])
def test_a_line_of_any_length_is_taken(store, open_door, length):
    with smtplib.SMTP("127.0.0.1", open_door().port) as client:
        client.sendmail("bo@acme.se", [US], mail(body=b"y" * length + b"\r\n.\r\nz\r\n"))
    assert kept(store) == [mail(body=b"y" * length + b"\r\n.\r\nz\r\n")]


def test_a_mail_may_have_no_line_ends_of_smtp_but_its_last(store, open_door, wire):
    client = wire(open_door())
    client.begin(US, hello="HELO")
    text = mail().replace(b"\r\n", b"\n") + b"\n.\n" + b"row\n" * 30_000
    client.socket.sendall(text + b"\r\n.\r\n")
    assert client.reply().startswith("250")
    assert kept(store) == [text + b"\r\n"]


lines = st.lists(
    st.sampled_from(
        [b"", b".", b"..", b"a", b"ab", b"abc", b".a", b"\r", b"\n.", b"\r.", b"x" * 9]
    ),
    max_size=7,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=lines, cuts=st.lists(st.integers(1, 40), max_size=4))
def test_any_text_arrives_as_it_was_however_the_network_cuts_it(store, open_door, body, cuts):
    text = b"".join(line + b"\r\n" for line in body)
    stuffed = b"".join(
        (b"." if line.startswith(b".") else b"") + line + b"\r\n"
        for line in text.split(b"\r\n")[:-1]
    )
    door = open_door() if not hasattr(open_door, "door") else open_door.door
    open_door.door = door
    taken = []
    door.keeper._keep = lambda arrivals: taken.extend(arrival.raw for arrival in arrivals)
    client = Wire(door)
    client.begin(US, hello="HELO")
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire_text, start = stuffed + b".\r\nNOOP\r\n", 0
    for cut in sorted(cuts):
        client.socket.sendall(wire_text[start:cut])
        start = max(start, min(cut, len(wire_text)))
    client.socket.sendall(wire_text[start:])
    assert client.reply().startswith("250 2.0.0")
    assert client.reply() == "250 OK"
    client.close()
    assert taken == [text]


def test_an_international_address_is_taken(store, open_door):
    with smtplib.SMTP("127.0.0.1", open_door().port) as client:
        client.ehlo()
        options = ["SMTPUTF8", "BODY=8BITMIME"]
        client.sendmail("åsa@räksmörgås.se", [US], mail(body="rad å\r\n".encode()), options)
    with store.reading() as tx:
        assert [row.envelope_from for row in inbox.listing(tx)] == ["åsa@räksmörgås.se"]


def test_bytes_that_are_no_text_in_an_address_do_no_harm(any_store, open_door, wire):
    client = wire(open_door(any_store))
    client.say("EHLO x")
    client.socket.sendall(b"MAIL FROM:<b\xe5\x00@acme.se>\r\n")
    assert client.reply().startswith("250")
    client.say(f"RCPT TO:<{US}>", "DATA")
    client.socket.sendall(mail() + b".\r\n")
    assert client.reply().startswith("250")


def test_commands_may_come_in_one_go(store, open_door, wire):
    client = wire(open_door())
    client.say("EHLO x", "MAIL FROM:<bo@acme.se>", f"RCPT TO:<{US}>", "DATA")
    client.socket.sendall(mail(1) + b".\r\nMAIL FROM:<bo@acme.se>\r\n" + b"NOOP\r\n" * 2)
    assert [client.reply()[:3] for _ in range(4)] == ["250"] * 4
    assert client.say(f"RCPT TO:<{US}>", "DATA")[1].startswith("354")
    client.socket.sendall(mail(2) + b".\r\nQUIT\r\n")
    assert [client.reply()[:3] for _ in range(2)] == ["250", "221"]
    assert kept(store) == [mail(1), mail(2)]


def test_a_connection_that_is_lost_in_the_middle_leaves_nothing(store, open_door, wire):
    door = open_door()
    for cut in (1, 60, len(mail())):
        client = wire(door)
        client.begin(US, hello="EHLO")
        client.socket.sendall(mail()[:cut])
        client.close()
    wait_for(lambda: not door.sessions, "the sessions end")
    assert kept(store) == []


def test_mails_that_come_while_another_writes_share_the_next_commit(store, open_door):
    """Who shares it is settled when the writer before is done, not before the wait for it."""
    door = open_door(lmtp=True)
    commits, keep = [], door.keeper._keep

    def counted(arrivals):
        commits.append(len(arrivals))
        keep(arrivals)

    door.keeper._keep = counted

    def send(number):
        with smtplib.LMTP("127.0.0.1", door.port) as client:
            client.sendmail("bo@acme.se", [US], mail(number))

    senders = [threading.Thread(target=send, args=(number,)) for number in range(6)]
    with store.turn():
        for sender in senders:
            sender.start()
        wait_for(lambda: len(door.keeper._waiting) == 6, "all are received")
    for sender in senders:
        sender.join(20)
    assert commits == [6]
    assert len(kept(store)) == 6


def test_mails_that_come_at_once_share_a_commit_and_each_is_answered(store, open_door, monkeypatch):
    door = open_door(lmtp=True)
    commits, keep, start = [], door.keeper._keep, threading.Barrier(8)

    def slow(arrivals):
        commits.append(len(arrivals))
        start_first.wait(10)
        keep(arrivals)

    start_first = threading.Event()
    door.keeper._keep = slow

    def send(number):
        with smtplib.LMTP("127.0.0.1", door.port) as client:
            start.wait(10)
            client.sendmail("bo@acme.se", [US], mail(number))

    senders = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for sender in senders:
        sender.start()
    wait_for(lambda: sum(commits) + len(door.keeper._waiting) == 8, "all are received")
    start_first.set()
    for sender in senders:
        sender.join(20)
    assert len(kept(store)) == sum(commits) == 8
    assert len(commits) <= 3


def test_a_mail_that_cannot_be_kept_does_not_stand_in_its_neighbours_way(store, open_door):
    door = open_door(lmtp=True)
    keep, entered, go = door.keeper._keep, threading.Event(), threading.Event()

    def picky(arrivals):
        entered.set()
        go.wait(10)
        if any(b"poison" in arrival.raw for arrival in arrivals):
            raise ValueError("poison")
        keep(arrivals)

    door.keeper._keep = picky
    ends = {}

    def send(number, body):
        with smtplib.LMTP("127.0.0.1", door.port) as client:
            try:
                client.sendmail("bo@acme.se", [US], mail(number, body))
                ends[number] = 250
            except smtplib.SMTPDataError as error:
                ends[number] = error.smtp_code

    bodies = [b"first", b"good", b"poison", b"fine"]
    senders = [threading.Thread(target=send, args=pair) for pair in enumerate(bodies)]
    for sender in senders:
        sender.start()
        entered.wait(10)
    wait_for(lambda: len(door.keeper._waiting) == 3, "three wait for the next commit")
    go.set()
    for sender in senders:
        sender.join(20)
    assert ends == {0: 250, 1: 250, 2: 451, 3: 250}


def test_a_connection_too_many_is_told_to_come_again(open_door, wire):
    door = open_door(connections=2)
    first, _second = wire(door), wire(door)
    with socket.create_connection(("127.0.0.1", door.port), timeout=20) as third:
        assert third.recv(100).startswith(b"421 4.3.2 too many connections")
    first.close()
    wait_for(lambda: len(door.sessions) == 1, "the first is gone")
    assert wire(door).say("NOOP") == ["250 OK"]


def test_a_door_without_a_file_descriptor_left_says_so_once_and_takes_mail_again(
    store, open_door, wire
):
    """asyncio itself writes a hundred lines a second, for as long as it lasts."""
    door = open_door(lmtp=True)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = socket.socket()
    with structlog.testing.capture_logs() as lines:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
        try:
            taken.connect(("127.0.0.1", door.port))
            wait_for(lambda: lines, "it is told")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        client = wire(door)
    taken.close()
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("no connection taken", "error")
    ]
    client.begin(US)
    client.socket.sendall(mail() + b".\r\n")
    assert client.reply().startswith("250")


def test_of_many_connections_at_once_no_more_are_let_in(open_door):
    door = open_door(connections=2)
    held = threading.Event()
    door.loop.call_soon_threadsafe(held.wait, 20)
    crowd = [socket.create_connection(("127.0.0.1", door.port), timeout=20) for _ in range(30)]
    held.set()
    greetings = [client.recv(3) for client in crowd]
    for client in crowd:
        client.close()
    assert (greetings.count(b"220"), greetings.count(b"421")) == (2, 28)
    wait_for(lambda: not door.sessions, "all are gone")


def test_endless_commands_end_with_421(open_door, wire):
    client = wire(open_door())
    replies = [client.say("NOOP")[0][:3] for _ in range(101)]
    assert replies[-2:] == ["250", "421"]


def test_too_many_recipients_are_told_to_come_in_another_mail(open_door, wire):
    client = wire(open_door())
    client.say("EHLO x", "MAIL FROM:<bo@acme.se>")
    replies = [client.say(f"RCPT TO:<{US}>")[0][:9] for _ in range(101)]
    assert replies[-2:] == ["250 2.1.5", "452 4.5.3"]


@pytest.mark.parametrize("command", ["DATA", "RCPT TO:<support@example.se>", "MAIL", "DATA now"])
def test_commands_out_of_order_are_refused_without_harm(open_door, wire, command):
    client = wire(open_door())
    assert client.say(command)[0][:3] in {"501", "503"}
    assert client.say("EHLO x", command)[1][:3] in {"501", "503"}
    assert client.say("NOOP") == ["250 OK"]


def test_data_takes_no_argument(open_door, wire):
    client = wire(open_door())
    client.say("EHLO x", "MAIL FROM:<bo@acme.se>", f"RCPT TO:<{US}>")
    assert client.say("DATA now")[0][:3] == "501"


def test_a_stop_finishes_the_mail_that_is_being_received(store, open_door, wire):
    door = open_door()
    idle, busy = wire(door), wire(door)
    busy.begin(US, hello="EHLO")
    busy.socket.sendall(mail()[:50])
    stopping = threading.Thread(target=door.stop)
    stopping.start()
    assert idle.reply().startswith("421 4.3.2 closing")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", door.port), timeout=20)
    busy.socket.sendall(mail()[50:] + b".\r\n")
    assert busy.reply() == "250 2.0.0 kept"
    assert busy.reply().startswith("421 4.3.2 closing")
    stopping.join(20)
    assert kept(store) == [mail()]


def test_whoever_comes_while_the_door_closes_is_turned_away_and_not_waited_for(open_door):
    door = open_door()
    door.closing = True
    with socket.create_connection(("127.0.0.1", door.port), timeout=20) as late:
        assert late.recv(100).startswith(b"421 4.3.2 closing")
    assert not door.sessions


def test_a_stop_waits_no_longer_than_its_grace(open_door, wire):
    door = open_door()
    client = wire(door)
    client.begin(US, hello="EHLO")
    door.stop(grace=0.2)
    assert client.reply() == ""


def test_a_unix_socket_is_for_us_and_our_group(store, open_door, tmp_path):
    path = tmp_path / "lmtp"
    open_door(lmtp=True, listen=Listen(path=path))
    assert path.stat().st_mode & 0o777 == 0o660
    with smtplib.LMTP(str(path)) as client:
        client.sendmail("bo@acme.se", [US], mail())
    assert kept(store) == [mail()]


def test_a_socket_left_by_a_killed_process_is_replaced_and_a_live_one_is_not(open_door, tmp_path):
    path = tmp_path / "lmtp"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    door = open_door(listen=Listen(path=path))
    with smtplib.LMTP(str(path)), pytest.raises(OSError, match="in use by another process"):
        open_door(listen=Listen(path=path))
    wait_for(lambda: not door.sessions, "the probes are gone")
    door.stop()
    assert not path.exists()
    path.write_text("not ours")
    with pytest.raises(FileExistsError):
        open_door(listen=Listen(path=path))


def test_a_socket_that_is_no_door_s_but_alive_is_left_alone(open_door, tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as another:
        another.bind(str(path))
        with pytest.raises(OSError, match="in use by another process"):
            open_door(listen=Listen(path=path))
        assert path.is_socket()


def test_a_door_that_takes_its_time_to_stop_leaves_its_successor_s_socket(open_door, tmp_path):
    path = tmp_path / "lmtp"
    old = open_door(listen=Listen(path=path))
    with smtplib.SMTP() as busy:
        busy.sock = socket.socket(socket.AF_UNIX)
        busy.sock.connect(str(path))
        busy.getreply()
        busy.helo("x")
        busy.mail("bo@acme.se")
        busy.rcpt(US)
        assert busy.docmd("DATA")[0] == 354
        stopping = threading.Thread(target=old.stop)
        stopping.start()
        wait_for(lambda: old.closing, "the old door stops")
        wait_for(lambda: not path.exists(), "its place is free")
        open_door(listen=Listen(path=path))
        assert busy.docmd(".")[0] == 250
        stopping.join(20)
    assert path.is_socket()


def test_a_port_that_is_taken_is_an_error_at_once(open_door):
    taken = open_door().port
    with pytest.raises(OSError, match="in use"):
        open_door(listen=Listen("127.0.0.1", taken))


def test_postfix_hands_everything_over_lmtp_and_its_queue_ends_empty(any_store, open_door):
    door = open_door(any_store, lmtp=True)
    with postfix(f"lmtp:inet:127.0.0.1:{door.port}") as border:
        with smtplib.SMTP("127.0.0.1", border.port) as client:
            for number in range(40):
                to = [US, "helpdesk@example.se"] if number % 2 else [US]
                client.sendmail("bo@acme.se", to, mail(number))
        border.drain()
    with any_store.reading() as tx:
        assert tx.scalar(select(func.count()).select_from(tables.inbox)) == 40
        assert all(row.envelope_to for row in inbox.listing(tx))


def test_postfix_keeps_what_we_could_not_and_brings_it_again(store, open_door):
    door = open_door(lmtp=True)
    keep, faults = door.keeper._keep, [OSError("no space"), OSError("no space")]

    def ailing(arrivals):
        if faults:
            raise faults.pop()
        keep(arrivals)

    door.keeper._keep = ailing
    with postfix(f"lmtp:inet:127.0.0.1:{door.port}") as border:
        with smtplib.SMTP("127.0.0.1", border.port) as client:
            client.sendmail("bo@acme.se", [US], mail())
        border.drain()
        assert "451 4.3.0" in border.log.read_text()
    assert faults == []
    assert len(kept(store)) == 1


def test_an_answer_of_several_lines_waits_for_no_word_from_the_client(open_door, wire):
    """A system that holds small pieces together (Nagle) makes each connection 40 ms longer."""
    door = open_door()
    wire(door)
    (session,) = door.sessions
    taken = session.transport.get_extra_info("socket")
    assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_door_beside_a_newer_schema_says_try_again_b1(store, open_door):
    with store.writing() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with smtplib.LMTP("127.0.0.1", open_door(store, lmtp=True).port) as client:
        code, _ = refused(client.sendmail, "bo@acme.se", [US], mail())
    assert code == 451
    assert kept(store) == []
