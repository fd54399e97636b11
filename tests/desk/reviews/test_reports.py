"""Reports: each on its day, once, to the right people; figures equal to ledger and clocks (J3)."""

import datetime as dt
import email
import random
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from email import policy

import pytest

from daemon.desk.hours import balances
from daemon.desk.reviews import report_making, report_page
from daemon.desk.reviews.report_sending import send_due_reports
from daemon.domain import time_bank
from daemon.domain.delivery import SendError
from daemon.domain.document import PdfError
from daemon.domain.invoice import AccountingInvoice
from daemon.domain.money import Money, total
from daemon.domain.periods import Period
from daemon.store.money import register, statements
from daemon.store.session import open_store
from daemon.store.tickets import reports as stored
from daemon.store.tickets import tickets
from tests.builders import (
    SETTINGS,
    a_desk,
    a_mail,
    an_engineers_mail,
    header_of,
    instant,
    text_of,
)
from tests.servers import memory

SETTINGS_YEAR = SETTINGS.replace('"2026-11"', '"2026-01"')
PEOPLE = """
[[engineers]]
name = "Anna Svensson"
email = "anna@example.se"
roles = ["engineer", "manager"]
"""


def a_customer(key, plan, *, more="", since="2026-01-01", reports_to=True, manager=True):
    to = f'reports_to = ["vd@{key}.se"]\n' if reports_to else ""
    by = 'manager = "anna@example.se"\n' if manager else ""
    return f"""
[[customers]]
key = "{key}"
name = "{key.capitalize()} AB"
domains = ["{key}.se"]
contacts = [
    {{ name = "Bo Ek", email = "bo@{key}.se" }},
    {{ name = "Vera D", email = "vd@{key}.se" }},
]
{to}{by}{more}
[[customers.agreements]]
plan = "{plan}"
from = {since}
"""


EVERY_PLAN = PEOPLE + a_customer("alfa", "alert") + a_customer("beta", "attend")
EVERY_PLAN += a_customer("gamma", "access")


@dataclass
class Paper:
    """A printer that keeps what it is given; without its libraries where told so."""

    missing: bool = False
    printed: list = field(default_factory=list)

    def print(self, html):
        if self.missing:
            raise PdfError("WeasyPrint's libraries are missing", remedy="apt install libpango")
        self.printed.append(html)
        return b"%PDF-1.7 " + str(len(self.printed)).encode()


@dataclass
class Books:
    """An accounting system that takes every draft."""

    made: list = field(default_factory=list)

    def preflight(self, drafts):
        return []

    def find(self, reference):
        return [each for each in self.made if each.reference == reference]

    def create(self, draft):
        number = str(len(self.made) + 1)
        self.made.append(AccountingInvoice(number, draft.reference, draft.net, draft.rows))
        return self.made[-1]

    def attach(self, number, name, pdf):
        return False


def send(desk, at, paper=None):
    """Everything that is due at an instant; what was sent is with the mailer."""
    paper = paper or Paper()
    while send_due_reports(desk.desk, paper, instant(at)):
        pass
    desk.work(at)
    return paper


def ask(desk, key, text, at, *, answer, after=dt.timedelta(minutes=20)):
    """A customer's mail, and the engineer's answer so long after."""
    asked = instant(at)
    desk.get(a_mail(f"bo@{key}.se", text, f"Hej, {text} {at}"), asked)
    notice = desk.mailer.to("anna@example.se")[-1]
    desk.get(an_engineers_mail(answer, reply_to=notice), asked + after)


def made(desk, key, period, at):
    with desk.desk.store.reading() as tx:
        customer = register.customer_by_key(tx, key)
        return report_making.make_report(tx, desk.desk, customer, Period.parse(period), instant(at))


def mails(desk, to, word="Supportrapport"):
    return [raw for raw in desk.mailer.to(to) if word in subject(raw)]


def subject(raw):
    return str(email.message_from_bytes(raw, policy=policy.default)["Subject"])


def files(raw):
    parsed = email.message_from_bytes(raw, policy=policy.default)
    return {part.get_filename(): part.get_content() for part in parsed.iter_attachments()}


@pytest.fixture
def desk(store, tmp_path):
    return a_desk(store, tmp_path, settings=SETTINGS_YEAR, register=EVERY_PLAN)


# --- a year, for a customer of each plan ------------------------------------------------------

