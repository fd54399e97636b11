"""Whom the desk knows: its own people, its customers, and the customers' contacts (D1, D2)."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from daemon.domain.agreement import Version


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the desk's own: `email` is the registered address that mail to them goes to."""

    id: int
    name: str
    email: str
    aliases: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset({"engineer"})  # engineer, finance, manager
    active: bool = True
    absent_until: dt.date | None = None  # the last day of an absence

    @property
    def addresses(self) -> frozenset[str]:
        """Every address that is this person."""
        return frozenset({self.email, *self.aliases})

    def is_absent(self, day: dt.date) -> bool:
        """Whether new mail goes to all engineers instead that day."""
        return self.absent_until is not None and day <= self.absent_until


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer; `key` is ours and stable, everything optional is None where it is not known."""

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
    """A person of a customer's."""

    id: int
    customer_id: int
    name: str
    email: str
    active: bool = True


@dataclass(frozen=True, slots=True)
class Agreement:
    """A version of a customer's agreement, and what was agreed apart from the plan."""

    version: Version
    overrides: Mapping[str, Any]  # some fields of `Terms`, as `Terms.to_json()` writes them


@dataclass(frozen=True, slots=True)
class BankAdjustment:
    """What finance gives to a time bank, or takes from it, as the register says it (G1)."""

    key: str  # the customer's own, and only once
    minutes: int  # above 0 gives
    date: dt.date  # in the bank period that is meant
    reason: str


@dataclass(frozen=True, slots=True)
class Account:
    """A customer with everything that belongs to it."""

    customer: Customer
    domains: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()  # those who ended too
    agreements: tuple[Agreement, ...] = ()  # in order of start, the withdrawn ones too
    adjustments: tuple[BankAdjustment, ...] = ()  # in the order they were booked


@dataclass(frozen=True, slots=True)
class Register:
    """Everybody and everything, as it is kept or as it is wanted."""

    people: tuple[Person, ...] = ()
    accounts: tuple[Account, ...] = ()
