"""Rows that are written together: nobody can tell that they wait, and a roll-back takes them."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from daemon.domain.ticket import Status
from daemon.store.mail import arrivals, outbox
from daemon.store.schema import tables
from daemon.store.tickets import events, tickets
from tests.builders import instant

AT = instant("2026-11-02 10:00")


def note(tx, kind, ticket_id=None):
    events.record(tx, events.Event(kind, AT, ticket_id=ticket_id))


def kinds(tx):
    return list(tx.scalars(select(tables.events.c.kind).order_by(tables.events.c.id)))


def a_letter(key, *recipients, answer=True):
    return outbox.Mail(
        key, "confirmation", f"<{key}@x>", b"x\r\n", recipients, "s@x.se", answer=answer
    )


def statements(store, seen):
    from sqlalchemy import event

    event.listen(store.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    return seen


def test_what_waits_is_there_for_whoever_asks_in_the_same_transaction(any_store):
    with any_store.writing() as tx:
        note(tx, "one")
        assert kinds(tx) == ["one"]
        note(tx, "two")
        assert tx.scalar(text("SELECT count(*) FROM events")) == 2
    with any_store.reading() as tx:
        assert kinds(tx) == ["one", "two"]


def test_rows_of_one_kind_are_written_by_one_statement_and_keep_their_order(any_store):
    seen = statements(any_store, [])
    with any_store.writing() as tx:
        for number in range(30):
            note(tx, f"{number:02}")
    assert len([each for each in seen if "INSERT INTO events" in each]) == 1
    with any_store.reading() as tx:
        assert kinds(tx) == [f"{number:02}" for number in range(30)]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["wait", "at once", "ask"]), max_size=12))
def test_in_whatever_way_rows_come_the_order_is_the_order_of_calls(any_store, ways):
    with any_store.writing() as tx:
        tx.execute(tables.events.delete())
        wanted = []
        for number, way in enumerate(ways):
            if way == "ask":
                assert kinds(tx) == wanted
                continue
            wanted.append(str(number))
            if way == "wait":
                note(tx, str(number))
            else:
                events.record_all(tx, [events.Event(str(number), AT)])
    with any_store.reading() as tx:
        assert kinds(tx) == wanted


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["open", "say", "note", "ask ticket", "ask said", "ask notes"])))
def test_what_names_a_ticket_is_written_after_it_in_whatever_order_they_wait(any_store, ways):
    """Writing what was said first writes the tickets: whoever wrote them all must not again."""
    with any_store.writing() as tx:
        made, said = [], Counter()
        for way in ["open", *ways]:
            if way == "open":
                made.append(a_ticket(tx))
            ticket = made[-1]
            if way == "say":
                tickets.say(
                    tx,
                    ticket.id,
                    inbox_id=None,
                    at=AT,
                    author="customer",
                    address="bo@acme.se",
                    text="Hej",
                    name="Bo",
                )
                said[ticket.id] += 1
            elif way == "note":
                note(tx, "opened", ticket.id)
            elif way == "ask ticket":
                assert tickets.by_id(tx, ticket.id) == ticket
            elif way == "ask said":
                assert len(tickets.said(tx, ticket.id)) == said[ticket.id]
            elif way == "ask notes":
                kinds(tx)
    with any_store.reading() as tx:
        assert [tickets.by_id(tx, each.id) for each in made] == made
        assert {each.id: len(tickets.said(tx, each.id)) for each in made if said[each.id]} == said


def test_what_the_desk_says_itself_takes_nothing_from_what_waits_beside_it(any_store):
    """A note of ours names no mail: the mail that the next message came by is not forgotten."""
    said = {"at": AT, "author": "customer", "address": "bo@acme.se", "name": "Bo", "text": "Hej"}
    with any_store.writing() as tx:
        (number,) = arrivals.accept(tx, [arrivals.Delivery(b"x", "x", AT, "lmtp")])
        ticket = a_ticket(tx)
        tickets.say(tx, ticket.id, **said, internal=True)
        tickets.say(tx, ticket.id, **said, internal=False, inbox_id=number)
    with any_store.reading() as tx:
        assert [each.inbox_id for each in tickets.said(tx, ticket.id)] == [None, number]


def a_ticket(tx):
    return tickets.open_ticket(
        tx,
        subject="Något",
        requester="bo@acme.se",
        language="sv",
        priority=3,
        status=Status.OPEN,
        opened_at=AT,
    )


def test_what_a_roll_back_takes_is_in_no_later_transaction(any_store):
    def fail(tx):
        note(tx, "lost")
        outbox.put_later(tx, a_letter("lost", "k@a.se"), AT)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), any_store.writing() as tx:
        fail(tx)
    with any_store.writing() as tx:
        assert kinds(tx) == []
        note(tx, "kept")
    with any_store.reading() as tx:
        assert kinds(tx) == ["kept"]
        assert tx.scalar(select(func.count()).select_from(tables.outgoing)) == 0


def test_a_row_that_cannot_be_written_fails_its_transaction_at_its_end(any_store):
    def run():
        with any_store.writing() as tx:
            note(tx, "fine")
            note(tx, "of no ticket", ticket_id=4711)

    with pytest.raises(IntegrityError):
        run()
    with any_store.reading() as tx:
        assert kinds(tx) == []


def test_a_cause_that_has_mailed_does_not_mail_again_however_it_is_queued(any_store):
    with any_store.writing() as tx:
        outbox.put_later(tx, a_letter("a", "k1@a.se"), AT)
        outbox.put_later(tx, a_letter("a", "k2@a.se"), AT)
        outbox.put_later(tx, a_letter("b", "k1@a.se", "k1@a.se", "k3@a.se"), AT)
        assert outbox.put(tx, a_letter("a", "k4@a.se"), AT) is None
    with any_store.writing() as tx:
        outbox.put_later(tx, a_letter("b", "k5@a.se"), AT)
        assert outbox.put(tx, a_letter("c", "k6@a.se"), AT) is not None
    with any_store.reading() as tx:
        query = select(tables.outgoing.c.key, tables.outbox.c.recipient)
        rows = tx.execute(query.join(tables.outbox).order_by(tables.outbox.c.id)).all()
    assert [tuple(row) for row in rows] == [
        ("a", "k1@a.se"),
        ("b", "k1@a.se"),
        ("b", "k3@a.se"),
        ("c", "k6@a.se"),
    ]


def test_the_limit_of_answers_counts_what_waits_and_writes_nothing_for_it_J2(any_store):
    since = instant("2026-11-02 07:00")
    with any_store.writing() as tx:
        outbox.put_later(tx, a_letter("a", "k1@a.se"), AT)
        outbox.put_later(tx, a_letter("n", "k2@a.se", answer=False), AT)
        seen = statements(any_store, [])
        assert outbox.answers_since(tx, "k3@a.se", since) == 0
        assert [each for each in seen if each.startswith("INSERT")] == []
        assert outbox.answers_since(tx, "k2@a.se", since) == 0
        assert outbox.answers_since(tx, "k1@a.se", since) == 1
