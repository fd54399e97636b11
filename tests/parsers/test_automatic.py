"""Automatic mail and bounces: three verdicts, and who was not reached (C1)."""

import pytest

from parsers.automatic import judge
from parsers.bounce import Failed, read_bounce
from parsers.message import read

OWN = frozenset({"support@example.se"})


def verdict(*headers, body="Hej", sender="Bo Ek <bo@kund.se>", instance="i1"):
    lines = [f"From: {sender}", "To: support@example.se", *headers, "", body]
    return judge(read("\r\n".join(lines).encode()), own_addresses=OWN, own_instance=instance)


def test_a_person_may_be_answered():
    """C1."""
    found = verdict("Subject: Skrivaren", "Auto-Submitted: no", "Precedence: normal")
    assert (found.kind, found.may_answer, found.is_ours, found.reasons) == (
        "person",
        True,
        False,
        (),
    )


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Auto-Submitted: auto-replied", "auto_reply"),
        ("Auto-Submitted: Auto-Generated; x", "auto_reply"),
        ("X-Autoreply: yes", "auto_reply"),
        ("X-Autorespond: x", "auto_reply"),
        ("Precedence: auto_reply", "auto_reply"),
        ("X-Mail-Autoreply: 1", "auto_reply"),
        ("Delivered-To: Autoresponder", "auto_reply"),
        ("Return-Path: <>", "auto_reply"),
        ("List-Id: <x.se>", "list"),
        ("Precedence: bulk", "list"),
        ("Precedence: list", "list"),
        ("Content-Type: multipart/report; report-type=feedback-report; boundary=b", "complaint"),
        (
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=b",
            "receipt",
        ),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=b", "bounce"),
        ("X-Failed-Recipients: x@y.se", "bounce"),
    ],
)
def test_headers_decide_the_kind_and_only_a_person_is_answered(header, kind):
    """C1, S09."""
    found = verdict(header, "Subject: Skrivaren")
    assert (found.kind, found.may_answer) == (kind, False)


@pytest.mark.parametrize(
    "subject",
    [
        "Frånvaro: Semester till 15/8",
        "Autosvar: Re: x",
        "Automatiskt svar: x",
        "Automatic reply: x",
        "Out of Office: x",
        "Frånvarande v. 30",
        "Automatisk svar: x",
        "Abwesenheitsnotiz",
        "Läst: x",
        "[Automatyczna odpowiedź] x",
        "Jag är på semester",
    ],
)
def test_a_subject_only_withdraws_the_answer(subject):
    """C1: people write such subjects too."""
    found = verdict(f"Subject: {subject}")
    assert (found.kind, found.may_answer) == ("person", False)


@pytest.mark.parametrize(
    ("headers", "sender"),
    [
        (("X-Auto-Response-Suppress: All",), "bo@kund.se"),
        (("X-Auto-Response-Suppress: DR, OOF",), "bo@kund.se"),
        (("Return-Path: < >",), "bo@kund.se"),
        (("List-Unsubscribe: <x>",), "bo@kund.se"),
        ((), "no-reply@kund.se"),
        ((), "noreply+1@kund.se"),
        ((), "donotreply@kund.se"),
        ((), "svara-ej@kund.se"),
        ((), "bo@kund.se, lisa@kund.se"),
        ((), "support@example.se"),
        (("X-Avtald-Instance: other",), "bo@kund.se"),
        (("X-Loop: x",), "bo@kund.se"),
        (("Received: by x",) * 26, "bo@kund.se"),
        (("Precedence: junk",), "bo@kund.se"),
    ],
)
def test_whatever_may_loop_is_not_answered(headers, sender):
    """C1, S08, S09."""
    found = verdict(*headers, "Subject: x", sender=sender)
    assert not found.may_answer
    assert found.reasons


def test_a_request_not_to_answer_is_no_proof_of_an_automatic_mail():
    """C1: it stands in ordinary mail from Microsoft 365."""
    found = verdict("X-Auto-Response-Suppress: DR, RN, NRN", "Subject: x")
    assert (found.kind, found.may_answer) == ("person", True)
    assert verdict("X-Auto-Response-Suppress: All", "Subject: x").kind == "person"


def test_ours_is_what_carries_our_instance():
    """C1, S08: a From with our address alone proves nothing, and is not answered."""
    assert verdict("X-Avtald-Instance: i1").is_ours
    assert not verdict("X-Avtald-Instance: i2").is_ours
    assert not verdict("X-Avtald-Instance: i1", instance="").is_ours
    spoofed = verdict("Subject: x", sender="support@example.se")
    assert (spoofed.is_ours, spoofed.may_answer) == (False, False)


