"""The work log: engineers' time is booked, corrected, held, released, undone and moved."""

import datetime as dt
import secrets
from dataclasses import dataclass, replace

from daemon.desk.context import By, Refusal
from daemon.desk.hours import balances
from daemon.desk.hours.balances import Bank, Drawn
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_engineers import Booked
from daemon.domain import time_bank
from daemon.domain.agreement import in_force
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.store.money import ledger, register
from daemon.store.money.ledger import Booking
from daemon.store.session import Tx
from daemon.store.tickets import holds
from parsers.worked_time import WorkedTime


@dataclass(frozen=True, slots=True)
class Worked:
    """Time as written: its engineer, and its place among the message's tags (C12)."""

    person: Person
    ordinal: int
    time: WorkedTime | None
    receipt_of: int | None = None  # a correction: of the entries of this message (G4)

    def day(self, by: By) -> dt.date:
        """C11: the date written, else the receipt date in the desk's zone (less `igår`)."""
        time = self.time
        written = time.date if time else None
        return written or by.day - dt.timedelta(days=(time and time.days_back) or 0)


@dataclass(frozen=True, slots=True)
class Undone:
    """Time taken back: net minutes, the change of each bank, and any held entry."""

    minutes: int
    drawn: tuple[Drawn, ...]
    held: bool


def book(by: By, ticket: Ticket, worked: Worked) -> Booked | Refusal:
    """Book, hold or correct time on a ticket (C9–C12, G1, G4, G5)."""
    time = worked.time
    if time is None or time.minutes == 0:
        return Refusal("bad_amount")
    entry = _Entry(worked, time, worked.day(by))
    if entry.day > by.day:
        return Refusal("future_date")
    if time.minutes < 0:
        return _correct(by, ticket, entry)
    doubt = _doubt(by, entry)
    if doubt is not None:
        return _hold(by, ticket, entry, doubt)
    return _enter(by, ticket, entry)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Time to be booked, and its worked date."""

    worked: Worked
    time: WorkedTime
    day: dt.date


def _doubt(by: By, entry: _Entry) -> str | None:
    """C11: the reason to hold an entry until the engineer's OK; None for one booked at once."""
    limits, language = by.desk.settings.worklog, by.desk.language
    if entry.time.minutes > limits.tag_hours * 60:
        return sentence("held_long", language, hours=limits.tag_hours)
    booked = ledger.minutes_of_day(by.tx, entry.worked.person.id, entry.day)
    booked += holds.minutes_of_day(by.tx, entry.worked.person.id, entry.day)
    if booked + entry.time.minutes > limits.day_hours * 60:
        return sentence("held_day", language, hours=limits.day_hours)
    if (by.day - entry.day).days > limits.days_back:
        return sentence("held_old", language, days=limits.days_back)
    return None


def _hold(by: By, ticket: Ticket, entry: _Entry, doubt: str) -> Booked:
    time = entry.time
    holds.hold(
        by.tx,
        kind="entry",
        token=secrets.token_hex(16),
        inbox_id=by.inbox_id,
        person_id=entry.worked.person.id,
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        worked_on=entry.day,
        created_at=by.at,
        reason=doubt,
        data={
            "ordinal": entry.worked.ordinal,
            "minutes": time.minutes,
            "billable": time.billable,
            "outside": time.outside,
            "note": time.note,
        },
    )
    bank = balances.bank(by.tx, by.desk, ticket.customer_id, entry.day)
    return replace(_booked(by, ticket, entry, 0, bank), held=doubt)


def _enter(by: By, ticket: Ticket, entry: _Entry) -> Booked:
    """G1, G5: store the actual and the billable minutes, once."""
    time = entry.time
    before = balances.bank(by.tx, by.desk, ticket.customer_id, entry.day)
    increment = _increment(by, ticket.customer_id, entry.day)
    billable = time_bank.billable(time.minutes, increment) if time.billable else 0
    ledger.book(
        by.tx,
        customer_id=ticket.customer_id,
        ticket_id=ticket.id,
        ordinal=entry.worked.ordinal,
        person_id=entry.worked.person.id,
        inbox_id=by.inbox_id,
        worked_on=entry.day,
        received_at=by.at,
        visible_at=by.at,
        actual=time.minutes,
        billable=billable,
        increment=increment,
        counts=time.billable,
        outside=time.outside,
        cause=by.cause,
        note=time.note,
    )
    _record(by, ticket, "time-booked", entry)
    return _booked(by, ticket, entry, billable, before)


