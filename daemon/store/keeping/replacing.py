"""A person replaced by a number in every row (K2).

The zone of correspondence gives way: register, mail, tickets, events. The zone of accounting
stays: ledger, statements and their chain, which by their making hold no name and no address.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Column, Table, Text, and_, cast, false, func, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from daemon.store import seals
from daemon.store.memo import register_changed
from daemon.store.schema.tables import (
    contacts,
    customers,
    events,
    holds,
    inbox,
    invoices,
    ledger,
    metadata,
    notices,
    outbox,
    participants,
    people,
    statements,
    ticket_messages,
    tickets,
)
from daemon.store.session import Tx

if TYPE_CHECKING:
    from daemon.store.keeping.persons import Known

# Kept by law, and sealed; `ledger.note` alone is free text, and is not.
_LAW = frozenset({"statements", "statement_rows", "chain", "erasures"})
_OPAQUE = frozenset(
    {"identity", "hint", "seal", "raw_sha256", "hash", "token", "subject_hash", "payload_hash"}
)
_LETTERS = re.compile(r"[a-z0-9]{2,}")

Rewrite = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Pseudonym:
    """The words in place of a person from now on."""

    address: str
    name: str
    removed: str  # for a text of hers


def end(tx: Tx, who: "Known", pseudonym: Pseudonym) -> int:
    """Replace the person's own rows, and end everything on its way to her.

    Gives the number of emptied messages.
    """
    named = {"name": pseudonym.name}
    register_changed(tx)
    _set(tx, contacts, contacts.c.id.in_(who.contacts), **named, active=False)
    _set(tx, people, people.c.id == who.person_id, **named)
    _set(tx, participants, participants.c.address.in_(who.addresses), **named, silent=True)
    opened = tickets.c.id.in_(opened_by(tx, who))
    _set(tx, tickets, opened, subject=pseudonym.removed)
    asked = tickets.c.requester.in_(who.addresses)
    _set(tx, tickets, asked, requester_name=pseudonym.name)
    hers = ticket_messages.c.address.in_(who.addresses)
    emptied = _set(tx, ticket_messages, hers, **named, text=pseudonym.removed)
    _let_go(tx, who)
    return emptied


def _set(tx: Tx, table: Table, where: ColumnElement[bool], **values: Any) -> int:
    for kind, owner in _SEALED.get(table.name, ()):
        seals.changed(tx, kind, tx.scalars(select(table.c[owner]).where(where)).all())
    return tx.execute(update(table).where(where).values(**values)).rowcount


# The tables whose rows have seals of their own, or belong to a row that has.
_SEALED: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType(
    {kind.table.name: ((name, "id"),) for name, kind in seals.KINDS.items()}
    | {
        kind.parts[0].table.name: ((name, kind.parts[1].name),)
        for name, kind in seals.KINDS.items()
        if kind.parts
    }
)


def seal_again(tx: Tx) -> None:
    """Seal the rows as they are now, and forget the salts of their earlier seals."""
    for kind, keys in seals.settle(tx).items():
        seals.forget_salts(tx, kind, sorted(keys))


def opened_by(tx: Tx, who: "Known") -> list[int]:
    """The tickets opened by her own message: their subject is of her words."""
    first = (
        select(ticket_messages.c.ticket_id, func.min(ticket_messages.c.id).label("id"))
        .where(ticket_messages.c.ticket_id.in_(who.tickets))
        .group_by(ticket_messages.c.ticket_id)
        .subquery()
    )
    query = select(ticket_messages.c.ticket_id).join(first, first.c.id == ticket_messages.c.id)
    return list(tx.scalars(query.where(ticket_messages.c.address.in_(who.addresses))))


def about_her(tx: Tx, who: "Known") -> ColumnElement[bool]:
    """The condition: a notice of her message, or of a ticket with a subject of her words."""
    return or_(
        notices.c.inbox_id.in_(who.received),
        notices.c.ticket_id.in_(opened_by(tx, who)),
    )


def _let_go(tx: Tx, who: "Known") -> None:
    """Send nothing more to the person, and do not try her shelved mail again."""
    waiting = and_(outbox.c.recipient.in_(who.addresses), outbox.c.state == "pending")
    _set(tx, outbox, waiting, state="failed", reply="erased")
    hers = inbox.c.id.in_(who.received)
    shelved = and_(hers, inbox.c.state.in_(["shelved", "held"]))
    _set(tx, inbox, shelved, state="done", outcome="erased")
    _set(tx, inbox, hers, reason=None, message_id=None)  # some programs build it of the address
    on_hers = or_(about_her(tx, who), notices.c.ticket_id.in_(who.tickets))
    _set(tx, notices, on_hers, remarks=[])
    for row in tx.execute(
        select(holds.c.id, holds.c.data).where(holds.c.inbox_id.in_(who.received))
    ):
        _set(tx, holds, holds.c.id == row.id, data=_without_words(row.data))
    for row in tx.execute(select(customers.c.id, customers.c.reports_to)).all():
        left = [each for each in row.reports_to if each.casefold() not in who.addresses]
        if left != list(row.reports_to):
            _set(tx, customers, customers.c.id == row.id, reports_to=left)
    named = and_(customers.c.id.in_(who.customers), customers.c.your_reference.in_(who.names))
    _set(tx, customers, named, your_reference=None)


def _without_words(data: Any) -> Any:
    """Held time keeps its minutes, and loses its note."""
    if not isinstance(data, Mapping):
        return data
    return {name: "" if isinstance(value, str) else value for name, value in data.items()}


def papers_again(tx: Tx, customer_ids: Sequence[int]) -> None:
    """Let the specifications of customers be printed and put beside their drafts once more."""
    mine = select(statements.c.id).where(statements.c.customer_id.in_(customer_ids))
    attached = and_(invoices.c.attached.is_(True), invoices.c.statement_id.in_(mine))
    _set(tx, invoices, attached, attached=None)


# --- in everybody's rows ------------------------------------------------------------------------


def everywhere(tx: Tx, needles: Sequence[str], rewrite: Rewrite) -> None:
    """Rewrite every text with a needle; the law keeps ledger and statements as they are."""
    for table in metadata.sorted_tables:
        for column in _free_columns(table):
            within(tx, column, or_(false(), *(likely(column, each) for each in needles)), rewrite)


def on_tickets(tx: Tx, who: "Known", needles: Sequence[str], rewrite: Rewrite) -> None:
    """Rewrite the texts of others on a person's tickets, and about her customers."""
    on = who.tickets
    for column, where in (
        (tickets.c.subject, tickets.c.id.in_(on)),
        (ticket_messages.c.text, ticket_messages.c.ticket_id.in_(on)),
        (ledger.c.note, ledger.c.ticket_id.in_(on)),
        (
            events.c.data,
            or_(events.c.ticket_id.in_(on), events.c.customer_id.in_(who.customers)),
        ),
    ):
        hit = or_(false(), *(likely(column, each) for each in needles))
        within(tx, column, and_(where, hit), rewrite)


