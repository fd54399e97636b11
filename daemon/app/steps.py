"""The running parts of a desk, each with its vendor."""

import datetime as dt
import time
from collections.abc import Callable, Sequence
from contextlib import closing as closing_of
from functools import partial
from typing import TYPE_CHECKING

from daemon.app.accounting import accounting_of, drift_step, papers_of, push_step
from daemon.app.consents import access_token
from daemon.desk.context import Desk
from daemon.desk.incoming import late_proof, receive
from daemon.desk.month.closing import close_due_month
from daemon.desk.month.finance_mail import mail_finance
from daemon.desk.outgoing.sending import Sending
from daemon.desk.ports import Accounting, Mailer, SendError
from daemon.desk.register import erasing
from daemon.desk.reminders import (
    bank_notices,
    ending_terms,
    gathered_notices,
    morning_digest,
    warnings,
)
from daemon.desk.reviews.report_sending import send_due_reports
from daemon.desk.reviews.review_meetings import propose_due_meetings
from daemon.desk.tickets import delivered
from daemon.desk.upkeep import canary, mailbox_watch, retention
from daemon.loop import (
    Clock,
    OutOfReachError,
    Step,
    Supervisor,
    Watchdog,
    Worker,
    asked_to_stop,
    until_nothing,
)
from daemon.settings.mail import Imap
from daemon.settings.values import text_of
from daemon.store import migrations
from daemon.store.session import Store

if TYPE_CHECKING:
    from daemon.intake.imap import ImapDoor
    from daemon.intake.reserve import DiskReserve
    from integrations.mailer import SmtpServer

_SCHEMA_SECONDS = 1.0
_GRACE = 15.0  # seconds for what a door is receiving when it closes


def sending_of(desk: Desk) -> Sending:
    """The desk's sender of mail."""
    return Sending(desk, mailers_of(desk), delivered)


def mailers_of(desk: Desk) -> Callable[[], Mailer]:
    """The maker of connections to the outgoing server; without one, mail waits in the outbox."""
    server = server_of(desk)
    if server is None:
        return NoMailer
    from integrations.mailer import SmtpMailer

    return partial(SmtpMailer, server)


def server_of(desk: Desk) -> "SmtpServer | None":
    """The outgoing server named in the settings, with our access to it."""
    outgoing = desk.settings.outgoing
    if outgoing is None:
        return None
    from integrations.mailer import SmtpServer

    token = access_token(outgoing, desk.store)
    return SmtpServer(
        host=outgoing.host,
        port=outgoing.port_used,
        tls=outgoing.tls,
        username=outgoing.username or None,  # "" is what the settings have without login
        password=text_of(outgoing.password_file),
        token=token,
        refused=token.forget if token is not None else lambda: None,
        local_hostname=desk.domain,
    )


class NoMailer:
    """Takes the place of an outgoing server: every mail waits, and none is lost."""

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> str:
        """Refuse for now, and name the missing table."""
        del envelope_from, recipient, raw
        raise SendError("avtald.toml has no table [outgoing]: mail waits", unreachable=True)

    def close(self) -> None:
        """Nothing is open."""

    def abort(self) -> None:
        """Nothing is open."""


# --- steps ------------------------------------------------------------------------------------


def send_step(sending: Sending, *, patient: bool = False) -> Step:
    """Send mail; `patient` waits at the outgoing server's pace (`avtald tick`).

    A patient step also raises OutOfReachError (exit code 75) for a server out of reach.
    """

    def run(now: dt.datetime) -> bool:
        worked = sending.step(now, patient=patient)
        if sending.away and patient and sending.desk.settings.outgoing:
            raise OutOfReachError(f"mail waits in the outbox: {sending.away}")
        return worked

    return Step("send", run)


def clock_steps(desk: Desk) -> list[Step]:
    """Send gathered notices; warn the desk and its customers of deadlines, banks and terms."""
    return [
        Step("gather", partial(gathered_notices.send_due, desk)),
        Step("warn", partial(warnings.warn_engineers, desk)),
        Step("notice", partial(bank_notices.tell_of_low_banks, desk)),
        Step("remind", partial(ending_terms.tell_of_ending_terms, desk)),
        Step("digest", partial(morning_digest.send_digest, desk)),
    ]


