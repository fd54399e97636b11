"""Keyed ids of our mails: for replies (D3), and for bounces (E1).

A reply finds its ticket by a Message-ID, or by an address, with `t<ticket>.<which>.<proof>` before
the `@`. `which` tells our mails on one ticket apart. `proof` is a keyed hash of the rest: an id of
one ticket is of no help in making an id of another. Every recipient of a mail knows it.

A bounce comes back to a return path of its own for each mail and recipient, with
`b<ticket>.<which>.<proof>`. Only this recipient and the servers on the way know it.

All ids are lower case, for mail systems that change the case.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable

_PROOF_BYTES = 10  # 80 bits: 16 digits
_WHICH_BYTES = 10
_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648, section 6, in lower case
_ID = re.compile(
    r"(?<![a-z0-9])(t[1-9][0-9]{0,17}|t0)\.([a-z2-7]{16})\.([a-z2-7]{16})@", re.IGNORECASE
)
_RETURN = re.compile(
    r"[^@]*\+b([1-9][0-9]{0,17}|0)\.([a-z2-7]{16})\.([a-z2-7]{16})@[^@]*", re.IGNORECASE
)
_MOST = 1000  # characters of a header field, read for an id
_LONGEST_LOCAL = 64  # RFC 5321, section 4.5.3.1.1


def make(secret: bytes, ticket: int | None, unique: str, domain: str) -> str:
    """Give a Message-ID with its angle brackets; the same arguments give the same one.

    `unique` is any text that only this mail has, such as its outbox key. `domain` is ASCII.
    """
    return f"<{_token(secret, ticket, unique)}@{domain}>"


def address(message_id: str, desk_address: str) -> str:
    """Give the plus-address with an id of ours: `support+t1042.…@example.se`."""
    local, _, domain = desk_address.rpartition("@")
    return f"{local}+{message_id[1:-1].rpartition('@')[0]}@{domain}"


def read(secret: bytes, message_id: str) -> int | None:
    """Give the ticket that an id of ours names; None for a forged or foreign one, or of no ticket.

    Reads a Message-ID or a plus-address, in any letter case, with or without brackets.
    """
    hit = _ID.search("".join(message_id[:_MOST].split()))
    if not hit:
        return None
    ticket, which, proof = (part.lower() for part in hit.groups())
    genuine = hmac.compare_digest(_proof(secret, f"{ticket}.{which}"), proof)
    return int(ticket[1:]) or None if genuine else None


def return_path(secret: bytes, message_id: str, recipient: str, base: str) -> str:
    """Give the envelope sender of one mail to one recipient: `support+b1042.…@example.se`.

    A base too long for a key stays bare.
    """
    stem = message_id[1:-1].rpartition("@")[0].rpartition(".")[0]
    local, _, domain = base.rpartition("@")
    keyed = f"{local}+b{stem[1:]}.{_return_proof(secret, stem, recipient)}"
    return base if len(keyed) > _LONGEST_LOCAL else f"{keyed}@{domain}"


def returned(secret: bytes, address: str, domain: str) -> str | None:
    """Give the Message-ID of the mail that a return path of ours names; proves nothing yet."""
    path = _RETURN.fullmatch(address[:_MOST])
    if not path:
        return None
    stem = f"t{path[1]}.{path[2].lower()}"
    return f"<{stem}.{_proof(secret, stem)}@{domain}>"


def proven_recipient(secret: bytes, address: str, recipients: Iterable[str]) -> str | None:
    """Give the recipient whose return path this is, among those of the named mail."""
    path = _RETURN.fullmatch(address[:_MOST])
    if not path:
        return None
    stem, proof = f"t{path[1]}.{path[2].lower()}", path[3].lower()
    for recipient in recipients:
        if hmac.compare_digest(_return_proof(secret, stem, recipient), proof):
            return recipient
    return None


def _token(secret: bytes, ticket: int | None, unique: str) -> str:
    which = _lower32(hashlib.sha256(unique.encode()).digest()[:_WHICH_BYTES])
    stem = f"t{ticket or 0}.{which}"
    return f"{stem}.{_proof(secret, stem)}"


def _proof(secret: bytes, stem: str) -> str:
    return _keyed(secret, f"reply-id\0{stem}")


def _return_proof(secret: bytes, stem: str, recipient: str) -> str:
    return _keyed(secret, f"return-path\0{stem}\0{recipient.casefold()}")


def _keyed(secret: bytes, text: str) -> str:
    keyed = hmac.new(secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return _lower32(keyed.digest()[:_PROOF_BYTES])


def _lower32(raw: bytes) -> str:
    number = int.from_bytes(raw, "big")
    return "".join(_DIGITS[number >> shift & 31] for shift in range(len(raw) * 8 - 5, -1, -5))
