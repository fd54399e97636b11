"""`avtald check`: what needs attention is found, and each finding says how to mend it."""

import datetime as dt
from dataclasses import replace

import pytest

from daemon.desk.context import Desk
from daemon.desk.upkeep import check
from daemon.desk.upkeep.check import FAULT, OK, WARNING, Finding, MailRecords, ProbeError, Probes
from daemon.domain.agreement import BUILT_IN, Version
from daemon.domain.invoice import AccountingError, Problem
from daemon.domain.invoice import Fault as AccountingFault
from daemon.domain.opening_hours import Calendar
from daemon.domain.periods import Period
from daemon.domain.register import Account, Agreement, Contact, Customer, Person, Register
from daemon.domain.wording import speaker
from daemon.settings import load
from daemon.settings.tables import Accounting
from daemon.store import health, leases
from daemon.store.health import Health
from daemon.store.money import register as kept
from daemon.store.money import statements

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
ENGLISH = speaker("en")
COMPLETE = """
[desk]
name = "Exempel Support"
address = "support@example.se"
language = "en"
operators = ["drift@example.se"]
[intake.imap]
host = "imap.example.se"
username = "support@example.se"
password_file = "imap-password"
[intake.lmtp]
listen = "127.0.0.1:2424"
[outgoing]
host = "smtp.example.se"
[identity]
trusted_authserv_ids = ["mx.example.se"]
[accounting]
finance = ["ekonomi@example.se"]
first_month = "2026-10"
"""
SMALL = '[desk]\nname = "E"\naddress = "support@example.se"\nlanguage = "en"\n'
ANNA = Person(1, "Anna Svensson", "anna@example.se")
ACME = Account(
    Customer(1, "acme", "Acme AB", accounting_number="1001"),
    contacts=(Contact(1, 1, "Bo Ek", "bo@acme.se"),),
)


@pytest.fixture
def settings(tmp_path):
    """Reads settings from a text."""
    (tmp_path / "imap-password").write_text("secret", encoding="utf-8")
    (tmp_path / "imap-password").chmod(0o600)

    def read(text: str = COMPLETE) -> load.Settings:
        (tmp_path / "avtald.toml").write_text(text, encoding="utf-8")
        return load.load(tmp_path / "avtald.toml", {})

    return read


def attention(findings) -> list[Finding]:
    """What is not OK; each must say how to mend it."""
    found = [finding for finding in findings if finding.status != OK]
    assert all(finding.remedy for finding in found)
    return found


def one(findings) -> Finding:
    (found,) = attention(findings)
    return found


def examine(store, settings, **probes) -> list[Finding]:
    desk = Desk(store, settings, Calendar(settings.calendar), b"")
    return list(check.examine(desk, Probes(free_disk=10**12, **probes), NOW))


def test_a_complete_desk_needs_no_attention(any_store, settings):
    with any_store.writing() as tx:
        kept.keep_person(tx, replace(ANNA, id=0))
        customer = kept.keep_customer(tx, replace(ACME.customer, id=0))
        kept.keep_contact(tx, replace(ACME.contacts[0], customer_id=customer))
    findings = examine(any_store, settings())
    # The tests' own PostgreSQL runs without fsync, to be quick: that it is seen is right.
    unsafe = [] if any_store.is_sqlite else ["database"]
    assert [finding.area for finding in attention(findings)] == unsafe
    assert {finding.area for finding in findings} == {
        "configuration",
        "disk",
        "intake",
        "outgoing",
        "accounting",
        "calendar",
        "database",
        "register",
        "identity",
        "closing",
    }


def test_a_new_desk_is_told_of_everything_that_is_missing(store, settings):
    found = attention(examine(store, settings(SMALL)))
    assert [(finding.area, finding.status) for finding in found] == [
        ("configuration", WARNING),  # nobody is told of faults
        ("intake", WARNING),
        ("outgoing", WARNING),
        ("register", WARNING),  # no engineers
        ("register", WARNING),  # no finance
    ]