def accounting_steps(desk: Desk, accounting: Accounting) -> list[Step]:
    """Push invoices, write to finance, and look at earlier invoices."""
    return [
        push_step(desk, accounting),
        finance_step(desk),
        drift_step(desk, accounting),
    ]


def finance_step(desk: Desk) -> Step:
    """Mail each close to finance, with its specifications."""
    from integrations.pdf import WeasyPrinter

    return Step("finance", partial(mail_finance, desk, printer=WeasyPrinter()))


def report_steps(desk: Desk) -> list[Step]:
    """Send reports and propose review meetings, once their month is closed."""
    from integrations.pdf import WeasyPrinter

    printer = WeasyPrinter()
    return [
        Step("report", partial(send_due_reports, desk, printer)),
        Step("meet", partial(propose_due_meetings, desk, printer)),
    ]


def upkeep_steps(desk: Desk) -> list[Step]:
    """Remove old mail, finish erasures, and watch for silence in the mailboxes."""
    return [
        Step("keep", partial(retention.step, desk)),
        Step("erase", lambda _: erasing.finish(desk, papers_of(desk))),
        Step("canary", partial(canary.step, desk)),
        Step("mailboxes", partial(mailbox_watch.step, desk)),
    ]


def tick(desk: Desk, now: dt.datetime) -> dict[str, int]:
    """Do every due step until nothing more is due; gives how often each found something."""
    erasing.replay(desk, now, papers_of(desk))
    sending = sending_of(desk)
    try:
        with closing_of(accounting_of(desk)) as accounting:
            return until_nothing(all_steps(desk, sending, accounting), now)
    finally:
        sending.close(now)


def all_steps(desk: Desk, sending: Sending, accounting: Accounting) -> list[Step]:
    """Every step; the work of one leads to the next (`avtald tick`)."""
    return [
        *(fetch_step(desk, mailbox) for mailbox in desk.settings.intake.imap),
        Step("receive", partial(receive.step, desk)),
        Step("prove", partial(late_proof.step, desk)),
        *clock_steps(desk),
        Step("close", partial(close_due_month, desk)),
        *accounting_steps(desk, accounting),
        *report_steps(desk),
        *upkeep_steps(desk),
        send_step(sending, patient=True),
    ]


def fetch_step(desk: Desk, mailbox: Imap) -> Step:
    """Fetch a whole mailbox over one connection (`avtald tick`)."""
    door = _imap_door(desk, mailbox)

    def run(now: dt.datetime) -> bool:
        worked = False
        try:
            while door.step(now):
                worked = True
        finally:
            door.close()
        if door.fault is not None:
            raise OutOfReachError(f"{mailbox.name}: {door.fault}")
        return worked

    return Step("fetch", run)


def _mailbox_worker(desk: Desk, mailbox: Imap, work: Worker, clock: Clock) -> Worker:
    """Poll a mailbox, then wait for the server's hint."""
    door = _imap_door(desk, mailbox)
    return Worker(
        f"imap {mailbox.name}",
        [Step("fetch", door.step)],
        every=mailbox.poll.total_seconds(),
        clock=clock,
        others=[work],
        wait=door.wait,
        end=door.close,
    )


def _imap_door(desk: Desk, mailbox: Imap) -> "ImapDoor":
    from daemon.intake.imap import ImapDoor

    go_live = desk.settings.desk.go_live
    return ImapDoor(
        mailbox,
        desk.store,
        token=access_token(mailbox, desk.store),
        go_live=go_live,
        has_room=_reserve(desk),
    )


def _reserve(desk: Desk) -> "DiskReserve":
    from daemon.intake.reserve import DiskReserve

    return DiskReserve(desk.settings.desk.state_dir, desk.settings.intake.disk_reserve)


# --- the daemon -------------------------------------------------------------------------------


