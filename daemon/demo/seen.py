"""The effects of a mail: the desk before and after it, and the difference in words."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.demo import lines
from daemon.desk.context import Desk
from daemon.desk.hours import balances
from daemon.desk.hours.balances import Bank
from daemon.desk.tickets import clocks
from daemon.domain.priority import LEVELS
from daemon.domain.register import Customer
from daemon.domain.ticket import Status, Ticket
from daemon.domain.time_bank import Entry
from daemon.store.money import ledger, register
from daemon.store.session import Tx
from daemon.store.tickets import tickets

Line = tuple[str, str]  # a label and its text
_CLOCKS = {"response": "response", "follow-up": "next answer", "resolution": "solution"}


@dataclass(frozen=True, slots=True)
class Look:
    """The desk at an instant: tickets by number, clocks, time and banks."""

    customers: Mapping[int, Customer]
    tickets: Mapping[int, Ticket]
    plans: Mapping[int, str]  # by ticket number
    clocks: Mapping[tuple[int, str, int], Any]
    time: Mapping[int, Entry]
    owners: Mapping[int, int | None]  # the customer of an entry
    banks: Mapping[int, Bank]


def look(desk: Desk, now: dt.datetime) -> Look:
    """Read the whole desk; with four customers it is small."""
    with desk.store.reading() as tx:
        customers = {each.id: each for each in register.customers(tx, ended=True)}
        listed = tickets.listing(tx)
        rows = tickets.clock_rows(tx, [each.id for each in listed])
        owned = {i: ledger.of_customer(tx, i) for i in customers}
        lost = [booking.entry for booking in ledger.unplaced(tx)]
        everything: list[tuple[int | None, Entry]] = [(None, entry) for entry in lost]
        everything += [(i, entry) for i, entries in owned.items() for entry in entries]
        day = desk.calendar.day_of(now)
        return Look(
            customers,
            {each.number: each for each in listed},
            {each.number: _plan(tx, desk, each) for each in listed},
            {(row.ticket_id, row.kind, row.ordinal): row for row in rows},
            {entry.id: entry for _, entry in everything},
            {entry.id: owner for owner, entry in everything},
            {i: balances.bank(tx, desk, i, day) for i in customers},
        )


def _plan(tx: Tx, desk: Desk, ticket: Ticket) -> str:
    version = clocks.agreement_at_opening(tx, desk, ticket)
    return version.terms.plan_name if version else "no agreement"


def changes(desk: Desk, before: Look, after: Look, stated: str) -> Iterator[Line]:
    """The changes of tickets, clocks and time; `stated` names the source of a level."""
    for number, ticket in after.tickets.items():
        yield from _ticket(before.tickets.get(number), ticket, after, stated)
    for key, row in after.clocks.items():
        yield from _clock(desk, before.clocks.get(key), row)
    yield from _time(before, after)


def _ticket(was: Ticket | None, ticket: Ticket, after: Look, stated: str) -> Iterator[Line]:
    name = f"#{ticket.number}"
    level = f"level {ticket.priority} {LEVELS[ticket.priority - 1].english}"
    if was is None:
        yield "ticket", f"{name} for {_owner(ticket, after)}, {level}{stated}"
        was_status = Status.OPEN if ticket.customer_id else Status.UNPLACED
    else:
        was_status = was.status
        if was.customer_id != ticket.customer_id:
            yield "ticket", f"{name} belongs to {_owner(ticket, after)}"
            was_status = Status.OPEN if was_status == Status.UNPLACED else was_status
        if was.priority != ticket.priority:
            yield "ticket", f"{name} is {level}"
    if was_status != ticket.status:
        yield "ticket", f"{name} is {_STATUS[ticket.status]}"


_STATUS = {
    Status.OPEN: "open again",
    Status.WAITING: "waiting for the customer",
    Status.CLOSED: "closed",
    Status.MERGED: "merged",
    Status.UNPLACED: "without customer",
}


def _owner(ticket: Ticket, after: Look) -> str:
    if ticket.customer_id is None:
        return "nobody we know"
    return f"{after.customers[ticket.customer_id].name} ({after.plans[ticket.number]})"


def _clock(desk: Desk, was: Any, row: Any) -> Iterator[Line]:
    if row.target_minutes is None or (was is not None and was.ended_at == row.ended_at):
        return
    name = _CLOCKS[row.kind]
    if row.ended_at is None:
        due = lines.moment(desk.calendar.promise(row.due_at))
        runs = "due" if was is None else "runs on, due"
        yield "clock", f"{name} {runs} by {due} ({row.target_minutes} min of opening time)"
    else:
        yield "clock", f"{name} {row.result} after {row.used_minutes} of {row.target_minutes} min"


def _time(before: Look, after: Look) -> Iterator[Line]:
    minutes: dict[int | None, int] = {}
    told: dict[int | None, list[str]] = {}
    numbers = {ticket.id: ticket.number for ticket in after.tickets.values()}
    for entry_id, entry in after.time.items():
        was = before.time.get(entry_id)
        more = entry.actual - (was.actual if was else 0)
        if more:
            owner = after.owners[entry_id]
            minutes[owner] = minutes.get(owner, 0) + more
            what = f"{more} min on #{numbers[entry.ticket]}, worked {lines.day(entry.worked_on)}"
            told.setdefault(owner, []).append(what)
    for owner, whats in told.items():
        bank = _bank(before.banks[owner], after.banks[owner]) if owner else "no customer yet"
        yield "time", f"{'; '.join(whats)}: {bank}"


def _bank(was: Bank, now: Bank) -> str:
    beyond = now.overage - was.overage
    if now.period is None:
        return f"no bank, {beyond} min to bill by the hour"
    drawn = f"bank {was.left} → {now.left} min"
    return f"{drawn}, {beyond} min beyond it" if beyond else drawn
