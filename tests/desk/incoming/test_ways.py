"""The way of a customer's message, by its facts alone (C5, D3, D5, J5)."""

import datetime as dt
from dataclasses import replace

import pytest

from daemon.desk.incoming import inquiry
from daemon.desk.incoming.inquiry import Inquiry, decide, wanted_level
from daemon.desk.tickets.turn import Incoming
from daemon.domain.register import Contact, Customer
from daemon.domain.ticket import Status
from parsers.automatic import Verdict
from parsers.body import read_body
from parsers.message import read
from parsers.priority import read_priority
from tests.builders import a_mail
from tests.desk.engineers.test_deciding import NOON, TICKET

ACME = Customer(1, "acme", "Acme AB")
BETA = Customer(2, "beta", "Beta AB")
BO = Contact(1, 1, "Bo Ek", "bo@acme.se")
FORTNIGHT = dt.timedelta(days=14)
CLOSED = replace(TICKET, status=Status.CLOSED, closed_at=NOON - dt.timedelta(days=3))
LONG_CLOSED = replace(CLOSED, closed_at=NOON - FORTNIGHT)
SPAM = replace(CLOSED, spam=True, customer_id=None)


def a_message(text="Den står still igen.", *, kind="person", subject="SV: Skrivaren", **facts):
    message = read(a_mail(text=text, subject=subject))
    mail = Incoming(18, NOON, message, read_body(message))
    verdict = Verdict(kind, may_answer=kind == "person", is_ours=False, reasons=())
    return Inquiry(mail, verdict, FORTNIGHT, **facts)


@pytest.mark.parametrize(
    ("message", "way"),
    [
        (a_message(), inquiry.new_ticket),
        (a_message(customer=ACME), inquiry.new_ticket),
        (a_message(kind="receipt"), inquiry.keep_silent),
        (a_message(kind="auto_reply"), inquiry.new_ticket),
        (a_message("Hej", subject="Saldo?", customer=ACME, contact=BO), inquiry.tell_balance),
        (a_message("Hej", subject="Saldo", customer=ACME), inquiry.new_ticket),
        (
            a_message("ord " * 40, subject="saldo", customer=ACME, contact=BO),
            inquiry.balance_and_new_ticket,
        ),
        (a_message(customer=ACME, ticket=TICKET), inquiry.reply),
        (a_message(ticket=TICKET, side=frozenset({"bo@acme.se"})), inquiry.reply),
        (a_message(ticket=TICKET), inquiry.outsiders_reply),
        (a_message(customer=BETA, ticket=TICKET), inquiry.outsiders_reply),
        (a_message(customer=BETA, ticket=CLOSED), inquiry.outsiders_reply),
        (a_message(kind="auto_reply", customer=ACME, ticket=CLOSED), inquiry.machine_reply),
        (a_message("Tack!", customer=ACME, ticket=CLOSED), inquiry.thanks),
        (a_message("Tack!", customer=ACME, ticket=TICKET), inquiry.reply),
        (
            a_message("Tack, men är den klar?", customer=ACME, ticket=CLOSED),
            inquiry.reopening_reply,
        ),
        (a_message(customer=ACME, ticket=CLOSED), inquiry.reopening_reply),
        (a_message(customer=ACME, ticket=LONG_CLOSED), inquiry.follow_up),
        (a_message(ticket=SPAM, side=frozenset({"bo@acme.se"})), inquiry.reply_to_spam),
    ],
)
def test_the_facts_of_a_message_decide_its_way_D3_D5_J5(message, way):
    assert decide(message) is way


@pytest.mark.parametrize(
    ("subject", "text", "level"),
    [
        ("SV: Skrivaren", "Hej", None),
        ("SV: Skrivaren", "prio 1", 1),
        ("SV: Skrivaren [P2]", "prio 1", 2),
        ("SV: Skrivaren [P3]", "prio 1", 1),
        ("SV: Skrivaren [P3]", "prio 3", None),
    ],
)
def test_a_reply_sets_a_level_that_differs_and_its_subject_comes_first_C5(subject, text, level):
    assert wanted_level(read_priority(subject, text, {}), TICKET) == level
