"""`avtald receive`, a pipe for an MTA, and `avtald mail`, the inbox and its shelf."""

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.cli.desk import opened
from daemon.cli.options import NUMBER, config_option, json_option, now_option
from daemon.cli.output import print_json, print_table

if TYPE_CHECKING:
    from daemon.store.mail import inbox


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@now_option
@config_option
def receive(config: Path | None, files: tuple[Path, ...], now: dt.datetime) -> int:
    """Take raw messages from FILES or standard input into the inbox.

    Exits 0 when they are durable, and 75 (try again) for every fault: no fault of ours bounces a
    mail. An empty file is a fault of whoever wrote it; the other files are taken.
    """
    import uuid

    from daemon.intake.accept import Arrival, accept

    raws = [_raw(file) for file in files or (None,)]
    found = [Arrival(raw, now, "receive", delivery=str(uuid.uuid4())) for raw in raws if raw]
    with opened(config) as desk:
        if found:
            accept(desk.store, found, go_live=desk.settings.desk.go_live)
    return 0 if len(found) == len(raws) else 75


def _raw(file: Path | None) -> bytes:
    """The message in a file or in standard input; nothing, and why, where there is none."""
    name = "standard input" if file is None else file
    if file is None and sys.stdin is None:  # closed by whoever started us
        return _no_message(f"{name} is closed: no message")
    try:
        raw = sys.stdin.buffer.read() if file is None else file.read_bytes()
    except OSError as error:
        return _no_message(f"{name} cannot be read: {error.strerror}")
    return raw or _no_message(f"{name} is empty: no message")


def _no_message(says: str) -> bytes:
    click.echo(f"avtald: {says}", err=True)
    return b""


@click.group(invoke_without_command=True)
@click.option("--shelved", is_flag=True, help="Only what could not be processed.")
@json_option
@config_option
@click.pass_context
def mail(ctx: click.Context, config: Path | None, *, shelved: bool, as_json: bool) -> None:
    """List the newest messages and what became of them."""
    if ctx.invoked_subcommand is not None:
        return
    from daemon.store.mail import inbox

    with opened(config) as desk, desk.store.reading() as tx:
        found = inbox.listing(tx, states=["shelved"] if shelved else None)
        say = desk.say
    rows = [
        {
            "id": row.id,
            "received_at": row.received_at,
            "source": row.source,
            "from": row.sender,
            "kind": row.kind,
            "state": row.state,
            "outcome": row.outcome,
            "ticket": row.ticket_number,
            "attempts": row.attempts,
            "reason": row.reason,
            "size": row.size,
            "identity": row.identity,
        }
        for row in found
    ]
    if as_json:
        print_json(rows)
        return
    heads = say(
        "id mottaget dörr från tillstånd utfall ärende orsak",
        "id received door from state outcome ticket reason",
    ).split()
    print_table(
        heads,
        [
            (
                row["id"],
                f"{row['received_at']:%Y-%m-%d %H:%M}",
                row["source"],
                row["from"],
                row["state"],
                row["outcome"],
                row["ticket"],
                row["reason"],
            )
            for row in rows
        ],
        right=(0,),
    )


@mail.command()
@click.argument("message", type=NUMBER, metavar="ID")
@json_option
@config_option
def show(config: Path | None, message: int, *, as_json: bool) -> None:
    """Show one message's way through the desk: its deliveries, what it did, what it sent."""
    from daemon.store.mail import inbox

    with opened(config) as desk, desk.store.reading() as tx:
        found = inbox.way(tx, message)
        say = desk.say
    if found is None:
        raise click.UsageError(say(f"det finns inget mejl {message}", f"no message {message}"))
    if as_json:
        print_json(_whole(found))
        return
    for name, value in _whole(found).items():
        if not isinstance(value, list):
            click.echo(f"{name}: {'-' if value is None else value}")
    for name, rows in (("deliveries", found.deliveries), ("events", found.events)):
        click.echo(f"{name}:")
        for row in rows:
            what = row.source if name == "deliveries" else f"{row.kind} ({row.actor})"
            at = row.received_at if name == "deliveries" else row.at
            click.echo(f"  {at:%Y-%m-%d %H:%M:%S}Z  {what}")
    click.echo("mails:")
    for row in found.mails:
        click.echo(f"  {row.kind} -> {row.recipient}: {row.state}, {row.reply or '-'}")


def _whole(way: "inbox.Way") -> dict[str, object]:
    row = way.message
    return {
        "id": row.id,
        "received_at": row.received_at,
        "source": row.source,
        "from": row.sender,
        "envelope_from": row.envelope_from,
        "envelope_to": row.envelope_to,
        "message_id": row.message_id,
        "identity": row.identity,
        "size": row.size,
        "state": row.state,
        "kind": row.kind,
        "outcome": row.outcome,
        "reason": row.reason,
        "attempts": row.attempts,
        "processed_at": row.processed_at,
        "ticket": row.ticket_number,
        "deliveries": [
            {
                "received_at": each.received_at,
                "source": each.source,
                "mailbox": each.mailbox,
                "uidvalidity": each.uidvalidity,
                "uid": each.uid,
                "moved": each.moved,
            }
            for each in way.deliveries
        ],
        "events": [
            {"at": each.at, "kind": each.kind, "actor": each.actor, "data": each.data}
            for each in way.events
        ],
        "mails": [
            {
                "kind": each.kind,
                "to": each.recipient,
                "state": each.state,
                "attempts": each.attempts,
                "sent_at": each.sent_at,
                "reply": each.reply,
            }
            for each in way.mails
        ],
    }


@mail.command()
@click.argument("message", type=NUMBER, metavar="ID")
@json_option
@now_option
@config_option
def replay(config: Path | None, message: int, now: dt.datetime, *, as_json: bool) -> None:
    """Try a shelved message again, with the time it was received."""
    from daemon.desk.outgoing import alarms
    from daemon.store.mail import inbox

    with opened(config) as desk, desk.store.writing() as tx:
        put_back = inbox.reopen(tx, message)
        if put_back:
            alarms.unshelved(tx, message, now)
        say = desk.say
    if not put_back:
        raise click.UsageError(
            say(f"mejl {message} ligger inte på hyllan", f"message {message} is not shelved")
        )
    if as_json:
        print_json({"id": message, "state": "new"})
    else:
        click.echo(say(f"mejl {message} står i tur igen", f"message {message} is in line again"))