FIRST_WORKING_DAYS = (  # 1 May is closed, and 1 January with the three days after it
    "2026-02-02",
    "2026-03-02",
    "2026-04-01",
    "2026-05-04",
    "2026-06-01",
    "2026-07-01",
    "2026-08-03",
    "2026-09-01",
    "2026-10-01",
    "2026-11-02",
    "2026-12-01",
    "2027-01-04",
)
EXPECTED = {
    "alfa": {f"2026-{month:02}": FIRST_WORKING_DAYS[month - 1] for month in range(1, 13)},
    "beta": {f"2026-Q{q}": FIRST_WORKING_DAYS[3 * q - 1] for q in range(1, 5)},
    "gamma": {"2026": "2027-01-04"},
}


def a_month_of_tickets(desk, month, chance):
    """Some tickets for everybody, answered sooner or later, with more or less time."""
    for key in ("alfa", "beta", "gamma"):
        for n in range(chance.choice((0, 1, 1, 2))):
            day = dt.date(2026, month, chance.randint(1, 25))
            at = f"{day} {chance.randint(6, 18):02}:{chance.randint(0, 59):02}"
            level = chance.choice(("", "Prio 1: ", "Prio 4: "))
            free = " ej deb" if chance.random() < 0.15 else ""
            answer = f"Hej! [tid: {chance.randint(10, 300)} min{free}]" + chance.choice(
                ("", " [klar]", " [orsak: Sjukdom]")
            )
            after = dt.timedelta(minutes=chance.choice((5, 30, 200, 3000)))
            ask(desk, key, f"{level}Ärende {month}-{n}", at, answer=answer, after=after)
        if month == 4:  # worked in the quarter before, noted in this one
            # One mail to three tickets would be one message: each answer has words of its own (B3).
            answer = f"Klart, {key}. [tid: 45 min igår]"
            ask(desk, key, "Från i går", "2026-04-01 07:10", answer=answer)


@pytest.fixture(scope="module")
def year(sqlite_template, tmp_path_factory):
    """Played through once: tickets, closes and reports, with a look at every early morning."""
    folder = tmp_path_factory.mktemp("year")
    home = tempfile.TemporaryDirectory(prefix="avtald-", dir=memory() or folder)
    shutil.copy(sqlite_template, home.name)
    store = open_store(f"sqlite:///{home.name}/{sqlite_template.name}")
    desk = a_desk(store, folder, settings=SETTINGS_YEAR, register=EVERY_PLAN)
    chance = random.Random(2026)
    books, paper = Books(), Paper()
    for month in range(1, 13):
        a_month_of_tickets(desk, month, chance)
        first = Period.parse(f"2026-{month:02}").end
        desk.close(f"{first} 00:00", books)
        for day in range(5):
            for clock in ("07:59", "08:00", "09:30"):
                send(desk, f"{first + dt.timedelta(days=day)} {clock}", paper)
    yield desk
    store.close()
    home.cleanup()


def test_each_report_is_sent_once_on_its_first_working_day_j3(year):
    with year.desk.store.reading() as tx:
        ids = {customer.key: customer.id for customer in register.customers(tx)}
        sent = stored.sent(tx)
    assert sent == {(ids[key], period) for key, days in EXPECTED.items() for period in days}
    for key, days in EXPECTED.items():
        found = mails(year, f"vd@{key}.se")
        assert len(found) == len(days)
        when = [
            email.utils.parsedate_to_datetime(header_of(raw, "Date")).astimezone(year.desk.zone)
            for raw in found
        ]
        assert [f"{each:%Y-%m-%d %H:%M}" for each in when] == [f"{d} 08:00" for d in days.values()]


def test_the_account_manager_has_a_copy_and_a_pack_for_each_report_j3(year):
    count = sum(len(days) for days in EXPECTED.values())
    assert len(mails(year, "anna@example.se")) == count
    assert len(mails(year, "anna@example.se", "Internt underlag")) == count
    assert mails(year, "vd@alfa.se", "Internt") == []


