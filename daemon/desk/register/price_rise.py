"""An index adjustment: new versions of agreements, with raised prices from a date on (F1)."""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from daemon.desk.context import Desk
from daemon.desk.register.changes import Change, changes_between
from daemon.desk.register.importing import Import, apply, changing
from daemon.domain.agreement import in_force, raised_terms
from daemon.domain.refusal import RefusedError
from daemon.domain.register import Account, Agreement, Register
from daemon.store.money import register

_PRICES = ("monthly_fee", "hourly_rate", "outside_rate")


@dataclass(frozen=True, slots=True)
class Rise:
    """A rise of prices by some per cent from a day on; `only` names customers, () all of them."""

    percent: Decimal
    day: dt.date
    only: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Raised:
    """The new versions of a rise, as changes of the register."""

    changes: Sequence[Change]
    applied: bool


def raise_prices(desk: Desk, rise: Rise, now: dt.datetime, *, dry_run: bool) -> Raised:
    """Raise prices by new versions of the agreements; a dry run only plans."""
    with changing(desk, dry_run=dry_run) as tx:
        kept = register.load(tx)
        must_be_known(rise.only, kept.accounts)
        asked = plan(kept, rise.percent, rise.day, rise.only)
        if asked.changes and not dry_run:
            apply(tx, asked, now, cause="command agreements raise")
    return Raised(asked.changes, bool(asked.changes) and not dry_run)


def must_be_known(keys: Iterable[str], accounts: Iterable[Account]) -> None:
    """Refuse a key of no customer."""
    unknown = set(keys) - {account.customer.key for account in accounts}
    if unknown:
        raise RefusedError(f"there is no customer {min(unknown)!r}: avtald export lists them")


def plan(kept: Register, percent: Decimal, day: dt.date, only: Collection[str] = ()) -> Import:
    """Plan new versions of the agreements in force on a day; `only` names customers.

    A customer with a version from that very day is left alone: nobody is raised twice.
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
    terms = raised_terms(before.version.terms, percent)
    written = terms.to_json()
    prices = {name: written[name] for name in _PRICES if written[name] is not None}
    version = replace(before.version, id=row, starts=day, terms=terms)
    return Agreement(version, {**before.overrides, **prices})
