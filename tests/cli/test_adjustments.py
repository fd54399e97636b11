"""Adjustments of a time bank that stand in the register: booked once, and never changed (G1)."""

import json
import tomllib

import pytest

NOW = "--now=2026-05-20T10:00:00+02:00"
LATER = "--now=2026-05-21T10:00:00+02:00"
REGISTER = """
[[customers]]
key = "acme"
name = "Acme AB"
accounting_number = "1001"
[[customers.agreements]]
plan = "attend"
from = 2026-01-01
"""
FIRST = """
[[customers.adjustments]]
id = "2026-04-driftstopp"
minutes = 90
date = 2026-04-20
reason = "Driftstoppet i april"
"""
SECOND = """
[[customers.adjustments]]
id = "2026-04-åter"
minutes = -30
date = 2026-04-20
reason = "Halva gavs tillbaka"
"""


@pytest.fixture
def write(folder):
    """Writes the register's file."""

    def written(*parts):
        (folder / "register.toml").write_text("".join(parts), encoding="utf-8")
        return "register.toml"

    return written


def bank(avtald):
    shown = json.loads(avtald("bank", "acme", LATER, "--json").out)
    made = [m for m in shown["movements"] if m["kind"] == "adjustment"]
    return shown["granted_minutes"], [(m["minutes"], m["date"], m["cause"]) for m in made]


def test_an_adjustment_of_the_register_is_booked_once_G1(avtald, write):
    avtald("import", write(REGISTER), NOW)
    first = avtald("import", write(REGISTER, FIRST), NOW)
    assert (
        "+ kund acme, justering av timbanken 2026-04-driftstopp: ny\n"
        "    minutes = 90\n"
        '    date = "2026-04-20"\n'
        '    reason = "Driftstoppet i april"\n'
        "ändringar: 1\n"
    ) in first.out
    assert avtald("import", write(REGISTER, FIRST), LATER).out == "inget att ändra\n"
    assert bank(avtald) == (450, [(90, "2026-04-20", "Driftstoppet i april")])
    assert avtald("verify").code == 0


def test_a_dry_run_shows_it_and_books_nothing_G1(avtald, write):
    avtald("import", write(REGISTER), NOW)
    shown = avtald("import", write(REGISTER, FIRST), NOW, "--dry-run")
    assert "2026-04-driftstopp" in shown.out
    assert bank(avtald) == (360, [])


def test_more_lines_are_added_and_a_file_without_lines_leaves_them_alone_G1(avtald, write):
    avtald("import", write(REGISTER, FIRST), NOW)
    assert avtald("import", write(REGISTER, SECOND, FIRST), LATER).code == 0
    assert bank(avtald)[0] == 420
    assert avtald("import", write(REGISTER), LATER).out == "inget att ändra\n"
    assert bank(avtald)[0] == 420


@pytest.mark.parametrize(
    ("lines", "key", "says"),
    [
        (FIRST.replace("90", "60"), "adjustments[2026-04-driftstopp]", "minutes = 90"),
        (FIRST.replace("04-20", "02-20"), "adjustments[2026-04-driftstopp]", "date = 2026-04-20"),
        (FIRST.replace("april", "maj"), "adjustments[2026-04-driftstopp]", "Driftstoppet i april"),
        (SECOND, "adjustments", "minutes = -90"),
    ],
)
def test_a_line_that_was_changed_or_left_out_is_refused_with_what_to_do_G1(
    avtald, write, lines, key, says
):
    avtald("import", write(REGISTER, FIRST), NOW)
    refused = avtald("import", write(REGISTER.replace("Acme AB", "Nya AB"), lines), LATER)
    assert refused.code == 2
    assert f"customers[acme].{key}" in refused.err
    assert says in refused.err
    assert "register.toml" in refused.err
    assert bank(avtald)[0] == 450
    assert "Acme AB" in avtald("export").out


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (FIRST.replace("90", "0"), "not 0"),
        (FIRST.replace("90", '"90"'), "without quotes"),
        (FIRST.replace("90", "1.5"), "whole minutes"),
        (FIRST + FIRST, "twice"),
        (FIRST.replace("2026-04-20", "2025-04-20"), "no time bank on 2025-04-20"),
        (FIRST.replace('reason = "Driftstoppet i april"', ""), "reason"),
    ],
)
def test_a_wrong_line_is_told_and_nothing_is_booked(avtald, write, line, says):
    refused = avtald("import", write(REGISTER, line), NOW)
    assert refused.code == 2
    assert says in refused.err


def test_the_export_writes_them_back_so_that_nothing_changes(avtald, write, folder):
    avtald("import", write(REGISTER, FIRST, SECOND), NOW)
    avtald("bank", "acme", NOW, "--adjust=15", "--reason=på telefon")
    assert avtald("export", "again.toml").code == 0
    written = tomllib.loads((folder / "again.toml").read_text(encoding="utf-8"))
    ids = [each["id"] for each in written["customers"][0]["adjustments"]]
    assert ids == ["2026-04-driftstopp", "2026-04-åter"]  # what the command booked has no line
    assert avtald("import", "again.toml", LATER).out == "inget att ändra\n"
    assert bank(avtald)[0] == 360 + 90 - 30 + 15


def test_two_customers_may_use_the_same_id(avtald, write):
    other = REGISTER.replace("acme", "beta").replace("Acme", "Beta").replace("1001", "1002")
    assert avtald("import", write(REGISTER, FIRST, other, FIRST), NOW).code == 0
    assert avtald("import", write(REGISTER, FIRST, other, FIRST), NOW).out == "inget att ändra\n"


@pytest.mark.parametrize(
    ("minutes", "reason", "says"),
    [
        ("0", "x", "not 0"),
        ("1000000", "x", "not 0"),
        ("5", " ", "not empty"),
        ("5", "a\nb", "one line"),
    ],
)
def test_the_command_refuses_what_the_register_refuses_G1(avtald, write, minutes, reason, says):
    avtald("import", write(REGISTER), NOW)
    refused = avtald("bank", "acme", NOW, f"--adjust={minutes}", f"--reason={reason}")
    assert refused.code == 2
    assert says in refused.err
    assert bank(avtald) == (360, [])


def test_the_command_refuses_a_day_without_a_bank_G1(avtald, write):
    avtald("import", write(REGISTER), NOW)
    refused = avtald("bank", "acme", NOW, "--adjust=60", "--reason=x", "--on=2025-03-01")
    assert refused.code == 2
    assert "no time bank on 2025-03-01" in refused.err
