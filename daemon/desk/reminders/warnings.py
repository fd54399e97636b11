"""Warning engineers before a promise breaks, and at the breach; each once (E7)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.hours import worklog
from daemon.desk.letters.records import TicketLine
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_engineers import ManyWarned, Warned
from daemon.desk.outgoing.mailing import People, Post, people, post
from daemon.desk.tickets import clocks, relay
from daemon.domain.clock import Clock, Clocks
from daemon.domain.clock_warnings import warning_to_tell, warnings
from daemon.domain.ticket import Ticket
from daemon.store import rows
from daemon.store.session import Tx
from daemon.store.tickets import events, tickets

_STORM = 3  # warnings to the same readers at once; more go in one mail


def warn_engineers(desk: Desk, now: dt.datetime) -> bool:
    """Send the warnings due by now; True where there were any."""
    _follow_calendar(desk, now)
    with desk.store.reading() as tx:
        if not tickets.clocks_to_tell(tx, now, limit=1):
            return False
    with desk.store.acting() as tx:
        due = [_due(tx, desk, row, now) for row in tickets.clocks_to_tell(tx, now)]
        _tell_all(tx, desk, [each for each in due if each is not None], now)
    return True


@dataclass(frozen=True, slots=True)
class _Due:
    """A warning of one clock, and its readers."""

    ticket: Ticket
    clock: Clock
    clock_id: int
    percent: int | None  # None: the breach
    readers: People

    @property
    def due_at(self) -> dt.datetime:
        """The deadline of the clock."""
        return self.clock.due_at or self.clock.breached_at or self.clock.read_at

    @property
    def kind(self) -> str:
        """The clock's kind, as letters call it."""
        return self.clock.kind.value.replace("-", "_")


def _follow_calendar(desk: Desk, now: dt.datetime) -> None:
    """E8: running clocks follow the calendar; a changed one moves their deadlines."""
    mark = desk.calendar.fingerprint
    with desk.store.reading() as tx:
        if rows.fact(tx, "calendar") == mark:
            return
    with desk.store.acting() as tx:
        for ticket_id in tickets.running_tickets(tx):
            clocks.refresh(tx, desk, tickets.by_id(tx, ticket_id), now)
        rows.keep_fact(tx, "calendar", mark)


def _due(tx: Tx, desk: Desk, row: Any, now: dt.datetime) -> _Due | None:
    """The warning due of a clock now, noted as told; else None."""
    ticket = tickets.by_id(tx, row.ticket_id)
    clock = _clock_of(clocks.read(tx, desk, ticket, now), row)
    told: list[int | None] = list(row.told or [])
    if clock is None or ticket.spam:
        tickets.note_told(tx, row.id, told, None)
        return None
    every = warnings(clock, desk.settings.clock.warn_at, desk.calendar)
    warning = warning_to_tell(every, told, desk.calendar, now)
    if warning is not None:
        told.append(warning.percent)
    tickets.note_told(tx, row.id, told, clocks.tell_at(desk, clock, told, now))
    if warning is None:
        return None
    readers = people(relay.audience(tx, ticket, desk.calendar.day_of(now)))
    return _Due(ticket, clock, row.id, warning.percent, readers)


def _clock_of(clocks_now: Clocks, row: Any) -> Clock | None:
    if row.kind == "follow-up":
        follow_ups = clocks_now.follow_ups
        return follow_ups[row.ordinal] if row.ordinal < len(follow_ups) else None
    return clocks_now.response if row.kind == "response" else clocks_now.resolution


def _tell_all(tx: Tx, desk: Desk, due: Sequence[_Due], now: dt.datetime) -> None:
    """Mail each reader; many warnings at once in one mail, as in the minute after a holiday."""
    by_readers: dict[People, list[_Due]] = {}
    for warning in due:
        by_readers.setdefault(warning.readers, []).append(warning)
        data = {"clock": warning.clock.kind.value, "percent": warning.percent}
        events.record(tx, events.Event("warned", now, ticket_id=warning.ticket.id, data=data))
    for readers, theirs in by_readers.items():
        if len(theirs) > _STORM:
            _warn_of_many(tx, desk, readers, theirs, now)
            continue
        for warning in theirs:
            _warn(tx, desk, warning, now)


def _warn(tx: Tx, desk: Desk, due: _Due, now: dt.datetime) -> None:
    ticket = due.ticket
    letter = Warned(
        ticket.number,
        ticket.subject,
        worklog.customer_name(tx, ticket),
        ticket.priority,
        due.percent,
        desk.calendar.promise(due.due_at),
        due.kind,
    )
    key = f"warning:{due.clock_id}:{due.percent or 'breach'}"
    post(tx, desk, letter, Post(key, "warning", due.readers, ticket=ticket), now)


def _warn_of_many(
    tx: Tx, desk: Desk, readers: People, due: Sequence[_Due], now: dt.datetime
) -> None:
    lines = [
        TicketLine(
            each.ticket.number,
            each.ticket.subject,
            customer=worklog.customer_name(tx, each.ticket),
            level=each.ticket.priority,
            due_at=desk.calendar.promise(each.due_at),
            note=f"{each.percent} %" if each.percent else sentence("time_is_up", desk.language),
        )
        for each in sorted(due, key=lambda each: (each.due_at, each.ticket.priority))
    ]
    told = ",".join(f"{each.clock_id}:{each.percent}" for each in due)
    key = f"warnings:{desk.digest('warnings', told, length=16)}"
    post(tx, desk, ManyWarned(tuple(lines)), Post(key, "warnings", readers), now)