REPORT = """From: MAILER-DAEMON@mx.example.se (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

I'm sorry. <bo@kund.se>: host x said: 550 5.1.1 unknown
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.se

Final-Recipient: rfc822; bo@kund.se
Original-Recipient: rfc822;Bo@Kund.se
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 unknown

Final-Recipient: rfc822; lisa@kund.se
Action: delayed
Status: 4.4.1

Final-Recipient: rfc822; kalle@kund.se
Action: delivered
Status: 2.0.0
--b
Content-Type: message/rfc822

From: support@example.se
Message-ID:
 <1042.k@support.example.se>
Subject: x

hej
--b--
"""


def test_a_standard_report_names_addresses_status_and_message():
    """C1, E1 (RFC 3464)."""
    report = read_bounce(read(REPORT.encode()))
    assert report.recipients == (
        Failed("bo@kund.se", "5.1.1", permanent=True),
        Failed("lisa@kund.se", "4.4.1", permanent=False),
    )
    assert report.original_message_id == "<1042.k@support.example.se>"
    assert report.permanent


@pytest.mark.parametrize("action", ["failed", "Failed", "failed (gave up)"])
def test_a_server_that_gave_up_after_days_failed_for_good_e1(action):
    """RFC 3464 section 2.3.3: it tries no more, though what kept it from success was temporary."""
    gave_up = REPORT.replace("Action: delayed", f"Action: {action}").replace("4.4.1", "4.4.7")
    assert (
        Failed("lisa@kund.se", "4.4.7", permanent=True)
        in read_bounce(read(gave_up.encode())).recipients
    )


def test_headers_of_the_original_are_enough():
    """RFC 3462: text/rfc822-headers."""
    raw = REPORT.replace("message/rfc822", "text/rfc822-headers").encode()
    assert read_bounce(read(raw)).original_message_id == "<1042.k@support.example.se>"


OLD_REPORTS = [
    (
        "Mail Delivery System <Mailer-Daemon@x.se>",
        "Mail delivery failed: returning message to sender",
        (
            "The following address(es) failed:\n\n  bo@kund.se\n    550 5.1.1 unknown user\n\n"
            "------ This is a copy ------\nMessage-ID: <1@x>\n"
        ),
        "bo@kund.se",
        "5.1.1",
        True,
    ),
    (
        "MAILER-DAEMON@x.se",
        "failure notice",
        (
            "Hi. This is the qmail-send program.\n\n<bo@kund.se>:\nSorry, no mailbox (#5.1.1)\n\n"
            "--- Below this line is a copy of the message.\n\nMessage-ID: <1@x>\n"
        ),
        "bo@kund.se",
        "5.1.1",
        True,
    ),
    (
        "postmaster@x.se",
        "Delivery delayed",
        "Your message to bo@kund.se is delayed.\n452 4.2.2 full\n\nMessage-ID: <1@x>\n",
        "bo@kund.se",
        "4.2.2",
        False,
    ),
    (
        "postmaster@x.se",
        "Olevererbart: x",
        "Det gick inte att leverera till bo@kund.se\n\nMessage-ID: <1@x>\n",
        "bo@kund.se",
        "",
        True,
    ),
]


@pytest.mark.parametrize(
    ("sender", "subject", "text", "address", "status", "permanent"), OLD_REPORTS
)
def test_reports_that_no_standard_governs_are_read_too(
    sender, subject, text, address, status, permanent
):
    """C1: Exim, qmail, delays, and Swedish Exchange."""
    raw = f"From: {sender}\nSubject: {subject}\n\n{text}".encode()
    report = read_bounce(read(raw))
    assert report.recipients == (Failed(address, status, permanent),)
    assert report.original_message_id == "<1@x>"
    assert judge(read(raw), own_addresses=OWN, own_instance="i").kind == "bounce"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Undelivered goods", "Paketet kom aldrig fram."),
        ("Delivery failed", "My mail to bo@kund.se could not be delivered. What now?"),
        ("Mail delivery failed: hjälp", "550 5.1.1 user unknown, vad betyder det?"),
    ],
)
def test_a_person_who_writes_about_bounces_is_a_person(subject, text):
    """C1."""
    raw = f"From: Bo Ek <bo@kund.se>\nSubject: {subject}\n\n{text}".encode()
    assert read_bounce(read(raw)) is None
    assert judge(read(raw), own_addresses=OWN, own_instance="i").kind == "person"
