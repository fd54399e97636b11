"""`avtald tickets`, `avtald ticket N`, `avtald explain N`."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.desk import opened
from daemon.cli.options import NUMBER, json_config, json_now_config
from daemon.cli.output import hours, print_json, print_table
from daemon.domain.wording import Say

if TYPE_CHECKING:
    from daemon.desk.context import Desk
    from daemon.desk.shown.tickets import (
        Booking,
        Event,
        ExplainedClock,
        ListedTicket,
        Mail,
        Response,
        WholeTicket,
    )


@click.command()
@click.option("--open", "only_open", is_flag=True, help="Only tickets that wait for somebody.")
@json_now_config
def tickets(config: Path | None, now: dt.datetime, *, only_open: bool, as_json: bool) -> None:
    """List tickets, by deadline and then by priority."""
    from daemon.desk.shown.tickets import listing

    with opened(config) as desk:
        listed = listing(desk, only_open=only_open)
    if as_json:
        print_json(listed)
        return
    heads = desk.say(
        "ärende prio status kund från ämne start_senast kvar tid",
        "ticket prio status customer from subject start_by left time",
    ).replace("_", "\u00a0")
    print_table(
        heads.split(" "),
        [_line(ticket, desk, now) for ticket in listed],
        right=(0, 1, 7, 8),
        colours=[_colour(ticket.response, now) for ticket in listed],
    )


def _line(ticket: "ListedTicket", desk: "Desk", now: dt.datetime) -> list[Any]:
    due_at = _runs_to(ticket.response)
    return [
        ticket.number,
        ticket.priority,
        ticket.status,
        ticket.customer,
        ticket.requester,
        ticket.subject[:50],
        f"{desk.calendar.local(due_at):%Y-%m-%d %H:%M}" if due_at else "",
        _left(desk, now, due_at) if due_at else "",
        hours(ticket.minutes.actual),
    ]


def _runs_to(response: "Response") -> dt.datetime | None:
    """The deadline of a running clock."""
    return None if response.ended_at else response.due_at


def _colour(response: "Response", now: dt.datetime) -> str | None:
    """Red past its time, yellow while the clock runs, nothing else."""
    due_at = _runs_to(response)
    if due_at is None:
        return None
    return "red" if due_at < now else "yellow"


def _left(desk: "Desk", now: dt.datetime, due_at: dt.datetime) -> str:
    """The opening time left until a deadline; after it, the time gone by with a minus."""
    if due_at < now:
        return f"-{hours(desk.calendar.minutes_used(due_at, now))}"
    return hours(int(desk.calendar.between(now, due_at).total_seconds() // 60))


@click.command()
@click.argument("number", type=NUMBER)
@json_config
def ticket(config: Path | None, number: int, *, as_json: bool) -> None:
    """Show one ticket whole: participants, conversation, events, time and mails."""
    from daemon.desk.shown.tickets import whole

    with opened(config) as desk:
        shown = whole(desk, number)
    if as_json:
        print_json(shown)
        return
    for line in _whole(shown, desk):
        click.echo(line)


def _whole(ticket: "WholeTicket", desk: "Desk") -> Iterator[str]:
    say, local = desk.say, desk.calendar.local
    yield f"#{ticket.number}  {ticket.subject}"
    facts = (("kund", ticket.customer), ("status", ticket.status), ("prio", ticket.priority))
    yield from (f"  {label}: {'–' if fact is None else fact}" for label, fact in facts)
    yield f"  {say('deltagare', 'participants')}: {', '.join(ticket.participants)}"
    yield from (f"  {line}" for line in _links(ticket, say))
    for said in ticket.messages:
        mark = say(" (internt)", " (internal)") if said.internal else ""
        yield f"\n{local(said.at):%Y-%m-%d %H:%M}  {said.name} <{said.from_}>{mark}"
        yield from (f"    {line}" for line in said.text.splitlines())
    yield ""
    yield from (_event_line(event, local(event.at)) for event in ticket.events)
    yield ""
    yield from (_time_line(booking) for booking in ticket.time)
    yield from (_mail_line(mail, local(mail.at)) for mail in ticket.mails)


def _time_line(booking: "Booking") -> str:
    amount = f"{booking.actual} min ({booking.billable})"
    return f"{booking.worked_on}        {amount:<18} {booking.engineer} {booking.note}".rstrip()


def _mail_line(mail: "Mail", at: dt.datetime) -> str:
    state = mail.state if mail.state == "sent" else f"{mail.state} {mail.reply or ''}"
    return f"{at:%Y-%m-%d %H:%M}  {mail.kind:<18} {mail.to}  {state}".rstrip()


def _links(ticket: "WholeTicket", say: Say) -> list[str]:
    """The tickets linked with this one (D5, D7)."""
    later = ", ".join(f"#{number}" for number in ticket.followed_by)
    links = (
        (ticket.merged_into, say("sammanslaget med", "merged into"), f"#{ticket.merged_into}"),
        (ticket.follows, say("fortsätter", "follows"), f"#{ticket.follows}"),
        (later, say("fortsatt i", "followed by"), later),
    )
    return [f"{label}: {numbers}" for known, label, numbers in links if known]


def _event_line(event: "Event", at: dt.datetime) -> str:
    data = " ".join(f"{key}={value}" for key, value in event.data.items())
    return f"{at:%Y-%m-%d %H:%M}  {event.kind:<18} {event.actor} ({event.cause}) {data}"


@click.command()
@click.argument("number", type=NUMBER)
@click.option("--send", is_flag=True, help="Send it to the ticket's requester by mail.")
@json_now_config
def explain(
    config: Path | None, number: int, now: dt.datetime, *, send: bool, as_json: bool
) -> None:
    """Print every segment of the ticket's clocks, running or at rest, with its rule."""
    from daemon.desk.shown.tickets import explained, send_explanation

    with opened(config) as desk:
        clocks = explained(desk, number, now)
        if send:
            count = send_explanation(desk, number, now)
            says = desk.say(f"mejl i utkorgen: {count}", f"mails in the outbox: {count}")
            click.echo(says, err=True)
    if as_json:
        print_json(clocks)
        return
    for clock in clocks:
        _print_clock(clock, desk)


def _print_clock(clock: "ExplainedClock", desk: "Desk") -> None:
    from daemon.desk.shown import words

    say, local = desk.say, desk.calendar.local
    due = f"{local(clock.due_at):%Y-%m-%d %H:%M}" if clock.due_at else "–"
    kind, result = say(*words.CLOCK[clock.kind]), say(*words.RESULT[clock.result])
    click.echo(f"{kind}: {result}, {say('senast', 'due')} {due}")
    print_table(
        ["", say("från", "from"), say("till", "to"), "min", say("regel", "rule"), ""],
        [
            (
                say("går", "runs") if segment.running else say("står", "stands"),
                f"{local(segment.start):%Y-%m-%d %H:%M}",
                f"{local(segment.end):%Y-%m-%d %H:%M}" if segment.end else "…",
                segment.minutes,
                segment.rule,
                say(*words.WHY[segment.why]),
            )
            for segment in clock.segments
        ],
        right=(3,),
    )
