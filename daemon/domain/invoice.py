"""An invoice draft as the desk hands it to an accounting system, and how such a system may fail."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from daemon.domain.money import ZERO, Money, total

CURRENCY = "SEK"  # H4
OURS = "AVT-"  # at the beginning of every reference


def reference_of(customer_key: str, month: str) -> str:
    """I1: the key that makes one statement one invoice, `AVT-acme-2026-11`."""
    return f"{OURS}{customer_key}-{month}"


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """A fee or overage row of a statement; a credit has a negative quantity (H2–H4)."""

    kind: str  # "fee" or "overage"
    description: str
    quantity: Decimal  # two decimals
    unit: str  # "st" or "h"
    price: Money

    @property
    def amount(self) -> Money:
        """Quantity × price, rounded half up to öre (H4)."""
        return self.price.times(self.quantity)


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """One frozen statement on its way to accounting (I1); the reference makes it one."""

    reference: str  # as `reference_of` makes it
    customer_key: str
    customer_name: str
    accounting_number: str | None
    date: dt.date  # InvoiceDate = DeliveryDate = last day of the month (I1)
    language: str  # "sv" or "en"
    our_reference: str
    your_reference: str
    order_number: str
    remarks: str  # printed on the invoice: the period, and the ticket list as far as it fits
    rows: tuple[InvoiceRow, ...]

    @property
    def net(self) -> Money:
        """The sum of the printed rows (H4)."""
        return total(row.amount for row in self.rows)


@dataclass(frozen=True, slots=True)
class AccountingInvoice:
    """An invoice as the accounting system echoes it, in what we compare (I3, I4)."""

    number: str
    reference: str
    net: Money | None  # None where a list does not carry it
    rows: tuple[InvoiceRow, ...] = ()
    booked: bool = False
    sent: bool = False
    cancelled: bool = False
    credit: bool = False  # the invoice is a credit note
    credited_by: str | None = None
    paid_on: dt.date | None = None
    link: str | None = None  # where a person opens the draft
    customer_number: str | None = None  # None, here and below, where the system tells none
    date: dt.date | None = None
    currency: str | None = None
    fees: Money = ZERO  # charged beside the rows, as freight and administration fee


class Fault(StrEnum):
    """What a failed call means for the work that waits (I1, I5)."""

    UNCLEAR = "unclear"  # the request may have been carried out: look up, never repeat blindly
    REFUSED = "refused"  # this customer's data: stops that invoice alone
    ACCESS = "access"  # consent, scope, licence, password: stops the run, reported once
    TEMPORARY = "temporary"  # certainly not carried out: try again later
    BUG = "bug"  # our own request was wrong: alarm with the payload


class AccountingError(Exception):
    """A call to the accounting system that failed; `remedy` says in Swedish what mends it."""

    def __init__(
        self, fault: Fault, message: str, *, code: int | None = None, remedy: str = ""
    ) -> None:
        """Keep the system's own message and code beside what the fault means."""
        super().__init__(message)
        self.fault = fault
        self.code = code
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a preflight found, and what mends it.

    With a customer's key it concerns that customer only, with a reference that one draft.
    """

    message: str
    remedy: str
    customer_key: str | None = None
    warning: bool = False  # True: told, but stops nothing
    reference: str | None = None
