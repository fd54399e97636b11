"""`outgoing.per_minute` holds for the desk as a whole, however many processes send."""

import datetime as dt
from collections import Counter

import pytest
from sqlalchemy import event

from daemon.desk.outgoing import pace as pacing
from daemon.desk.outgoing.pace import Pace
from daemon.store import leases, rows
from daemon.store.mail import outbox
from tests.builders import instant
from tests.desk.outgoing.senders import a_sender

T0 = instant("2026-11-23 10:00")
FACT = "outgoing-minute"


class Machine:
    """A clock that the test sets, and processes that take turns."""

    def __init__(self, store, monkeypatch):
        self.store, self.seconds, self.sent = store, 0.0, []
        self.process, self.slow = "one", 0.0
        monkeypatch.setattr(leases, "wall", lambda: T0 + dt.timedelta(seconds=self.seconds))
        monkeypatch.setattr(leases, "owner", lambda: self.process)

    def send(self, _from, to, _raw):
        self.seconds += self.slow
        self.sent.append((self.seconds, to))
        return "250"

    def close(self):
        """Nothing is open."""

    def step(self, per_minute, process="one", *, patient=False):
        self.process = process
        limit = f"per_minute = {per_minute}"
        return a_sender(self.store, self, outgoing=limit).step(T0, patient=patient)

    def most_in_a_minute(self):
        times = [at for at, _ in self.sent]
        return max(sum(at <= each < at + 60 for each in times) for at in times)


@pytest.fixture
def machine(any_store, monkeypatch):
    with any_store.writing() as tx:
        to = tuple(f"k{number}@a.se" for number in range(40))
        outbox.put(tx, outbox.Mail("k", "notice", "<k@x>", b"x\r\n", to, "s@x.se"), T0)
    return Machine(any_store, monkeypatch)


def test_two_processes_share_what_may_leave_in_a_minute(machine):
    counts = []
    for seconds in (0, 30, 59, 61, 119, 122):
        machine.seconds = seconds
        for process in ("one", "two", "one", "two"):
            machine.step(7, process)
        counts.append(len(machine.sent))
    assert counts == [7, 7, 7, 14, 14, 21]
    assert len({to for _, to in machine.sent}) == 21


def test_a_server_that_takes_its_time_gets_no_more_in_any_minute(machine):
    machine.slow = 5.5
    for _ in range(120):
        machine.step(7, "one")
        machine.step(7, "two")
        machine.seconds += 1
        machine.slow = 5.5 if machine.seconds < 60 else 0.0
    assert len(machine.sent) > 7
    assert machine.most_in_a_minute() == 7


def test_another_process_takes_no_place_of_a_group_that_is_on_its_way(any_store, machine):
    pace = Pace(7)
    with any_store.writing() as tx:
        pace.claimed(tx, 5)
    with any_store.writing() as tx:
        assert pace.room(tx) == 2


def test_a_clock_that_is_set_back_holds_no_mail_up(machine):
    while machine.step(7):
        pass
    machine.seconds = -7200
    assert machine.step(7)
    assert len(machine.sent) == 14


def test_a_patient_sender_waits_outside_any_transaction(any_store, machine, monkeypatch):
    """`avtald tick`: the doors of the daemon beside it are not held up meanwhile."""

    def sleep(seconds):
        machine.seconds += seconds * 100
        with any_store.writing() as tx:  # on SQLite nobody could, beside a writer
            rows.keep_fact(tx, "somebody", "else")

    monkeypatch.setattr(pacing.time, "sleep", sleep)
    while machine.step(7, patient=True):
        pass
    assert len(machine.sent) == 40
    assert machine.most_in_a_minute() == 7


def test_without_a_limit_nothing_is_asked_or_kept(any_store, machine):
    counted = Counter()
    event.listen(
        any_store.engine,
        "before_cursor_execute",
        lambda _c, _u, said, given, *_: counted.update([FACT in str(given)]),
    )
    while machine.step(0):
        pass
    assert len(machine.sent) == 40
    assert set(counted) == {False}
