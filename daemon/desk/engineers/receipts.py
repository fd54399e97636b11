"""The receipt: the result of every tag of a message (C14)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

from daemon.desk.context import Refusal
from daemon.desk.engineers.acting import Acted, Carried
from daemon.desk.engineers.deciding import STOPS, Result
from daemon.desk.engineers.reading import Written
from daemon.desk.hours import balances, worklog
from daemon.desk.hours.worklog import Undone
from daemon.desk.letters.to_engineers import BankChange, Booked, Receipt, Refused
from daemon.desk.outgoing.mailing import Post, thread_of
from daemon.desk.tickets.acts import Done, Said
from daemon.desk.tickets.turn import Incoming, Turn
from daemon.domain import wording
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


def send(
    turn: Turn, person: Person, written: Written, acted: Acted, parts: Sequence[Acted] = ()
) -> None:
    """Send one receipt for a message with tags, or for one stopped against its writer's wish.

    `parts` are its effects on several tickets (`by_line`).
    """
    done = sentences(turn, acted)
    for part in parts:
        number = part.ticket.number if part.ticket else 0
        done += [f"#{number}: {sentence}" for sentence in sentences(turn, part)]
    if written.tags or written.refused or written.quoted or done or acted.why in _UNWISHED:
        letter = _receipt(turn, written, (acted, *parts), done)
        answers = written.receipt_for or written.mail
        post = _post(turn, person, acted, answers, written.mail.inbox_id)
        turn.post(letter, post)


def send_for_ok(turn: Turn, person: Person, acted: Acted, about: int) -> None:
    """C11: tell the results of an OK. A reply to this receipt is about the released message."""
    letter = _receipt(turn, Written(turn.mail, ""), (acted,), sentences(turn, acted))
    post = _post(turn, person, acted, turn.mail, about)
    turn.post(letter, replace(post, key=f"{post.key}:ok"))


def of_automatic(turn: Turn, person: Person) -> None:
    """J2: tell an engineer once a day of the dead tags in her automatic mail."""
    mail = turn.mail
    refused = tuple(Refused(tag.raw, "automatic") for tag in read_tags(mail.body.new))
    letter = _receipt(turn, Written(mail, "", refused=refused), (Acted(),), ())
    turn.post(
        letter,
        Post(
            key=f"receipt:automatic:{person.id}:{turn.day}",
            kind="receipt",
            to=((person.name, person.email),),
            language=turn.language,
        ),
    )


def _post(turn: Turn, person: Person, acted: Acted, answers: Incoming, about: int) -> Post:
    return Post(
        key=f"receipt:{answers.inbox_id}",
        kind="receipt",
        to=((person.name, person.email),),
        language=turn.language,
        ticket=acted.ticket,
        inbox_id=about,
        about=f"receipt:{about}",
        in_reply_to=answers.message.message_id,
        references=thread_of(answers.message.message_id, ()),
    )


def _receipt(turn: Turn, written: Written, parts: Sequence[Acted], done: Sequence[str]) -> Receipt:
    acted, ticket = parts[0], parts[0].ticket
    booked = tuple(booked for part in parts for booked in part.booked)
    carried = [each for part in parts for each in part.carried]
    return Receipt(
        number=ticket.number if ticket else None,
        subject=ticket.subject if ticket else base_subject(written.mail.message.subject),
        customer=worklog.customer_name(turn.tx, ticket) if ticket else None,
        booked=booked,
        refused=(*written.refused, *_refused(carried)),
        done=tuple(done),
        banks=_bank_changes(turn, booked, carried),
        relayed_to=acted.to,
        not_relayed=acted.why,
        quoted_tags=written.quoted,
        confirm=acted.why in STOPS or any(each.held for each in booked),
        asks_for_customer=acted.asks_for_customer,
    )


def _refused(carried: Iterable[Carried]) -> list[Refused]:
    return [
        Refused(one.tag.raw, one.result.why)
        for one in carried
        if one.tag is not None and isinstance(one.result, Refusal)
    ]


def sentences(turn: Turn, acted: Acted) -> list[str]:
    """The acts, less those refused, as sentences for the desk's own people."""
    return [
        turn.sentence(code, **_facts(one), **facts)
        for one in acted.carried
        for code, facts in _said(one.result)
        if not (acted.opened and code == "unchanged" and _names_customer(one))
    ]


def _said(result: Result) -> Sequence[Said]:
    """The codes of a result, with their facts."""
    if isinstance(result, Done):
        return result.said
    said: list[Said] = []
    if isinstance(result, Undone):
        said += [("undone_held", {})] if result.held else []
        said += [("undone", {"time": wording.hours(result.minutes)})] if result.minutes else []
    return said


def _names_customer(carried: Carried) -> bool:
    """Tell if the tag is `[kund: …]`: an opened ticket has its customer already (D6)."""
    return carried.tag is not None and carried.tag.name == "customer"


def _facts(carried: Carried) -> dict[str, object]:
    return {"tag": carried.tag.raw.strip("[]")} if carried.tag else {}


def _bank_changes(
    turn: Turn, booked: Iterable[Booked], carried: Iterable[Carried]
) -> tuple[BankChange, ...]:
    """C14: each bank of the booked or undone time, before and after."""
    drawn = [balances.drawn(turn.tx, each) for each in booked if not each.held]
    undone = [each.result.drawn for each in carried if isinstance(each.result, Undone)]
    changes: dict[tuple[int, str], tuple[int, int]] = {}
    for customer_id, day, minutes in (*drawn, *chain.from_iterable(undone)):
        bank = balances.bank(turn.tx, turn.desk, customer_id, day)
        if customer_id is not None and bank.period is not None:
            key = (customer_id, str(bank.period))
            before, _ = changes.get(key, (bank.left, bank.left))
            changes[key] = (before + minutes, bank.left)
    return tuple(
        BankChange(register.customer(turn.tx, customer_id).name, period, before, after)
        for (customer_id, period), (before, after) in changes.items()
    )
