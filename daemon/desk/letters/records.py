"""What each mail of the desk says: its facts, rendered from one template a language.

A letter here knows no address and no header: `compose.py` makes it a message.
"""

import datetime as dt
from dataclasses import dataclass, field

from daemon.desk.letters.pictures import Picture
from daemon.domain.money import Money
from daemon.domain.report import Figures
from daemon.domain.report_facts import Standstill
from daemon.domain.simulation import Margin


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
class Confirmation:
    """J1: to the customer, for every new ticket."""

    desk_name: str
    number: int
    subject: str
    name: str  # the requester's first name or full name; may be empty
    placed: bool  # False: a stranger, confirmed without a promise of time (D2)
    level: int
    stated: bool  # the customer stated the priority; else it is the default
    conflict: bool  # C6: two statements differed, the more severe one counts
    plan_name: str | None  # None: no agreement
    work_starts_by: dt.datetime | None  # already cut to the minute (A3); None: no promise
    response_minutes: int | None
    bank_left: int | None  # minutes; None: no bank
    rate: Money | None  # the hourly rate where there is no agreement
    engineer: Said | None = None  # D6: an engineer opened the ticket; her text goes along
    found: str | None = None  # D2: the customer that an earlier confirmation did not know


@dataclass(frozen=True, slots=True)
class PriorityChanged:
    """C8: to the customer, when a reply or an engineer changed the level."""

    desk_name: str
    number: int
    subject: str
    old: int
    new: int
    conflict: bool
    work_starts_by: dt.datetime | None  # None: work has started, or no promise


@dataclass(frozen=True, slots=True)
class Answer:
    """D8: an engineer's text to the customer's side, with our own short quote below."""

    desk_name: str
    number: int
    engineer_name: str
    text: str  # tags cut (C13)
    html: str | None  # the engineer's own HTML, tags cut; None: make it from the text
    previous: Said | None
    subject: str = ""  # the ticket's
    left_out: tuple[str, ...] = ()  # files too large for the outgoing server


@dataclass(frozen=True, slots=True)
class Notice:
    """D8: a customer's message to the engineers, with what they need to act."""

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
    """A tag that was not carried out, why, and the right form."""

    raw: str  # as written: letters.py prints it so that it never parses
    why: str  # a code of `REFUSALS`
    right: str = ""  # an example of the right form; empty: the template's own


@dataclass(frozen=True, slots=True)
class BankChange:
    """A customer's time bank before and after a message, in minutes (C14)."""

    customer: str
    period: str  # "2026-Q4"
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """C14: to the engineer's registered address, for every message with tags."""

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
class ProofRequest:
    """D1: to the registered address, when a message claims to be from it without proof."""

    name: str
    received_at: dt.datetime
    subject: str
    excerpt: str
    reason: str


@dataclass(frozen=True, slots=True)
class StatementSummary:
    """One customer's statement in finance's mail."""

    customer: str
    customer_key: str
    reference: str
    net: Money
    rows: tuple[tuple[str, str, str, str, str], ...]  # text, quantity, unit, price, amount
    state: str  # of the invoice: waiting, approval, pushed, nothing, fault
    number: str | None = None
    link: str | None = None
    left_out: Money | None = None  # credit that stays due (H5)
    remarks: tuple[str, ...] = ()  # whole sentences of what nobody is billed


@dataclass(frozen=True, slots=True)
class HeldCustomer:
    """A customer whose month waits (H6)."""

    customer: str
    customer_key: str
    why: tuple[str, ...]  # whole sentences, each with how to mend it


@dataclass(frozen=True, slots=True)
class Close:
    """H7: to finance, once a close."""

    month: str  # "2026-11"
    statements: tuple[StatementSummary, ...]
    held: tuple[HeldCustomer, ...]
    unplaced: tuple[tuple[int, str, int], ...]  # ticket, subject, minutes: billed once placed
    total: Money
    approval: bool  # finance's OK is waited for
    released_late: bool = False  # a later mail, for customers that were held at the close
    unprinted: int = 0  # customers whose hours are attached as CSV, and not as PDF


@dataclass(frozen=True, slots=True)
class InvoiceReport:
    """To finance: what the push of a month came to (I1, I3, I5)."""

    month: str
    pushed: tuple[StatementSummary, ...]
    faults: tuple[tuple[str, str, str], ...]  # reference, what happened, what mends it


@dataclass(frozen=True, slots=True)
class Alarm:
    """To operators or finance: a fault, once, with what mends it."""

    what: str
    remedy: str
    details: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Warned:
    """E7: to the assignee, else all engineers."""

    number: int
    subject: str
    customer: str | None
    level: int
    percent: int | None  # None: the breach
    due_at: dt.datetime
    clock: str  # response, follow_up, resolution


@dataclass(frozen=True, slots=True)
class TagCard:
    """C9: to an engineer who wrote `[hjälp]`: every tag on one page."""


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


