"""`avtald import` and `export`: the plan of changes as people and programs read it."""

import json
import tomllib

import pytest

REGISTER = """
[[engineers]]
name = "Anna Svensson"
email = "anna@example.se"

[[customers]]
key = "acme"
name = "Acme AB"
domains = ["acme.se"]
contacts = [{ name = "Bo Ek", email = "bo@acme.se" }]
manager = "anna@example.se"

[[customers.agreements]]
plan = "alert"
from = 2026-01-01
monthly_fee = "7900.00"
"""
NOW = ("--now", "2026-03-15T12:00:00+01:00")


@pytest.fixture
def file(folder):
    path = folder / "register.toml"
    path.write_text(REGISTER, encoding="utf-8")
    return path


def test_the_plan_of_changes_is_readable_and_then_there_is_nothing_to_change(avtald, file):
    first = avtald("import", file, *NOW)
    assert first.code == 0
    assert first.out == (
        "+ tekniker anna@example.se: ny\n"
        '    name = "Anna Svensson"\n'
        '    email = "anna@example.se"\n'
        '    roles = ["engineer"]\n'
        "+ kund acme: ny\n"
        '    name = "Acme AB"\n'
        '    manager = "anna@example.se"\n'
        '    domains = ["acme.se"]\n'
        "+ kund acme, kontakt bo@acme.se: ny\n"
        '    name = "Bo Ek"\n'
        "+ kund acme, avtal från 2026-01-01: ny\n"
        '    plan = "alert"\n'
        "    renew = true\n"
        '    monthly_fee = "7900.00"\n'
        "ändringar: 4\n"
        "obs: stängning fakturerar nu 2 gångna månader (2026-01 – 2026-02); "
        "accounting.first_month i avtald.toml bestämmer den första\n"
    )
    assert avtald("import", file, *NOW).out == "inget att ändra\n"


def test_an_english_desk_is_told_in_english(avtald, english, file):
    assert "+ customer acme: new" in avtald("import", file).out
    assert avtald("import", file).out == "nothing to change\n"


def test_dry_run_only_shows(avtald, file):
    ended = avtald("import", file, "--dry-run", *NOW)
    assert ended.code == 0
    assert "ändringar: 4 (--dry-run: inget är ändrat)" in ended.out
    assert avtald("export").out.strip() == ""


def test_a_change_shows_what_it_was_and_what_it_becomes(avtald, file):
    avtald("import", file)
    changed = REGISTER.replace("Acme AB", "Acme Group").replace("7900.00", "8000.00")
    file.write_text(changed.replace("{ name", "{ active = false, name"), encoding="utf-8")
    assert avtald("import", file).out == (
        "~ kund acme: ändras\n"
        '    name: "Acme AB" → "Acme Group"\n'
        "- kund acme, kontakt bo@acme.se: avslutas\n"
        "~ kund acme, avtal från 2026-01-01: ändras\n"
        '    monthly_fee: "7900.00" → "8000.00"\n'
        "ändringar: 3\n"
    )


def test_json_carries_the_same(avtald, file):
    first = json.loads(avtald("import", file, "--json", *NOW).out)
    assert first["applied"] is True
    assert first["past_months"] == ["2026-01", "2026-02"]
    assert [change["what"] for change in first["changes"]] == [
        "engineer",
        "customer",
        "contact",
        "agreement",
    ]
    assert first["changes"][3]["details"]["monthly_fee"] == {"from": None, "to": "7900.00"}
    second = json.loads(avtald("import", file, "--json", *NOW).out)
    assert (second["changes"], second["applied"]) == ([], False)


def test_every_mistake_is_told_with_file_key_and_remedy_and_nothing_is_changed(avtald, file):
    file.write_text(
        REGISTER.replace("alert", "alrt").replace("domains", "domain"), encoding="utf-8"
    )
    ended = avtald("import", file)
    assert ended.code == 2
    assert ended.out == ""
    assert (
        f"avtald: {file}: customers[acme].domain: unknown key; did you mean domains?" in ended.err
    )
    assert "customers[acme].agreements[1].plan: there is no plan 'alrt'" in ended.err
    assert avtald("export").out.strip() == ""


