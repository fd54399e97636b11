"""Reports and meetings to render: a busy month, a quiet one, and what their readers get."""

import datetime as dt
from zoneinfo import ZoneInfo

from daemon.desk.letters.to_customers import Invitation, Report
from daemon.desk.letters.to_office import ManagerPack, MeetingNews, PlanCost, PromiseLine
from daemon.domain.agreement import BUILT_IN, Version
from daemon.domain.money import Money
from daemon.domain.periods import Period, months_from
from daemon.domain.report import figures
from daemon.domain.report_facts import (
    BilledMonth,
    ClockFact,
    Facts,
    Standstill,
    TicketFact,
    Window,
)
from daemon.domain.simulation import Margin
from daemon.domain.time_bank import Entry, reckon

ZONE = ZoneInfo("Europe/Stockholm")
DESK = "Exempel Support"


def at(month, day, hour=9, minute=0):
    return dt.datetime(2026, month, day, hour, minute, tzinfo=ZONE)


def a_window(period):
    def midnight(day):
        return dt.datetime.combine(day, dt.time(), ZONE)

    return Window(period, midnight(period.start), midnight(period.end))


def windows(last, count=4):
    periods = [last]
    while len(periods) < count:
        periods.insert(0, periods[0].preceding())
    return tuple(a_window(period) for period in periods)


def a_version(plan="alert", starts=dt.date(2026, 1, 1), **more):
    return Version(1, "acme", starts, None, renews=True, terms=BUILT_IN[plan].terms, **more)


def an_entry(number, day, minutes, *, ticket=1, counts=True, received=None):
    received = received or dt.datetime.combine(day, dt.time(16), ZONE)
    return Entry(number, ticket, 1, day, received, 1, minutes, minutes if counts else 0, counts)


def reckoned(entries, versions=None):
    versions = (a_version(),) if versions is None else versions
    return reckon(versions, entries, (), lambda day: BUILT_IN["none"].terms)


