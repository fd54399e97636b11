"""What the desk reads of a mail that did not arrive, or of which nobody knows."""

import datetime as dt

import pytest
from sqlalchemy import select

from daemon.desk.ports import SendError
from daemon.store.mail import outbox
from daemon.store.schema.tables import outgoing
from daemon.store.tickets import tickets
from parsers.message import read
from tests.bounced import LOCALLY
from tests.builders import Catcher, a_desk, a_mail, header_of, instant
from tests.desk.incoming.test_bounces import PLAIN

BO = "bo@acme.se"


class Refusing(Catcher):
    """A mailer whose server does not take what goes to Bo."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def send(self, envelope_from, recipient, raw):
        if recipient == BO:
            raise self.error
        return super().send(envelope_from, recipient, raw)


def notes(desk):
    with desk.desk.store.reading() as tx:
        ticket = tickets.by_number(tx, 1001)
        return [each.text for each in tickets.said(tx, ticket.id) if each.author == "machine"]


def test_a_refusal_for_good_is_a_note_on_the_ticket_in_the_desk_s_language(desk):
    desk.mailer = Refusing(SendError("550 5.1.1 no such person", permanent=True))
    desk.get(a_mail(), "2026-11-20 09:00")
    assert notes(desk) == [
        "Ett mejl till bo@acme.se kunde inte levereras: 550 5.1.1 no such person"
    ]


def test_what_may_have_arrived_is_not_told_as_lost(desk):
    desk.mailer = Refusing(SendError("lost after the final dot: timed out", unclear=True))
    desk.get(a_mail(), "2026-11-20 09:00")
    for minute in range(1, 5):
        desk.work(f"2026-11-20 09:0{minute}")
    (note,) = notes(desk)
    assert note.startswith("Ett mejl till bo@acme.se kom kanske inte fram, och skickas inte om")
    assert note.endswith("lost after the final dot: timed out")


def post(desk, kind):
    raw = b"Subject: =?utf-8?q?M=C3=A5naden_=C3=A4r_st=C3=A4ngd?=\r\n\r\nx\r\n"
    at = instant("2026-11-20 09:00")
    with desk.desk.store.writing() as tx:
        mail = outbox.Mail("k", kind, "<k@example.se>", raw, (BO,), "support@example.se")
        outbox.put(tx, mail, at)
    for minute in range(5):
        desk.work(at + dt.timedelta(minutes=minute))


def told(desk):
    with desk.desk.store.reading() as tx:
        rows = tx.execute(select(outgoing.c.raw).where(outgoing.c.kind == "alarm")).all()
    return [read(row.raw) for row in rows]


@pytest.mark.parametrize("kind", ["close", "invoices", "bank-low", "term-ending", "balance"])
@pytest.mark.parametrize("error", ["permanent", "unclear"])
def test_operators_are_told_once_of_a_mail_about_no_ticket(desk, kind, error):
    """Nothing is dropped in silence: finance may wait for its month, and nobody would know."""
    desk.mailer = Refusing(SendError("550 5.2.2 mailbox full", **{error: True}))
    post(desk, kind)
    (alarm,) = told(desk)
    assert alarm.subject.endswith("Ett mejl till bo@acme.se kom kanske inte fram")
    assert "Månaden är stängd" in alarm.texts[0].text
    assert "550 5.2.2 mailbox full" in alarm.texts[0].text
    assert desk.mailer.to("drift@example.se")


@pytest.mark.parametrize("kind", ["alarm", "canary"])
def test_a_lost_alarm_tells_of_itself_to_nobody(desk, kind):
    desk.mailer = Refusing(SendError("550 5.1.1 unknown", permanent=True))
    post(desk, kind)
    assert len(told(desk)) == (kind == "alarm")


@pytest.fixture
def served(store, tmp_path):
    """A desk that knows its outgoing server by name."""
    return a_desk(store, tmp_path, settings=PLAIN)


def report(sent, *groups):
    """Our own server's report on a mail of ours: address, action and status of each recipient."""
    about = "\r\n".join(
        f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n"
        for address, action, status in groups
    )
    return (
        f"{LOCALLY}\r\n"
        "From: MAILER-DAEMON@mx.example.se\r\nTo: support@example.se\r\nSubject: Report\r\n"
        f"Date: Fri, 20 Nov 2026 09:41:00 +0100\r\nMessage-ID: <{len(about)}@mx.example.se>\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.se"
        f"\r\n\r\n{about}\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {header_of(sent, 'Message-ID')}\r\n\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("groups", "says"),
    [
        (
            [(BO, "delayed", "4.4.1")],
            "Ett svar till bo@acme.se har inte kommit fram ännu (4.4.1)",
        ),
        (
            [("eva@acme.se", "delayed", "4.4.1"), (BO, "failed", "5.1.1")],
            "Ett svar till bo@acme.se kom inte fram (5.1.1)",
        ),
        ([], "Ett svar till ? kom inte fram (?)"),
    ],
)
def test_what_only_waits_elsewhere_is_not_told_as_lost(served, groups, says):
    """RFC 3464 section 2.3.3: a delay is no failure, and the server says which it is."""
    served.get(a_mail(), "2026-11-20 09:00")
    (confirmation,) = served.mailer.to(BO)
    served.get(report(confirmation, *groups), "2026-11-20 09:41")
    (note,) = notes(served)
    assert note.startswith(says)


def test_a_delay_of_a_notice_to_one_of_us_is_no_alarm(served):
    served.get(a_mail(), "2026-11-20 09:00")
    (notice,) = served.mailer.to("anna@example.se")
    delay = ("anna@example.se", "delayed", "4.4.1")
    served.get(report(notice, delay), "2026-11-20 09:41")
    assert told(served) == []
    served.get(report(notice, ("anna@example.se", "failed", "4.4.7")), "2026-11-20 09:45")
    assert len(told(served)) == 1