def _free_columns(table: Table) -> Iterator[Column[Any]]:
    if table.name in _LAW:
        return
    for column in table.columns:
        if table is ledger and column.name != "note":
            continue
        if column is customers.c.name:  # a firm has its name, also where it is its owner's
            continue
        if isinstance(column.type, Text | JSON) and column.name not in _OPAQUE:
            yield column


def likely(column: Column[Any], needle: str) -> ColumnElement[bool]:
    """The condition for a text with a needle: its runs of ASCII letters in their order.

    Other letters may be escaped (JSON), in another case or decomposed, and Python has the last
    word: SQLite knows upper and lower case of ASCII only.
    """
    text = func.lower(cast(column, Text))
    words = needle.split()
    orders = [words, [words[-1], *words[:-1]]] if len(words) > 1 else [words]
    patterns = {_pattern(" ".join(order)) for order in orders if order}
    return or_(false(), *(text.like(each, escape="\\") for each in sorted(patterns)))


def _pattern(needle: str) -> str:
    runs = _LETTERS.findall(needle.lower())
    return f"%{'%'.join(runs)}%" if runs else "%"


def within(tx: Tx, column: Column[Any], hit: ColumnElement[bool], rewrite: Rewrite) -> None:
    """Rewrite a column's texts, each distinct one once; JSON row by row."""
    table = column.table
    if isinstance(column.type, JSON):
        (key,) = table.primary_key.columns
        for row_id, value in tx.execute(select(key, column).where(hit)).all():
            new = _inside(value, rewrite)
            if new != value:
                _set(tx, table, key == row_id, **{column.name: new})
        return
    for old in tx.scalars(select(column).where(hit).distinct()).all():
        new = rewrite(old)
        if new != old:
            _set(tx, table, column == old, **{column.name: new})


def _inside(value: Any, rewrite: Rewrite) -> Any:
    if isinstance(value, str):
        return rewrite(value)
    if isinstance(value, list):
        return [_inside(each, rewrite) for each in value]
    if isinstance(value, Mapping):
        return {rewrite(key): _inside(each, rewrite) for key, each in value.items()}
    return value
