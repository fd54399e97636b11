"""The register: what a file asks for, what that changes, and making it so in one transaction.

A register is a value. What is kept, with a file laid over it, gives the register that is wanted;
the difference between the two is the plan of changes (contract.md 2).
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from daemon.desk.register.changes import Change, changes_between, new_adjustments
from daemon.desk.register.claims import contested, released
from daemon.desk.register.file import RegisterTables
from daemon.desk.register.wanted import wanted
from daemon.domain.agreement import timeline
from daemon.domain.billing import first_month
from daemon.domain.opening_hours import Calendar
from daemon.domain.periods import Period, month_of, months_from
from daemon.domain.register import Account, Person, Register
from daemon.settings.checked import Checked, MistakesError, beside
from daemon.settings.load import Settings
from daemon.store.money import ledger, register, statements
from daemon.store.session import Tx
from daemon.store.tickets import events


@dataclass(frozen=True, slots=True)
class Import:
    """What a register file would change: from one register to the other."""

    before: Register
    after: Register
    changes: tuple[Change, ...]


def alone(tx: Tx) -> None:
    """Keep other changes of the register away until this transaction ends."""
    register.lock(tx)


def plan(tx: Tx, file: str, read: Checked[RegisterTables], settings: Settings) -> Import:
    """What a file would change; MistakesError with all that is wrong, and then nothing is."""
    mistakes = list(read.mistakes)
    kept = register.load(tx)
    after = kept
    if read.value is not None:
        asked = wanted(kept, read.value, settings.plans)
        after = released(asked.register)
        mistakes += beside(mistakes, file, asked.wrong)
        mistakes += beside(mistakes, file, contested(after, settings.desk.addresses))
    if mistakes:
        raise MistakesError(mistakes)
    return Import(kept, after, changes_between(kept, after))


def apply(tx: Tx, asked: Import, at: dt.datetime, cause: str = "command import") -> None:
    """Make the changes, each with its event (K1), in the transaction that planned them."""
    ids = _keep_people(tx, asked)
    before = {account.customer.key: account for account in asked.before.accounts}
    changed = [each for each in asked.after.accounts if each != before.get(each.customer.key)]
    for account in changed:
        if account.customer.key in before:
            register.release_domains(tx, before[account.customer.key].domains)
    customers = {account.customer.key: account.customer.id for account in asked.after.accounts}
    for account in changed:
        key = account.customer.key
        customers[key] = _keep_account(tx, account, ids)
        for each in new_adjustments(before.get(key), account):
            ledger.adjust(
                tx,
                customers[key],
                minutes=each.minutes,
                day=each.date,
                at=at,
                reason=each.reason,
                key=each.key,
            )
    for change in asked.changes:
        whose = change.name if change.what == "customer" else change.customer
        kind, customer_id = f"{change.what}_{change.kind}", customers.get(whose or "")
        data = change.to_json()
        events.record(tx, events.Event(kind, at, "command", cause, customer_id, data=data))


def _keep_people(tx: Tx, asked: Import) -> Mapping[str, int]:
    """Keep whoever changed; gives everybody's id by registered address."""
    known = set(asked.before.people)
    return {
        person.email: person.id if person in known else register.keep_person(tx, person)
        for person in asked.after.people
    }


def _keep_account(tx: Tx, account: Account, people: Mapping[str, int]) -> int:
    customer = replace(account.customer, manager=_kept(account.customer.manager, people))
    customer_id = register.keep_customer(tx, customer)
    register.keep_domains(tx, customer_id, account.domains)
    for contact in account.contacts:
        register.keep_contact(tx, replace(contact, customer_id=customer_id))
    for agreement in account.agreements:
        register.keep_agreement(tx, customer_id, agreement)
    return customer_id


def _kept(person: Person | None, ids: Mapping[str, int]) -> Person | None:
    """The same person with the id that it has by now."""
    return person and replace(person, id=person.id or ids[person.email])


@dataclass(frozen=True, slots=True)
class PastMonths:
    """The ended months for which closing would bill somebody's agreement, in order (H1)."""

    months: tuple[Period, ...]
    never_closed: bool  # no month has been closed before: this is how it starts


def past_months(
    tx: Tx, wanted_register: Register, settings: Settings, calendar: Calendar, now: dt.datetime
) -> PastMonths:
    """What closing would bill at once, with that register, at that instant."""
    last = statements.last_closed(tx)
    months = _past_months(wanted_register.accounts, settings, calendar, now)
    return PastMonths(tuple(each for each in months if str(each) > (last or "")), last is None)


def newly_billed(
    tx: Tx, asked: Import, settings: Settings, calendar: Calendar, now: dt.datetime
) -> tuple[Period, ...]:
    """The past months that closing would bill for these changes, and not without them (H1)."""
    before = past_months(tx, asked.before, settings, calendar, now).months
    after = past_months(tx, asked.after, settings, calendar, now).months
    return tuple(month for month in after if month not in before)


def _past_months(
    accounts: Iterable[Account], settings: Settings, calendar: Calendar, now: dt.datetime
) -> list[Period]:
    go_live = settings.desk.go_live and calendar.day_of(settings.desk.go_live)
    ended = calendar.day_of(now - settings.accounting.close_delay)
    months: set[Period] = set()
    for account in accounts:
        versions = [each.version for each in account.agreements]
        first = first_month(settings.accounting.first_month, go_live, versions)
        if first is None or not account.customer.active:
            continue
        spans = timeline(versions)
        months.update(
            month
            for month in _ended_months(first, ended)
            if any(month.covered(span.start, span.end) for span in spans)
        )
    return sorted(months)


def _ended_months(first: Period, day: dt.date) -> Iterator[Period]:
    return months_from(first, month_of(day).preceding()) if first.end <= day else iter(())
