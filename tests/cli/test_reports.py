"""`avtald report` and `avtald simulate`: a report at any time, and what another plan would cost."""

import json

import pytest

from tests.builders import a_mail, an_engineers_mail, dated

REGISTER = """
[[engineers]]
name = "Anna Svensson"
email = "anna@example.se"

[[customers]]
key = "acme"
name = "Acme AB"
domains = ["acme.se"]
contacts = [{ name = "Bo Ek", email = "bo@acme.se" }]
reports_to = ["bo@acme.se"]
manager = "anna@example.se"

[[customers.agreements]]
plan = "attend"
from = 2026-01-01
"""
NOW = ("--now", "2026-03-15T12:00:00+01:00")


@pytest.fixture
def file(folder):
    (folder / "avtald.toml").write_text(
        (folder / "avtald.toml").read_text("utf-8") + '\nkind = "files"\n', encoding="utf-8"
    )
    path = folder / "register.toml"
    path.write_text(REGISTER, encoding="utf-8")
    return path


@pytest.fixture
def desk(avtald, file, folder):
    """A customer with nine hours on a ticket that the engineer opened for it (D6)."""
    assert avtald("import", file, "--now", "2026-01-01T00:00:00+01:00").code == 0
    mail = folder / "mail.eml"
    spoken = an_engineers_mail("Ringde. [för: bo@acme.se] [start] [tid: 9h]", subject="Lagret")
    mail.write_bytes(dated(spoken, "2026-02-10 09:00"))
    assert avtald("receive", mail, "--now", "2026-02-10T09:00:00+01:00").code == 0
    return avtald


def tick(desk, at):
    """What is due; no outgoing server is named, so that mail waits and the code tells it."""
    return desk("tick", "--now", at, "--json")


def test_a_report_reads_as_the_mail_that_the_customer_gets_j3(desk):
    tick(desk, "2026-02-10T09:00:00+01:00")
    shown = desk("report", "acme", "2026-Q1", *NOW)
    assert shown.code == 0
    assert shown.out.startswith("Acme AB, kvartal 1 2026\n")
    assert "1 ärende kom in" in shown.out
    assert "9 h" in shown.out
    assert "Skriv ditt svar" not in shown.out
    assert "Per timme" not in shown.out


def test_json_has_every_figure_in_the_shapes_of_the_contract(desk):
    tick(desk, "2026-02-10T09:00:00+01:00")
    shown = json.loads(desk("report", "acme", "2026-Q1", "--json", *NOW).out)
    assert (shown["customer"], shown["period"], shown["end"]) == ("acme", "2026-Q1", "2026-04-01")
    assert shown["minutes"] == {
        "actual": 540,
        "from_bank": 360,
        "overage": 180,
        "not_billable": 0,
        "late": 0,
    }
    assert shown["banks"][0]["remaining_minutes"] == 0
    assert [each["month"] for each in shown["billed"]] == ["2026-01", "2026-02", "2026-03"]
    assert shown["until"] == "2026-03-15T11:00:01Z"
    assert "internal" not in shown


def test_what_is_for_our_eyes_is_shown_only_where_it_is_asked_for(desk):
    tick(desk, "2026-02-10T09:00:00+01:00")
    assert "Per timme" in desk("report", "acme", "2026-Q1", "--internal", *NOW).out
    shown = json.loads(desk("report", "acme", "2026-Q1", "--internal", "--json", *NOW).out)
    assert shown["internal"]["margin"]["revenue"] == "11670.00"
    assert {each["plan"] for each in shown["internal"]["plans"]} >= {"Alert!", "Attend!"}


def test_a_pdf_is_written_as_a4_j3(desk, folder):
    ended = desk("report", "acme", "2026-01", "--pdf", folder / "r.pdf", *NOW)
    assert (ended.code, ended.out) == (0, "")
    assert (folder / "r.pdf").read_bytes().startswith(b"%PDF-")
    nowhere = desk("report", "acme", "2026-01", "--pdf", folder / "no" / "r.pdf", *NOW)
    assert nowhere.code == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("acme", "2026-13"), "no period"),
        (("nobody", "2026-01"), "finns inte"),
        (("acme", "2027"), "har inte börjat"),
    ],
)
def test_a_wrong_question_is_wrong_usage(desk, arguments, says):
    ended = desk("report", *arguments, *NOW)
    assert ended.code == 2
    assert says in ended.err


def test_tick_sends_the_report_once_j3(desk):
    """The real printer, the real steps; the mails wait for a server that nobody named."""
    found = json.loads(tick(desk, "2026-04-01T08:00:00+02:00").out or "{}")
    again = json.loads(tick(desk, "2026-04-01T08:05:00+02:00").out or "{}")
    assert (found["report"], again["report"]) == (1, 0)


def test_what_another_plan_would_have_cost(desk):
    tick(desk, "2026-02-10T09:00:00+01:00")
    question = ("simulate", "acme", "--from", "2026-01", "--to", "2026-03")
    shown = json.loads(desk(*question, "--plan", "alert", "--json", *NOW).out)
    assert shown == {
        "customer": "acme",
        "plan": "alert",
        "months": [
            {"month": "2026-01", "current": "3000.00", "simulated": "8000.00"},
            {"month": "2026-02", "current": "5670.00", "simulated": "8000.00"},
            {"month": "2026-03", "current": "3000.00", "simulated": "8000.00"},
        ],
        "current": "11670.00",
        "simulated": "24000.00",
        "difference": "12330.00",
    }
    assert "skillnad 12330.00 kr" in desk(*question, "--plan", "alert", *NOW).out
    none = json.loads(desk(*question, "--plan", "none", "--json", *NOW).out)
    assert none["simulated"] == "8820.00"


@pytest.mark.parametrize(
    "more",
    [
        ("--plan", "gold", "--from", "2026-01", "--to", "2026-03"),
        ("--plan", "alert", "--from", "2026-03", "--to", "2026-01"),
        ("--plan", "alert", "--from", "2026-Q1", "--to", "2026-Q1"),
        ("--plan", "alert", "--from", "1900-01", "--to", "2999-12"),
    ],
)
def test_a_wrong_simulation_is_wrong_usage(desk, more):
    assert desk("simulate", "acme", *more, *NOW).code == 2


def test_a_ticket_by_mail_is_in_the_report_too(desk, folder):
    mail = folder / "two.eml"
    mail.write_bytes(a_mail())
    desk("receive", mail, "--now", "2026-02-11T09:00:00+01:00")
    tick(desk, "2026-02-11T09:00:00+01:00")
    shown = json.loads(desk("report", "acme", "2026-02", "--json", *NOW).out)
    assert shown["tickets"]["opened"] == 2
    assert [each["number"] for each in shown["open"]] == [1001, 1002]
