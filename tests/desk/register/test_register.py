"""A register file becomes the register: declarative, idempotent, all or nothing (contract.md 2)."""

import datetime as dt
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from daemon.desk.context import Desk
from daemon.desk.register import importing as registering
from daemon.desk.register.changes import Change
from daemon.desk.register.export import as_tables, as_toml
from daemon.desk.register.file import tables_of
from daemon.domain.agreement import BUILT_IN, Prices
from daemon.domain.money import Money
from daemon.domain.opening_hours import Calendar
from daemon.domain.periods import Period
from daemon.settings import load
from daemon.settings.checked import MistakesError
from daemon.store.money import register, statements
from daemon.store.schema.tables import events

SETTINGS = '[desk]\nname = "Exempel Support"\naddress = "support@example.se"\n'
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
CONTRACT = """
[[engineers]]
name = "Anna Svensson"
email = "anna@example.se"
aliases = ["anna.svensson@example.se"]
roles = ["engineer"]

[[customers]]
key = "acme"
name = "Acme AB"
organisation_number = "556000-0000"
language = "sv"
accounting_number = "1001"
your_reference = "Eva Ek"
domains = ["acme.se"]
contacts = [{ name = "Bo Ek", email = "bo@acme.se" }]
reports_to = ["vd@acme.se"]
manager = "anna@example.se"

[[customers.agreements]]
plan = "alert"
from = 2026-01-01
until = 2026-12-31
monthly_fee = "8000.00"
"""
ACME = '[[customers]]\nkey = "acme"\nname = "Acme AB"\n'
AGREED = ACME + '[[customers.agreements]]\nplan = "alert"\nfrom = 2026-01-01\n'


class ADesk:
    """A register in a transaction, and the settings that files are read with."""

    def __init__(self, tx, settings) -> None:
        self.tx = tx
        self.settings = settings

    def plan(self, text: str) -> registering.Import:
        read = tables_of(tomllib.loads(text), "register.toml")
        return registering.plan(self.tx, "register.toml", read, self.settings)

    def bring_in(self, text: str) -> list[Change]:
        asked = self.plan(text)
        registering.apply(self.tx, asked, NOW)
        return list(asked.changes)

    def mistakes(self, text: str) -> dict[str, str]:
        before = register.load(self.tx)
        with pytest.raises(MistakesError) as caught:
            self.bring_in(text)
        assert register.load(self.tx) == before
        return {mistake.key: mistake.says for mistake in caught.value.mistakes}

    def account(self, key: str):
        whole = register.load(self.tx).accounts
        return next(each for each in whole if each.customer.key == key)

    def terms(self, key: str = "acme", at: int = 0):
        return self.account(key).agreements[at].version.terms


@pytest.fixture
def desk(store, tmp_path):
    """An empty register; nothing of it is kept after the test."""
    file = tmp_path / "avtald.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    with store.writing() as tx:
        yield ADesk(tx, load.load(file, {}))
        tx.rollback()


def told(changes: list[Change]) -> list[tuple[str, str, str]]:
    return [(change.kind, change.what, change.name) for change in changes]


# --- declarative and idempotent ------------------------------------------------------------------


def test_the_file_of_the_contract_is_brought_in_whole(desk):
    changes = desk.bring_in(CONTRACT)
    assert told(changes) == [
        ("added", "engineer", "anna@example.se"),
        ("added", "customer", "acme"),
        ("added", "contact", "bo@acme.se"),
        ("added", "agreement", "2026-01-01"),
    ]
    anna = register.person_by_address(desk.tx, "anna.svensson@example.se")
    account = desk.account("acme")
    assert account.customer.manager == anna
    assert account.customer.reports_to == ("vd@acme.se",)
    assert account.domains == ("acme.se",)
    assert [(each.name, each.email) for each in account.contacts] == [("Bo Ek", "bo@acme.se")]
    version = account.agreements[0].version
    assert (version.starts, version.until) == (dt.date(2026, 1, 1), dt.date(2026, 12, 31))
    assert version.terms == BUILT_IN["alert"].terms


