"""Review meetings as calendars exchange them: invitations out, answers in (RFC 5545, RFC 5546)."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from daemon.desk.letters.markup import one_line
from daemon.desk.outgoing import headers
from daemon.desk.outgoing.compose import Attachment
from daemon.desk.outgoing.mailing import People

if TYPE_CHECKING:
    from icalendar import Calendar, Component, Event, Timezone, vCalAddress

_PRODUCT = "-//avtald//review meetings//"
_MOST_BYTES = 256 * 1024
_ADDRESS = re.compile(r"mailto:\s*", re.IGNORECASE)
_ANSWERS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}


@dataclass(frozen=True, slots=True)
class Occasion:
    """A meeting as in an invitation; `guests` are (name, address)."""

    uid: str
    sequence: int
    starts_at: dt.datetime
    ends_at: dt.datetime
    summary: str
    description: str
    organiser: tuple[str, str]  # the From address of the mail, or clients show no buttons
    guests: People
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of somebody's calendar to one of our invitations."""

    uid: str
    sequence: int
    what: str  # accepted, declined, tentative, counter
    attendee: str  # an address; empty where the calendar names nobody
    proposed: dt.datetime | None = None  # counter: the start they ask for
    comment: str = ""


def parts(occasion: Occasion, now: dt.datetime, zone: dt.tzinfo) -> tuple[Attachment, Attachment]:
    """The alternative for calendars with buttons, and the same as a file for the others."""
    content = ics(occasion, now, zone)
    method = "CANCEL" if occasion.cancelled else "REQUEST"
    shown = f"text/calendar; method={method}; charset=utf-8"
    return Attachment("", shown, content), Attachment("invite.ics", "application/ics", content)


def ics(occasion: Occasion, now: dt.datetime, zone: dt.tzinfo) -> bytes:
    """The invitation, or its cancellation, with CRLF line ends; `now` stamps it."""
    from icalendar import Calendar

    method = "CANCEL" if occasion.cancelled else "REQUEST"
    calendar = Calendar()
    for name, value in (
        ("prodid", _PRODUCT),
        ("version", "2.0"),
        ("calscale", "GREGORIAN"),
        ("method", method),
    ):
        calendar.add(name, value)
    named = str(zone) == "Europe/Stockholm"
    if named:
        calendar.add_component(_stockholm())
    calendar.add_component(_event(occasion, now, zone if named else dt.UTC))
    content: bytes = calendar.to_ical()
    return content


def _event(occasion: Occasion, now: dt.datetime, zone: dt.tzinfo) -> "Event":
    from icalendar import Event

    event = Event()
    for name, value in (
        ("uid", occasion.uid),
        ("sequence", occasion.sequence),
        ("dtstamp", now.astimezone(dt.UTC)),
        ("dtstart", occasion.starts_at.astimezone(zone)),
        ("dtend", occasion.ends_at.astimezone(zone)),
        ("summary", one_line(occasion.summary)),
        ("description", occasion.description),
        ("status", "CANCELLED" if occasion.cancelled else "CONFIRMED"),
        ("transp", "OPAQUE"),
        ("class", "PUBLIC"),
        ("priority", 5),
    ):
        event.add(name, value)
    event.add("organizer", _person(occasion.organiser), encode=False)
    for guest in occasion.guests:
        person = _person(guest)
        for name, value in (
            ("cutype", "INDIVIDUAL"),
            ("role", "REQ-PARTICIPANT"),
            ("partstat", "NEEDS-ACTION"),
            ("rsvp", "TRUE"),
        ):
            person.params[name] = value
        event.add("attendee", person, encode=False)
    return event


def _person(named: tuple[str, str]) -> "vCalAddress":
    """A calendar address; no parameter may hold quotation marks (RFC 5545, 3.2)."""
    from icalendar import vCalAddress

    name, given = named
    person = vCalAddress(f"mailto:{headers.address(given)}")
    person.params["cn"] = one_line(name.replace('"', "'"), 100) or given
    return person


def _stockholm() -> "Timezone":
    """The zone by its rule, as all three calendars know it; the library would list 60 dates."""
    from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

    zone = Timezone()
    zone.add("tzid", "Europe/Stockholm")
    for part, name, month, day, before, after in (
        (TimezoneDaylight(), "CEST", 3, 31, 1, 2),
        (TimezoneStandard(), "CET", 10, 27, 2, 1),
    ):
        changes = dt.datetime(1996, month, day, 1 + before)  # noqa: DTZ001  a wall time, in the offset before (RFC 5545, 3.6.5)
        part.add("dtstart", changes)
        part.add("rrule", {"freq": "yearly", "bymonth": month, "byday": "-1su"})
        part.add("tzoffsetfrom", dt.timedelta(hours=before))
        part.add("tzoffsetto", dt.timedelta(hours=after))
        part.add("tzname", name)
        zone.add_component(part)
    return zone


# --- answers ----------------------------------------------------------------------------------


def is_calendar(content_type: str) -> bool:
    """True where a part may hold a calendar's answer."""
    return content_type in {"text/calendar", "application/ics"}


def read_answer(content: bytes, zone: dt.tzinfo) -> Answer | None:
    """Read the answer of an incoming calendar part; None for no answer, or an unreadable one.

    A REPLY says yes, no or perhaps; a COUNTER asks for another time. A time without a zone is
    taken to be in `zone`.
    """
    from icalendar import Calendar

    if len(content) > _MOST_BYTES:
        return None
    try:
        calendar = Calendar.from_ical(content)
        return _answer(calendar, zone)
    except Exception:  # noqa: BLE001  whatever the library makes of a stranger's bytes
        return None


def _answer(calendar: "Calendar", zone: dt.tzinfo) -> Answer | None:
    method = str(calendar.get("method", "")).upper()
    event = next(iter(calendar.walk("VEVENT")), None)
    if method not in {"REPLY", "COUNTER"} or event is None or not event.get("uid"):
        return None
    attendee = next(iter(_listed(event.get("attendee"))), None)
    status = str(attendee.params.get("partstat", "")).upper() if attendee is not None else ""
    what = "counter" if method == "COUNTER" else _ANSWERS.get(status)
    if what is None:
        return None
    return Answer(
        uid=str(event["uid"]).strip(),
        sequence=int(event.get("sequence", 0)),
        what=what,
        attendee=_ADDRESS.sub("", str(attendee)).strip().casefold() if attendee is not None else "",
        proposed=_start(event, zone) if what == "counter" else None,
        comment=str(event.get("comment", ""))[:2000],
    )


def _listed(value: Any) -> Sequence[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list) else (value,)


def _start(event: "Component", zone: dt.tzinfo) -> dt.datetime | None:
    start = event.decoded("dtstart", None)
    if not isinstance(start, dt.datetime):
        return None
    return (start if start.tzinfo else start.replace(tzinfo=zone)).astimezone(dt.UTC)
