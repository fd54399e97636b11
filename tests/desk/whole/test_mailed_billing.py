"""Histories that come in as engineers' mails: the months bill what a naive model says (G, H).

The model keeps a list of what each mail should have done, minute by minute, and hands what is left
at the end to the naive years of tests/domain.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.desk.upkeep import verify
from daemon.domain.agreement import BUILT_IN, Version
from daemon.domain.money import Money
from daemon.domain.periods import Period
from daemon.store.money import register, statements
from tests.builders import REGISTER, SETTINGS, a_desk, a_mail, an_engineers_mail, instant
from tests.desk.month.billing_stories import Books
from tests.domain.naive_billing import NaiveYears, hundredths

WRITERS = {"acme": "bo@acme.se", "beta": "cia@beta.se", "delta": "eve@delta.se"}
ENGINEERS = {"anna": "Anna Svensson <anna@example.se>", "erik": "Erik Lind <erik@example.se>"}
FIRST, LAST = Period.parse("2026-11"), Period.parse("2027-03")
PER_QUARTER_HOUR = REGISTER.replace('plan = "attend"', 'plan = "attend"\nincrement = "15m"')
AGREED = {
    "acme": [Version(1, "acme", dt.date(2026, 1, 1), None, True, BUILT_IN["alert"].terms)],
    "beta": [
        Version(
            2,
            "beta",
            dt.date(2026, 11, 1),
            None,
            True,
            replace(BUILT_IN["attend"].terms, increment=15),
        )
    ],
    "delta": [],
}


@dataclass
class Booked:
    """One entry of the model: a mail's tag, with the minutes that are left of it."""

    id: int
    ticket: int
    engineer: str
    worked_on: dt.date
    received_at: dt.datetime
    ordinal: int
    left: int
    counts: bool
    undone: bool = False
    outside: bool = False
    billable: int = 0  # what is left, rounded up as the customer's terms say


@dataclass
class Written:
    """One mail of an engineer with tags, and its receipt."""

    ticket: int
    engineer: str
    receipt: bytes
    booked: list
    taken: dict = field(default_factory=lambda: defaultdict(int))  # minutes by entry
    undone: bool = False


