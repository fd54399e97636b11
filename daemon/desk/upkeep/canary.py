"""The canary: the desk mails itself through the real mailbox, and warns if no mail returns.

Mail alone cannot carry such a warning: a command from the settings is run as well, with the fault
on its standard input.
"""

import datetime as dt
import json
import subprocess
from dataclasses import asdict, dataclass, replace

import structlog

from daemon.desk.context import Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_office import Alarm
from daemon.desk.outgoing import alarms
from daemon.desk.outgoing.compose import INSTANCE_HEADER
from daemon.store import rows
from daemon.store.mail import outbox
from daemon.store.session import Tx

log = structlog.get_logger("avtald.canary")

HEADER = "X-Avtald-Canary"
_FACT = "canary"
_COMMAND_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Flight:
    """The last canary: its departure, its return, and the news of its absence.

    `heard`: the settings' command, if there is one, went well. `missing`: the departure of the
    first canary of those still away, until one returns: the next in the air proves nothing.
    """

    left_at: dt.datetime
    back_at: dt.datetime | None = None
    told: bool = False
    heard: bool = True
    missing: dt.datetime | None = None


def last(tx: Tx) -> Flight | None:
    """The last canary; None before the first."""
    kept = rows.fact(tx, _FACT)
    if not kept:
        return None
    data = json.loads(kept)
    back, missing = data["back_at"], data.get("missing")
    return Flight(
        left_at=dt.datetime.fromisoformat(data["left_at"]),
        back_at=dt.datetime.fromisoformat(back) if back else None,
        told=data["told"],
        heard=data.get("heard", True),  # of an earlier release
        missing=dt.datetime.fromisoformat(missing) if missing else None,
    )


def step(desk: Desk, now: dt.datetime) -> bool:
    """Let a canary out in time, and warn once of a missing one; False: nothing was due.

    None leaves before go-live, for mail of that time is archived unseen (B5). The command is run
    until it has gone well once. A clock set back lets the next canary out.
    """
    table, go_live = desk.settings.canary, desk.settings.desk.go_live
    if not table.on or (go_live is not None and now < go_live):
        return False
    with desk.store.acting() as tx:
        flight = last(tx)
        if flight is None or not flight.left_at <= now < flight.left_at + table.every:
            _let_out(tx, desk, now, flight.missing if flight else None)
            return True
        if flight.back_at or (flight.told and flight.heard) or now < flight.left_at + table.within:
            return False
        what = _missing(tx, desk, flight, now)
    log.error("canary missing", left_at=flight.left_at.isoformat())
    if not table.command:
        return True
    if not _run(table.command, what):
        return False
    with desk.store.acting() as tx:
        latest = last(tx)
        if latest is not None and latest.left_at == flight.left_at and latest.back_at is None:
            _keep(tx, replace(latest, heard=True))
    return True


def _let_out(tx: Tx, desk: Desk, now: dt.datetime, missing: dt.datetime | None) -> None:
    token = _token(desk, now)
    lines = (
        f"From: {desk.settings.desk.address}",
        f"To: {desk.settings.desk.address}",
        f"Date: {now:%a, %d %b %Y %H:%M:%S} +0000",
        f"Message-ID: <canary.{token}@{desk.domain}>",
        "Subject: canary",
        "Auto-Submitted: auto-generated",
        f"{INSTANCE_HEADER}: {desk.instance}",
        f"{HEADER}: {token}",
        "",
        "avtald tries its own mailbox.",
        "",
    )
    outbox.put(
        tx,
        outbox.Mail(
            key=f"canary:{token}",
            kind="canary",
            message_id=f"<canary.{token}@{desk.domain}>",
            raw="\r\n".join(lines).encode(),
            recipients=(desk.settings.desk.address,),
            envelope_from=desk.settings.desk.address,
        ),
        now,
    )
    _keep(tx, Flight(now, missing=missing))


def came_back(tx: Tx, desk: Desk, tokens: tuple[str, ...], now: dt.datetime) -> bool:
    """True for a canary of ours; its return is noted."""
    flight = last(tx)
    if flight is None or not tokens:
        return False
    if _token(desk, flight.left_at) == tokens[0].strip() and flight.back_at is None:
        _keep(tx, Flight(flight.left_at, now, flight.told))
        alarms.clear(tx, "canary", now)
    return True


def _missing(tx: Tx, desk: Desk, flight: Flight, now: dt.datetime) -> str:
    language = desk.settings.desk.language
    at = flight.left_at.astimezone(desk.zone)
    letter = Alarm(
        sentence("canary", language, at=f"{at:%Y-%m-%d %H:%M}"),
        sentence("canary_remedy", language),
    )
    alarms.raise_alarm(tx, desk, "canary", letter, now)
    # Heard once the command has gone well: whoever dies before it leaves that to the next time.
    heard, missing = not desk.settings.canary.command, flight.missing or flight.left_at
    _keep(tx, Flight(flight.left_at, told=True, heard=heard, missing=missing))
    return f"{letter.what}\n{letter.remedy}\n"


def _keep(tx: Tx, flight: Flight) -> None:
    rows.keep_fact(tx, _FACT, json.dumps(asdict(flight), default=dt.datetime.isoformat))


def _token(desk: Desk, at: dt.datetime) -> str:
    return desk.digest("canary", at.astimezone(dt.UTC).isoformat(), length=32)


def _run(command: tuple[str, ...], what: str) -> bool:
    """Run the settings' command; False for a failure, which is logged and stops nothing."""
    try:
        subprocess.run(  # noqa: S603  the operator's own words, without a shell
            command,
            input=what.encode(),
            timeout=_COMMAND_SECONDS,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        log.error("canary's command failed", error=str(error))  # noqa: TRY400  no traceback: it says all
        return False
    return True
