"""An engineer opens a ticket for a customer: a phone call, a forwarded mail (D6)."""

from dataclasses import replace

from daemon.desk.context import By, Refusal
from daemon.desk.engineers.acting import Acted, Carried, left_behind, noted
from daemon.desk.engineers.deciding import mailbox
from daemon.desk.engineers.reading import Written
from daemon.desk.letters.records import Said
from daemon.desk.tickets import acts, relay
from daemon.desk.tickets.confirm import confirm
from daemon.desk.tickets.turn import Turn
from daemon.domain.priority import DEFAULT
from daemon.domain.register import Customer, Person
from daemon.store.money import register
from parsers.priority import read_priority
from parsers.subject import base_subject
from parsers.tags import Tag, cut_tags, read_tags

# The ticket is open and the customer hears of it, even where the engineer's words stay behind.
_WITHOUT_WORDS = frozenset({"no_text", "direct", "encrypted", "cutting_failed"})


def open_for_customer(turn: Turn, written: Written) -> Acted:
    """D6: open a ticket for the customer in `[för: …]`, or ask for one."""
    wanted = next((tag for _, tag in written.right_tags("for")), None)
    requester = mailbox(wanted.value) if wanted else None
    customer, name = _customer(turn.by(), written, requester[1]) if requester else (None, "")
    if requester is None or customer is None or relay.is_own(turn.by(), requester[1]):
        return _ask_for_customer(written, wanted)
    subject = base_subject(turn.mail.message.subject)[:400]
    ticket = acts.open_ticket(
        turn.by(),
        customer,
        subject=cut_tags(subject, read_tags(subject)).strip(),  # C13
        level=_level(turn, written),
        requester=(requester[0] or name, requester[1]),
        language=turn.language,
    )
    opened = noted(ticket, "opened", number=ticket.number, customer=customer.name)
    return Acted(ticket, (opened,), opened=True)


def _customer(by: By, written: Written, address: str) -> tuple[Customer | None, str]:
    """The customer and name of an address; `[kund: …]` names the customer of an unknown one."""
    owner = register.customer_of_address(by.tx, address)
    if owner is not None:
        return owner[0], owner[1].name if owner[1] else ""
    named = next((tag for _, tag in written.right_tags("customer")), None)
    return (register.customer_by_key(by.tx, named.value.casefold()) if named else None), ""


def _level(turn: Turn, written: Written) -> int:
    tagged = next((tag.level for _, tag in written.right_tags("priority") if tag.level), None)
    mail, words = written.mail, turn.desk.settings.priority.words
    return tagged or read_priority(mail.message.subject, mail.body.new, words).level or DEFAULT


def _ask_for_customer(written: Written, wanted: Tag | None) -> Acted:
    tags = [tag for _, tag in written.tags if tag.kind == "tag" and tag.name != "help"]
    whys = ("unknown_customer" if tag is wanted else "no_ticket" for tag in tags)
    refused = tuple(Carried(Refusal(why), tag) for why, tag in zip(whys, tags, strict=True))
    return Acted(None, refused, why="no_ticket", asks_for_customer=True)


def confirm_opened(turn: Turn, person: Person, acted: Acted, text: str) -> Acted:
    """J1: send the customer's confirmation, with the engineer's text unless it stays behind.

    Forwarded mail is kept on the ticket (C3), and does not go back to the customer: it may hold
    anything.
    """
    ticket, why = acted.ticket, acted.why
    if ticket is None or (why is not None and why not in _WITHOUT_WORDS):
        return acted
    shown = text if why is None else ticket.subject
    own = relay.own_files(turn.mail) if why is None else ()
    files, left_out = relay.carried(turn.desk, own)
    said = Said(person.name, turn.mail.received_at, shown)
    confirm(turn, ticket, None, engineer=said, files=files)
    to = (ticket.requester,) if why is None else ()
    return replace(acted, to=to, carried=(*acted.carried, *left_behind(ticket, left_out)))
