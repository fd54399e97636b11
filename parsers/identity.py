"""The identity of a message: the writer's own work, the same in every copy of it (B3).

A message comes again through a crash, a second mailbox, a list, a forwarder or an attacker. Under
way fields are added, dropped and rewritten, and texts are encoded anew; the writer's addresses,
date, subject and text stay. They alone make the identity.

A list's footer changes the text. Such a copy keeps its Message-ID, its From and its Date, and these
make the `hint`. A Message-ID alone is no hint: some programs use one again for another mail.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from parsers import addresses, date_field, header, html, mime, subject
from parsers.message import Message

_LONGEST_BLOCK = 1024 * 1024  # a longer header block is shelved, and its message hashed as it is
_LONGEST_FIELD = 16 * 1024  # a longer field of addresses is hashed as it is
_MOST_ADDRESSES = 500
_LIMITS = mime.Limits()  # never the settings': an identity holds for ever
_LONGEST_TEXT = 2 * 1024 * 1024  # nobody reads a longer part as text, and nobody wraps its lines

_OF_THE_WRITER = ("from", "to", "cc", "date", "subject", "message-id")
_OF_THE_TEXT = ("content-type", "content-transfer-encoding")
_READ = frozenset((*_OF_THE_WRITER, *_OF_THE_TEXT))
_Fields = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Marks:
    """The signs of a message: its identity, and the hint where it has one (SHA-256 in hex)."""

    identity: str
    hint: str | None = None


def identity(raw: bytes, *, delivery: str) -> str:
    """Give the identity alone, as `marks` does."""
    return marks(raw, delivery=delivery).identity


def marks(raw: bytes, *, delivery: str) -> Marks:
    """Give the marks that all copies of a message share.

    A message whose Date nobody can read has its Message-ID beside it. Without both it is one per
    delivery: `delivery`, unique by the caller's care, stands there. Never raises.
    """
    if b"\n" not in raw[:_LONGEST_BLOCK]:
        raw = raw.replace(b"\r", b"\n")
    end, start = header.split(raw, _LONGEST_BLOCK)
    if end >= _LONGEST_BLOCK:
        return Marks(hashlib.sha256(_normal(raw)).hexdigest())
    listed, real_end, _ = header.fields(raw[:end])
    fields = _by_name(listed)
    message_id = "".join(fields.get("message-id", ("",))[0].split())
    dates = list(map(_collapsed, fields.get("date", ())))
    instants = list(map(date_field.instant, dates))
    written = f"{instants}" if any(instants) else " ".join(dates)
    sender = _sender(fields.get("from", ()))
    texts = [
        f"from {sender}",
        *(f"{name} {_addresses(fields.get(name, ()))}" for name in ("to", "cc")),
        f"date {written}",
        *([] if any(instants) else [f"id {message_id or ('' if written else delivery)}"]),
        f"subject {[_subject(value) for value in fields.get('subject', ())]}",
    ]
    digest = hashlib.sha256(_encoded(texts))
    for content in _texts(raw, real_end if real_end < end else start, fields):
        digest.update(hashlib.sha256(content).digest())
    return Marks(digest.hexdigest(), _hint(message_id, sender, written))


def _hint(message_id: str, sender: str, written: str) -> str | None:
    if not message_id or not written:
        return None
    return hashlib.sha256(_encoded([message_id, sender, written])).hexdigest()


def _encoded(texts: list[str]) -> bytes:
    return "\n".join(texts).encode("utf-8", "surrogatepass")


def _by_name(listed: header.Fields) -> _Fields:
    """Give the values of each field, unfolded, by its name in lower case."""
    out: _Fields = {}
    for name, value in listed:
        key = name.lower()
        if key in _READ:
            out[key] = (*out.get(key, ()), header.unfold(value))
    return out


def _collapsed(value: str) -> str:
    return " ".join(value.split())


def _sender(values: tuple[str, ...]) -> str:
    """Give the address of the one sender; else the fields as they are, unlike any address."""
    one = addresses.one_mailbox(values[0]) if len(values) == 1 else None
    return one.address if one else repr(list(map(_collapsed, values)))


def _addresses(values: tuple[str, ...]) -> list[str]:
    """Give the addresses of a field, each once, in order of the alphabet."""
    out: set[str] = set()
    for value in values:
        if len(value) > _LONGEST_FIELD:
            out.add(_collapsed(value))
        else:
            out.update(box.address for box in addresses.mailboxes(value, _MOST_ADDRESSES))
    return sorted(out)


def _subject(value: str) -> tuple[str, list[int]]:
    return subject.own_words(header.decode_words(value[:_LONGEST_FIELD]))


def _texts(raw: bytes, start: int, fields: _Fields) -> Iterator[bytes]:
    """Give the text of each part that has any, decoded and in normal form."""
    for content in mime.leaves(raw, start, fields, _LIMITS):
        text = _normal(content)
        if text:
            yield text


def _normal(content: bytes) -> bytes:
    """Give a text with LF line ends, without white space at the ends of its lines and its own."""
    text = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if len(text) <= _LONGEST_TEXT:
        text = b"\n".join([line.rstrip() for line in text.split(b"\n")])
    return text.rstrip()


def is_within(inner: Message, outer: Message) -> bool:
    """Tell if a message holds the whole text of another, and its files: a list added its footer."""
    if inner.refusal or outer.refusal:
        return False
    kept = {attachment.content for attachment in outer.attachments}
    files = all(attachment.content in kept for attachment in inner.attachments)
    return files and _words(inner) in _words(outer)


def _words(message: Message) -> str:
    """Give a message's text on one line."""
    plain = message.text
    return _collapsed(plain if plain and plain.strip() else html.all_text(message.html or ""))