def _increment(by: By, customer_id: int | None, day: dt.date) -> int:
    """G5: the increment of the terms in force on a date."""
    versions = register.versions_of(by.tx, customer_id) if customer_id is not None else ()
    version = in_force(versions, day)
    terms = version.terms if version else by.desk.none_terms(day)
    return terms.increment


def _booked(by: By, ticket: Ticket, entry: _Entry, billable: int, before: Bank) -> Booked:
    after = balances.bank(by.tx, by.desk, ticket.customer_id, entry.day)
    return Booked(
        ticket.number,
        customer_name(by.tx, ticket),
        entry.day,
        entry.time.minutes,
        billable,
        entry.time.billable,
        before.left - after.left,
        after.overage - before.overage,
        entry.time.note,
    )


# --- corrections, undoing, moving -------------------------------------------------------------


def _correct(by: By, ticket: Ticket, entry: _Entry) -> Booked | Refusal:
    """G4: lower the named entries, latest first; refuse a correction larger than they are."""
    named = {part.entry.id: part for part in _named(by, ticket, entry)}
    taken = time_bank.correct(
        [part.entry for part in named.values()], -entry.time.minutes, counts=entry.time.billable
    )
    if isinstance(taken, time_bank.Refused):
        return Refusal("more_than_booked")
    entry = replace(entry, day=named[taken[0].entry].entry.worked_on)
    before = balances.bank(by.tx, by.desk, ticket.customer_id, entry.day)
    for part in taken:
        _reverse(by, named[part.entry], part.actual, part.billable, ordinal=entry.worked.ordinal)
    _record(by, ticket, "time-corrected", entry)
    return _booked(by, ticket, entry, sum(part.billable for part in taken), before)


def _named(by: By, ticket: Ticket, entry: _Entry) -> list[Booking]:
    """The entries of a date, those of a receipt, else the engineer's own latest."""
    bookings = [
        booking
        for booking in ledger.on_ticket(by.tx, ticket.id)
        if booking.customer_id
        == ticket.customer_id  # not what was booked on an earlier customer (D7)
    ]
    worked, time = entry.worked, entry.time
    if time.date is not None or time.days_back is not None:
        return [booking for booking in bookings if booking.entry.worked_on == entry.day]
    if worked.receipt_of is not None:
        return [booking for booking in bookings if booking.inbox_id == worked.receipt_of]
    return [booking for booking in bookings if booking.entry.engineer == worked.person.id]


def undo(by: By, ticket: Ticket, message: int | None) -> Undone | Refusal:
    """C14: take back the booked and corrected time of a message, and strike its held time.

    A second undoing finds nothing left. A correction of undone time stays.
    """
    waiting = holds.of_message(by.tx, message) if message is not None else ()
    for row in waiting:
        holds.settle(by.tx, row.id, at=by.at, by=by.inbox_id, outcome="refused")
    minutes, drawn = _undo(by, ticket, message) if message is not None else (0, [])
    if minutes:
        by.record(ticket, "time-undone", minutes=minutes, receipt_of=message)
    if not minutes and not waiting:
        return Refusal("nothing_to_undo")
    return Undone(minutes, tuple(drawn), bool(waiting))


def _undo(by: By, ticket: Ticket, message: int) -> tuple[int, list[Drawn]]:
    """Undo the bookings of a message, then its corrections; gives net minutes and the banks' part.

    A bank's part is below 0 for minutes given back to it.
    """
    undoing = replace(by, cause=f"{by.cause}{ledger.UNDOES}{message}")
    minutes = 0
    drawn: list[Drawn] = []
    for booking in ledger.of_message(by.tx, message):
        entry = booking.entry
        minutes += entry.actual
        drawn += _changed(undoing, booking, -entry.actual, -entry.billable)
        if not entry.actual and not ledger.is_undone(by.tx, booking):
            _reverse(undoing, booking, 0, 0)  # what took its time away may be undone itself, later
    for entry_id, taken in ledger.corrections_of_message(by.tx, message).items():
        booking = ledger.latest(by.tx, entry_id)
        if ledger.is_undone(by.tx, booking):
            continue
        minutes += taken
        if booking.customer_id == ticket.customer_id or booking.entry.actual:
            drawn += _changed(undoing, booking, -taken, _billable_change(booking, -taken))
        else:  # the ticket has moved, and there was nothing left to move with it (D7)
            drawn += _moved(undoing, ticket, booking, -taken)
    return minutes, drawn


