"""The difference between two registers, one change a line, as people and programs read it."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from daemon.domain.register import (
    Account,
    Agreement,
    BankAdjustment,
    Contact,
    Customer,
    Person,
    Register,
)
from daemon.settings.plans import as_written

Facts = dict[str, Any]  # what a file would say of an object: only what JSON can hold


@dataclass(frozen=True, slots=True)
class Change:
    """One object that is added, changed, ended, resumed or (an agreement) withdrawn."""

    kind: str
    what: str  # engineer, customer, contact, agreement, adjustment
    name: str  # address, key, or the agreement's first day
    customer: str | None = None  # the key of whose contact, agreement or adjustment it is
    details: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)  # before and after

    def to_json(self) -> dict[str, Any]:
        """The change as `--json` prints it."""
        details = {name: {"from": old, "to": new} for name, (old, new) in self.details.items()}
        return {
            "kind": self.kind,
            "what": self.what,
            "name": self.name,
            "customer": self.customer,
            "details": details,
        }


def changes_between(before: Register, after: Register) -> tuple[Change, ...]:
    """What turns the one register into the other, people first."""
    return (*_people(before, after), *_accounts(before, after))


def _people(before: Register, after: Register) -> Iterator[Change]:
    known = {each.id: each for each in before.people}
    for person in after.people:
        old = known.get(person.id)
        facts = _of_person(old) if old else None
        yield from _change("engineer", person.email, facts, _of_person(person))


def _accounts(before: Register, after: Register) -> Iterator[Change]:
    known = {each.customer.key: each for each in before.accounts}
    for account in after.accounts:
        yield from _account(known.get(account.customer.key), account)


def _account(old: Account | None, new: Account) -> Iterator[Change]:
    key = new.customer.key
    yield from _change("customer", key, _of_account(old) if old else None, _of_account(new))
    contacts = {each.email: each for each in old.contacts} if old else {}
    for contact in new.contacts:
        known = contacts.get(contact.email)
        facts = _of_contact(known) if known else None
        yield from _change("contact", contact.email, facts, _of_contact(contact), key)
    listed = {each.email for each in new.contacts}
    for email, was in contacts.items():
        if was.active and email not in listed:  # another customer's now
            yield Change("ended", "contact", email, key, {"active": (True, False)})
    versions = {each.version.starts: each for each in old.agreements} if old else {}
    for agreement in new.agreements:
        earlier = versions.get(agreement.version.starts)
        name = agreement.version.starts.isoformat()
        facts = _of_agreement(earlier) if earlier else None
        yield from _change("agreement", name, facts, _of_agreement(agreement), key)
    for adjustment in new_adjustments(old, new):
        yield from _change("adjustment", adjustment.key, None, _of_adjustment(adjustment), key)


def new_adjustments(old: Account | None, new: Account) -> list[BankAdjustment]:
    """What is to be booked: one that is booked never changes (G1)."""
    return [each for each in new.adjustments if old is None or each not in old.adjustments]


def _change(
    what: str, name: str, before: Facts | None, after: Facts, customer: str | None = None
) -> Iterator[Change]:
    if before is None:
        details = {each: (None, value) for each, value in after.items() if value not in _NOTHING}
        yield Change("added", what, name, customer, details)
        return
    details = {
        each: (before.get(each), after.get(each))
        for each in (*before, *(new for new in after if new not in before))
        if before.get(each) != after.get(each)
    }
    if details:
        yield Change(_kind(what, details), what, name, customer, details)


_NOTHING: tuple[Any, ...] = (None, "", [], {})


def _kind(what: str, details: Mapping[str, tuple[Any, Any]]) -> str:
    if "active" not in details:
        return "changed"
    if details["active"][1]:
        return "resumed"
    return "withdrawn" if what == "agreement" else "ended"


def _of_person(person: Person) -> Facts:
    return {
        "name": person.name,
        "email": person.email,
        "aliases": list(person.aliases),
        "roles": sorted(person.roles),
        "absent_until": _day(person.absent_until),
        "active": person.active,
    }


def _of_account(account: Account) -> Facts:
    return _of_customer(account.customer) | {"domains": list(account.domains)}


def _of_customer(customer: Customer) -> Facts:
    return {
        "name": customer.name,
        "organisation_number": customer.organisation_number,
        "language": customer.language,
        "accounting_number": customer.accounting_number,
        "your_reference": customer.your_reference,
        "order_number": customer.order_number,
        "invoice_language": customer.invoice_language,
        "reports_to": list(customer.reports_to),
        "manager": customer.manager.email if customer.manager else None,
        "active": customer.active,
    }


def _of_contact(contact: Contact) -> Facts:
    return {"name": contact.name, "active": contact.active}


def _of_agreement(agreement: Agreement) -> Facts:
    version = agreement.version
    return {
        "plan": version.terms.plan,
        "until": _day(version.until),
        "renew": version.renews,
        **as_written(agreement.overrides),
        "active": not version.withdrawn,
    }


def _of_adjustment(adjustment: BankAdjustment) -> Facts:
    return {
        "minutes": adjustment.minutes,
        "date": _day(adjustment.date),
        "reason": adjustment.reason,
    }


def _day(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()
