"""One process at a time, and one alarm for one fault, on both engines."""

import contextlib
import datetime as dt
import os
import resource
import socket
from pathlib import Path

from daemon.store import known_faults, leases
from daemon.store.schema import tables

T0 = dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)


def held_by(store, owner, until=None):
    with store.writing() as tx:
        assert leases.take(tx, "closing")
        values = {"owner": owner} | ({} if until is None else {"until": until})
        tx.execute(tables.leases.update().values(values))


def take(store):
    with store.writing() as tx:
        return leases.take(tx, "closing")


def test_a_lease_of_a_process_elsewhere_keeps_us_away_until_it_runs_out(any_store):
    held_by(any_store, "elsewhere:1:1")
    assert not take(any_store)
    with any_store.writing() as tx:
        tx.execute(tables.leases.update().values(until=leases.wall() - dt.timedelta(seconds=2)))
    assert take(any_store)


def test_a_lease_that_lasts_longer_than_any_was_taken_by_another_clock(any_store):
    held_by(any_store, "elsewhere:1:1", leases.wall() + dt.timedelta(hours=2))
    assert take(any_store)


def test_our_own_lease_is_renewed_and_a_dead_process_s_taken_over(any_store):
    assert take(any_store)
    assert take(any_store)
    with any_store.writing() as tx:
        dead = leases.owner().rpartition(":")[0] + ":1"
        tx.execute(tables.leases.update().values(owner=dead))
    assert take(any_store)


@contextlib.contextmanager
def without_a_file_descriptor():
    """As after too many connections."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_who_has_no_file_descriptor_left_takes_no_living_process_for_dead():
    """Else what another is sending goes out twice, and what it acts on is taken from it."""
    alive, dead = leases.owner(), leases.owner().rpartition(":")[0] + ":1"
    with without_a_file_descriptor():
        found = leases.is_dead(alive), leases.is_dead(dead)
    assert found == (False, False)
    assert (leases.is_dead(alive), leases.is_dead(dead)) == (False, True)


def test_a_process_that_could_not_tell_when_it_began_lives_while_its_number_does():
    with without_a_file_descriptor():
        name = leases._owner.__wrapped__(os.getpid())
    assert name.endswith(":")
    assert not leases.is_dead(name)
    assert leases.is_dead(name.replace(f":{os.getpid()}:", f":{2**22 + 1}:"))


def test_a_container_of_the_same_host_name_takes_nobody_for_dead(
    monkeypatch,
):
    """Both have a process 1: each would take over what the other is sending, and send it again."""
    ours = leases._place()
    monkeypatch.setattr(Path, "readlink", lambda _: Path("pid:[4026539999]"))
    theirs = leases._place.__wrapped__()
    assert theirs.partition("/")[0] == ours.partition("/")[0] == socket.gethostname()
    assert theirs != ours
    assert not leases.is_dead(f"{theirs}:{2**22 + 1}:1")
    assert leases.is_dead(f"{ours}:{2**22 + 1}:1")


def test_a_lease_given_back_is_free_at_once_and_only_ours_can_be(any_store):
    held_by(any_store, "elsewhere:1:1")
    with any_store.writing() as tx:
        leases.give_back(tx, "closing")
        assert not leases.take(tx, "closing")
        tx.execute(tables.leases.update().values(owner=leases.owner()))
        leases.give_back(tx, "closing")
    assert take(any_store)


def test_an_alarm_is_raised_once_until_it_clears(any_store):
    with any_store.writing() as tx:
        assert known_faults.raise_once(tx, "disk", "full", T0)
        assert known_faults.raise_once(tx, "disk", "full", T0) is None
        known_faults.clear(tx, "disk", T0)
        assert known_faults.raise_once(tx, "disk", "full again", T0 + dt.timedelta(hours=1))
        assert known_faults.standing(tx) == [("disk", "full again")]