@dataclass
class Story:
    """A desk and the model of it, side by side."""

    desk: object
    at: dt.datetime
    books: Books = field(default_factory=Books)
    owner: list = field(default_factory=list)  # by ticket: the customer
    notices: list = field(default_factory=list)
    entries: list = field(default_factory=list)
    mails: list = field(default_factory=list)
    count: int = 0

    def wait(self, days, hours):
        """Let time pass; months close on their way."""
        later = self.at + dt.timedelta(days=days, hours=hours)
        if (later.year, later.month) != (self.at.year, self.at.month):
            self.desk.close(later.replace(day=1, hour=6), self.books)
        self.at = later

    def ask(self, customer):
        """A customer opens a ticket."""
        self.count += 1
        self.desk.get(a_mail(WRITERS[customer], f"Fråga {self.count}", f"{self.count}"), self.at)
        self.owner.append(customer)
        self.notices.append(self.desk.mailer.to("anna@example.se")[-1])

    def write(self, engineer, text, reply_to):
        self.count += 1
        sent = len(self.desk.mailer.to(f"{engineer}@example.se"))
        raw = an_engineers_mail(
            f"Svar {self.count}\n{text}\n", sender=ENGINEERS[engineer], reply_to=reply_to
        )
        self.desk.get(raw, self.at)
        told = self.desk.mailer.to(f"{engineer}@example.se")
        assert len(told) == sent + 1, text  # every mail with tags has one receipt (C14)
        return told[-1]

    # --- what a mail may do ---------------------------------------------------------------

    def book(self, number, engineer, tags):
        """One or two entries, each with minutes, days back, and whether it counts."""
        ticket = number % len(self.owner)
        made, texts = [], []
        for ordinal, (minutes, back, counts) in enumerate(tags):
            day = self.at.date() - dt.timedelta(days=back)
            texts.append(f"[tid: {minutes}m {day}{'' if counts else ' ej deb'}]")
            made.append(
                Booked(
                    len(self.entries) + ordinal,
                    ticket,
                    engineer,
                    day,
                    self.at,
                    ordinal,
                    minutes,
                    counts,
                )
            )
        days = {each.worked_on for each in made}
        if any(self.minutes(engineer, day) + 600 > 1440 for day in days):
            return  # so much of one day would be held (C11)
        receipt = self.write(engineer, "\n".join(texts), self.notices[ticket])
        self.entries += made
        self.mails.append(Written(ticket, engineer, receipt, made))

    def minutes(self, engineer, day):
        return sum(e.left for e in self.entries if (e.engineer, e.worked_on) == (engineer, day))

    def correct(self, how, number, minutes, counts):
        """Take minutes off what a date, a receipt, or nothing at all names (G4)."""
        if not self.mails:
            return
        mail = self.mails[number % len(self.mails)]
        ticket, engineer = mail.ticket, mail.engineer
        mine = [each for each in self.entries if each.ticket == ticket]
        day, reply_to = "", self.notices[ticket]
        if how == "date":
            day = self.entries[number % len(self.entries)].worked_on
            mine = [each for each in mine if each.worked_on == day]
        elif how == "receipt":
            mine, reply_to = list(mail.booked), mail.receipt
        else:
            mine = [each for each in mine if each.engineer == engineer]
        mine = [each for each in mine if each.counts == counts]
        minutes = minutes or sum(each.left for each in mine) or 1  # 0: all that there is
        text = f"[tid: -{minutes}m {day}{'' if counts else ' ej deb'}]"
        receipt = self.write(engineer, text, reply_to)
        written = Written(ticket, engineer, receipt, [])
        self.mails.append(written)
        if sum(each.left for each in mine) < minutes:
            return  # refused whole
        for _ in range(minutes):
            holding = [each for each in mine if each.left]
            latest = max(holding, key=lambda e: (e.received_at, e.ordinal, e.id))
            latest.left -= 1
            written.taken[latest.id] += 1

    def undo(self, number):
        """[ångra] in reply to a receipt: what its mail booked goes, what it took comes back."""
        if not self.mails:
            return
        mail = self.mails[number % len(self.mails)]
        self.write(mail.engineer, "[ångra]", mail.receipt)
        if mail.undone:
            return
        mail.undone = True
        for each in mail.booked:
            each.left, each.undone = 0, True
        for entry, minutes in mail.taken.items():
            if not self.entries[entry].undone:
                self.entries[entry].left += minutes

    def move(self, number, customer):
        """[kund: …]: the ticket's time is another customer's, with that one's terms (D7)."""
        ticket = number % len(self.owner)
        self.write("anna", f"[kund: {customer}]", self.notices[ticket])
        self.owner[ticket] = customer

    def regret(self, number, engineer, tags, customer, order):
        """Book, correct some or all of it, and undo both, in some order; the ticket may move."""
        self.book(number, engineer, tags)
        booked = len(self.mails) - 1
        for what in order:
            if what == "move":
                self.move(number, customer)
            elif what == "correct":
                self.correct("receipt", booked, 0, tags[0][2])
            else:
                self.undo(booked if what == "first" else len(self.mails) - 1)

    # --- what it comes to -----------------------------------------------------------------

    def due(self, customer, desk):
        """Fees in öre by month and version, hours by period and rate, for all time."""
        mine = [each for each in self.entries if self.owner[each.ticket] == customer and each.left]
        found = [replace(each, billable=_rounded(customer, each)) for each in mine]
        years = NaiveYears(AGREED[customer], 2026, 2027)
        due = years.overage(found, (), desk.none_terms, FIRST.start, LAST.end)
        hours = {key: Decimal(hundredths(each)).scaleb(-2) for key, each in due.items()}
        return years.fees(FIRST.start, LAST.end), hours


def _rounded(customer, entry):
    """Minutes to bill; the increment of an agreement holds from its first day (G5)."""
    minutes = entry.left
    for version in AGREED[customer]:
        while version.starts <= entry.worked_on and minutes % version.terms.increment:
            minutes += 1
    return minutes


