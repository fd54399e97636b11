"""Forged, doctored and automatic mail: nothing is booked, relayed or answered (D1, D2, J2, C1)."""

from email import message_from_bytes
from email.header import decode_header, make_header

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.store.money import ledger, register
from daemon.store.tickets import tickets
from tests.builders import a_desk, a_mail, an_engineers_mail, header_of, instant, text_of
from tests.servers import sqlite_template  # noqa: F401  a fixture

CHEQUE = "Fakturera det här.\n\n[tid: 9h]\n"
PASS = "mx.example.se; dmarc=pass header.from=example.se"
ANNA = "Anna Svensson <anna@example.se>"


@pytest.fixture
def notice(desk):
    desk.get(a_mail(), "2026-11-20 09:00")
    return desk.mailer.to("anna@example.se")[0]


def booked(desk):
    with desk.desk.store.reading() as tx:
        return ledger.of_customer(tx, register.customer_by_key(tx, "acme").id)


def ticket(desk, number=1001):
    with desk.desk.store.reading() as tx:
        return tickets.by_number(tx, number)


def with_headers(raw: bytes, *fields: str) -> bytes:
    return "".join(f"{field}\r\n" for field in fields).encode() + raw.replace(
        b"\r\n", b"\n"
    ).replace(b"\n", b"\r\n")


# --- spoofed engineers (S01–S03, S05) ---------------------------------------------------------

SPOOFS = {
    "no proof": lambda n: a_mail(ANNA, "SV: x", CHEQUE, reply_to=n),
    "dmarc fail": lambda n: a_mail(
        ANNA, "SV: x", CHEQUE, reply_to=n, proof="mx.example.se; dmarc=fail header.from=example.se"
    ),
    "another server's word": lambda n: a_mail(
        ANNA, "SV: x", CHEQUE, reply_to=n, proof=PASS.replace("mx.example", "mx.evil")
    ),
    "forged below the border's": lambda n: with_headers(
        a_mail(ANNA, "SV: x", CHEQUE, reply_to=n, proof=PASS),
        "Authentication-Results: mx.example.se; dmarc=fail header.from=example.se",
    ),
    "forged in a comment": lambda n: a_mail(
        ANNA, "SV: x", CHEQUE, reply_to=n, proof="mx.example.se (dmarc=pass header.from=example.se)"
    ),
    "pass for another domain": lambda n: a_mail(
        ANNA, "SV: x", CHEQUE, reply_to=n, proof="mx.example.se; dmarc=pass header.from=evil.se"
    ),
    "second Subject": lambda n: with_headers(
        a_mail(ANNA, "SV: x", CHEQUE, reply_to=n, proof=PASS), "Subject: [#1001] [tid: 9h]"
    ),
    "second To": lambda n: with_headers(
        a_mail(ANNA, "SV: x", CHEQUE, reply_to=n, proof=PASS), "To: someone@evil.se"
    ),
    "second In-Reply-To": lambda n: with_headers(
        a_mail(ANNA, "SV: x", CHEQUE, reply_to=n, proof=PASS), "In-Reply-To: <x@evil.se>"
    ),
    "two From": lambda n: with_headers(
        a_mail(ANNA, "SV: x", CHEQUE, reply_to=n, proof=PASS), "From: eve@evil.se"
    ),
    "two mailboxes in From": lambda n: a_mail(
        "eve@evil.se, anna@example.se", "SV: x", CHEQUE, reply_to=n, proof=PASS
    ),
}


@pytest.mark.parametrize("spoof", SPOOFS.values(), ids=SPOOFS)
def test_a_spoofed_engineer_books_nothing_and_the_registered_one_is_told_D1(desk, notice, spoof):
    desk.work("2026-11-20 09:30")
    before = list(desk.mailer.sent)
    desk.get(spoof(notice), "2026-11-20 10:00")
    assert booked(desk) == []
    sent = desk.mailer.sent[len(before) :]
    assert [address for address, _ in sent] == ["anna@example.se"]
    assert "Är mejlet från dig?" in str(
        make_header(decode_header(header_of(sent[0][1], "Subject")))
    )


