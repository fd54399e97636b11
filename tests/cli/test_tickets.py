"""`avtald tickets`, `ticket` and `explain`: the shapes of contract 4, and what people read."""

import json
import shutil

import pytest

from daemon.store.session import open_store
from tests.builders import a_desk, a_mail, an_engineers_mail

FRIDAY = "2026-11-20 16:30"


@pytest.fixture
def desk(folder, sqlite_template):
    """A desk in this process, which acts on mail in the database that the commands look at."""
    (folder / "var").mkdir(mode=0o700)
    shutil.copyfile(sqlite_template, folder / "var" / "avtald.db")
    store = open_store(f"sqlite:///{folder}/var/avtald.db")
    yield a_desk(store, folder)
    store.close()


@pytest.fixture
def show(avtald, capsys):
    """Runs a command, and gives nothing but what that printed."""

    def shown(*arguments):
        capsys.readouterr()  # what the desk logged
        return avtald(*arguments)

    return shown


def listed(show, *more):
    return json.loads(show("tickets", "--json", *more).out)


def test_the_list_has_the_shape_of_the_contract(show, desk):
    """Contract 4, A3: Friday 16:30 and an hour is Monday 08:30."""
    desk.get(a_mail(subject="Prio 2: Skrivaren står still"), FRIDAY)
    assert listed(show) == [
        {
            "number": 1001,
            "subject": "Prio 2: Skrivaren står still",
            "customer": "acme",
            "requester": "bo@acme.se",
            "priority": 2,
            "status": "open",
            "opened_at": "2026-11-20T15:30:00Z",
            "assignee": None,
            "response": {
                "target_minutes": 60,
                "due_at": "2026-11-23T07:30:00Z",
                "ended_at": None,
                "met": None,
            },
            "minutes": {"actual": 0, "billable": 0},
        }
    ]


def test_a_stranger_has_a_ticket_without_customer_or_clock(show, desk):
    """Contract 4: without a clock the keys of `response` stand with null."""
    desk.get(a_mail("nils@okand.example"), FRIDAY)
    (ticket,) = listed(show)
    assert (ticket["customer"], ticket["status"]) == (None, "unplaced")
    assert set(ticket["response"]) == {"target_minutes", "due_at", "ended_at", "met"}
    assert set(ticket["response"].values()) == {None}


def test_an_answer_with_time_is_seen_and_open_leaves_closed_tickets_out(show, desk):
    """E1, E8, contract 4: `met`, minutes, and `--open`."""
    desk.get(a_mail(), "2026-11-20 09:00")
    desk.get(a_mail("cia@beta.se", "Rapport"), "2026-11-20 09:05")
    (notice,) = [each for each in desk.mailer.to("anna@example.se") if b"[#1001]" in each]
    answer = an_engineers_mail("Nu går den. [tid: 1,5h] [klar]\n", reply_to=notice)
    desk.get(answer, "2026-11-20 09:30")
    assert [each["number"] for each in listed(show)] == [1002, 1001]
    assert [each["number"] for each in listed(show, "--open")] == [1002]
    closed = listed(show)[1]
    assert (closed["status"], closed["assignee"]) == ("closed", "anna@example.se")
    assert closed["response"]["ended_at"] == "2026-11-20T08:30:00Z"
    assert closed["response"]["met"] is True
    assert closed["minutes"] == {"actual": 90, "billable": 90}


def test_the_list_goes_by_deadline_and_then_by_priority(show, desk):
    """E2"""
    desk.get(a_mail("cia@beta.se", "Sist"), "2026-11-20 09:00")  # 8 h
    desk.get(a_mail(subject="Prio 3: sen"), "2026-11-20 10:00")  # 1 h
    desk.get(a_mail(subject="Prio 1: samtidig", text="a\n"), "2026-11-20 10:00")
    assert [each["subject"] for each in listed(show)] == [
        "Prio 1: samtidig",
        "Prio 3: sen",
        "Sist",
    ]
    shown = show("tickets", "--now", "2026-11-20T10:15:00+01:00").out.splitlines()
    assert shown[0].split()[:3] == ["ärende", "prio", "status"]
    assert "  0:45  " in shown[1]
    late = show("tickets", "--now", "2026-11-20T12:30:00+01:00").out.splitlines()
    assert "  -1:30  " in late[1]
    assert "  4:30  " in late[3]


def test_one_ticket_is_shown_whole(show, desk):
    """K1: what was said, what happened, time and mails."""
    desk.get(a_mail(), FRIDAY)
    whole = json.loads(show("ticket", 1001, "--json").out)
    assert whole["messages"][0]["from"] == "bo@acme.se"
    assert "opened" in [each["kind"] for each in whole["events"]]
    assert whole["mails"][0]["kind"] == "confirmation"
    shown = show("ticket", 1001).out
    assert "deltagare: bo@acme.se" in shown
    assert "confirmation" in shown


def test_a_ticket_that_is_none_is_wrong_usage(show, desk):
    for command in ("ticket", "explain"):
        ended = show(command, 7)
        assert ended.code == 2
        assert "7" in ended.err


def test_explain_names_every_segment_and_its_rule(show, desk):
    """E9"""
    desk.get(a_mail(), FRIDAY)
    at = "2026-11-23T08:10:00+01:00"
    (clock,) = json.loads(show("explain", 1001, "--json", "--now", at).out)
    assert (clock["kind"], clock["result"], clock["target_minutes"]) == ("response", "running", 60)
    assert [
        (each["start"], each["end"], each["minutes"], each["running"], each["rule"])
        for each in clock["segments"]
    ] == [
        ("2026-11-20T15:30:00Z", "2026-11-20T16:00:00Z", 30, True, "A3"),
        ("2026-11-20T16:00:00Z", "2026-11-23T07:00:00Z", 0, False, "A2"),
        ("2026-11-23T07:00:00Z", None, 10, True, "A3"),
    ]


def test_explain_speaks_the_desks_language(show, desk, folder):
    """E9"""
    desk.get(a_mail(), FRIDAY)
    at = ("--now", "2026-11-23T09:10:00+01:00")
    first, *lines = show("explain", 1001, *at).out.splitlines()
    assert first == "svarstid: går, senast 2026-11-23 08:30"
    assert lines[1].startswith("går   2026-11-20 16:30  2026-11-20 17:00")
    assert lines[1].split()[-3:] == ["30", "A3", "öppet"]
    assert lines[2].split()[-2:] == ["A2", "stängt"]
    file = folder / "avtald.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("[desk]\n", '[desk]\nlanguage = "en"\n'), encoding="utf-8")
    assert show("explain", 1001, *at).out.startswith("response: running, due 2026-11-23 08:30")


def test_explain_may_be_sent_to_the_customer(show, desk):
    """E9: the same as a mail, to the requester alone."""
    desk.get(a_mail(), FRIDAY)
    ended = show("explain", 1001, "--send", "--now", "2026-11-23T09:10:00+01:00")
    assert (ended.code, ended.err.strip().splitlines()[-1]) == (0, "mejl i utkorgen: 1")
    mails = json.loads(show("ticket", 1001, "--json").out)["mails"]
    assert ("explanation", "bo@acme.se") in [(each["kind"], each["to"]) for each in mails]
