"""The identity of a message: the same however, and however often, it was delivered (B3)."""

import hashlib
import re

from parsers import header

# The headers that delivery adds (rules.md B3)
_DELIVERY = re.compile(
    rb"^(?:received[^:\n]*|return-path|delivered-to|envelope-to|delivery-date|original-recipient"
    rb"|authentication-results|(?:arc|x)-[^:\n]*)[ \t]*:",
    re.IGNORECASE,
)
_HINT = re.compile(rb"^(?:date|message-id)[ \t]*:[ \t]*[^ \t\r\n]", re.IGNORECASE)
_FOLD = re.compile(rb"\n[ \t]")
_WHITE = re.compile(rb"[ \t\n]+")
_LONGEST = 1024 * 1024  # of a header block; what is longer is shelved, and hashed as it is


def _unfolded(block: bytes) -> list[bytes]:
    return [line for line in _FOLD.sub(b" ", block).split(b"\n") if line]


def _normal(field: bytes) -> bytes:
    """Give a field on one line, its name in lower case, white space as single spaces."""
    name, colon, value = field.partition(b":")
    return name.strip().lower() + colon + _WHITE.sub(b" ", value).strip()


def identity(raw: bytes, *, delivery: str) -> str:
    """Give the SHA-256 (hex) that every copy of one message shares.

    Over the message with CRLF line ends, unfolded headers and trailing empty lines cut, without
    the headers that delivery adds. A message with neither Date nor Message-ID is one per delivery:
    `delivery`, which the caller makes unique, is then part of it. Never raises.
    """
    text = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n")
    end, start = header.split(text, _LONGEST)
    fields = _unfolded(text[:end])
    if fields and fields[0].startswith((b"From ", b">From ")):  # mbox, no header
        del fields[0]
    kept = [field for field in fields if not _DELIVERY.match(field)]
    digest = hashlib.sha256(b"\r\n".join(map(_normal, kept)))
    digest.update(b"\r\n\r\n")
    digest.update(text[start:].replace(b"\n", b"\r\n"))
    if not any(map(_HINT.match, kept)):
        digest.update(b"\0" + delivery.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
