"""The tables of `avtald.toml`, frozen: what each key says, its default, and what would be wrong."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from daemon.domain.agreement import BUILT_IN, Plan
from daemon.domain.named_days import NAMES, known
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
    """Rising per cents from 1 to `highest`."""

    def read(value: object) -> tuple[int, ...]:
        each = whole(1, highest)
        read = tuple(each(percent) for percent in value) if isinstance(value, list) else ()
        if not isinstance(value, list) or list(read) != sorted(set(read)):
            raise ValueError("write rising per cents, as [50, 80]")
        return read

    return Reads(read)


def _weekdays(value: object) -> frozenset[int]:
    each = whole(1, 7)
    if not isinstance(value, list) or not value:
        raise ValueError("write weekdays as [1, 2, 3, 4, 5]; Monday is 1")
    return frozenset(each(weekday) for weekday in value)


def _day_or_name(value: object) -> dt.date | str:
    if isinstance(value, str) and (name := known(value)):
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

    __pydantic_config__ = STRICT

    name: Annotated[Line, Key("as customers know it", '"Exempel Support"')]
    address: Annotated[
        Address, Key("what customers write to; replies come from here", '"support@example.se"')
    ]
    aliases: Annotated[
        tuple[Address, ...],
        Key("other addresses of the desk; anything else is an unknown recipient"),
    ] = ()
    reply_address: Annotated[
        Literal["plain", "plus"],
        Key("plain, or plus: support+<reply id>@… where the mail host allows it"),
    ] = "plain"
    operators: Annotated[tuple[Address, ...], Key("faults and shelved mail are reported here")] = ()
    language: Annotated[
        Literal["sv", "en"], Key("of customers where nothing else is said, and of the desk")
    ] = "sv"
    timezone: Annotated[Zone, Key("calendars and dates are in this zone (A1)")] = "Europe/Stockholm"
    state_dir: Annotated[PathThere, Key("relative paths count from this file's folder")] = Path(
        "var"
    )
    go_live: Annotated[
        Instant | None, Key("older mail is archived, unanswered (B5)", "2026-01-01T00:00:00+01:00")
    ] = None
    reopen_within: Annotated[
        Duration, Key("a customer's reply so long after closing reopens the ticket (D5)")
    ] = dt.timedelta(days=14)
    answers: Annotated[Count, Key("most automatic answers to one outside address … (J2)")] = 10
    answers_within: Annotated[SomeTime, Key("… in so long a time")] = dt.timedelta(hours=3)
    all_answers: Annotated[
        Count, Key("most automatic answers of the whole desk in an hour; others wait (J2)")
    ] = 500

    def __post_init__(self) -> None:
        if self.address in self.aliases:
            raise TableError(("aliases", f"{self.address} is the address already: leave it out"))

    @property
    def addresses(self) -> frozenset[str]:
        """Every address of the desk."""
        return frozenset({self.address, *self.aliases})


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Where everything is kept: SQLite, or PostgreSQL for several machines."""

    __pydantic_config__ = STRICT

    url: Annotated[
        DatabaseUrl,
        Key("from this file's folder; or postgresql+psycopg://user@host/name"),
    ] = "sqlite:///var/avtald.db"
    password_file: Annotated[SecretFile | None, Key("PostgreSQL only", '"db-password"')] = None

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

    __pydantic_config__ = STRICT

    open: Annotated[ClockTime, Key("")] = dt.time(8)
    close: Annotated[ClockTime, Key("")] = dt.time(17)
    weekdays: Annotated[Annotated[frozenset[int], Reads(_weekdays)], Key("ISO: Monday is 1")] = (
        frozenset({1, 2, 3, 4, 5})
    )
    country: Annotated[
        Annotated[str, Reads(_country)], Key('its public holidays are closed; "" has none')
    ] = "SE"
    closed: Annotated[
        tuple[Annotated[dt.date | str, Reads(_day_or_name)], ...],
        Key("dates, and names: " + ", ".join(NAMES)),
    ] = ("midsommarafton", "julafton", "nyårsafton")
    half_days: Annotated[
        Annotated[Mapping[dt.date | str, dt.time], Reads(_half_days)],
        Key("a date or a name, and when the desk closes that day", '{ "2026-04-02" = "12:00" }'),
    ] = field(default_factory=dict)


