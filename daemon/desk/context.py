"""One helpdesk as every step of it needs it: database, settings, calendar and secret key."""

import datetime as dt
import hmac
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from daemon.desk.ports import NO_DNS, Dns
from daemon.domain.agreement import Terms
from daemon.domain.conversation import MARKERS
from daemon.domain.opening_hours import Calendar
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.domain.wording import Say, speaker
from daemon.settings.load import Settings
from daemon.store.session import Store, Tx
from daemon.store.tickets import events


@dataclass(frozen=True, slots=True)
class Desk:
    """One helpdesk. It holds no time: its callers pass the instant (A4)."""

    store: Store
    settings: Settings
    calendar: Calendar
    key: bytes  # the desk's own secret: it signs reply ids and names the instance
    dns: Dns = NO_DNS

    @property
    def say(self) -> Say:
        """Choose between a Swedish and an English text by the desk's language."""
        return speaker(self.settings.desk.language)

    @property
    def own_addresses(self) -> frozenset[str]:
        """Every address of this desk."""
        return self.settings.desk.addresses

    @property
    def instance(self) -> str:
        """The mark on every mail of this desk; a returning mail is known by it."""
        return _digest(self.key, "instance")[:16]

    @property
    def language(self) -> str:
        """The language of the desk's own people: `"sv"` or `"en"`."""
        return self.settings.desk.language

    @property
    def zone(self) -> ZoneInfo:
        """The desk's time zone; its dates and months are meant in it (A1)."""
        return ZoneInfo(self.settings.desk.timezone)

    @property
    def markers(self) -> tuple[str, ...]:
        """The desk's own lines above a quotation."""
        return tuple(MARKERS.values())

    def is_own(self, address: str) -> bool:
        """Tell if an address reaches this desk, with a reply id in it or not (D3)."""
        account, _, domain = address.rpartition("@")
        return f"{account.partition('+')[0]}@{domain}" in self.own_addresses

    @property
    def domain(self) -> str:
        """The domain of the desk's address."""
        return self.settings.desk.address.rpartition("@")[2]

    def digest(self, *parts: str, length: int = 32) -> str:
        """Make a keyed digest of the parts: the same each time, and nobody else can make it."""
        return _digest(self.key, "\0".join(parts))[:length]

    def none_terms(self, day: dt.date) -> Terms:
        """F3: the terms of no agreement, from the price list in force on a day."""
        return self.settings.plans["none"].terms_on(day)


@dataclass(frozen=True, slots=True)
class By:
    """The actor, the time and the cause of an act (K1): a mail's, a command's, a page's."""

    tx: Tx
    desk: Desk
    actor: str  # an address, "avtald" or "command"
    at: dt.datetime  # when it happens: a mail's receipt (B2)
    cause: str  # "inbox:17", "command import", "clock"
    now: dt.datetime  # when its letters are written
    person: Person | None = None  # the actor, where registered
    inbox_id: int | None = None  # the message, where one acts

    @property
    def day(self) -> dt.date:
        """The date of the act in the desk's zone (C11)."""
        return self.desk.calendar.day_of(self.at)

    @property
    def key(self) -> str:
        """The part of a letter's key that names the cause."""
        return str(self.inbox_id or self.cause)

    def record(self, ticket: Ticket | None, kind: str, **data: object) -> None:
        """Keep an event of a ticket (K1)."""
        customer_id, ticket_id = (ticket.customer_id, ticket.id) if ticket else (None, None)
        event = events.Event(kind, self.at, self.actor, self.cause, customer_id, ticket_id, data)
        events.record(self.tx, event)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An act that was not carried out; `why` is a code of `phrases.REFUSED`."""

    why: str


@lru_cache(maxsize=64)
def _digest(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()
