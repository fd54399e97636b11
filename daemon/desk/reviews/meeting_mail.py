"""Mails about a review meeting: invitations to its guests, news to the account manager (J4)."""

from dataclasses import replace

from daemon.desk.context import By, Desk
from daemon.desk.letters.rendering import render
from daemon.desk.letters.to_customers import Invitation
from daemon.desk.letters.to_office import MeetingNews
from daemon.desk.outgoing.compose import Attachment
from daemon.desk.outgoing.mailing import People, Post, people, post
from daemon.desk.reviews import invitation
from daemon.desk.reviews.invitation import Answer, Occasion
from daemon.desk.reviews.manager_pack import managers
from daemon.desk.reviews.report_making import make_report
from daemon.domain.periods import Period
from daemon.domain.register import Customer
from daemon.store.money import register
from daemon.store.session import Tx
from daemon.store.tickets import meetings
from daemon.store.tickets.meetings import Meeting


def contact_of(tx: Tx, customer: Customer) -> People:
    """The customer's guest: the first contact, else the first reader of the reports; or nobody."""
    contacts = people(register.contacts_of(tx, customer.id)[:1])
    return contacts or tuple(("", address) for address in customer.reports_to[:1])


def invite(by: By, meeting: Meeting, what: str, pdf: tuple[Attachment, ...] = ()) -> str:
    """Send an invitation, its change or its cancellation; gives the guests' addresses."""
    customer = register.customer(by.tx, meeting.customer_id)
    guests = (*contact_of(by.tx, customer), *managers(by.tx, customer))
    if meeting.starts_at is None or meeting.ends_at is None:
        raise LookupError(f"meeting {meeting.id} has no time")
    made = make_report(by.tx, by.desk, customer, Period.parse(meeting.period), by.now)
    letter = Invitation(
        desk_name=by.desk.settings.desk.name,
        customer=customer.name,
        manager=customer.manager.name if customer.manager else "",
        period_key=meeting.period,
        starts_at=meeting.starts_at,
        ends_at=meeting.ends_at,
        what=what,
        figures=made.figures,
        pdf=bool(pdf),
    )
    key = _key(meeting, meeting.sequence)
    _send(by, meeting, letter, Post(key, "invitation", guests, made.language, attachments=pdf))
    if gone := _gone(by.tx, meeting, guests):
        left = replace(letter, what="left", pdf=False)
        _send(by, meeting, left, Post(f"{key}:left", "invitation", gone, made.language))
    return ", ".join(address for _, address in guests)


def _gone(tx: Tx, meeting: Meeting, guests: People) -> People:
    """The guests of the last invitation only: the meeting goes from their calendars."""
    before = meetings.invited(tx, _key(meeting, meeting.sequence - 1))
    now = {address for _, address in guests}
    return tuple(("", address) for address in before if address not in now)


def _key(meeting: Meeting, sequence: int) -> str:
    return f"meeting:{meeting.id}:{sequence}"


def _send(by: By, meeting: Meeting, letter: Invitation, mail: Post) -> None:
    desk = by.desk
    rendered = render(letter, mail.language, desk.zone)
    # Calendars keep the last name that they were given: a moved meeting is not "New time" for ever.
    name = render(replace(letter, what="new"), mail.language, desk.zone).subject
    occasion = Occasion(
        uid=meeting.uid,
        sequence=meeting.sequence,
        starts_at=letter.starts_at,
        ends_at=letter.ends_at,
        summary=name,
        description=_agenda(rendered.text, desk),
        organiser=(desk.settings.desk.name, desk.settings.desk.address),
        guests=mail.to,
        cancelled=letter.what in {"cancelled", "left"},
    )
    shown, file = invitation.parts(occasion, by.now, desk.zone)
    files = (file, *mail.attachments)
    mail = replace(mail, alternatives=(shown,), attachments=files, about=f"meeting:{meeting.id}")
    post(by.tx, desk, letter, mail, by.now)


def _agenda(text: str, desk: Desk) -> str:
    """The mail's text without our reply line: calendars have none."""
    lines = [line for line in text.split("\n") if line not in desk.markers]
    return "\n".join(lines).strip("\n")


def tell_managers(
    by: By, meeting: Meeting, what: str, *, who: str = "", answer: Answer | None = None
) -> None:
    """Mail news of a meeting to the managers, and to the person behind the change."""
    customer = register.customer(by.tx, meeting.customer_id)
    to = managers(by.tx, customer)
    if by.person is not None and by.person.email not in {address for _, address in to}:
        to = (*to, *people([by.person]))
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
    key = f"meeting-news:{meeting.id}:{what}:{meeting.sequence}:{by.cause}"
    to = to or tuple(("", address) for address in by.desk.settings.desk.operators)
    mail = Post(key, "meeting", to, about=f"meeting:{meeting.id}")
    post(by.tx, by.desk, letter, mail, by.now)
