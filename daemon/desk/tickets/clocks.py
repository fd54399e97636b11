"""A ticket's clocks: its events are recorded, and the clocks read anew from them (E1–E8)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from daemon.desk.context import By, Desk
from daemon.domain.agreement import Version
from daemon.domain.clock import (
    Clock,
    ClockKind,
    Clocks,
    Event,
    EventKind,
    LevelChange,
    Result,
    Stretch,
    Targets,
    read_clocks,
)
from daemon.domain.clock_explain import Segment, explain_clock, frozen_segments
from daemon.domain.clock_warnings import next_telling, warnings
from daemon.domain.opening_hours import minutes_up
from daemon.domain.ticket import Ticket
from daemon.store.memo import once
from daemon.store.money import register
from daemon.store.session import Tx
from daemon.store.tickets import tickets

_KINDS = frozenset(EventKind)


def happened(
    by: By,
    ticket: Ticket,
    kind: EventKind,
    *,
    priority: int | None = None,
    answer: int | None = None,
) -> Clocks:
    """Record an event of a ticket (K1), and bring its clocks up to it (E4)."""
    data = {"priority": priority, "answer": answer}
    by.record(ticket, kind.value, **{k: v for k, v in data.items() if v is not None})
    if kind is not EventKind.OPENED:
        return refresh(by.tx, by.desk, ticket, by.at)
    # A new ticket has no past: nothing to read, and no clock that was stored.
    once(by.tx, "events", ("of", ticket.id), lambda: (Event(by.at, kind, priority, answer),))
    return _store(by.tx, by.desk, ticket, by.at, {})


def refresh(tx: Tx, desk: Desk, ticket: Ticket, now: dt.datetime) -> Clocks:
    """Read a ticket's clocks from its events, and store them; an ended one is frozen (E8)."""
    tickets.lock(tx, ticket.id)  # another act on the same ticket waits for this one
    stored = {(row.kind, row.ordinal): row for row in tickets.clock_rows(tx, [ticket.id])}
    return _store(tx, desk, ticket, now, stored)


def _store(
    tx: Tx, desk: Desk, ticket: Ticket, now: dt.datetime, stored: Mapping[tuple[str, int], Any]
) -> Clocks:
    clocks = read(tx, desk, ticket, now)
    rows = []
    for ordinal, clock in _numbered(clocks):
        kept = stored.get((clock.kind.value, ordinal))
        told = (kept.told or []) if kept is not None else []
        row = _row(clock, ordinal) | {"tell_at": tell_at(desk, clock, told, now)}
        if kept is not None and kept.result != "running" and not _ended_otherwise(kept, clock):
            row = {key: getattr(kept, key) for key in row}
        rows.append(row)
    running = [name for name, kept in stored.items() if kept.result == "running"]
    tickets.keep_clocks(tx, ticket.id, rows, running)  # an ended clock stays (E8)
    return clocks


def tell_at(
    desk: Desk, clock: Clock, told: Sequence[int | None], now: dt.datetime
) -> dt.datetime | None:
    """E7: when something of a clock is to be told next."""
    due = warnings(clock, desk.settings.clock.warn_at, desk.calendar)
    return next_telling(due, told, desk.calendar, now)


def _ended_otherwise(kept: Any, clock: Clock) -> bool:
    """Tell if later events change the end of a clock; calendar and agreement never do (E8).

    A bounce takes the end back. An answer with `[klar]` is accepted for delivery after the closing:
    the ticket was not closed without a word (E1).
    """
    answered = kept.result == Result.UNANSWERED and clock.result is Result.MET
    return answered or bool(clock.ended_at != kept.ended_at)


def _numbered(clocks: Clocks) -> list[tuple[int, Clock]]:
    single = [(0, clock) for clock in (clocks.response, clocks.resolution) if clock is not None]
    return single + list(enumerate(clocks.follow_ups))


def _row(clock: Clock, ordinal: int) -> dict[str, Any]:
    return {
        "kind": clock.kind.value,
        "ordinal": ordinal,
        "started_at": clock.started_at,
        "target_minutes": None if clock.target is None else minutes_up(clock.target),
        "due_at": clock.due_at,
        "paused": clock.paused,
        "ended_at": clock.ended_at,
        "used_minutes": None if clock.ended_at is None else minutes_up(clock.used),
        "result": clock.result.value,
        "breached_at": clock.breached_at,
    }


