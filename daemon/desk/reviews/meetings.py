"""Review meetings: proposed after the period, moved or cancelled by a tag, answered (J4)."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from daemon.desk.context import By, Desk, Refusal
from daemon.desk.letters.rendering import render
from daemon.desk.letters.to_customers import Invitation
from daemon.desk.letters.to_office import MeetingNews
from daemon.desk.outgoing.compose import Attachment
from daemon.desk.outgoing.mailing import Post, post
from daemon.desk.ports import PdfPrinter
from daemon.desk.reviews import invitation, reports
from daemon.desk.reviews.invitation import Answer, Occasion
from daemon.desk.tickets import acts
from daemon.desk.tickets.acts import Done
from daemon.desk.tickets.turn import Outcome, Turn
from daemon.domain.meeting import LENGTH, propose
from daemon.domain.periods import Period, month_of, period_of
from daemon.domain.register import Customer, Person
from daemon.domain.ticket import Ticket
from daemon.store.mail.outbox import Sent
from daemon.store.money import register
from daemon.store.session import Tx
from daemon.store.tickets import events, meetings
from daemon.store.tickets.events import Event
from daemon.store.tickets.meetings import Meeting
from parsers.tags import read_tags

_WHEN = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[ T,]*(?:kl\.?|at)?\s*([01]?\d|2[0-3])(?:[:.]([0-5]\d))?\s*",
    re.IGNORECASE,
)
_CANCEL = frozenset(
    {"ställ in", "inställt", "ställs in", "avboka", "avbokat", "cancel", "cancelled", "call off"}
)


Guests = tuple[tuple[str, str], ...]  # (name, address)


# --- proposing --------------------------------------------------------------------------------


def step(desk: Desk, printer: PdfPrinter, now: dt.datetime) -> bool:
    """Propose the meetings that are due, some at a time; True where one was."""
    act = partial(_propose, desk, printer, now)
    return reports.each_due(desk, now, "review_meetings", meetings.known, act)


def _propose(
    desk: Desk, printer: PdfPrinter, now: dt.datetime, customer: Customer, period: Period
) -> bool:
    with desk.store.reading() as tx:
        made = reports.make(tx, desk, customer, period, now)
    pdf = reports.printed(desk, printer, made, now)
    with desk.store.writing() as tx:
        nobody = _contact(tx, customer) is None
        slot = None if nobody else propose(period, now, desk.calendar, _taken(tx, customer))
        meeting = _plan(tx, desk, customer, period, slot)
        if meeting is None:
            return False
        if slot is None:
            _tell_managers(tx, desk, meeting, "nobody" if nobody else "no_slot", now)
        else:
            who = _invite(tx, desk, meeting, "new", now, pdf=pdf)
            _tell_managers(tx, desk, meeting, "planned", now, who=who)
        _record(tx, meeting, now, "avtald", "clock")
    return True


def _taken(tx: Tx, customer: Customer) -> Sequence[tuple[dt.datetime, dt.datetime]]:
    """When those of ours who would come meet others: all managers, where nobody is named."""
    everybody = {each.id for each in register.people_with_role(tx, "manager")}
    own = customer.manager if customer.manager and customer.manager.active else None
    mine = everybody if own is None else {own.id}
    return meetings.taken(tx, mine, unmanaged=bool(mine & everybody))


def _plan(
    tx: Tx,
    desk: Desk,
    customer: Customer,
    period: Period,
    slot: tuple[dt.datetime, dt.datetime] | None,
) -> Meeting | None:
    identity = desk.digest("meeting", customer.key, str(period))
    return meetings.plan(
        tx,
        customer_id=customer.id,
        period=str(period),
        uid=f"{identity}@{desk.domain}",
        sequence=0,
        starts_at=slot[0] if slot else None,
        ends_at=slot[1] if slot else None,
        state="planned" if slot else "unplanned",
    )


def _contact(tx: Tx, customer: Customer) -> tuple[str, str] | None:
    """The customer's own: the first contact, else whoever gets the reports."""
    found = register.contacts_of(tx, customer.id)
    if found:
        return found[0].name, found[0].email
    return ("", customer.reports_to[0]) if customer.reports_to else None


def _guests(tx: Tx, desk: Desk, customer: Customer) -> Guests:
    contact = _contact(tx, customer)
    return (*((contact,) if contact else ()), *reports.managers(tx, desk, customer))