def test_a_database_out_of_reach_is_a_fault_and_the_rest_is_still_told(settings):
    from daemon.store.session import open_store

    nowhere = open_store("postgresql+psycopg://avtald@127.0.0.1:1/avtald")
    findings = examine(nowhere, settings())
    assert one(findings).area == "database"
    assert "calendar" in {finding.area for finding in findings}


def test_an_older_schema_is_a_fault_that_names_its_remedy(store, settings):
    with store.writing() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    found = one(examine(store, settings()))
    assert found.status == FAULT
    assert "avtald db upgrade" in found.remedy


@pytest.mark.parametrize(
    ("name", "value"),
    [("fsync", "off"), ("synchronous_commit", "off"), ("server_encoding", "LATIN1")],
)
def test_a_server_that_may_lose_a_commit_is_a_fault(name, value):
    """B1: a message is durable before it is acknowledged."""
    settings = {"fsync": "on", "synchronous_commit": "on", "server_encoding": "UTF8", name: value}
    found = Health("PostgreSQL 16", settings, "0001", "0001", ())
    assert one(check.database(found, ENGLISH)).status == FAULT
    assert f"{name} {value}" in one(check.database(found, ENGLISH)).message


@pytest.mark.parametrize(
    ("seconds", "status", "says"),
    [
        (45, WARNING, "45 s ahead of"),
        (-45, WARNING, "45 s behind"),
        (-300, FAULT, "300 s behind"),
        (20, OK, "PostgreSQL"),
    ],
)
def test_a_clock_that_is_not_the_database_servers_is_told(
    pg_store, monkeypatch, seconds, status, says
):
    """Leases follow the machines' clocks: two that differ take each other's work for abandoned."""
    true = leases.wall
    monkeypatch.setattr(leases, "wall", lambda: true() + dt.timedelta(seconds=seconds))
    durable = {"fsync": "on", "synchronous_commit": "on", "server_encoding": "UTF8"}
    found = replace(health.look(pg_store), settings=durable)
    last = list(check.database(found, ENGLISH))[-1]
    assert (last.status, says in last.message) == (status, True)


# --- the file and what is outside ----------------------------------------------------------------


def test_a_secret_that_others_can_read_is_told_with_the_command_that_hides_it(settings, tmp_path):
    secret = tmp_path / "imap-password"
    secret.chmod(0o644)
    found = one(check.configuration(settings(), ENGLISH))
    assert found.remedy == f"chmod 600 {secret}"
    secret.chmod(0o600)
    assert attention(check.configuration(settings(), ENGLISH)) == []


def test_too_little_disk_is_a_fault_at_the_reserve_of_the_doors():
    assert check.disk(499, 500, ENGLISH).status == FAULT
    assert check.disk(500, 500, ENGLISH).status == OK


def test_a_mailbox_is_logged_in_to(settings):
    asked = []

    def log_in(mailbox) -> str:
        asked.append(mailbox.name)
        return "IDLE, MOVE"

    findings = list(check.doors(settings(), Probes(mailbox=log_in), ENGLISH))
    assert asked == ["support@example.se@imap.example.se/INBOX"]
    assert findings[0] == Finding("intake", OK, f"IMAP {asked[0]}: IDLE, MOVE")
    assert findings[1].message == "LMTP 127.0.0.1:2424"


def test_what_does_not_answer_is_a_fault_with_the_probes_remedy(settings):
    def refuse(_server) -> str:
        raise ProbeError("login refused", "check the password")

    def grumble(_mailbox) -> str:
        raise ProbeError("no MOVE", "nothing to do: a keyword is used", warning=True)

    probes = Probes(outgoing=refuse, mailbox=grumble)
    found = check.outgoing(settings(), probes, ENGLISH)
    assert (found.status, found.remedy) == (FAULT, "check the password")
    assert found.message == "smtp.example.se:465: login refused"
    assert one(check.doors(settings(), probes, ENGLISH)).status == WARNING


