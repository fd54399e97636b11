"""The decisions on an engineer's message, by its facts alone: acts, and the fate of its text."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.desk.engineers.by_line import lines_of, number_for, parts_of
from daemon.desk.engineers.deciding import obstacle, obstacle_around, plan
from daemon.desk.engineers.leaks import Inside
from daemon.desk.engineers.reading import written_in
from daemon.desk.hours import worklog
from daemon.desk.hours.worklog import Worked
from daemon.desk.reviews import review_meetings
from daemon.desk.tickets import acts
from daemon.desk.tickets.turn import Incoming
from daemon.domain.register import Person
from daemon.domain.ticket import Status, Ticket
from daemon.store.mail.outbox import Sent
from parsers.body import read_body
from parsers.message import read
from parsers.tags import read_tags
from parsers.worked_time import WorkedTime
from tests.builders import an_engineers_mail

NOON = dt.datetime(2026, 11, 20, 11, 0, tzinfo=dt.UTC)
ANNA = Person(1, "Anna Svensson", "anna@example.se")
BO = "bo@acme.se"
TICKET = Ticket(
    id=7,
    number=1001,
    subject="Skrivaren står still",
    customer_id=1,
    requester=BO,
    requester_name="Bo Ek",
    language="sv",
    priority=3,
    status=Status.OPEN,
    opened_at=NOON,
    closed_at=None,
    assignee_id=None,
    merged_into_id=None,
    spam=False,
)
OTHER = replace(TICKET, id=8, number=1002, subject="Rapporten")
NOTICE = Sent(1, "notice", 7, 17, None, NOON)
RECEIPT = Sent(2, "receipt", 7, 17, "receipt:17", NOON)


def written(text, *, answered=NOTICE, stood=(), **more):
    message = read(an_engineers_mail(text, **more))
    mail = Incoming(18, NOON, message, read_body(message))
    return written_in(mail, answered, TICKET, stood)


def planned(text, opened=None, **more):
    of = written(text, **more)
    before, after = plan(ANNA, of.tags, of.receipt_of, opened)
    return [(s.act, *s.given) for s in before], [(s.act, *s.given) for s in after]


def hour(ordinal, receipt_of=None):
    return worklog.book, Worked(ANNA, ordinal, WorkedTime(60), receipt_of)


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("Nu går den.", [], []),
        ("Klart. [tid: 1h] [klar]", [], [hour(1), (acts.close,)]),
        ("[klar] [tid: 1h]", [], [hour(2), (acts.close,)]),
        ("[vänta] [prio: 2]", [(acts.set_level, 2)], [(acts.wait,)]),
        ("[kund: acme] [slå ihop: #1002]", [(acts.place, "acme"), (acts.merge, "#1002")], []),
        ("[slå ihop: 1002] [kund: acme]", [(acts.merge, "1002"), (acts.place, "acme")], []),
        ("[för: Eva <eva@acme.se>]", [(acts.let_in, ("Eva", "eva@acme.se"))], []),
        ("[för: ingen]", [(acts.let_in, None)], []),
        ("[tilldela: Erik] [start]", [(acts.assign, "Erik"), (acts.start,)], []),
        ("[öppna]", [(acts.reopen,)], []),
        ("[skräp]", [], [(acts.discard,)]),
        ("[orsak: sjukdom]", [], [(acts.note, "reason", "sjukdom")]),
        ("[löfte: på fredag]", [], [(acts.note, "promise", "på fredag")]),
        ("[möte: ställ in]", [], [(review_meetings.change_by_tag, "ställ in")]),
        ("[ångra]", [], [(worklog.undo, None)]),
        ("[tid: 15] [klar]", [], [(acts.close,)]),
        ("[intern] [hjälp]", [], []),
    ],
)
def test_each_tag_asks_for_one_act_before_the_answer_or_after_it_C9(text, before, after):
    assert planned(text) == (before, after)


def test_an_answered_receipt_is_what_a_correction_and_an_undoing_name_G4_C14():
    _, after = planned("[tid: 1h] [ångra]", answered=RECEIPT)
    assert after == [hour(1, receipt_of=17), (worklog.undo, 17)]


def test_a_ticket_that_a_mail_opened_has_its_level_and_its_requester_already_D6():
    opened = replace(TICKET, requester="eva@acme.se", priority=2)
    text = "[för: eva@acme.se] [prio: 2] [kund: acme] [start]"
    assert planned(text, opened) == ([(acts.place, "acme"), (acts.start,)], [])


@given(st.permutations(["[tid: 1h]", "[klar]", "[start]", "[prio: 1]", "[tilldela: Erik]"]))
def test_time_is_booked_after_the_answer_and_before_the_end_in_any_order_of_tags_C9(tags):
    before, after = planned("Svar.\n" + " ".join(tags))
    assert [act for act, *_ in after] == [worklog.book, acts.close]
    order = {"[start]": acts.start, "[prio: 1]": acts.set_level, "[tilldela: Erik]": acts.assign}
    assert [act for act, *_ in before] == [order[tag] for tag in tags if tag in order]


# --- the fate of the text ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "more", "why"),
    [
        ("Nu går den.", {}, None),
        ("Nu går den. [tid: 1h]", {}, None),
        ("[intern] Fel version.", {}, "internal"),
        ("Svar. [ångra]", {}, "internal"),
        ("Svar. [hjälp]", {}, "internal"),
        ("[skräp]", {}, "internal"),
        ("[intern] Ord.", {"answered": RECEIPT}, "internal"),
        ("Tack!", {"answered": RECEIPT}, "not_conversation"),
        ("Tack!", {"answered": None, "subject": "SV: Kvitto: x"}, "not_conversation"),
        ("Nu går den.", {"answered": None}, None),
        ("[inter] Fel version.", {}, "near_internal"),
        ("[intern: x] Ord.", {}, "internal"),
        ("(intern) Fel version.", {}, "near_internal"),
        ("Ord.", {"subject": "SV: ärende [intern]"}, "near_internal"),
        ("[klar]", {}, "no_text"),
    ],
)
def test_the_message_itself_says_why_its_text_stays_behind_C9_C13(text, more, why):
    assert obstacle(written(text, **more), TICKET, misdirected=False) == why


def test_a_text_meant_for_another_customer_goes_to_nobody_D6():
    answer = written("Hej Eva! [för: eva@beta.se]")
    assert obstacle(answer, TICKET, misdirected=True) == "other_customer"


@pytest.mark.parametrize(
    ("to", "side", "why"),
    [
        ("support@example.se", {BO}, None),
        ("support@example.se", set(), "no_recipient"),
        (f"support@example.se, {BO}", {BO, "eva@acme.se"}, "direct"),
        ("support@example.se, eva@acme.se", {BO, "eva@acme.se"}, None),
        ("support@example.se, eva@acme.se", {"eva@acme.se"}, "direct"),
    ],
)
def test_an_answer_goes_to_whoever_does_not_have_it_D8(to, side, why):
    answer = written("Nu går den.", to=to)
    assert obstacle_around(answer, TICKET, Inside(), frozenset(side)) == why


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        (Inside(notes=("Kunden har fel version av programmet",)), "quotes_internal"),
        (Inside(lines=("Kunden har fel version av programmet",)), "quotes_internal"),
        (
            Inside(
                notes=("Kunden har fel version av programmet",),
                public=("kunden har fel version av programmet",),
            ),
            None,
        ),
        (Inside(names_others=True), "other_address"),
        (Inside(notes=("Något helt annat om en annan sak",)), None),
    ],
)
def test_a_text_that_gives_away_what_stays_inside_waits_C9(inside, why):
    answer = written("Hej! Kunden har fel version av programmet, tror jag.")
    assert obstacle_around(answer, TICKET, inside, frozenset({BO})) == why


# --- reading, and mails that belong to several tickets ----------------------------------------


def test_a_wrong_tag_and_one_in_the_subject_are_refused_and_cut_C13():
    of = written("Svar [tid: 15].", subject="SV: ärende [tid: 2h]")
    assert [(each.raw, each.why) for each in of.refused] == [
        ("[tid: 15]", "unit_missing"),
        ("[tid: 2h]", "in_subject"),
    ]
    assert read_tags(of.text) == ()


def test_a_tag_of_the_customers_own_subject_is_no_tag_of_the_engineers_C13():
    message = read(an_engineers_mail("Svar.", subject="SV: [tid: 2h] saknas"))
    mail = Incoming(18, NOON, message, read_body(message))
    theirs = replace(TICKET, subject="[tid: 2h] saknas")
    assert written_in(mail, NOTICE, theirs).refused == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("#1001 [tid: 1h]", [1001]),
        ("#1001 [tid: 1h], #1002 [tid: 2h]", [1001, 1002]),
        ("#1001\n[tid: 1h]\n#1002\n[tid: 2h]", [1001, 1002]),
        ("[tid: 1h] #1001", [1001]),
        ("[tid: 1h] #1001 och #1002", [0]),
        ("[tid: 1h]", [None]),
        ("1001 [tid: 1h]", [1001]),
        ("1003 [tid: 1h]", [None]),
        ("[tid: 1h; se #1002]", [None]),
    ],
)
def test_a_tag_goes_to_the_ticket_that_its_line_names(text, found):
    lines = lines_of(text, {1001, 1002})
    assert [number_for(lines, tag) for tag in read_tags(text)] == found


def test_the_words_beside_a_tag_are_its_tickets_note_once():
    text = "#1001 Skrivaren står still [tid: 1h]\n#1002 bytt kabel [tid: 1h] [klar]\n"
    lines = lines_of(text, ())
    tags = list(enumerate(read_tags(text), start=1))
    placed = [(n, OTHER if n[0] > 1 else TICKET) for n in tags]
    parts = parts_of(text, lines, placed)
    assert [(part.ticket.number, len(part.tags), part.text) for part in parts] == [
        (1001, 1, ""),
        (1002, 2, "bytt kabel"),
    ]