def _moved(by: By, ticket: Ticket, booking: Booking, minutes: int) -> list[Drawn]:
    """Book minutes of an entry on the ticket's customer of now; gives the change of its bank."""
    day = booking.entry.worked_on
    before = balances.bank(by.tx, by.desk, ticket.customer_id, day)
    _book_anew(by, ticket, booking, minutes)
    after = balances.bank(by.tx, by.desk, ticket.customer_id, day)
    return [(ticket.customer_id, day, before.left - after.left)]


def _changed(by: By, booking: Booking, actual: int, billable: int) -> list[Drawn]:
    """Take minutes back; gives the change of their bank."""
    if not actual and not billable:
        return []
    customer_id, day = booking.customer_id, booking.entry.worked_on
    before = balances.bank(by.tx, by.desk, customer_id, day)
    _reverse(by, booking, actual, billable)
    after = balances.bank(by.tx, by.desk, customer_id, day)
    return [(customer_id, day, before.left - after.left)]


def _billable_change(booking: Booking, minutes: int) -> int:
    """G5: keep billable time equal to the actual minutes left, rounded up."""
    entry = booking.entry
    left = time_bank.billable(entry.actual + minutes, entry.increment) if entry.counts else 0
    return left - entry.billable


def _reverse(by: By, booking: Booking, actual: int, billable: int, *, ordinal: int = 0) -> None:
    ledger.reverse(
        by.tx,
        booking,
        actual=actual,
        billable=billable,
        inbox_id=by.inbox_id,
        ordinal=ordinal,
        visible_at=by.at,
        cause=by.cause,
    )


def release(by: By, ticket: Ticket, hold: holds.Hold, person: Person) -> Booked | None:
    """C11: book held time after its engineer's OK, as received when it was written; once."""
    if not holds.settle(by.tx, hold.id, at=by.at, by=by.inbox_id, outcome="released"):
        return None
    data = hold.data
    time = WorkedTime(
        minutes=data["minutes"],
        date=hold.worked_on,
        billable=data["billable"],
        outside=data["outside"],
        note=data["note"],
    )
    written = replace(by, inbox_id=hold.inbox_id, at=hold.created_at)
    written = replace(written, cause=f"inbox:{hold.inbox_id}")
    return _enter(
        written, ticket, _Entry(Worked(person, data["ordinal"], time), time, hold.worked_on)
    )


def rebook(by: By, ticket: Ticket, customer_id: int) -> None:
    """D7: move a ticket's time to another customer, same worked dates (`[kund: …]`)."""
    for booking in ledger.on_ticket(by.tx, ticket.id):
        entry = booking.entry
        if booking.customer_id == customer_id or not (entry.actual or entry.billable):
            continue
        _reverse(by, booking, -entry.actual, -entry.billable)
        _book_anew(by, replace(ticket, customer_id=customer_id), booking, entry.actual)


def _book_anew(by: By, ticket: Ticket, booking: Booking, minutes: int) -> None:
    """Book an entry on the ticket's customer, same worked date, by her terms (G5)."""
    entry = booking.entry
    increment = _increment(by, ticket.customer_id, entry.worked_on)
    ledger.book(
        by.tx,
        customer_id=ticket.customer_id,
        ticket_id=ticket.id,
        person_id=entry.engineer,
        inbox_id=booking.inbox_id,
        ordinal=entry.ordinal,
        booking=booking.booking + 1,
        worked_on=entry.worked_on,
        received_at=entry.received_at,
        visible_at=by.at,
        actual=minutes,
        billable=time_bank.billable(minutes, increment) if entry.counts else 0,
        increment=increment,
        counts=entry.counts,
        outside=entry.outside,
        cause=by.cause,
        note=booking.note,
    )


def customer_name(tx: Tx, ticket: Ticket) -> str | None:
    """The name of a ticket's customer."""
    return None if ticket.customer_id is None else register.customer(tx, ticket.customer_id).name


def _record(by: By, ticket: Ticket, kind: str, entry: _Entry) -> None:
    by.record(ticket, kind, minutes=entry.time.minutes, worked_on=entry.day.isoformat())