class Books:
    """An accounting system whose preflight finds what it is told to."""

    def __init__(self, *problems: Problem, fault: AccountingError | None = None) -> None:
        self.problems = problems
        self.fault = fault

    def preflight(self, drafts):
        assert not drafts
        return self.problems

    def find(self, reference):
        """The first request that needs access: an empty preflight may make none."""
        if self.fault:
            raise self.fault
        return ()

    def close(self):
        """Nothing is open."""


def test_accounting_is_asked_through_its_port(settings):
    def findings(books: Books) -> list[Finding]:
        return list(check.accounting(settings(), Probes(accounting=lambda: books), ENGLISH))

    assert attention(findings(Books())) == []
    fault = AccountingError(AccountingFault.ACCESS, "no consent", remedy="avtald fortnox login")
    assert one(findings(Books(fault=fault))).remedy == "avtald fortnox login"
    soft, hard = Problem("a", "b", warning=True), Problem("c", "d")
    assert [each.status for each in findings(Books(soft, hard))] == [WARNING, FAULT]


# --- people and customers ------------------------------------------------------------------------


def test_from_alone_is_a_warning_and_no_way_at_all_a_fault(settings):
    """D1"""
    register = Register((ANNA,))
    alone = settings(SMALL + '[identity]\nrequire = "none"\n')
    assert one(check.identity(alone, register, Probes(), ENGLISH)).status == WARNING
    nothing = settings(SMALL + "[identity]\ndkim = false\n")
    assert one(check.identity(nothing, register, Probes(), ENGLISH)).status == FAULT


def test_people_whose_domain_enforces_no_dmarc_are_named(settings):
    """D1: their mail can never prove whose it is."""
    erik = Person(2, "Erik", "erik@example.com")
    gone = Person(3, "Gone", "gone@example.org", active=False)
    policies = {"example.se": "reject", "example.com": "none"}
    probes = Probes(records=lambda domain: MailRecords(dmarc=policies[domain]))
    found = one(check.identity(settings(), Register((ANNA, erik, gone)), probes, ENGLISH))
    assert found.message == "erik@example.com: example.com enforces no DMARC"


def test_where_dns_does_not_answer_nobody_is_accused(settings):
    probes = Probes(records=lambda _domain: None)
    assert attention(check.identity(settings(), Register((ANNA,)), probes, ENGLISH)) == []
    (found,) = check.dns("example.se", probes, ENGLISH)
    assert (found.status, found.message) == (OK, "example.se: DNS does not answer: not looked at")


def test_a_domain_with_all_three_records_is_ok():
    complete = MailRecords(spf="v=spf1 mx -all", dkim=True, dmarc="reject")
    (found,) = check.dns("example.se", Probes(records=lambda _domain: complete), ENGLISH)
    assert (found.status, found.message) == (OK, "example.se: SPF, DKIM, DMARC p=reject")


def test_each_missing_record_is_told_with_what_to_publish():
    weak = MailRecords(spf=None, dkim=False, dmarc="none")
    found = attention(check.dns("example.se", Probes(records=lambda _domain: weak), ENGLISH))
    assert [each.message for each in found] == [
        "example.se: no SPF record",
        "example.se: no DKIM key",
        "example.se: DMARC stops nobody (p=none)",
    ]
    assert "v=spf1" in found[0].remedy
    assert "v=DMARC1; p=quarantine" in found[2].remedy


def test_customers_without_contact_are_named_the_ended_ones_apart():
    ended = replace(ACME.contacts[0], active=False)
    accounts = [
        replace(ACME, customer=replace(ACME.customer, key=key, active=active), contacts=(ended,))
        for key, active in (("beta", True), ("gone", False))
    ]
    register = Register((), (ACME, *accounts))
    plain = Accounting()
    found = one(check.customers(register, _Settings(plain), ENGLISH))
    assert found.message == "no contact: beta"


def test_a_missing_accounting_number_matters_where_the_system_needs_one():
    """H6"""
    numberless = replace(ACME, customer=replace(ACME.customer, accounting_number=None))
    register = Register((), tuple(numberless for _ in range(12)))
    files, fortnox = Accounting(), _Fortnox()
    assert attention(check.customers(register, _Settings(files), ENGLISH)) == []
    found = one(check.customers(register, _Settings(fortnox), ENGLISH))
    assert found.message.startswith("no number: acme, ")
    assert found.message.endswith("… (12)")


