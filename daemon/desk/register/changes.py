"""The difference between two registers, one change a line, for people and programs."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from daemon.desk.register import export
from daemon.domain.register import Account, Agreement, BankAdjustment, Person, Register

Facts = dict[str, Any]  # an object's keys in a file, with values for JSON


@dataclass(frozen=True, slots=True)
class Change:
    """One object added, changed, ended, resumed or (an agreement) withdrawn."""

    kind: str
    what: str  # engineer, customer, contact, agreement, adjustment
    name: str  # address, key, or the agreement's first day
    customer: str | None = None  # the key of the owner of a contact, agreement or adjustment
    details: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)  # before and after

    def to_json(self) -> dict[str, Any]:
        """The change as events keep it and `--json` prints it."""
        details = {name: {"from": old, "to": new} for name, (old, new) in self.details.items()}
        return {
            "kind": self.kind,
            "what": self.what,
            "name": self.name,
            "customer": self.customer,
            "details": details,
        }


def changes_between(before: Register, after: Register) -> tuple[Change, ...]:
    """The changes from one register to the other, people first."""
    return (*_people(before, after), *_accounts(before, after))


def _people(before: Register, after: Register) -> Iterator[Change]:
    known = {person.id: person for person in before.people}
    for person in after.people:
        old = known.get(person.id)
        facts = _of_person(old) if old else None
        yield from _change("engineer", person.email, facts, _of_person(person))


def _accounts(before: Register, after: Register) -> Iterator[Change]:
    known = {account.customer.key: account for account in before.accounts}
    for account in after.accounts:
        yield from _account(known.get(account.customer.key), account)


def _account(old: Account | None, new: Account) -> Iterator[Change]:
    key, before = new.customer.key, old or Account(new.customer)
    yield from _change("customer", key, _of_customer(old) if old else None, _of_customer(new))
    yield from _contacts(key, before, new)
    yield from _agreements(key, before, new)
    for adjustment in new_adjustments(old, new):
        facts = _facts(export.adjustment_table(adjustment), "id")
        yield from _change("adjustment", adjustment.key, None, facts, key)


def _contacts(key: str, before: Account, new: Account) -> Iterator[Change]:
    known = {each.email: _facts(export.contact_table(each), "email") for each in before.contacts}
    for contact in new.contacts:
        facts = _facts(export.contact_table(contact), "email")
        yield from _change("contact", contact.email, known.pop(contact.email, None), facts, key)
    for email, facts in known.items():
        if facts["active"]:  # another customer's now
            yield Change("ended", "contact", email, key, {"active": (True, False)})


def _agreements(key: str, before: Account, new: Account) -> Iterator[Change]:
    known = {each.version.starts: _of_agreement(each) for each in before.agreements}
    for agreement in new.agreements:
        starts = agreement.version.starts
        facts = _of_agreement(agreement)
        yield from _change("agreement", starts.isoformat(), known.get(starts), facts, key)


def new_adjustments(old: Account | None, new: Account) -> list[BankAdjustment]:
    """The adjustments to book; a booked one never changes (G1)."""
    return [each for each in new.adjustments if old is None or each not in old.adjustments]


def _change(
    what: str, name: str, before: Facts | None, after: Facts, customer: str | None = None
) -> Iterator[Change]:
    if before is None:
        details = {key: (None, value) for key, value in after.items() if value not in _NOTHING}
        yield Change("added", what, name, customer, details)
        return
    details = {
        key: (before.get(key), after.get(key))
        for key in dict.fromkeys((*before, *after))
        if before.get(key) != after.get(key)
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


def _facts(table: export.Table, *but: str) -> Facts:
    """A table as facts, without the keys of its name; dates as text."""
    return {
        key: value.isoformat() if isinstance(value, dt.date) else value
        for key, value in table.items()
        if key not in but
    }


def _of_person(person: Person) -> Facts:
    return _facts(export.person_table(person))


def _of_customer(account: Account) -> Facts:
    facts = _facts(export.customer_table(account), "contacts")
    told_last = {key: facts.pop(key) for key in ("active", "domains")}
    return facts | told_last


def _of_agreement(agreement: Agreement) -> Facts:
    facts = _facts(export.agreement_table(agreement), "from")
    return facts | {"active": not agreement.version.withdrawn}