numbers = st.integers(0, 5)
customers = st.sampled_from(sorted(WRITERS))
engineers = st.sampled_from(sorted(ENGINEERS))
minutes = st.integers(1, 300)
tags = st.lists(
    st.tuples(minutes, st.sampled_from([0, 0, 1, 4, 12, 40]), st.integers(0, 4).map(bool)),
    min_size=1,
    max_size=2,
)
booking = st.tuples(st.just("book"), numbers, engineers, tags)
correcting = st.tuples(
    st.just("correct"),
    st.sampled_from(["date", "receipt", "own"]),
    numbers,
    st.just(0) | minutes,
    st.integers(0, 4).map(bool),
)
regretting = st.tuples(
    st.just("regret"),
    numbers,
    engineers,
    tags,
    customers,
    st.lists(st.sampled_from(["correct", "first", "last", "move"]), min_size=2, max_size=5),
)
undoing = st.tuples(st.just("undo"), numbers)
moving = st.tuples(st.just("move"), numbers, customers)
waiting = st.tuples(st.just("wait"), st.integers(0, 20), st.integers(0, 5))
asking = st.tuples(st.just("ask"), customers)
steps = st.one_of(booking, regretting, regretting, correcting, undoing, moving, waiting, asking)


def billed(desk, customer):
    """What all statements of a customer billed, and the credit that no month had room for."""
    fees, hours = defaultdict(int), defaultdict(Decimal)
    with desk.desk.store.reading() as tx:
        owner = register.customer_by_key(tx, customer)
        found = statements.listing(tx, customer_id=owner.id)
        for each in found:
            rows = statements.rows_of(tx, each.id)
            assert each.net.ore == sum(row.amount.ore for row in rows if row.amount) >= 0
            for row in rows:
                if row.kind == "fee":
                    fees[row.period, row.version] += row.amount.ore
                elif row.kind == "overage":
                    hours[row.period, row.rate.ore] += row.quantity
    return fees, hours, found[-1].left_out.ore if found else 0


def check(desk, story):
    for customer in WRITERS:
        fees, hours, left_out = billed(desk, customer)
        model_fees, model_hours = story.due(customer, desk.desk)
        assert sorted(fees.values()) == sorted(model_fees.values())
        surplus = 0
        for period, rate in {*hours, *model_hours}:
            more = hours[period, rate] - model_hours.get((period, rate), Decimal(0))
            assert more >= 0, (customer, period, rate, hours, model_hours)
            surplus += Money(rate).times(more).ore
        assert surplus == -left_out, (customer, hours, model_hours)
    with desk.desk.store.reading() as tx:
        assert verify.prove(tx).faults == []


def play(desk, told):
    story = Story(desk, instant("2026-11-03 10:00"))
    for customer in WRITERS:
        story.ask(customer)
    for name, *arguments in told:
        if name != "wait" or story.at < instant("2027-02-25 00:00"):
            getattr(story, name)(*arguments)
        if name != "wait":
            story.wait(0, 1)
    story.desk.close("2027-04-01 06:00", story.books)
    check(desk, story)


@pytest.fixture
def quarter_hours(make_desk, store, tmp_path):
    """Makes a desk anew, where beta pays by the quarter of an hour."""

    def made():
        desk = make_desk()
        a_desk(desk.desk.store, tmp_path, settings=SETTINGS, register=PER_QUARTER_HOUR)
        return desk

    return made


CALM = {
    "deadline": None,
    "suppress_health_check": [
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ],
}


@settings(max_examples=12, **CALM)
@given(told=st.lists(steps, min_size=4, max_size=14))
def test_what_engineers_mails_book_is_billed_as_the_naive_model_says_H3(quarter_hours, told):
    play(quarter_hours(), told)


@pytest.mark.long
@settings(max_examples=400, **CALM)
@given(told=st.lists(steps, min_size=4, max_size=25))
def test_what_many_engineers_mails_book_is_billed_as_the_naive_model_says_H3(quarter_hours, told):
    play(quarter_hours(), told)
