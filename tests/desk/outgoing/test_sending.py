"""The sending step: at least once, recognisable, and nothing lost between attempt and note."""

import datetime as dt
from itertools import chain, repeat

import pytest
from sqlalchemy import select, update

from daemon.desk.outgoing import lanes, settling
from daemon.desk.outgoing import sending as senders
from daemon.desk.ports import SendError
from daemon.loop import Supervisor
from daemon.store import leases
from daemon.store.mail import outbox
from daemon.store.schema import tables
from daemon.store.session import StoreError
from tests.builders import text_of
from tests.desk.outgoing.senders import Notes, a_sender

T0 = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


class Post:
    """A mailer that does as told: what it took, and the errors that it raises, by recipient."""

    def __init__(self, said="250 2.0.0 queued", **errors):
        self.taken = []
        self.said = said
        self.errors = errors

    def send(self, envelope_from, recipient, raw):
        error = self.errors.get(recipient.partition("@")[0])
        if error is not None and (not isinstance(error, SendError) or not error.unclear):
            raise error
        self.taken.append((envelope_from, recipient, raw))
        if error is not None:
            raise error
        return self.said

    def close(self):
        pass

    abort = close


def queue(store, *recipients, kind="confirmation", key="k", raw=b"Subject: x\r\n\r\nx\r\n"):
    with store.writing() as tx:
        mail = outbox.Mail(key, kind, f"<{key}@example.se>", raw, recipients, "support@example.se")
        return outbox.put(tx, mail, T0)


def step(store, post, now=T0, notes=None):
    notes = notes or Notes()
    return a_sender(store, post, notes).step(now), notes.told


def rows(store):
    with store.reading() as tx:
        return tx.execute(select(tables.outbox).order_by(tables.outbox.c.id)).all()


def states(store):
    return [row.state for row in rows(store)]


def test_every_recipient_gets_the_mail_once_and_the_desk_is_told(any_store):
    queue(any_store, "anna@a.se", "bo@b.se")
    post = Post()
    found, told = step(any_store, post)
    assert found
    assert [taken[1] for taken in post.taken] == ["anna@a.se", "bo@b.se"]
    assert told == [("sent", "anna@a.se"), ("sent", "bo@b.se")]
    assert [(row.state, row.sent_at, row.reply) for row in rows(any_store)] == [
        ("sent", T0, "250 2.0.0 queued")
    ] * 2
    assert step(any_store, post) == (False, [])
    assert len(post.taken) == 2


def test_nothing_goes_out_before_its_time(any_store):
    queue(any_store, "anna@a.se")
    step(any_store, Post(anna=SendError("451 4.3.0 later")))
    assert step(any_store, Post(), T0 + MINUTE / 2) == (False, [])
    assert step(any_store, Post(), T0 + MINUTE) == (True, [("sent", "anna@a.se")])


def test_a_clock_that_is_set_back_holds_no_new_mail_up(any_store):
    """What was queued by the later clock goes out at once, what was tried after its own pause."""
    queue(any_store, "anna@a.se")
    step(any_store, Post(anna=SendError("451 4.3.0 later")))
    queue(any_store, "bo@b.se", key="other")
    back = T0 - dt.timedelta(hours=2)
    assert step(any_store, Post(), back) == (True, [("sent", "bo@b.se")])
    assert step(any_store, Post(), back + MINUTE / 2) == (False, [])
    assert step(any_store, Post(), back + MINUTE) == (True, [("sent", "anna@a.se")])


@pytest.mark.parametrize("ahead", [dt.timedelta(hours=-1), dt.timedelta(hours=2)])
def test_what_a_dead_machine_was_sending_waits_for_no_clock(any_store, ahead):
    """Its lease ran out, or was taken by a clock hours ahead of ours."""
    queue(any_store, "anna@a.se")
    with any_store.writing() as tx:
        assert outbox.claim(tx, T0)
        held = {"lease_owner": "elsewhere:1:1", "lease_until": leases.wall() + ahead}
        tx.execute(update(tables.outbox).values(held))
    assert step(any_store, Post()) == (True, [("sent", "anna@a.se")])


@pytest.mark.parametrize("said", ["250 2.0.0 \0", "250 2.0.0 \ud800"])
def test_a_reply_that_is_no_text_ends_the_delivery_as_any_other(any_store, said):
    """Else its end could not be noted, and the mail would go again and again."""
    queue(any_store, "anna@a.se")
    post = Post(said=said)
    assert step(any_store, post) == (True, [("sent", "anna@a.se")])
    assert step(any_store, post) == (False, [])