def test_the_second_time_there_is_nothing_to_change(desk):
    desk.bring_in(CONTRACT)
    assert desk.bring_in(CONTRACT) == []


def test_a_plan_of_changes_changes_nothing(desk):
    asked = desk.plan(CONTRACT)
    assert asked.changes
    assert register.load(desk.tx) == asked.before


def test_an_object_that_does_not_stand_in_the_file_is_left_alone(desk):
    desk.bring_in(CONTRACT)
    before = desk.account("acme")
    desk.bring_in('[[customers]]\nkey = "beta"\nname = "Beta AB"\n')
    assert desk.account("acme") == before


def test_a_key_that_does_not_stand_keeps_what_it_was(desk):
    desk.bring_in(CONTRACT)
    before = desk.account("acme")
    changes = desk.bring_in('[[customers]]\nkey = "acme"\nname = "Acme Group AB"\n')
    assert changes == [
        Change("changed", "customer", "acme", None, {"name": ("Acme AB", "Acme Group AB")})
    ]
    after = desk.account("acme")
    assert after == replace(before, customer=replace(before.customer, name="Acme Group AB"))


def test_an_address_is_compared_whatever_its_case(desk):
    desk.bring_in(CONTRACT)
    assert desk.bring_in('[[engineers]]\nemail = "Anna@Example.SE"\n') == []


def test_empty_text_takes_away_what_was_there(desk):
    desk.bring_in(CONTRACT)
    cleared = '[[customers]]\nkey = "acme"\nyour_reference = ""\nlanguage = ""\nmanager = ""\n'
    desk.bring_in(cleared)
    customer = desk.account("acme").customer
    assert customer.your_reference is customer.language is customer.manager is None
    assert desk.bring_in(cleared) == []


def test_a_list_is_set_whole(desk):
    desk.bring_in(CONTRACT)
    desk.bring_in(
        '[[engineers]]\nemail = "anna@example.se"\naliases = ["as@example.se"]\n'
        '[[customers]]\nkey = "acme"\ndomains = ["acme.com", "acme.eu"]\nreports_to = []\n'
    )
    assert register.person_by_address(desk.tx, "anna.svensson@example.se") is None
    assert register.person_by_address(desk.tx, "as@example.se").email == "anna@example.se"
    account = desk.account("acme")
    assert account.domains == ("acme.com", "acme.eu")
    assert account.customer.reports_to == ()


def test_a_contact_that_left_the_list_ends_and_returns_with_it(desk):
    desk.bring_in(CONTRACT)
    changes = desk.bring_in('[[customers]]\nkey = "acme"\ncontacts = [{ email = "eva@acme.se" }]\n')
    assert told(changes) == [
        ("ended", "contact", "bo@acme.se"),
        ("added", "contact", "eva@acme.se"),
    ]
    back = '[[customers]]\nkey = "acme"\ncontacts = [{ email = "bo@acme.se" }]\n'
    assert told(desk.bring_in(back)) == [
        ("resumed", "contact", "bo@acme.se"),
        ("ended", "contact", "eva@acme.se"),
    ]
    bo = next(each for each in desk.account("acme").contacts if each.active)
    assert bo.name == "Bo Ek"


def test_active_false_ends_and_keeps_the_history(desk):
    desk.bring_in(CONTRACT)
    ended = (
        '[[engineers]]\nemail = "anna@example.se"\nactive = false\n'
        '[[customers]]\nkey = "acme"\nactive = false\n'
    )
    assert told(desk.bring_in(ended)) == [
        ("ended", "engineer", "anna@example.se"),
        ("ended", "customer", "acme"),
    ]
    assert register.customer_of_address(desk.tx, "bo@acme.se") is None
    account = desk.account("acme")
    assert account.customer.manager.name == "Anna Svensson"
    assert len(account.agreements) == 1
    assert desk.bring_in(ended) == []
    assert desk.bring_in('[[engineers]]\nemail = "anna@example.se"\n') == []


def test_the_order_of_addresses_in_a_file_is_no_change(desk):
    desk.bring_in(ACME + 'domains = ["b.se", "a.se"]\n')
    assert desk.bring_in(ACME + 'domains = ["a.se", "b.se", "a.se"]\n') == []


