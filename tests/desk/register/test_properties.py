"""Any register, brought in, exported and brought in again: nothing to change (contract.md 2)."""

import datetime as dt
import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.desk.register import importing as registering
from daemon.desk.register.export import as_tables, as_toml
from daemon.desk.register.file import tables_of
from daemon.settings import load, toml
from daemon.store.money import register

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
PEOPLE = ("anna@example.se", "erik@example.se", "åsa@exempel.se")
CUSTOMERS = ("acme", "beta", "ceta-2")
LINES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)
MONEY = st.integers(0, 10**7).map(lambda ore: f"{ore // 100}.{ore % 100:02}")
HOURS = st.integers(0, 40) | st.sampled_from([0.5, 1.25, "50m", "7m"])
TARGETS = st.dictionaries(st.sampled_from("1234"), HOURS, max_size=4)
TERMS = {
    "response_hours": TARGETS,
    "resolution_hours": TARGETS,
    "bank_hours": HOURS,
    "bank_period": st.sampled_from(["quarter", "half-year", "year"]),
    "monthly_fee": MONEY,
    "hourly_rate": MONEY,
    "outside_rate": MONEY,
    "term_months": st.integers(0, 36),
    "review_meetings": st.sampled_from(["quarter", "half-year", "none"]),
    "reports": st.sampled_from(["month", "quarter", "year", "none"]),
    "increment": st.sampled_from(["1m", "15m", "30m", "60m"]),
}
DAYS = st.dates(dt.date(2024, 1, 1), dt.date(2027, 12, 31))


def engineers(email: str) -> st.SearchStrategy:
    return st.fixed_dictionaries(
        {"email": st.just(email), "name": LINES},
        optional={
            "aliases": st.lists(st.sampled_from(["1", "2"]), max_size=2).map(
                lambda marks: [f"{mark}.{email}" for mark in marks]
            ),
            "roles": st.lists(st.sampled_from(["engineer", "finance", "manager"]), min_size=1),
            "absent_until": DAYS,
            "active": st.booleans(),
        },
    )


@st.composite
def agreements(draw) -> dict:
    starts = draw(DAYS)
    table = {"plan": draw(st.sampled_from(["alert", "attend", "access"])), "from": starts}
    table |= draw(st.fixed_dictionaries({}, optional=TERMS))
    if draw(st.booleans()):
        table["until"] = starts + dt.timedelta(days=draw(st.integers(0, 400)))
    if draw(st.booleans()):
        table["renew"] = draw(st.booleans())
    return table


def customers(key: str) -> st.SearchStrategy:
    contacts = st.fixed_dictionaries(
        {"email": st.sampled_from([f"{name}@{key}.se" for name in ("bo", "eva", "vd")])},
        optional={"name": LINES, "active": st.booleans()},
    )
    return st.fixed_dictionaries(
        {"key": st.just(key), "name": LINES},
        optional={
            "organisation_number": LINES | st.just(""),
            "language": st.sampled_from(["sv", "en", ""]),
            "accounting_number": LINES,
            "your_reference": LINES | st.just(""),
            "order_number": LINES,
            "invoice_language": st.sampled_from(["sv", "en", ""]),
            "domains": st.lists(st.sampled_from([f"{key}.se", f"{key}.com"]), max_size=3),
            "contacts": st.lists(contacts, max_size=3, unique_by=lambda each: each["email"]),
            "reports_to": st.lists(st.sampled_from([f"vd@{key}.se", "vd@other.se"]), max_size=3),
            "active": st.booleans(),
            "agreements": st.lists(agreements(), max_size=3, unique_by=lambda each: each["from"]),
        },
    )


@st.composite
def registers(draw) -> dict:
    """A register file's tables: some of the people and customers, each said more or less of."""
    people = [draw(engineers(each)) for each in PEOPLE if draw(st.booleans())]
    those = [draw(customers(each)) for each in CUSTOMERS if draw(st.booleans())]
    for customer in those:
        if people and draw(st.booleans()):
            manager = draw(st.sampled_from(people))
            manager["active"] = True
            customer["manager"] = manager["email"]
    return {"engineers": people, "customers": those}


@pytest.fixture(scope="module")
def configured(tmp_path_factory):
    file = tmp_path_factory.mktemp("settings") / "avtald.toml"
    file.write_text('[desk]\nname = "E"\naddress = "support@example.se"\n', encoding="utf-8")
    return load.load(file, {})


def bring_in(tx, text: str, configured) -> int:
    """Bring a file in; gives how many changes it made."""
    read = tables_of(tomllib.loads(text), "register.toml")
    asked = registering.plan(tx, "register.toml", read, configured)
    registering.apply(tx, asked, NOW)
    return len(asked.changes)


def forms(max_examples: int):
    """Settings of a property: the fixtures are empty again after every example."""
    return settings(
        max_examples=max_examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def holds(store, configured, files: list[dict]) -> None:
    """Bring the files in, one after the other, with every law of an import."""
    with store.writing() as tx:
        for file in files:
            text = toml.document(file, inline=["contacts"])
            bring_in(tx, text, configured)
            kept = register.load(tx)
            assert bring_in(tx, text, configured) == 0
            assert bring_in(tx, as_toml(kept), configured) == 0
            assert register.load(tx) == kept
        exported = as_toml(register.load(tx))
        tx.rollback()
    with store.writing() as tx:  # a fresh database becomes the same, but for what is withdrawn
        bring_in(tx, exported, configured)
        assert as_tables(register.load(tx)) == _sorted(tomllib.loads(exported))
        tx.rollback()


def _sorted(tables: dict) -> dict:
    """An export without the keys that a file leaves out where they are empty."""
    return {
        "engineers": tables.get("engineers", []),
        "customers": [
            {"domains": [], "contacts": [], "reports_to": [], "agreements": [], **each}
            for each in tables.get("customers", [])
        ],
    }


@given(st.lists(registers(), min_size=1, max_size=3))
@forms(30)
def test_what_is_exported_imports_as_nothing_to_change(store, configured, files):
    holds(store, configured, files)


@pytest.mark.long
@given(st.lists(registers(), min_size=1, max_size=5))
@forms(500)
def test_what_is_exported_imports_as_nothing_to_change_however_often(store, configured, files):
    holds(store, configured, files)
