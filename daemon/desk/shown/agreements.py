"""Every customer's agreements and their versions, as `avtald agreements` shows them."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.register.price_rise import must_be_known
from daemon.domain.agreement import in_force
from daemon.domain.register import Account
from daemon.store.money import register


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a customer's agreement, with its terms."""

    customer: str
    plan: str
    from_: dt.date
    until: dt.date | None
    renew: bool
    withdrawn: bool
    in_force: bool
    terms: Mapping[str, Any]
    overrides: Mapping[str, Any]


def listing(desk: Desk, now: dt.datetime, customer: str | None = None) -> list[Version]:
    """Every version of every agreement, or of one customer's."""
    with desk.store.reading() as tx:
        accounts = register.load(tx).accounts
    must_be_known([customer] if customer else [], accounts)
    today = desk.calendar.day_of(now)
    return [
        version
        for account in accounts
        if customer in {None, account.customer.key}
        for version in _versions(account, today)
    ]


def _versions(account: Account, today: dt.date) -> Iterator[Version]:
    current = in_force([each.version for each in account.agreements], today)
    for agreement in account.agreements:
        version = agreement.version
        yield Version(
            customer=account.customer.key,
            plan=version.terms.plan,
            from_=version.starts,
            until=version.until,
            renew=version.renews,
            withdrawn=version.withdrawn,
            in_force=current is not None and current.id == version.id,
            terms=version.terms.to_json(),
            overrides=agreement.overrides,
        )
