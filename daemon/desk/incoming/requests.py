"""Confirmation requests: held messages, and their registered address's word on them (D1)."""

import datetime as dt
from collections.abc import Sequence

from daemon.desk.context import By, Desk
from daemon.desk.letters.to_engineers import HeldMail, ProofRequest, Receipt, StillHeld
from daemon.desk.outgoing.mailing import Post, post
from daemon.desk.tickets.turn import Outcome, Turn, stored
from daemon.domain.register import Person
from daemon.store.mail import inbox
from daemon.store.mail.outbox import Sent
from daemon.store.money import register
from daemon.store.session import Tx
from daemon.store.tickets import holds
from daemon.store.tickets.holds import Hold
from parsers import assent

_ABOUT = "hold:"  # the beginning of a request's `about`: `hold:7,8`
_TOGETHER = 100  # messages in one request; more come with the next
_EXCERPT, _SHORT = 400, 120  # characters of a message; the short one where many are listed
_FEW = 5


def hold(turn: Turn, person: Person | None, reason: str) -> None:
    """Hold a message without proof; a person of the register will be asked about it."""
    mail = turn.mail
    holds.hold(
        turn.tx,
        kind="proof",
        token=turn.desk.digest("proof", str(mail.inbox_id), mail.received_at.isoformat()),
        inbox_id=mail.inbox_id,
        person_id=person.id if person else None,
        created_at=mail.received_at,
        reason=reason,
        asked_at=None,
    )


# --- asking -----------------------------------------------------------------------------------


def step(desk: Desk, now: dt.datetime) -> bool:
    """Ask each person about all of her held messages in one request; False with nobody to ask.

    The next request waits for an hour (a setting), or for her word on the one before.
    """
    with desk.store.reading() as tx:
        if not _due(tx, desk, now):
            return False
    with desk.store.acting() as tx:
        due = _due(tx, desk, now)
        for person_id, waiting in due.items():
            _request(tx, desk, register.person(tx, person_id), waiting[:_TOGETHER], now)
    return bool(due)


def _due(tx: Tx, desk: Desk, now: dt.datetime) -> dict[int, list[Hold]]:
    waiting = holds.unasked(tx)
    asked = holds.asked_since(tx, now - desk.settings.identity.ask_within) if waiting else set()
    return {each: rows for each, rows in waiting.items() if each not in asked}


def _request(tx: Tx, desk: Desk, person: Person, waiting: Sequence[Hold], now: dt.datetime) -> None:
    """Post one request.

    Its Message-ID is the one-time token: it is keyed, and goes to the registered address alone.
    """
    by = By(tx, desk, "avtald", now, "clock", now)
    numbers = [row.id for row in waiting]
    most = _EXCERPT if len(waiting) <= _FEW else _SHORT
    letter = ProofRequest(person.name, tuple(_held(by, row, most) for row in waiting))
    about = f"{_ABOUT}{','.join(map(str, numbers))}"
    token = desk.digest("request", about, now.isoformat())
    to = ((person.name, person.email),)
    post(tx, desk, letter, Post(f"proof:{numbers[0]}:{token}", "proof", to, about=about), now)
    holds.note_asked(tx, numbers, now)


def _held(by: By, row: Hold, most: int) -> HeldMail:
    """A held message for its request; nothing of one that has been erased (K2)."""
    try:
        mail = stored(by, row.inbox_id)
    except KeyError:
        return HeldMail(row.created_at, "", "", row.reason)
    excerpt = mail.body.new.strip()[:most]
    return HeldMail(mail.received_at, mail.message.subject, excerpt, row.reason)


# --- the answer -------------------------------------------------------------------------------


def take(turn: Turn, person: Person, request: Sent) -> Outcome:
    """D1: act on a reply to a request, by its first word: OK or Ja releases, Nej or No shelves.

    Any other reply leaves the messages held, and is answered once.
    """
    waiting = [row for row in _asked_in(turn.tx, request) if row.person_id == person.id]
    if not waiting:
        return Outcome("noted")
    patience = turn.desk.settings.identity.confirm_within
    late = [row for row in waiting if turn.mail.received_at >= row.created_at + patience]
    in_time = [row for row in waiting if row not in late]
    said = assent.answer(turn.mail.body.new)
    if said is None and in_time:
        return _still_held(turn, person, request, len(in_time))
    _end(turn, late, "expired")
    if late:
        _tell(turn, person, "confirmed_late")
    if not in_time:
        return Outcome("expired")
    return (_release if said == "yes" else _refuse)(turn, person, in_time)


def _asked_in(tx: Tx, request: Sent) -> list[Hold]:
    numbers = (request.about or _ABOUT).removeprefix(_ABOUT)
    return holds.open_of(tx, [int(each) for each in numbers.split(",") if each])


def _end(turn: Turn, rows: Sequence[Hold], outcome: str) -> list[Hold]:
    """Settle holds; gives those that nobody had settled before."""
    at, by = turn.mail.received_at, turn.mail.inbox_id
    return [row for row in rows if holds.settle(turn.tx, row.id, at=at, by=by, outcome=outcome)]


def _release(turn: Turn, _person: Person, rows: Sequence[Hold]) -> Outcome:
    by = turn.mail.inbox_id
    ended = _end(turn, rows, "released")
    released = [inbox.reopen(turn.tx, row.inbox_id, released_by=by) for row in ended]
    return Outcome("released" if any(released) else "noted")


def _refuse(turn: Turn, person: Person, rows: Sequence[Hold]) -> Outcome:
    for row in _end(turn, rows, "refused"):
        inbox.shelve_held(turn.tx, row.inbox_id, inbox.REFUSED)
    _tell(turn, person, "confirmed_not")
    return Outcome("refused")


def _still_held(turn: Turn, person: Person, request: Sent, count: int) -> Outcome:
    """Say once what to write: an automatic reply may come again and again.

    The mail is a request itself: OK in reply to it releases the same messages.
    """
    written = turn.mail.body.new.strip()[:_EXCERPT]
    mail = Post(
        key=f"still-{request.about}",
        kind="proof",
        to=((person.name, person.email),),
        language=turn.language,
        about=request.about,
    )
    turn.post(StillHeld(person.name, count, written), mail)
    return Outcome("noted")


def _tell(turn: Turn, person: Person, code: str) -> None:
    """Tell the registered address of held messages: they are not let through."""
    letter = Receipt(
        number=None,
        subject=turn.mail.message.subject,
        customer=None,
        booked=(),
        refused=(),
        done=(turn.sentence(code),),
        banks=(),
        relayed_to=(),
    )
    turn.post(
        letter,
        Post(
            key=f"receipt:{turn.mail.inbox_id}",
            kind="receipt",
            to=((person.name, person.email),),
            language=turn.language,
            about=f"receipt:{turn.mail.inbox_id}",
        ),
    )
