"""Statements: frozen months, held ones, and previews of open ones (contract 4)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.desk.context import Desk
from daemon.desk.month import specifications
from daemon.desk.month.enclosures import as_pdf
from daemon.desk.month.hindrances import held_time, hindrances
from daemon.desk.month.statement_facts import cut_of, draft_before, first_months, invoice_language
from daemon.desk.ports import Document, PdfPrinter
from daemon.desk.shown import asked
from daemon.domain.billing import Row, describe_row, statement_hash
from daemon.domain.invoice import reference_of
from daemon.domain.money import Money, total
from daemon.domain.periods import Period, month_of
from daemon.domain.refusal import RefusedError
from daemon.domain.register import Customer
from daemon.store.money import register, statements
from daemon.store.money.statements import Approver, Frozen
from daemon.store.session import Tx

_STATES = {"waiting": "frozen", "fault": "frozen", "intent": "pushing", "unclear": "pushing"}


@dataclass(frozen=True, slots=True)
class TextRow:
    """A row of a statement in words alone."""

    kind: str
    description: str


@dataclass(frozen=True, slots=True)
class MoneyRow(TextRow):
    """A row of a statement with its amount; a credit has a negative quantity."""

    quantity: str
    unit: str
    price: Money
    amount: Money


@dataclass(frozen=True, slots=True)
class Approved:
    """The approval of a draft (H7): the person or program behind it, and its time."""

    by: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Statement:
    """The statement of a customer and a month."""

    customer: str
    month: str
    state: str  # a key of words.STATEMENT
    invoice_number: str | None
    reference: str
    net: Money
    hash: str
    rows: Sequence[TextRow]
    left_out: Money  # credit that stays due for later
    held: Sequence[str]  # the reasons
    fault: str | None
    approved: Approved | None = None


def listing(
    desk: Desk, now: dt.datetime, *, month: str | None = None, customer: str | None = None
) -> list[Statement]:
    """Frozen statements and held ones of ended months; with `month`, an open month too."""
    with desk.store.reading() as tx:
        only_month = asked.month(desk, month) if month else None
        only = asked.customer(tx, desk, customer) if customer else None
        frozen = statements.listing(tx, month=month, customer_id=only.id if only else None)
        known = {(each.customer_id, each.month) for each in frozen}
        previews = [
            _preview(tx, desk, owner, open_month, now)
            for owner, open_month in _unfrozen(tx, desk, now, only_month)
            if (owner.id, str(open_month)) not in known and only in (None, owner)
        ]
        approvers = statements.approvers(tx, frozen)
        shown = [*(_frozen(tx, f, approvers.get(f.reference)) for f in frozen), *previews]
    return sorted(shown, key=lambda statement: (statement.month, statement.customer))


def statement_of(desk: Desk, customer: str, month: str, now: dt.datetime) -> Statement:
    """The statement of one customer and month."""
    listed = listing(desk, now, month=month, customer=customer)
    if not listed:
        raise RefusedError(
            desk.say(f"{customer} har inget för {month}", f"{customer} has nothing for {month}")
        )
    return listed[0]


def specified(desk: Desk, customer: str, month: str, printer: PdfPrinter) -> Document:
    """The specification of a closed month, printed as PDF."""
    with desk.store.reading() as tx:
        owner, wanted = asked.customer(tx, desk, customer), asked.month(desk, month)
        frozen = statements.listing(tx, month=str(wanted), customer_id=owner.id)
        if not frozen:
            raise RefusedError(
                desk.say(
                    f"{customer} {month} är inte avräknad: bara en stängd månad skrivs ut",
                    f"{customer} {month} is not closed: only a closed month is printed",
                )
            )
        (made,) = specifications.gather(tx, desk, frozen)
    return as_pdf(made, printer)


def _unfrozen(
    tx: Tx, desk: Desk, now: dt.datetime, month: Period | None
) -> list[tuple[Customer, Period]]:
    """Held customers of closed months; with an open `month`, each of its customers."""
    everybody = {customer.id: customer for customer in register.customers(tx, ended=True)}
    rows = statements.closing_rows(tx)
    held = [(everybody[i], Period.parse(row.month)) for row in rows for i in row.held]
    if month is None:
        return held
    if month > month_of(desk.calendar.day_of(now)) or _is_closed(tx, month):
        return [(customer, held_month) for customer, held_month in held if held_month == month]
    firsts = first_months(tx, desk, list(everybody.values()))
    return [(everybody[owner], month) for owner, first in firsts.items() if first <= month]


def _is_closed(tx: Tx, month: Period) -> bool:
    return any(row.month == str(month) for row in statements.closing_rows(tx))


def _frozen(tx: Tx, frozen: Frozen, approver: Approver | None) -> Statement:
    return Statement(
        customer=frozen.customer_key,
        month=frozen.month,
        state=_STATES.get(frozen.state, frozen.state),
        invoice_number=frozen.number,
        reference=frozen.reference,
        net=frozen.net,
        hash=frozen.hash,
        rows=[row_shown(row, text) for row, text in statements.printed_rows(tx, frozen.id)],
        left_out=frozen.left_out,
        held=[],
        fault=frozen.fault,
        approved=Approved(approver.actor, approver.at) if approver else None,
    )


def _preview(tx: Tx, desk: Desk, customer: Customer, month: Period, now: dt.datetime) -> Statement:
    """An unfrozen month as it would close now, with the reasons that hold it (H6)."""
    cut = cut_of(desk, month)
    drawn = draft_before(tx, desk, customer, month, min(cut, now + dt.timedelta(seconds=1)))
    held = hindrances(tx, desk, customer, drawn, held_time(tx, desk, month))
    reference = reference_of(customer.key, str(month))
    language = invoice_language(desk, customer)
    return Statement(
        customer=customer.key,
        month=str(month),
        state="held" if cut <= now and (held or _is_closed(tx, month)) else "open",
        invoice_number=None,
        reference=reference,
        net=drawn.net,
        hash=statement_hash(drawn.rows, reference),
        rows=[row_shown(row, describe_row(row, language)) for row in drawn.rows],
        left_out=total(row.amount for row in drawn.left_out if row.amount),
        held=held,
        fault=None,
    )


def row_shown(row: Row, description: str) -> TextRow:
    """A row with its description, as contract 4 shows it."""
    if row.kind == "text":
        return TextRow(row.kind, description)
    price, amount = row.price or Money(0), row.amount or Money(0)
    return MoneyRow(row.kind, description, f"{row.quantity:.2f}", row.unit, price, amount)
