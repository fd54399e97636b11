"""The customer, the ticket and the months of a question; RefusedError for a wrong name."""

from daemon.desk.context import Desk
from daemon.domain.periods import Period
from daemon.domain.refusal import RefusedError
from daemon.domain.register import Customer
from daemon.domain.ticket import Ticket
from daemon.store.money import register
from daemon.store.session import Tx
from daemon.store.tickets import tickets


def customer(tx: Tx, desk: Desk, key: str) -> Customer:
    """The customer with a key, active or ended."""
    named = register.customer_by_key(tx, key)
    if named is None:
        raise RefusedError(desk.say(f"kunden {key} finns inte", f"no customer {key}"))
    return named


def ticket(tx: Tx, desk: Desk, number: int) -> Ticket:
    """The ticket with a number."""
    named = tickets.by_number(tx, number)
    if named is None:
        raise RefusedError(desk.say(f"ärende {number} finns inte", f"no ticket {number}"))
    return named


def period(text: str) -> Period:
    """The month, quarter, half-year or year of a text like 2026-11, 2026-Q4, 2026-H2 or 2026."""
    try:
        return Period.parse(text)
    except ValueError as error:
        raise RefusedError(str(error)) from error


def month(desk: Desk, text: str) -> Period:
    """The month of a text like 2026-11."""
    named = period(text)
    if named.months != 1:
        raise RefusedError(desk.say("skriv en månad: 2026-11", "write a month: 2026-11"))
    return named
