"""`avtald check`: the parts of a desk tested one by one, each fault with its remedy.

Probes look outside. A probe is a function; it describes its find in a few words, or raises
ProbeError with a remedy.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from daemon.desk.context import Desk
from daemon.desk.ports import Accounting
from daemon.desk.register.importing import past_months
from daemon.domain.invoice import OURS, AccountingError
from daemon.domain.opening_hours import Calendar, CalendarError
from daemon.domain.periods import Period
from daemon.domain.register import Account, Register
from daemon.domain.wording import Say
from daemon.settings.load import Settings
from daemon.settings.mail import Imap, Outgoing, SmtpDoor
from daemon.settings.tables import Identity
from daemon.store import health, leases, migrations
from daemon.store.money import register as kept
from daemon.store.session import StoreError

OK, WARNING, FAULT = "ok", "warning", "fault"
_CLOCKS_APART = 30.0  # seconds
_NO_REFERENCE = f"{OURS}check"  # no statement's: those end in a month


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one look; a warning or a fault has a remedy."""

    area: str
    status: str  # ok, warning, fault
    message: str
    remedy: str = ""


class ProbeError(Exception):
    """A fault outside the desk, with its remedy."""

    def __init__(self, says: str, remedy: str, *, warning: bool = False) -> None:
        """Keep the fault and its remedy."""
        super().__init__(says)
        self.remedy = remedy
        self.warning = warning


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRecords:
    """The DNS records of a mail domain."""

    spf: str | None = None  # the record
    dkim: bool = False  # whether any key is published
    dmarc: str | None = None  # the policy: none, quarantine, reject

    @property
    def is_enforced(self) -> bool:
        """True for a policy against forged mail."""
        return self.dmarc in {"quarantine", "reject"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """The looks outside; None for a look of no use to this installation."""

    mailbox: Callable[[Imap], str] | None = None  # login, IDLE, MOVE
    outgoing: Callable[[Outgoing], str] | None = None
    accounting: Callable[[], Accounting] | None = None
    records: Callable[[str], MailRecords | None] | None = None  # None: DNS does not answer
    free_disk: int | None = None  # bytes


def probed(area: str, name: str, probe: Callable[[], str]) -> Finding:
    """Run a probe; gives its result or its fault as a finding."""
    try:
        return Finding(area, OK, f"{name}: {probe()}")
    except ProbeError as error:
        status = WARNING if error.warning else FAULT
        return Finding(area, status, f"{name}: {error}", error.remedy)


def examine(desk: Desk, probes: Probes, now: dt.datetime) -> Iterator[Finding]:
    """Look at every part and change nothing; a part behind a fault is left out.

    An empty database is set up, as by any command.
    """
    settings, say = desk.settings, desk.say
    yield from configuration(settings, say)
    if probes.free_disk is not None:
        yield disk(probes.free_disk, settings.intake.disk_reserve, say)
    yield from doors(settings, probes, say)
    yield outgoing(settings, probes, say)
    yield from dns(desk.domain, probes, say)
    yield holidays(desk.calendar, desk.calendar.day_of(now), say)
    try:
        yield from _kept(desk, probes, now)
    except (StoreError, migrations.SchemaError) as error:
        remedy = say(
            "starta databasens server, eller rätta [database]",
            "start the database's server, or mend [database]",
        )
        yield Finding("database", FAULT, str(error), remedy)


def _kept(desk: Desk, probes: Probes, now: dt.datetime) -> Iterator[Finding]:
    """Look at the database and its content."""
    settings, store, say = desk.settings, desk.store, desk.say
    if health.schema(store) is None:
        migrations.ensure(store)
    seen = health.look(store)
    yield from database(seen, say)
    if seen.faults:
        return
    yield from accounting(settings, probes, say)  # its token is kept in the database
    with store.reading() as tx:
        register = kept.load(tx)
        past = past_months(tx, register, settings, desk.calendar, now)
    yield from people(register, settings, say)
    yield from customers(register, settings, say)
    yield from identity(settings, register, probes, say)
    yield closing(past.months, settings, first=past.never_closed, say=say)


# --- the file ---------------------------------------------------------------------------------


def configuration(settings: Settings, say: Say) -> Iterator[Finding]:
    """Look at the file's operators and secrets; the file itself has been read already."""
    yield Finding("configuration", OK, str(settings.file))
    if not settings.desk.operators:
        yield Finding(
            "configuration",
            WARNING,
            say("ingen får veta om fel", "nobody is told of faults"),
            say("skriv desk.operators i avtald.toml", "write desk.operators in avtald.toml"),
        )
    for file in settings.secret_files():
        if file.stat().st_mode & 0o077:
            yield Finding(
                "configuration",
                WARNING,
                say(f"{file} kan läsas av andra", f"others can read {file}"),
                f"chmod 600 {file}",
            )


def identity(settings: Settings, register: Register, probes: Probes, say: Say) -> Iterator[Finding]:
    """Look at the ways to prove a sender (D1)."""
    ways = settings.identity
    if ways.require == "none":
        yield Finding(
            "identity",
            WARNING,
            say("avsändaradressen räcker som bevis", "the From address alone is believed"),
            say('sätt identity.require = "dmarc"', 'set identity.require = "dmarc"'),
        )
        return
    named = [
        name
        for name, on in (
            ("trusted_authserv_ids", bool(ways.trusted_authserv_ids)),
            ("microsoft365", ways.microsoft365),
            ("dkim", ways.dkim),
        )
        if on
    ]
    if not named:
        yield Finding(
            "identity",
            FAULT,
            say("ingen kan bevisa vem den är", "nobody can prove who they are"),
            say(
                "skriv identity.trusted_authserv_ids, eller sätt dkim = true",
                "write identity.trusted_authserv_ids, or set dkim = true",
            ),
        )
        return
    yield Finding("identity", OK, ", ".join(named))
    yield from _without_proof(register, probes, say)


def _without_proof(register: Register, probes: Probes, say: Say) -> Iterator[Finding]:
    """Name the people without a DMARC policy in their domain: their mail can never pass it."""
    if probes.records is None:
        return
    people = [person for person in register.people if person.active]
    for domain in sorted({person.email.rpartition("@")[2] for person in people}):
        records = probes.records(domain)
        if records is None or records.is_enforced:
            continue
        who = ", ".join(each.email for each in people if each.email.endswith(f"@{domain}"))
        yield Finding(
            "identity",
            WARNING,
            say(f"{who}: {domain} saknar skarp DMARC", f"{who}: {domain} enforces no DMARC"),
            say(
                f"publicera DMARC med p=quarantine eller p=reject för {domain}",
                f"publish DMARC with p=quarantine or p=reject for {domain}",
            ),
        )


# --- mail -------------------------------------------------------------------------------------


def doors(settings: Settings, probes: Probes, say: Say) -> Iterator[Finding]:
    """Try the ways in for mail."""
    intake = settings.intake
    for mailbox in intake.imap:
        name = f"IMAP {mailbox.name}"
        if probes.mailbox is None:
            yield Finding("intake", OK, name)
        else:
            yield probed("intake", name, partial(probes.mailbox, mailbox))
    if intake.lmtp is not None:
        yield Finding("intake", OK, f"LMTP {intake.lmtp.listen}")
    if intake.smtp is not None:
        yield _smtp_door(f"SMTP {intake.smtp.listen}", intake.smtp, settings.identity, say)
    if not (intake.imap or intake.lmtp or intake.smtp):
        yield Finding(
            "intake",
            WARNING,
            say("ingen väg in för post", "no way in for mail"),
            say(
                "skriv [intake.imap], [intake.lmtp] eller [intake.smtp], eller kör avtald receive",
                "write [intake.imap], [intake.lmtp] or [intake.smtp], or run avtald receive",
            ),
        )


def _smtp_door(name: str, door: SmtpDoor, ways: Identity, say: Say) -> Finding:
    """D1: the border's words are believed by this door, whoever connects and writes them."""
    believes = bool(ways.trusted_authserv_ids) or ways.microsoft365
    if door.listen.path is not None or ways.require == "none" or not believes:
        return Finding("intake", OK, name)
    return Finding(
        "intake",
        WARNING,
        say(
            f"{name}: varje program på datorn kan skriva Authentication-Results, och blir trott",
            f"{name}: any program on this machine may write Authentication-Results, and is"
            " believed",
        ),
        say(
            'skriv listen = "unix:/run/avtald/smtp" i [intake.smtp] och släpp bara in'
            " mejlservern i gruppen, eller låt den lämna mejlen över LMTP",
            'write listen = "unix:/run/avtald/smtp" in [intake.smtp] and let only the mail server'
            " into the group, or let it hand over by LMTP",
        ),
    )


def outgoing(settings: Settings, probes: Probes, say: Say) -> Finding:
    """Try the way out for mail."""
    server = settings.outgoing
    if server is None:
        return Finding(
            "outgoing",
            WARNING,
            say("post väntar i utkorgen", "mail waits in the outbox"),
            say(
                "skriv tabellen [outgoing] i avtald.toml: host, username, password_file",
                "write the table [outgoing] in avtald.toml: host, username, password_file",
            ),
        )
    name = f"{server.host}:{server.port_used}"
    if probes.outgoing is None:
        return Finding("outgoing", OK, name)
    return probed("outgoing", name, partial(probes.outgoing, server))


def dns(domain: str, probes: Probes, say: Say) -> Iterator[Finding]:
    """Look for the DNS records against forged mail in the desk's name."""
    if probes.records is None:
        return
    records = probes.records(domain)
    if records is None:
        says = say("DNS svarar inte: inte kontrollerat", "DNS does not answer: not looked at")
        yield Finding("dns", OK, f"{domain}: {says}")
        return
    policy = records.dmarc and f"p={records.dmarc}"
    missing = [
        (says, record)
        for there, says, record in (
            (
                records.spf,
                say("ingen SPF-post", "no SPF record"),
                f'{domain}. TXT "v=spf1 mx -all"',
            ),
            (
                records.dkim,
                say("ingen DKIM-nyckel", "no DKIM key"),
                f'SELECTOR._domainkey.{domain}. TXT "v=DKIM1; k=rsa; p=…"',
            ),
            (
                records.is_enforced,
                say(f"DMARC stoppar ingen ({policy})", f"DMARC stops nobody ({policy})")
                if policy
                else say("ingen DMARC-post", "no DMARC record"),
                f'_dmarc.{domain}. TXT "v=DMARC1; p=quarantine"',
            ),
        )
        if not there
    ]
    if not missing:
        yield Finding("dns", OK, f"{domain}: SPF, DKIM, DMARC p={records.dmarc}")
    for says, record in missing:
        yield Finding(
            "dns", WARNING, f"{domain}: {says}", say(f"publicera {record}", f"publish {record}")
        )


def disk(free: int, reserve: int, say: Say) -> Finding:
    """Compare the free disk with the doors' reserve; both in bytes."""
    says = say(f"{free >> 20} MB ledigt", f"{free >> 20} MB free")
    if free >= reserve:
        return Finding("disk", OK, says)
    return Finding(
        "disk",
        FAULT,
        f"{says} < {reserve >> 20} MB (intake.disk_reserve)",
        say("gör plats: post tas inte emot", "make room: mail is not taken in"),
    )


def database(seen: health.Health, say: Say) -> Iterator[Finding]:
    """Tell engine, durability in force, schema, integrity and clock."""
    settings = ", ".join(f"{name} {value}" for name, value in seen.settings.items())
    says = f"{seen.engine}, {settings}, schema {seen.schema}"
    if seen.is_durable and not seen.faults:
        yield Finding("database", OK, says)
    if not seen.is_durable:
        weak = ", ".join(seen.unsafe)
        remedy = say(f"ändra i servern: {weak}", f"change in the server: {weak}")
        yield Finding("database", FAULT, says, remedy)
    for fault in seen.faults:
        remedy = say(
            "avtald db upgrade, eller läs tillbaka en säkerhetskopia",
            "avtald db upgrade, or restore a backup",
        )
        yield Finding("database", FAULT, fault, remedy)
    if abs(seen.clock_off) > _CLOCKS_APART:
        yield _clocks_apart(round(seen.clock_off), say)


def _clocks_apart(ahead: int, say: Say) -> Finding:
    """Tell of a wrong clock: deadlines follow it, and so do the leases of every process."""
    which = say("före", "ahead of") if ahead > 0 else say("efter", "behind")
    return Finding(
        "database",
        FAULT if abs(ahead) >= leases.LEASE.total_seconds() else WARNING,
        say(
            f"datorns klocka går {abs(ahead)} s {which} databasserverns",
            f"this machine's clock is {abs(ahead)} s {which} the database server's",
        ),
        say(
            "ställ båda med NTP: fel klocka ger kunder fel tider, och två avtald tar varandras"
            " arbete för övergivet",
            "set both by NTP: a wrong clock tells customers wrong times, and two avtald take each"
            " other's work for abandoned",
        ),
    )


# --- accounting and closing -------------------------------------------------------------------


def accounting(settings: Settings, probes: Probes, say: Say) -> Iterator[Finding]:
    """Try the accounting system, through its port."""
    kind = settings.accounting.kind
    if probes.accounting is None:
        yield Finding("accounting", OK, kind)
        return
    try:
        with contextlib.closing(probes.accounting()) as books:
            problems = books.preflight([])
            books.find(_NO_REFERENCE)  # a look that needs access, and finds nothing
    except AccountingError as error:
        yield Finding("accounting", FAULT, f"{kind}: {error}", error.remedy)
        return
    if not problems:
        yield Finding("accounting", OK, say(f"{kind}: åtkomst finns", f"{kind}: access works"))
    for problem in problems:
        status = WARNING if problem.warning else FAULT
        yield Finding("accounting", status, f"{kind}: {problem.message}", problem.remedy)


def closing(months: Sequence[Period], settings: Settings, *, first: bool, say: Say) -> Finding:
    """Count the past months of the next close (H1)."""
    if not months:
        return Finding("closing", OK, say("inga gångna månader väntar", "no past months wait"))
    span = f"{months[0]} – {months[-1]}" if len(months) > 1 else f"{months[0]}"
    says = say(
        f"stängning fakturerar nu {len(months)} gångna månader ({span})",
        f"closing will now bill {len(months)} past months ({span})",
    )
    if not first or settings.accounting.first_month is not None:
        return Finding("closing", OK, says)
    return Finding(
        "closing",
        WARNING,
        says,
        say(
            "sätt accounting.first_month till den första månad som ska faktureras",
            "set accounting.first_month to the first month to be billed",
        ),
    )


# --- calendar and register --------------------------------------------------------------------


def holidays(calendar: Calendar, today: dt.date, say: Say) -> Finding:
    """List next year's closed weekdays; people read them through once a year (A2)."""
    year = today.year + 1
    try:
        closed = calendar.closed_days(year)
        calendar.next_opening(dt.datetime(year, 1, 1, tzinfo=dt.UTC))
    except CalendarError as error:
        return Finding("calendar", FAULT, str(error), say("rätta [calendar]", "mend [calendar]"))
    days = ", ".join(
        f"{day.isoformat()[5:]} {name}"
        for day, name in closed.items()
        if day.isoweekday() in calendar.hours.weekdays
    )
    return Finding("calendar", OK, f"{year}: {days or '–'}")


def people(register: Register, settings: Settings, say: Say) -> Iterator[Finding]:
    """Look for engineers and for finance."""
    active = [person for person in register.people if person.active]
    if not any("engineer" in person.roles for person in active):
        yield Finding(
            "register",
            WARNING,
            say("inga tekniker", "no engineers"),
            say(
                "skriv [[engineers]] i register.toml, och kör avtald import register.toml",
                "write [[engineers]] in register.toml, and run avtald import register.toml",
            ),
        )
    else:
        yield Finding("register", OK, say(f"personer: {len(active)}", f"people: {len(active)}"))
    if not settings.accounting.finance and not any("finance" in each.roles for each in active):
        yield Finding(
            "register",
            WARNING,
            say(
                "ingen ekonomi får besked om månadens slut", "no finance is told of the month's end"
            ),
            say(
                "skriv accounting.finance i avtald.toml",
                "write accounting.finance in avtald.toml",
            ),
        )


def customers(register: Register, settings: Settings, say: Say) -> Iterator[Finding]:
    """Name the customers without number or contact; invoices and mails need these."""
    active = [account for account in register.accounts if account.customer.active]
    yield Finding("register", OK, say(f"kunder: {len(active)}", f"customers: {len(active)}"))
    numberless = [each for each in active if not each.customer.accounting_number]
    if settings.accounting.needs_customer_number and numberless:
        yield Finding(
            "register",
            WARNING,
            say(f"utan kundnummer: {_keys(numberless)}", f"no number: {_keys(numberless)}"),
            say("skriv accounting_number i registret", "write accounting_number in the register"),
        )
    alone = [each for each in active if not any(contact.active for contact in each.contacts)]
    if alone:
        yield Finding(
            "register",
            WARNING,
            say(f"utan kontakt: {_keys(alone)}", f"no contact: {_keys(alone)}"),
            say("skriv contacts i registret", "write contacts in the register"),
        )


def _keys(accounts: Sequence[Account]) -> str:
    shown = ", ".join(each.customer.key for each in accounts[:10])
    return f"{shown} … ({len(accounts)})" if len(accounts) > 10 else shown
