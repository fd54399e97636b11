"""Whom an address belongs to (D1, D2), and that what is kept comes back as it was."""

import datetime as dt
from dataclasses import replace

import pytest

from daemon.domain.agreement import BUILT_IN, Version
from daemon.domain.public_domains import PUBLIC_DOMAINS
from daemon.domain.register import Agreement, Contact, Customer, Person
from daemon.store.money import register
from parsers import addresses

ANNA = Person(0, "Anna Svensson", "anna@example.se", ("anna.svensson@example.se",))
ACME = Customer(0, "acme", "Acme AB")
NEW_YEAR = dt.date(2026, 1, 1)


@pytest.fixture
def tx(any_store):
    """A transaction of which nothing is kept, on both engines."""
    with any_store.writing() as tx:
        yield tx
        tx.rollback()


def a_customer(tx, key: str = "acme", *, domains=(), contacts=(), **values) -> int:
    """Keep a customer with its domains and contacts."""
    customer_id = register.keep_customer(tx, Customer(0, key, key.title(), **values))
    register.keep_domains(tx, customer_id, domains)
    for email in contacts:
        register.keep_contact(tx, Contact(0, customer_id, "", email))
    return customer_id


def a_version(starts: dt.date = NEW_YEAR, plan: str = "alert", **values) -> Agreement:
    """A new version of an agreement."""
    version = Version(0, "acme", starts, None, renews=True, terms=BUILT_IN[plan].terms)
    return Agreement(replace(version, **values), {})


# --- people --------------------------------------------------------------------------------------


def test_a_person_is_known_by_registered_address_and_alias(tx):
    anna = register.keep_person(tx, ANNA)
    kept = replace(ANNA, id=anna)
    assert register.person(tx, anna) == kept
    assert register.person_by_address(tx, "anna@example.se") == kept
    assert register.person_by_address(tx, "anna.svensson@example.se") == kept
    assert register.person_by_address(tx, "anna@example.com") is None


def test_who_has_ended_has_no_authority_but_keeps_the_record(tx):
    """D1"""
    anna = register.keep_person(tx, replace(ANNA, active=False))
    assert register.person_by_address(tx, "anna@example.se") is None
    assert register.people_with_role(tx, "engineer") == ()
    assert register.people(tx) == ()
    assert register.person(tx, anna).name == "Anna Svensson"
    assert [each.id for each in register.people(tx, ended=True)] == [anna]


def test_people_are_found_by_role_in_order_of_registration(tx):
    for email, roles in (("b@e.se", {"engineer"}), ("a@e.se", {"engineer", "finance"})):
        register.keep_person(tx, Person(0, "", email, roles=frozenset(roles)))
    assert [p.email for p in register.people_with_role(tx, "engineer")] == ["b@e.se", "a@e.se"]
    assert [p.email for p in register.people_with_role(tx, "finance")] == ["a@e.se"]
    assert register.people_with_role(tx, "manager") == ()


def test_a_changed_person_gives_up_the_addresses_that_left(tx):
    anna = register.keep_person(tx, ANNA)
    changed = replace(ANNA, id=anna, email="anna.ek@example.se", aliases=("anna@example.se",))
    register.keep_person(tx, changed)
    assert register.person(tx, anna) == changed
    assert register.person_by_address(tx, "anna.svensson@example.se") is None


def test_an_active_person_takes_over_the_address_of_one_who_ended(tx):
    anna = register.keep_person(tx, replace(ANNA, active=False))
    erik = register.keep_person(tx, Person(0, "Erik", "erik@example.se", ("anna@example.se",)))
    assert register.person_by_address(tx, "anna@example.se").id == erik
    register.keep_person(tx, replace(register.person(tx, anna), name="Anna S"))
    assert register.person_by_address(tx, "anna@example.se").id == erik


def test_an_absence_includes_its_last_day():
    """A1: a last day that people write is included."""
    away = replace(ANNA, absent_until=dt.date(2026, 8, 2))
    assert away.is_absent(dt.date(2026, 8, 2))
    assert not away.is_absent(dt.date(2026, 8, 3))
    assert not ANNA.is_absent(dt.date(2026, 8, 2))


# --- customers -----------------------------------------------------------------------------------


def test_a_customer_comes_back_as_it_was_kept(tx):
    manager = register.person(tx, register.keep_person(tx, ANNA))
    full = Customer(
        id=0,
        key="acme",
        name="Åäö & Co",
        organisation_number="556000-0000",
        language="en",
        accounting_number="1001",
        your_reference="Eva Ek",
        order_number="4711",
        invoice_language="sv",
        reports_to=("vd@acme.se", "it@acme.se"),
        manager=manager,
    )
    acme = register.keep_customer(tx, full)
    assert (
        register.customer(tx, acme)
        == register.customer_by_key(tx, "acme")
        == replace(full, id=acme)
    )
    register.keep_customer(tx, replace(ACME, id=acme))
    assert register.customer(tx, acme) == replace(ACME, id=acme)
    assert register.customer_by_key(tx, "beta") is None


def test_customers_are_listed_by_key_and_the_ended_ones_only_if_asked(tx):
    for key, active in (("beta", True), ("acme", True), ("zeta", False)):
        a_customer(tx, key, active=active)
    assert [each.key for each in register.customers(tx)] == ["acme", "beta"]
    assert [each.key for each in register.customers(tx, ended=True)] == ["acme", "beta", "zeta"]


