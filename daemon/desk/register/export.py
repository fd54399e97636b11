"""The register as a file; an import of that file finds nothing to change."""

from collections.abc import Mapping
from typing import Any

from daemon.domain.register import Account, Agreement, BankAdjustment, Contact, Person, Register
from daemon.settings import toml
from daemon.settings.plans import as_written
from daemon.store.money import register as stored
from daemon.store.session import Store
from parsers import addresses

Table = dict[str, Any]  # an object with every key of a file (contract.md 2)

# A file leaves these out. An empty list of adjustments would say that none is booked.
_USUAL: Mapping[str, Any] = {"active": True, "renew": True, "aliases": [], "adjustments": []}


def kept(store: Store) -> Register:
    """The register as it is kept now."""
    with store.reading() as tx:
        return stored.load(tx)


def as_tables(register: Register) -> Table:
    """The register's tables, as TOML and JSON write them (contract.md 2)."""
    return {
        "engineers": [_said(person_table(person)) for person in register.people],
        "customers": [_account(account) for account in register.accounts],
    }


def as_toml(register: Register) -> str:
    """The register as a file."""
    tables = {name: table for name, table in as_tables(register).items() if table}
    return toml.document(tables, inline=["contacts"])


def _said(table: Table) -> Table:
    """A table without empty values and usual ones."""
    return {
        key: value
        for key, value in table.items()
        if value is not None and not (key in _USUAL and value == _USUAL[key])
    }


def _account(account: Account) -> Table:
    signed = [each for each in account.agreements if not each.version.withdrawn]
    contacts = [_said(contact_table(each)) for each in account.contacts if _writable(each)]
    return _said(
        {"key": account.customer.key}
        | customer_table(account)
        | {
            "contacts": contacts,
            "agreements": [_said(agreement_table(agreement)) for agreement in signed],
            "adjustments": [adjustment_table(adjustment) for adjustment in account.adjustments],
        }
    )


def _writable(contact: Contact) -> bool:
    """True for a contact with an address; an erased one has none (K2)."""
    return addresses.normalise(contact.email) == contact.email


def person_table(person: Person) -> Table:
    """The table of one of the desk's own people."""
    return {
        "name": person.name,
        "email": person.email,
        "aliases": list(person.aliases),
        "roles": sorted(person.roles),
        "absent_until": person.absent_until,
        "active": person.active,
    }


def customer_table(account: Account) -> Table:
    """The table of a customer, with a free place for the contacts."""
    customer = account.customer
    return {
        "name": customer.name,
        "organisation_number": customer.organisation_number,
        "language": customer.language,
        "accounting_number": customer.accounting_number,
        "your_reference": customer.your_reference,
        "order_number": customer.order_number,
        "invoice_language": customer.invoice_language,
        "active": customer.active,
        "domains": list(account.domains),
        "contacts": None,
        "reports_to": list(customer.reports_to),
        "manager": customer.manager.email if customer.manager else None,
    }


def contact_table(contact: Contact) -> Table:
    """The table of a customer's contact."""
    return {"name": contact.name, "email": contact.email, "active": contact.active}


def agreement_table(agreement: Agreement) -> Table:
    """The table of one version of an agreement, with the terms of its own."""
    version = agreement.version
    dates = {"from": version.starts, "until": version.until, "renew": version.renews}
    return {"plan": version.terms.plan} | dates | as_written(agreement.overrides)


def adjustment_table(adjustment: BankAdjustment) -> Table:
    """The table of an adjustment of the time bank."""
    return {
        "id": adjustment.key,
        "minutes": adjustment.minutes,
        "date": adjustment.date,
        "reason": adjustment.reason,
    }
