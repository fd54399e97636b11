"""Records of letters: the facts of each mail, rendered from one template a language.

A letter here knows no address and no header: `compose.py` makes it a message.
"""

import datetime as dt
from dataclasses import dataclass

from daemon.desk.letters.pictures import Picture


@dataclass(frozen=True, slots=True)
class Record:
    """The facts of one letter; its templates have the same name."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A rendered mail: subject without the ticket's mark, and the same text twice."""

    subject: str
    text: str
    html: str
    pictures: tuple[Picture, ...] = ()  # that the HTML shows


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the conversation, as it is quoted or carried on."""

    name: str
    at: dt.datetime
    text: str
    forwarded: str = ""  # C3: what its sender forwarded, shown as forwarded


@dataclass(frozen=True, slots=True)
class TicketLine:
    """A ticket in a list."""

    number: int
    subject: str
    customer: str | None = None
    level: int | None = None
    due_at: dt.datetime | None = None
    assignee: str | None = None
    note: str = ""