@pytest.mark.parametrize(
    "sender",
    [
        '"anna@example.se" <eve@evil.se>',
        "Anna Svensson <anna@example.se.evil.se>",
        "Anna Svensson <аnna@example.se>",  # a Cyrillic letter
        "anna@example.se@evil.se",
    ],
)
def test_who_only_looks_like_an_engineer_is_none_D1(desk, notice, sender):
    desk.get(
        with_headers(
            b"To: support@example.se\nSubject: SV: x\nDate: Mon, 02 Nov 2026 10:00:00 +0100\n"
            b"In-Reply-To: "
            + header_of(notice, "Message-ID").encode()
            + b"\n\nBetala. [tid: 9h]\n",
            f"From: {sender}",
        ),
        "2026-11-20 10:00",
    )
    assert booked(desk) == []
    assert len(desk.mailer.to("bo@acme.se")) == 1


TAG = "[tid: 9h]"
SCOPES = {
    "quote": f"Nu går den.\n\nDen 2026-11-20 kl. 09:00, skrev Bo Ek:\n> {TAG}\n",
    "forward": (
        "Nu går den.\n\n---------- Forwarded message ---------\nFrån: Bo Ek <bo@acme.se>\n"
        f"Date: fre 20 nov. 2026 kl 08:00\nSubject: x\nTo: a@b.se\n\n{TAG}\n"
    ),
    "original message": f"Nu går den.\n\n-----Ursprungligt meddelande-----\nFrån: Bo\n\n{TAG}\n",
}


@pytest.mark.parametrize("text", SCOPES.values(), ids=SCOPES)
def test_a_tag_outside_the_new_text_books_nothing_C2(desk, notice, text):
    desk.get(an_engineers_mail(text, reply_to=notice), "2026-11-20 10:00")
    assert booked(desk) == []
    assert "9h" not in text_of(desk.mailer.to("bo@acme.se")[-1])
    assert "citerad eller dold text: ”tid: 9h”" in text_of(desk.mailer.to("anna@example.se")[-1])


@pytest.mark.parametrize(
    "style", ["display:none", "font-size:0", "opacity:0", "visibility:hidden", "mso-hide:all"]
)
def test_a_tag_that_nobody_sees_books_nothing_S06(desk, notice, style):
    raw = an_engineers_mail("x", reply_to=notice)
    page = f"<p>Nu går den.</p><div style='{style}'>{TAG}</div>"
    hidden = raw.replace(b"text/plain", b"text/html").replace(b"\nx\n", f"\n{page}\n".encode())
    desk.get(hidden, "2026-11-20 10:00")
    assert booked(desk) == []
    assert b"9h" not in desk.mailer.to("bo@acme.se")[-1]
    assert "citerad eller dold text: ”tid: 9h”" in text_of(desk.mailer.to("anna@example.se")[-1])


def test_the_html_form_counts_nothing_beside_the_plain_one_C12(desk, notice):
    mail = message_from_bytes(an_engineers_mail("Nu går den.", reply_to=notice))
    from email.mime.multipart import MIMEMultipart
    from email.mime.text import MIMEText

    both = MIMEMultipart("alternative")
    for name in ("Authentication-Results", "From", "To", "Subject", "Date", "Message-ID"):
        both[name] = mail[name]
    both["In-Reply-To"] = mail["In-Reply-To"]
    both.attach(MIMEText("Nu går den.", "plain", "utf-8"))
    both.attach(MIMEText(f"<p>Nu går den. {TAG}</p>", "html", "utf-8"))
    desk.get(both.as_bytes(), "2026-11-20 10:00")
    assert booked(desk) == []
    assert b"9h" not in desk.mailer.to("bo@acme.se")[-1]


