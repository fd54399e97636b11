"""The receipt: what became of every tag of a message (C14)."""

from daemon.desk.engineers.work import STOPS, Work
from daemon.desk.hours import balances, worklog
from daemon.desk.letters.records import BankChange, Receipt, Refused
from daemon.desk.outgoing.mailing import Post, thread_of
from daemon.desk.tickets.turn import Incoming, Turn
from daemon.domain.register import Person
from daemon.store.money import register
from parsers.subject import base_subject
from parsers.tags import read_tags

# An answer that stayed behind without the engineer's wish is told of, also where it has no tags.
_UNWISHED = STOPS | {
    "encrypted",
    "cutting_failed",
    "no_recipient",
    "not_conversation",
    "not_engineer",
    "other_customer",
    "no_text",
    "no_ticket",
}


def send(work: Work) -> None:
    """Send one receipt for a message with tags, or for one that did not get where it was meant."""
    told = work.tags or work.refused or work.quoted or work.done
    if not (told or work.asks_for_customer or work.not_relayed in _UNWISHED):
        return
    mail = work.receipt_for or work.turn.mail
    _post(work, f"receipt:{mail.inbox_id}", mail, work.turn.mail.inbox_id)


def send_for_ok(work: Work, about: int) -> None:
    """C11: what an OK brought about. A reply to it means the message that had waited."""
    _post(work, f"receipt:{work.turn.mail.inbox_id}:ok", work.turn.mail, about)


def of_automatic(turn: Turn, person: Person) -> None:
    """J2: tags in what a machine sent count nothing; its owner is told, once a day and no more."""
    mail = turn.mail
    tags = read_tags(mail.body.new)
    turn.post(
        Receipt(
            number=None,
            subject=base_subject(mail.message.subject),
            customer=None,
            booked=(),
            refused=tuple(Refused(tag.raw, "automatic") for tag in tags),
            done=(),
            banks=(),
            relayed_to=(),
        ),
        Post(
            key=f"receipt:automatic:{person.id}:{turn.day}",
            kind="receipt",
            to=((person.name, person.email),),
            language=turn.language,
        ),
    )


def _post(work: Work, key: str, mail: Incoming, about: int) -> None:
    work.turn.post(
        _receipt(work),
        Post(
            key=key,
            kind="receipt",
            to=((work.person.name, work.person.email),),
            language=work.turn.language,
            ticket=work.found,
            inbox_id=about,
            about=f"receipt:{about}",
            in_reply_to=mail.message.message_id,
            references=thread_of(mail.message.message_id, ()),
        ),
    )


def _receipt(work: Work) -> Receipt:
    ticket = work.found
    return Receipt(
        number=ticket.number if ticket else None,
        subject=ticket.subject if ticket else base_subject(work.turn.mail.message.subject),
        customer=worklog.customer_name(work.tx, ticket) if ticket else None,
        booked=tuple(work.booked),
        refused=tuple(work.refused),
        done=tuple(work.done),
        banks=_bank_changes(work),
        relayed_to=work.relayed_to,
        not_relayed=work.not_relayed,
        quoted_tags=work.quoted,
        confirm=work.confirm,
        asks_for_customer=work.asks_for_customer,
    )


def _bank_changes(work: Work) -> tuple[BankChange, ...]:
    """C14: each bank before and after, of the periods that what was booked or undone drew on."""
    drawn = [balances.drawn(work.tx, each) for each in work.booked if not each.held]
    found: dict[tuple[int, str], tuple[int, int]] = {}
    for customer_id, day, minutes in (*drawn, *work.given_back):
        bank = balances.bank(work.tx, work.turn.desk, customer_id, day)
        if customer_id is not None and bank.period is not None:
            key = (customer_id, str(bank.period))
            before, _ = found.get(key, (bank.left, bank.left))
            found[key] = (before + minutes, bank.left)
    return tuple(
        BankChange(register.customer(work.tx, customer_id).name, period, before, after)
        for (customer_id, period), (before, after) in found.items()
    )
