"""Signed and encrypted messages (RFC 1847, RFC 8551, RFC 9580)."""

import re
from typing import Literal

from parsers.message import Attachment, Message

_SIGNATURES = frozenset(
    {"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"}
)
_ENVELOPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_ARMOUR = "-----BEGIN PGP MESSAGE-----"
_CLEAR_SIGNED = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\n(?:[A-Za-z-]{1,40}: .{0,200}\n){0,10}\s*",
    re.MULTILINE,
)
_SIGNATURE = re.compile(
    r"^-----BEGIN PGP SIGNATURE-----.*?(?:^-----END PGP SIGNATURE-----|\Z)",
    re.MULTILINE | re.DOTALL,
)
_DASHED = re.compile(r"^- ", re.MULTILINE)


def protection(message: Message) -> Literal["signed", "encrypted"] | None:
    """Tell if a message is signed, with a readable text, or encrypted, and unreadable here."""
    kinds = {message.content_type, *(each.content_type for each in message.attachments)}
    if message.content_type == "multipart/encrypted" or _ARMOUR in (message.text or ""):
        return "encrypted"
    if kinds & _ENVELOPES and not (message.text or message.html):
        return "encrypted"
    if message.content_type == "multipart/signed" or kinds & _SIGNATURES:
        return "signed"
    return None


def without_armour(text: str) -> str:
    """Cut the armour off a clear-signed text (RFC 9580, section 7): it fits no changed text."""
    opening = _CLEAR_SIGNED.search(text)
    if opening is None:
        return text
    signed, rest = text[opening.end() :], ""
    closing = _SIGNATURE.search(signed)
    if closing is not None:
        signed, rest = signed[: closing.start()], signed[closing.end() :]
    return text[: opening.start()] + _DASHED.sub("", signed).rstrip() + rest


def without_signatures(attachments: tuple[Attachment, ...]) -> tuple[Attachment, ...]:
    """Give the files without the signatures: these mean nothing beside a changed text."""
    return tuple(each for each in attachments if each.content_type not in _SIGNATURES)
