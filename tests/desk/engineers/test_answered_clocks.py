"""An engineer's answer stops the clock, whoever and however many it goes to."""

import pytest

from daemon.store.tickets import tickets
from tests.builders import a_desk, a_mail, an_engineers_mail


@pytest.fixture
def desk(store, tmp_path):
    return a_desk(store, tmp_path)


def response_of(desk, number):
    with desk.desk.store.reading() as tx:
        ticket = tickets.by_number(tx, number)
        (clock,) = [row for row in tickets.clock_rows(tx, [ticket.id]) if row.kind == "response"]
    return clock.result, clock.used_minutes


def answer(desk, text):
    (notice,) = desk.mailer.to("anna@example.se")
    desk.get(an_engineers_mail(text, reply_to=notice), "2026-11-20 09:30")


def test_an_answer_that_goes_to_several_stops_the_clock_once_E1(desk):
    desk.get(a_mail(cc="Eva Ek <eva@acme.se>"), "2026-11-20 09:00")
    answer(desk, "Nu går den.\n")
    assert len(desk.mailer.to("eva@acme.se")) == 1
    assert response_of(desk, 1001) == ("met", 30)


def test_an_answer_that_closes_its_ticket_is_no_closing_without_a_word_E1(desk):
    desk.get(a_mail(), "2026-11-20 09:00")
    answer(desk, "Nu går den. [klar]\n")
    assert response_of(desk, 1001) == ("met", 30)


def test_closing_without_a_word_leaves_the_ticket_unanswered_E1(desk):
    desk.get(a_mail(), "2026-11-20 09:00")
    answer(desk, "[intern] [klar]\n")
    assert response_of(desk, 1001) == ("unanswered", 30)
