"""Carrying messages between the two sides of a ticket (D8)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from daemon.desk.context import By, Desk
from daemon.desk.hours import balances
from daemon.desk.letters.records import Said
from daemon.desk.letters.sanitising import sanitised
from daemon.desk.letters.to_customers import Answer
from daemon.desk.letters.to_engineers import Notice
from daemon.desk.outgoing import mailing
from daemon.desk.outgoing.mailing import Post, thread_of
from daemon.desk.tickets import clocks, gathering
from daemon.desk.tickets.gathering import News
from daemon.desk.tickets.turn import Incoming, Turn
from daemon.domain.conversation import colleagues
from daemon.domain.public_domains import is_public
from daemon.domain.register import Customer, Person
from daemon.domain.ticket import Ticket
from daemon.store.money import register
from daemon.store.session import Tx
from daemon.store.tickets import tickets
from daemon.store.tickets.tickets import Participant, TicketMessage
from parsers.message import Attachment
from parsers.new_html import new_html, pictures, says
from parsers.protection import protection, without_signatures
from parsers.tags import cut_tags, read_tags

_HISTORY = 3  # messages that a notice repeats
_AROUND = 256 * 1024  # texts and headers around the files of a mail


def customer_side(tx: Tx, ticket: Ticket) -> list[Participant]:
    """Requester and participants, less the silent ones and former contacts (D3, D8)."""
    left = _left(tx, ticket)
    return [
        participant
        for participant in tickets.participants_of(tx, ticket.id)
        if not participant.silent
        and participant.address not in left
        and mailing.is_sendable(participant.address)
    ]


def _left(tx: Tx, ticket: Ticket) -> set[str]:
    """The addresses of former contacts outside of the customer's domains."""
    if ticket.customer_id is None:
        return set()
    contacts = register.contacts_of(tx, ticket.customer_id, ended=True)
    ended = (each.email for each in contacts if not each.active)
    return {each for each in ended if register.customer_of_address(tx, each) is None}


def is_own(by: By, address: str) -> bool:
    """Tell if an address is the desk's own or one of its people's: never the customer's side."""
    return by.desk.is_own(address) or register.person_by_address(by.tx, address) is not None


def others_of(turn: Turn, customer: Customer | None) -> tuple[tuple[str, str], ...]:
    """D4: colleagues of the customer's domains in To and Cc.

    Nobody if the desk's address is not there: its copy was blind, or came by an alias of the
    customer's own. An answer to all would give a blind copy away, and loop with an alias. Nobody
    of a mail with very many recipients either (J2): an engineer may add them.
    """
    written = turn.mail.written_to
    if has_many_recipients(turn):
        return ()
    if customer is None or not any(turn.desk.is_own(address) for _, address in written):
        return ()
    if all(address == turn.mail.sender or turn.desk.is_own(address) for _, address in written):
        return ()
    copied = colleagues(written, register.domains_of(turn.tx, customer.id), {turn.mail.sender})
    return tuple(each for each in copied if not is_own(turn.by(), each[1]))


def has_many_recipients(turn: Turn) -> bool:
    """J2: tell if a message has more outside addresses in To and Cc than the setting lets join."""
    by, most = turn.by(), turn.desk.settings.desk.recipients
    written = {address for _, address in turn.mail.written_to}
    return len(written) > most and sum(not is_own(by, each) for each in written) > most


def join(
    by: By, ticket: Ticket, joining: Sequence[tuple[str, str]], *, silent: bool = False
) -> None:
    """D3, D4: let people take part from now on, and note the new ones (K1)."""
    real = [each for each in joining if each[1]]
    for address in tickets.join(by.tx, ticket.id, real, by.at, silent=silent):
        note_joined(by, ticket, address, silent=silent)


def note_joined(by: By, ticket: Ticket, address: str, *, silent: bool = False) -> None:
    """Note a new participant (K1)."""
    by.record(ticket, "participant", address=address, silent=silent)


def join_copied(turn: Turn, ticket: Ticket) -> None:
    """D4: let the colleagues in an engineer's Cc take part from now on."""
    if ticket.customer_id is not None:
        customer = register.customer(turn.tx, ticket.customer_id)
        join(turn.by(), ticket, others_of(turn, customer))


def groups(tx: Tx, ticket: Ticket, side: Sequence[Participant]) -> list[list[Participant]]:
    """Divide people by company, the ticket's own customer first (J2).

    A group sees each other's addresses, and nobody else's. A moved ticket has people of two
    customers (D7), and an engineer may have added anybody.
    """
    if len(side) < 2:
        return [list(side)] if side else []
    by_company: dict[str, list[Participant]] = {}
    for participant in side:
        company = _company(tx, participant.address)
        by_company.setdefault(company, []).append(participant)
    own = f"customer {ticket.customer_id}"
    return [by_company[each] for each in sorted(by_company, key=lambda each: each != own)]


