"""News of an engineer's answer for her colleagues, and the card of tags for herself (C9, D8)."""

from collections.abc import Sequence

from daemon.desk.engineers import receipts
from daemon.desk.engineers.acting import Acted
from daemon.desk.letters.to_engineers import TagCard
from daemon.desk.outgoing.mailing import Post, thread_of
from daemon.desk.tickets import news, relay
from daemon.desk.tickets.turn import Turn
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket


def of_answer(turn: Turn, person: Person, acted: Acted, text: str) -> None:
    """Tell customer and colleagues of all acts, less those told by the answer itself."""
    if acted.ticket is not None:
        news.of_acts(turn.by(person), acted.done, acted.ticket, answered=acted.answered)
    to_colleagues(turn, person, acted, text)


def to_colleagues(turn: Turn, person: Person, acted: Acted, text: str) -> None:
    """Tell the assignee of another engineer's words and acts; all engineers of an internal note."""
    ticket = acted.ticket
    done = receipts.sentences(turn, acted)
    if ticket is None or not (text or done) or acted.opened or ticket.spam:
        return
    told = {person.id, *(each.assignee.id for each in acted.done if each.assignee)}
    readers = [each for each in _colleagues(turn, ticket, acted) if each.id not in told]
    if readers:
        codes = ["answered_by"] if acted.to else ["note_internal"] if text else []
        remarks = [turn.sentence(code, name=person.name) for code in codes]
        relay.tell_colleagues(turn, ticket, readers, (*remarks, *done))


def _colleagues(turn: Turn, ticket: Ticket, acted: Acted) -> Sequence[Person]:
    if ticket.assignee_id is None and acted.why != "internal":
        return ()
    return relay.audience(turn.tx, ticket, turn.day)


def tag_card(turn: Turn, person: Person) -> None:
    """C9: send the card of tags."""
    mail = turn.mail
    turn.post(
        TagCard(),
        Post(
            key=f"card:{mail.inbox_id}",
            kind="card",
            to=((person.name, person.email),),
            language=turn.language,
            in_reply_to=mail.message.message_id,
            references=thread_of(mail.message.message_id, ()),
        ),
    )