@pytest.mark.parametrize("key", EXPECTED)
def test_a_years_figures_equal_the_ledger_j3_g1(year, key):
    """Every minute of the ledger is in exactly one report, as worked then or as noted later."""
    told = [made(year, key, period, "2027-01-04 08:00").figures for period in EXPECTED[key]]
    with year.desk.store.reading() as tx:
        customer = register.customer_by_key(tx, key)
        reckoned = balances.reckoning(tx, year.desk, customer.id)
        ids = [row.id for row in stored.tickets_since(tx, customer.id, instant("2026-01-01"))]
        booked = sum(actual for actual, _ in tickets.time_on(tx, ids).values())
    assert booked > 0
    assert sum(each.minutes + each.late for each in told) == booked
    assert sum(each.late for each in told) == (0 if key == "gamma" else 45)
    days = sum(draw.overage for draw in reckoned.draws)
    assert sum(each.overage for each in told) <= days
    last = time_bank.balance(reckoned, dt.date(2026, 12, 31))
    bank = told[-1].banks[-1]
    assert (bank.granted, bank.used, bank.expired, bank.overage) == (
        last.granted,
        last.used,
        last.remaining,
        last.overage,
    )


@pytest.mark.parametrize("key", EXPECTED)
def test_a_years_figures_equal_the_clocks_j3_e8(year, key):
    told = [made(year, key, period, "2027-01-04 08:00").figures for period in EXPECTED[key]]
    with year.desk.store.reading() as tx:
        customer = register.customer_by_key(tx, key)
        since = instant("2026-01-01")
        rows = [row for row in stored.clocks_of(tx, customer.id, since) if row.kind == "response"]
        opened = stored.tickets_since(tx, customer.id, since)
    results = [row.result for row in rows]
    assert sum(each.opened for each in told) == len(opened) == len(rows)
    assert sum(each.met for each in told) == results.count("met")
    assert sum(each.missed for each in told) == results.count("missed")
    used = sorted(row.used_minutes for row in rows if row.result == "missed")
    assert (
        sorted(each.used for figures in told for each in figures.breaches if each.used is not None)
        == [each for each in used if each is not None][: len(used)]
    )


@pytest.mark.parametrize("key", EXPECTED)
def test_a_years_figures_equal_what_was_invoiced_j3_h2(year, key):
    told = [made(year, key, period, "2027-01-04 08:00").figures for period in EXPECTED[key]]
    with year.desk.store.reading() as tx:
        customer = register.customer_by_key(tx, key)
        frozen = statements.listing(tx, customer_id=customer.id)
    assert len(frozen) == 12
    assert total(each.net for each in told) == total(each.net for each in frozen)
    assert (
        total(month.fee for each in told for month in each.billed)
        == {
            "alfa": Money(9600000),
            "beta": Money(3600000),
            "gamma": Money(600000),
        }[key]
    )


def test_a_report_says_the_same_when_it_is_asked_for_later_h1(year):
    soon, later = (
        made(year, "alfa", "2026-03", at) for at in ("2026-04-01 08:00", "2027-05-01 08:00")
    )
    assert soon.figures == later.figures


def test_reasons_that_engineers_note_stand_in_the_report_c9(year):
    told = [made(year, "alfa", period, "2027-01-04 08:00") for period in EXPECTED["alfa"]]
    reasons = {each.reason for one in told for each in one.figures.breaches}
    assert "Sjukdom" in reasons


# --- who gets it ------------------------------------------------------------------------------


def test_the_mail_carries_text_html_and_the_pdf_j3(desk):
    send(desk, "2026-02-02 08:00")
    (raw,) = mails(desk, "vd@alfa.se")
    assert subject(raw) == "Supportrapport januari 2026 för Alfa AB"
    assert header_of(raw, "To") == "Vera D <vd@alfa.se>"
    assert header_of(raw, "Cc") == "Anna Svensson <anna@example.se>"
    assert files(raw) == {"supportrapport-alfa-2026-01.pdf": b"%PDF-1.7 1"}
    assert "Det var lugnt" in text_of(raw)
    assert header_of(raw, "Auto-Submitted") == "auto-generated"


def test_the_mail_shows_its_charts_as_pictures_that_go_along_j3(year):
    """Issue 9: no SVG and nothing that must be fetched, for Outlook and Gmail show neither."""
    raw = mails(year, "vd@alfa.se")[-1]
    parsed = email.message_from_bytes(raw, policy=policy.default)
    related = next(part for part in parsed.walk() if part.get_content_type() == "multipart/related")
    html, *shown = related.iter_parts()
    assert html.get_content_type() == "text/html"
    assert {each.get_content_type() for each in shown} == {"image/png"}
    assert all(each.get_content_disposition() == "inline" for each in shown)
    given = {each["Content-ID"].strip("<>") for each in shown}
    asked = re.findall(r'<img src="cid:([^"]+)" [^>]*alt="[^"]+"', html.get_content())
    assert asked
    assert set(asked) == given
    assert len(re.findall("<img", html.get_content())) == len(asked)


