"""The register: the desk's own people, the customers, and their contacts (D1, D2)."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daemon.domain.agreement import Version


@dataclass(frozen=True, slots=True)
class Person:
    """One of the desk's own people; mail to them goes to `email`, the registered address."""

    id: int
    name: str
    email: str
    aliases: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset({"engineer"})  # engineer, finance, manager
    active: bool = True
    absent_until: dt.date | None = None  # the last day of an absence

    @property
    def addresses(self) -> frozenset[str]:
        """Every address of this person."""
        return frozenset({self.email, *self.aliases})

    def is_absent(self, day: dt.date) -> bool:
        """True on a day of absence: new mail goes to all engineers instead (D8)."""
        return self.absent_until is not None and day <= self.absent_until


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer; `key` is ours and never changes, an unknown optional field is None."""

    id: int
    key: str
    name: str
    organisation_number: str | None = None
    language: str | None = None  # "sv" or "en"; None: the desk's
    accounting_number: str | None = None
    your_reference: str | None = None
    order_number: str | None = None
    invoice_language: str | None = None  # None: as `language`
    reports_to: tuple[str, ...] = ()
    manager: Person | None = None  # the account manager
    active: bool = True

    @property
    def managers(self) -> tuple[Person, ...]:
        """The account manager while active; else nobody."""
        return (self.manager,) if self.manager is not None and self.manager.active else ()


@dataclass(frozen=True, slots=True)
class Contact:
    """A person at a customer."""

    id: int
    customer_id: int
    name: str
    email: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Agreement:
    """A version of a customer's agreement, and its terms that differ from the plan's."""

    version: Version
    overrides: Mapping[str, Any]  # some fields of `Terms`, as `Terms.to_json()` writes them


@dataclass(frozen=True, slots=True)
class BankAdjustment:
    """Minutes from finance for a time bank, or taken from it, by the register (G1)."""

    key: str  # once for each customer
    minutes: int  # above 0 gives
    date: dt.date  # any day of the bank period
    reason: str


@dataclass(frozen=True, slots=True)
class Account:
    """A customer with all its domains, contacts, agreements and adjustments."""

    customer: Customer
    domains: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()  # with the ended ones
    agreements: tuple[Agreement, ...] = ()  # in order of start, with the withdrawn ones
    adjustments: tuple[BankAdjustment, ...] = ()  # in the order they were booked


@dataclass(frozen=True, slots=True)
class Register:
    """The whole register, as stored or as a file wants it."""

    people: tuple[Person, ...] = ()
    accounts: tuple[Account, ...] = ()