def _invite(
    tx: Tx,
    desk: Desk,
    meeting: Meeting,
    what: str,
    now: dt.datetime,
    *,
    pdf: tuple[Attachment, ...] = (),
) -> str:
    """Send the invitation, its change or its cancellation; gives who gets it."""
    customer = register.customer(tx, meeting.customer_id)
    guests = _guests(tx, desk, customer)
    if meeting.starts_at is None or meeting.ends_at is None:
        raise LookupError(f"meeting {meeting.id} has no time")
    made = reports.make(tx, desk, customer, Period.parse(meeting.period), now)
    letter = Invitation(
        desk_name=desk.settings.desk.name,
        customer=customer.name,
        manager=customer.manager.name if customer.manager else "",
        period_key=meeting.period,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        what=what,
        figures=made.figures,
        pdf=bool(pdf),
    )
    _send(tx, desk, meeting, letter, now, to=guests, language=made.language, pdf=pdf)
    if gone := _gone(tx, meeting, guests):
        left = replace(letter, what="left", pdf=False)
        _send(tx, desk, meeting, left, now, to=gone, language=made.language)
    return ", ".join(address for _, address in guests)


def _gone(tx: Tx, meeting: Meeting, guests: Guests) -> Guests:
    """Who was invited last and comes no longer: the meeting goes from their calendars."""
    before = meetings.invited(tx, _key(meeting, meeting.sequence - 1))
    now = {address for _, address in guests}
    return tuple(("", address) for address in before if address not in now)


def _key(meeting: Meeting, sequence: int) -> str:
    return f"meeting:{meeting.id}:{sequence}"


def _send(
    tx: Tx,
    desk: Desk,
    meeting: Meeting,
    letter: Invitation,
    now: dt.datetime,
    *,
    to: Guests,
    language: str,
    pdf: tuple[Attachment, ...] = (),
) -> None:
    rendered = render(letter, language, desk.zone)
    # Calendars keep the last name that they were given: a moved meeting is not "New time" for ever.
    name = render(replace(letter, what="new"), language, desk.zone).subject
    occasion = Occasion(
        uid=meeting.uid,
        sequence=meeting.sequence,
        starts_at=letter.starts_at,
        ends_at=letter.ends_at,
        summary=name,
        description=_agenda(rendered.text, desk),
        organiser=(desk.settings.desk.name, desk.settings.desk.address),
        guests=to,
        cancelled=letter.what in {"cancelled", "left"},
    )
    shown, file = invitation.parts(occasion, now, desk.zone)
    key = _key(meeting, meeting.sequence)
    post(
        tx,
        desk,
        letter,
        Post(
            key=f"{key}:left" if letter.what == "left" else key,
            kind="invitation",
            about=f"meeting:{meeting.id}",
            to=to,
            language=language,
            alternatives=(shown,),
            attachments=(file, *pdf),
        ),
        now,
    )


def _agenda(text: str, desk: Desk) -> str:
    """The mail's text without the line above which one replies: calendars have none."""
    lines = [line for line in text.split("\n") if line not in desk.markers]
    return "\n".join(lines).strip("\n")


# --- telling ----------------------------------------------------------------------------------


def _tell_managers(
    tx: Tx,
    desk: Desk,
    meeting: Meeting,
    what: str,
    now: dt.datetime,
    *,
    who: str = "",
    answer: Answer | None = None,
    also: Person | None = None,
    cause: str = "",
) -> None:
    customer = register.customer(tx, meeting.customer_id)
    to = reports.managers(tx, desk, customer)
    if also is not None and also.email not in {address for _, address in to}:
        to = (*to, (also.name, also.email))
    operators = tuple(("", address) for address in desk.settings.desk.operators)
    letter = MeetingNews(
        customer=customer.name,
        period_key=meeting.period,
        what=what,
        starts_at=meeting.starts_at,
        who=who,
        proposed=answer.proposed if answer else None,
        comment=answer.comment if answer else "",
        earlier=answer is not None and answer.sequence < meeting.sequence,
    )
    post(
        tx,
        desk,
        letter,
        Post(
            key=f"meeting-news:{meeting.id}:{what}:{meeting.sequence}:{cause}",
            kind="meeting",
            about=f"meeting:{meeting.id}",
            to=to or operators,
            language=desk.language,
        ),
        now,
    )


def _record(
    tx: Tx, meeting: Meeting, at: dt.datetime, actor: str, cause: str, **data: object
) -> None:
    """K1: how a meeting stands after a change."""
    starts = meeting.starts_at.isoformat() if meeting.starts_at else None
    kept = {"period": meeting.period, "state": meeting.state, "starts_at": starts} | data
    events.record(tx, Event("meeting", at, actor, cause, meeting.customer_id, data=kept))


# --- moving and cancelling by a tag -----------------------------------------------------------


def wish(value: str, zone: dt.tzinfo) -> dt.datetime | str | None:
    """What `[möte: …]` asks for: an instant, "cancel", or None for a mere note."""
    value = value.strip()
    if value.casefold() in _CANCEL:
        return "cancel"
    found = _WHEN.fullmatch(value)
    if found is None:
        return None
    year, month, day, hour, minute = (int(each or 0) for each in found.groups())
    try:
        local = dt.datetime(year, month, day, hour, minute, tzinfo=zone)
    except ValueError:
        return None
    return local.astimezone(dt.UTC)


