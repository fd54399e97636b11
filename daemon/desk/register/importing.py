"""Bringing a file into the register: the plan of its changes, carried out in one transaction.

A register is a value. The file is laid over the register in the database and gives the wanted
one; the difference between the two is the plan of changes (contract.md 2).
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from daemon.desk.context import Desk
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
    """A plan of changes from one register to another."""

    before: Register
    after: Register
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """The changes of a file, and the past months to bill for them (H1)."""

    changes: Sequence[Change]
    applied: bool
    past_months: Sequence[Period]


def import_tables(
    desk: Desk, file: str, read: Checked[RegisterTables], now: dt.datetime, *, dry_run: bool
) -> Imported:
    """Change the register as a file says; a dry run only plans."""
    with changing(desk, dry_run=dry_run) as tx:
        asked = plan(tx, file, read, desk.settings)
        past = newly_billed(tx, asked, desk.settings, desk.calendar, now)
        if asked.changes and not dry_run:
            apply(tx, asked, now)
    return Imported(asked.changes, bool(asked.changes) and not dry_run, past)


@contextmanager
def changing(desk: Desk, *, dry_run: bool) -> Iterator[Tx]:
    """Keep other changes of the register away until the end; a dry run reads and locks nothing."""
    with desk.store.reading() if dry_run else desk.store.acting() as tx:
        if not dry_run:
            register.lock(tx)
        yield tx


def plan(tx: Tx, file: str, read: Checked[RegisterTables], settings: Settings) -> Import:
    """Plan the changes of a file; MistakesError names every mistake in it."""
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
    """Make the planned changes, each with its event (K1), in the plan's own transaction."""
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
        for adjustment in new_adjustments(before.get(key), account):
            ledger.adjust(
                tx,
                customers[key],
                minutes=adjustment.minutes,
                day=adjustment.date,
                at=at,
                reason=adjustment.reason,
                key=adjustment.key,
            )
    for change in asked.changes:
        whose = change.name if change.what == "customer" else change.customer
        kind, customer_id = f"{change.what}_{change.kind}", customers.get(whose or "")
        data = change.to_json()
        events.record(tx, events.Event(kind, at, "command", cause, customer_id, data=data))


def _keep_people(tx: Tx, asked: Import) -> Mapping[str, int]:
    """Keep the changed people; gives every person's id by registered address."""
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
    """The same person with an id."""
    return person and replace(person, id=person.id or ids[person.email])


@dataclass(frozen=True, slots=True)
class PastMonths:
    """Ended months with an agreement to bill, in order (H1)."""

    months: tuple[Period, ...]
    never_closed: bool  # no month has been closed before: this is how it starts


def past_months(
    tx: Tx, wanted_register: Register, settings: Settings, calendar: Calendar, now: dt.datetime
) -> PastMonths:
    """The months that closing would bill at once for a register (H1)."""
    last = statements.last_closed(tx)
    months = _past_months(wanted_register.accounts, settings, calendar, now)
    return PastMonths(tuple(month for month in months if str(month) > (last or "")), last is None)


def newly_billed(
    tx: Tx, asked: Import, settings: Settings, calendar: Calendar, now: dt.datetime
) -> tuple[Period, ...]:
    """The past months to bill for a plan of changes, and not without it (H1)."""
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
