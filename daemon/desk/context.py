"""One helpdesk as every step of it needs it: database, settings, calendar and secret key."""

import datetime as dt
import hmac
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from daemon.domain.agreement import Terms
from daemon.domain.conversation import MARKERS
from daemon.domain.opening_hours import Calendar
from daemon.domain.wording import Say, speaker
from daemon.settings.load import Settings
from daemon.store.session import Store


class RefusedError(Exception):
    """The desk refuses an act or a question; the message gives the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class Desk:
    """One helpdesk. It holds no time: its callers pass the instant (A4)."""

    store: Store
    settings: Settings
    calendar: Calendar
    key: bytes  # the desk's own secret: it signs reply ids and names the instance

    @property
    def say(self) -> Say:
        """Choose between a Swedish and an English text by the desk's language."""
        return speaker(self.settings.desk.language)

    @property
    def own_addresses(self) -> frozenset[str]:
        """Every address that reaches this desk."""
        return frozenset((self.settings.desk.address, *self.settings.desk.aliases))

    @property
    def instance(self) -> str:
        """The mark on every mail of this desk; a mail that returns is known by it."""
        return _digest(self.key, "instance")[:16]

    @property
    def language(self) -> str:
        """The language of the desk's own people: `"sv"` or `"en"`."""
        return self.settings.desk.language

    @property
    def zone(self) -> ZoneInfo:
        """The desk's zone, which gives dates and months their meaning (A1)."""
        return ZoneInfo(self.settings.desk.timezone)

    @property
    def markers(self) -> tuple[str, ...]:
        """The desk's own lines above a quotation."""
        return tuple(MARKERS.values())

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


@lru_cache(maxsize=64)
def _digest(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()