def tagged(by: By, ticket: Ticket, value: str) -> Done | Refusal:
    """J4: move, cancel or set the meeting of a ticket's customer; keep other words as a note."""
    wanted = wish(value, by.desk.zone)
    if ticket.customer_id is None or wanted is None:
        return acts.note(by, ticket, "meeting", value)
    meeting = _current(by, ticket.customer_id, make=isinstance(wanted, dt.datetime))
    if meeting is None or not _carry_out(by, meeting, wanted):
        return Refusal("bad_value")
    return Done(ticket, ticket, (("meeting", {}),))


def _carry_out(by: By, meeting: Meeting, wanted: dt.datetime | str | None) -> bool:
    """Move or cancel a meeting, and tell everybody; False if the wish does not fit it."""
    if isinstance(wanted, dt.datetime) and wanted > by.at:
        changed = _moved(by.tx, meeting, wanted)
        what, news = ("new" if changed.sequence == 0 else "moved"), "moved"
    elif wanted == "cancel" and meeting.stands:
        changed = meetings.change(
            by.tx, meeting.id, state="cancelled", sequence=meeting.sequence + 1
        )
        what = news = "cancelled"
    else:
        return False
    who = _invite(by.tx, by.desk, changed, what, by.now)
    _tell_managers(by.tx, by.desk, changed, news, by.now, who=who, also=by.person, cause=by.cause)
    _record(by.tx, changed, by.at, by.actor, by.cause)
    return True


def _moved(tx: Tx, meeting: Meeting, start: dt.datetime) -> Meeting:
    """A new time; one that nobody was invited to yet keeps its first sequence number."""
    sequence = meeting.sequence + (meeting.state != "unplanned")
    return meetings.change(
        tx,
        meeting.id,
        state="planned",
        sequence=sequence,
        starts_at=start,
        ends_at=start + LENGTH,
        replies={},
    )


def _current(by: By, customer_id: int, *, make: bool) -> Meeting | None:
    """The customer's meeting that is not behind us; else, to set a time, a new one."""
    found = meetings.of_customer(by.tx, customer_id)
    ahead = [m for m in found if m.ends_at is None or m.ends_at > by.at]
    if ahead or not make:
        return ahead[-1] if ahead else None
    customer = register.customer(by.tx, customer_id)
    for period in (period_of("quarter", by.day), month_of(by.day)):
        planned = _plan(by.tx, by.desk, customer, period, None)
        if planned is not None:
            return planned
    return None


# --- answers ----------------------------------------------------------------------------------


def answered(turn: Turn, person: Person, sent: Sent) -> Outcome | None:
    """A reply of our own people to a mail about a meeting: a tag in it moves or cancels it."""
    kind, _, number = (sent.about or "").partition(":")
    if kind != "meeting":
        return None
    meeting = meetings.by_id(turn.tx, int(number))
    tags = [each for each in read_tags(turn.mail.body.new) if each.name == "meeting"]
    wanted = wish(tags[-1].value, turn.desk.zone) if tags else None
    if not _carry_out(turn.by(person), meeting, wanted):
        _tell_managers(
            turn.tx,
            turn.desk,
            meeting,
            "not_understood",
            turn.now,
            also=person,
            cause=turn.mail.cause,
        )
    return Outcome("meeting")


def reply(turn: Turn) -> Outcome | None:
    """A calendar's answer to one of our invitations: kept, and told to the account manager.

    Whoever knows an invitation's UID was invited, or got it from somebody who was. The answer
    changes no time: a person decides that.
    """
    for part in turn.mail.message.attachments:
        if not invitation.is_calendar(part.content_type):
            continue
        answer = invitation.read_answer(part.content, turn.desk.zone)
        meeting = meetings.by_uid(turn.tx, answer.uid) if answer is not None else None
        if answer is not None and meeting is not None:
            _note_answer(turn, meeting, answer)
            return Outcome("meeting-reply")
    return None


def _note_answer(turn: Turn, meeting: Meeting, answer: Answer) -> None:
    sender = turn.mail.sender
    who = sender if answer.attendee in {"", sender} else f"{answer.attendee} ({sender})"
    said = {
        "what": answer.what,
        "at": turn.mail.received_at.isoformat(),
        "sequence": answer.sequence,
        "proposed": answer.proposed.isoformat() if answer.proposed else None,
    }
    kept = dict(meeting.replies) | {sender: said}
    meetings.change(turn.tx, meeting.id, replies=kept)
    _tell_managers(
        turn.tx,
        turn.desk,
        meeting,
        answer.what,
        turn.now,
        who=who,
        answer=answer,
        cause=turn.mail.cause,
    )
    _record(turn.tx, meeting, turn.mail.received_at, sender or "?", turn.mail.cause, answer=said)
