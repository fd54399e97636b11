"""The server that a mail came from, by words that its writer could not choose (E1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.message import read
from parsers.origin import is_from

NAMES, TRUSTED = {"mx.example.se"}, {"border.example.se"}
OUTSIDE = "Received: from mx.example.se (evil.example [203.0.113.7]) by mx.example.se with ESMTP; x"
LOCAL = "Received: by mx.example.se (Postfix) id 4F2; x"


def mail(*lines):
    return read("\r\n".join([*lines, "From: <x@y.se>", "", "text"]).encode())


@pytest.mark.parametrize(
    "lines",
    [
        [LOCAL],
        [LOCAL.replace("mx.example.se", "MX.Example.SE.")],
        [LOCAL, OUTSIDE],
        ["Received: from localhost (localhost) by mx.example.se (8.17.1) id 4AK; x"],
        ["Received: from Debian-exim by mx.example.se with local (Exim 4.96) id 1r4; x"],
        ["Received: from mx.example.se by mx.example.se with LMTP id x; y", LOCAL],
        ["Authentication-Results: border.example.se; spf=pass smtp.helo=mx.example.se", OUTSIDE],
        ["Authentication-Results: border.example.se; dmarc=pass header.from=mx.example.se"],
    ],
)
def test_a_servers_own_mail_and_what_the_border_vouches_for_are_its(lines):
    assert is_from(mail(*lines), NAMES, TRUSTED)
    assert not is_from(mail(*lines), {"other.example.se"}, TRUSTED)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [OUTSIDE],
        [OUTSIDE, LOCAL],
        ["Received: by evil.example (Postfix) id 1; by mx.example.se x"],
        ["Received: from localhost (evil.example [203.0.113.7]) by mx.example.se with ESMTP; x"],
        ["Received: from localhost (localhost [127.0.0.1]) by mx.example.se with ESMTP; x", LOCAL],
        ["Received: from [203.0.113.7] (helo=x with local y) by mx.example.se with smtp; x"],
        ["Received: from evil by mx.example.se with LMTP id x; y", OUTSIDE],
        ["Authentication-Results: evil.example; spf=pass smtp.helo=mx.example.se"],
        ["Authentication-Results: border.example.se; spf=fail smtp.helo=mx.example.se"],
        ["Authentication-Results: border.example.se; spf=pass smtp.mailfrom=mx.example.se"],
        [
            "Authentication-Results: border.example.se; spf=none",
            "Authentication-Results: border.example.se; spf=pass smtp.helo=mx.example.se",
        ],
    ],
)
def test_a_mail_from_elsewhere_is_not_whatever_its_lines_say(lines):
    assert not is_from(mail(*lines), NAMES, TRUSTED)


@given(lines=st.lists(st.text(st.characters(codec="latin-1"), max_size=300), max_size=8))
def test_no_header_raises(lines):
    written = [f"Received: {line}" for line in lines]
    assert isinstance(is_from(mail(*written), NAMES, TRUSTED), bool)
