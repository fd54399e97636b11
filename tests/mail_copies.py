"""Copies of mails as lists, forwarders and attackers make them; the writer's fields stay (B3)."""

import base64
import quopri
import re
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

ADDED = (
    b"List-ID: <support.lists.example.se>",
    b"List-Post: <mailto:support@lists.example.se>",
    b"Sender: support-bounces@lists.example.se",
    b"Resent-From: vidare@annan.se",
    b"Resent-Date: Tue, 03 Nov 2026 10:00:00 +0100",
    b"DKIM-Signature: v=1; a=rsa-sha256; d=lists.example.se; s=s; h=from; bh=AA==; b=AA==",
    b"Comments: 1",
    b"Keywords: x",
    b"Received: from mx.annan.se by mail.annan.se; Tue, 03 Nov 2026 10:00:00 +0100",
    b"X-Forwarded-To: support@example.se",
    b"Errors-To: nobody@lists.example.se",
    b"Precedence: list",
    b"Importance: high",
    b"Archived-At: <https://lists.example.se/1>",
    b"Thread-Topic: Skrivaren",
    b"Original-From: x@y.se",
    b"ARC-Seal: i=1; a=rsa-sha256; cv=none",
    b"Authentication-Results: mx.annan.se; dmarc=fail header.from=acme.se",
    b"Reply-To: list@lists.example.se",
    b"Content-Language: sv",
)


@dataclass(frozen=True)
class Mail:
    """A mail in pieces: its header fields, folded as they came, and its body."""

    fields: tuple[bytes, ...]
    body: bytes

    @classmethod
    def of(cls, raw: bytes) -> "Mail":
        """Take a mail apart."""
        head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
        return cls(tuple(re.split(rb"\n(?![ \t])", head)), body)

    def raw(self, end: bytes = b"\n") -> bytes:
        """Put it together, with these line ends."""
        return (b"\n".join(self.fields) + b"\n\n" + self.body).replace(b"\n", end)

    def without(self, name: bytes) -> "Mail":
        """The same without a field."""
        left = [each for each in self.fields if not each.lower().startswith(name.lower() + b":")]
        return Mail(tuple(left), self.body)

    def header(self, name: bytes) -> bytes:
        """The value of a field; empty where it is missing."""
        for each in self.fields:
            if each.lower().startswith(name.lower() + b":"):
                return each.partition(b":")[2].strip()
        return b""


def encoded_anew(mail: Mail, encoding: str) -> Mail:
    """A mail of one text, its body in another transfer encoding; of several parts: as it is."""
    if b"multipart" in mail.header(b"Content-Type"):
        return mail
    body = _decoded(mail)
    if encoding == "base64":
        body = base64.encodebytes(body.replace(b"\n", b"\r\n"))
    elif encoding == "quoted-printable":
        body = quopri.encodestring(body)
    others = mail.without(b"Content-Transfer-Encoding")
    return Mail((*others.fields, f"Content-Transfer-Encoding: {encoding}".encode()), body)


def _decoded(mail: Mail) -> bytes:
    encoding = mail.header(b"Content-Transfer-Encoding").lower()
    if encoding == b"base64":
        return base64.b64decode(mail.body).replace(b"\r\n", b"\n")
    return quopri.decodestring(mail.body) if encoding == b"quoted-printable" else mail.body


def with_footer(mail: Mail) -> Mail:
    """A mail of one text with a list's words below; its Message-ID stays."""
    body = _decoded(mail) + b"\n____________\nsupport mailing list\nhttps://lists.example.se/\n"
    return Mail(mail.without(b"Content-Transfer-Encoding").fields, body)


def with_brackets(mail: Mail) -> Mail:
    """The list's name in the subject."""
    subject = mail.header(b"Subject")
    prefix = re.match(rb"(?i)(?:re|sv): ", subject)
    cut = prefix.end() if prefix else 0
    named = b"Subject: " + subject[:cut] + b"[support-list] " + subject[cut:]
    return Mail((*mail.without(b"Subject").fields, named), mail.body)


def renamed(mail: Mail) -> Mail:
    """Another Message-ID."""
    others = mail.without(b"Message-ID")
    return Mail((*others.fields, b"Message-ID: <anew@lists.example.se>"), mail.body)


_Change = Callable[[Mail], Mail]


@st.composite
def copies(draw: st.DrawFn, *, keeps_id: bool) -> Callable[[bytes], bytes]:
    """How a copy is made: fields added, dropped, in another order, texts encoded anew.

    With the Message-ID that the mail had there may be a footer. A copy with neither its text nor
    its Message-ID is one with the mail by no rule.
    """
    added = draw(st.lists(st.sampled_from(ADDED), unique=True, max_size=5))
    encoding = draw(st.sampled_from([None, "base64", "quoted-printable", "8bit"]))
    footer = keeps_id and draw(st.booleans())
    dropped = draw(st.lists(st.sampled_from([b"Message-ID", b"User-Agent", b"Sender"]), max_size=2))
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    order = draw(st.randoms(use_true_random=False))
    brackets, blank = draw(st.booleans()), draw(st.sampled_from([b"", b"\n\n", b" \n"]))

    def make(raw: bytes) -> bytes:
        mail = Mail.of(raw)
        if keeps_id:
            mail = with_footer(mail) if footer else mail
        elif dropped:
            for name in dropped:
                mail = mail.without(name)
        else:
            mail = renamed(mail)
        mail = encoded_anew(mail, encoding) if encoding else mail
        mail = with_brackets(mail) if brackets else mail
        fields = [*mail.fields, *added]
        order.shuffle(fields)
        return Mail(tuple(fields), mail.body + blank).raw(end)

    return make
