"""Review meetings: proposed on time, moved and cancelled by a tag, answered by calendars (J4)."""

import datetime as dt
import email
from email import policy
from email.message import EmailMessage

import pytest

from daemon.desk.reviews import review_meetings
from daemon.store.money import register
from daemon.store.schema import tables
from daemon.store.tickets import meetings as stored
from tests.builders import (
    SETTINGS,
    a_desk,
    a_mail,
    an_engineers_mail,
    header_of,
    instant,
    text_of,
)
from tests.desk.reviews.test_invitation import COUNTER, GOOGLE, OUTLOOK, crlf, lines, properties
from tests.desk.reviews.test_reports import Paper, subject

REGISTER = """
[[engineers]]
name = "Anna Svensson"
email = "anna@example.se"
roles = ["engineer", "manager"]

[[engineers]]
name = "Erik Lind"
email = "erik@example.se"

[[customers]]
key = "acme"
name = "Acme AB"
domains = ["acme.se"]
contacts = [{ name = "Bo Ek", email = "bo@acme.se" }, { name = "Eva", email = "eva@acme.se" }]
manager = "anna@example.se"
[[customers.agreements]]
plan = "alert"
from = 2026-01-01

[[customers]]
key = "beta"
name = "Beta AB"
domains = ["beta.se"]
contacts = [{ name = "Cia", email = "cia@beta.se" }]
manager = "anna@example.se"
language = "en"
[[customers.agreements]]
plan = "attend"
from = 2026-07-01

[[customers]]
key = "gamma"
name = "Gamma AB"
domains = ["gamma.se"]
[[customers.agreements]]
plan = "access"
from = 2026-01-01
"""
DUE = "2027-01-04 08:00"


@pytest.fixture
def desk(store, tmp_path):
    return a_desk(store, tmp_path, register=REGISTER)


@pytest.fixture
def due(desk):
    """The desk on the first working day of 2027, with its meetings proposed."""
    propose(desk, DUE)
    return desk


def propose(desk, at, paper=None):
    while review_meetings.propose_due_meetings(desk.desk, paper or Paper(), instant(at)):
        pass
    desk.work(at)


def meeting(desk, key="acme"):
    with desk.desk.store.reading() as tx:
        found = stored.of_customer(tx, register.customer_by_key(tx, key).id)
        return found[-1] if found else None


def parts(raw):
    parsed = email.message_from_bytes(raw, policy=policy.default)
    return {part.get_content_type(): part for part in parsed.walk()}


def calendar(raw):
    return parts(raw)["text/calendar"].get_payload(decode=True)


def event(raw):
    return properties(calendar(raw))[0]


def local(moment):
    return f"{moment.astimezone(instant(DUE).tzinfo):%Y-%m-%d %H:%M}"


def news(desk, to="anna@example.se"):
    return [
        raw for raw in desk.mailer.to(to) if subject(raw).startswith("Avstämningsmöte Acme AB:")
    ]


def invitations(desk, to="bo@acme.se"):
    return [raw for raw in desk.mailer.to(to) if "text/calendar" in parts(raw)]


# --- proposing --------------------------------------------------------------------------------


def test_a_quarter_brings_an_invitation_to_contact_and_manager_j4(due):
    (raw,) = invitations(due)
    assert subject(raw) == "Avstämningsmöte Acme AB, kvartal 4 2026"
    assert header_of(raw, "To") == ("Bo Ek <bo@acme.se>, Anna Svensson <anna@example.se>")
    assert invitations(due, "anna@example.se")[0] == raw
    assert event(raw)["DTSTART;TZID=Europe/Stockholm"] == "20270108T100000"
    assert event(raw)["SEQUENCE"] == "0"
    assert "DAGORDNING" in text_of(raw)


