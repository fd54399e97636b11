"""`avtald check` as a table and as JSON, and what it exits with."""

import json

import pytest

from daemon.app.mail_records import Lookup
from daemon.desk.upkeep.check import MailRecords
from tests.scripted_smtp import sink

REGISTER = """
[[engineers]]
name = "Anna Svensson"
email = "anna@example.se"
[[customers]]
key = "acme"
name = "Acme AB"
contacts = [{ email = "bo@acme.se" }]
"""


@pytest.fixture(autouse=True)
def records(monkeypatch):
    """What DNS says of every domain, in place of the network."""
    complete = MailRecords(spf="v=spf1 mx -all", dkim=True, dmarc="reject")
    monkeypatch.setattr(Lookup, "of", lambda _self, _domain: complete)


@pytest.fixture
def outside(folder):
    """An outgoing server that lets us in."""
    with sink() as server:
        table = f'\n[outgoing]\nhost = "127.0.0.1"\nport = {server.port}\ntls = "none"\n'
        with (folder / "avtald.toml").open("a", encoding="utf-8") as file:
            file.write(table)
        yield server


def test_where_all_is_well_it_exits_0(avtald, folder, outside):
    (folder / "register.toml").write_text(REGISTER, encoding="utf-8")
    avtald("import", "register.toml")
    ended = avtald("check", "--now", "2026-11-20T12:00:00Z")
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert lines[0].split() == ["område", "läge", "vad"]
    assert all(line.split()[1] == "OK" for line in lines[1:] if not line.startswith(" "))
    assert any("2027: 01-01 Nyårsdagen" in line for line in lines)
    assert any("anslutning fungerar" in line for line in lines)
    assert outside.mails == []


def test_a_server_that_refuses_is_a_fault(avtald, folder, outside):
    outside.say("CONNECT", "421 go away")
    ended = avtald("check")
    assert ended.code == 1
    assert "utgående       fel" in ended.out
    assert "421 go away" in ended.out
    assert "→ se över [outgoing]" in ended.out


def test_what_needs_attention_exits_1_with_its_remedy_below(avtald, folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    ended = avtald("check")
    assert ended.code == 1
    lines = ended.out.splitlines()
    at = next(at for at, line in enumerate(lines) if "inga tekniker" in line)
    assert lines[at].split()[:2] == ["register", "varning"]
    told = "→ skriv [[engineers]] i register.toml, och kör avtald import register.toml"
    assert lines[at + 1].strip() == told


def test_no_line_is_wider_than_the_terminal(avtald, folder, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = avtald("check").out.splitlines()
    assert max(len(line) for line in lines if str(folder) not in line) <= 80
    (at,) = (at for at, line in enumerate(lines) if line.startswith("kalender"))
    indent = lines[0].index("vad")
    assert lines[at + 1][:indent].strip() == ""
    assert lines[at + 1][indent] != " "


def test_an_english_desk_reads_english(avtald, english):
    ended = avtald("check")
    assert ended.out.splitlines()[0].split() == ["area", "status", "what"]
    assert "no engineers" in ended.out


def test_json_has_area_status_message_and_remedy(avtald, folder):
    ended = avtald("check", "--json")
    findings = json.loads(ended.out)
    assert ended.code == 1
    assert all(set(each) == {"area", "status", "message", "remedy"} for each in findings)
    assert {each["status"] for each in findings} == {"ok", "warning"}
    assert {"configuration", "intake", "closing"} <= {each["area"] for each in findings}
