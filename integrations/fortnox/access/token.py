"""A token that opens a company's books, and the errors of lost access (facts.md 2)."""

import datetime as dt
from dataclasses import dataclass, field

from daemon.domain.invoice import AccountingError, Fault
from integrations.fortnox.errors import LOGIN

_USED = 0.75  # renew when three quarters of the life are gone: 45 min of 60


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; in the fall-back with the one refresh token that renews it."""

    access: str = field(repr=False)
    obtained_at: dt.datetime
    lifetime: int  # seconds
    refresh: str | None = field(default=None, repr=False)
    tenant: int | None = None  # the company of its books, if known

    def opens(self, tenant: int | None) -> bool:
        """True if it opens the books named by the settings; None: the settings name none."""
        return tenant is None or self.tenant == tenant

    def is_fresh(self, now: dt.datetime) -> bool:
        """True if it may be used without renewal."""
        return now < self.obtained_at + dt.timedelta(seconds=self.lifetime * _USED)


class NoAccessError(AccountingError):
    """All access is gone, not only the right to one register."""

    def __init__(self, message: str, *, remedy: str = LOGIN) -> None:
        """Keep the failure and its remedy."""
        super().__init__(Fault.ACCESS, message, remedy=remedy)


class ConsentError(NoAccessError):
    """The company's consent is missing, withdrawn or spent: a person must log in again."""
