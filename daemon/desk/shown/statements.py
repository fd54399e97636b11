"""Statements as commands show them: frozen months, held ones, and previews of open ones."""

import datetime as dt
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.month.hindrances import held_time, hindrances
from daemon.desk.month.statement_facts import cut_of, draft_before, first_months, invoice_language
from daemon.domain.billing import Row, describe, statement_hash
from daemon.domain.invoice import reference_of
from daemon.domain.money import Money, total
from daemon.domain.periods import Period, month_of
from daemon.domain.register import Customer
from daemon.store.money import register, statements
from daemon.store.money.statements import Frozen
from daemon.store.session import Tx

_STATES = {"waiting": "frozen", "fault": "frozen", "intent": "pushing", "unclear": "pushing"}


def listing(
    tx: Tx,
    desk: Desk,
    now: dt.datetime,
    *,
    month: Period | None,
    customer: Customer | None,
    needs_number: bool,
) -> list[dict[str, Any]]:
    """Frozen statements, and those of ended months that wait; an open month where it is named."""
    frozen = statements.listing(
        tx, month=str(month) if month else None, customer_id=customer.id if customer else None
    )
    found = [_frozen(tx, each) for each in frozen]
    known = {(each.customer_id, each.month) for each in frozen}
    for each, open_month in _unfrozen(tx, desk, now, month):
        if (each.id, str(open_month)) not in known and customer in (None, each):
            found.append(preview(tx, desk, each, open_month, now, needs_number=needs_number))
    return sorted(found, key=lambda shape: (shape["month"], shape["customer"]))


def _unfrozen(
    tx: Tx, desk: Desk, now: dt.datetime, month: Period | None
) -> list[tuple[Customer, Period]]:
    """Held customers of closed months; everybody's open month where that is asked for."""
    everybody = {customer.id: customer for customer in register.customers(tx, ended=True)}
    rows = statements.closing_rows(tx)
    held = [(everybody[i], Period.parse(row.month)) for row in rows for i in row.held]
    closed = {row.month for row in rows}
    if month is None:
        return held
    if str(month) in closed or month > month_of(desk.calendar.day_of(now)):
        return [(customer, each) for customer, each in held if each == month]
    firsts = first_months(tx, desk, list(everybody.values()))
    return [(everybody[each], month) for each, first in firsts.items() if first <= month]


def _frozen(tx: Tx, frozen: Frozen) -> dict[str, Any]:
    rows = statements.printed_rows(tx, frozen.id)
    return {
        "customer": frozen.customer_key,
        "month": frozen.month,
        "state": _STATES.get(frozen.state, frozen.state),
        "invoice_number": frozen.number,
        "reference": frozen.reference,
        "net": frozen.net,
        "hash": frozen.hash,
        "rows": [row_shape(row, text) for row, text in rows],
        "left_out": frozen.left_out,
        "held": [],
        "fault": frozen.fault,
    }


def preview(
    tx: Tx, desk: Desk, customer: Customer, month: Period, now: dt.datetime, *, needs_number: bool
) -> dict[str, Any]:
    """A month that is not frozen: what it would say now, and what holds it (H6)."""
    cut = cut_of(desk, month)
    drawn = draft_before(tx, desk, customer, month, min(cut, now + dt.timedelta(seconds=1)))
    ended = cut <= now
    waits = held_time(tx, desk, month)
    held = hindrances(tx, desk, customer, drawn, waits, needs_number=needs_number)
    key = reference_of(customer.key, str(month))
    language = invoice_language(desk, customer)
    return {
        "customer": customer.key,
        "month": str(month),
        "state": "held" if ended and (held or _is_closed(tx, month)) else "open",
        "invoice_number": None,
        "reference": key,
        "net": drawn.net,
        "hash": statement_hash(drawn.rows, key),
        "rows": [row_shape(row, describe(row, language)) for row in drawn.rows],
        "left_out": total(row.amount for row in drawn.left_out if row.amount),
        "held": held,
        "fault": None,
    }


def _is_closed(tx: Tx, month: Period) -> bool:
    return any(row.month == str(month) for row in statements.closing_rows(tx))


def row_shape(row: Row, description: str) -> dict[str, Any]:
    """A row in the shape of contract 4."""
    shape: dict[str, Any] = {"kind": row.kind, "description": description}
    if row.kind == "text":
        return shape
    return shape | {
        "quantity": f"{row.quantity:.2f}",
        "unit": row.unit,
        "price": row.price or Money(0),
        "amount": row.amount or Money(0),
    }
