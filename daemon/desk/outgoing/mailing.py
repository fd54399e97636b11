"""Putting a letter in the outbox: addressed, keyed, and once for each cause (D3, J2)."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.letters.rendering import render
from daemon.desk.outgoing import headers, reply_ids
from daemon.desk.outgoing.compose import Enclosure, compose
from daemon.domain.ticket import Ticket
from daemon.store.mail import outbox
from daemon.store.session import Tx

People = tuple[tuple[str, str], ...]  # (name, address)


@dataclass(frozen=True, slots=True)
class Post:
    """The address of a letter, and its cause."""

    key: str  # its cause: the same key never mails twice
    kind: str
    to: People
    language: str = ""  # empty: the desk's own
    cc: People = ()
    ticket: Ticket | None = None
    inbox_id: int | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    from_name: str | None = None
    automatic: bool = True
    answer: bool = False  # counts against J2's limit for outside addresses
    about: str | None = None
    attachments: tuple[Enclosure, ...] = ()
    alternatives: tuple[Enclosure, ...] = ()  # an invitation's calendar part (J4)
    customer_side: frozenset[str] = frozenset()
    apart: bool = False  # each recipient sees only itself


def post(tx: Tx, desk: Desk, letter: Any, mail: Post, now: dt.datetime) -> int | None:
    """Render, compose and queue a letter; None if its cause has mailed, or nobody can get it."""
    made = _made(desk, letter, mail, now)
    return None if made is None else outbox.put(tx, made, now)


def post_later(tx: Tx, desk: Desk, letter: Any, mail: Post, now: dt.datetime) -> None:
    """Queue a letter as `post` does, together with others of this transaction."""
    made = _made(desk, letter, mail, now)
    if made is not None:
        outbox.put_later(tx, made, now)


def _made(desk: Desk, letter: Any, mail: Post, now: dt.datetime) -> outbox.Mail | None:
    to, cc = _sendable(mail.to), _sendable(mail.cc)
    recipients = tuple(address for _, address in (*to, *cc))
    if not recipients:
        return None
    rendered = render(letter, mail.language or desk.language, desk.zone)
    message_id = reply_ids.make(
        desk.key,
        mail.ticket.number if mail.ticket else None,
        desk.digest("mail", mail.key, length=16),
        desk.domain,
    )
    raw = compose(
        rendered,
        message_id=message_id,
        from_name=mail.from_name or desk.settings.desk.name,
        from_address=desk.settings.desk.address,
        to=to,
        cc=cc,
        subject_mark=mail.ticket.number if mail.ticket else None,
        in_reply_to=mail.in_reply_to,
        references=mail.references,
        automatic=mail.automatic,
        instance=desk.instance,
        date=now,
        reply_to=_reply_address(desk, message_id),
        attachments=mail.attachments,
        alternatives=mail.alternatives,
    )
    return outbox.Mail(
        key=mail.key,
        kind=mail.kind,
        message_id=message_id,
        raw=raw,
        recipients=recipients,
        envelope_from=desk.settings.desk.address,
        ticket_id=mail.ticket.id if mail.ticket else None,
        inbox_id=mail.inbox_id,
        about=mail.about,
        answer=mail.answer,
        customer_side=mail.customer_side,
        return_paths=_return_paths(desk, message_id, recipients),
    )


def _return_paths(desk: Desk, message_id: str, recipients: Iterable[str]) -> dict[str, str]:
    """The keyed envelope sender for each recipient of a mail (E1)."""
    base = desk.settings.desk.keyed_return
    if base is None:
        return {}
    return {to: reply_ids.return_path(desk.key, message_id, to, base) for to in recipients}


def _sendable(people: Iterable[tuple[str, str]]) -> People:
    """Give the people with an address in ASCII; the others get no mail."""
    return tuple((name, address) for name, address in people if is_sendable(address))


def is_sendable(address: str) -> bool:
    """Tell if an outgoing server with ASCII alone can send mail to an address."""
    if not address or not address.isascii() or address.endswith(".invalid"):  # RFC 2606, K2
        return False
    try:
        headers.address(address)
    except headers.AddressError:
        return False
    return True


def _reply_address(desk: Desk, message_id: str) -> str | None:
    """Give the address with the reply id in it, if the mail host takes such addresses (D3)."""
    if desk.settings.desk.reply_address != "plus":
        return None
    return reply_ids.address(message_id, desk.settings.desk.address)


def people(persons: Iterable[Any]) -> People:
    """Registered people as (name, address)."""
    return tuple((person.name, person.email) for person in persons)


def thread_of(message_id: str | None, references: Sequence[str]) -> tuple[str, ...]:
    """The References of a mail that carries a message on."""
    return tuple(dict.fromkeys([*references, *([message_id] if message_id else [])]))
