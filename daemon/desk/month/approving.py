"""Approving drafts: finance lets the invoices of a month go, all or some of them (H7).

A mail, a command and a page call the same function.
"""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from daemon.desk.context import By, Desk
from daemon.domain.refusal import RefusedError
from daemon.store.mail.outbox import Sent
from daemon.store.money import statements
from daemon.store.money.statements import APPROVED, Frozen
from daemon.store.session import Tx
from daemon.store.tickets import events
from daemon.store.tickets.events import Event

_ABOUT = "close"  # the beginning of `about` in finance's mails: `close:2026-11:`


@dataclass(frozen=True, slots=True)
class Kept:
    """A statement whose draft an approval did not let go: `why` is its condition."""

    statement: Frozen
    why: str  # approved (before), pushed, cancelled, nothing


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an approval: the drafts let go, and the others that were named."""

    approved: tuple[Frozen, ...] = ()
    kept: tuple[Kept, ...] = ()


def about(month: str, late: str) -> str:
    """The subject of a mail to finance; `late` has the customers, where it is not of all."""
    return f"{_ABOUT}:{month}:{late}"


def month_of(mail: Sent) -> str:
    """The month of a mail to finance."""
    return (mail.about or "").split(":")[1]


def asked_in(tx: Tx, mail: Sent) -> list[Frozen]:
    """The statements of a mail to finance."""
    _, month, late = (mail.about or "").split(":")
    customers = {int(each) for each in late.split("-") if each}
    return [
        each
        for each in statements.listing(tx, month=month)
        if each.frozen_at <= mail.created_at and (not customers or each.customer_id in customers)
    ]


def approve(by: By, wanted: Iterable[Frozen]) -> Outcome:
    """Let drafts go that wait for finance's word, and note by whom (K1).

    A second approval changes nothing: a draft on its way, pushed or cancelled stays as it is.
    """
    asked = list(wanted)
    going = statements.approve(by.tx, (each.id for each in asked))
    approved = tuple(each for each in asked if each.id in going)
    events.record_all(by.tx, [_event(by, each) for each in approved])
    return Outcome(approved, tuple(Kept(e, _why(e)) for e in asked if e.id not in going))


def approve_month(desk: Desk, month: str, excepted: Collection[str], now: dt.datetime) -> Outcome:
    """Approve a closed month by command, but for the customers of some keys."""
    with desk.store.acting() as tx:
        asked = statements.listing(tx, month=month)
        strangers = ", ".join(sorted(set(excepted) - {each.customer_key for each in asked}))
        if strangers or not asked:
            raise RefusedError(_no_statement(desk, month, strangers))
        by = By(tx, desk, "command", now, "command invoices approve", now)
        return approve(by, (each for each in asked if each.customer_key not in excepted))


def _no_statement(desk: Desk, month: str, strangers: str) -> str:
    whose = desk.say(f" för {strangers}", f" for {strangers}") if strangers else ""
    return desk.say(
        f"ingen avräkning av {month}{whose}; avtald statements listar dem som finns",
        f"no statement of {month}{whose}; avtald statements lists those that there are",
    )


def _event(by: By, frozen: Frozen) -> Event:
    data = {"reference": frozen.reference, "net": str(frozen.net)}
    return Event(APPROVED, by.at, by.actor, by.cause, frozen.customer_id, data=data)


def _why(frozen: Frozen) -> str:
    if frozen.state == "pushed":
        return "cancelled" if (frozen.condition or {}).get("cancelled") else "pushed"
    return "nothing" if frozen.state == "nothing" else "approved"
