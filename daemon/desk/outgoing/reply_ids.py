"""Keyed reply ids: the Message-IDs and plus-addresses by which a reply finds its ticket (D3).

An id is `t<ticket>.<which>.<proof>` before the `@`. `which` tells our mails on one ticket apart.
`proof` is a keyed hash of the rest, so that nobody who knows an id of one ticket can make one for
another. All of it is lower case, for mail systems that change the case.
"""

import hashlib
import hmac
import re

_PROOF_BYTES = 10  # 80 bits: 16 digits
_WHICH_BYTES = 10
_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648, section 6, in lower case
_ID = re.compile(
    r"(?<![a-z0-9])(t[1-9][0-9]{0,17}|t0)\.([a-z2-7]{16})\.([a-z2-7]{16})@", re.IGNORECASE
)
_MOST = 1000  # characters of a header field that are looked at


def make(secret: bytes, ticket: int | None, unique: str, domain: str) -> str:
    """Give a Message-ID with its angle brackets; the same arguments give the same one.

    `unique` is any text that only this mail has, such as its outbox key. `domain` is ASCII.
    """
    return f"<{_token(secret, ticket, unique)}@{domain}>"


def address(message_id: str, desk_address: str) -> str:
    """Give the plus-address that carries that id of ours: `support+t1042.…@example.se`."""
    local, _, domain = desk_address.rpartition("@")
    return f"{local}+{message_id[1:-1].rpartition('@')[0]}@{domain}"


def read(secret: bytes, message_id: str) -> int | None:
    """Give the ticket that an id of ours names; None for a forged or foreign one, or of no ticket.

    Reads a Message-ID or a plus-address, in any letter case, with or without brackets.
    """
    found = _ID.search("".join(message_id[:_MOST].split()))
    if not found:
        return None
    ticket, which, proof = (part.lower() for part in found.groups())
    genuine = hmac.compare_digest(_proof(secret, f"{ticket}.{which}"), proof)
    return int(ticket[1:]) or None if genuine else None


def _token(secret: bytes, ticket: int | None, unique: str) -> str:
    which = _lower32(hashlib.sha256(unique.encode()).digest()[:_WHICH_BYTES])
    stem = f"t{ticket or 0}.{which}"
    return f"{stem}.{_proof(secret, stem)}"


def _proof(secret: bytes, stem: str) -> str:
    keyed = hmac.new(secret, b"reply-id\0" + stem.encode(), hashlib.sha256)
    return _lower32(keyed.digest()[:_PROOF_BYTES])


def _lower32(raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    return "".join(_DIGITS[number >> shift & 31] for shift in range(len(raw) * 8 - 5, -1, -5))