def test_two_imports_at_once_on_postgresql_make_the_changes_once(pg_store, desk):
    """One waits for the other, and then finds nothing to change."""
    read = tables_of(tomllib.loads(CONTRACT), "register.toml")
    together = threading.Barrier(2, timeout=30)

    def bring_in() -> int:
        together.wait()
        whole = Desk(pg_store, desk.settings, Calendar(desk.settings.calendar), b"")
        imported = registering.import_tables(whole, "register.toml", read, NOW, dry_run=False)
        return len(imported.changes)

    with ThreadPoolExecutor(2) as pool:
        counts = [pool.submit(bring_in) for _ in range(2)]
        assert sorted(count.result(timeout=60) for count in counts) == [0, 4]
    with pg_store.reading() as tx:
        assert tomllib.loads(as_toml(register.load(tx))) == tomllib.loads(CONTRACT)


# --- people --------------------------------------------------------------------------------------


def test_who_gets_a_new_address_is_the_same_person(desk):
    desk.bring_in(CONTRACT)
    anna = register.person_by_address(desk.tx, "anna@example.se")
    married = (
        '[[engineers]]\nname = "Anna Ek"\nemail = "anna.ek@example.se"\n'
        'aliases = ["anna@example.se"]\n'
    )
    changes = desk.bring_in(married)
    assert told(changes) == [("changed", "engineer", "anna.ek@example.se")]
    assert register.person_by_address(desk.tx, "anna@example.se").id == anna.id
    assert desk.account("acme").customer.manager.email == "anna.ek@example.se"
    assert desk.bring_in(married) == []


def test_a_manager_is_named_by_any_of_their_addresses(desk):
    alias = CONTRACT.replace('manager = "anna@', 'manager = "anna.svensson@')
    desk.bring_in(alias)
    assert desk.account("acme").customer.manager.email == "anna@example.se"
    assert desk.bring_in(CONTRACT) == []


def test_a_manager_who_has_ended_may_stand_but_not_be_named_anew(desk):
    desk.bring_in(CONTRACT)
    desk.bring_in('[[engineers]]\nemail = "anna@example.se"\nactive = false\n')
    assert desk.bring_in('[[customers]]\nkey = "acme"\nmanager = "anna@example.se"\n') == []
    wrong = desk.mistakes(ACME.replace("acme", "beta") + 'manager = "anna@example.se"\n')
    assert "customers[beta].manager" in wrong


def test_an_address_of_one_who_has_ended_may_be_taken_over(desk):
    desk.bring_in(CONTRACT)
    desk.bring_in(
        '[[engineers]]\nemail = "anna@example.se"\nactive = false\n'
        '[[engineers]]\nname = "Erik Lind"\nemail = "erik@example.se"\n'
        'aliases = ["anna@example.se", "anna.svensson@example.se"]\n'
    )
    assert register.person_by_address(desk.tx, "anna@example.se").email == "erik@example.se"


# --- what two claim ------------------------------------------------------------------------------


def test_a_domain_of_two_customers_in_the_file_is_an_error_at_both(desk):
    two = ACME + 'domains = ["acme.se"]\n'
    wrong = desk.mistakes(two + two.replace('"acme"', '"beta"'))
    assert set(wrong) == {"customers[acme].domains", "customers[beta].domains"}
    assert "customer beta" in wrong["customers[acme].domains"]


def test_a_domain_that_another_customer_has_already_is_an_error(desk):
    desk.bring_in(CONTRACT)
    wrong = desk.mistakes('[[customers]]\nkey = "beta"\nname = "B"\ndomains = ["ACME.se"]\n')
    assert "customer acme" in wrong["customers[beta].domains"]


@pytest.mark.parametrize(
    ("address", "who"),
    [
        ("bo@acme.se", "customer acme"),
        ("anna.svensson@example.se", "Anna Svensson"),
        ("support@example.se", "the desk itself"),
    ],
)
def test_an_address_identifies_one_of_ours_or_one_customer(desk, address, who):
    desk.bring_in(CONTRACT)
    beta = f'[[customers]]\nkey = "beta"\nname = "B"\ncontacts = [{{ email = "{address}" }}]\n'
    assert who in desk.mistakes(beta)["customers[beta].contacts"]