def _company(tx: Tx, address: str) -> str:
    """The company of an address: its customer, else its mail domain; a public domain is none."""
    owner = register.customer_of_address(tx, address)
    if owner is not None:
        return f"customer {owner[0].id}"
    domain = address.rpartition("@")[2]
    return address if is_public(domain) else domain


def answer_customer(turn: Turn, ticket: Ticket, person: Person, text: str) -> tuple[str, ...]:
    """D8: send an engineer's text to requester and participants; gives whom it went to.

    Whoever has it from the engineer already is left out.
    """
    written = {address for _, address in turn.mail.written_to}
    side = [each for each in customer_side(turn.tx, ticket) if each.address not in written]
    html = own_html(turn.mail, text)
    files, left_out = carried(turn.desk, own_files(turn.mail, html))
    letter = Answer(
        turn.desk.settings.desk.name,
        ticket.number,
        person.name,
        text,
        html,
        None,
        ticket.subject,
        left_out,
    )
    for number, group in enumerate(groups(turn.tx, ticket, side)):
        to = tuple((each.name, each.address) for each in group)
        previous = _last_said_by(turn.tx, ticket, group)
        turn.post(
            replace(letter, previous=_as_said(previous) if previous else None),
            Post(
                key=f"answer:{turn.mail.inbox_id}" + (f":{number}" if number else ""),
                kind="relay",
                to=to[:1],
                cc=to[1:],
                language=ticket.language,
                ticket=ticket,
                inbox_id=turn.mail.inbox_id,
                from_name=f"{letter.engineer_name} ({letter.desk_name})",
                automatic=False,
                in_reply_to=_message_id(turn.tx, previous),
                attachments=files,
                customer_side=frozenset(address for _, address in to),
            ),
        )
    addresses = tuple(each.address for each in side)
    if addresses:
        turn.by(person).record(ticket, "relayed", to=list(addresses))
    return addresses


def own_html(mail: Incoming, text: str) -> str | None:
    """The engineer's own HTML if it shows the outgoing text exactly (C12, C13); else None."""
    html = new_html(mail.message, mail.body)
    clean = sanitised(html) if html is not None else None
    return clean if clean is not None and says(clean, text) else None


def own_files(mail: Incoming, html: str | None = None) -> tuple[Attachment, ...]:
    """The files of an engineer's mail for the customer, their names without tags (C13).

    A signature no longer fits a changed text. A picture of a removed passage, and a forwarded mail,
    stay behind.
    """
    files = without_signatures(mail.message.attachments)
    if html is not None:
        shown = pictures(html)
        files = tuple(each for each in files if not each.inline or _content_id(each) in shown)
    if mail.body.forwarded:
        files = ()
    return tuple(_untagged(each) for each in files)


def _content_id(file: Attachment) -> str:
    return (file.content_id or "").strip("<>")


def _untagged(file: Attachment) -> Attachment:
    tags = read_tags(file.name.replace("_", ":"))  # a file's name has no colon
    return replace(file, name=cut_tags(file.name, tags).strip() or "bilaga") if tags else file


def _last_said_by(tx: Tx, ticket: Ticket, people: Sequence[Participant]) -> TicketMessage | None:
    """The quoted message of an answer: the last of its own recipients, never somebody else's."""
    heard = {remark.address for remark in people}
    if len(groups(tx, ticket, customer_side(tx, ticket))) == 1:
        heard = {remark.address for remark in customer_side(tx, ticket)}
    said = [
        remark
        for remark in tickets.said(tx, ticket.id, last=20)
        if remark.author == "customer" and remark.address in heard
    ]
    return said[-1] if said else None


def _as_said(message: TicketMessage) -> Said:
    return Said(message.name or message.address, message.at, message.text)


def _message_id(tx: Tx, message: TicketMessage | None) -> str | None:
    if message is None or message.inbox_id is None:
        return None
    return tickets.message_id_of(tx, message.inbox_id)


def audience(tx: Tx, ticket: Ticket, day: dt.date) -> Sequence[Person]:
    """D8: the assignee, else all engineers; all also on a day of the assignee's absence."""
    assignee = register.person(tx, ticket.assignee_id) if ticket.assignee_id else None
    if assignee is not None and assignee.active and not assignee.is_absent(day):
        return (assignee,)
    engineers = register.people_with_role(tx, "engineer")
    return [each for each in engineers if not each.is_absent(day)] or engineers


