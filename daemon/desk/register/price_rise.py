"""An index adjustment: every agreement gets a version with raised prices from a date (F1)."""

import datetime as dt
from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal

from daemon.desk.register.changes import changes_between
from daemon.desk.register.importing import Import
from daemon.domain.agreement import in_force, raised
from daemon.domain.register import Account, Agreement, Register

_PRICES = ("monthly_fee", "hourly_rate", "outside_rate")


def plan(kept: Register, percent: Decimal, day: dt.date, only: Collection[str] = ()) -> Import:
    """What raising every agreement in force on that day would change; `only` names customers.

    A customer that has a version from that very day is left alone, so that nobody is raised twice.
    """
    accounts = tuple(
        _raised(account, percent, day)
        if account.customer.active and (not only or account.customer.key in only)
        else account
        for account in kept.accounts
    )
    after = replace(kept, accounts=accounts)
    return Import(kept, after, changes_between(kept, after))


def _raised(account: Account, percent: Decimal, day: dt.date) -> Account:
    current = in_force([each.version for each in account.agreements], day)
    if current is None or current.starts == day:
        return account
    agreement = next(each for each in account.agreements if each.version == current)
    by_start = {each.version.starts: each for each in account.agreements}
    again = by_start.get(day)  # one that was taken back: its row is used again
    by_start[day] = _version(agreement, percent, day, again.version.id if again else 0)
    return replace(account, agreements=tuple(by_start[start] for start in sorted(by_start)))


def _version(before: Agreement, percent: Decimal, day: dt.date, row: int) -> Agreement:
    terms = raised(before.version.terms, percent)
    written = terms.to_json()
    prices = {name: written[name] for name in _PRICES if written[name] is not None}
    version = replace(before.version, id=row, starts=day, terms=terms)
    return Agreement(version, {**before.overrides, **prices})
