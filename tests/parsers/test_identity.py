"""The identity of a message (B3)."""

import re
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.identity import identity, is_within, marks
from parsers.message import read
from tests.mail_copies import copies

MAIL = (
    b"From: Bo Ek <bo@kund.se>\r\nTo: support@example.se, Eva <eva@kund.se>\r\n"
    b"Subject: =?utf-8?Q?Skrivaren?= st\xc3\xa5r\r\n"
    b"Date: Mon, 12 May 2025 10:32:00 +0200\r\nMessage-ID: <1@kund.se>\r\nMIME-Version: 1.0\r\n\r\n"
    b"Hej\r\n\r\nD\xe5\r\n"
)
PARTS = (
    MAIL.partition(b"\r\n\r\n")[0]
    + b'\r\nContent-Type: multipart/mixed; boundary="a"\r\n\r\nfor old readers\r\n--a\r\n'
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"H=C3=A4r \xc3\xa4r bilden.\r\n--a\r\nContent-Type: image/png\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--a--\r\n"
)


def of(raw, delivery="d"):
    return identity(raw, delivery=delivery)


def in_mime(fields, body):
    """The mail with these MIME fields, and this for its body."""
    return MAIL.partition(b"MIME")[0] + fields + b"\r\n\r\n" + body


ADDED = (
    "Received",
    "Return-Path",
    "Authentication-Results",
    "ARC-Seal",
    "X-Spam-Flag",
    "List-ID",
    "List-Unsubscribe",
    "Sender",
    "Resent-To",
    "Resent-Message-ID",
    "DKIM-Signature",
    "Comments",
    "Keywords",
    "Precedence",
    "In-Reply-To",
    "References",
    "Reply-To",
    "Content-Language",
    "Auto-Submitted",
    "Organization",
)
SAME = {
    "LF": MAIL.replace(b"\r\n", b"\n"),
    "CR": MAIL.replace(b"\r\n", b"\r"),
    "trailing empty lines": MAIL + b"\r\n\r\n \r\n",
    "no line end": MAIL.rstrip(),
    "white space at a line's end": MAIL.replace(b"Hej\r\n", b"Hej \t\r\n"),
    "folded": MAIL.replace(b"Bo Ek <", b"Bo\r\n Ek\r\n\t<"),
    "an mbox line": b"From bo@kund.se Mon May 12 10:32:00 2025\r\n" + MAIL,
    "the case of a name": MAIL.replace(b"Message-ID", b"MESSAGE-Id"),
    "another Message-ID": MAIL.replace(b"1@kund", b"2@list"),
    "no Message-ID": MAIL.replace(b"Message-ID: <1@kund.se>\r\n", b""),
    "another name": MAIL.replace(b"Bo Ek <bo@kund.se>", b'"Ek, Bo" <BO@Kund.se> (x)'),
    "To in another order": MAIL.replace(
        b"support@example.se, Eva <eva@kund.se>", b"eva@kund.se, Help <support@example.se>"
    ),
    "a reply's prefix": MAIL.replace(b"Subject: ", b"Subject: SV: Re: "),
    "a list's name": MAIL.replace(b"Subject: ", b"Subject: [support] Re: [Lista 2] "),
    "the subject not encoded": MAIL.replace(b"=?utf-8?Q?Skrivaren?=", b"Skrivaren"),
    "another zone": MAIL.replace(b"10:32:00 +0200", b"08:32:00 +0000 (UTC)"),
    "quoted-printable": in_mime(
        b"Content-Transfer-Encoding: quoted-printable", b"H=65j\r\n\r\n=44=E5"
    ),
    "base64": in_mime(b"Content-Transfer-Encoding: base64", b"SGVqDQoNCkTlDQo="),
    "a part of one": in_mime(
        b"Content-Type: multipart/mixed; boundary=x", b"--x\r\n\r\nHej\r\n\r\nD\xe5\r\n--x--\r\n"
    ),
} | {name: f"{name}: x\r\n\ty\r\n".encode() + MAIL for name in ADDED}


@pytest.mark.parametrize("name", SAME)
def test_copies_of_one_message_have_one_identity_B3(name):
    assert of(SAME[name], "another delivery") == of(MAIL)


def test_parts_may_be_bounded_encoded_and_described_anew_B3():
    other = (
        PARTS.replace(b'boundary="a"', b"boundary=b")
        .replace(b"--a", b"--b")
        .replace(b"for old readers\r\n", b"")
        .replace(b"quoted-printable", b"8bit")
        .replace(b"H=C3=A4r", "Här".encode())
        .replace(b"image/png", b"image/png; name=x.png")
    )
    assert of(other) == of(PARTS)
    assert of(PARTS.replace(b"iVBO", b"iVBP")) != of(PARTS)


@pytest.mark.parametrize(
    "raw",
    [
        MAIL.replace(b"Hej", b"hej"),
        MAIL + b"x",
        MAIL.replace(b"Hej\r\n\r\n", b"Hej\r\n"),
        MAIL.replace(b"10:32:00", b"10:32:01"),
        MAIL.replace(b"Subject: ", b"Subject: [#1042] "),
        MAIL.replace("står".encode(), b"ligger"),
        MAIL.replace(b"bo@kund", b"eva@kund"),
        MAIL.replace(b", Eva <eva@kund.se>", b""),
        b"Cc: chef@kund.se\r\n" + MAIL,
        b"From: eve@evil.se\r\n" + MAIL,
        MAIL.replace(b"bo@kund.se", b"bo@kund.se, eve@evil.se"),
    ],
)
def test_what_the_writer_made_tells_messages_apart_B3(raw):
    assert of(raw) != of(MAIL)