def test_the_desks_own_address_is_no_engineers(desk):
    wrong = desk.mistakes('[[engineers]]\nname = "A"\nemail = "support@example.se"\n')
    assert "the desk itself" in wrong["engineers[support@example.se]"]


def test_an_alias_of_two_engineers_is_an_error(desk):
    text = '[[engineers]]\nname = "{0}"\nemail = "{0}@example.se"\naliases = ["jour@example.se"]\n'
    wrong = desk.mistakes(text.format("a") + text.format("b"))
    assert set(wrong) == {"engineers[a@example.se]", "engineers[b@example.se]"}


def test_a_domain_moves_within_one_file(desk):
    desk.bring_in(CONTRACT)
    desk.bring_in(
        '[[customers]]\nkey = "acme"\ndomains = []\ncontacts = []\n'
        '[[customers]]\nkey = "beta"\nname = "Beta"\ndomains = ["acme.se"]\n'
        'contacts = [{ email = "bo@acme.se" }]\n'
    )
    customer, contact = register.customer_of_address(desk.tx, "bo@acme.se")
    assert (customer.key, contact.email) == ("beta", "bo@acme.se")
    assert register.customer_of_address(desk.tx, "eva@acme.se")[0].key == "beta"


def test_what_an_ended_customer_had_is_free_for_another(desk):
    desk.bring_in(CONTRACT)
    desk.bring_in('[[customers]]\nkey = "acme"\nactive = false\n')
    changes = desk.bring_in(
        '[[customers]]\nkey = "beta"\nname = "Beta"\ndomains = ["acme.se"]\n'
        'contacts = [{ email = "bo@acme.se" }]\n'
    )
    assert ("changed", "customer", "acme") in told(changes)
    assert register.customer_of_address(desk.tx, "bo@acme.se")[0].key == "beta"
    wrong = desk.mistakes('[[customers]]\nkey = "acme"\nactive = true\ndomains = ["acme.se"]\n')
    assert "customers[acme].domains" in wrong


@pytest.mark.parametrize("domain", ["gmail.com", "outlook.com", "hotmail.com", "telia.com"])
def test_a_public_mail_domain_is_refused(desk, domain):
    """D2"""
    wrong = desk.mistakes(ACME + f'domains = ["acme.se", "{domain}"]\n')
    assert "public mail domain" in wrong["customers[acme].domains[2]"]


# --- agreements (F1) -----------------------------------------------------------------------------


def with_prices(desk: ADesk, starts: dt.date, fee: int) -> None:
    """Give the plan Alert! a later price list."""
    alert = desk.settings.plans["alert"]
    priced = replace(alert, prices=(Prices(starts, {"monthly_fee": Money(fee)}),))
    desk.settings = replace(desk.settings, plans={**desk.settings.plans, "alert": priced})


def test_terms_are_copied_from_the_price_list_of_the_start_date(desk):
    with_prices(desk, dt.date(2026, 1, 1), 8400_00)
    later = '[[customers.agreements]]\nplan = "alert"\nfrom = 2025-12-31\nuntil = 2025-12-31\n'
    desk.bring_in(AGREED + later)
    assert desk.terms(at=0).monthly_fee == Money(8000_00)
    assert desk.terms(at=1).monthly_fee == Money(8400_00)


def test_a_later_price_list_does_not_change_terms_that_were_copied(desk):
    desk.bring_in(AGREED)
    with_prices(desk, dt.date(2026, 1, 1), 9999_00)
    assert desk.bring_in(AGREED) == []
    desk.bring_in(AGREED + 'hourly_rate = "800.00"\n')
    assert desk.terms().monthly_fee == Money(8000_00)
    assert desk.terms().hourly_rate == Money(800_00)


