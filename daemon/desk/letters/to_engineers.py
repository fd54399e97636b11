"""Letters to the desk's engineers."""

import datetime as dt
from dataclasses import dataclass

from daemon.desk.letters.records import Record, Said, TicketLine


@dataclass(frozen=True, slots=True)
class Notice(Record):
    """D8: a customer's message, with the facts to act on it."""

    number: int
    subject: str
    customer: str | None  # None: unplaced (D2)
    customer_key: str | None
    plan_name: str | None
    sender: str  # "Bo Ek <bo@acme.se>"
    level: int
    new: bool  # a new ticket, else a reply
    assignee: str | None
    due_at: dt.datetime | None  # the running clock that falls due first
    bank_left: int | None
    said: Said
    history: tuple[Said, ...]  # the last messages before it
    remarks: tuple[str, ...] = ()  # "autosvar", "ny avsändare i tråden", "prioritet ändrad 3 → 2"


@dataclass(frozen=True, slots=True)
class Booked:
    """One time entry as booked, or held (C11)."""

    number: int
    customer: str | None
    worked_on: dt.date
    actual: int  # minutes; negative: a correction
    billable: int
    counts: bool  # False: `ej deb`
    from_bank: int
    overage: int
    note: str = ""
    held: str | None = None  # why it waits for an OK


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused tag, with the reason and the right form."""

    raw: str  # as written; a letter prints it in a form that never parses
    why: str  # a code of `phrases.REFUSED`
    right: str = ""  # an example of the right form; empty: the template's own


@dataclass(frozen=True, slots=True)
class BankChange:
    """A customer's time bank before and after a message, in minutes (C14)."""

    customer: str
    period: str  # "2026-Q4"
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Receipt(Record):
    """C14: to the writer's registered address, for every message with tags."""

    number: int | None  # None: no ticket came of it (D6 without [för: …])
    subject: str
    customer: str | None
    booked: tuple[Booked, ...]
    refused: tuple[Refused, ...]
    done: tuple[str, ...]  # other things done, as sentences: "Ärendet är stängt."
    banks: tuple[BankChange, ...]  # one for each bank that was drawn on
    relayed_to: tuple[str, ...]  # whom the answer went to
    not_relayed: str | None = None  # a code: why the answer did not go out
    quoted_tags: tuple[str, ...] = ()  # C2: tags taken for quoted text, counted nothing
    confirm: bool = False  # an OK in reply books what is held, or sends what was stopped
    asks_for_customer: bool = False  # D6


@dataclass(frozen=True, slots=True)
class HeldMail:
    """A held message, as far as its registered sender needs it to know it again."""

    received_at: dt.datetime
    subject: str
    excerpt: str
    reason: str


@dataclass(frozen=True, slots=True)
class ProofRequest(Record):
    """D1: to the registered address, for messages in its name without proof."""

    name: str
    mails: tuple[HeldMail, ...]


@dataclass(frozen=True, slots=True)
class StillHeld(Record):
    """D1: to the registered address, once: its reply to a request was neither a yes nor a no."""

    name: str
    count: int  # messages that go on waiting
    written: str


@dataclass(frozen=True, slots=True)
class Warned(Record):
    """E7: to the assignee, else all engineers."""

    number: int
    subject: str
    customer: str | None
    level: int
    percent: int | None  # None: the breach
    due_at: dt.datetime
    clock: str  # response, follow_up, resolution


@dataclass(frozen=True, slots=True)
class TagCard(Record):
    """C9: the answer to `[hjälp]`: every tag on one page."""


@dataclass(frozen=True, slots=True)
class ManyWarned(Record):
    """E7: many clocks due together, as after a holiday: one mail instead of a storm."""

    tickets: tuple[TicketLine, ...]  # by deadline; `note` says how far each has come


@dataclass(frozen=True, slots=True)
class Told:
    """J2: a gathered notice: the message that it tells of, and the remarks on it."""

    said: Said | None  # None: the message has been erased (K2)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ToldTicket:
    """J2: a ticket with its gathered notices."""

    ticket: TicketLine
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class ManyNotices(Record):
    """J2: very many notices in a short time: one mail; a reply with tags is read line by line."""

    tickets: tuple[ToldTicket, ...]  # in the order of their first notices


@dataclass(frozen=True, slots=True)
class Digest(Record):
    """Each working morning; a reply with tags books time on the tickets asked about."""

    day: dt.date
    open: tuple[TicketLine, ...]  # by deadline
    waiting: tuple[TicketLine, ...]
    untimed: tuple[TicketLine, ...]  # answers without time noted
    thanks: tuple[TicketLine, ...]  # thank-yous that did not reopen


@dataclass(frozen=True, slots=True)
class Assigned(Record):
    """To the new assignee of a ticket."""

    number: int
    subject: str
    customer: str | None
    level: int
    due_at: dt.datetime | None
    by: str
    last: Said | None