def a_clock(started, due, ended, *, target=60, kind="response", result=None):
    used = None if ended is None else int((ended - started).total_seconds() // 60)
    late = ended is None or ended > due
    return ClockFact(
        kind,
        target,
        due,
        ended,
        used,
        result or ("running" if ended is None else "missed" if late else "met"),
        due if late else None,
    )


def a_ticket(number, subject, opened, minutes=25, *, level=3, closed=None, **more):
    """Opened then, answered after so many minutes of an hour's promise."""
    clock = a_clock(opened, opened + dt.timedelta(hours=1), opened + dt.timedelta(minutes=minutes))
    return TicketFact(number, subject, level, opened, closed, clocks=(clock,), **more)


_SUBJECTS = (
    "Skrivaren på lagret står still",
    "Ordrar från webbutiken kommer inte in i affärssystemet",
    "Inloggning med BankID hänger sig",
    "Fakturor skickas två gånger",
    "Ny användare i lagersystemet",
    "Rapporten över sålda artiklar visar fel moms",
    "Långsam sökning i kundregistret",
    "Streckkoder läses inte på plan 2",
    "Byte av certifikat på integrationsservern",
    "Fel adress på följesedlar till Norge",
    "Backup varnar om fullt utrymme",
    "Kassan i Malmö skriver inte ut kvitton",
    "Fråga om behörigheter",
)
BUSY_TICKETS = (
    *(
        a_ticket(
            1031 + n,
            subject,
            at(11, 2 + 2 * n, 9 + n % 6),
            12 + 3 * n,
            level=(2, 3, 3, 1, 4)[n % 5],
            closed=at(11, 3 + 2 * n) if n < 11 else None,
            waiting=n == 12,
        )
        for n, subject in enumerate(_SUBJECTS)
    ),
    a_ticket(
        1046,
        "Hela ordersystemet ligger nere sedan i morse",
        at(11, 17, 8, 5),
        104,
        level=1,
        closed=at(11, 18),
        reason="Jourhavande satt i ett tåg utan täckning. Vi har nu två i jour.",
    ),
    *(
        a_ticket(1001 + n, "Tidigare", at(8 + n // 9, 1 + n % 20, 10), 20, closed=at(10, 30))
        for n in range(27)
    ),
)
BUSY_ENTRIES = (
    *(an_entry(n + 1, dt.date(2026, 11, 2 + 2 * n), 45 + 17 * n, ticket=n + 1) for n in range(13)),
    an_entry(20, dt.date(2026, 11, 17), 190, ticket=14),
    an_entry(21, dt.date(2026, 11, 18), 60, ticket=14, counts=False),
    *(an_entry(30 + n, dt.date(2026, 8 + n // 9, 1 + n % 20), 40, ticket=15) for n in range(27)),
)
TITLES = {n + 1: (1031 + n, subject) for n, subject in enumerate(_SUBJECTS)} | {
    14: (1046, "Hela ordersystemet ligger nere sedan i morse"),
    15: (1001, "Tidigare"),
}


def busy_facts(period="2026-11"):
    return Facts(
        windows=windows(Period.parse(period)),
        tickets=BUSY_TICKETS,
        before=reckoned([e for e in BUSY_ENTRIES if e.worked_on.month < 11]),
        after=reckoned(BUSY_ENTRIES),
        titles=TITLES,
        billed=(BilledMonth(Period.parse("2026-11"), True, Money(800000), Money(510000)),),
    )


def quiet_facts(period="2026-11"):
    return Facts(
        windows=windows(Period.parse(period)),
        tickets=(),
        before=reckoned(()),
        after=reckoned(()),
        titles={},
        billed=(BilledMonth(Period.parse("2026-11"), True, Money(800000)),),
    )


def many_facts(count=500):
    """So many tickets in one month, some late, with hours on each."""
    opened = [at(11, 2 + n % 27, 8 + n % 8, n % 60) for n in range(count)]
    tickets = tuple(
        a_ticket(
            2001 + n,
            f"{_SUBJECTS[n % 13]} ({n})",
            when,
            10 + (n * 7) % 52 + 40 * (n % 50 == 0),
            level=1 + n % 4,
            closed=when + dt.timedelta(days=1) if n % 9 else None,
        )
        for n, when in enumerate(opened)
    )
    entries = [
        an_entry(n + 1, when.date(), 15 + n % 40, ticket=n + 1) for n, when in enumerate(opened)
    ]
    return Facts(
        windows=windows(Period.parse("2026-11")),
        tickets=tickets,
        before=reckoned(()),
        after=reckoned(entries),
        titles={n + 1: (each.number, each.subject) for n, each in enumerate(tickets)},
        billed=(BilledMonth(Period.parse("2026-11"), True, Money(800000), Money(20000000)),),
    )


def year_facts():
    """An Access! year, seen on its first working day after."""
    version = a_version("access")
    entries = [an_entry(n, dt.date(2026, n, 10), 35, ticket=n) for n in range(1, 12)]
    months = list(months_from(Period.parse("2026-01"), Period.parse("2026-12")))
    return Facts(
        windows=windows(Period.parse("2026")),
        tickets=tuple(
            a_ticket(1000 + n, _SUBJECTS[n], at(n, 9), 200, closed=at(n, 20)) for n in range(1, 12)
        ),
        before=reckoned((), (version,)),
        after=reckoned(entries, (version,)),
        titles={n: (1000 + n, _SUBJECTS[n]) for n in range(1, 12)},
        billed=tuple(BilledMonth(month, True, Money(50000)) for month in months),
    )


BUSY = figures(busy_facts())
QUIET = figures(quiet_facts())
PACK = ManagerPack(
    "Acme AB",
    "Alert!",
    "2026-11",
    BUSY,
    Margin(Money(1310000), BUSY.minutes, Money(85000)),
    11,
    (
        PlanCost("Attend!", Money(6210000), Money(-4390000), False),
        PlanCost("Alert!", Money(10600000), Money(0), True),
        PlanCost("Avtalslös", Money(11800000), Money(1200000), False),
    ),
    (Standstill(1043, "Fråga om behörigheter", 9, True),),
    (
        PromiseLine(
            1033,
            _SUBJECTS[2],
            dt.date(2026, 11, 9),
            "anna@example.se",
            "Ny version av BankID-kopplingen före jul",
        ),
    ),
    ("vd@acme.se",),
)
START, END = at(12, 10, 10), at(12, 10, 11)

REPORT_LETTERS = {
    "report": Report(DESK, "Acme AB", "Alert!", "2026-11", BUSY, pdf=True),
    "report_quiet": Report(DESK, "Beta & Co", None, "2026-11", QUIET, pdf=False),
    "report_year": Report(DESK, "Acme AB", "Access!", "2026", figures(year_facts()), pdf=True),
    "manager_pack": PACK,
    "manager_pack_unsent": ManagerPack(
        "Beta & Co",
        None,
        "2026-11",
        QUIET,
        Margin(Money(0), 0, Money(98000)),
        0,
        (),
        (),
        (),
        (),
    ),
    "invitation": Invitation(
        DESK, "Acme AB", "Anna Svensson", "2026-Q4", START, END, "new", BUSY, pdf=True
    ),
    "invitation_moved": Invitation(
        DESK, "Acme AB", "", "2026-Q4", START, END, "moved", QUIET, pdf=False
    ),
    "invitation_left": Invitation(
        DESK, "Acme AB", "Anna Svensson", "2026-Q4", START, END, "left", BUSY, pdf=False
    ),
    "invitation_cancelled": Invitation(
        DESK, "Acme AB", "Anna Svensson", "2026-Q4", START, END, "cancelled", BUSY, pdf=False
    ),
    "meeting_planned": MeetingNews(
        "Acme AB", "2026-Q4", "planned", START, "bo@acme.se, anna@example.se"
    ),
    "meeting_nobody": MeetingNews("Acme AB", "2026-Q4", "nobody", None),
    "meeting_no_slot": MeetingNews("Acme AB", "2026-Q4", "no_slot", None),
    "meeting_counter": MeetingNews(
        "Acme AB",
        "2026-Q4",
        "counter",
        START,
        "Bo Ek <bo@acme.se>",
        at(12, 11, 14),
        "Jag är i Norge den dagen.\nKan vi ta fredag?",
    ),
    "meeting_declined": MeetingNews("Acme AB", "2026-Q4", "declined", START, "Bo Ek", earlier=True),
}