def opening_hours(table: CalendarTable) -> OpeningHours:
    """The same as the domain's calendar has it, in the zone that is usual here."""
    hours = OpeningHours(
        open=table.open,
        close=table.close,
        weekdays=table.weekdays,
        country=table.country,
        closed=table.closed,
        half_days=table.half_days,
    )
    try:
        Calendar(hours)
    except CalendarError as error:
        raise ValueError(str(error)) from None
    return hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """How it is proven that an engineer's mail is the engineer's (D1)."""

    __pydantic_config__ = STRICT

    require: Annotated[
        Literal["dmarc", "none"],
        Key("dmarc; or none: From alone is believed (closed networks and trials)"),
    ] = "dmarc"
    trusted_authserv_ids: Annotated[
        tuple[Line, ...], Key("what the border writes; empty = no proof this way")
    ] = ()
    microsoft365: Annotated[Flag, Key("believe the nameless form that Exchange Online writes")] = (
        False
    )
    dkim: Annotated[Flag, Key("our own DKIM check as a second way")] = True
    spam_header: Annotated[
        Header | None, Key("what the border marks as spam (D2)", '"X-Spam-Flag: YES"')
    ] = None
    confirm_within: Annotated[
        SomeTime, Key("a held message waits so long for its confirmation")
    ] = dt.timedelta(days=14)


@dataclass(frozen=True, slots=True, kw_only=True)
class Priority:
    """Words in a subject that name a level (C5)."""

    __pydantic_config__ = STRICT

    words: Annotated[Annotated[Mapping[str, int], Reads(_words)], Key("")] = field(
        default_factory=lambda: {"akut": 1, "brådskande": 2, "urgent": 2}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Worklog:
    """Time that engineers note beyond these limits is held until they confirm it (C11)."""

    __pydantic_config__ = STRICT

    tag_hours: Annotated[Count, Key("most hours in one tag")] = 12
    day_hours: Annotated[Count, Key("most hours for one engineer and worked date")] = 24
    days_back: Annotated[Count, Key("how far back a worked date may lie")] = 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """When engineers are warned of a deadline (E7)."""

    __pydantic_config__ = STRICT

    warn_at: Annotated[
        Annotated[tuple[int, ...], _warn_at(99)], Key("per cent of the promised time")
    ] = (50, 80)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """When customers are told of a time bank that runs out (G6)."""

    __pydantic_config__ = STRICT

    warn_at: Annotated[
        Annotated[tuple[int, ...], _warn_at(1000)], Key("per cent of the bank used")
    ] = (80, 100)


TenantId = Annotated[int, Reads(whole(1, 10**12))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fortnox:
    """Access to Fortnox, and the articles that rows are made of."""

    __pydantic_config__ = STRICT

    api_url: Annotated[Url, Key("")] = "https://api.fortnox.se"
    auth_url: Annotated[Url, Key("")] = "https://apps.fortnox.se/oauth-v1/auth"
    token_url: Annotated[Url, Key("")] = "https://apps.fortnox.se/oauth-v1/token"  # noqa: S105  an address
    client_id: Annotated[Line, Key("", '"…"')]
    client_secret_file: Annotated[SecretFile, Key("", '"fortnox-client-secret"')]
    token_key_file: Annotated[
        SecretFile | None,
        Key("encrypts the tokens that we keep; else made from the client secret", '"fortnox-key"'),
    ] = None
    tenant_id: Annotated[TenantId | None, Key("without it: consent by login", "123456")] = None
    fee_article: Annotated[Line, Key("")] = "SUPPORT"
    hour_article: Annotated[Line, Key("")] = "SUPPORTTIM"
    invoice_link: Annotated[
        LineOrNothing, Key("where a person opens an invoice: {number} is replaced")
    ] = ""

    @property
    def client_secret(self) -> str:
        """The client's secret."""
        return self.client_secret_file.text

    @property
    def token_key(self) -> str:
        """What the tokens at rest are encrypted with."""
        return text_of(self.token_key_file) or self.client_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounting:
    """Where invoice drafts go, and how months close (H, I)."""

    __pydantic_config__ = STRICT

    kind: Annotated[
        Literal["files", "fortnox"],
        Key("fortnox, or files: drafts as JSON and PDF in state_dir/drafts"),
    ] = "files"
    approval: Annotated[
        Literal["automatic", "finance"], Key("finance: a draft waits for an OK by mail (H7)")
    ] = "automatic"
    finance: Annotated[tuple[Address, ...], Key("who is told of every close")] = ()
    close_delay: Annotated[Duration, Key("after the end of the month (H1)")] = dt.timedelta(0)
    first_month: Annotated[
        Month | None, Key("nothing is billed for months before it (H1)", '"2026-01"')
    ] = None
    overage: Annotated[
        Literal["monthly", "bank-period"],
        Key("monthly, or bank-period: billed when the bank period ends (H3)"),
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


Month12 = Annotated[int, Reads(whole(1, 12))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How long mail is kept (K2). Ledger and statements stay as long as the law says."""

    __pydantic_config__ = STRICT

    mail_for: Annotated[
        Duration,
        Key('whole mails and their texts, after their ticket closed; "0d": for ever', '"730d"'),
    ] = dt.timedelta(0)
    financial_year_ends: Annotated[Month12, Key("its last month; the law counts from it")] = 12


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
