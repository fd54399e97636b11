"""Letters to finance, account managers and operators."""

import datetime as dt
from dataclasses import dataclass, field

from daemon.desk.letters.records import Record
from daemon.domain.money import Money
from daemon.domain.report import Figures
from daemon.domain.report_facts import Standstill
from daemon.domain.simulation import Margin


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
    """A customer with a waiting month (H6)."""

    customer: str
    customer_key: str
    why: tuple[str, ...]  # whole sentences, each with how to mend it


@dataclass(frozen=True, slots=True)
class Close(Record):
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
class DraftLine:
    """One customer's draft in the answer to an approval."""

    customer: str
    customer_key: str
    net: Money
    why: str = ""  # a code of `phrases.NOT_APPROVED`: it was not approved now


@dataclass(frozen=True, slots=True)
class ApprovalAnswer(Record):
    """H7: to the sender of a reply to finance's mail: the drafts approved, and the others."""

    month: str
    approved: tuple[DraftLine, ...]
    total: Money  # of the approved ones
    waiting: tuple[DraftLine, ...]  # they still wait for an OK
    others: tuple[DraftLine, ...]  # approved earlier, pushed, cancelled
    problem: str = ""  # a code of `phrases.APPROVAL`: the reply approved nothing
    unknown: tuple[str, ...] = ()  # names as they were written
    written: str = ""


@dataclass(frozen=True, slots=True)
class TriedApproval(Record):
    """H7: to finance: somebody else has answered the mail about a close."""

    month: str
    sender: str  # "Bo Ek <bo@acme.se>"
    at: dt.datetime
    written: str
    own: bool  # the sender is one of our own people, else somebody outside


@dataclass(frozen=True, slots=True)
class InvoiceReport(Record):
    """To finance: the result of pushing a month (I1, I3, I5)."""

    month: str
    pushed: tuple[StatementSummary, ...]
    faults: tuple[tuple[str, str, str], ...]  # reference, what happened, what mends it


@dataclass(frozen=True, slots=True)
class Alarm(Record):
    """To operators or finance: a fault, once, with its remedy."""

    what: str
    remedy: str
    details: tuple[tuple[str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class TermEnding(Record):
    """F2: to finance and the account manager, 60 and 30 days before a term ends."""

    customer: str
    plan_name: str
    days: int
    last_day: dt.date
    renews: bool


@dataclass(frozen=True, slots=True)
class PlanCost:
    """The cost of the last months under a plan."""

    name: str
    cost: Money
    difference: Money  # to what they cost as agreed
    current: bool  # the customer's own plan


@dataclass(frozen=True, slots=True)
class PromiseLine:
    """An engineer's promise to a customer."""

    number: int
    subject: str
    day: dt.date
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class ManagerPack(Record):
    """To the account manager, with each report: the figures for our eyes only."""

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
class MeetingNews(Record):
    """To the account manager: how a review meeting stands, and how to change it."""

    customer: str
    period_key: str
    what: str  # planned, no_slot, nobody, moved, cancelled, accepted, declined, tentative, counter
    starts_at: dt.datetime | None
    who: str = ""
    proposed: dt.datetime | None = None  # counter: the time they ask for
    comment: str = ""
    earlier: bool = False  # the answer is to a time that has changed since
