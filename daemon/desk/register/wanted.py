"""The wanted register: a file laid over the kept register."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TypeVar

from daemon.desk.register.file import (
    AdjustmentTable,
    AgreementTable,
    ContactTable,
    CustomerTable,
    EngineerTable,
    RegisterTables,
)
from daemon.domain.agreement import Plan, Terms, Version, check_versions, timeline
from daemon.domain.register import (
    Account,
    Agreement,
    BankAdjustment,
    Contact,
    Customer,
    Person,
    Register,
)
from daemon.domain.time_bank import bank_to_adjust
from daemon.settings import toml
from daemon.settings.plans import as_json, said

T = TypeVar("T")
Wrong = list[tuple[str, str]]  # a key path in the file, and what would be right


@dataclass(frozen=True, slots=True)
class Wanted:
    """The register of a file, and the mistakes in it."""

    register: Register
    wrong: tuple[tuple[str, str], ...] = ()


def wanted(kept: Register, tables: RegisterTables, plans: Mapping[str, Plan]) -> Wanted:
    """Lay a file's tables over the kept register."""
    wrong: Wrong = []
    people = _people(kept.people, tables.engineers, wrong)
    accounts = {account.customer.key: account for account in kept.accounts}
    _only_once([table.key for table in tables.customers], "customers", wrong)
    for table in tables.customers:
        before = accounts.get(table.key)
        accounts[table.key] = _account(before, table, people, plans, wrong)
    return Wanted(Register(people, tuple(accounts.values())), tuple(wrong))


def _only_once(names: Sequence[str], what: str, wrong: Wrong) -> None:
    wrong += [
        (f"{what}[{name}]", "stands twice: keep one of the two")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]


def _or(said_now: T | None, before: T) -> T:
    """The file's value, or the earlier one where the file is silent."""
    return before if said_now is None else said_now


def _text(said_now: str | None, before: str | None) -> str | None:
    """The same for optional text; empty text removes the earlier one."""
    return _or(said_now, before) or None


# --- people -----------------------------------------------------------------------------------


def _people(
    kept: Iterable[Person], tables: Sequence[EngineerTable], wrong: Wrong
) -> tuple[Person, ...]:
    people = list(kept)
    _only_once([table.email for table in tables], "engineers", wrong)
    for table in tables:
        at = _same_person(people, table, {each.email for each in tables})
        if at is None:
            people.append(_person(None, table, wrong))
        else:
            people[at] = _person(people[at], table, wrong)
    return tuple(people)


def _same_person(people: Sequence[Person], table: EngineerTable, named: set[str]) -> int | None:
    """Find the person of a table by the registered address, else by an alias of a new address."""
    for at, person in enumerate(people):
        if person.email == table.email:
            return at
    addresses = {table.email, *(table.aliases or ())}
    for at, person in enumerate(people):
        if person.active and person.email not in named and person.email in addresses:
            return at
    return None


def _person(before: Person | None, table: EngineerTable, wrong: Wrong) -> Person:
    if before is None and table.name is None:
        wrong.append((f"engineers[{table.email}].name", 'is missing: write name = "Anna Svensson"'))
    if table.roles is not None and not table.roles:
        wrong.append((f"engineers[{table.email}].roles", 'write at least one, as ["engineer"]'))
    start = before or Person(0, "", table.email)
    aliases = {each for each in _or(table.aliases, start.aliases) if each != table.email}
    return replace(
        start,
        name=_or(table.name, start.name),
        email=table.email,
        aliases=tuple(sorted(aliases)),
        roles=start.roles if table.roles is None else frozenset(table.roles),
        active=_or(table.active, start.active),
        absent_until=_or(table.absent_until, start.absent_until),
    )


# --- customers --------------------------------------------------------------------------------


def _account(
    before: Account | None,
    table: CustomerTable,
    people: Iterable[Person],
    plans: Mapping[str, Plan],
    wrong: Wrong,
) -> Account:
    start = before or Account(Customer(0, table.key, ""))
    path = f"customers[{table.key}]"
    if before is None and table.name is None:
        wrong.append((f"{path}.name", 'is missing: write name = "Acme AB"'))
    agreements = _agreements(start, table.agreements, plans, path, wrong)
    return Account(
        customer=_customer(start.customer, table, people, path, wrong),
        domains=tuple(sorted(set(_or(table.domains, start.domains)))),
        contacts=_contacts(start, table.contacts, path, wrong),
        agreements=agreements,
        adjustments=_adjustments(start.adjustments, table.adjustments, agreements, path, wrong),
    )


def _customer(
    start: Customer, table: CustomerTable, people: Iterable[Person], path: str, wrong: Wrong
) -> Customer:
    manager = start.manager
    if table.manager is not None:
        kept = start.manager.id if start.manager else 0
        possible = (each for each in people if each.active or each.id == kept)
        named = [each for each in possible if table.manager in each.addresses]
        manager = named[0] if named else None
        if table.manager and not named:
            says = f"{table.manager} is no engineer of the register: add [[engineers]] for it"
            wrong.append((f"{path}.manager", says))
    return replace(
        start,
        name=_or(table.name, start.name),
        organisation_number=_text(table.organisation_number, start.organisation_number),
        language=_text(table.language, start.language),
        accounting_number=_text(table.accounting_number, start.accounting_number),
        your_reference=_text(table.your_reference, start.your_reference),
        order_number=_text(table.order_number, start.order_number),
        invoice_language=_text(table.invoice_language, start.invoice_language),
        reports_to=tuple(dict.fromkeys(_or(table.reports_to, start.reports_to))),
        manager=manager,
        active=_or(table.active, start.active),
    )


