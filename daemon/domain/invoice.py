"""The invoice draft for an accounting system, the invoice it becomes, and the faults of calls."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from daemon.domain.money import ZERO, Money, total

CURRENCY = "SEK"  # H4
OURS = "AVT-"  # at the beginning of every reference


def reference_of(customer_key: str, month: str) -> str:
    """I1: the key of a statement in accounting, `AVT-acme-2026-11`; it keeps one invoice one."""
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
    """A frozen statement on its way to accounting; its reference is its key there (I1)."""

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
    """An invoice as the accounting system echoes it, with the fields to compare (I3, I4)."""

    number: str
    reference: str
    net: Money | None  # None in a list without amounts
    rows: tuple[InvoiceRow, ...] = ()
    booked: bool = False
    sent: bool = False
    cancelled: bool = False
    credit: bool = False  # the invoice is a credit note
    credited_by: str | None = None
    paid_on: dt.date | None = None
    link: str | None = None  # the address of the draft, for a person
    customer_number: str | None = None  # None, here and below, if the system tells none
    date: dt.date | None = None
    currency: str | None = None
    fees: Money = ZERO  # charged beside the rows: freight, administration fee


class Fault(StrEnum):
    """The meaning of a failed call for the invoices still to push (I1, I5)."""

    UNCLEAR = "unclear"  # the request may have been carried out: look up, never repeat blindly
    REFUSED = "refused"  # the customer's data is at fault: only this invoice stops
    ACCESS = "access"  # consent, scope, licence or password: the run stops, reported once
    TEMPORARY = "temporary"  # certainly not carried out: try again later
    BUG = "bug"  # our own request is wrong: an alarm shows it


class AccountingError(Exception):
    """A failed call to the accounting system; `remedy` is its cure in Swedish."""

    def __init__(
        self, fault: Fault, message: str, *, code: int | None = None, remedy: str = ""
    ) -> None:
        """Keep the system's own message and code beside the meaning of the fault."""
        super().__init__(message)
        self.fault = fault
        self.code = code
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake found by a preflight, and its remedy.

    A customer's key limits it to that customer, a reference to one draft.
    """

    message: str
    remedy: str
    customer_key: str | None = None
    warning: bool = False  # True: it is told and stops nothing
    reference: str | None = None
