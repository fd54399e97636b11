"""Which ticket a message belongs to (D3), and who takes part in it (D4)."""

from collections.abc import Iterable
from dataclasses import dataclass

# Stands above everything that a reply may quote; parsers cut there (C2).
MARKERS = {
    "sv": "— Skriv ditt svar ovanför den här raden —",
    "en": "— Please write your reply above this line —",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ticket that a message names, by a keyed reply id or by the number in its subject."""

    number: int
    customer_id: int | None
    participants: frozenset[str]


def may_join_by_number(
    candidate: Candidate, sender: str, customer_id: int | None, *, engineer: bool
) -> bool:
    """D3: a number in the subject is believed only from those whom the ticket concerns already."""
    if engineer or sender in candidate.participants:
        return True
    return customer_id is not None and customer_id == candidate.customer_id


def reply_references(in_reply_to: str | None, references: Iterable[str]) -> tuple[str, ...]:
    """D3: the Message-IDs to look for, best first: In-Reply-To, then the last of References."""
    ordered = [in_reply_to] if in_reply_to else []
    ordered += reversed(list(references))
    return tuple(dict.fromkeys(ordered))[:20]


def colleagues(
    addresses: Iterable[tuple[str, str]], domains: Iterable[str], ours: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """D4: those in To and Cc, as (name, address), who belong to the customer's domains."""
    own, theirs = frozenset(ours), frozenset(domains)
    return tuple(
        (name, address)
        for name, address in addresses
        if address.rpartition("@")[2] in theirs and address not in own
    )
