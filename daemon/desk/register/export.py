"""The register as a file: what is kept, in the form that imports as nothing to change."""

from collections.abc import Mapping
from typing import Any

from daemon.domain.register import (
    Account,
    Agreement,
    BankAdjustment,
    Contact,
    Person,
    Register,
)
from daemon.settings import toml
from daemon.settings.plans import as_written
from daemon.store.money import register as stored
from daemon.store.session import Store
from parsers import addresses


def kept(store: Store) -> Register:
    """The register as it is kept now."""
    with store.reading() as tx:
        return stored.load(tx)


def as_tables(register: Register) -> dict[str, Any]:
    """The register's tables, as TOML and JSON write them (contract.md 2)."""
    return {
        "engineers": [_person(each) for each in register.people],
        "customers": [_account(each) for each in register.accounts],
    }


def as_toml(register: Register) -> str:
    """The register as a file."""
    tables = {name: each for name, each in as_tables(register).items() if each}
    return toml.document(tables, inline=["contacts"])


def _said(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What there is to say: a file is not filled with what is empty."""
    return {name: each for name, each in facts.items() if each is not None}


def _ended(*, active: bool) -> bool | None:
    return None if active else False


def _person(person: Person) -> dict[str, Any]:
    return _said(
        {
            "name": person.name,
            "email": person.email,
            "aliases": list(person.aliases) or None,
            "roles": sorted(person.roles),
            "absent_until": person.absent_until,
            "active": _ended(active=person.active),
        }
    )


def _account(account: Account) -> dict[str, Any]:
    customer = account.customer
    return _said(
        {
            "key": customer.key,
            "name": customer.name,
            "organisation_number": customer.organisation_number,
            "language": customer.language,
            "accounting_number": customer.accounting_number,
            "your_reference": customer.your_reference,
            "order_number": customer.order_number,
            "invoice_language": customer.invoice_language,
            "active": _ended(active=customer.active),
            "domains": list(account.domains),
            "contacts": [_contact(each) for each in account.contacts if _writable(each)],
            "reports_to": list(customer.reports_to),
            "manager": customer.manager.email if customer.manager else None,
            "agreements": [
                _agreement(each) for each in account.agreements if not each.version.withdrawn
            ],
            # An empty list would say that nothing is booked.
            "adjustments": [_adjustment(each) for each in account.adjustments] or None,
        }
    )


def _writable(contact: Contact) -> bool:
    """Whether the contact has an address: one who was erased has none (K2)."""
    return addresses.normalise(contact.email) == contact.email


def _contact(contact: Contact) -> dict[str, Any]:
    return _said(
        {"name": contact.name, "email": contact.email, "active": _ended(active=contact.active)}
    )


def _agreement(agreement: Agreement) -> dict[str, Any]:
    version = agreement.version
    facts = {
        "plan": version.terms.plan,
        "from": version.starts,
        "until": version.until,
        "renew": None if version.renews else False,
    }
    return _said(facts) | as_written(agreement.overrides)


def _adjustment(adjustment: BankAdjustment) -> dict[str, Any]:
    return {
        "id": adjustment.key,
        "minutes": adjustment.minutes,
        "date": adjustment.date,
        "reason": adjustment.reason,
    }
