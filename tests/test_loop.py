"""The loops: no fault of one piece of work ends a loop, or keeps the next piece from its turn."""

import datetime as dt
import threading

import pytest
import structlog

from daemon.loop import Step, Worker, until_nothing

NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)


def working(worker):
    """Run a worker in a thread of its own, as the supervisor does."""
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    return thread


def fails(_now):
    raise KeyError("a fault of ours")


def test_a_step_that_fails_keeps_no_other_step_of_its_loop_from_its_turn():
    ran, beats = threading.Event(), []
    worker = Worker(
        "month",
        [Step("warn", fails), Step("close", lambda _now: ran.set())],
        every=30.0,
        clock=lambda: NOW,
        beat=lambda: beats.append(1),
    )
    with structlog.testing.capture_logs() as lines:
        thread = working(worker)
        assert ran.wait(10)
        worker.stop()
        thread.join(10)
    assert beats == []  # a round with a fault is no sign of life
    assert {(line["loop"], line["step"]) for line in lines} == {("month", "warn")}
    assert isinstance(lines[0]["exc_info"], KeyError)  # so that its line tells where (logs.py)


def test_a_wait_that_fails_does_not_end_its_loop():
    rounds, again = [], threading.Event()

    def run(_now):
        rounds.append(1)
        if len(rounds) > 1:
            again.set()
        return False

    def wait(_stop):
        if len(rounds) == 1:
            raise ValueError("what the library never told of")
        again.wait(10)

    worker = Worker("imap", [Step("fetch", run)], every=30.0, clock=lambda: NOW, wait=wait)
    thread = working(worker)
    assert again.wait(10)
    worker.stop()
    thread.join(10)
    assert not thread.is_alive()


@pytest.mark.parametrize("other", ["send", "fetch"])
def test_a_tick_does_what_it_can_before_it_raises_the_first_fault(other):
    """A desk with two mailboxes has two steps that fetch: the broken one stops only itself."""
    left = [1, 2]
    steps = [Step("fetch", fails), Step(other, lambda _now: bool(left and left.pop()))]
    with pytest.raises(KeyError, match="a fault of ours"):
        until_nothing(steps, NOW)
    assert left == []
