"""Invitations that Outlook, Google and Apple accept, and their answers (J4, RFC 5545, RFC 5546)."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from daemon.desk.reviews.invitation import Occasion, ics, parts, read_answer

ZONE = ZoneInfo("Europe/Stockholm")
NOW = dt.datetime(2027, 1, 4, 7, tzinfo=dt.UTC)
START = dt.datetime(2027, 1, 14, 9, tzinfo=dt.UTC)
OCCASION = Occasion(
    "3f2a@example.se",
    0,
    START,
    START + dt.timedelta(hours=1),
    "Avstämningsmöte Acme AB, kvartal 4 2026",
    "Dagordning\n– Öppna ärenden: 2; se bilaga",
    ("Exempel Support", "support@example.se"),
    (("Bo Ek", "bo@acme.se"), ("Anna Svensson", "anna@example.se")),
)


def changed(**more):
    from dataclasses import replace

    return replace(OCCASION, **more)


def lines(content):
    """A second reader, written from RFC 5545 alone: unfolds lines, knows no calendar."""
    text = content.decode("utf-8")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    return text.replace("\r\n ", "").rstrip("\r\n").split("\r\n")


def properties(content, component="VEVENT"):
    """(name with parameters, value) of the first component of that kind."""
    inside = False
    found = []
    for line in lines(content):
        if line in (f"BEGIN:{component}", f"END:{component}"):
            inside = line.startswith("BEGIN")
        elif inside:
            name, _, value = line.partition(":")
            found.append((name, value))
    return dict(found), found


def unescaped(value):
    return value.replace("\\n", "\n").replace("\\,", ",").replace("\\;", ";")


def test_an_invitation_says_when_who_and_what_to_a_second_reader_j4():
    event, listed = properties(ics(OCCASION, NOW, ZONE))
    assert event["DTSTART;TZID=Europe/Stockholm"] == "20270114T100000"
    assert event["DTEND;TZID=Europe/Stockholm"] == "20270114T110000"
    assert (event["UID"], event["SEQUENCE"]) == ("3f2a@example.se", "0")
    assert (event["DTSTAMP"], event["STATUS"]) == ("20270104T070000Z", "CONFIRMED")
    assert unescaped(event["SUMMARY"]) == OCCASION.summary
    assert unescaped(event["DESCRIPTION"]) == OCCASION.description
    attendees = [(name, value) for name, value in listed if name.startswith("ATTENDEE")]
    assert [value for _, value in attendees] == ["mailto:bo@acme.se", "mailto:anna@example.se"]
    assert all("RSVP=TRUE" in name and "PARTSTAT=NEEDS-ACTION" in name for name, _ in attendees)


def test_the_organiser_is_who_the_mail_is_from_or_clients_show_no_buttons_j4():
    event, _ = properties(ics(OCCASION, NOW, ZONE))
    assert event['ORGANIZER;CN="Exempel Support"'] == "mailto:support@example.se"


def test_the_method_stands_in_the_calendar_and_in_the_parts_type_j4():
    shown, file = parts(OCCASION, NOW, ZONE)
    assert shown.content_type == "text/calendar; method=REQUEST; charset=utf-8"
    assert (file.name, file.content_type) == ("invite.ics", "application/ics")
    assert "METHOD:REQUEST" in lines(shown.content)
    assert shown.content == file.content


def test_a_change_and_a_cancellation_keep_the_uid_j4():
    moved, _ = properties(ics(changed(sequence=1), NOW, ZONE))
    gone = ics(changed(sequence=2, cancelled=True), NOW, ZONE)
    cancelled, _ = properties(gone)
    assert {moved["UID"], cancelled["UID"]} == {OCCASION.uid}
    assert (moved["SEQUENCE"], cancelled["SEQUENCE"]) == ("1", "2")
    assert "METHOD:CANCEL" in lines(gone)
    assert cancelled["STATUS"] == "CANCELLED"


def test_the_zone_is_written_by_its_rule_and_right_on_both_sides_of_summer_time():
    rules, listed = properties(ics(OCCASION, NOW, ZONE), "VTIMEZONE")
    assert rules["TZID"] == "Europe/Stockholm"
    assert [value for name, value in listed if name == "DTSTART"] == [
        "19960331T020000",
        "19961027T030000",
    ]
    assert sum(1 for name, _ in listed if name == "RRULE") == 2
    july = dt.datetime(2027, 7, 14, 8, tzinfo=dt.UTC)
    summer, _ = properties(ics(changed(starts_at=july), NOW, ZONE))
    assert summer["DTSTART;TZID=Europe/Stockholm"] == "20270714T100000"


def test_another_zone_is_written_in_utc():
    event, _ = properties(ics(OCCASION, NOW, ZoneInfo("Europe/Helsinki")))
    assert event["DTSTART"] == "20270114T090000Z"


def test_what_stands_in_names_and_subjects_starts_no_line_of_its_own():
    hostile = changed(
        summary="Möte\r\nATTACH:http://evil.example/x",
        description="a\r\nATTACH:file:///etc/passwd",
        guests=(('Bo"\r\nX-EVIL:1', "bo@acme.se"), ("\u202eAnna;:,", "anna@example.se")),
    )
    _, listed = properties(ics(hostile, NOW, ZONE))
    assert not [name for name, _ in listed if name.startswith(("ATTACH", "X-EVIL"))]
    assert "\u202e" not in ics(hostile, NOW, ZONE).decode()


# --- answers ----------------------------------------------------------------------------------

OUTLOOK = """BEGIN:VCALENDAR
METHOD:REPLY
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
BEGIN:VTIMEZONE
TZID:W. Europe Standard Time
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
ATTENDEE;PARTSTAT=ACCEPTED;CN=Bo Ek:mailto:bo@acme.se
COMMENT;LANGUAGE=sv-SE:Vi ses!\\n
UID:3f2a@example.se
SUMMARY;LANGUAGE=sv-SE:Accepterat: Avstämningsmöte
DTSTART;TZID=W. Europe Standard Time:20270114T100000
DTEND;TZID=W. Europe Standard Time:20270114T110000
CLASS:PUBLIC
PRIORITY:5
DTSTAMP:20270105T083001Z
TRANSP:OPAQUE
STATUS:CONFIRMED
SEQUENCE:0
X-MICROSOFT-CDO-APPT-SEQUENCE:0
END:VEVENT
END:VCALENDAR
"""
GOOGLE = """BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:REPLY
BEGIN:VEVENT
DTSTART:20270114T090000Z
DTEND:20270114T100000Z
DTSTAMP:20270105T083001Z
ORGANIZER;CN=Exempel Support:mailto:support@example.se
UID:3f2a@example.se
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=DECLINED;CN=bo@ac
 me.se;X-NUM-GUESTS=0:mailto:bo@acme.se