def test_a_file_that_is_missing_exits_2_before_anything_else(avtald, folder):
    ended = avtald("import", "nowhere.toml")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert not (folder / "var").exists()


def test_export_writes_what_import_reads(avtald, file, folder):
    avtald("import", file)
    assert tomllib.loads(avtald("export").out)["customers"][0]["key"] == "acme"
    assert avtald("export", "out.toml").out == ""
    assert avtald("import", "out.toml").out == "inget att ändra\n"
    assert json.loads(avtald("export", "--json").out)["engineers"][0]["name"] == "Anna Svensson"


def test_export_to_a_place_that_is_not_there_is_wrong_usage(avtald, file):
    ended = avtald("export", "nowhere/out.toml")
    assert (ended.code, ended.err.count("Traceback")) == (2, 0)


def test_agreements_are_listed_with_the_one_in_force_marked(avtald, file):
    later = '[[customers.agreements]]\nplan = "attend"\nfrom = 2026-07-01\n'
    file.write_text(REGISTER + later, encoding="utf-8")
    avtald("import", file)
    lines = avtald("agreements", *NOW).out.splitlines()
    assert lines[0].split() == ["kund", "plan", "från", "till", "avgift", "timpris", "timbank"]
    assert lines[1].startswith("*  acme  alert ")
    assert "7900.00" in lines[1]
    assert lines[2].startswith("   acme  attend")
    rows = json.loads(avtald("agreements", "--json", "--now", "2026-08-01T00:00:00Z").out)
    assert [(row["plan"], row["in_force"]) for row in rows] == [("alert", False), ("attend", True)]


def test_agreements_of_a_customer_that_is_not_there_is_wrong_usage(avtald, file):
    avtald("import", file)
    assert avtald("agreements", "--customer", "acme").code == 0
    assert avtald("agreements", "--customer", "nosuch").code == 2


# --- raising prices ------------------------------------------------------------------------------


def test_raise_makes_new_versions_of_what_is_in_force(avtald, file):
    """F1, issue 7: an index adjustment."""
    avtald("import", file)
    assert (
        "--dry-run: inget är ändrat"
        in avtald("agreements", "raise", "3%", "--from", "2027-01-01", "--dry-run").out
    )
    ended = avtald("agreements", "raise", "3%", "--from", "2027-01-01")
    assert ended.code == 0
    assert ended.out == (
        "+ kund acme, avtal från 2027-01-01: ny\n"
        '    plan = "alert"\n'
        "    renew = true\n"
        '    monthly_fee = "8137.00"\n'
        '    hourly_rate = "875.50"\n'
        "ändringar: 1\n"
        "obs: en registerfil från förut drar tillbaka dem; avtald export skriver en ny\n"
    )
    again = avtald("agreements", "raise", "3", "--from", "2027-01-01")
    assert again.out == "inget att ändra\n"
    avtald("export", "out.toml")
    assert avtald("import", "out.toml").out == "inget att ändra\n"


def test_raise_in_json_and_for_one_customer(avtald, file):
    avtald("import", file)
    told = json.loads(
        avtald(
            "agreements", "raise", "2,5", "--from", "2027-01-01", "--customer", "acme", "--json"
        ).out
    )
    assert (told["applied"], told["changes"][0]["customer"]) == (True, "acme")
    wrong = avtald("agreements", "raise", "2", "--from", "2028-01-01", "--customer", "nosuch")
    assert wrong.code == 2


@pytest.mark.parametrize("percent", ["0", "101", "tre", "NaN", ""])
def test_what_is_no_rise_is_wrong_usage(avtald, folder, percent):
    assert avtald("agreements", "raise", percent, "--from", "2027-01-01").code == 2


def test_a_rise_needs_a_date(avtald, folder):
    assert avtald("agreements", "raise", "3").code == 2
    assert avtald("agreements", "raise", "3", "--from", "igår").code == 2
