"""Review meetings: proposed after the period, moved or cancelled by a tag, answered (J4)."""

import datetime as dt
import re
from functools import partial

from daemon.desk.context import By, Desk, Refusal
from daemon.desk.ports import PdfPrinter
from daemon.desk.reviews import invitation
from daemon.desk.reviews.due_periods import act_on_due
from daemon.desk.reviews.invitation import Answer
from daemon.desk.reviews.meeting_mail import contact_of, invite, tell_managers
from daemon.desk.reviews.report_making import make_report
from daemon.desk.reviews.report_sending import print_report
from daemon.desk.tickets import acts
from daemon.desk.tickets.acts import Done
from daemon.desk.tickets.turn import Outcome, Turn
from daemon.domain.meeting import LENGTH, Slot, propose_slot
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


# --- proposing --------------------------------------------------------------------------------


def propose_due_meetings(desk: Desk, printer: PdfPrinter, now: dt.datetime) -> bool:
    """Propose the meetings due, some at a time; True where there were any."""
    act = partial(_propose, desk, printer, now)
    return act_on_due(desk, now, "review_meetings", meetings.known, act)


def _propose(
    desk: Desk, printer: PdfPrinter, now: dt.datetime, customer: Customer, period: Period
) -> bool:
    with desk.store.reading() as tx:
        made = make_report(tx, desk, customer, period, now)
    pdf = print_report(desk, printer, made, now)
    with desk.store.writing() as tx:
        by = By(tx, desk, "avtald", now, "clock", now)
        nobody = not contact_of(tx, customer)
        slot = None if nobody else propose_slot(period, now, desk.calendar, _taken(tx, customer))
        meeting = _plan(by, customer, period, slot)
        if meeting is None:
            return False
        if slot is None:
            tell_managers(by, meeting, "nobody" if nobody else "no_slot")
        else:
            tell_managers(by, meeting, "planned", who=invite(by, meeting, "new", pdf))
        _record(by, meeting)
    return True


def _taken(tx: Tx, customer: Customer) -> list[Slot]:
    """The meetings of our people who would come: of all managers, where nobody is named."""
    everybody = {each.id for each in register.people_with_role(tx, "manager")}
    mine = {each.id for each in customer.managers} or everybody
    return list(meetings.taken(tx, mine, unmanaged=bool(mine & everybody)))


def _plan(by: By, customer: Customer, period: Period, slot: Slot | None) -> Meeting | None:
    """Make a period's meeting, with or without a time; None where there is one."""
    identity = by.desk.digest("meeting", customer.key, str(period))
    return meetings.plan(
        by.tx,
        customer_id=customer.id,
        period=str(period),
        uid=f"{identity}@{by.desk.domain}",
        sequence=0,
        starts_at=slot[0] if slot else None,
        ends_at=slot[1] if slot else None,
        state="planned" if slot else "unplanned",
    )


def _record(by: By, meeting: Meeting, **data: object) -> None:
    """K1: the state of a meeting after a change."""
    starts = meeting.starts_at.isoformat() if meeting.starts_at else None
    kept = {"period": meeting.period, "state": meeting.state, "starts_at": starts} | data
    event = Event("meeting", by.at, by.actor, by.cause, meeting.customer_id, data=kept)
    events.record(by.tx, event)


# --- moving and cancelling by a tag -----------------------------------------------------------


def read_wish(value: str, zone: dt.tzinfo) -> dt.datetime | str | None:
    """The wish in `[möte: …]`: an instant, "cancel", or None for a mere note."""
    value = value.strip()
    if value.casefold() in _CANCEL:
        return "cancel"
    written = _WHEN.fullmatch(value)
    if written is None:
        return None
    year, month, day, hour, minute = (int(each or 0) for each in written.groups())
    try:
        local = dt.datetime(year, month, day, hour, minute, tzinfo=zone)
    except ValueError:
        return None
    return local.astimezone(dt.UTC)


def change_by_tag(by: By, ticket: Ticket, value: str) -> Done | Refusal:
    """J4: move, cancel or set the meeting of a ticket's customer; keep other words as a note."""
    wanted = read_wish(value, by.desk.zone)
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
        after = meeting.sequence + 1
        changed = meetings.change(by.tx, meeting.id, state="cancelled", sequence=after)
        what = news = "cancelled"
    else:
        return False
    tell_managers(by, changed, news, who=invite(by, changed, what))
    _record(by, changed)
    return True


def _moved(tx: Tx, meeting: Meeting, start: dt.datetime) -> Meeting:
    """Set a new time; a meeting without invitations yet keeps its first sequence number."""
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
    """The customer's coming meeting; without one, to set a time, a new one."""
    known = meetings.of_customer(by.tx, customer_id)
    ahead = [each for each in known if each.ends_at is None or each.ends_at > by.at]
    if ahead or not make:
        return ahead[-1] if ahead else None
    customer = register.customer(by.tx, customer_id)
    for period in (period_of("quarter", by.day), month_of(by.day)):
        planned = _plan(by, customer, period, None)
        if planned is not None:
            return planned
    return None


# --- answers ----------------------------------------------------------------------------------


def take_our_reply(turn: Turn, person: Person, sent: Sent) -> Outcome | None:
    """Take a reply of our own people to a mail about a meeting: its tag moves or cancels it."""
    kind, _, number = (sent.about or "").partition(":")
    if kind != "meeting":
        return None
    by, meeting = turn.by(person), meetings.by_id(turn.tx, int(number))
    tags = [each for each in read_tags(turn.mail.body.new) if each.name == "meeting"]
    wanted = read_wish(tags[-1].value, turn.desk.zone) if tags else None
    if not _carry_out(by, meeting, wanted):
        tell_managers(by, meeting, "not_understood")
    return Outcome("meeting")


def take_calendar_answer(turn: Turn) -> Outcome | None:
    """Keep a calendar's answer to one of our invitations, and tell the account manager.

    Anybody with an invitation's UID was invited, or got it from a guest. The answer changes no
    time: a person decides about it.
    """
    for part in turn.mail.message.attachments:
        if not invitation.is_calendar(part.content_type):
            continue
        answer = invitation.read_answer(part.content, turn.desk.zone)
        meeting = meetings.by_uid(turn.tx, answer.uid) if answer is not None else None
        if answer is not None and meeting is not None:
            _note_answer(turn.by(), turn.mail.sender, meeting, answer)
            return Outcome("meeting-reply")
    return None


def _note_answer(by: By, sender: str, meeting: Meeting, answer: Answer) -> None:
    who = sender if answer.attendee in {"", sender} else f"{answer.attendee} ({sender})"
    said = {
        "what": answer.what,
        "at": by.at.isoformat(),
        "sequence": answer.sequence,
        "proposed": answer.proposed.isoformat() if answer.proposed else None,
    }
    meetings.change(by.tx, meeting.id, replies=dict(meeting.replies) | {sender: said})
    tell_managers(by, meeting, answer.what, who=who, answer=answer)
    _record(by, meeting, answer=said)