def daemon(desk: Desk, clock: Clock) -> Supervisor:
    """The whole daemon, with the settings' vendors."""
    erasing.replay(desk, clock(), papers_of(desk))
    return supervisor(desk, sending_of(desk), accounting_of(desk), clock)


def supervisor(desk: Desk, sending: Sending, accounting: Accounting, clock: Clock) -> Supervisor:
    """The daemon: doors, mailboxes and workers side by side."""
    stopping, watchdog = asked_to_stop(), Watchdog()
    send = Worker(
        "send",
        [send_step(sending)],
        every=1.0,
        clock=clock,
        end=lambda: sending.close(clock()),
    )
    work = Worker(
        "receive",
        [Step("receive", partial(receive.step, desk, left=[], beat=watchdog.beat))],
        every=1.0,
        clock=clock,
        others=[send],
        beat=watchdog.beat,  # each round asks the database for new mail
    )
    # Apart from the rest: it waits for the DNS.
    prove = Worker(
        "proof",
        [Step("prove", partial(late_proof.step, desk))],
        every=60.0,
        clock=clock,
        others=[work],
    )
    # Apart from the rest: an accounting system may be slow, and warnings must not wait for it.
    books = Worker(
        "accounting",
        accounting_steps(desk, accounting),
        every=30.0,
        clock=clock,
        others=[send],
        end=accounting.close,
    )
    month = Worker(
        "month",
        [*clock_steps(desk), Step("close", partial(close_due_month, desk)), *upkeep_steps(desk)],
        every=30.0,
        clock=clock,
        others=[send, books],
    )
    # Printing takes its time; nothing else waits for it.
    tell = Worker("report", report_steps(desk), every=60.0, clock=clock, others=[send])
    mailboxes = [
        _mailbox_worker(desk, mailbox, work, clock) for mailbox in desk.settings.intake.imap
    ]
    workers = [work, send, prove, books, month, tell, *mailboxes]
    for worker in workers:
        worker.steps = [_while_schema_is_ours(desk.store, step) for step in worker.steps]
    return Supervisor(
        workers,
        stopping,
        doors=[*_doors(desk, work.wake), accounting.stop, *_window(desk, workers, clock)],
    )


def _while_schema_is_ours(store: Store, step: Step) -> Step:
    """The step, at rest beside a newer schema; looked at once a second."""
    looked = float("-inf")

    def run(now: dt.datetime) -> bool:
        nonlocal looked
        if time.monotonic() - looked > _SCHEMA_SECONDS:
            with store.reading() as tx:
                migrations.refuse_newer(tx)
            looked = time.monotonic()
        return step.run(now)

    return Step(step.name, run)


def _window(desk: Desk, workers: Sequence[Worker], clock: Clock) -> list[Callable[[], None]]:
    """Open /health and /metrics if the settings ask for them; gives the functions to close them."""
    table = desk.settings.watch
    if table is None:
        return []
    from daemon.app.watch import Watcher, Window

    watcher = Watcher(desk, table, clock, workers=workers, has_room=_reserve(desk))
    try:
        window = Window(watcher, table.listen.host, table.listen.port)
    except OSError as error:
        raise OutOfReachError(f"cannot listen at {table.listen}: {error}") from error
    window.start()
    return [window.stop]


def _doors(desk: Desk, kept: Callable[[], None]) -> list[Callable[[], None]]:
    """Open the listening doors; gives the functions to close them."""
    from daemon.intake.smtp import Door, Policy, Recipients

    settings, own = desk.settings, desk.settings.desk
    policy = Policy(
        Recipients.of(own.address, own.aliases, own.reply_address, own.return_address),
        go_live=settings.desk.go_live,
        has_room=_reserve(desk),
        kept=kept,
    )
    closers: list[Callable[[], None]] = []
    for table, lmtp in ((settings.intake.smtp, False), (settings.intake.lmtp, True)):
        if table is not None:
            door = Door(table, desk.store, policy, lmtp=lmtp)
            try:
                door.start()
            except OSError as error:
                raise OutOfReachError(f"cannot listen at {table.listen}: {error}") from error
            closers.append(partial(door.stop, _GRACE))
    return closers
