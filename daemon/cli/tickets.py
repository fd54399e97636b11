"""`avtald tickets`, `avtald ticket N`, `avtald explain N`."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.cli.desk import opened
from daemon.cli.options import NUMBER, config_option, json_option, now_option
from daemon.cli.output import print_json, print_table
from daemon.domain.wording import Say

if TYPE_CHECKING:
    from daemon.domain.opening_hours import Calendar
    from daemon.domain.ticket import Ticket
    from daemon.store.session import Tx


@click.command()
@click.option("--open", "only_open", is_flag=True, help="Only tickets that wait for somebody.")
@json_option
@now_option
@config_option
def tickets(config: Path | None, now: dt.datetime, *, only_open: bool, as_json: bool) -> None:
    """List tickets, by deadline and then by priority."""
    from daemon.desk.shown import tickets as tickets_shown

    with opened(config) as desk, desk.store.reading() as tx:
        found = tickets_shown.listing(tx, only_open=only_open)
        say = desk.say
        local = desk.calendar.local
        left = {
            each["number"]: _left(desk.calendar, now, each["response"]["due_at"])
            for each in found
            if each["response"]["due_at"] and not each["response"]["ended_at"]
        }
    if as_json:
        print_json(found)
        return
    heads = say(
        "ärende prio status kund från ämne start_senast kvar tid",
        "ticket prio status customer from subject start_by left time",
    ).replace("_", "\u00a0")
    print_table(
        heads.split(" "),
        [
            (
                each["number"],
                each["priority"],
                each["status"],
                each["customer"],
                each["requester"],
                each["subject"][:50],
                _moment(local, each["response"]["due_at"] if each["number"] in left else None),
                left.get(each["number"], ""),
                _hours(each["minutes"]["actual"]),
            )
            for each in found
        ],
        right=(0, 1, 7, 8),
        colours=[_colour(each, now) for each in found],
    )


def _colour(shape: dict[str, Any], now: dt.datetime) -> str | None:
    """Red past its time, yellow while the clock runs, nothing else."""
    response = shape["response"]
    if response["ended_at"] or response["due_at"] is None:
        return None
    return "red" if response["due_at"] < now else "yellow"


def _moment(local: Callable[[dt.datetime], dt.datetime], at: dt.datetime | None) -> str:
    return f"{local(at):%Y-%m-%d %H:%M}" if at else ""


def _left(calendar: "Calendar", now: dt.datetime, due_at: dt.datetime) -> str:
    """The opening time left until a deadline; with a minus, what has gone by since."""
    if due_at < now:
        return f"-{_hours(calendar.minutes_used(due_at, now))}"
    return _hours(int(calendar.between(now, due_at).total_seconds() // 60))


def _hours(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"


@click.command()
@click.argument("number", type=NUMBER)
@json_option
@config_option
def ticket(config: Path | None, number: int, *, as_json: bool) -> None:
    """Show one ticket whole: who takes part, what was said, what happened."""
    from daemon.desk.shown import tickets as tickets_shown

    with opened(config) as desk, desk.store.reading() as tx:
        say = desk.say
        shown = tickets_shown.whole(tx, _ticket(tx, number, say))
        local = desk.calendar.local
    if as_json:
        print_json(shown)
        return
    click.echo(f"#{shown['number']}  {shown['subject']}")
    for label, key in (("kund", "customer"), ("status", "status"), ("prio", "priority")):
        click.echo(f"  {label}: {shown[key] if shown[key] is not None else '–'}")
    click.echo(f"  {say('deltagare', 'participants')}: {', '.join(shown['participants'])}")
    for line in _links(shown, say):
        click.echo(f"  {line}")
    for said in shown["messages"]:
        mark = say(" (internt)", " (internal)") if said["internal"] else ""
        click.echo(f"\n{local(said['at']):%Y-%m-%d %H:%M}  {said['name']} <{said['from']}>{mark}")
        for line in said["text"].splitlines():
            click.echo(f"    {line}")
    click.echo("")
    for event in shown["events"]:
        click.echo(_event_line(event, local(event["at"])))
    click.echo("")
    for entry in shown["time"]:
        click.echo(_time_line(entry))
    for mail in shown["mails"]:
        click.echo(_mail_line(mail, local(mail["at"])))


def _time_line(entry: dict[str, Any]) -> str:
    amount = f"{entry['actual']} min ({entry['billable']})"
    return f"{entry['worked_on']}        {amount:<18} {entry['engineer']} {entry['note']}".rstrip()


def _mail_line(mail: dict[str, Any], at: dt.datetime) -> str:
    state = mail["state"] if mail["state"] == "sent" else f"{mail['state']} {mail['reply'] or ''}"
    return f"{at:%Y-%m-%d %H:%M}  {mail['kind']:<18} {mail['to']}  {state}".rstrip()


def _links(shown: dict[str, Any], say: Say) -> list[str]:
    """The tickets that this one belongs together with (D5, D7)."""
    later = ", ".join(f"#{number}" for number in shown["followed_by"])
    found = (
        (shown["merged_into"], say("sammanslaget med", "merged into"), f"#{shown['merged_into']}"),
        (shown["follows"], say("fortsätter", "follows"), f"#{shown['follows']}"),
        (later, say("fortsatt i", "followed by"), later),
    )
    return [f"{label}: {numbers}" for known, label, numbers in found if known]


def _event_line(event: dict[str, Any], at: dt.datetime) -> str:
    data = " ".join(f"{key}={value}" for key, value in event["data"].items())
    return f"{at:%Y-%m-%d %H:%M}  {event['kind']:<18} {event['actor']} ({event['cause']}) {data}"


def _ticket(tx: "Tx", number: int, say: Say) -> "Ticket":
    from daemon.store.tickets import tickets as stored

    found = stored.by_number(tx, number)
    if found is None:
        raise click.UsageError(say(f"ärende {number} finns inte", f"no ticket {number}"))
    return found


_CLOCKS = {
    "response": ("svarstid", "response"),
    "follow-up": ("uppföljning", "follow-up"),
    "resolution": ("lösning", "resolution"),
}
_RESULTS = {
    "running": ("går", "running"),
    "met": ("i tid", "met"),
    "missed": ("för sent", "missed"),
    "unanswered": ("stängt utan svar", "unanswered"),
}
_WHY = {
    "open": ("öppet", "open"),
    "closed": ("stängt", "closed"),
    "paused": ("väntar på kunden", "waiting for the customer"),
    "frozen": ("som räknat när klockan stannade", "as counted when the clock ended"),
}


@click.command()
@click.argument("number", type=NUMBER)
@click.option("--send", is_flag=True, help="Send it to the ticket's requester by mail.")
@json_option
@now_option
@config_option
def explain(
    config: Path | None, number: int, now: dt.datetime, *, send: bool, as_json: bool
) -> None:
    """Print every segment in which the ticket's clocks ran or stood still, and why."""
    from daemon.desk.shown import tickets as tickets_shown

    with opened(config) as desk:
        say = desk.say
        with desk.store.reading() as tx:
            clocks = tickets_shown.explained(tx, desk, _ticket(tx, number, say), now)
        if send:
            with desk.store.writing() as tx:
                count = tickets_shown.send_explanation(tx, desk, _ticket(tx, number, say), now)
            click.echo(say(f"mejl i utkorgen: {count}", f"mails in the outbox: {count}"), err=True)
    if as_json:
        print_json(clocks)
        return
    local = desk.calendar.local
    for clock in clocks:
        due = f"{local(clock['due_at']):%Y-%m-%d %H:%M}" if clock["due_at"] else "–"
        kind, result = say(*_CLOCKS[clock["kind"]]), say(*_RESULTS[clock["result"]])
        click.echo(f"{kind}: {result}, {say('senast', 'due')} {due}")
        print_table(
            ["", say("från", "from"), say("till", "to"), "min", say("regel", "rule"), ""],
            [
                (
                    say("går", "runs") if each["running"] else say("står", "stands"),
                    f"{local(each['start']):%Y-%m-%d %H:%M}",
                    f"{local(each['end']):%Y-%m-%d %H:%M}" if each["end"] else "…",
                    each["minutes"],
                    each["rule"],
                    say(*_WHY[each["why"]]),
                )
                for each in clock["segments"]
            ],
            right=(3,),
        )
