"""A ticket: its states, and the effect of a customer's reply on them (D5)."""

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The state of a ticket (contract 4)."""

    OPEN = "open"
    WAITING = "waiting"
    CLOSED = "closed"
    MERGED = "merged"
    UNPLACED = "unplaced"  # no customer yet (D2)


@dataclass(frozen=True, slots=True)
class Ticket:
    """The facts of a ticket for the rules."""

    id: int
    number: int
    subject: str
    customer_id: int | None
    requester: str
    requester_name: str
    language: str
    priority: int
    status: Status
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    assignee_id: int | None
    merged_into_id: int | None
    spam: bool

    @property
    def is_closed(self) -> bool:
        """True for a ticket with nothing more to do."""
        return self.status == Status.CLOSED


def reopens(ticket: Ticket, at: dt.datetime, within: dt.timedelta) -> bool:
    """D5: tell if a customer's reply at this instant reopens a closed ticket."""
    return ticket.closed_at is not None and at < ticket.closed_at + within


_THANKS = re.compile(
    r"\b(tack(ar)?|tusen tack|toppen|perfekt|kanon|bra jobbat|thanks|thank you|thx|great|perfect)\b"
)


def is_thanks(new_text: str, *, attachments: int) -> bool:
    """D5: at most twelve words, a thanking word, no question mark, no figures, no attachment."""
    words = new_text.split()
    return (
        0 < len(words) <= 12
        and not attachments
        and "?" not in new_text
        and not any(character.isdigit() for character in new_text)
        and _THANKS.search(new_text.casefold()) is not None
    )
