"""The canary flies through the real mailbox, and its absence is told by another route."""

import dataclasses
import datetime as dt
import json
import sys

import pytest

from daemon.app.watch import Watcher
from daemon.desk.upkeep import canary
from daemon.settings.values import Listen
from daemon.settings.watch import Watch
from daemon.store import known_faults
from tests.builders import SETTINGS, a_desk, a_mail, instant

T0 = instant("2026-11-23 10:00")
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def told(tmp_path):
    """What the command was given."""
    return tmp_path / "told"


@pytest.fixture
def desk(store, tmp_path, told):
    write = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read())"
    command = json.dumps([sys.executable, "-c", write])  # as TOML writes it too
    settings = f"{SETTINGS}\n[canary]\non = true\ncommand = {command}\n"
    return a_desk(store, tmp_path, settings=settings)


def flown(desk):
    return [raw for to, raw in desk.mailer.sent if to == "support@example.se"]


def test_one_leaves_every_hour_and_no_more(desk):
    left = [
        minutes for minutes in range(0, 180, 5) if canary.step(desk.desk, T0 + minutes * MINUTE)
    ]
    assert {0, 60, 120} <= set(left)
    desk.work(T0 + 180 * MINUTE)
    assert len(flown(desk)) == 3


def test_one_that_comes_back_is_noted_opens_no_ticket_and_nobody_is_told(desk, store, told):
    canary.step(desk.desk, T0)
    desk.work(T0)
    (raw,) = flown(desk)
    desk.get(b"Received: from mx by us; today\r\n" + raw, T0 + MINUTE)
    assert not canary.step(desk.desk, T0 + 20 * MINUTE)
    with store.reading() as tx:
        assert canary.last(tx).back_at == T0 + MINUTE
        assert known_faults.standing(tx) == []
    assert not told.exists()
    assert [to for to, _ in desk.mailer.sent] == ["support@example.se"]


def test_one_that_is_missing_is_told_once_by_command_and_by_mail(desk, told):
    canary.step(desk.desk, T0)
    found = [canary.step(desk.desk, T0 + minutes * MINUTE) for minutes in (14, 15, 16, 30)]
    assert found == [False, True, False, False]
    assert told.read_text().startswith("Provmejlet från 2026-11-23 10:00 har inte kommit tillbaka")
    desk.work(T0 + 30 * MINUTE)
    assert len(desk.mailer.to("drift@example.se")) == 1


def test_none_leaves_before_go_live_for_it_would_be_archived_b5(desk, told):
    settings = desk.desk.settings
    later = dataclasses.replace(settings.desk, go_live=T0 + 60 * MINUTE)
    waiting = dataclasses.replace(desk.desk, settings=dataclasses.replace(settings, desk=later))
    assert not any(canary.step(waiting, T0 + minutes * MINUTE) for minutes in range(60))
    assert canary.step(waiting, T0 + 60 * MINUTE)
    assert not told.exists()


def test_the_next_one_that_comes_back_clears_the_fault(desk, store):
    canary.step(desk.desk, T0)
    canary.step(desk.desk, T0 + 15 * MINUTE)
    canary.step(desk.desk, T0 + 60 * MINUTE)
    desk.work(T0 + 60 * MINUTE)
    desk.get(flown(desk)[-1], T0 + 61 * MINUTE)
    with store.reading() as tx:
        assert known_faults.standing(tx) == []


def test_the_fault_stands_while_the_next_one_is_in_the_air(desk, store):
    """Else /health calls a mailbox that is lost for hours well for a quarter of each."""
    canary.step(desk.desk, T0)
    for minutes in (15, 60, 61, 75, 120, 121):
        at = T0 + minutes * MINUTE
        canary.step(desk.desk, at)
        watcher = Watcher(desk.desk, Watch(listen=Listen("127.0.0.1", 0)), lambda at=at: at)
        assert f"the canary of {T0.isoformat()} has not come back" in watcher.health()[1]["faults"]
    desk.work(T0 + 121 * MINUTE)
    desk.get(flown(desk)[-1], T0 + 122 * MINUTE)
    with store.reading() as tx:
        assert canary.last(tx).missing is None


def test_a_forged_canary_is_none_and_clears_nothing(desk, store):
    canary.step(desk.desk, T0)
    forged = a_mail("Eva <eva@evil.se>", headers=[(canary.HEADER, "0" * 32)])
    desk.get(forged, T0 + MINUTE)
    with store.reading() as tx:
        assert canary.last(tx).back_at is None


def test_a_command_that_fails_stops_nothing_and_is_run_until_it_goes_well(store, tmp_path, told):
    """Whoever is to be called hears of it once, and not never."""
    page = tmp_path / "page"
    settings = f"{SETTINGS}\n[canary]\non = true\ncommand = [{str(page)!r}]\n"
    desk = a_desk(store, tmp_path, settings=settings)
    canary.step(desk.desk, T0)
    for minutes in (15, 16):
        assert not canary.step(desk.desk, T0 + minutes * MINUTE)
        with store.reading() as tx:
            assert canary.last(tx).told  # so that /health tells it all the while
    page.write_text(f"#!/bin/sh\necho called >> {told}\n")
    page.chmod(0o755)
    found = [canary.step(desk.desk, T0 + minutes * MINUTE) for minutes in (17, 18, 19)]
    assert found == [True, False, False]
    assert told.read_text() == "called\n"
    desk.work(T0 + 20 * MINUTE)
    assert len(desk.mailer.to("drift@example.se")) == 1


def test_a_death_before_the_command_was_run_leaves_it_to_the_next_time(desk, told, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    canary.step(desk.desk, T0)
    monkeypatch.setattr(canary, "_run", die)
    with pytest.raises(Killed):
        canary.step(desk.desk, T0 + 15 * MINUTE)
    monkeypatch.undo()
    found = [canary.step(desk.desk, T0 + minutes * MINUTE) for minutes in (16, 17)]
    assert found == [True, False]
    assert told.read_text().count("10:00") == 1


def test_a_clock_that_is_set_back_lets_the_next_one_out_at_once(desk):
    assert canary.step(desk.desk, T0)
    assert canary.step(desk.desk, T0 - 120 * MINUTE)
    assert not canary.step(desk.desk, T0 - 119 * MINUTE)


def test_without_the_setting_nothing_flies(store, tmp_path):
    assert not canary.step(a_desk(store, tmp_path).desk, T0)
