"""The tables of `avtald.toml`, frozen: the meaning of each key, its default, and its mistakes."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from daemon.domain.agreement import BUILT_IN, Plan
from daemon.domain.named_days import NAMES, known_name
from daemon.domain.opening_hours import Calendar, CalendarError, OpeningHours
from daemon.settings.checked import TableError
from daemon.settings.mail import Intake, Outgoing
from daemon.settings.plans import PlanTable, catalogue
from daemon.settings.values import (
    STRICT,
    Address,
    ClockTime,
    Count,
    DatabaseUrl,
    Duration,
    Flag,
    Header,
    Instant,
    Key,
    Line,
    LineOrNothing,
    MadeFrom,
    Month,
    NameServer,
    PathThere,
    Reads,
    SecretFile,
    SomeTime,
    Url,
    Zone,
    clock_time,
    day,
    text_of,
    whole,
)
from daemon.settings.watch import Canary, Watch


def _warn_at(highest: int) -> Any:
    """Read rising per cents from 1 to `highest`."""

    def read(value: object) -> tuple[int, ...]:
        per_cent = whole(1, highest)
        read = tuple(per_cent(part) for part in value) if isinstance(value, list) else ()
        if not isinstance(value, list) or list(read) != sorted(set(read)):
            raise ValueError("write rising per cents, as [50, 80]")
        return read

    return Reads(read)


def _weekdays(value: object) -> frozenset[int]:
    weekday = whole(1, 7)
    if not isinstance(value, list) or not value:
        raise ValueError("write weekdays as [1, 2, 3, 4, 5]; Monday is 1")
    return frozenset(map(weekday, value))


def _day_or_name(value: object) -> dt.date | str:
    if isinstance(value, str) and (name := known_name(value)):
        return name
    try:
        return day(value)
    except ValueError:
        raise ValueError(f"write a date as 2026-12-28, or one of {', '.join(NAMES)}") from None


def _half_days(value: object) -> Mapping[dt.date | str, dt.time]:
    if not isinstance(value, Mapping):
        raise ValueError('write days and closing times, as { "2026-04-02" = "12:00" }')  # noqa: TRY004  one error type
    return {_day_or_name(when): clock_time(closes) for when, closes in value.items()}


def _words(value: object) -> Mapping[str, int]:
    if not isinstance(value, Mapping) or not all(str(word).strip() for word in value):
        raise ValueError("write words and levels, as { akut = 1, urgent = 2 }")
    level = whole(1, 4)
    return {str(word).strip().casefold(): level(each) for word, each in value.items()}


def _country(value: object) -> str:
    if not isinstance(value, str) or (value and not (len(value) == 2 and value.isupper())):
        raise ValueError('write a country\'s two letters, as "SE", or "" for no public holidays')
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The desk: its addresses, its people's language, its zone."""

    name: Annotated[Line, Key("the name that customers see", '"Exempel Support"')]
    address: Annotated[
        Address,
        Key("customers write to this address; our mail comes from it", '"support@example.se"'),
    ]
    aliases: Annotated[
        tuple[Address, ...],
        Key("more addresses of the desk; every other recipient is unknown"),
    ] = ()
    reply_address: Annotated[
        Literal["plain", "plus"],
        Key("plain, or plus: support+<reply id>@…, if the mail host allows it"),
    ] = "plain"
    return_address: Annotated[
        Address | None,
        Key(
            "bounces come back to bounce+<key>@…; default: to `address`, with a key if it is plus",
            '"bounce@example.se"',
        ),
    ] = None
    operators: Annotated[tuple[Address, ...], Key("they are told of faults and shelved mail")] = ()
    language: Annotated[
        Literal["sv", "en"], Key("of the desk, and of customers without a language of their own")
    ] = "sv"
    timezone: Annotated[Zone, Key("the zone of opening hours and dates (A1)")] = "Europe/Stockholm"
    state_dir: Annotated[PathThere, Key("folder of the desk's own files")] = Path("var")
    go_live: Annotated[
        Instant | None,
        Key("mail received earlier is archived without answer (B5)", "2026-01-01T00:00:00+01:00"),
    ] = None
    reopen_within: Annotated[
        Duration, Key("a customer's reply within this time reopens a closed ticket (D5)")
    ] = dt.timedelta(days=14)
    answers: Annotated[
        Count, Key("most automatic answers to one outside address within `answers_within` (J2)")
    ] = 10
    answers_within: Annotated[SomeTime, Key("the time over which `answers` counts")] = dt.timedelta(
        hours=3
    )
    tickets_of_address: Annotated[
        Count, Key("most new tickets of one address within `tickets_within`; more are kept as one")
    ] = 20
    tickets_of_domain: Annotated[
        Count, Key("the same of one mail domain that is no customer's (J2)")
    ] = 60
    tickets_within: Annotated[SomeTime, Key("the time over which they count")] = dt.timedelta(
        hours=3
    )
    recipients: Annotated[
        Count, Key("a mail to more outside addresses makes nobody but its sender take part (J2)")
    ] = 20
    gather_from: Annotated[
        Count,
        Key("from this notice on within `gather_within` one of our people gets them in one mail"),
    ] = 5
    gather_within: Annotated[
        SomeTime, Key("the time over which they count, and the longest wait of one (J2)")
    ] = dt.timedelta(minutes=10)
    all_answers: Annotated[
        Count, Key("most automatic answers of the whole desk in one hour; others wait (J2)")
    ] = 500

    def __post_init__(self) -> None:
        if self.address in self.aliases:
            raise TableError(("aliases", f"{self.address} is the address already: leave it out"))
        domain = self.address.rpartition("@")[2]
        back = (self.return_address or self.address).rpartition("@")[2]
        if not f".{back}".endswith(f".{domain}"):
            raise TableError(("return_address", f"write an address of {domain}: DMARC asks for it"))

    @property
    def addresses(self) -> frozenset[str]:
        """Every address of the desk."""
        back = (self.return_address,) if self.return_address else ()
        return frozenset({self.address, *self.aliases, *back})

    @property
    def keyed_return(self) -> str | None:
        """The address whose extension holds the key of a return path (E1); None if none does."""
        own = self.address if self.reply_address == "plus" else None
        return self.return_address or own


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The database: SQLite, or PostgreSQL for several machines."""

    url: Annotated[
        DatabaseUrl,
        Key("or postgresql+psycopg://user@host/name"),
    ] = "sqlite:///var/avtald.db"
    password_file: Annotated[SecretFile | None, Key("only for PostgreSQL", '"db-password"')] = None

    @property
    def password(self) -> str | None:
        """The password, where one is set."""
        return text_of(self.password_file)

    @property
    def file(self) -> Path | None:
        """SQLite's own file."""
        path = self.url.removeprefix("sqlite:///")
        return None if path == self.url else Path(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarTable:
    """Opening hours and closed days (A2)."""

    open: Annotated[ClockTime, Key("the desk opens")] = dt.time(8)
    close: Annotated[ClockTime, Key("the desk closes")] = dt.time(17)
    weekdays: Annotated[
        Annotated[frozenset[int], Reads(_weekdays)], Key("open days; Monday is 1")
    ] = frozenset({1, 2, 3, 4, 5})
    country: Annotated[
        Annotated[str, Reads(_country)], Key('closed on its public holidays; "" for none')
    ] = "SE"
    closed: Annotated[
        tuple[Annotated[dt.date | str, Reads(_day_or_name)], ...],
        Key("more closed days: dates, and the names " + ", ".join(NAMES)),
    ] = ("midsommarafton", "julafton", "nyårsafton")
    half_days: Annotated[
        Annotated[Mapping[dt.date | str, dt.time], Reads(_half_days)],
        Key("days with another closing time: date or name, and time", '{ "2026-04-02" = "12:00" }'),
    ] = field(default_factory=dict)


def opening_hours(table: CalendarTable) -> OpeningHours:
    """The table as the domain's opening hours, in the default zone."""
    hours = OpeningHours(**{key.name: getattr(table, key.name) for key in fields(table)})
    try:
        Calendar(hours)
    except CalendarError as error:
        raise ValueError(str(error)) from None
    return hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The proof that an engineer's mail comes from the engineer (D1)."""

    require: Annotated[
        Literal["dmarc", "none"],
        Key("dmarc, or none: the From address alone is believed (closed networks, trials)"),
    ] = "dmarc"
    trusted_authserv_ids: Annotated[
        tuple[Line, ...],
        Key("id of your mail server in its Authentication-Results; empty: no proof this way"),
    ] = ()
    microsoft365: Annotated[
        Flag, Key("also believe Exchange Online's Authentication-Results, which have no id")
    ] = False
    dkim: Annotated[Flag, Key("check DKIM signatures as a second proof")] = True
    nameserver: Annotated[
        NameServer | None,
        Key("address and port of the DNS server to ask; default: the machine's", '"127.0.0.1:53"'),
    ] = None
    date_within: Annotated[
        SomeTime, Key("a proof counts while the mail's Date is this near its receipt")
    ] = dt.timedelta(days=5)
    spam_header: Annotated[
        Header | None,
        Key("your mail server marks spam with this header (D2)", '"X-Spam-Flag: YES"'),
    ] = None
    ask_within: Annotated[
        SomeTime, Key("held messages of one person within this time are asked about together (D1)")
    ] = dt.timedelta(hours=1)
    confirm_within: Annotated[
        SomeTime, Key("a held message waits this long for its confirmation")
    ] = dt.timedelta(days=14)

    @property
    def dns(self) -> tuple[str, int] | None:
        """The host and port of the DNS server to ask; None for those of the machine."""
        return (self.nameserver.host, self.nameserver.port) if self.nameserver else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Priority:
    """Words in a subject that name a priority (C5)."""

    words: Annotated[
        Annotated[Mapping[str, int], Reads(_words)], Key("a word, and its priority")
    ] = field(default_factory=lambda: {"akut": 1, "brådskande": 2, "urgent": 2})


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklog:
    """Limits of noted time: time beyond them is held until its engineer confirms it (C11)."""

    tag_hours: Annotated[Count, Key("hours in one tag")] = 12
    day_hours: Annotated[Count, Key("hours of one engineer on one worked date")] = 24
    days_back: Annotated[Count, Key("days between a worked date and the mail")] = 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Warnings to engineers before a deadline (E7)."""

    warn_at: Annotated[
        Annotated[tuple[int, ...], _warn_at(99)],
        Key("per cent of the promised time that have passed"),
    ] = (50, 80)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """Notices to customers about the use of their time bank (G6)."""

    warn_at: Annotated[
        Annotated[tuple[int, ...], _warn_at(1000)], Key("per cent of the time bank that are used")
    ] = (80, 100)


TenantId = Annotated[int, Reads(whole(1, 10**12))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fortnox:
    """Access to Fortnox, and the articles of the invoice rows."""

    api_url: Annotated[Url, Key("")] = "https://api.fortnox.se"
    auth_url: Annotated[Url, Key("")] = "https://apps.fortnox.se/oauth-v1/auth"
    token_url: Annotated[Url, Key("")] = "https://apps.fortnox.se/oauth-v1/token"  # noqa: S105  an address
    client_id: Annotated[Line, Key("", '"…"')]
    client_secret_file: Annotated[SecretFile, Key("", '"fortnox-client-secret"')]
    token_key_file: Annotated[
        SecretFile | None,
        Key(
            "encrypts the stored tokens; without it a key made from the client secret",
            '"fortnox-key"',
        ),
    ] = None
    tenant_id: Annotated[
        TenantId | None,
        Key(
            "the company in Fortnox; without it access depends on a login's refresh token", "123456"
        ),
    ] = None
    fee_article: Annotated[Line, Key("the article of the monthly fee")] = "SUPPORT"
    hour_article: Annotated[Line, Key("the article of hours beyond the time bank")] = "SUPPORTTIM"
    invoice_link: Annotated[
        LineOrNothing, Key("web address of an invoice, with {number} for its number")
    ] = ""

    @property
    def client_secret(self) -> str:
        """The client's secret."""
        return self.client_secret_file.text

    @property
    def token_key(self) -> str:
        """The secret that encrypts the stored tokens."""
        return text_of(self.token_key_file) or self.client_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """The accounting system for invoice drafts, and the monthly close (H, I)."""

    kind: Annotated[
        Literal["files", "fortnox"],
        Key("fortnox, or files: drafts as JSON and PDF in state_dir/drafts"),
    ] = "files"
    approval: Annotated[
        Literal["automatic", "finance"],
        Key("automatic, or finance: drafts wait for finance's OK by mail (H7)"),
    ] = "automatic"
    finance: Annotated[tuple[Address, ...], Key("they are told of every close")] = ()
    close_delay: Annotated[Duration, Key("time from the end of a month to its close (H1)")] = (
        dt.timedelta(0)
    )
    first_month: Annotated[Month | None, Key("earlier months are not billed (H1)", '"2026-01"')] = (
        None
    )
    overage: Annotated[
        Literal["monthly", "bank-period"],
        Key("monthly, or bank-period: billed at the end of the bank period (H3)"),
    ] = "monthly"
    fortnox: Fortnox | None = None

    def __post_init__(self) -> None:
        wrong = []
        if self.kind == "fortnox" and self.fortnox is None:
            wrong.append(("fortnox", "is missing: write the table [accounting.fortnox]"))
        if self.approval == "finance" and not self.finance:
            wrong.append(("finance", "is missing: whose OK is waited for?"))
        if wrong:
            raise TableError(*wrong)

    @property
    def needs_customer_number(self) -> bool:
        """True where only customers with a number can be invoiced (H6)."""
        return self.kind == "fortnox"


Month12 = Annotated[int, Reads(whole(1, 12))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """The time that mail is kept (K2). Ledger and statements stay as long as the law requires."""

    mail_for: Annotated[
        Duration,
        Key('mail is deleted so long after its ticket was closed; "0d": never', '"730d"'),
    ] = dt.timedelta(0)
    financial_year_ends: Annotated[
        Month12, Key("last month of the financial year; the law counts from it")
    ] = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """The whole of `avtald.toml`."""

    __pydantic_config__ = STRICT

    desk: Annotated[Desk, Key("")]
    database: Database = field(default_factory=Database)
    calendar: Annotated[OpeningHours, MadeFrom(CalendarTable, opening_hours)] = field(
        default_factory=OpeningHours
    )
    intake: Intake = field(default_factory=Intake)
    outgoing: Outgoing | None = None
    identity: Identity = field(default_factory=Identity)
    priority: Priority = field(default_factory=Priority)
    worklog: Worklog = field(default_factory=Worklog)
    clock: Clock = field(default_factory=Clock)
    bank: Bank = field(default_factory=Bank)
    accounting: Accounting = field(default_factory=Accounting)
    keeping: Keeping = field(default_factory=Keeping)
    canary: Canary = field(default_factory=Canary)
    watch: Watch | None = None
    plans: Annotated[Mapping[str, Plan], MadeFrom(Mapping[str, PlanTable], catalogue)] = field(
        default_factory=lambda: BUILT_IN
    )
