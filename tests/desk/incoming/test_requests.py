"""Held messages: asked about together, and let go by the first word of a reply alone (D1)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.store.mail import inbox
from daemon.store.money import ledger
from tests.builders import a_mail, instant, text_of

ANNA = "Anna Svensson <anna@example.se>"
ADDRESS = "anna@example.se"
ISSUE = (  # 15 of these released a forged mail
    "Det var bluff!",
    "It wasn't me!",
    "",
    "Hej! Jag är på semester till den 12 december och läser inte mejl.",
    "I am out of the office until Monday. For urgent matters call the switchboard.",
    "Vad är det här?",
    "What is this?",
    "?",
    "Jag har inte skickat det.",
    "Stoppa!",
    "Ring mig",
    "Tack för ditt mejl, vi återkommer.",
    "OK?",
    "Okej, vad då?",
    "Kolla med Erik",
    "\N{THUMBS DOWN SIGN}",
)


def forged(number=0, text="Klart. [tid: 9h]", **more):
    return a_mail(ANNA, f"SV: ärende {number}", text, **more)


def reply(desk, request, text, at, **more):
    desk.get(a_mail(ANNA, "SV: Är mejlet från dig?", text, reply_to=request, **more), at)


def states(desk):
    with desk.desk.store.reading() as tx:
        return {row.id: row.state for row in inbox.listing(tx)}


def booked(desk):
    with desk.desk.store.reading() as tx:
        return [*ledger.of_message(tx, 2), *ledger.unplaced(tx)]


@pytest.fixture
def held(desk):
    """A customer's ticket, and a mail in Anna's name without proof on it."""
    desk.get(a_mail(), "2026-11-20 09:00")
    notice = desk.mailer.to(ADDRESS)[0]
    desk.get(forged(reply_to=notice), "2026-11-20 10:00")
    (request,) = desk.mailer.to(ADDRESS)[1:]
    assert states(desk)[2] == "held"
    return request


# --- the word ---------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["OK", "ok.", "Ja", "JA!", "Ja, det är mitt mejl", "*OK*"])
def test_ok_or_ja_releases_with_the_original_receipt_time_D1(desk, held, text):
    reply(desk, held, text, "2026-11-20 11:00")
    assert states(desk)[2] == "done"
    (entry,) = booked(desk)
    assert entry.entry.received_at == instant("2026-11-20 10:00")


@pytest.mark.parametrize("text", ["Nej", "nej!", "No", "Nej, det var inte jag"])
def test_nej_or_no_shelves_where_it_stays_to_be_seen_D1(desk, held, text):
    reply(desk, held, text, "2026-11-20 11:00")
    with desk.desk.store.reading() as tx:
        (shelved,) = inbox.listing(tx, states=["shelved"])
    assert (shelved.id, shelved.reason) == (2, "refused by its sender")
    assert "släpps inte fram" in text_of(desk.mailer.to(ADDRESS)[-1])
    assert booked(desk) == []
    reply(desk, held, "OK", "2026-11-20 11:10")
    assert states(desk)[2] == "shelved"  # a second word changes nothing


@pytest.mark.parametrize("text", ISSUE)
def test_anything_else_leaves_it_held_and_is_answered_once_D1(desk, held, text):
    sent = len(desk.mailer.to(ADDRESS))
    reply(desk, held, text, "2026-11-20 11:00")
    reply(desk, held, f"{text} igen", "2026-11-20 11:10")
    assert states(desk)[2] == "held"
    assert booked(desk) == []
    (told,) = desk.mailer.to(ADDRESS)[sent:]
    assert "Börja svaret med OK" in " ".join(text_of(told).split())
    reply(desk, told, "OK", "2026-11-20 11:20")
    assert states(desk)[2] == "done"


@pytest.mark.parametrize(
    "mark",
    [("Auto-Submitted", "auto-replied"), ("X-Autoreply", "yes"), ("Precedence", "auto_reply")],
)
def test_an_automatic_reply_says_nothing_and_gets_nothing_D1(desk, held, mark):
    sent = len(desk.mailer.sent)
    reply(desk, held, "OK", "2026-11-20 11:00", headers=[mark])
    assert states(desk)[2] == "held"
    assert len(desk.mailer.sent) == sent


def test_a_reply_that_comes_too_late_releases_nothing_D1(desk, held):
    reply(desk, held, "OK", "2026-12-04 10:00")
    assert states(desk)[2] == "held"
    assert "Tiden för att svara har gått ut" in text_of(desk.mailer.to(ADDRESS)[-1])


# --- several ----------------------------------------------------------------------------------


def test_mails_that_come_together_are_asked_about_in_one_request_D1(desk):
    for number in range(3):
        desk.receive(forged(number), "2026-11-20 10:00")
    desk.work("2026-11-20 10:00")
    (request,) = desk.mailer.to(ADDRESS)
    assert "3 mejl" in text_of(request)
    assert all(f"ärende {number}" in text_of(request) for number in range(3))
    reply(desk, request, "OK", "2026-11-20 10:10")
    assert list(states(desk).values()).count("held") == 0


def test_those_after_a_request_wait_for_the_hour_and_are_asked_about_in_one_D1(desk):
    for minute in range(5):
        desk.get(forged(minute), f"2026-11-20 10:{minute:02}")
    desk.work("2026-11-20 10:59")
    assert len(desk.mailer.to(ADDRESS)) == 1
    desk.work("2026-11-20 11:00")
    _, later = desk.mailer.to(ADDRESS)
    assert "4 mejl" in text_of(later)
    reply(desk, later, "Nej", "2026-11-20 11:05")
    assert sorted(states(desk).values()) == ["done", "held", *["shelved"] * 4]


def test_her_word_on_a_request_brings_the_next_one_at_once_D1(desk):
    for minute in range(3):
        desk.get(forged(minute), f"2026-11-20 10:{minute:02}")
    (first,) = desk.mailer.to(ADDRESS)
    reply(desk, first, "OK", "2026-11-20 10:05")
    asked = [raw for raw in desk.mailer.to(ADDRESS) if "2 mejl" in text_of(raw)]
    assert len(asked) == 1


def test_ok_releases_what_is_listed_and_nothing_that_came_later_D1(desk):
    desk.get(forged(1), "2026-11-20 10:00")
    desk.get(forged(2), "2026-11-20 10:01")
    (first,) = desk.mailer.to(ADDRESS)
    reply(desk, first, "OK", "2026-11-20 10:05")
    assert states(desk)[1] == "done"
    assert states(desk)[2] == "held"


def test_two_hundred_forged_mails_of_an_engineer_ask_her_twice_in_an_hour_J2(desk):
    for number in range(200):
        minute = number * 59 // 200
        desk.receive(forged(number), f"2026-11-20 10:{minute:02}")
        if number % 20 == 0:
            desk.work(f"2026-11-20 10:{minute:02}")
    desk.work("2026-11-20 10:59")
    desk.work("2026-11-20 10:59")
    assert len(desk.mailer.to(ADDRESS)) == 1
    desk.work("2026-11-20 11:00")
    assert len(desk.mailer.to(ADDRESS)) == 2
    assert desk.mailer.to("drift@example.se") == []
    assert list(states(desk).values()).count("held") == 200  # none is lost


def test_each_person_has_a_request_of_her_own_D1(desk):
    erik = a_mail("Erik Lind <erik@example.se>", "SV", "Klart.")
    for raw in (forged(), erik):
        desk.receive(raw, "2026-11-20 10:00")
    desk.work("2026-11-20 10:00")
    assert len(desk.mailer.to(ADDRESS)) == len(desk.mailer.to("erik@example.se")) == 1
    reply(desk, desk.mailer.to("erik@example.se")[0], "OK", "2026-11-20 10:10")
    assert list(states(desk).values()).count("held") == 2  # hers is not his to release


# --- generated replies ------------------------------------------------------------------------

_LEAD = st.sampled_from(["", "  ", "*", '"', "\n\n"])
_FIRST = st.sampled_from(
    ["OK", "ok", "Ja", "JA", "Nej", "No", "Hej", "Inte", "Okej", "Jag", "Not", "Yes"]
)
_MARK = st.sampled_from(["", ".", "!", ",", "?", "…"])
_REST = st.sampled_from(["", " det var jag", " it wasn't me", " [tid: 1h]", "\n\nMvh\nAnna"])


@given(_LEAD, _FIRST, _MARK, _REST)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_first_word_alone_decides_D1(make_desk, lead, first, mark, rest):
    desk = make_desk()
    desk.get(forged(), "2026-11-20 10:00")
    (request,) = desk.mailer.to(ADDRESS)
    reply(desk, request, f"{lead}{first}{mark}{rest}", "2026-11-20 11:00")
    says = {"ok": "done", "ja": "done", "nej": "shelved", "no": "shelved"}
    expected = "held" if mark == "?" else says.get(first.casefold(), "held")
    assert states(desk)[1] == expected
