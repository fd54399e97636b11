"""Every invoice and its state, as `avtald invoices` shows them."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.desk.context import Desk
from daemon.domain.money import Money
from daemon.store.money import invoices
from daemon.store.rows import record


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice; its life after the push is known from the last daily look (I4)."""

    reference: str
    customer: str
    month: str
    state: str
    number: str | None
    net: Money
    link: str | None
    booked: bool
    sent: bool
    paid_on: str | None
    cancelled: bool
    credited_by: str | None
    removed: bool
    fault: str | None
    remedy: str | None

    @property
    def last(self) -> str:
        """The last event in the life of the invoice, a key of words.INVOICE."""
        lived = (
            (self.removed, "gone"),
            (self.cancelled, "cancelled"),
            (self.credited_by, "credited"),
            (self.paid_on, "paid"),
            (self.sent, "sent"),
            (self.booked, "booked"),
        )
        if self.state != "pushed":
            return self.state
        return next((word for happened, word in lived if happened), "pushed")


@dataclass(frozen=True, slots=True)
class Approved:
    """A draft with finance's approval (H7)."""

    reference: str
    net: Money


def approve_month(
    desk: Desk, month: str, excepted: Collection[str], now: dt.datetime
) -> list[Approved]:
    """Approve the drafts of a closed month, but for the customers of some keys."""
    from daemon.desk.month import approving  # costly, and of no use to the lists

    approved = approving.approve_month(desk, month, excepted, now).approved
    return [record(Approved, frozen) for frozen in approved]


def listing(desk: Desk) -> list[Invoice]:
    """Every invoice, made or to come."""
    with desk.store.reading() as tx:
        return [_invoice(kept) for kept in invoices.listing(tx)]


def left(desk: Desk) -> list[Invoice]:
    """The invoices without a draft in the accounting system yet."""
    return [invoice for invoice in listing(desk) if invoice.state != "pushed"]


def _invoice(kept: Any) -> Invoice:
    seen: Mapping[str, Any] = kept.condition or {}
    return record(
        Invoice,
        kept,
        customer=kept.customer_key,
        net=Money(kept.net_ore),
        booked=bool(seen.get("booked")),
        sent=bool(seen.get("sent")),
        paid_on=seen.get("paid_on"),
        cancelled=bool(seen.get("cancelled")),
        credited_by=seen.get("credited_by"),
        removed=bool(seen.get("gone")),
    )
