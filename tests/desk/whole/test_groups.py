"""Messages that share a commit: one that fails takes no other along (B4); pace; a clean end."""

import datetime as dt
import itertools
import threading
from collections import Counter

import pytest
import structlog
from sqlalchemy import event

from daemon.desk.incoming import inquiry, proof, receive
from daemon.intake.accept import Arrival, accept
from daemon.loop import Step, Worker
from daemon.store import leases
from daemon.store.mail import inbox
from daemon.store.session import StoreError
from daemon.store.tickets import tickets
from tests.builders import a_desk, a_mail, an_engineers_mail, instant

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
    with structlog.testing.capture_logs():  # printing tracebacks takes seconds
        yield made


def rows(desk):
    with desk.desk.store.reading() as tx:
        return {row.id: row for row in inbox.listing(tx)}


def test_a_message_that_fails_takes_none_of_its_group_along_B4(desk):
    assert receive.step(desk.desk, T0)
    found = rows(desk)
    assert {number: row.state for number, row in found.items()} == {
        1: "done",
        2: "done",
        3: "new",
        4: "done",
    }
    assert found[3].reason == "RuntimeError: a fault of ours"
    while receive.step(desk.desk, T0):
        pass
    assert (rows(desk)[3].state, rows(desk)[3].attempts) == ("shelved", 3)
    desk.work(T0)
    assert len(desk.mailer.to("drift@example.se")) == 1
    assert [to for to, _ in desk.mailer.sent if to == "k2@acme.se"] == []


@pytest.mark.parametrize("words", ["no \0", "no \ud800"])
def test_a_failure_whose_words_no_database_takes_is_shelved_and_told_B4(
    any_store, tmp_path, monkeypatch, words
):
    made = a_desk(any_store, tmp_path)
    made.receive(a_mail(), T0)

    def fail(*_):
        raise ValueError(words)

    monkeypatch.setattr(receive, "_outcome", fail)
    for _ in range(3):
        assert receive.step(made.desk, T0)
    (row,) = rows(made).values()
    assert (row.state, row.reason[:14]) == ("shelved", "ValueError: no")
    made.work(T0)
    assert len(made.mailer.to("drift@example.se")) == 1


def test_a_message_whose_waiting_rows_cannot_be_written_fails_alone_B4(desk, monkeypatch):
    """They are written for the whole group together, long after its own turn."""
    say = tickets.say

    def saying(tx, ticket_id, **values):
        say(tx, 4711 if values["inbox_id"] == 2 else ticket_id, **values)

    monkeypatch.setattr(tickets, "say", saying)
    while receive.step(desk.desk, T0):
        pass
    assert {number: row.state for number, row in rows(desk).items()} == {
        1: "done",
        2: "shelved",
        3: "shelved",
        4: "done",
    }
    assert rows(desk)[2].reason.startswith("IntegrityError")
    desk.work(T0)
    assert sorted(to for to, _ in desk.mailer.sent if to.endswith("acme.se")) == [
        "k0@acme.se",
        "k3@acme.se",
    ]


def test_a_database_away_while_a_group_is_taken_apart_holds_none_of_it_up_B4(desk, monkeypatch):
    act, seen = receive._outcome, Counter()

    def away(turn, each):
        seen[each.claimed.id] += 1
        if (each.claimed.id, seen[2]) == (2, 2):
            raise StoreError("the server closed the connection")
        return act(turn, each)

    monkeypatch.setattr(receive, "_outcome", away)
    with pytest.raises(StoreError):
        receive.step(desk.desk, T0)
    found = rows(desk)
    assert [found[number].lease_owner for number in found] == [None] * 4
    assert {number: (row.state, row.attempts) for number, row in found.items()} == {
        1: ("done", 1),
        2: ("new", 0),
        3: ("new", 0),
        4: ("new", 0),
    }


def test_a_database_that_is_started_anew_holds_no_message_up_for_its_lease_B4(desk, monkeypatch):
    """What it did not let us give back is ours still: no other may have it for two minutes."""
    left, act, give_back = [], receive._outcome, inbox.give_back

    def away(*_args):
        raise StoreError("the server is starting up")

    monkeypatch.setattr(receive, "_outcome", away)
    monkeypatch.setattr(inbox, "give_back", away)
    for _ in range(5):  # three are too many for a message of its own
        with pytest.raises(StoreError):
            receive.step(desk.desk, T0, left)
    monkeypatch.setattr(receive, "_outcome", act)
    monkeypatch.setattr(inbox, "give_back", give_back)
    assert receive.step(desk.desk, T0, left)
    assert {number: (row.state, row.attempts) for number, row in rows(desk).items()} == {
        1: ("done", 1),
        2: ("done", 1),
        3: ("new", 1),
        4: ("done", 1),
    }
    assert left == []


