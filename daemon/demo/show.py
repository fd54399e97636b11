"""The whole demonstration, from an empty folder to the month's drafts."""

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from daemon.demo import month, stay, story
from daemon.demo.play import PlayedTime, Player, Print, instant
from daemon.demo.stage import Stage, free_port, staged
from daemon.domain.agreement import in_force
from daemon.store.money import register

_ZONE = ZoneInfo("Europe/Stockholm")
_STAY_PORT = 2525
_CUSTOMER = "  {:<26}{:<12}{:<14}{:<14}{:>9}{:>9}"


def show(folder: Path, port: int | None, say: Print, *, staying: bool = False) -> bool:
    """Play the month, and stay up afterwards if asked; False if a draft is not as reckoned."""
    began = time.monotonic()
    opens = instant(story.OPENS, _ZONE)
    wanted = port if port is not None else _STAY_PORT * staying
    with staged(folder, free_port(wanted), opens) as stage:
        for line in _programme(stage, opens):
            say(line)
        player = Player(stage, say, PlayedTime(opens))
        player.play()
        player.close()
        for line in month.statements(stage, player.clock.now):
            say(line)
        wrong = [*player.wrong, *month.differences(stage)]
        for line in _curtain(stage, player, wrong, time.monotonic() - began):
            say(line)
        if staying:
            stay.stay(stage, say)
    return not wrong


def _programme(stage: Stage, opens: dt.datetime) -> Iterator[str]:
    """The lines before the play: the desk, and its customers."""
    desk = stage.desk.settings.desk
    title = f"{desk.name} <{desk.address}>: a desk on this machine, in November 2026"
    yield click.style(title, bold=True)
    yield f"  mail comes in by SMTP at 127.0.0.1:{stage.door_port}; what goes out is caught"
    yield f"  invoice drafts go to an accounting double that behaves as Fortnox: {stage.double.url}"
    yield ""
    yield from _customers(stage, stage.desk.calendar.day_of(opens))


def _customers(stage: Stage, day: dt.date) -> Iterator[str]:
    """The table of customers and their terms."""
    heads = ("customer", "agreement", "work starts", "time bank", "fee", "hour")
    yield _CUSTOMER.format(*heads)
    with stage.desk.store.reading() as tx:
        for account in register.load(tx).accounts:
            version = in_force(register.versions_of(tx, account.customer.id), day)
            terms = version.terms if version else stage.desk.none_terms(day)
            within = f"within {terms.response[3] // 60} h" if terms.response else "no promise"
            bank = f"{terms.bank_minutes // 60} h/{terms.bank_period}" if terms.bank_period else "–"
            fee, rate = str(terms.monthly_fee), str(terms.hourly_rate)
            yield _CUSTOMER.format(account.customer.name, terms.plan_name, within, bank, fee, rate)


def _curtain(stage: Stage, player: Player, wrong: list[str], seconds: float) -> Iterator[str]:
    """The lines after the play: a summary, then the drafts."""
    yield ""
    yield (
        f"{len(story.SCENES)} mails came in and {len(player.sent)} went out, in {seconds:.1f} s; "
        + ("everything is as reckoned by hand." if not wrong else "NOT as reckoned by hand:")
    )
    yield from (f"  ✗ {difference}" for difference in wrong)
    yield ""
    yield from month.drafts(stage)
