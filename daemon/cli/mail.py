"""`avtald receive`, a pipe for an MTA, and `avtald mail`, the inbox and its shelf."""

import datetime as dt
import sys
from pathlib import Path

import click

from daemon.cli.desk import opened
from daemon.cli.options import NUMBER, config_option, json_config, json_now_config, now_option
from daemon.cli.output import print_fields, print_json, print_table


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
    arrivals = [Arrival(raw, now, "receive", delivery=str(uuid.uuid4())) for raw in raws if raw]
    with opened(config) as desk:
        if arrivals:
            accept(desk.store, arrivals, go_live=desk.settings.desk.go_live)
    return 0 if len(arrivals) == len(raws) else 75


def _raw(file: Path | None) -> bytes:
    """Read the message in a file or in standard input; without one, say why and give b""."""
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
@json_config
@click.pass_context
def mail(ctx: click.Context, config: Path | None, *, shelved: bool, as_json: bool) -> None:
    """List the newest messages, each with its outcome."""
    if ctx.invoked_subcommand is not None:
        return
    from daemon.desk.shown import mail as shown

    with opened(config) as desk:
        messages = shown.listing(desk, shelved=shelved)
    if as_json:
        print_json(messages)
        return
    heads = desk.say(
        "id mottaget dörr från tillstånd utfall ärende orsak",
        "id received door from state outcome ticket reason",
    ).split()
    print_table(
        heads,
        [
            (
                message.id,
                f"{message.received_at:%Y-%m-%d %H:%M}",
                message.source,
                message.from_,
                message.state,
                message.outcome,
                message.ticket,
                message.reason,
            )
            for message in messages
        ],
        right=(0,),
    )


@mail.command()
@click.argument("message", type=NUMBER, metavar="ID")
@json_config
def show(config: Path | None, message: int, *, as_json: bool) -> None:
    """Show one message's way through the desk: its deliveries, its effects, its mails."""
    from daemon.desk.shown import mail as shown

    with opened(config) as desk:
        way = shown.way(desk, message)
    if as_json:
        print_json(way)
        return
    print_fields(way)
    click.echo("deliveries:")
    for delivery in way.deliveries:
        click.echo(f"  {delivery.received_at:%Y-%m-%d %H:%M:%S}Z  {delivery.source}")
    click.echo("events:")
    for event in way.events:
        click.echo(f"  {event.at:%Y-%m-%d %H:%M:%S}Z  {event.kind} ({event.actor})")
    click.echo("mails:")
    for sent in way.mails:
        click.echo(f"  {sent.kind} -> {sent.to}: {sent.state}, {sent.reply or '-'}")


@mail.command()
@click.argument("message", type=NUMBER, metavar="ID")
@json_now_config
def replay(config: Path | None, message: int, now: dt.datetime, *, as_json: bool) -> None:
    """Try a shelved message again, with the time it was received."""
    from daemon.desk.shown import mail as shown

    with opened(config) as desk:
        replayed = shown.replay(desk, message, now)
    if as_json:
        print_json(replayed)
    else:
        click.echo(
            desk.say(f"mejl {message} står i tur igen", f"message {message} is in line again")
        )