def test_changed_terms_are_a_correction_of_the_same_version(desk):
    desk.bring_in(AGREED)
    version = desk.account("acme").agreements[0].version.id
    changes = desk.bring_in(AGREED + 'monthly_fee = "7500.00"\nresponse_hours = { 1 = 0.5 }\n')
    assert told(changes) == [("changed", "agreement", "2026-01-01")]
    assert changes[0].details["monthly_fee"] == (None, "7500.00")
    agreement = desk.account("acme").agreements[0]
    assert agreement.version.id == version
    assert agreement.version.terms.monthly_fee == Money(7500_00)
    assert dict(agreement.version.terms.response) == {1: 30}


def test_what_a_file_no_longer_says_goes_back_to_the_price_list(desk):
    desk.bring_in(AGREED + 'monthly_fee = "7500.00"\nhourly_rate = "800.00"\n')
    desk.bring_in(AGREED + 'hourly_rate = "800.00"\n')
    assert desk.terms().monthly_fee == Money(8000_00)
    assert desk.terms().hourly_rate == Money(800_00)


def test_another_plan_brings_its_own_terms(desk):
    desk.bring_in(AGREED + 'hourly_rate = "800.00"\n')
    changes = desk.bring_in(AGREED.replace('"alert"', '"attend"'))
    assert changes[0].details["plan"] == ("alert", "attend")
    assert desk.terms() == BUILT_IN["attend"].terms


def test_a_version_that_left_the_list_is_withdrawn_never_deleted(desk):
    second = '[[customers.agreements]]\nplan = "attend"\nfrom = 2026-07-01\n'
    desk.bring_in(AGREED + second)
    assert told(desk.bring_in(AGREED)) == [("withdrawn", "agreement", "2026-07-01")]
    assert [each.version.withdrawn for each in desk.account("acme").agreements] == [False, True]
    assert desk.bring_in(AGREED) == []
    assert told(desk.bring_in(AGREED + second)) == [("resumed", "agreement", "2026-07-01")]
    assert desk.bring_in("[[customers]]\nkey = 'acme'\nagreements = []\n") != []
    assert all(each.version.withdrawn for each in desk.account("acme").agreements)


def test_without_the_key_agreements_stay(desk):
    desk.bring_in(AGREED)
    assert desk.bring_in(ACME) == []


def test_renewal_and_end_are_set_for_each_agreement(desk):
    """F2"""
    desk.bring_in(AGREED + "renew = false\n")
    assert desk.account("acme").agreements[0].version.renews is False
    changes = desk.bring_in(AGREED + "until = 2027-06-30\n")
    assert changes[0].details == {"until": (None, "2027-06-30"), "renew": (False, True)}


def test_a_plan_that_is_gone_from_the_settings_still_stands_in_old_agreements(desk):
    gold = replace(
        BUILT_IN["alert"], key="gold", terms=replace(BUILT_IN["alert"].terms, plan="gold")
    )
    plans = desk.settings.plans
    text = AGREED.replace('"alert"', '"gold"') + 'monthly_fee = "1.00"\n'
    desk.settings = replace(desk.settings, plans={**plans, "gold": gold})
    desk.bring_in(text)
    desk.settings = replace(desk.settings, plans=plans)
    assert desk.bring_in(text) == []
    wrong = desk.mistakes(text.replace("2026-01-01", "2026-02-01"))
    assert "known are" in wrong["customers[acme].agreements[1].plan"]


# --- mistakes ------------------------------------------------------------------------------------


def test_every_mistake_is_told_at_once_and_nothing_is_changed(desk):
    wrong = desk.mistakes(
        CONTRACT.replace('roles = ["engineer"]', 'roles = ["boss"]')
        .replace('"acme.se"', '"acme"')
        .replace('plan = "alert"', 'plan = "alarm"')
        .replace('manager = "anna@example.se"', 'manger = "anna@example.se"')
        .replace('language = "sv"', 'language = "no"')
        + "[[engineers]]\nemail = 'erik@example.se'\n"
    )
    assert set(wrong) == {
        "engineers[anna@example.se].roles[1]",
        "customers[acme].domains[1]",
        "customers[acme].agreements[1].plan",
        "customers[acme].manger",
        "customers[acme].language",
        "engineers[erik@example.se].name",
    }
    assert wrong["customers[acme].manger"] == "unknown key; did you mean manager?"
    assert "did you mean alert?" in wrong["customers[acme].agreements[1].plan"]
    assert "name =" in wrong["engineers[erik@example.se].name"]


