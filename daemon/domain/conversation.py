"""The ticket of a message (D3), and the participants of a ticket (D4)."""

from collections.abc import Iterable
from dataclasses import dataclass

# The line above all text of ours; parsers cut a reply's quotation there (C2).
MARKERS = {
    "sv": "— Skriv ditt svar ovanför den här raden —",
    "en": "— Please write your reply above this line —",
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ticket named by a message: by a keyed reply id, or by the number in the subject."""

    number: int
    customer_id: int | None
    participants: frozenset[str]


def may_join_by_number(
    candidate: Candidate, sender: str, customer_id: int | None, *, engineer: bool
) -> bool:
    """D3: a number in the subject counts only from an engineer, a participant or the customer."""
    if engineer or sender in candidate.participants:
        return True
    return customer_id is not None and customer_id == candidate.customer_id


def reply_references(in_reply_to: str | None, references: Iterable[str]) -> tuple[str, ...]:
    """D3: the Message-IDs to look up, best first: In-Reply-To, then References from the last."""
    ordered = [in_reply_to] if in_reply_to else []
    ordered += reversed(list(references))
    return tuple(dict.fromkeys(ordered))[:20]


def colleagues(
    addresses: Iterable[tuple[str, str]], domains: Iterable[str], ours: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """D4: the people in To and Cc at the customer's domains, as (name, address)."""
    own, theirs = frozenset(ours), frozenset(domains)
    return tuple(
        (name, address)
        for name, address in addresses
        if address.rpartition("@")[2] in theirs and address not in own
    )