def test_a_temporary_refusal_waits_and_the_others_go_on(any_store):
    queue(any_store, "anna@a.se", "bo@b.se")
    post = Post(anna=SendError("451 4.3.0 later"))
    assert step(any_store, post)[1] == [("sent", "bo@b.se")]
    waiting = rows(any_store)[0]
    assert (waiting.state, waiting.reply, waiting.attempts) == ("pending", "451 4.3.0 later", 1)
    assert T0 < waiting.next_at <= T0 + MINUTE
    assert step(any_store, Post(), T0 + MINUTE)[1] == [("sent", "anna@a.se")]


def test_a_permanent_refusal_ends_the_delivery_and_is_told(any_store):
    queue(any_store, "anna@a.se")
    post = Post(anna=SendError("550 5.1.1 unknown", permanent=True))
    assert step(any_store, post)[1] == [("failed", "anna@a.se", "550 5.1.1 unknown")]
    assert states(any_store) == ["failed"]
    assert step(any_store, Post(), T0 + 9999 * MINUTE) == (False, [])


def test_after_five_days_of_temporary_refusals_the_delivery_fails(any_store):
    queue(any_store, "anna@a.se")
    post, notes, now, attempts = Post(anna=SendError("451 later")), Notes(), T0, 0
    while states(any_store) == ["pending"]:
        now = max(now, rows(any_store)[0].next_at)
        step(any_store, post, now, notes)
        attempts += 1
    assert notes.told == [("failed", "anna@a.se", "451 later")]
    assert now == T0 + dt.timedelta(days=5)
    assert attempts > 30


def test_an_unclear_delivery_is_repeated_once_with_the_same_bytes(any_store):
    queue(any_store, "anna@a.se")
    post, notes = Post(anna=SendError("lost after the final dot", unclear=True)), Notes()
    for minute in range(9):
        step(any_store, post, T0 + minute * MINUTE, notes)
    assert len(post.taken) == 2
    assert len(set(post.taken)) == 1
    assert notes.told == [("failed", "anna@a.se", "lost after the final dot")]
    assert states(any_store) == ["unclear"]


@pytest.mark.parametrize("kind", ["report", "invitation"])
def test_an_unclear_report_or_invitation_is_left_to_the_operators(any_store, kind):
    queue(any_store, "anna@a.se", kind=kind)
    post, notes = Post(anna=SendError("lost after the final dot", unclear=True)), Notes()
    for minute in range(5):
        step(any_store, post, T0 + minute * MINUTE, notes)
    assert len(post.taken) == 1
    assert states(any_store) == ["unclear"]
    assert notes.told == [("failed", "anna@a.se", "lost after the final dot")]


def test_a_server_that_is_down_stops_the_group_and_costs_the_rest_no_attempt(any_store):
    queue(any_store, "anna@a.se", "bo@b.se", "eva@e.se")
    away = Post(anna=SendError("connection refused", unreachable=True))
    assert step(any_store, away) == (False, [])
    assert [(row.state, row.attempts) for row in rows(any_store)] == [
        ("pending", 1),
        ("pending", 0),
        ("pending", 0),
    ]
    assert {row.lease_owner for row in rows(any_store)} == {None}
    assert step(any_store, Post())[1] == [("sent", "bo@b.se"), ("sent", "eva@e.se")]


def test_a_server_that_is_away_for_weeks_fails_no_mail(store):
    queue(store, "anna@a.se")
    away, now = Post(anna=SendError("connection refused", unreachable=True)), T0
    for _ in range(20):
        now += dt.timedelta(days=1)
        assert step(store, away, now) == (False, [])
    assert states(store) == ["pending"]
    assert step(store, Post(), now + dt.timedelta(minutes=5))[1] == [("sent", "anna@a.se")]


def test_a_first_refusal_after_a_week_without_a_server_is_not_a_mails_last(any_store):
    """Greylisting, after our own server was down for longer than a mail is tried."""
    queue(any_store, "anna@a.se")
    away, now = Post(anna=SendError("connection refused", unreachable=True)), T0
    while now < T0 + dt.timedelta(days=7):
        step(any_store, away, now)
        now += dt.timedelta(hours=8)
    later = Post(anna=SendError("451 4.7.1 greylisted", permanent=False))
    assert step(any_store, later, now) == (True, [])
    assert states(any_store) == ["pending"]
    assert step(any_store, Post(), now + 15 * MINUTE)[1] == [("sent", "anna@a.se")]


