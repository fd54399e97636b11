"""What every step of the desk works with: the database, the settings, the calendar, its own key."""

import datetime as dt
import hmac
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

from daemon.domain.agreement import Terms
from daemon.domain.conversation import MARKERS
from daemon.domain.opening_hours import Calendar
from daemon.settings.load import Settings
from daemon.store.session import Store


@dataclass(frozen=True, slots=True)
class Desk:
    """One helpdesk. It holds no time: every step is told what time it is (A4)."""

    store: Store
    settings: Settings
    calendar: Calendar
    key: bytes  # the desk's own secret: it signs reply ids and names the instance

    @property
    def own_addresses(self) -> frozenset[str]:
        """Every address that reaches this desk."""
        return frozenset((self.settings.desk.address, *self.settings.desk.aliases))

    @property
    def instance(self) -> str:
        """The mark on all mail of ours, by which it is known when it comes back."""
        return _digest(self.key, "instance")[:16]

    @property
    def language(self) -> str:
        """The language of the desk's own people: `"sv"` or `"en"`."""
        return self.settings.desk.language

    @property
    def zone(self) -> ZoneInfo:
        """The desk's zone: dates and months are meant in it (A1)."""
        return ZoneInfo(self.settings.desk.timezone)

    @property
    def markers(self) -> tuple[str, ...]:
        """The lines of ours that what is quoted begins with."""
        return tuple(MARKERS.values())

    @property
    def domain(self) -> str:
        """The domain of the desk's address."""
        return self.settings.desk.address.rpartition("@")[2]

    def digest(self, *parts: str, length: int = 32) -> str:
        """A keyed digest: nobody else can make it, and we make the same again."""
        return _digest(self.key, "\0".join(parts))[:length]

    def none_terms(self, day: dt.date) -> Terms:
        """F3: the terms of no agreement, from the price list in force that day."""
        return self.settings.plans["none"].terms_on(day)


@lru_cache(maxsize=64)
def _digest(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex()
