"""The acts on a ticket need no mail: an actor, a time and a cause do (K1)."""

import pytest

from daemon.desk.context import By, Refusal
from daemon.desk.hours import worklog
from daemon.desk.hours.worklog import Worked
from daemon.desk.tickets import acts, news
from daemon.domain.ticket import Status
from daemon.store.money import ledger, register
from daemon.store.tickets import tickets
from parsers.worked_time import WorkedTime
from tests.builders import a_mail, header_of, instant, text_of

NOON = instant("2026-11-20 12:00")


@pytest.fixture
def page(desk):
    """Act as Anna on the ticket of a mail, as a page would: `page(act, …)` gives the result."""
    desk.get(a_mail(), "2026-11-20 09:00")

    def carry_out(act, *given):
        with desk.desk.store.writing() as tx:
            anna = register.person_by_address(tx, "anna@example.se")
            by = By(tx, desk.desk, anna.email, NOON, "page:7", NOON, anna)
            ticket = tickets.by_number(tx, 1001)
            result = act(by, ticket, *(give(anna) if callable(give) else give for give in given))
            if isinstance(result, acts.Done):
                news.at_once(by, result)
                news.of_acts(by, [result], result.ticket, answered=False)
        desk.work(NOON)
        return result

    return carry_out


def an_hour(anna):
    return Worked(anna, 1, WorkedTime(60))


def causes(desk, kind):
    with desk.desk.store.reading() as tx:
        found = tickets.events_of(tx, tickets.by_number(tx, 1001).id)
        return [(row.actor, row.cause, row.at) for row in found if row.kind == kind]


@pytest.mark.parametrize(
    ("act", "given", "kind"),
    [
        (acts.start, (), "started"),
        (acts.close, (), "solved"),
        (acts.discard, (), "closed"),
        (acts.wait, (), "waiting"),
        (acts.set_level, (1,), "priority"),
        (acts.assign, ("Erik",), "assigned"),
        (acts.place, ("beta",), "placed"),
        (acts.let_in, (("Eva", "eva@acme.se"),), "participant"),
        (acts.note, ("reason", "sjukdom"), "reason"),
        (worklog.book, (an_hour,), "time-booked"),
    ],
)
def test_an_act_of_a_page_is_an_event_with_its_actor_time_and_cause_K1(
    desk, page, act, given, kind
):
    assert not isinstance(page(act, *given), Refusal)
    assert causes(desk, kind)[-1] == ("anna@example.se", "page:7", NOON)


def test_those_concerned_hear_of_an_act_of_a_page_D8(desk, page):
    page(acts.assign, "Erik")
    page(acts.close)
    assert "Anna Svensson" in text_of(desk.mailer.to("erik@example.se")[-1])
    assert "[#1001]" in header_of(desk.mailer.to("bo@acme.se")[-1], "Subject")
    assert len(desk.mailer.to("bo@acme.se")) == 2  # the confirmation, and that it is closed


def test_an_act_that_changes_nothing_tells_nobody(desk, page):
    page(acts.set_level, 1)
    before = len(desk.mailer.sent)
    done = page(acts.set_level, 1)
    assert done.did("unchanged")
    assert done.ticket == done.before
    assert len(desk.mailer.sent) == before


@pytest.mark.parametrize(
    ("act", "given", "why"),
    [
        (acts.assign, ("Ingen",), "unknown_person"),
        (acts.place, ("ingen",), "unknown_customer"),
        (acts.merge, ("#1001",), "unknown_ticket"),
        (acts.let_in, (("Eva", "eva@beta.se"),), "other_customer"),
        (acts.let_in, (("Anna", "anna@example.se"),), "bad_value"),
        (acts.set_level, (None,), "bad_value"),
        (worklog.undo, (None,), "nothing_to_undo"),
        (worklog.book, (lambda anna: Worked(anna, 1, None),), "bad_amount"),
    ],
)
def test_an_act_that_cannot_be_gives_the_reason_and_changes_nothing(desk, page, act, given, why):
    with desk.desk.store.reading() as tx:
        before = tickets.by_number(tx, 1001)
    assert page(act, *given) == Refusal(why)
    with desk.desk.store.reading() as tx:
        assert tickets.by_number(tx, 1001) == before


def test_time_of_a_page_is_in_the_ledger_of_its_engineer_G1(desk, page):
    booked = page(worklog.book, an_hour)
    assert (booked.actual, booked.from_bank, booked.held) == (60, 60, None)
    with desk.desk.store.reading() as tx:
        (entry,) = ledger.of_customer(tx, register.customer_by_key(tx, "acme").id)
        assert entry.engineer == register.person_by_address(tx, "anna@example.se").id


def test_a_ticket_closed_by_a_page_opens_again_by_its_customers_reply_D5(desk, page):
    page(acts.close)
    told = desk.mailer.to("bo@acme.se")[-1]
    desk.get(a_mail(text="Den står still igen.\n", reply_to=told), "2026-11-20 13:00")
    with desk.desk.store.reading() as tx:
        assert tickets.by_number(tx, 1001).status == Status.OPEN