def _contacts(
    start: Account, tables: Sequence[ContactTable] | None, path: str, wrong: Wrong
) -> tuple[Contact, ...]:
    """End the contacts missing from the list; a listed one is active unless it says otherwise."""
    if tables is None:
        return start.contacts
    _only_once([table.email for table in tables], f"{path}.contacts", wrong)
    known = {contact.email: contact for contact in start.contacts}
    ended = {email: replace(contact, active=False) for email, contact in known.items()}
    listed = {
        table.email: _contact(known.get(table.email), start.customer.id, table) for table in tables
    }
    return tuple((ended | listed).values())


def _contact(before: Contact | None, customer_id: int, table: ContactTable) -> Contact:
    start = before or Contact(0, customer_id, "", table.email)
    return replace(start, name=_or(table.name, start.name), active=table.active)


# --- agreements -------------------------------------------------------------------------------


def _agreements(
    start: Account,
    tables: Sequence[AgreementTable] | None,
    plans: Mapping[str, Plan],
    path: str,
    wrong: Wrong,
) -> tuple[Agreement, ...]:
    """Withdraw the versions missing from the list, and delete none: H3 settles their cost."""
    if tables is None:
        return start.agreements
    known = {each.version.starts: each for each in start.agreements}
    made = {
        day: replace(agreement, version=replace(agreement.version, withdrawn=True))
        for day, agreement in known.items()
    }
    for at, table in enumerate(tables, 1):
        terms = _terms(known.get(table.from_), table, plans)
        if terms is None:
            wrong.append((f"{path}.agreements[{at}].plan", _unknown_plan(table.plan, plans)))
        else:
            made[table.from_] = _agreement(known.get(table.from_), table, start.customer.key, terms)
    days = [table.from_ for table in tables]
    for day in sorted({day for day in days if days.count(day) > 1}):
        wrong.append((f"{path}.agreements", f"two versions start {day}: keep one of them"))
    agreements = tuple(made[day] for day in sorted(made))
    says = check_versions(_told_apart(each.version for each in agreements))
    wrong += [(f"{path}.agreements", each) for each in says]
    return agreements


def _agreement(
    before: Agreement | None, table: AgreementTable, key: str, terms: Terms
) -> Agreement:
    version = Version(
        id=before.version.id if before else 0,
        customer=key,
        starts=table.from_,
        until=table.until,
        renews=table.renew,
        terms=terms,
    )
    return Agreement(version, as_json(said(table)))


def _terms(
    before: Agreement | None, table: AgreementTable, plans: Mapping[str, Plan]
) -> Terms | None:
    """Terms as agreed: a copy of the plan's price list on the start date (F1).

    A kept version keeps its copy, whatever the plan says today. The file's own terms are set in
    it, and a term no longer in the file goes back to the price list.
    """
    plan, overrides = plans.get(table.plan), said(table)
    if before is None or before.version.terms.plan != table.plan:
        return None if plan is None else replace(plan.terms_on(table.from_), **overrides)
    gone = before.overrides.keys() - overrides.keys()
    if gone and plan is None:
        return None
    listed = plan.terms_on(table.from_) if plan and gone else before.version.terms
    back = {name: getattr(listed, name) for name in gone}
    return replace(before.version.terms, **back, **overrides)


def _unknown_plan(key: str, plans: Mapping[str, Plan]) -> str:
    close = get_close_matches(key, plans, n=1)
    known = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(plans))}"
    return f"there is no plan {key!r}; {known}"


def _told_apart(versions: Iterable[Version]) -> list[Version]:
    """The same versions, each with an id of its own: new ones have none yet."""
    return [
        version if version.id else replace(version, id=-at)
        for at, version in enumerate(versions, 1)
    ]


# --- adjustments ------------------------------------------------------------------------------


def _adjustments(
    booked: Sequence[BankAdjustment],
    tables: Sequence[AdjustmentTable] | None,
    agreements: Iterable[Agreement],
    path: str,
    wrong: Wrong,
) -> tuple[BankAdjustment, ...]:
    """G1: the ledger only grows, so a booked line stays in the file as it was booked."""
    if tables is None:
        return tuple(booked)
    path = f"{path}.adjustments"
    _only_once([table.id for table in tables], path, wrong)
    listed = {
        line.id: BankAdjustment(line.id, line.minutes, line.date, line.reason) for line in tables
    }
    for line in booked:
        if line.key not in listed:
            wrong.append((path, _missing(line)))
        elif listed[line.key] != line:
            wrong.append((f"{path}[{line.key}]", _changed(line)))
    spans = timeline(_told_apart(agreement.version for agreement in agreements))
    known = {each.key: each for each in booked}
    for key, new in listed.items():
        if key not in known and bank_to_adjust(spans, new.date) is None:
            says = f"the customer has no time bank on {new.date}: write a day that has one"
            wrong.append((f"{path}[{key}].date", says))
    return tuple((known | listed).values())


def _missing(booked: BankAdjustment) -> str:
    return (
        f"{booked.key!r} is booked and stands here no more, and the ledger is only added to: write "
        f"it again ({_as_booked(booked)}), and take it back with a line of its own, "
        f"minutes = {-booked.minutes}"
    )


def _changed(booked: BankAdjustment) -> str:
    return (
        f"is booked as {_as_booked(booked)}, and the ledger is only added to: write that again, "
        "and correct it with a line of its own that has another id"
    )


def _as_booked(booked: BankAdjustment) -> str:
    facts = {"minutes": booked.minutes, "date": booked.date, "reason": booked.reason}
    return ", ".join(f"{name} = {toml.value(each)}" for name, each in facts.items())