CREATED:20270104T070000Z
LAST-MODIFIED:20270105T083000Z
SEQUENCE:1
STATUS:CONFIRMED
SUMMARY:Avstämningsmöte
TRANSP:OPAQUE
END:VEVENT
END:VCALENDAR
"""
APPLE = """BEGIN:VCALENDAR
CALSCALE:GREGORIAN
METHOD:REPLY
PRODID:-//Apple Inc.//macOS 15.1//EN
VERSION:2.0
BEGIN:VEVENT
ATTENDEE;CN="Bo Ek";CUTYPE=INDIVIDUAL;EMAIL="bo@acme.se";PARTSTAT=TENTATIVE;ROLE=REQ-PARTICI
 PANT:mailto:Bo@Acme.se
DTEND;TZID=Europe/Stockholm:20270114T110000
DTSTAMP:20270105T083001Z
DTSTART;TZID=Europe/Stockholm:20270114T100000
ORGANIZER;CN="Exempel Support":mailto:support@example.se
SEQUENCE:0
SUMMARY:Avstämningsmöte
UID:3f2a@example.se
END:VEVENT
END:VCALENDAR
"""
COUNTER = (
    OUTLOOK.replace("METHOD:REPLY", "METHOD:COUNTER")
    .replace("PARTSTAT=ACCEPTED", "PARTSTAT=TENTATIVE")
    .replace("20270114T10", "20270115T14")
)
EVERY = {"accepted": OUTLOOK, "declined": GOOGLE, "tentative": APPLE, "counter": COUNTER}


def crlf(text):
    return text.replace("\n", "\r\n").encode()


@pytest.mark.parametrize(("what", "text"), EVERY.items())
def test_answers_of_outlook_google_and_apple_are_understood_j4(what, text):
    answer = read_answer(crlf(text), ZONE)
    assert (answer.what, answer.uid, answer.attendee) == (what, OCCASION.uid, "bo@acme.se")
    assert answer.sequence == (1 if what == "declined" else 0)


def test_a_counter_proposal_has_its_time_in_the_zone_it_came_with_j4():
    answer = read_answer(crlf(COUNTER), ZONE)
    assert answer.proposed == dt.datetime(2027, 1, 15, 13, tzinfo=dt.UTC)
    assert read_answer(crlf(OUTLOOK), ZONE).proposed is None


def test_a_comment_goes_along():
    assert read_answer(crlf(OUTLOOK), ZONE).comment.strip() == "Vi ses!"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00BEGIN:VCALENDAR",
        crlf(OUTLOOK).replace(b"METHOD:REPLY", b"METHOD:REQUEST"),
        crlf(OUTLOOK).replace(b"UID:3f2a@example.se\r\n", b""),
        crlf(OUTLOOK).replace(b"PARTSTAT=ACCEPTED", b"PARTSTAT=NEEDS-ACTION"),
        b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nEND:VCALENDAR\r\n",
        crlf(OUTLOOK).replace(b"SEQUENCE:0", b"SEQUENCE:x"),
        crlf(OUTLOOK) + b"X" * 300_000,
        b"BEGIN:VCALENDAR\r\n" * 5000,
    ],
)
def test_what_is_no_answer_or_cannot_be_read_is_none(content):
    assert read_answer(content, ZONE) is None