def test_a_contact_address_comes_before_a_mail_domain(tx):
    """D2"""
    acme = a_customer(tx, "acme", domains=["acme.se"])
    beta = a_customer(tx, "beta", contacts=["konsult@acme.se"])
    customer, contact = register.customer_of_address(tx, "konsult@acme.se")
    assert (customer.id, contact.email) == (beta, "konsult@acme.se")
    customer, contact = register.customer_of_address(tx, "bo@acme.se")
    assert (customer.id, contact) == (acme, None)


def test_neither_a_subdomain_nor_a_longer_name_identifies_a_customer(tx):
    """D2"""
    a_customer(tx, domains=["acme.se"])
    for address in ("bo@it.acme.se", "bo@notacme.se", "bo@acme.se.example.com", "bo@se"):
        assert register.customer_of_address(tx, address) is None


def test_a_public_mail_domain_never_identifies_a_customer(tx):
    """D2, also where one got into the database by another way."""
    a_customer(tx, domains=["gmail.com", "outlook.com", "hotmail.com", "telia.com"])
    for domain in register.domains_of(tx, register.customer_by_key(tx, "acme").id):
        assert register.customer_of_address(tx, f"bo@{domain}") is None
    beta = a_customer(tx, "beta", contacts=["eva@gmail.com"])
    assert register.customer_of_address(tx, "eva@gmail.com")[0].id == beta


def test_every_public_domain_is_written_as_addresses_are_compared():
    assert {addresses.domain(each) for each in PUBLIC_DOMAINS} == PUBLIC_DOMAINS


def test_what_has_ended_identifies_nobody(tx):
    acme = a_customer(tx, domains=["acme.se"], contacts=["bo@example.com"])
    bo = register.contacts_of(tx, acme)[0]
    register.keep_contact(tx, replace(bo, active=False))
    assert register.customer_of_address(tx, "bo@example.com") is None
    assert register.contacts_of(tx, acme) == ()
    assert register.contacts_of(tx, acme, ended=True) == (replace(bo, active=False),)
    register.keep_contact(tx, bo)
    register.keep_customer(tx, replace(register.customer(tx, acme), active=False))
    assert register.customer_of_address(tx, "bo@example.com") is None
    assert register.customer_of_address(tx, "eva@acme.se") is None


def test_a_contact_moves_with_its_address(tx):
    acme, beta = a_customer(tx, contacts=["bo@example.com"]), a_customer(tx, "beta")
    register.keep_contact(tx, Contact(0, beta, "Bo", "bo@example.com"))
    assert register.contacts_of(tx, acme, ended=True) == ()
    assert register.customer_of_address(tx, "bo@example.com")[0].id == beta


# --- agreements ----------------------------------------------------------------------------------


def test_a_version_comes_back_with_its_terms_and_what_was_agreed_apart(tx):
    """F1"""
    acme = a_customer(tx)
    later = a_version(dt.date(2026, 7, 1), "attend", until=dt.date(2026, 12, 31), renews=False)
    overrides = {"monthly_fee": "2900.00", "response": {"1": 60}}
    second = register.keep_agreement(tx, acme, Agreement(later.version, overrides))
    first = register.keep_agreement(tx, acme, a_version())
    kept = register.agreements_of(tx, acme)
    assert [each.version.id for each in kept] == [first, second]
    assert kept[1] == Agreement(replace(later.version, id=second), overrides)
    assert register.versions_of(tx, acme) == tuple(each.version for each in kept)


def test_a_withdrawn_version_is_kept_and_says_so(tx):
    acme = a_customer(tx)
    register.keep_agreement(tx, acme, a_version())
    (kept,) = register.agreements_of(tx, acme)
    withdrawn = replace(kept, version=replace(kept.version, withdrawn=True))
    assert register.keep_agreement(tx, acme, withdrawn) == kept.version.id
    assert register.agreements_of(tx, acme) == (withdrawn,)


def test_everybodys_agreements_are_loaded_at_once_by_customer(tx):
    acme, beta = a_customer(tx), a_customer(tx, "beta")
    a_customer(tx, "gamma")
    for owner, starts in ((beta, NEW_YEAR), (acme, NEW_YEAR), (acme, dt.date(2026, 7, 1))):
        register.keep_agreement(tx, owner, a_version(starts))
    everybody = register.agreements(tx)
    assert {owner: len(versions) for owner, versions in everybody.items()} == {acme: 2, beta: 1}
    assert everybody[beta][0].version.customer == "beta"
    assert everybody[acme] == register.agreements_of(tx, acme)


def test_the_whole_register_is_loaded_with_what_has_ended(tx):
    register.keep_person(tx, replace(ANNA, active=False))
    acme = a_customer(tx, domains=["b.se", "a.se"], contacts=["bo@a.se"], active=False)
    register.keep_contact(tx, replace(register.contacts_of(tx, acme)[0], active=False))
    register.keep_agreement(tx, acme, a_version(withdrawn=True))
    whole = register.load(tx)
    assert [person.email for person in whole.people] == ["anna@example.se"]
    (account,) = whole.accounts
    assert account.customer == register.customer(tx, acme)
    assert account.domains == ("a.se", "b.se")
    assert account.contacts == register.contacts_of(tx, acme, ended=True)
    assert account.agreements == register.agreements_of(tx, acme)