def test_how_long_a_mail_is_tried_is_a_setting(store):
    queue(store, "anna@a.se")
    later = Post(anna=SendError("451 later"))
    sending = a_sender(store, later, outgoing='give_up_after = "2h"')
    for minutes in (0, 5, 15, 60, 180):
        sending.step(T0 + minutes * MINUTE)
    assert states(store) == ["failed"]


def test_a_fault_of_the_mailer_counts_as_unclear(any_store):
    queue(any_store, "anna@a.se")
    step(any_store, Post(anna=RuntimeError("a bug")))
    (row,) = rows(any_store)
    assert (row.state, row.repeats) == ("pending", 1)


def test_an_erased_mail_fails_and_its_neighbour_goes_out_k2(any_store):
    erased = queue(any_store, "anna@a.se")
    queue(any_store, "bo@b.se", key="other")
    with any_store.writing() as tx:
        tx.execute(update(tables.outgoing).where(tables.outgoing.c.id == erased).values(raw=None))
    _, told = step(any_store, Post())
    assert {what[:2] for what in told} == {("failed", "anna@a.se"), ("sent", "bo@b.se")}


def test_large_mails_are_in_memory_one_at_a_time(store, monkeypatch):
    monkeypatch.setattr(outbox, "TOGETHER_BYTES", 2500)
    sizes = [1000, 1000, 1000, 5000, 100]
    for number, size in enumerate(sizes):
        queue(store, "anna@a.se", "bo@b.se", key=f"k{number}", raw=b"x" * size)
    read, raws = [], outbox.raws
    monkeypatch.setattr(outbox, "raws", lambda tx, ids: read.append(len(set(ids))) or raws(tx, ids))
    post = Post()
    while step(store, post)[0]:
        pass
    assert [len(taken[2]) for taken in post.taken] == [size for size in sizes for _ in "ab"]
    assert read == [2, 1, 1, 1]


def in_the_hands_of_a_dead_process(store, now=T0):
    with store.writing() as tx:
        claimed = outbox.claim(tx, now)
        dead = leases.owner().rpartition(":")[0] + ":1"  # our number, another start
        tx.execute(
            update(tables.outbox).where(tables.outbox.c.state == "sending").values(lease_owner=dead)
        )
    return [delivery.recipient for delivery in claimed]


@pytest.mark.parametrize("seconds", [2, 4, 9])
def test_a_slow_group_is_noted_before_a_stop_loses_patience(store, monkeypatch, seconds):
    """Else what a server took in a group that a stop cut off would go to everybody again."""
    now = [0.0]
    monkeypatch.setattr(lanes.time, "monotonic", lambda: now[0])

    class Slow(Post):
        def send(self, envelope_from, recipient, raw):
            now[0] += seconds
            return super().send(envelope_from, recipient, raw)

    queue(store, *(f"k{number}@k.se" for number in range(outbox.TOGETHER)))
    step(store, Slow())
    assert now[0] < Supervisor.__dataclass_fields__["patience"].default
    assert states(store).count("sent") == now[0] / seconds


def test_what_a_dead_process_was_sending_is_unclear_and_goes_again_at_once(any_store):
    queue(any_store, "anna@a.se", "bo@b.se")
    assert in_the_hands_of_a_dead_process(any_store) == ["anna@a.se", "bo@b.se"]
    post = Post()
    while step(any_store, post)[0]:
        pass
    assert [taken[1] for taken in post.taken] == ["anna@a.se", "bo@b.se"]
    assert {(row.state, row.repeats) for row in rows(any_store)} == {("sent", 1)}


def test_what_is_in_doubt_once_is_taken_alone_so_that_no_other_falls_in_doubt(any_store):
    queue(any_store, "anna@a.se", "bo@b.se")
    in_the_hands_of_a_dead_process(any_store)
    with any_store.writing() as tx:
        for delivery in outbox.take_over(tx):
            outbox.settle(tx, delivery.id, "pending", reply="", next_at=T0, repeats=1)
    queue(any_store, "eva@e.se", key="other")
    assert in_the_hands_of_a_dead_process(any_store) == ["anna@a.se"]


def test_a_report_is_taken_alone(any_store):
    queue(any_store, "anna@a.se")
    queue(any_store, "vd@a.se", kind="report", key="report")
    queue(any_store, "bo@b.se", key="other")
    groups = []
    while group := in_the_hands_of_a_dead_process(any_store):
        groups.append(group)
    assert groups == [["anna@a.se"], ["vd@a.se"], ["bo@b.se"]]