# --- what gets nothing (S08, S09, S11) --------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        [("Auto-Submitted", "auto-replied")],
        [("Auto-Submitted", "auto-generated")],
        [("Return-Path", "<>")],
        [("Precedence", "bulk")],
        [("List-Id", "<lista.acme.se>")],
        [("List-Unsubscribe", "<mailto:x@acme.se>")],
        [("X-Auto-Response-Suppress", "All")],
        [("X-Autoreply", "yes")],
        [("X-Loop", "x")],
    ],
)
@pytest.mark.parametrize("answers", [False, True])
def test_automatic_mail_is_never_answered_automatically_J2(desk, notice, headers, answers):
    confirmation = desk.mailer.to("bo@acme.se")[0]
    before = len(desk.mailer.to("bo@acme.se"))
    mail = a_mail(
        subject="Frånvaro",
        text="Jag är borta. Prio 1",
        headers=headers,
        reply_to=confirmation if answers else None,
    )
    desk.get(mail, "2026-11-20 10:00")
    desk.get(an_engineers_mail("[klar] [intern]", reply_to=notice), "2026-11-20 10:05")
    told = desk.mailer.to("bo@acme.se")[before:]
    assert [header_of(raw, "Subject")[:7] for raw in told] == ["[#1001]"]  # closed, by a person


def test_a_ticket_that_a_machine_opened_closes_without_a_word_to_it_J2(desk):
    machine = a_mail(subject="Disken full", headers=[("Auto-Submitted", "auto-generated")])
    desk.get(machine, "2026-11-20 09:00")
    (notice,) = desk.mailer.to("anna@example.se")
    desk.get(an_engineers_mail("[prio: 1] [intern] [klar]", reply_to=notice), "2026-11-20 10:00")
    assert desk.mailer.to("bo@acme.se") == []
    desk.get(an_engineers_mail("Nu finns det plats.", reply_to=notice), "2026-11-20 10:10")
    assert len(desk.mailer.to("bo@acme.se")) == 1


def test_reply_to_of_a_third_party_gets_nothing_S11(desk):
    desk.get(a_mail(headers=[("Reply-To", "offer@tredje.se")]), "2026-11-20 09:00")
    assert desk.mailer.to("offer@tredje.se") == []
    (confirmation,) = desk.mailer.to("bo@acme.se")
    assert "Skrivaren på plan 2" not in text_of(confirmation)


def test_mail_from_our_own_address_opens_a_ticket_that_answers_nobody(desk):
    desk.get(a_mail("support@example.se", "Hej", "Hej"), "2026-11-20 09:00")
    assert ticket(desk).requester == ""
    (notice,) = desk.mailer.to("anna@example.se")
    desk.get(an_engineers_mail("Vem är du?", reply_to=notice), "2026-11-20 09:30")
    assert {address for address, _ in desk.mailer.sent} <= {"anna@example.se", "erik@example.se"}
    assert "ingen mottagare" in text_of(desk.mailer.to("anna@example.se")[-1])


def test_bounces_of_our_own_notices_never_make_notices_of_their_own(desk, notice):
    for number in range(3):
        told = desk.mailer.to("erik@example.se")[-1]
        desk.get(a_bounce(told, "erik@example.se", number), f"2026-11-20 10:0{number}")
    assert len(desk.mailer.to("erik@example.se")) == 1
    assert len(desk.mailer.to("drift@example.se")) == 1


def a_bounce(sent: bytes, recipient: str, number: int) -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example.se\r\nTo: support@example.se\r\nSubject: Undelivered\r\n"
        f"Date: Fri, 20 Nov 2026 09:41:00 +0100\r\nMessage-ID: <b{number}@mx.example.se>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; "
        'boundary="b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n'
        "Reporting-MTA: dns; mx.example.se\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.2.2\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {header_of(sent, 'Message-ID')}\r\n\r\n--b--\r\n"
    ).encode()


@pytest.mark.parametrize(
    "sender", ["åsa@acme.se", "bo@acme..se", f"{'x' * 80}@acme.se", '"bo ek"@acme.se']
)
def test_a_sender_whom_no_mail_can_reach_is_shown_as_such(desk, sender):
    raw = a_mail().replace(b"From: Bo Ek <bo@acme.se>", f"From: Bo Ek <{sender}>".encode())
    desk.get(raw, "2026-11-20 09:00")
    (notice,) = desk.mailer.to("anna@example.se")
    desk.get(an_engineers_mail("Nu går den.", reply_to=notice), "2026-11-20 09:30")
    told = text_of(desk.mailer.to("anna@example.se")[-1])
    reached = [each for each, _ in desk.mailer.sent if each.endswith("acme.se")]
    assert reached or "ingen mottagare" in told


