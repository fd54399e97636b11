"""Defaults with overrides: mails, a register, a desk to try them on."""

import datetime as dt
import email
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from daemon.desk.context import Desk
from daemon.desk.incoming import receive
from daemon.desk.month import closing, finance_mail
from daemon.desk.month.pushing import Push
from daemon.desk.outgoing.sending import Sending
from daemon.desk.ports import Accounting
from daemon.desk.register import file as register_file
from daemon.desk.register import importing as registering
from daemon.desk.tickets import delivered
from daemon.domain.opening_hours import Calendar
from daemon.intake.accept import Arrival, accept
from daemon.settings import load
from daemon.store.session import Store

MAILBOX = """
[intake.imap]
host = "127.0.0.1"
tls = "none"
username = "support@example.se"
password_file = "imap-password"
"""
SETTINGS = """
[desk]
name = "Exempel Support"
address = "support@example.se"
aliases = ["helpdesk@example.se"]
operators = ["drift@example.se"]
gather_from = 1000

[identity]
trusted_authserv_ids = ["mx.example.se"]

[accounting]
kind = "files"
finance = ["ekonomi@example.se"]
first_month = "2026-11"
"""


# The Date of a mail that says none: `ADesk.receive` writes there the time when it comes in.
WHEN_IT_COMES = "Mon, 02 Nov 2026 10:00:00 +0100"


def dated(raw: bytes, at: str | dt.datetime) -> bytes:
    """The mail as written at that time, unless its Date is its own."""
    written = format_datetime(instant(at))
    return raw.replace(f"Date: {WHEN_IT_COMES}".encode(), f"Date: {written}".encode(), 1)


def settings_in(folder: Path, text: str = SETTINGS) -> load.Settings:
    """Settings as a file in that folder says."""
    file = folder / "avtald.toml"
    file.write_text(text, encoding="utf-8")
    return load.load(file, {})


def a_mail(
    sender: str = "Bo Ek <bo@acme.se>",
    subject: str = "Skrivaren står still",
    text: str = "Hej!\n\nSkrivaren på plan 2 står still.\n\nHälsningar\nBo\n",
    *,
    to: str = "support@example.se",
    cc: str | None = None,
    reply_to: bytes | None = None,
    proof: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
    message_id: str | None = None,
    date: str = WHEN_IT_COMES,
) -> bytes:
    """A plain mail; `reply_to` is the raw mail that it answers, `proof` what the border writes."""
    mail = EmailMessage()
    if proof is not None:
        mail["Authentication-Results"] = proof
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    if cc:
        mail["Cc"] = cc
    mail["Date"] = date
    mail["Message-ID"] = message_id or f"<{abs(hash((sender, subject, text, reply_to))):x}@test>"
    if reply_to is not None:
        answered = header_of(reply_to, "Message-ID")
        mail["In-Reply-To"] = mail["References"] = answered
    for name, value in headers:
        mail[name] = value
    mail.set_content(text)
    return mail.as_bytes()


def an_engineers_mail(
    text: str, *, sender: str = "Anna Svensson <anna@example.se>", **more
) -> bytes:
    """A mail of an engineer with the border's proof (D1)."""
    domain = sender.rstrip(">").rpartition("@")[2]
    proof = f"mx.example.se; dmarc=pass header.from={domain}"
    return a_mail(sender, more.pop("subject", "SV: ärende"), text, proof=proof, **more)


def header_of(raw: bytes, name: str) -> str:
    """The first header of that name, unfolded."""
    value = email.message_from_bytes(raw)[name]
    return "" if value is None else " ".join(str(value).split())


def text_of(raw: bytes) -> str:
    """The plain text of a mail, decoded, with non-breaking spaces as spaces."""
    mail = email.message_from_bytes(raw, policy=policy.default)
    body = mail.get_body(("plain",))
    return "" if body is None else body.get_content().replace("\xa0", " ")