def test_the_invitation_has_the_shape_that_calendars_accept_j4(due):
    (raw,) = invitations(due)
    parsed = email.message_from_bytes(raw, policy=policy.default)
    assert parsed.get_content_type() == "multipart/mixed"
    alternative, file, pdf = parsed.iter_parts()
    assert [each.get_content_type() for each in alternative.iter_parts()] == [
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    shown = list(alternative.iter_parts())[-1]
    assert shown["Content-Type"].params["method"] == "REQUEST"
    assert "METHOD:REQUEST" in lines(calendar(raw))
    assert (file.get_filename(), file.get_content_type()) == ("invite.ics", "application/ics")
    assert pdf.get_filename() == "supportrapport-acme-2026-Q4.pdf"
    assert "mailto:support@example.se" in event(raw).values()
    assert parsed["From"].addresses[0].addr_spec == "support@example.se"


def test_each_meeting_is_proposed_once_and_only_where_the_plan_has_one_j4(due):
    propose(due, "2027-01-05 08:00")
    assert len(invitations(due)) == 1
    assert len(invitations(due, "cia@beta.se")) == 1  # half-year
    assert meeting(due, "gamma") is None


def test_an_english_customer_is_invited_in_english_j4(due):
    (raw,) = invitations(due, "cia@beta.se")
    assert subject(raw) == "Review meeting Beta AB, the second half of 2026"


def test_the_manager_is_not_in_two_places_at_once_j4(due):
    times = [local(meeting(due, key).starts_at) for key in ("acme", "beta")]
    assert times == ["2027-01-08 10:00", "2027-01-11 10:00"]


@pytest.mark.parametrize("named", ["language", ""], ids=["one has her", "none is named"])
def test_managers_whom_nobody_named_are_not_in_two_places_at_once_j4(store, tmp_path, named):
    """Where a customer has no account manager, everybody with the role is invited."""
    unnamed = REGISTER.replace(f'manager = "anna@example.se"\n{named}', named)
    desk = a_desk(store, tmp_path, register=unnamed)
    propose(desk, DUE)
    times = {local(meeting(desk, key).starts_at) for key in ("acme", "beta")}
    assert len(times) == 2
    assert "anna@example.se" in header_of(invitations(desk, "cia@beta.se")[0], "To")


def test_nothing_is_proposed_before_the_desk_opens_j4(desk):
    assert not review_meetings.propose_due_meetings(desk.desk, Paper(), instant("2027-01-04 07:59"))
    assert not review_meetings.propose_due_meetings(desk.desk, Paper(), instant("2027-01-01 12:00"))


def test_the_manager_hears_of_it_and_how_to_change_it_j4(due):
    (raw,) = news(due)
    assert "har gått till bo@acme.se, anna@example.se" in " ".join(text_of(raw).split())
    assert "möte: 2027-01-14 10:00" in text_of(raw)


def test_without_the_printer_the_invitation_goes_without_the_report_j4(desk):
    propose(desk, DUE, Paper(missing=True))
    (raw,) = invitations(desk)
    assert "application/pdf" not in parts(raw)
    assert "bifogad" not in text_of(raw)


def test_without_anybody_to_meet_the_manager_is_told_j4(store, tmp_path):
    alone = REGISTER.replace(
        'contacts = [{ name = "Bo Ek", email = "bo@acme.se" }, '
        '{ name = "Eva", email = "eva@acme.se" }]',
        "",
    )
    desk = a_desk(store, tmp_path, register=alone)
    propose(desk, DUE)
    assert meeting(desk).state == "unplanned"
    (raw,) = news(desk)
    assert "Ingen finns att bjuda in" in " ".join(text_of(raw).split())


# --- moving and cancelling --------------------------------------------------------------------


def reply_to_news(desk, text, at="2027-01-05 09:00", **more):
    desk.get(an_engineers_mail(text, reply_to=news(desk)[0], **more), at)


def test_a_tag_in_a_reply_moves_the_meeting_and_keeps_its_uid_j4(due):
    before = meeting(due)
    reply_to_news(due, "[möte: 2027-01-14 10:00]")
    after = meeting(due)
    assert (after.uid, after.sequence, local(after.starts_at)) == (
        before.uid,
        1,
        "2027-01-14 10:00",
    )
    first, moved = invitations(due)
    assert event(moved)["UID"] == event(first)["UID"]
    assert event(moved)["SEQUENCE"] == "1"
    assert event(moved)["DTSTART;TZID=Europe/Stockholm"] == "20270114T100000"
    assert subject(moved) == "Ny tid: Avstämningsmöte Acme AB, kvartal 4 2026"
    assert event(moved)["SUMMARY"] == event(first)["SUMMARY"]  # the name that calendars show
    assert "Mötet är flyttat" in text_of(news(due)[-1])


def test_a_tag_cancels_it_and_another_sets_it_again_j4(due):
    reply_to_news(due, "[möte: ställ in]")
    gone = invitations(due)[-1]
    assert "METHOD:CANCEL" in lines(calendar(gone))
    assert parts(gone)["text/calendar"]["Content-Type"].params["method"] == "CANCEL"
    assert event(gone)["STATUS"] == "CANCELLED"
    assert subject(gone).startswith("Inställt: ")
    assert event(gone)["SUMMARY"] == event(invitations(due)[0])["SUMMARY"]
    assert meeting(due).state == "cancelled"
    assert "Tid nu" not in text_of(news(due)[-1])
    reply_to_news(due, "[meeting: 2027-01-15 kl 13]", "2027-01-05 10:00")
    again = invitations(due)[-1]
    assert {event(raw)["UID"] for raw in invitations(due)} == {event(again)["UID"]}
    assert event(again)["SEQUENCE"] == "2"


@pytest.mark.parametrize("tag", ["[möte: 2027-01-14 10:00]", "[möte: ställ in]"])
def test_who_was_invited_and_comes_no_longer_is_told_and_once_j4(due, tag):
    """The contact has left since; his calendar would keep the meeting for ever."""
    with due.desk.store.writing() as tx:
        bo = tables.contacts.c.email == "bo@acme.se"
        tx.execute(tables.contacts.update().where(bo).values(active=False))
    reply_to_news(due, tag)
    asked, left = invitations(due)
    assert "METHOD:CANCEL" in lines(calendar(left))
    assert event(left)["UID"] == event(asked)["UID"]
    assert event(left)["SEQUENCE"] == "1"
    assert header_of(left, "To") == "bo@acme.se"
    assert subject(left).startswith("Inställt för dig: ")
    assert invitations(due, "eva@acme.se")
    reply_to_news(due, "[möte: 2027-01-15 10:00]", "2027-01-05 10:00")
    assert len(invitations(due)) == 2


@pytest.mark.parametrize("text", ["[möte: 2026-12-01 10:00]", "[möte: snart]", "Hej, ok"])
def test_what_is_behind_us_or_no_time_changes_nothing_and_is_told_j4(due, text):
    reply_to_news(due, text)
    assert meeting(due).sequence == 0
    assert len(invitations(due)) == 1
    assert "Inget är ändrat" in text_of(news(due)[-1])


def test_a_tag_on_any_ticket_of_the_customers_moves_it_too_c9(due):
    due.get(a_mail("bo@acme.se", "Hej", "Kan vi ses den 14:e?"), "2027-01-05 09:00")
    notice = due.mailer.to("anna@example.se")[-1]
    due.get(
        an_engineers_mail("Javisst! [möte: 2027-01-14 10:00]", reply_to=notice), "2027-01-05 10:00"
    )
    assert local(meeting(due).starts_at) == "2027-01-14 10:00"
    relayed = [raw for raw in due.mailer.to("bo@acme.se") if "Javisst" in text_of(raw)]
    assert "möte:" not in text_of(relayed[0])


def test_a_tag_sets_a_meeting_where_none_was_due_j4(desk):
    desk.get(a_mail("bo@acme.se", "Hej", "Kan vi ses?"), "2026-11-05 09:00")
    notice = desk.mailer.to("anna@example.se")[-1]
    desk.get(an_engineers_mail("Ja. [möte: 2026-11-12 14:30]", reply_to=notice), "2026-11-05 10:00")
    assert (meeting(desk).period, meeting(desk).sequence) == ("2026-Q4", 0)
    assert event(invitations(desk)[0])["DTSTART;TZID=Europe/Stockholm"] == "20261112T143000"


def test_a_tag_without_a_time_is_only_noted_c9(due):
    due.get(a_mail("bo@acme.se", "Hej", "Vi borde ses"), "2027-01-05 09:00")
    notice = due.mailer.to("anna@example.se")[-1]
    due.get(an_engineers_mail("Ja. [möte: något om lagret]", reply_to=notice), "2027-01-05 10:00")
    assert meeting(due).sequence == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2027-01-14 10:00", "2027-01-14 10:00"),
        ("2027-01-14 kl. 9", "2027-01-14 09:00"),
        ("2027-07-01 13.30", "2027-07-01 13:30"),
        ("Ställ in", "cancel"),
        ("cancel", "cancel"),
        ("2027-02-30 10:00", None),
        ("2027-01-14", None),
        ("", None),
        ("fredag", None),
    ],
)
def test_what_a_meeting_tag_may_say_c9(value, expected):
    found = review_meetings.read_wish(value, instant(DUE).tzinfo)
    assert (local(found) if isinstance(found, dt.datetime) else found) == expected


