"""Messages that share a commit: one that fails takes no other along (B4); pace; a clean end."""

import datetime as dt
import threading

import pytest

from daemon.desk import inquiry, receive, sending
from daemon.loop import Step, Worker
from daemon.store import inbox, leases, outbox
from tests.builders import a_desk, a_mail, instant

T0 = instant("2026-11-23 10:00")


@pytest.fixture
def desk(any_store, tmp_path, monkeypatch):
    """A desk that fails on every message whose subject says so."""
    take = inquiry.take

    def failing(turn, verdict):
        found = take(turn, verdict)
        if "fel" in turn.mail.message.subject:
            raise RuntimeError("a fault of ours")
        return found

    monkeypatch.setattr(inquiry, "take", failing)
    made = a_desk(any_store, tmp_path)
    for number, subject in enumerate(["ett", "två", "fel", "fyra"]):
        made.receive(a_mail(f"K <k{number}@acme.se>", subject, message_id=f"<{number}@x>"), T0)
    return made


def rows(desk):
    with desk.desk.store.reading() as tx:
        return {row.id: row for row in inbox.listing(tx)}


def test_a_message_that_fails_takes_none_of_its_group_along_B4(desk):
    assert receive.step(desk.desk, T0)
    found = rows(desk)
    assert {number: row.state for number, row in found.items()} == {
        1: "done", 2: "done", 3: "new", 4: "done",
    }  # fmt: skip
    assert found[3].reason == "RuntimeError: a fault of ours"
    while receive.step(desk.desk, T0):
        pass
    assert (rows(desk)[3].state, rows(desk)[3].attempts) == ("shelved", 3)
    desk.work(T0)
    assert len(desk.mailer.to("drift@example.se")) == 1
    assert [to for to, _ in desk.mailer.sent if to == "k2@acme.se"] == []


def test_what_a_death_has_touched_is_taken_alone_so_that_the_killer_is_found_B4(desk):
    store = desk.desk.store
    with store.writing() as tx:
        assert len(inbox.claim(tx)) == 4
        dead = leases.owner().rpartition(":")[0] + ":1"
        tx.exec_driver_sql(f"UPDATE inbox SET lease_owner = '{dead}'")
    groups = []
    while True:
        with store.writing() as tx:
            claimed = inbox.claim(tx)
        if not claimed:
            break
        groups.append([each.id for each in claimed])
    assert groups == [[1], [2], [3], [4]]


def test_no_more_mails_leave_in_a_minute_than_the_setting(store, tmp_path, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(sending.time, "monotonic", lambda: now[0])
    pace, sent = sending.Pace(3), []
    mailer = type("M", (), {"send": lambda _s, _f, to, _r: sent.append(to) or "250"})()
    with store.writing() as tx:
        to = tuple(f"k{number}@a.se" for number in range(8))
        outbox.put(tx, outbox.Mail("k", "notice", "<k@x>", b"x\r\n", to, "s@x.se"), T0)
    counts = []
    for seconds in (0, 59, 61, 119, 122):
        now[0] = 1000.0 + seconds
        while sending.step(
            store, mailer, T0, pace=pace, on_sent=lambda *_: None, on_failed=lambda *_: None
        ):
            pass
        counts.append(len(sent))
    assert counts == [3, 3, 6, 6, 8]


def test_a_worker_closes_what_it_uses_in_its_own_thread_when_it_stops():
    ended = []
    worker = Worker(
        "w", [Step("s", lambda _: False)], every=60, clock=lambda: dt.datetime.now(dt.UTC),
        end=lambda: ended.append(threading.current_thread().name),
    )  # fmt: skip
    thread = threading.Thread(target=worker.run, name="its own")
    thread.start()
    worker.stop()
    thread.join(10)
    assert ended == ["its own"]