def test_what_cannot_be_read_at_all_hides_no_other_mistake(desk):
    """Contract: all at once, also what only the rest of the file together can tell."""
    wrong = desk.mistakes(
        "[[engineers]]\nname = 'A'\nemail = 'no address'\n"
        "[[customers]]\nkey = 'Bad Key'\nname = 'B'\n"
        "[[customers]]\nkey = 'one'\nname = 'One'\ndomains = ['x.se']\n"
        "[[customers.agreements]]\nplan = 'platinum'\nfrom = 2026-01-01\n"
        "[[customers]]\nkey = 'two'\nname = 'Two'\ndomains = ['x.se']\n"
    )
    assert set(wrong) == {
        "engineers[no address].email",
        "customers[Bad Key].key",
        "customers[one].agreements[1].plan",
        "customers[one].domains",
        "customers[two].domains",
    }


ONE_WRONG = [
    ("[[customers]]\nname = 'A'\n", "customers[1].key", "is missing"),
    ("[[customers]]\nkey = 'Acme'\nname = 'A'\n", "customers[Acme].key", "a-z"),
    (f"[[customers]]\nkey = '{'a' * 41}'\n", f"customers[{'a' * 41}].key", "at most 40"),
    ("[[customers]]\nkey = 'acme'\n", "customers[acme].name", "is missing"),
    (ACME + ACME, "customers[acme]", "stands twice"),
    (ACME + "contacts = ['bo@acme.se']\n", "customers[acme].contacts[1]", "table"),
    (ACME + "manager = 'x@example.se'\n", "customers[acme].manager", "no engineer"),
    (AGREED + "until = 2025-12-31\n", "customers[acme].agreements", "last day covered"),
    (AGREED + "from_ = 2026-01-01\n", "customers[acme].agreements[1].from_", "unknown key"),
    (AGREED + "bank_hours = -1\n", "customers[acme].agreements[1].bank_hours", "below 0"),
    (AGREED.replace("2026-01-01", "'i går'"), "customers[acme].agreements[1].from", "2026-01-31"),
    ("[[engineers]]\nname = 'A'\n", "engineers[1].email", "anna@example.se"),
    ("[[engineers]]\nname = 'A'\nemail = 'a@b.se'\nroles = []\n", "engineers[a@b.se].roles", "one"),
    ("[[engineers]]\nname = 'A'\nemail = 'a@b.se'\n" * 2, "engineers[a@b.se]", "twice"),
    ("customers = 5\n", "customers", "list"),
    ("[[kunder]]\n", "kunder", "known here: customers, engineers"),
]


@pytest.mark.parametrize(("text", "key", "says"), ONE_WRONG, ids=[each[1] for each in ONE_WRONG])
def test_one_mistake_is_told_with_its_place_and_remedy(desk, text, key, says):
    wrong = desk.mistakes(text)
    assert list(wrong) == [key]
    assert says in wrong[key]


def test_two_agreements_of_one_day_are_a_mistake(desk):
    twice = AGREED + '[[customers.agreements]]\nplan = "attend"\nfrom = 2026-01-01\n'
    assert "two versions start" in desk.mistakes(twice)["customers[acme].agreements"]


# --- events (K1) ---------------------------------------------------------------------------------


def test_every_change_is_an_event_with_time_actor_and_cause(desk):
    desk.bring_in(CONTRACT)
    desk.bring_in(ACME.replace("Acme AB", "Acme Group"))
    rows = desk.tx.execute(select(events).order_by(events.c.id)).all()
    kinds = [row.kind for row in rows]
    assert kinds == [
        "engineer_added",
        "customer_added",
        "contact_added",
        "agreement_added",
        "customer_changed",
    ]
    assert {(row.at, row.actor, row.cause) for row in rows} == {(NOW, "command", "command import")}
    acme = desk.account("acme").customer.id
    assert [row.customer_id for row in rows] == [None, acme, acme, acme, acme]
    assert rows[-1].data["details"] == {"name": {"from": "Acme AB", "to": "Acme Group"}}