def test_an_english_customer_reads_english_j3(store, tmp_path):
    people = PEOPLE + a_customer("delta", "alert", more='language = "en"\n')
    desk = a_desk(store, tmp_path, settings=SETTINGS_YEAR, register=people)
    paper = send(desk, "2026-02-02 08:00")
    (raw,) = mails(desk, "vd@delta.se", "Support report")
    assert set(files(raw)) == {"support-report-delta-2026-01.pdf"}
    assert "All was quiet" in paper.printed[0]
    assert len(mails(desk, "anna@example.se", "Internt underlag")) == 1  # the desk's own language


def test_without_reports_to_the_manager_is_told_that_nobody_got_it(store, tmp_path):
    people = PEOPLE + a_customer("alfa", "alert", reports_to=False)
    desk = a_desk(store, tmp_path, settings=SETTINGS_YEAR, register=people)
    send(desk, "2026-02-02 08:00")
    assert mails(desk, "vd@alfa.se") == []
    (raw,) = mails(desk, "anna@example.se", "Internt")
    assert "Rapporten har inte gått till någon" in text_of(raw)


def test_with_nobody_at_all_the_operators_hear_of_it_once(store, tmp_path):
    people = PEOPLE.replace(', "manager"', "")
    people += a_customer("alfa", "alert", reports_to=False, manager=False)
    desk = a_desk(store, tmp_path, settings=SETTINGS_YEAR, register=people)
    for at in ("2026-02-02 08:00", "2026-03-02 08:00"):
        send(desk, at)
    assert len(desk.mailer.to("drift@example.se")) == 1
    assert "alfa har ingen mottagare" in text_of(desk.mailer.to("drift@example.se")[0])


def test_without_the_printers_libraries_it_goes_without_pdf_and_operators_hear_once(desk):
    paper = Paper(missing=True)
    send(desk, "2026-02-02 08:00", paper)
    send(desk, "2026-03-02 08:00", paper)
    found = mails(desk, "vd@alfa.se")
    assert [files(raw) for raw in found] == [{}, {}]
    assert "PDF" not in text_of(found[0])
    (alarm,) = desk.mailer.to("drift@example.se")
    assert "apt install libpango" in text_of(alarm)
    send(desk, "2026-04-01 08:00", Paper())
    send(desk, "2026-05-04 08:00", paper)
    assert len(desk.mailer.to("drift@example.se")) == 2  # it cleared in between


def test_one_customers_fault_stops_no_other_and_is_told_once(desk, monkeypatch):
    whole = report_making.gather_facts

    def gather(tx, desk, customer, period, now):
        if customer.key == "alfa":
            raise RuntimeError("odd")
        return whole(tx, desk, customer, period, now)

    monkeypatch.setattr(report_making, "gather_facts", gather)
    send(desk, "2026-04-01 08:00")
    send(desk, "2026-04-01 08:05")
    assert mails(desk, "vd@alfa.se") == []
    assert len(mails(desk, "vd@beta.se")) == 1
    alarms = desk.mailer.to("drift@example.se")
    assert [text_of(raw).count("odd") for raw in alarms] == [1, 1]  # February and March


@pytest.mark.parametrize("fault", [{"permanent": True}, {"unclear": True}])
def test_a_report_that_fails_or_may_have_is_not_repeated_and_operators_hear_of_it(desk, fault):
    whole = desk.mailer.send
    tried = []

    def refuse(envelope_from, recipient, raw):
        if recipient == "vd@alfa.se":
            tried.append(recipient)
            raise SendError("no such user", **fault)
        return whole(envelope_from, recipient, raw)

    desk.mailer.send = refuse
    send(desk, "2026-02-02 08:00")
    send(desk, "2026-02-03 08:00")
    assert tried == ["vd@alfa.se"]
    (alarm,) = desk.mailer.to("drift@example.se")
    assert "vd@alfa.se kom kanske inte fram" in " ".join(text_of(alarm).split())


# --- when it is due ---------------------------------------------------------------------------


