"""Letters to the customer's side."""

import datetime as dt
from dataclasses import dataclass

from daemon.desk.letters.records import Record, Said, TicketLine
from daemon.domain.money import Money
from daemon.domain.report import Figures


@dataclass(frozen=True, slots=True)
class Confirmation(Record):
    """J1: for every new ticket."""

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
class PriorityChanged(Record):
    """C8: after a reply or an engineer changed the level."""

    desk_name: str
    number: int
    subject: str
    old: int
    new: int
    conflict: bool
    work_starts_by: dt.datetime | None  # None: work has started, or no promise


@dataclass(frozen=True, slots=True)
class Answer(Record):
    """D8: an engineer's text, with our own short quote below."""

    desk_name: str
    number: int
    engineer_name: str
    text: str  # tags cut (C13)
    html: str | None  # the engineer's own HTML, tags cut; None: make it from the text
    previous: Said | None
    subject: str = ""  # the ticket's
    left_out: tuple[str, ...] = ()  # files too large for the outgoing server


@dataclass(frozen=True, slots=True)
class ClockLine:
    """A stretch of a clock as people read it (E9)."""

    when: str
    minutes: str
    why: str
    rule: str


@dataclass(frozen=True, slots=True)
class Explanation(Record):
    """E9: a ticket's clock, stretch by stretch."""

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
class Balance(Record):
    """J5: the answer to a contact's question: the bank left, and open tickets."""

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
class BankLow(Record):
    """G6: to contacts and the account manager, once per period and threshold."""

    desk_name: str
    customer: str
    percent: int
    bank_period: str
    granted: int
    used: int
    runs_out: dt.date | None  # the forecast; None: not within the period, or already gone
    rate: Money | None


@dataclass(frozen=True, slots=True)
class TicketNews(Record):
    """A change of a ticket, where no answer tells of it."""

    desk_name: str
    number: int
    subject: str
    what: str  # closed, reopened, merged
    other: int | None = None  # merged: the ticket that goes on


@dataclass(frozen=True, slots=True)
class Report(Record):
    """J3: to the customer's `reports_to`, on the first working day after a period."""

    desk_name: str
    customer: str
    plan_name: str | None
    period_key: str  # "2026-11"
    figures: Figures
    pdf: bool  # it goes along


@dataclass(frozen=True, slots=True)
class Invitation(Record):
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