def test_nothing_to_change_is_no_event(desk):
    desk.bring_in(CONTRACT)
    before = len(desk.tx.execute(select(events)).all())
    desk.bring_in(CONTRACT)
    assert len(desk.tx.execute(select(events)).all()) == before


# --- past months (H1) ----------------------------------------------------------------------------


def past(desk: ADesk, text: str, now: dt.datetime = NOW, **accounting) -> list[str]:
    """The months that closing would bill with that register."""
    chosen = replace(desk.settings.accounting, **accounting)
    desk.settings = replace(desk.settings, accounting=chosen)
    after = desk.plan(text).after
    calendar = Calendar(desk.settings.calendar)
    found = registering.past_months(desk.tx, after, desk.settings, calendar, now)
    return [str(month) for month in found.months]


def test_the_first_import_tells_which_past_months_closing_would_bill(desk):
    """H1"""
    assert past(desk, AGREED.replace("2026-01-01", "2026-08-15")) == [
        "2026-08",
        "2026-09",
        "2026-10",
    ]


def test_a_month_is_past_at_its_end_in_the_desks_zone(desk):
    agreed = AGREED.replace("2026-01-01", "2026-10-01")
    midnight = dt.datetime(2026, 10, 31, 23, tzinfo=dt.UTC)
    assert past(desk, agreed, midnight - dt.timedelta(seconds=1)) == []
    assert past(desk, agreed, midnight) == ["2026-10"]
    assert past(desk, agreed, midnight, close_delay=dt.timedelta(hours=1)) == []


def test_nothing_before_the_first_month_or_go_live_is_billed(desk):
    """H1: `first_month`, else the month of `go_live`."""
    go_live = dt.datetime(2026, 9, 5, tzinfo=dt.UTC)
    desk.settings = replace(desk.settings, desk=replace(desk.settings.desk, go_live=go_live))
    assert past(desk, AGREED) == ["2026-09", "2026-10"]
    assert past(desk, AGREED, first_month=Period.parse("2026-10")) == ["2026-10"]


def test_months_without_an_agreement_are_not_billed(desk):
    ended = AGREED + "until = 2026-02-28\n"
    assert past(desk, ended) == ["2026-01", "2026-02"]
    assert past(desk, ended + "[[engineers]]\nname = 'A'\nemail = 'a@b.se'\n") == [
        "2026-01",
        "2026-02",
    ]
    assert past(desk, ACME) == []
    assert past(desk, AGREED.replace('name = "Acme AB"', 'name = "Acme AB"\nactive = false')) == []


def test_a_month_that_is_closed_is_not_counted_again(desk):
    statements.close(desk.tx, "2026-09", NOW, ())
    assert past(desk, AGREED) == ["2026-10"]


# --- export --------------------------------------------------------------------------------------


def test_an_export_is_the_file_that_was_brought_in(desk):
    desk.bring_in(CONTRACT)
    assert tomllib.loads(as_toml(register.load(desk.tx))) == tomllib.loads(CONTRACT)


def test_an_export_carries_what_has_ended_but_nothing_withdrawn(desk):
    desk.bring_in(CONTRACT)
    desk.bring_in(
        '[[engineers]]\nemail = "anna@example.se"\nactive = false\n'
        '[[customers]]\nkey = "acme"\nactive = false\ncontacts = []\nagreements = []\n'
    )
    tables = as_tables(register.load(desk.tx))
    assert tables["engineers"][0]["active"] is False
    assert tables["customers"][0]["active"] is False
    assert tables["customers"][0]["contacts"][0]["active"] is False
    assert tables["customers"][0]["agreements"] == []


def test_an_erased_contact_is_not_exported(desk):
    """K2: what stands in an erased contact's place is no address."""
    desk.bring_in(CONTRACT)
    (bo,) = desk.account("acme").contacts
    erased = replace(bo, name="", email="erased-1", active=False)
    register.keep_contact(desk.tx, erased)
    exported = as_toml(register.load(desk.tx))
    assert "erased" not in exported
    assert desk.bring_in(exported) == []