def explained(
    tx: Tx, desk: Desk, ticket: Ticket, now: dt.datetime
) -> list[tuple[Clock, tuple[Segment, ...]]]:
    """E9: a ticket's clocks with every segment; an ended one as it was frozen (E8)."""
    shown = {
        (clock.kind.value, ordinal): (clock, explain_clock(clock, desk.calendar))
        for ordinal, clock in _numbered(read(tx, desk, ticket, now))
    }
    for row in tickets.clock_rows(tx, [ticket.id]):
        if row.result != "running":
            name = (row.kind, row.ordinal)
            shown[name] = _as_frozen(row, ticket, now, shown.get(name))
    order = list(ClockKind)
    names = sorted(shown, key=lambda name: (order.index(ClockKind(name[0])), name[1]))
    return [shown[name] for name in names]


def _as_frozen(
    row: Any, ticket: Ticket, now: dt.datetime, read_now: tuple[Clock, tuple[Segment, ...]] | None
) -> tuple[Clock, tuple[Segment, ...]]:
    """A stored result, with the segments of today's calendar if they still add up to it."""
    target = None if row.target_minutes is None else dt.timedelta(minutes=row.target_minutes)
    clock = Clock(
        kind=ClockKind(row.kind),
        started_at=row.started_at,
        target=target,
        due_at=row.due_at,
        ended_at=row.ended_at,
        ended_by=read_now[0].ended_by if read_now else None,
        used=dt.timedelta(minutes=row.used_minutes),
        result=Result(row.result),
        paused=False,
        breached_at=row.breached_at,
        levels=(LevelChange(row.started_at, ticket.priority, target),),
        stretches=(Stretch(row.started_at, row.ended_at, running=True),),
        read_at=now,
    )
    if read_now and _span(read_now[0]) == _span(clock):
        return clock, read_now[1]
    return clock, frozen_segments(clock.started_at, row.ended_at, clock.used)


def _span(clock: Clock) -> tuple[dt.datetime, dt.datetime | None, int]:
    return clock.started_at, clock.ended_at, minutes_up(clock.used)


def read(tx: Tx, desk: Desk, ticket: Ticket, now: dt.datetime) -> Clocks:
    """A ticket's clocks as its events, its agreement and the calendar make them."""
    key = ("clocks", ticket.id, ticket.customer_id, ticket.opened_at, now)
    return once(tx, "events", key, lambda: _read(tx, desk, ticket, now))


def _read(tx: Tx, desk: Desk, ticket: Ticket, now: dt.datetime) -> Clocks:
    history = once(tx, "events", ("of", ticket.id), lambda: _events(tx, ticket))
    if not any(event.kind is EventKind.OPENED for event in history):
        return Clocks(None, (), None)
    return read_clocks(history, targets(agreement_at_opening(tx, desk, ticket)), desk.calendar, now)


def _events(tx: Tx, ticket: Ticket) -> tuple[Event, ...]:
    return tuple(
        Event(
            row.at,
            EventKind(row.kind),
            (row.data or {}).get("priority"),
            (row.data or {}).get("answer"),
        )
        for row in tickets.events_of(tx, ticket.id)
        if row.kind in _KINDS
    )


def agreement_at_opening(tx: Tx, desk: Desk, ticket: Ticket) -> Version | None:
    """E3: the version in force when the ticket was opened decides its clock."""
    if ticket.customer_id is None:
        return None
    return register.version_in_force(tx, ticket.customer_id, desk.calendar.day_of(ticket.opened_at))


def targets(version: Version | None) -> Targets:
    """The promises of an agreement, as opening time by priority (E2, E6)."""
    if version is None:
        return Targets()
    terms = version.terms

    def by_priority(minutes: Any) -> dict[int, dt.timedelta] | None:
        return minutes and {level: dt.timedelta(minutes=each) for level, each in minutes.items()}

    return Targets(by_priority(terms.response), by_priority(terms.resolution))


def next_deadline(clocks: Clocks) -> dt.datetime | None:
    """The first deadline of the running clocks."""
    due = [clock.due_at for clock in clocks.all() if clock.running and clock.due_at is not None]
    return min(due, default=None)
