"""A raw message as headers, texts and attachments; it never raises, and limits come first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from parsers import addresses, header, mime
from parsers.addresses import Mailbox
from parsers.mime import Attachment, Limits, TextPart

__all__ = ["Attachment", "Limits", "Mailbox", "Message", "TextPart", "read"]

_DEFAULT = Limits()
# What delivery and filters add may be long without anybody reading it; the block's limit holds
_UNREAD = ("x-", "arc-", "received", "dkim-signature", "authentication-results")


@dataclass(frozen=True, slots=True)
class Message:
    """A raw message, read. Texts have LF line ends; addresses are normalised."""

    headers: tuple[tuple[str, str], ...]  # (name, decoded and unfolded value), in order
    subject: str
    sender: Mailbox | None  # exactly one plain mailbox in exactly one From
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    reply_to: tuple[Mailbox, ...]
    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    content_type: str
    report_type: str  # of a multipart/report, lower case; else empty
    texts: tuple[TextPart, ...]  # what a reader sees in order; of alternatives the plain one
    text: str | None
    html: str | None
    attachments: tuple[Attachment, ...]
    defects: tuple[str, ...]
    refusal: str | None  # why it must be shelved; then texts and attachments are empty
    undecoded: Mapping[str, tuple[str, ...]] = field(repr=False, compare=False)
    _decoded: Mapping[str, tuple[str, ...]] = field(repr=False, compare=False)

    def header(self, name: str) -> str | None:
        """Give the first value of a field, decoded, or None."""
        values = self._decoded.get(name.lower())
        return values[0] if values else None

    def all(self, name: str) -> tuple[str, ...]:
        """Give every value of a field, decoded, in the order of the message."""
        return self._decoded.get(name.lower(), ())

    def raw(self, name: str) -> tuple[str, ...]:
        """Give every value of a field unfolded, with its encoded words as they came."""
        return self.undecoded.get(name.lower(), ())


def _ids(values: tuple[str, ...]) -> tuple[str, ...]:
    """Give the message identifiers of the first value, angle brackets kept, white space cut."""
    out: list[str] = []
    for piece in (values[0] if values else "").split("<")[1:101]:
        inside, closed, _ = piece.partition(">")
        identifier = "".join(inside.split())
        if closed and identifier:
            out.append(f"<{identifier}>")
    return tuple(out)


def _message_id(values: tuple[str, ...]) -> str | None:
    identifiers = _ids(values)
    if identifiers:
        return identifiers[0]
    bare = "".join(values[0].split()) if values else ""
    return f"<{bare}>" if "@" in bare and "<" not in bare and ">" not in bare else None


def _refused_headers(raw_fields: header.Fields, limits: Limits) -> str | None:
    if len(raw_fields) > limits.headers:
        return "too_many_headers"
    for name, value in raw_fields:
        if len(value) > limits.header_bytes and not name.lower().startswith(_UNREAD):
            return "header_too_long"
    return None


def _people(undecoded: Mapping[str, tuple[str, ...]], name: str, limit: int) -> tuple[Mailbox, ...]:
    out: tuple[Mailbox, ...] = ()
    for value in undecoded.get(name, ())[:10]:
        out += addresses.mailboxes(value, limit + 1 - len(out))
    return out[: limit + 1]


def _sender(undecoded: Mapping[str, tuple[str, ...]]) -> Mailbox | None:
    values = undecoded.get("from", ())
    return addresses.one_mailbox(values[0]) if len(values) == 1 else None


Grouped = dict[str, tuple[str, ...]]


def _decode_fields(
    raw_fields: header.Fields, limits: Limits
) -> tuple[tuple[tuple[str, str], ...], Grouped, Grouped]:
    """Give the headers in order, and by lower-case name both undecoded and decoded."""
    out: list[tuple[str, str]] = []
    undecoded: Grouped = {}
    decoded: Grouped = {}
    for name, value in raw_fields[: limits.headers]:
        text = header.unfold(value[: limits.header_bytes])
        shown = header.decode_words(text)
        key = name.lower()
        out.append((name, shown))
        undecoded[key] = (*undecoded.get(key, ()), text)
        decoded[key] = (*decoded.get(key, ()), shown)
    return tuple(out), undecoded, decoded


def read(raw: bytes, limits: Limits = _DEFAULT) -> Message:
    """Read a raw message. Never raises; whatever it cannot take is told by `refusal`.

    Limits (notes/reliability.md 8) are tried before anything is parsed. Nested messages are
    attachments: nothing in them is ever text of this message.
    """
    if b"\n" not in raw[: limits.header_block_bytes]:
        raw = raw.replace(b"\r", b"\n")
    end, start = header.split(raw, limits.header_block_bytes)
    raw_fields, real_end, clean = header.fields(raw[:end])
    start = real_end if real_end < end else start
    headers, undecoded, decoded = _decode_fields(raw_fields, limits)
    refusal = _refused_size(raw, end, limits) or _refused_headers(raw_fields, limits)
    people = {n: _people(undecoded, n, limits.addresses) for n in ("to", "cc", "reply-to")}
    if any(len(boxes) > limits.addresses for boxes in people.values()):
        refusal = refusal or "too_many_addresses"
    body = mime.Body() if refusal else mime.read(raw, start, undecoded, limits)
    return _message(headers, undecoded, decoded, people, body, refusal or body.refusal, clean)


def _refused_size(raw: bytes, header_end: int, limits: Limits) -> str | None:
    if len(raw) > limits.raw_bytes:
        return "too_large"
    return "header_block_too_long" if header_end >= limits.header_block_bytes else None


def _message(  # noqa: PLR0917 the one place where all that was read comes together
    headers: tuple[tuple[str, str], ...],
    undecoded: Grouped,
    decoded: Grouped,
    people: dict[str, tuple[Mailbox, ...]],
    body: mime.Body,
    refusal: str | None,
    clean: bool,
) -> Message:
    kept = body if not refusal else mime.Body(content_type=body.content_type)
    return Message(
        headers=headers,
        subject=decoded.get("subject", ("",))[0],
        sender=_sender(undecoded),
        to=people["to"],
        cc=people["cc"],
        reply_to=people["reply-to"],
        message_id=_message_id(undecoded.get("message-id", ())),
        in_reply_to=next(iter(_ids(undecoded.get("in-reply-to", ()))), None),
        references=_ids(undecoded.get("references", ())),
        content_type=body.content_type,
        report_type=body.report_type,
        texts=tuple(kept.texts),
        text=_join(kept, "plain"),
        html=_join(kept, "html"),
        attachments=tuple(kept.attachments),
        defects=tuple(dict.fromkeys(body.defects + ([] if clean else ["odd_line_in_headers"]))),
        refusal=refusal,
        undecoded=undecoded,
        _decoded=decoded,
    )


def _join(body: mime.Body, kind: Literal["plain", "html"]) -> str | None:
    texts = [part.text for part in body.every_text if part.kind == kind]
    return "\n".join(texts) if texts else None