class _Fortnox:
    needs_customer_number = True


class _Settings:
    def __init__(self, accounting) -> None:
        self.accounting = accounting


# --- calendar and closing ------------------------------------------------------------------------


def test_next_years_closed_days_are_listed_for_reading(settings):
    """A2, issue 6: those that would else be open."""
    calendar = Calendar(settings().calendar)
    found = check.holidays(calendar, dt.date(2026, 11, 20), ENGLISH)
    assert found.status == OK
    assert found.message.startswith("2027: 01-01 Nyårsdagen, 01-06 Trettondedag jul, 03-26 ")
    assert "05-01" not in found.message  # a Saturday
    assert "06-25 Midsommarafton" in found.message


def test_a_country_whose_holidays_nobody_knows_is_a_mistake_of_the_file(settings):
    with pytest.raises(load.MistakesError, match="no holidays are known for country 'QQ'"):
        settings(SMALL + '[calendar]\ncountry = "QQ"\n')


def test_a_desk_that_never_opens_next_year_is_a_fault(settings):
    """A3: an error after 60 days without an opening."""
    days = [dt.date(2027, 1, 1) + dt.timedelta(days=day) for day in range(62)]
    text = f"{SMALL}[calendar]\nclosed = [{', '.join(map(str, days))}]\n"
    found = check.holidays(Calendar(settings(text).calendar), dt.date(2026, 11, 1), ENGLISH)
    assert (found.area, found.status) == ("calendar", FAULT)


def test_past_months_that_would_be_billed_are_told_until_the_first_is_chosen(settings):
    """H1"""
    months = [Period.parse("2026-01"), Period.parse("2026-02")]

    def closing(text: str, *, first: bool) -> Finding:
        return check.closing(months, settings(text), first=first, say=ENGLISH)

    assert closing(SMALL, first=True).status == WARNING
    assert "2 past months (2026-01 – 2026-02)" in closing(SMALL, first=True).message
    assert closing(COMPLETE, first=True).status == OK
    assert closing(SMALL, first=False).status == OK
    assert check.closing([], settings(), first=True, say=ENGLISH).status == OK


def test_the_months_are_those_of_the_register(store, settings):
    with store.writing() as tx:
        customer = kept.keep_customer(tx, replace(ACME.customer, id=0))
        terms = BUILT_IN["alert"].terms
        version = Version(0, "acme", dt.date(2026, 9, 1), None, renews=True, terms=terms)
        kept.keep_agreement(tx, customer, Agreement(version, {}))
    found = [each for each in examine(store, settings(SMALL)) if each.area == "closing"]
    assert "2 past months (2026-09 – 2026-10)" in found[0].message
    with store.writing() as tx:
        statements.close(tx, "2026-10", NOW, ())
    found = [each for each in examine(store, settings(SMALL)) if each.area == "closing"]
    assert found[0].status == OK


SMTP_DOOR = COMPLETE + '[intake.smtp]\nlisten = "127.0.0.1:2525"\n'


def smtp_door(settings):
    return check.doors(settings, Probes(), ENGLISH)


def test_a_door_that_believes_whoever_connects_is_told_with_its_cure_D1(settings):
    (found,) = attention(smtp_door(settings(SMTP_DOOR)))
    assert "any program on this machine may write Authentication-Results" in found.message
    assert "unix:/run/avtald/smtp" in found.remedy


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ('"127.0.0.1:2525"', '"unix:/run/avtald/smtp"'),
        ('trusted_authserv_ids = ["mx.example.se"]', "trusted_authserv_ids = []"),
        ('trusted_authserv_ids = ["mx.example.se"]', 'require = "none"'),
    ],
)
def test_a_door_that_believes_nobody_s_header_is_well_D1(settings, was, now):
    assert attention(smtp_door(settings(SMTP_DOOR.replace(was, now)))) == []
