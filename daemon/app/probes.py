"""What `avtald check` looks outside with: the mailbox, the outgoing server, the accounting."""

from functools import partial

from daemon.app import steps
from daemon.app.accounting import accounting_of
from daemon.app.consents import access_token
from daemon.app.mail_records import Lookup
from daemon.app.outages import Outage, Server, outage
from daemon.desk.ports import SendError
from daemon.desk.upkeep.check import ProbeError, Probes
from daemon.domain.wording import Say
from daemon.settings.load import Imap, Outgoing, Settings
from daemon.store.session import Store


def probes_of(settings: Settings, say: Say, store: Store | None = None) -> Probes:
    """Every probe of a desk; each looks when it is called, and changes nothing.

    But where a look made a provider replace a refresh token, the new one is kept for the daemon.
    """
    return Probes(
        mailbox=partial(_mailbox, store=store, say=say),
        outgoing=partial(_outgoing, settings=settings, store=store, say=say),
        accounting=partial(accounting_of, settings, store),
        records=Lookup().of,
    )


def _mailbox(mailbox: Imap, *, store: Store | None, say: Say) -> str:
    """Log in, select the folder, and tell whether handled mail can be moved."""
    from daemon.intake.mailbox import FAULTS, AccessError, open_mailbox
    from daemon.intake.oauth import OAuthError

    server = Server(
        table="[intake.imap]",
        host=mailbox.host,
        port=mailbox.port_used,
        tls=mailbox.tls,
        folder=mailbox.folder,
    )
    try:
        box = open_mailbox(mailbox, token=access_token(mailbox, store))
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


def _outgoing(server: Outgoing, *, settings: Settings, store: Store | None, say: Say) -> str:
    """Connect and log in; no mail is sent."""
    from integrations.mailer import SmtpMailer

    mailer = steps.mailer_of(settings, store)
    try:
        if isinstance(mailer, SmtpMailer):
            mailer.connect().quit()
    except SendError as error:
        named = Server(table="[outgoing]", host=server.host, port=server.port_used, tls=server.tls)
        raise _probe_error(outage(error, named, say)) from error
    if server.username:
        return say("inloggning fungerar", "login works")
    return say("anslutning fungerar", "connection works")


def _probe_error(found: Outage) -> ProbeError:
    return ProbeError(found.says, found.remedy)