def cautions(turn: Turn) -> tuple[str, ...]:
    """Remarks for engineers to read before the message."""
    many = (turn.sentence("many_recipients"),) if has_many_recipients(turn) else ()
    sealed = protection(turn.mail.message) == "encrypted"
    return (*many, *((turn.sentence("encrypted"),) if sealed else ()))


def carried(
    desk: Desk, files: tuple[Attachment, ...]
) -> tuple[tuple[Attachment, ...], tuple[str, ...]]:
    """The files to send along, and the names of those too large for the outgoing server."""
    outgoing = desk.settings.outgoing
    limit = outgoing.max_size if outgoing else 25 * 1024**2
    size = _AROUND + sum(len(each.content) * 4 // 3 for each in files)
    if size <= limit:
        return files, ()
    return (), tuple(each.name for each in files)


def tell_engineers(turn: Turn, ticket: Ticket, *, new: bool, remarks: tuple[str, ...] = ()) -> None:
    """D8: send a customer's message to the assignee, else to all engineers, with its facts."""
    mail = turn.mail
    files, left_out = carried(turn.desk, without_signatures(mail.message.attachments))
    if left_out:
        remarks += (turn.sentence("left_out", names=", ".join(left_out)),)
    gathering.tell(
        turn.by(),
        audience(turn.tx, ticket, turn.day),
        _notice(turn, ticket, new=new, remarks=remarks),
        Post(
            key=f"notice:{mail.inbox_id}",
            kind="notice",
            to=(),
            language=turn.language,
            ticket=ticket,
            inbox_id=mail.inbox_id,
            from_name=f"{mail.sender_name or mail.sender} ({turn.desk.settings.desk.name})",
            references=thread_of(mail.message.message_id, ()),
            attachments=files,
        ),
        News(ticket, mail.inbox_id, remarks),
    )


def tell_colleagues(
    turn: Turn, ticket: Ticket, readers: Sequence[Person], remarks: tuple[str, ...]
) -> None:
    """Tell an engineer of a colleague's words and acts on her ticket."""
    gathering.tell(
        turn.by(),
        readers,
        _notice(turn, ticket, new=False, remarks=remarks),
        Post(
            key=f"colleague:{turn.mail.inbox_id}:{ticket.id}",
            kind="notice",
            to=(),
            language=turn.language,
            ticket=ticket,
            inbox_id=turn.mail.inbox_id,
            from_name=f"{turn.mail.sender_name or turn.mail.sender} "
            f"({turn.desk.settings.desk.name})",
        ),
        News(ticket, turn.mail.inbox_id, remarks),
    )


def _notice(turn: Turn, ticket: Ticket, *, new: bool, remarks: tuple[str, ...]) -> Notice:
    mail = turn.mail
    customer = register.customer(turn.tx, ticket.customer_id) if ticket.customer_id else None
    version = clocks.agreement_at_opening(turn.tx, turn.desk, ticket)
    deadline = clocks.next_deadline(clocks.read(turn.tx, turn.desk, ticket, mail.received_at))
    bank = balances.bank(turn.tx, turn.desk, ticket.customer_id, turn.day)
    assignee = register.person(turn.tx, ticket.assignee_id) if ticket.assignee_id else None
    said = [] if new else tickets.said(turn.tx, ticket.id, last=_HISTORY + 1)
    earlier = [each for each in said if each.inbox_id != mail.inbox_id][-_HISTORY:]
    return Notice(
        number=ticket.number,
        subject=ticket.subject,
        customer=customer.name if customer else None,
        customer_key=customer.key if customer else None,
        plan_name=version.terms.plan_name if version else None,
        sender=writer(mail),
        level=ticket.priority,
        new=new,
        assignee=assignee.name if assignee else None,
        due_at=None if deadline is None else turn.desk.calendar.promise(deadline),
        bank_left=bank.left if bank.period else None,
        said=said_in(mail),
        history=tuple(_as_said(message) for message in reversed(earlier)),
        remarks=remarks,
    )


def writer(mail: Incoming) -> str:
    """The sender of a message, with name and address."""
    return f"{mail.sender_name} <{mail.sender}>" if mail.sender_name else mail.sender


def said_in(mail: Incoming) -> Said:
    """The text of a message for its readers: the new one, and the forwarded one (C3)."""
    name = mail.sender_name or mail.sender
    return Said(name, mail.received_at, mail.body.new.strip(), mail.body.forwarded)
