"""An engineer opens a ticket for a customer: a phone call, a forwarded mail (D6)."""

from dataclasses import replace

from daemon.desk.engineers import actions
from daemon.desk.engineers.work import Work
from daemon.desk.letters.records import Said
from daemon.desk.tickets import changes, relay
from daemon.desk.tickets.confirm import confirm
from daemon.domain.priority import DEFAULT
from daemon.domain.register import Customer
from daemon.store.money import register
from daemon.store.tickets import tickets
from parsers.priority import read_priority
from parsers.tags import Tag

# The ticket is open and the customer hears of it, even where the engineer's words stay behind.
_WITHOUT_WORDS = frozenset({"no_text", "direct", "encrypted", "cutting_failed"})


def open_for_customer(work: Work) -> None:
    """D6: a mail that is no reply becomes a ticket, if the engineer says for whom."""
    wanted = next((tag for _, tag in work.right_tags("for")), None)
    requester = actions.mailbox(wanted.value) if wanted else None
    customer, name = _customer(work, requester) if requester else (None, "")
    if requester is None or customer is None or relay.is_own(work.turn, requester[1]):
        _ask_for_customer(work, wanted)
        return
    work.found = changes.open_for(
        work.turn,
        customer,
        level=_level(work),
        spam=False,
        requester=(requester[0] or name, requester[1]),
    )
    work.opened = True
    work.did("opened", number=work.ticket.number, customer=customer.name)


def _customer(work: Work, requester: tuple[str, str]) -> tuple[Customer | None, str]:
    """Whose address it is; one that nobody knows is whose `[kund: …]` says."""
    found = register.customer_of_address(work.tx, requester[1])
    if found is not None:
        return found[0], found[1].name if found[1] else ""
    named = next((tag for _, tag in work.right_tags("customer")), None)
    return (register.customer_by_key(work.tx, named.value.casefold()) if named else None), ""


def _level(work: Work) -> int:
    tagged = next((tag.level for _, tag in work.right_tags("priority") if tag.level), None)
    mail, words = work.turn.mail, work.turn.desk.settings.priority.words
    return tagged or read_priority(mail.message.subject, mail.body.new, words).level or DEFAULT


def _ask_for_customer(work: Work, wanted: Tag | None) -> None:
    work.asks_for_customer = True
    work.not_relayed = "no_ticket"
    for _, tag in work.tags:
        if tag is wanted:
            work.refuse(tag, "unknown_customer")
        elif tag.kind == "tag" and tag.name != "help":
            work.refuse(tag, "no_ticket")


def confirm_opened(work: Work, text: str) -> None:
    """J1: the customer's confirmation, with the engineer's text unless that stays behind.

    What she forwarded is kept on the ticket (C3), and does not go back to the customer: it may
    hold anything.
    """
    if work.not_relayed is not None and work.not_relayed not in _WITHOUT_WORDS:
        return
    mail = work.turn.mail
    shown = text if work.not_relayed is None else work.ticket.subject
    own = relay.own_files(mail) if work.not_relayed is None else ()
    files, left_out = relay.carried(work.turn, own)
    if left_out:
        work.did("left_out", names=", ".join(left_out))
    confirm(
        work.turn,
        work.ticket,
        None,
        engineer=Said(work.person.name, mail.received_at, shown),
        files=files,
    )
    if work.not_relayed is None:
        work.relayed_to = (work.ticket.requester,)


# --- a reply that names the customer ----------------------------------------------------------


def resumed(work: Work) -> Work | None:
    """The message that lacked its customer, to be acted on now that a reply names it; else None.

    Only its own writer names it, for the time in it is hers.
    """
    answered = work.answered
    if answered is None or answered.kind != "receipt" or not work.has("for"):
        return None
    if answered.ticket_id is not None or answered.inbox_id is None:
        return None
    mail = work.turn.stored(answered.inbox_id)
    writer = register.person_by_address(work.tx, mail.sender)
    if writer is None or writer.id != work.person.id:
        return None
    found = Work(replace(work.turn, mail=mail), work.person, None)
    found.receipt_for = work.turn.mail
    known = tickets.of_inbox(work.tx, answered.inbox_id)
    if known is not None:  # named before: the reply is about the ticket that came of it
        work.found = tickets.living(work.tx, known)
        return None
    return found


def add_reply(found: Work, reply: Work) -> None:
    """The tags of the reply count after those of the message; its `[för: …]` instead of theirs."""
    earlier = [(n, tag) for n, tag in found.tags if tag.name != "for" or tag.kind != "tag"]
    start = len(found.tags) + 1
    found.tags = [*earlier, *enumerate((tag for _, tag in reply.tags), start=start)]
    found.refused += reply.refused