def test_a_stranger_who_answers_the_managers_mail_moves_nothing_d1(due):
    forged = a_mail(
        "Anna <anna@example.se>", "SV: mötet", "[möte: 2027-01-14 10:00]", reply_to=news(due)[0]
    )
    due.get(forged, "2027-01-05 09:00")
    assert meeting(due).sequence == 0


# --- calendars' answers -----------------------------------------------------------------------


def a_calendar_mail(desk, text, sender="Bo Ek <bo@acme.se>", method="REPLY", **headers):
    """As Outlook, Google and Apple send it: a text, the calendar's part, and headers of its own."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "support@example.se", "Accepterat: möte"
    mail["Date"], mail["Message-ID"] = "Tue, 05 Jan 2027 09:30:00 +0100", f"<{abs(hash(text))}@x>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("Bo Ek har svarat.")
    content = crlf(text.replace("3f2a@example.se", meeting(desk).uid))
    mail.add_alternative(
        content, "text", "calendar", cte="base64", params={"method": method, "charset": "utf-8"}
    )
    return mail.as_bytes()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (OUTLOOK, "har svarat: kommer"),
        (GOOGLE, "har svarat: kan inte komma"),
        (COUNTER, "föreslår fredag 15 januari kl. 14:00"),
    ],
)
def test_the_manager_hears_what_a_calendar_answers_j4(due, text, says):
    due.get(a_calendar_mail(due, text), "2027-01-05 09:30")
    assert f"bo@acme.se {says}" in text_of(news(due)[-1])
    assert set(meeting(due).replies) == {"bo@acme.se"}


def test_an_answer_opens_no_ticket_and_gets_no_confirmation_j4(due):
    before = len(due.mailer.to("bo@acme.se"))
    due.get(a_calendar_mail(due, OUTLOOK, Auto_Submitted="auto-generated"), "2027-01-05 09:30")
    assert len(due.mailer.to("bo@acme.se")) == before
    assert "Vi ses!" in text_of(news(due)[-1])


def test_an_answer_changes_no_time_a_person_does_j4(due):
    due.get(a_calendar_mail(due, COUNTER, method="COUNTER"), "2027-01-05 09:30")
    assert (meeting(due).sequence, meeting(due).state) == (0, "planned")


def test_an_answer_to_an_earlier_time_says_so_j4(due):
    reply_to_news(due, "[möte: 2027-01-14 10:00]")
    due.get(a_calendar_mail(due, OUTLOOK), "2027-01-05 11:00")
    assert "Svaret gäller en tidigare tid" in text_of(news(due)[-1])


def test_somebody_elses_answer_is_shown_with_who_sent_it_j4(due):
    due.get(a_calendar_mail(due, OUTLOOK, sender="eva@acme.se"), "2027-01-05 09:30")
    assert "bo@acme.se (eva@acme.se)" in text_of(news(due)[-1])


def test_the_managers_own_answer_is_noted_j4(due):
    mail = a_calendar_mail(
        due, OUTLOOK.replace("bo@acme.se", "anna@example.se"), sender="anna@example.se"
    )
    due.get(mail, "2027-01-05 09:30")
    assert set(meeting(due).replies) == {"anna@example.se"}


def test_a_calendar_part_of_another_meeting_is_an_ordinary_mail(due):
    mail = a_calendar_mail(due, OUTLOOK.replace("3f2a@example.se", "other@acme.se"))
    due.get(mail, "2027-01-05 09:30")
    assert meeting(due).replies == {}
    assert subject(due.mailer.to("bo@acme.se")[-1]).startswith("[#1001]")


def test_the_settings_first_month_holds_for_meetings_too_h1(store, tmp_path):
    desk = a_desk(
        store, tmp_path, register=REGISTER, settings=SETTINGS.replace('"2026-11"', '"2027-01"')
    )
    propose(desk, DUE)
    assert meeting(desk) is None