def test_a_reply_in_the_group_of_the_message_it_goes_on_from_joins_its_ticket_D3(
    any_store, tmp_path
):
    """That its sender takes part in the ticket is not written yet when the second asks for it."""
    made = a_desk(any_store, tmp_path)
    made.receive(a_mail("Kim <kim@nowhere.example>", "Skrivaren"), T0)
    made.receive(a_mail("Kim <kim@nowhere.example>", "Sv: [#1001] Skrivaren"), T0)
    assert receive.step(made.desk, T0)
    assert [row.ticket_number for row in rows(made).values()] == [1001, 1001]


def test_a_group_of_every_kind_of_mail_is_acted_on_together(any_store, tmp_path):
    """Where it had to be taken apart, each of its messages would cost a transaction."""
    made = a_desk(any_store, tmp_path)
    made.receive(a_mail(subject="Första", message_id="<0@x>"), T0)
    made.work(T0)
    serial = itertools.count(1)
    for _ in range(4):
        for mail in (
            a_mail("Eva <eva@acme.se>", "Nytt", message_id=f"<{next(serial)}@x>"),
            a_mail(subject="SV: [#1001]", message_id=f"<{next(serial)}@x>"),
            an_engineers_mail(
                "Svar [tid: 1m]\n", subject="SV: [#1001]", message_id=f"<{next(serial)}@x>"
            ),
            an_engineers_mail(
                "[för: eva@acme.se] [tid: 1m] Ringde\n",
                subject="Samtal",
                message_id=f"<{next(serial)}@x>",
            ),
            a_mail("Okänd <x@okand.se>", "Fråga", message_id=f"<{next(serial)}@x>"),
        ):
            made.receive(mail, T0 - dt.timedelta(seconds=next(serial)))
    with structlog.testing.capture_logs() as lines:
        assert receive.step(made.desk, T0)
    assert [line for line in lines if line["log_level"] not in {"info", "debug"}] == []
    assert Counter(row.outcome for row in rows(made).values())["opened"] == 13
    assert {row.state for row in rows(made).values()} == {"done"}


def test_a_new_mail_takes_few_statements_and_its_group_one_commit(any_store, tmp_path):
    """At most 15 statements for each, intake and sending included, and a commit for all effects."""
    made, counted = a_desk(any_store, tmp_path), Counter()
    event.listen(any_store.engine, "before_cursor_execute", lambda *_: counted.update("s"))
    event.listen(any_store.engine, "commit", lambda _: counted.update("c"))
    mails = [
        Arrival(a_mail(f"K <k{n}@acme.se>", message_id=f"<{n}@x>"), T0, "lmtp", f"{n}")
        for n in range(20)
    ]
    accept(any_store, mails, go_live=None)
    assert counted["c"] == 1
    assert receive.step(made.desk, T0)
    assert counted["c"] == 3  # the attempt counts before it is made (B4)
    made.work(T0)
    assert len([to for to, _ in made.mailer.sent if to.startswith("k")]) == 20
    assert counted["s"] <= 15 * 20


def test_the_DNS_is_asked_for_proof_while_nothing_is_locked_D1(any_store, tmp_path, monkeypatch):
    """A resolver that does not answer takes seconds; doors and other daemons go on meanwhile."""
    made = a_desk(any_store, tmp_path)
    signed = [("DKIM-Signature", "v=1; d=example.se; s=x; h=from:to:subject:date; bh=x; b=x")]
    made.receive(a_mail("Anna <anna@example.se>", "Hej", headers=signed), T0)
    made.receive(a_mail("Eva <ekonomi@example.se>", "Re: OK", headers=signed), T0)
    made.receive(a_mail("Bo <bo@acme.se>", "Hej", headers=signed), T0)
    authenticate, free = proof.authenticate, []

    def asking(*given, **more):
        acted = threading.Event()
        threading.Thread(target=act, args=(acted,)).start()
        free.append(acted.wait(5))
        return authenticate(*given, **more | {"dns": lambda *_, **__: None})

    def act(acted):
        with any_store.acting():
            acted.set()

    monkeypatch.setattr(proof, "authenticate", asking)
    assert receive.step(made.desk, T0)
    assert free == [True, True]  # of Bo nothing is to be proven
    assert {number: row.state for number, row in rows(made).items()} == {
        1: "held",
        2: "done",
        3: "done",
    }


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


def test_a_worker_closes_what_it_uses_in_its_own_thread_when_it_stops():
    ended = []
    worker = Worker(
        "w",
        [Step("s", lambda _: False)],
        every=60,
        clock=lambda: dt.datetime.now(dt.UTC),
        end=lambda: ended.append(threading.current_thread().name),
    )
    thread = threading.Thread(target=worker.run, name="its own")
    thread.start()
    worker.stop()
    thread.join(10)
    assert ended == ["its own"]