def test_it_waits_until_all_mail_of_the_period_is_acted_on_h1(desk):
    desk.receive(a_mail("bo@alfa.se"), "2026-01-31 16:00")
    assert not send_due_reports(desk.desk, Paper(), instant("2026-02-02 08:00"))
    desk.work("2026-02-02 08:01")
    send(desk, "2026-02-02 08:02")
    assert "1 ärende kom in" in text_of(mails(desk, "vd@alfa.se")[0])


def test_nothing_is_sent_of_periods_before_the_first_month_or_go_live_h1(store, tmp_path):
    desk = a_desk(store, tmp_path, register=EVERY_PLAN)  # first_month is November
    send(desk, "2026-11-02 08:00")
    assert mails(desk, "vd@alfa.se") == []
    send(desk, "2026-12-01 08:00")
    assert len(mails(desk, "vd@alfa.se")) == 1


def test_an_old_agreement_imported_late_sends_no_heap_of_reports(desk):
    send(desk, "2026-11-02 08:00")
    sent = {subject(raw) for raw in mails(desk, "vd@alfa.se")}
    assert sent == {
        "Supportrapport september 2026 för Alfa AB",
        "Supportrapport oktober 2026 för Alfa AB",
    }


def test_a_customer_without_agreement_gets_none_f3(store, tmp_path):
    people = PEOPLE + a_customer("alfa", "alert").partition("[[customers.agreements]]")[0]
    desk = a_desk(store, tmp_path, settings=SETTINGS_YEAR, register=people)
    assert not send_due_reports(desk.desk, Paper(), instant("2026-02-02 08:00"))


# --- for our eyes -----------------------------------------------------------------------------


def test_the_pack_has_margin_plans_standstills_and_promises(desk):
    ask(
        desk,
        "alfa",
        "Byte av server",
        "2026-01-05 09:00",
        answer="Vi gör det. [tid: 4h] [löfte: Klart före sportlovet]",
    )
    send(desk, "2026-02-02 08:00")
    (raw,) = [raw for raw in mails(desk, "anna@example.se", "Internt") if "Alfa" in subject(raw)]
    assert list(files(raw)) == ["supportrapport-alfa-2026-01.pdf"]
    text = text_of(raw)
    assert "Klart före sportlovet" in text
    assert "26 dagar utan ett ord" in text
    assert "Per timme:    2 000,00 kr mot avtalets 850 kr" in text
    assert "Billigast för kunden hade varit Access!" in text
    customers = text_of(mails(desk, "vd@alfa.se")[0])
    assert "sportlovet" not in customers
    assert "Per timme" not in customers


# --- hostile subjects -------------------------------------------------------------------------

HOSTILE = (
    "<script>alert(1)</script><img src=http://evil.example/x>",
    "</td></tr></table>{{ 7*7 }} {% raw %}",
    "A" * 3_000,
    "gnp.\u202eexe | ** `x` ((y)) \\ [tid: 9h]",
    '"><svg onload=x><a href="file:///etc/passwd">',
)


def test_hostile_subjects_are_harmless_in_mail_and_page(desk):
    for n, text in enumerate(HOSTILE):
        ask(desk, "alfa", text, f"2026-01-{7 + n:02} 09:00", answer="Hej [tid: 30 min]")
    paper = send(desk, "2026-02-02 08:00")
    (raw,) = mails(desk, "vd@alfa.se")
    parsed = email.message_from_bytes(raw, policy=policy.default)
    page = next(html for html in paper.printed if "Alfa AB" in html)
    for html in (parsed.get_body(("html",)).get_content(), page):
        assert "<script" not in html
        assert set(re.findall(r'<img src="(.{4})', html)) <= {"cid:"}
        assert "<img src=h" not in html
        assert "<a " not in html
        assert "onload=x>" not in html
        assert "\u202e" not in html
        assert "AAAA" in html
        assert "A" * 400 not in html
        assert "{{ 7*7 }}" in html
    assert "5 ärenden" in text_of(raw)


def test_the_page_asks_for_nothing_outside_itself(desk):
    page = send(desk, "2026-02-02 08:00").printed[0]
    for word in ("http:", "https:", "url(", "<link", "@import", "<script", "src="):
        assert word not in page.replace("http://www.w3.org/2000/svg", "")
    assert report_page.WORDS["sv"]["report"] in page
