"""Hindrances: the reasons why a customer's statement waits, whole sentences with remedies (H6)."""

from collections.abc import Mapping, Sequence
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.month.statement_facts import cut_of, load_facts, try_to_draw
from daemon.domain.billing import StatementDraft
from daemon.domain.periods import Period
from daemon.domain.register import Customer
from daemon.store.money import register
from daemon.store.session import Tx
from daemon.store.tickets import holds, tickets


def held_time(tx: Tx, desk: Desk, month: Period) -> Mapping[int, list[Any]]:
    """Held entries worked by a month's end, by customer; later mails belong to the next month."""
    cut = cut_of(desk, month)
    held: dict[int, list[Any]] = {}
    for row in holds.held_time(tx, month.end):
        if row.customer_id is not None and row.created_at < cut:
            held.setdefault(row.customer_id, []).append(row)
    return held


def hindrances(
    tx: Tx,
    desk: Desk,
    customer: Customer,
    drawn: StatementDraft,
    held: Mapping[int, Sequence[Any]],
) -> list[str]:
    """H6: everything in the way of a customer's statement; `held` is as `held_time` gives it."""
    waits = [_of_held_time(tx, row, desk.language) for row in held.get(customer.id, ())]
    needs_number = desk.settings.accounting.needs_customer_number
    if needs_number and drawn.net and not customer.accounting_number:
        waits.append(sentence("no_number", desk.language, key=customer.key))
    return waits


def _of_held_time(tx: Tx, row: Any, language: str) -> str:
    return sentence(
        "held_time",
        language,
        minutes=row.data["minutes"],
        day=row.worked_on,
        ticket=tickets.by_id(tx, row.ticket_id).number,
        name=register.person(tx, row.person_id).name,
        reason=row.reason,
    )


def why_held(tx: Tx, desk: Desk, customer: Customer, month: Period) -> list[str]:
    """H6: the reasons why a closed month of a customer waits: always one at least."""
    facts = load_facts(tx, desk, [customer], cut_of(desk, month))[customer.id]
    drawn = try_to_draw(desk, facts, month)
    if drawn is None:
        return [sentence("close_fault", desk.language, key=customer.key)]
    held = held_time(tx, desk, month)
    why = hindrances(tx, desk, customer, drawn.draft, held)
    return why or [sentence("earlier_month", desk.language)]