def test_what_a_living_process_is_sending_is_left_alone(any_store):
    queue(any_store, "anna@a.se")
    with any_store.writing() as tx:
        assert outbox.claim(tx, T0)
    assert step(any_store, Post()) == (False, [])


def test_a_database_that_is_away_for_a_minute_makes_no_mail_go_twice(store, monkeypatch):
    """A server that is started anew, or hands over to another, is away for as long as that."""
    queue(store, "anna@a.se")
    waited = []
    settle = outbox.settle_sent

    def away(*args, **options):
        if sum(waited) < 55:
            raise StoreError("the server is starting up")
        return settle(*args, **options)

    monkeypatch.setattr(outbox, "settle_sent", away)
    monkeypatch.setattr(settling.time, "sleep", waited.append)
    post = Post()
    assert step(store, post)[1] == [("sent", "anna@a.se")]
    assert (len(post.taken), states(store)) == (1, ["sent"])


@pytest.mark.parametrize("others", [(), ("bo@b.se", "eva@e.se")])
def test_a_fault_in_what_one_delivery_sets_off_repeats_neither_it_nor_the_others(any_store, others):
    """Its end is noted alone, and told: else the mail would go three times."""
    queue(any_store, "anna@a.se", *others)
    post = Post()

    class Faulty(Notes):
        def accepted(self, tx, desk, delivery, now):
            if delivery.recipient == "anna@a.se":
                raise KeyError("no such ticket")

    sending = a_sender(any_store, post, Faulty())
    with pytest.raises(KeyError, match="no such ticket"):
        sending.step(T0)
    assert states(any_store) == ["sent"] * (1 + len(others)) + ["pending"]
    sending.step(T0)
    operators = "drift@example.se"
    assert [recipient for _, recipient, _ in post.taken] == ["anna@a.se", *others, operators]
    assert "KeyError: 'no such ticket'" in text_of(post.taken[-1][2])


def test_what_was_frozen_after_its_claim_sends_nothing_that_another_has_taken_over(
    any_store, monkeypatch
):
    """A stopped process, or a server that was, goes on where it stood: ten minutes later."""
    queue(any_store, "anna@a.se", "bo@b.se")
    others, frozen, clock = Post(), Post(), [0.0]
    point = senders.fault_point

    def eleven_minutes(name):
        point(name)
        if name == "outbox.claimed" and not clock[0]:
            clock[0] = 660.0
            with monkeypatch.context() as elsewhere:
                elsewhere.setattr(leases, "owner", lambda: "elsewhere:1:1")
                elsewhere.setattr(leases, "wall", lambda: later)
                while step(any_store, others)[0]:
                    pass

    later = leases.wall() + 11 * MINUTE
    monkeypatch.setattr(senders, "fault_point", eleven_minutes)
    monkeypatch.setattr(lanes.time, "monotonic", lambda: clock[0])
    step(any_store, frozen)
    assert sorted(recipient for _, recipient, _ in others.taken) == ["anna@a.se", "bo@b.se"]
    assert frozen.taken == []
    assert states(any_store) == ["sent", "sent"]


def test_a_group_that_was_claimed_long_ago_goes_back_untried_and_out_with_the_next_claim(
    any_store, monkeypatch
):
    queue(any_store, "anna@a.se")
    post, clock = Post(), chain([0.0, 61.0], repeat(100.0))
    monkeypatch.setattr(lanes.time, "monotonic", lambda: next(clock))
    assert step(any_store, post) == (True, [])
    assert [(row.state, row.attempts) for row in rows(any_store)] == [("pending", 0)]
    assert step(any_store, post) == (True, [("sent", "anna@a.se")])


def test_a_lease_that_ran_out_while_nobody_took_over_sends_nothing_twice(any_store):
    """The machine slept between the server's word and ours, or its clock was set."""
    queue(any_store, "anna@a.se")
    post = Post()
    send = post.send

    def sleep_after_it(*mail):
        reply = send(*mail)
        with any_store.writing() as tx:
            tx.execute(update(tables.outbox).values(lease_until=leases.wall() - 99 * MINUTE))
        return reply

    post.send = sleep_after_it
    for minutes in range(3):
        step(any_store, post, T0 + minutes * MINUTE)
    assert (states(any_store), len(post.taken)) == (["sent"], 1)
