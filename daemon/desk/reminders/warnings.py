"""Warning engineers before a promise breaks, and at the breach; each once (E7)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.hours import worklog
from daemon.desk.letters.records import ManyWarned, TicketLine, Warned
from daemon.desk.letters.sentences import sentence
from daemon.desk.outgoing.mailing import Post, people, post
from daemon.desk.tickets import clocks, relay
from daemon.domain.clock import Clock, Clocks
from daemon.domain.clock_warnings import to_tell, warnings
from daemon.domain.ticket import Ticket
from daemon.store import rows
from daemon.store.session import Tx
from daemon.store.tickets import events, tickets

_STORM = 3  # warnings to the same readers at once; more go in one mail


def step(desk: Desk, now: dt.datetime) -> bool:
    """Tell what is due by now; True where anything was."""
    _follow_calendar(desk, now)
    with desk.store.reading() as tx:
        if not tickets.clocks_to_tell(tx, now, limit=1):
            return False
    with desk.store.acting() as tx:
        found = [_due(tx, desk, row, now) for row in tickets.clocks_to_tell(tx, now)]
        _tell_all(tx, desk, [each for each in found if each is not None], now)
    return True


@dataclass(frozen=True, slots=True)
class _Due:
    """A warning to be told, of one clock."""

    ticket: Ticket
    clock: Clock
    clock_id: int
    percent: int | None  # None: the breach
    readers: tuple[tuple[str, str], ...]

    @property
    def due_at(self) -> dt.datetime:
        """The deadline that it is about."""
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
    """What of a clock is to be told now; noted as told."""
    ticket = tickets.by_id(tx, row.ticket_id)
    clock = _clock_of(clocks.read(tx, desk, ticket, now), row)
    told: list[int | None] = list(row.told or [])
    if clock is None or ticket.spam:
        tickets.note_told(tx, row.id, told, None)
        return None
    found = warnings(clock, desk.settings.clock.warn_at, desk.calendar)
    warning = to_tell(found, told, desk.calendar, now)
    if warning is not None:
        told.append(warning.percent)
    tickets.note_told(tx, row.id, told, clocks.tell_at(desk, clock, told, now))
    if warning is None:
        return None
    readers = people(relay.audience(tx, ticket, desk.calendar.day_of(now)))
    return _Due(ticket, clock, row.id, warning.percent, readers)


def _tell_all(tx: Tx, desk: Desk, found: Sequence[_Due], now: dt.datetime) -> None:
    """Tell each reader; many at once in one mail, as in the first minute after a holiday."""
    by_reader: dict[tuple[tuple[str, str], ...], list[_Due]] = {}
    for each in found:
        by_reader.setdefault(each.readers, []).append(each)
        data = {"clock": each.clock.kind.value, "percent": each.percent}
        events.record(tx, events.Event("warned", now, ticket_id=each.ticket.id, data=data))
    for readers, theirs in by_reader.items():
        if len(theirs) > _STORM:
            _warn_of_many(tx, desk, readers, theirs, now)
            continue
        for each in theirs:
            _warn(tx, desk, each, now)


def _clock_of(found: Clocks, row: Any) -> Clock | None:
    if row.kind == "follow-up":
        return found.follow_ups[row.ordinal] if row.ordinal < len(found.follow_ups) else None
    return found.response if row.kind == "response" else found.resolution


def _warn(tx: Tx, desk: Desk, due: _Due, now: dt.datetime) -> None:
    ticket = due.ticket
    post(
        tx,
        desk,
        Warned(
            ticket.number,
            ticket.subject,
            worklog.customer_name(tx, ticket),
            ticket.priority,
            due.percent,
            desk.calendar.promise(due.due_at),
            due.kind,
        ),
        Post(
            key=f"warning:{due.clock_id}:{due.percent or 'breach'}",
            kind="warning",
            to=due.readers,
            language=desk.language,
            ticket=ticket,
        ),
        now,
    )


def _warn_of_many(
    tx: Tx,
    desk: Desk,
    readers: tuple[tuple[str, str], ...],
    found: Sequence[_Due],
    now: dt.datetime,
) -> None:
    language = desk.language
    lines = tuple(
        TicketLine(
            each.ticket.number,
            each.ticket.subject,
            customer=worklog.customer_name(tx, each.ticket),
            level=each.ticket.priority,
            due_at=desk.calendar.promise(each.due_at),
            note=f"{each.percent} %" if each.percent else sentence("time_is_up", language),
        )
        for each in sorted(found, key=lambda each: (each.due_at, each.ticket.priority))
    )
    told = ",".join(f"{each.clock_id}:{each.percent}" for each in found)
    post(
        tx,
        desk,
        ManyWarned(lines),
        Post(
            key=f"warnings:{desk.digest('warnings', told, length=16)}",
            kind="warnings",
            to=readers,
            language=language,
        ),
        now,
    )