def test_our_ticket_mark_counts_wherever_it_stands_in_the_subject_B3():
    """A time tag on another ticket is another word."""
    first, second = (
        MAIL.replace(b"Subject: ", b"Subject: " + s) for s in (b"[#1] Re: ", b"Re: [#1] ")
    )
    assert of(first) == of(second)
    assert of(first) != of(MAIL.replace(b"Subject: ", b"Subject: [#2] "))


BARE = b"From: bo@kund.se\r\nX-Date: 1\r\n\r\nDate: hej\r\n"


def test_a_message_with_neither_date_nor_message_id_is_one_per_delivery_B3():
    for bare in (BARE, b"Message-ID: \r\nDate: \r\n" + BARE):
        assert of(bare, "1") != of(bare, "2")
        assert of(bare, "1") == of(bare, "1")
    assert of(b"Date: x\r\n" + BARE, "1") == of(b"Date: x\r\n" + BARE, "2")


def test_without_a_readable_date_the_message_id_tells_messages_apart_B3():
    """Two alarms of one machine, whose clock nobody set, are two."""
    for date in (b"", b"Date: in the morning\r\n"):
        one, two = (b"Message-ID: <%d@x>\r\n" % n + date + BARE for n in (1, 2))
        assert of(one) != of(two)
        assert of(one, "1") == of(one, "2")


def test_a_list_s_footer_leaves_the_hint_B3():
    footer = MAIL + b"____\r\nlist info\r\n"
    assert marks(footer, delivery="d").identity != marks(MAIL, delivery="d").identity
    assert marks(footer, delivery="d").hint == marks(MAIL, delivery="d").hint is not None


@pytest.mark.parametrize(
    "raw",
    [
        MAIL.replace(b"10:32:00", b"10:32:01"),  # a program that uses its Message-IDs again
        MAIL.replace(b"1@kund", b"2@kund"),
        MAIL.replace(b"bo@kund", b"eva@kund"),
        MAIL.replace(b"Message-ID: <1@kund.se>\r\n", b""),
        MAIL.replace(b"Date: Mon, 12 May 2025 10:32:00 +0200\r\n", b""),
    ],
)
def test_a_message_id_alone_is_no_hint_B3(raw):
    assert marks(raw, delivery="d").hint != marks(MAIL, delivery="d").hint


@given(copies(keeps_id=False))
def test_any_copy_has_the_identity_B3(copy):
    assert of(copy(MAIL)) == of(MAIL)


@given(copies(keeps_id=True))
def test_any_copy_shares_the_identity_or_the_hint_B3(copy):
    one, two = marks(copy(MAIL), delivery="1"), marks(MAIL, delivery="2")
    assert one.identity == two.identity or one.hint == two.hint


@given(st.binary(max_size=300))
def test_rubbish_has_an_identity_too_B3(raw):
    assert re.fullmatch("[0-9a-f]{64}", of(raw))
    of(b"Content-Type: multipart/mixed; boundary=a\nSubject: " + raw)


def test_an_identity_is_the_same_in_every_process_B3():
    """It is kept: no order of a set, and no hash of this process, may be in it."""
    script = (
        "import sys; from parsers.identity import identity;"
        "print(identity(sys.stdin.buffer.read(), delivery='d'))"
    )
    for seed in "12":
        told = subprocess.run(
            [sys.executable, "-c", script],
            input=PARTS,
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        )
        assert told.stdout.decode().strip() == of(PARTS)


HOSTILE = {
    "many headers": b"".join(b"X-%d: y\r\n" % n for n in range(80_000)) + b"\r\nx",
    "no end of the headers": b"X: y\r\n" * 400_000,
    "many addresses": b"To: " + b"a@b.se, " * 2000 + b"\r\n\r\nx",
    "one long address field": b"To: " + b"a@b.se, " * 50_000 + b"\r\n\r\nx",
    "comments": b"From: " + b"(" * 100_000 + b"\r\n\r\nx",
    "brackets": b"Subject: " + b"[a" * 100_000 + b"\r\n\r\nx",
    "encoded words": b"Subject: " + b"=?utf-8?Q?a?= " * 10_000 + b"\r\n\r\nx",
    "blanks": b"From: a@b.se\r\n\r\n" + b" " * 2_000_000 + b"x",
    "blanks at line ends": b"From: a@b.se\r\n\r\n" + b" x \n" * 500_000,
    "parts": b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\n\r\nx\r\n" * 200_000,
    "nested": b"Content-Type: message/rfc822\r\n\r\n" * 20_000 + b"x",
    "a long date": b"Date: " + b"1" * 100_000 + b"\r\n\r\nx",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_mail_has_its_identity_in_a_moment_B3(name):
    started = time.process_time()
    of(HOSTILE[name])
    assert time.process_time() - started < 5.0


@pytest.mark.parametrize(
    ("outer", "holds"),
    [
        (MAIL + b"\r\n-- \r\nlist\r\n", True),
        (MAIL.replace(b"Hej", b"list:\r\nHej"), True),
        (MAIL.replace(b"Hej\r\n\r\n", b"Hej "), True),
        (MAIL.replace(b"Hej", b"Hopp"), False),
        (MAIL.replace(b"Hej", b"Hej du"), False),
        (
            MAIL.replace(b"MIME", b"Content-Type: text/html\r\nMIME").replace(b"Hej", b"<p>Hej"),
            True,
        ),
    ],
)
def test_a_message_within_another_is_told_by_its_words_B3(outer, holds):
    assert is_within(read(MAIL), read(outer)) is holds


def test_a_message_whose_file_is_missing_is_not_within_another_B3():
    assert is_within(read(PARTS), read(PARTS + b"x"))
    assert not is_within(read(PARTS), read(PARTS.replace(b"iVBO", b"iVBP")))
