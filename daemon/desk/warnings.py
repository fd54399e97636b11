"""Warning engineers before a promise breaks, and at the breach; each once (E7)."""

import datetime as dt
from typing import Any

from daemon.desk import clocks, relay, worklog
from daemon.desk.context import Desk
from daemon.desk.letters import Warned
from daemon.desk.mailing import Post, people, post
from daemon.domain.clock import Clock, Clocks
from daemon.domain.clock_warnings import ClockWarning, to_tell, warnings
from daemon.domain.ticket import Ticket
from daemon.store import events, rows, tickets
from daemon.store.session import Tx


def step(desk: Desk, now: dt.datetime) -> bool:
    """Tell what is due by now; True where anything was."""
    _follow_calendar(desk, now)
    with desk.store.reading() as tx:
        if not tickets.clocks_to_tell(tx, now, limit=1):
            return False
    with desk.store.writing() as tx:
        for row in tickets.clocks_to_tell(tx, now):
            _tell(tx, desk, row, now)
    return True


def _follow_calendar(desk: Desk, now: dt.datetime) -> None:
    """E8: running clocks follow the calendar; a changed one moves their deadlines."""
    mark = desk.calendar.fingerprint
    with desk.store.reading() as tx:
        if rows.fact(tx, "calendar") == mark:
            return
    with desk.store.writing() as tx:
        for ticket_id in tickets.running_tickets(tx):
            clocks.refresh(tx, desk, tickets.by_id(tx, ticket_id), now)
        rows.keep_fact(tx, "calendar", mark)


def _tell(tx: Tx, desk: Desk, row: Any, now: dt.datetime) -> None:
    ticket = tickets.by_id(tx, row.ticket_id)
    clock = _clock_of(clocks.read(tx, desk, ticket, now), row)
    told: list[int | None] = list(row.told or [])
    if clock is None or ticket.spam:
        tickets.note_told(tx, row.id, told, None)
        return
    found = warnings(clock, desk.settings.clock.warn_at, desk.calendar)
    warning = to_tell(found, told, desk.calendar, now)
    if warning is not None:
        told.append(warning.percent)
        _warn(tx, desk, ticket, now, clock=clock, warning=warning, clock_id=row.id)
    tickets.note_told(tx, row.id, told, clocks.tell_at(desk, clock, told, now))


def _clock_of(found: Clocks, row: Any) -> Clock | None:
    if row.kind == "follow-up":
        return found.follow_ups[row.ordinal] if row.ordinal < len(found.follow_ups) else None
    return found.response if row.kind == "response" else found.resolution


def _warn(
    tx: Tx, desk: Desk, ticket: Ticket, now: dt.datetime, *, clock: Clock, warning: ClockWarning,
    clock_id: int,
) -> None:  # fmt: skip
    due = clock.due_at or clock.breached_at or now
    post(
        tx, desk,
        Warned(
            ticket.number, ticket.subject, worklog.customer_name(tx, ticket), ticket.priority,
            warning.percent, desk.calendar.promise(due), clock.kind.value,
        ),
        Post(
            key=f"warning:{clock_id}:{warning.percent or 'breach'}", kind="warning",
            to=people(relay.audience(tx, ticket, desk.calendar.day_of(now))),
            language=desk.settings.desk.language, ticket=ticket,
        ),
        now,
    )  # fmt: skip
    events.record(
        tx, at=now, kind="warned", actor="avtald", cause="clock", ticket_id=ticket.id,
        data={"clock": clock.kind.value, "percent": warning.percent},
    )  # fmt: skip
