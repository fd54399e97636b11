"""The shared options of commands: --config, --json, --now, --debug."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


_FIRST_YEAR, _LAST_YEAR = 1971, 2198  # a year inside of what the calendar knows
NUMBER = click.IntRange(1, 999_999_999)  # of a ticket or a message: what a database can hold


class InstantParam(click.ParamType[dt.datetime]):
    """An instant with its offset from UTC: 2026-11-30T08:30:00+01:00."""

    name = "instant"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dt.datetime:
        """Read an instant; wrong usage without an offset (A1), or beyond every calendar."""
        from daemon.settings.values import instant

        try:
            read = instant(value)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        if not _FIRST_YEAR <= read.year <= _LAST_YEAR:
            self.fail(f"{value!r} lies outside the years 1971-2198", param, ctx)
        return read


class DayParam(click.ParamType[dt.date]):
    """A date: 2026-11-30."""

    name = "date"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dt.date:
        """Read a date; wrong usage for anything else."""
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no date: write 2026-11-30", param, ctx)


class PercentParam(click.ParamType[Decimal]):
    """Per cent of a rise: 3, 2.5, 2,5 or 3%."""

    name = "percent"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Read a percentage; wrong usage for anything but a rise."""
        try:
            percent = Decimal(str(value).removesuffix("%").strip().replace(",", "."))
        except ArithmeticError:
            percent = Decimal(0)
        if not (percent.is_finite() and 0 < percent <= 100):
            self.fail(f"{value!r} is no rise: write per cents as 3 or 2.5%", param, ctx)
        return percent


def _real_time() -> dt.datetime:
    """Read the clock; commands do it nowhere else (A4)."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def _given_or_common(
    ctx: click.Context, _param: click.Parameter, value: Path | None
) -> Path | None:
    """`avtald --config X check` is `avtald check --config X`."""
    return value or ctx.find_root().params.get("config")


def config_option(command: Command) -> Command:
    """`--config PATH`, handed on as `config`."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        callback=_given_or_common,
        help="The configuration; else $AVTALD_CONFIG, ./avtald.toml, /etc/avtald/avtald.toml.",
    )(debug_option(command))


def debug_option(command: Command) -> Command:
    """`--debug`: a fault shows its whole traceback."""
    return click.option(
        "--debug", is_flag=True, expose_value=False, help="Show the traceback of a fault."
    )(command)


def json_option(command: Command) -> Command:
    """`--json`, handed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def now_option(command: Command) -> Command:
    """`--now INSTANT`, handed on as `now`; else the real time."""
    return click.option(
        "--now",
        type=InstantParam(),
        default=_real_time,
        metavar="INSTANT",
        help="As if it were this time: ISO 8601 with offset.",
    )(command)


def json_config(command: Command) -> Command:
    """`--json` and `--config`: the options of every command with output."""
    return json_option(config_option(command))


def json_now_config(command: Command) -> Command:
    """`--json`, `--now` and `--config`: the options of a command about an instant."""
    return json_option(now_option(config_option(command)))
