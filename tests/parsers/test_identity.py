"""The identity of a message (B3)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.identity import identity

MAIL = (
    b"From: Bo Ek <bo@kund.se>\r\nTo: support@example.se\r\n"
    b"Subject: =?utf-8?Q?Skrivaren?= st\xc3\xa5r\r\n"
    b"Date: Mon, 12 May 2025 10:32:00 +0200\r\nMessage-ID: <1@kund.se>\r\nMIME-Version: 1.0\r\n\r\n"
    b"Hej\r\n\r\nD\xe5\r\n"
)


def of(raw, delivery="d"):
    return identity(raw, delivery=delivery)


SAME = {
    "LF": MAIL.replace(b"\r\n", b"\n"),
    "trailing empty lines": MAIL + b"\r\n\r\n\r\n",
    "no line end": MAIL.rstrip(),
    "folded": MAIL.replace(b"Bo Ek <", b"Bo\r\n Ek\r\n\t<"),
    "an mbox line": b"From bo@kund.se Mon May 12 10:32:00 2025\r\n" + MAIL,
    "the case of a name": MAIL.replace(b"Message-ID", b"Message-Id"),
} | {
    name: f"{name}: x\r\n\ty\r\n".encode() + MAIL
    for name in (
        "Received",
        "Received-SPF",
        "Return-Path",
        "Delivered-To",
        "Envelope-To",
        "Delivery-Date",
        "Original-Recipient",
        "Authentication-Results",
        "ARC-Seal",
        "ARC-Authentication-Results",
        "X-Spam-Flag",
        "x-anything",
        "RECEIVED",
    )
}


@pytest.mark.parametrize("name", SAME)
def test_copies_of_one_message_have_one_identity(name):
    """B3: line ends, folding, trailing empty lines, and what delivery adds make no difference."""
    assert of(SAME[name]) == of(MAIL)
    assert of(SAME[name], "another delivery") == of(MAIL)


@pytest.mark.parametrize(
    "raw",
    [
        MAIL.replace(b"Hej", b"hej"),
        MAIL.replace(b"1@kund", b"2@kund"),
        MAIL + b"x",
        MAIL.replace(b"Hej\r\n\r\n", b"Hej\r\n"),
        MAIL.replace(b"10:32", b"10:33"),
        MAIL.replace(b"\r\n\r\nHej", b"\r\nHej"),
        MAIL.replace(b"Subject: ", b"Subject: Re: "),
        b"Reply-To: x@y.se\r\n" + MAIL,
    ],
)
def test_different_messages_differ_also_with_one_message_id(raw):
    """B3: Message-ID is only a hint."""
    assert of(raw) != of(MAIL)


def test_a_message_with_neither_date_nor_message_id_is_one_per_delivery():
    """B3."""
    bare = b"From: bo@kund.se\r\nMessage-ID: \r\nX-Date: 1\r\n\r\nDate: hej\r\n"
    assert of(bare, "1") != of(bare, "2")
    assert of(bare, "1") == of(bare, "1")
    assert of(b"Date: x\r\n" + bare, "1") == of(b"Date: x\r\n" + bare, "2")


def model(raw, delivery):
    """The rule once more, line by line, without a regular expression for the whole."""
    lines = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n").split(b"\n")
    at = lines.index(b"") if b"" in lines else len(lines)
    fields = []
    for line in lines[:at]:
        if fields and line[:1] in (b" ", b"\t"):
            fields[-1] += b" " + line
        else:
            fields.append(line)
    out = []
    for field in fields:
        name, colon, value = field.partition(b":")
        bare = name.strip(b" \t").lower()
        added = (b"return-path", b"delivered-to", b"envelope-to", b"delivery-date")
        added += (b"original-recipient", b"authentication-results")
        if colon and (bare in added or bare.startswith((b"received", b"arc-", b"x-"))):
            continue
        out.append((name.strip().lower(), colon, re.sub(rb"[ \t]+", b" ", value).strip()))
    hinted = any(name in (b"date", b"message-id") and value for name, _, value in out)
    return out, lines[at + 1 :], None if hinted else delivery


LINES = st.lists(
    st.sampled_from(
        [
            b"Date: x",
            b"From: a",
            b" more",
            b"\tmore",
            b"",
            b"X-A: b",
            b"Received: y",
            b"text",
            b"a:b",
            b"Message-ID: <1>",
            b"Date:",
            b"x-b: c",
            b"\xff",
        ]
    ),
    max_size=8,
)


@given(LINES, LINES, st.sampled_from([b"\n", b"\r\n"]))
def test_identity_agrees_with_a_model_of_the_rule(left, right, end):
    """B3."""
    if left[:1] and left[0].startswith((b" ", b"\t")):
        left = [b"From: a", *left]
    if right[:1] and right[0].startswith((b" ", b"\t")):
        right = [b"From: a", *right]
    one, two = end.join(left), b"\n".join(right)
    assert (of(one, "1") == of(two, "1")) == (model(one, "1") == model(two, "1"))


@given(st.binary(max_size=300))
def test_rubbish_has_an_identity_too(raw):
    """B3."""
    assert re.fullmatch("[0-9a-f]{64}", of(raw))
