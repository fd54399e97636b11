"""What reports read and note, and how meetings are kept, on both engines (J3, J4)."""

import datetime as dt

import pytest

from daemon.domain.register import Customer, Person
from daemon.domain.ticket import Status
from daemon.store.money import register
from daemon.store.tickets import events, meetings, reports, tickets

T0 = dt.datetime(2026, 11, 2, 8, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def tx(any_store):
    """A transaction of which nothing is kept."""
    with any_store.writing() as tx:
        yield tx
        tx.rollback()


def a_customer(tx, key="acme", **more):
    return register.keep_customer(tx, Customer(0, key, key.title(), **more))


def a_ticket(tx, customer_id, opened=T0, subject="Något", **more):
    ticket = tickets.open_ticket(
        tx,
        subject=subject,
        customer_id=customer_id,
        requester="bo@acme.se",
        language="sv",
        priority=3,
        status=Status.OPEN,
        opened_at=opened,
    )
    return tickets.change(tx, ticket.id, **more) if more else ticket


def a_meeting(tx, customer_id, period="2026-Q4", start=T0, state="planned"):
    return meetings.plan(
        tx,
        customer_id=customer_id,
        period=period,
        uid=f"{customer_id}-{period}",
        sequence=0,
        starts_at=start,
        ends_at=start + DAY / 24,
        state=state,
    )


def test_a_report_is_claimed_once_by_customer_and_period_j3(tx):
    acme, beta = a_customer(tx), a_customer(tx, "beta")
    claims = [(acme, "2026-11"), (acme, "2026-11"), (beta, "2026-11"), (acme, "2026-12")]
    assert [reports.claim(tx, *each, T0) for each in claims] == [True, False, True, True]
    assert reports.sent(tx) == set(claims)


def test_tickets_that_lived_since_an_instant_without_spam_and_merged_ones(tx):
    acme, beta = a_customer(tx), a_customer(tx, "beta")
    kept = [
        a_ticket(tx, acme, T0 + DAY),
        a_ticket(tx, acme, T0 - DAY),
        a_ticket(tx, acme, T0 - DAY, closed_at=T0, status="closed"),
    ]
    a_ticket(tx, acme, T0 - 2 * DAY, closed_at=T0 - DAY, status="closed")
    a_ticket(tx, acme, T0 + DAY, spam=True)
    a_ticket(tx, acme, T0 + DAY, status="merged")
    a_ticket(tx, beta, T0 + DAY)
    found = reports.tickets_since(tx, acme, T0)
    assert [row.number for row in found] == [ticket.number for ticket in kept]


def test_a_merged_ticket_has_the_title_of_where_it_went_d7(tx):
    acme = a_customer(tx)
    last, middle, first = (a_ticket(tx, acme, subject=text) for text in ("Sist", "Mitt", "Först"))
    tickets.merge(tx, first.id, middle.id)
    tickets.merge(tx, middle.id, last.id)
    titles = reports.titles(tx, {first.id, last.id})
    assert titles == {each.id: (last.number, "Sist") for each in (first, last)}


def test_what_was_said_and_noted_by_ticket_in_order(tx):
    acme, beta = a_customer(tx), a_customer(tx, "beta")
    mine, other = a_ticket(tx, acme), a_ticket(tx, beta)
    for ticket, at in ((mine, T0 + DAY), (mine, T0), (other, T0)):
        tickets.say(tx, ticket.id, at=at, author="customer", address="x", text="x")
        for kind in ("reason", "promise"):
            data = {"text": f"{kind} {at:%d}"}
            events.record(tx, events.Event(kind, at, "anna", ticket_id=ticket.id, data=data))
    assert reports.said_times(tx, acme, T0) == {mine.id: [T0, T0 + DAY]}
    found = reports.noted(tx, acme, "reason", T0)
    assert [row.data["text"] for row in found] == ["reason 03", "reason 02"]


def test_a_desk_without_events_has_not_begun(tx):
    assert reports.first_event(tx) is None
    events.record(tx, events.Event("x", T0))
    assert reports.first_event(tx) == T0


# --- meetings ---------------------------------------------------------------------------------


def test_a_period_has_one_meeting_j4(tx):
    acme = a_customer(tx)
    first = a_meeting(tx, acme)
    assert first.stands
    assert a_meeting(tx, acme) is None
    assert meetings.known(tx) == {(acme, "2026-Q4")}
    assert meetings.by_uid(tx, first.uid) == meetings.by_id(tx, first.id) == first
    assert meetings.by_uid(tx, "other") is None


def test_a_meeting_changes_and_keeps_what_is_not_named_j4(tx):
    meeting = a_meeting(tx, a_customer(tx))
    changed = meetings.change(tx, meeting.id, sequence=1, replies={"bo@acme.se": {"what": "x"}})
    assert (changed.uid, changed.starts_at, changed.sequence) == (meeting.uid, T0, 1)
    assert meetings.of_customer(tx, meeting.customer_id) == [changed]


def test_a_managers_time_is_taken_by_meetings_that_stand_with_any_customer_j4(tx):
    anna = register.keep_person(tx, Person(0, "Anna", "anna@example.se"))
    (person,) = register.people(tx)
    acme, beta = (a_customer(tx, key, manager=person) for key in ("acme", "beta"))
    a_meeting(tx, acme)
    a_meeting(tx, beta, start=T0 + DAY)
    a_meeting(tx, beta, "2026-Q3", start=T0 + 2 * DAY, state="cancelled")
    a_meeting(tx, a_customer(tx, "gamma"), start=T0 + 3 * DAY)
    found = meetings.taken(tx, {anna})
    assert [start for start, _ in found] == [T0, T0 + DAY]
    found = meetings.taken(tx, {anna}, unmanaged=True)
    assert [start for start, _ in found] == [T0, T0 + DAY, T0 + 3 * DAY]