@dataclass(frozen=True, slots=True)
class ManyWarned:
    """E7: many clocks due together, as after a holiday: one mail instead of a storm."""

    tickets: tuple[TicketLine, ...]  # by deadline; `note` says how far each has come


@dataclass(frozen=True, slots=True)
class ClockLine:
    """A stretch of a clock as people read it (E9)."""

    when: str
    minutes: str
    why: str
    rule: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """E9: a ticket's clock, stretch by stretch, as it may be sent to the customer."""

    desk_name: str
    number: int
    subject: str
    clock: str  # response, follow_up, resolution
    level: int
    target_minutes: int
    started_at: dt.datetime
    due_at: dt.datetime | None
    ended_at: dt.datetime | None
    used_minutes: int
    result: str  # running, met, missed, unanswered
    lines: tuple[ClockLine, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """J5: to a contact who asked for it: the bank left, and open tickets."""

    desk_name: str
    name: str
    customer: str
    plan_name: str | None
    bank_period: str | None  # "2026-Q4"; None: no bank
    granted: int
    used: int
    overage: int
    tickets: tuple[TicketLine, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """Each working morning, to the engineers; a reply with tags books time on what is asked for."""

    day: dt.date
    open: tuple[TicketLine, ...]  # by deadline
    waiting: tuple[TicketLine, ...]
    untimed: tuple[TicketLine, ...]  # answers without time noted
    thanks: tuple[TicketLine, ...]  # thank-yous that did not reopen


@dataclass(frozen=True, slots=True)
class BankLow:
    """G6: to the customer's contacts and the account manager, once per period and threshold."""

    desk_name: str
    customer: str
    percent: int
    bank_period: str
    granted: int
    used: int
    runs_out: dt.date | None  # the forecast; None: not within the period, or already gone
    rate: Money | None


@dataclass(frozen=True, slots=True)
class TermEnding:
    """F2: to finance and the account manager, 60 and 30 days before a term ends."""

    customer: str
    plan_name: str
    days: int
    last_day: dt.date
    renews: bool


@dataclass(frozen=True, slots=True)
class TicketNews:
    """To the customer's side: what happened to a ticket, where no answer says it."""

    desk_name: str
    number: int
    subject: str
    what: str  # closed, reopened, merged
    other: int | None = None  # merged: the ticket that goes on


@dataclass(frozen=True, slots=True)
class Assigned:
    """To the engineer who has been given a ticket."""

    number: int
    subject: str
    customer: str | None
    level: int
    due_at: dt.datetime | None
    by: str
    last: Said | None


@dataclass(frozen=True, slots=True)
class Report:
    """J3: to the customer's `reports_to`, on the first working day after a period."""

    desk_name: str
    customer: str
    plan_name: str | None
    period_key: str  # "2026-11"
    figures: Figures
    pdf: bool  # it goes along


@dataclass(frozen=True, slots=True)
class PlanCost:
    """What the last months would have cost under a plan."""

    name: str
    cost: Money
    difference: Money  # to what they cost as agreed
    current: bool  # the customer's own plan


@dataclass(frozen=True, slots=True)
class PromiseLine:
    """What an engineer promised a customer."""

    number: int
    subject: str
    day: dt.date
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class ManagerPack:
    """To the account manager, with each report: what is for our eyes."""

    customer: str
    plan_name: str | None
    period_key: str
    figures: Figures
    margin: Margin
    months: int  # that the plans are compared over
    plans: tuple[PlanCost, ...]  # cheapest first
    stood_still: tuple[Standstill, ...]
    promises: tuple[PromiseLine, ...]
    sent_to: tuple[str, ...]  # who got the report; nobody: the register names no one


@dataclass(frozen=True, slots=True)
class Invitation:
    """J4: to the customer's contact and the account manager, with the calendar's own part."""

    desk_name: str
    customer: str
    manager: str
    period_key: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    what: str  # new, moved, cancelled; left: for who comes no longer
    figures: Figures
    pdf: bool


@dataclass(frozen=True, slots=True)
class MeetingNews:
    """To the account manager: how a review meeting stands, and how to change it."""

    customer: str
    period_key: str
    what: str  # planned, no_slot, nobody, moved, cancelled, accepted, declined, tentative, counter
    starts_at: dt.datetime | None
    who: str = ""
    proposed: dt.datetime | None = None  # counter: the time they ask for
    comment: str = ""
    earlier: bool = False  # the answer is to a time that has changed since


# What `rendering.render` takes.
Record = (
    Confirmation
    | PriorityChanged
    | Answer
    | Notice
    | Receipt
    | ProofRequest
    | Close
    | InvoiceReport
    | Alarm
    | Warned
    | ManyWarned
    | Explanation
    | TagCard
    | Balance
    | Digest
    | BankLow
    | TermEnding
    | TicketNews
    | Assigned
    | Report
    | ManagerPack
    | Invitation
    | MeetingNews
)