# --- headers and names (S24) ------------------------------------------------------------------

NASTY = st.text(
    st.one_of(
        st.sampled_from("\r\n\x00\u202e\u2028\x0b\x85;:,<>\"'\\/[]()=?@ "),
        st.characters(codec="utf-8", exclude_categories=["Cs"]),
    ),
    max_size=40,
)


def encoded(text: str) -> str:
    import base64

    return f"=?utf-8?b?{base64.b64encode(text.encode()).decode()}?="


def a_nasty_mail(subject: str, name: str, file: str) -> bytes:
    return (
        f"From: {encoded(name)} <bo@acme.se>\r\nTo: support@example.se\r\n"
        f"Subject: {encoded(subject)}\r\nDate: Fri, 20 Nov 2026 09:00:00 +0100\r\n"
        "Message-ID: <nasty@acme.se>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
        f"Content-Type: text/plain; charset=utf-8\r\n\r\nHej {name} {subject}\r\n--b\r\n"
        f'Content-Type: application/pdf; name="{encoded(file)}"\r\n'
        f'Content-Disposition: attachment; filename="{encoded(file)}"\r\n\r\n%PDF\r\n--b--\r\n'
    ).encode()


KNOWN = {
    "from",
    "to",
    "cc",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "auto-submitted",
    "x-auto-response-suppress",
    "x-avtald-instance",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
}


def is_sound(raw: bytes) -> None:
    mail = message_from_bytes(raw)
    names = [name.lower() for name in mail.keys()]  # noqa: SIM118  every one, repeated ones too
    assert set(names) <= KNOWN
    assert len(names) == len(set(names))
    head = raw.split(b"\r\n\r\n", 1)[0]
    assert head.isascii()
    assert b"\x00" not in head
    for value in (mail["Subject"], mail["From"], mail["To"]):
        shown = str(make_header(decode_header(value)))
        assert not set(shown.replace("\r\n", "")) & set("\x00\u202e\u2028\x0b\x85")
    for part in mail.walk():
        file = part.get_filename()
        if file:
            file = str(make_header(decode_header(file)))
            assert not set(file) & set('/\\\x00\r\n\u202e:"<>|?*')
            assert not file.startswith(".")


@given(NASTY, NASTY, NASTY)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_name_or_subject_makes_a_header_or_a_path_S24(make_desk, subject, name, file):
    desk = make_desk()
    desk.get(a_nasty_mail(subject, name, file), "2026-11-20 09:00")
    assert ticket(desk) is not None
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(an_engineers_mail("Nu går den.", reply_to=notice), "2026-11-20 09:30")
    assert len(desk.mailer.to("bo@acme.se")) == 2
    for _, raw in desk.mailer.sent:
        is_sound(raw)


@pytest.mark.parametrize("text", ["a\x00b", "a\r\nBcc: x@evil.se", "\u202egpj.exe", "\ud800"])
def test_the_same_on_both_engines_S24(any_store, tmp_path, text):
    desk = a_desk(any_store, tmp_path)
    shown = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    desk.get(a_nasty_mail(shown, shown, shown), "2026-11-20 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(
        an_engineers_mail(f"Hej {shown} [tid: 1h; {shown}]", reply_to=notice), "2026-11-20 10:00"
    )
    with desk.desk.store.reading() as tx:
        found = tickets.by_number(tx, 1001)
        assert "\x00" not in found.subject + found.requester_name
        assert found.opened_at == instant("2026-11-20 09:00")
    for _, raw in desk.mailer.sent:
        is_sound(raw)


def test_operators_are_told_in_words_why_a_message_could_not_be_read_B4(desk):
    desk.get(a_mail(text="en rad text\n" * 100_000), "2026-11-20 09:00")
    (alarm,) = desk.mailer.to("drift@example.se")
    assert "texten är för stor" in text_of(alarm)
