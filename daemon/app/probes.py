"""The probes of `avtald check`: mailbox, outgoing server, accounting, DNS."""

import shutil
import smtplib
from dataclasses import replace
from functools import partial

from daemon.app import steps
from daemon.app.accounting import accounting_of
from daemon.app.consents import access_token
from daemon.app.mail_records import Lookup
from daemon.app.outages import Outage, Server, outage
from daemon.desk.context import Desk
from daemon.desk.outgoing import reply_ids
from daemon.desk.ports import SendError
from daemon.desk.upkeep.check import ProbeError, Probes
from daemon.domain.wording import Say
from daemon.settings.mail import Imap, Outgoing


def probes_of(desk: Desk) -> Probes:
    """Every probe of a desk; each looks when it is called, and changes nothing.

    One thing is kept: a new refresh token from a provider.
    """
    return Probes(
        mailbox=partial(_mailbox, desk),
        outgoing=partial(_outgoing, desk),
        accounting=partial(accounting_of, desk),
        records=Lookup(desk.settings.identity.dns).of,
        free_disk=shutil.disk_usage(desk.settings.desk.state_dir).free,
    )


def _mailbox(desk: Desk, mailbox: Imap) -> str:
    """Log in, select the folder, and tell whether handled mail can be moved."""
    from daemon.intake.mailbox import FAULTS, AccessError, open_mailbox
    from daemon.intake.oauth import OAuthError

    say = desk.say
    server = Server(
        table="[intake.imap]",
        host=mailbox.host,
        port=mailbox.port_used,
        tls=mailbox.tls,
        folder=mailbox.folder,
    )
    try:
        box = open_mailbox(mailbox, token=access_token(mailbox, desk.store))
        try:
            box.select(mailbox.folder)
            moves, idles = box.can_move, box.can_idle
        finally:
            box.close()
    except (AccessError, OAuthError, *FAULTS) as error:
        raise _probe_error(outage(error, server, say)) from error
    said = say("inloggning fungerar", "login works")
    if not idles:
        seconds = int(mailbox.poll.total_seconds())
        said += say(
            f"; utan IDLE hämtas post var {seconds}:e sekund",
            f"; without IDLE mail is fetched every {seconds} seconds",
        )
    if mailbox.done_folder and not moves:
        said += say(
            "; utan MOVE märks hanterad post i stället",
            "; without MOVE handled mail is marked instead",
        )
    return said


def _outgoing(desk: Desk, server: Outgoing) -> str:
    """Connect and log in; no mail is sent."""
    from integrations.mailer import SmtpMailer

    say, ours = desk.say, steps.server_of(desk)
    try:
        if ours is not None:
            quick = replace(ours, patience=ours.patience.scaled(0.1))
            smtp = SmtpMailer(quick).connect()
            keyed = _takes_keyed_sender(desk, smtp)
            smtp.quit()
            if not keyed:
                raise ProbeError(*_no_keyed_sender(say), warning=True)
    except SendError as error:
        named = Server(table="[outgoing]", host=server.host, port=server.port_used, tls=server.tls)
        raise _probe_error(outage(error, named, say)) from error
    if server.username:
        return say("inloggning fungerar", "login works")
    return say("anslutning fungerar", "connection works")


def _takes_keyed_sender(desk: Desk, smtp: smtplib.SMTP) -> bool:
    """Tell if the server takes the return path of a mail (E1); True without one."""
    from integrations.mailer import takes_sender

    base = desk.settings.desk.keyed_return
    if base is None:
        return True
    message_id = reply_ids.make(desk.key, None, "check", desk.domain)
    return takes_sender(smtp, reply_ids.return_path(desk.key, message_id, base, base))


def _no_keyed_sender(say: Say) -> tuple[str, str]:
    return (
        say(
            "servern tar inte avsändare med +nyckel: inga studsar kan bevisa sig",
            "the server refuses senders with a +key: no bounce can prove itself",
        ),
        say(
            "tillåt dem i servern, eller sätt desk.return_address till en adress som den tar",
            "allow them in the server, or set desk.return_address to an address that it takes",
        ),
    )


def _probe_error(fault: Outage) -> ProbeError:
    return ProbeError(fault.says, fault.remedy)
