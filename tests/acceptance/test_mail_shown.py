"""`avtald mail`: the inbox, its shelf, one message's way, and trying it again (B4, B5)."""

import json

import pytest

from daemon.intake.accept import Arrival, accept
from daemon.store.schema import tables
from tests.builders import a_mail, instant
from tests.desk_process import a_place

BOMB = b"Subject: x\r\n" + b"X: y\r\n" * 300 + b"\r\nbody\r\n"
T0 = "2026-11-23T10:00:00+01:00"


@pytest.fixture
def place(tmp_path, sqlite_url):
    made = a_place(tmp_path / "desk", sqlite_url, 1)
    yield made
    made.store.close()


def shown(place, *words):
    return json.loads(place.run("mail", *words, "--json").stdout)


def test_one_message_is_shown_with_its_deliveries_its_effects_and_its_mails(place):
    raw = a_mail()
    for _ in range(2):
        assert place.run("receive", "--now", T0, stdin=raw).returncode == 0
    place.run("tick", "--now", T0)
    whole = shown(place, "show", "1")
    assert (whole["state"], whole["outcome"], whole["ticket"]) == ("done", "opened", 1001)
    assert [each["source"] for each in whole["deliveries"]] == ["receive", "receive"]
    assert "opened" in {each["kind"] for each in whole["events"]}
    assert {each["kind"] for each in whole["mails"]} == {"confirmation", "notice"}
    assert {each["state"] for each in whole["mails"]} == {"pending"}  # nobody listens at port 1
    told = place.run("mail", "show", "1").stdout.decode()
    assert "confirmation -> bo@acme.se" in told
    assert place.run("mail", "show", "7").returncode == 2


def test_shelved_mail_is_listed_told_once_and_tried_again_B4(place):
    place.run("receive", "--now", T0, stdin=BOMB)
    place.run("tick", "--now", T0)
    (row,) = shown(place, "--shelved")
    assert (row["id"], row["state"]) == (1, "shelved")
    assert row["reason"]
    replayed = place.run("mail", "replay", "1", "--json")
    assert json.loads(replayed.stdout) == {"id": 1, "state": "new"}
    assert shown(place, "--shelved") == []
    place.run("tick", "--now", T0)
    (again,) = shown(place, "--shelved")
    assert again["received_at"] == row["received_at"] == "2026-11-23T09:00:00Z"
    assert [each["kind"] for each in shown(place, "show", "1")["mails"]] == []
    assert place.run("mail", "replay", "7").returncode == 2


def test_mail_that_is_replayed_and_shelved_again_is_told_again_B4(place):
    """Whoever mended something and replayed would else believe that it has been acted on."""
    told = tables.outgoing.c.kind == "alarm"
    place.run("receive", "--now", T0, stdin=BOMB)
    for minute in ("00", "05"):
        place.run("tick", "--now", T0.replace(":00", f":{minute}", 1))
        place.run("tick", "--now", T0.replace(":00", f":{minute}", 1))
        assert place.count(tables.outgoing, told) == (1 if minute == "00" else 2)
        assert place.count(tables.alarms, tables.alarms.c.cleared_at.is_(None)) == 1
        place.run("mail", "replay", "1")
        assert place.count(tables.alarms, tables.alarms.c.cleared_at.is_(None)) == 0


def test_archived_mail_is_kept_and_neither_answered_nor_clocked_B5(place):
    old = Arrival(a_mail(), instant("2025-12-31 23:59"), "receive", "old")
    accept(place.store, [old], go_live=instant("2026-01-01 00:00"))
    place.run("tick", "--now", T0)
    whole = shown(place, "show", "1")
    assert (whole["state"], whole["ticket"], whole["mails"]) == ("archived", None, [])
    assert not place.requesters()


def test_the_steps_to_die_at_are_listed(place):
    names = [each["name"] for each in json.loads(place.run("steps", "--json").stdout)]
    assert "inbox.committed" in names
    assert len(names) >= 12


def test_a_tick_does_what_it_can_and_exits_75_where_no_mail_gets_out(place):
    place.run("receive", "--now", T0, stdin=a_mail())
    tick = place.run("tick", "--now", T0)
    assert tick.returncode == 75
    assert "mail waits in the outbox: 127.0.0.1:1 " in tick.stderr.decode()
    assert shown(place, "show", "1")["outcome"] == "opened"
