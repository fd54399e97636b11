"""Telling finance and the account manager 60 and 30 days before a term ends, once each (F2)."""

import datetime as dt
from collections.abc import Sequence

from daemon.desk.context import Desk
from daemon.desk.letters.records import TermEnding
from daemon.desk.month import finance_mail
from daemon.desk.outgoing.mailing import Post, post
from daemon.domain import agreement
from daemon.domain.agreement import Reminder
from daemon.domain.register import Customer
from daemon.store import rows
from daemon.store.money import register
from daemon.store.session import Tx
from daemon.store.tickets import events

_DAY = dt.timedelta(days=1)
_FACT = "term-reminders"  # the last day that was looked at


def step(desk: Desk, now: dt.datetime) -> bool:
    """Tell what has fallen due since it was last looked at; True where anything had."""
    today = desk.calendar.day_of(now)
    with desk.store.reading() as tx:
        last = rows.fact(tx, _FACT)
    if last is not None and last >= today.isoformat():
        return False
    since = dt.date.fromisoformat(last) + _DAY if last else today
    with desk.store.writing() as tx:
        told = [
            each
            for customer in register.customers(tx)
            for each in _tell(tx, desk, customer, since, now)
        ]
        rows.keep_fact(tx, _FACT, today.isoformat())
    return bool(told)


def _tell(
    tx: Tx, desk: Desk, customer: Customer, since: dt.date, now: dt.datetime
) -> Sequence[Reminder]:
    """A desk that stood still tells what fell due meanwhile, while the term has not ended."""
    today, versions = desk.calendar.day_of(now), register.versions_of(tx, customer.id)
    missed = agreement.reminders(versions, since, today + _DAY)
    due = list({each.term_ends: each for each in missed if each.term_ends > today}.values())
    for each in due:
        (name,) = {v.terms.plan_name for v in versions if v.id == each.version}
        days = (each.term_ends - today).days
        letter = TermEnding(customer.name, name, days, each.term_ends - _DAY, each.renews)
        _mail(tx, desk, customer, each, letter, now=now)
    return due


def _mail(
    tx: Tx,
    desk: Desk,
    customer: Customer,
    reminder: Reminder,
    letter: TermEnding,
    *,
    now: dt.datetime,
) -> None:
    """One mail for each term and number of days, whatever became of the versions meanwhile."""
    readers = [("", each) for each in finance_mail.finance(tx, desk)]
    if customer.manager is not None and customer.manager.active:
        readers.append((customer.manager.name, customer.manager.email))
    posted = post(
        tx,
        desk,
        letter,
        Post(
            key=f"term:{customer.id}:{reminder.term_ends}:{reminder.days_before}",
            kind="term-ending",
            to=_once(readers) or finance_mail.readers(tx, desk),
            language=desk.language,
            about=f"customer:{customer.id}",
        ),
        now,
    )
    if posted is not None:
        data = {"term_ends": reminder.term_ends.isoformat(), "days": reminder.days_before}
        told = events.Event("term-reminded", now, customer_id=customer.id, data=data)
        events.record(tx, told)


def _once(people: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Each address once; a name where somebody gave one."""
    names = {address: name for name, address in reversed(people)}
    return tuple((names[address], address) for address in dict.fromkeys(a for _, a in people))