REGISTER = """
[[engineers]]
name = "Anna Svensson"
email = "anna@example.se"

[[engineers]]
name = "Erik Lind"
email = "erik@example.se"

[[customers]]
key = "acme"
name = "Acme AB"
accounting_number = "1001"
domains = ["acme.se"]
contacts = [{ name = "Bo Ek", email = "bo@acme.se" }]

[[customers.agreements]]
plan = "alert"
from = 2026-01-01

[[customers]]
key = "beta"
name = "Beta AB"
accounting_number = "1002"
domains = ["beta.se"]

[[customers.agreements]]
plan = "attend"
from = 2026-11-01

[[customers]]
key = "delta"
name = "Delta AB"
accounting_number = "1004"
domains = ["delta.se"]
language = "en"
"""


@dataclass
class Catcher:
    """A mailer that keeps what it is given."""

    sent: list[tuple[str, bytes]] = field(default_factory=list)

    def send(self, envelope_from: str, recipient: str, raw: bytes) -> str:
        del envelope_from
        self.sent.append((recipient, raw))
        return "250 kept"

    def close(self) -> None:
        """Nothing to close."""

    abort = close

    def to(self, recipient: str) -> list[bytes]:
        """What one recipient got, in order."""
        return [raw for address, raw in self.sent if address == recipient]


@dataclass
class ADesk:
    """A desk with a mailer that keeps what goes out."""

    desk: Desk
    mailer: Catcher = field(default_factory=Catcher)

    @property
    def sending(self) -> Sending:
        """What hands mail over to the mailer of now."""
        return Sending(self.desk, lambda: self.mailer, delivered)

    def receive(self, raw: bytes, at: str | dt.datetime, **envelope) -> None:
        """Take a message in, as the doors do."""
        accept(
            self.desk.store,
            [
                Arrival(
                    dated(raw, at), instant(at), "receive", delivery=str(uuid.uuid4()), **envelope
                )
            ],
            go_live=self.desk.settings.desk.go_live,
        )

    def work(self, at: str | dt.datetime) -> None:
        """Process and send until nothing is left."""
        now = instant(at)
        while receive.step(self.desk, now) | self.sending.step(now):
            pass

    def get(self, raw: bytes, at: str | dt.datetime) -> None:
        """Take a message in and act on it at once."""
        self.receive(raw, at)
        self.work(at)

    def close(self, at: str | dt.datetime, accounting: Accounting) -> None:
        """Close, push and mail what is due."""
        now = instant(at)
        while (
            closing.close_due_month(self.desk, now)
            or push_all(self.desk, accounting, now)
            or finance_mail.mail_finance(self.desk, now)
        ):
            pass
        self.work(at)


def push_all(desk: Desk, accounting: Accounting, now: dt.datetime) -> bool:
    """Push all invoices that are due in one run; True where there were any."""
    run, found = Push(desk, accounting), False
    while run.step(now):
        found = True
    return found


def instant(at: str | dt.datetime) -> dt.datetime:
    """An instant written in the desk's wall time: `2026-11-20 16:30`."""
    if isinstance(at, dt.datetime):
        return at
    return dt.datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Stockholm"))


def a_desk(
    store: Store, folder: Path, *, settings: str = SETTINGS, register: str = REGISTER
) -> ADesk:
    """A desk on that database with a register."""
    read = settings_in(folder, settings)
    desk = Desk(store, read, Calendar(read.calendar), b"test key for the desk")
    file = folder / "register.toml"
    file.write_text(register, encoding="utf-8")
    with desk.store.writing() as tx:
        asked = registering.plan(tx, str(file), register_file.read(file), read)
        registering.apply(tx, asked, instant("2026-01-01 00:00"))
    return ADesk(desk)


def a_desk_with_a_mailbox(store, folder) -> ADesk:
    """A desk whose settings name one mailbox."""
    (folder / "imap-password").write_text("hemligt")
    (folder / "imap-password").chmod(0o600)
    return a_desk(store, folder, settings=SETTINGS + MAILBOX)
