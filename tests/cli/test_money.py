"""`avtald bank`, `statement` and `verify` as a finance clerk reads them (G1, G2, H5)."""

import json
import sqlite3
from contextlib import closing

import pytest

REGISTER = """
[[customers]]
key = "acme"
name = "Acme AB"
accounting_number = "1001"
[[customers.agreements]]
plan = "attend"
from = 2026-01-01
"""
NOW = "--now=2026-05-20T10:00:00+02:00"


@pytest.fixture
def clerk(avtald, folder):
    """A desk with one Attend! customer, half-way through its second quarter."""
    (folder / "register.toml").write_text(REGISTER, encoding="utf-8")
    assert avtald("import", "register.toml", "--now=2026-01-01T08:00:00+01:00").code == 0
    return avtald


def test_the_bank_shows_what_has_expired_G2(clerk):
    shown = json.loads(clerk("bank", "acme", NOW, "--json").out)
    assert shown["period"] == {"start": "2026-04-01", "end": "2026-07-01"}
    keys = ("period", "expired_minutes", "remaining_minutes")
    told = [tuple(each[key] for key in keys) for each in shown["periods"]]
    assert told == [("2026-Q1", 360, 0), ("2026-Q2", 0, 360)]
    first = json.loads(clerk("bank", "acme", NOW, "--on=2026-02-01", "--json").out)
    assert [(m["kind"], m["minutes"]) for m in first["movements"]] == [
        ("grant", 360),
        ("expiry", -360),
    ]
    assert (first["remaining_minutes"], first["expired_minutes"]) == (360, 360)
    told = clerk("bank", "acme", NOW, "--on=2026-02-01").out.splitlines()
    assert [line.split() for line in told[1:6]] == [
        ["beviljat", "6:00"],
        ["använt", "0:00"],
        ["kvar", "0:00"],
        ["förfallet", "6:00"],
        ["utöver", "0:00"],
    ]
    printed = clerk("bank", "acme", NOW).out
    assert "2026-04-01 – 2026-06-30" in printed
    assert "Attend!, 91 av 91 dagar" in printed
    assert "förfallet" in printed


def test_finance_adjusts_a_bank_with_a_reason_G1(clerk):
    assert clerk("bank", "acme", NOW, "--adjust=60").code == 2
    said = clerk("bank", "acme", NOW, "--adjust=-60", "--reason=fel i mars", "--json")
    shown = json.loads(said.out)
    assert shown["granted_minutes"] == 300
    assert ("adjustment", -60, "fel i mars") in [
        (m["kind"], m["minutes"], m["cause"]) for m in shown["movements"]
    ]
    assert clerk("verify").code == 0


def test_a_closed_statement_prints_the_same_after_the_register_has_changed_H5(clerk, folder):
    (folder / "later.toml").write_text(
        REGISTER.replace("Acme AB", "Acme Nya AB").replace("attend", "alert"), encoding="utf-8"
    )
    clerk("tick", NOW)
    before = clerk("statement", "acme", "2026-03", NOW)
    assert before.code == 0
    assert "3000.00" in before.out
    assert "AVT-acme-2026-03" in before.out
    shape = json.loads(clerk("statement", "acme", "2026-03", NOW, "--json").out)
    assert clerk("import", "later.toml", NOW).code == 0
    assert clerk("statement", "acme", "2026-03", NOW).out == before.out
    assert json.loads(clerk("statement", "acme", "2026-03", NOW, "--json").out) == shape
    assert clerk("statement", "acme", "2026-03", NOW, "--pdf=spec.pdf").code == 0
    assert (folder / "spec.pdf").read_bytes().startswith(b"%PDF-")
    assert clerk("statement", "acme", "2026-05", NOW, "--pdf=open.pdf").code == 2


def test_statements_in_json_have_the_shape_of_the_contract_H5(clerk):
    """contract.md 4."""
    clerk("tick", NOW)
    (shown,) = json.loads(clerk("statements", "--month=2026-03", NOW, "--json").out)
    assert shown["rows"] == [
        {
            "kind": "fee",
            "description": "Supportavtal Attend! mars 2026",
            "quantity": "1.00",
            "unit": "st",
            "price": "3000.00",
            "amount": "3000.00",
        }
    ]
    known = {key: shown[key] for key in ("customer", "month", "reference", "net", "held")}
    assert known == {
        "customer": "acme",
        "month": "2026-03",
        "reference": "AVT-acme-2026-03",
        "net": "3000.00",
        "held": [],
    }


def test_verify_says_what_it_proved_and_exits_with_1_where_something_is_wrong_H5(clerk, folder):
    clerk("tick", NOW)
    whole = clerk("verify")
    assert (whole.code, "allt är som det skrevs" in whole.out) == (0, True)
    change(folder, "statements", "UPDATE statements SET net_ore = 1 WHERE id = 2")
    broken = clerk("verify")
    assert broken.code == 1
    assert "! avräkning 2 är inte som den skrevs" in broken.out
    faults = json.loads(clerk("verify", "--json").out)["faults"]
    assert {(each["kind"], each["id"]) for each in faults} == {("file", 0), ("statement", 2)}


def change(folder, table, statement):

    with closing(sqlite3.connect(folder / "var" / "avtald.db")) as database:
        database.execute(f"DROP TRIGGER {table}_no_update")
        database.execute(statement)
        database.commit()
