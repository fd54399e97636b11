"""Telling finance and the account manager 60 and 30 days before a term ends, once each (F2)."""

import datetime as dt
from collections.abc import Sequence

from daemon.desk.context import Desk
from daemon.desk.letters.to_office import TermEnding
from daemon.desk.month import finance
from daemon.desk.outgoing.mailing import People, Post, people, post
from daemon.domain import agreement
from daemon.domain.agreement import TermReminder
from daemon.domain.register import Customer
from daemon.store import rows
from daemon.store.money import register
from daemon.store.session import Tx
from daemon.store.tickets import events

_DAY = dt.timedelta(days=1)
_FACT = "term-reminders"  # the day of the last look


def tell_of_ending_terms(desk: Desk, now: dt.datetime) -> bool:
    """Send the reminders due since the last look, once a day; True where there were any."""
    today = desk.calendar.day_of(now)
    with desk.store.reading() as tx:
        last = rows.fact(tx, _FACT)
    if last is not None and last >= today.isoformat():
        return False
    since = dt.date.fromisoformat(last) + _DAY if last else today
    with desk.store.writing() as tx:
        told = [
            reminder
            for customer in register.customers(tx)
            for reminder in _tell(tx, desk, customer, since, now)
        ]
        rows.keep_fact(tx, _FACT, today.isoformat())
    return bool(told)


def _tell(
    tx: Tx, desk: Desk, customer: Customer, since: dt.date, now: dt.datetime
) -> Sequence[TermReminder]:
    """Send one mail for each term and number of days, even if the versions have changed since.

    After a standstill the desk still sends a missed reminder, unless the term has ended.
    """
    today, versions = desk.calendar.day_of(now), register.versions_of(tx, customer.id)
    missed = agreement.term_reminders(versions, since, today + _DAY)
    due = list({each.term_ends: each for each in missed if each.term_ends > today}.values())
    for reminder in due:
        (name,) = {each.terms.plan_name for each in versions if each.id == reminder.version}
        days = (reminder.term_ends - today).days
        last_day = reminder.term_ends - _DAY
        letter = TermEnding(customer.name, name, days, last_day, reminder.renews)
        key = f"term:{customer.id}:{reminder.term_ends}:{reminder.days_before}"
        to, about = _readers(tx, desk, customer), f"customer:{customer.id}"
        mail = Post(key, "term-ending", to, about=about)
        if post(tx, desk, letter, mail, now) is not None:
            data = {"term_ends": reminder.term_ends.isoformat(), "days": reminder.days_before}
            told = events.Event("term-reminded", now, customer_id=customer.id, data=data)
            events.record(tx, told)
    return due


def _readers(tx: Tx, desk: Desk, customer: Customer) -> People:
    addresses = finance.addresses(tx, desk)
    manager = people(each for each in customer.managers if each.email not in addresses)
    return (*(("", each) for each in addresses), *manager) or finance.readers(tx, desk)
